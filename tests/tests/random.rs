//! Random networks as texts: the committed ones are the generator's; formatting keeps what they mean; compiling them
//! again gives the same code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::path::Path;

use netwright_compiler::compile;
use netwright_compiler::diagnostic::{Sink, short};
use netwright_compiler::driver::{Settings, check};
use netwright_compiler::emit::{Target, emit, to_text};
use netwright_compiler::format::format;
use netwright_compiler::lint::LINTS;
use netwright_compiler::ops::SIGNATURES;
use netwright_compiler::source::SourceMap;
use netwright_compiler::syntax::keywords::KEYWORDS;
use netwright_files::Disk;
use netwright_tests::generator::{COMMITTED, network};
use netwright_tests::interpreter::Random;

/// `tests/nets/random` holds the networks of [`COMMITTED`], which `generated` compiles. `NETWRIGHT_BLESS` writes them.
#[test]
fn committed_networks_are_the_generators() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("nets/random");
    for seed in COMMITTED {
        let (path, text) = (folder.join(format!("seed_{seed}.net")), network(seed));
        if std::env::var_os("NETWRIGHT_BLESS").is_some() {
            std::fs::write(path, text).unwrap();
        } else {
            assert_eq!(std::fs::read_to_string(path).unwrap(), text, "seed {seed}");
        }
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), COMMITTED.len());
}

/// What can stand between two words, or beside a statement.
const GAPS: &[&str] = &["  ", "\n", "\n\n\n", " /* c */ ", "\n// own\n", " // end\n", "\t", "\r\n", "/* a\n b */"];

/// The text with other blanks and comments between some of its words.
fn shaken(text: &str, random: &mut Random) -> String {
    let mut shaken = String::new();
    for line in text.split_inclusive('\n') {
        let is_doc = line.trim_start().starts_with("///");
        let mut in_string = false;
        for letter in line.chars() {
            in_string ^= letter == '"';
            shaken.push(letter);
            // Behind a blank or a sign that no other sign follows.
            if !is_doc && !in_string && matches!(letter, ' ' | ';' | ',' | '{') && random.one_in(12) {
                shaken += *random.pick(GAPS);
            }
        }
    }
    shaken
}

fn formatted(text: &str) -> String {
    let mut map = SourceMap::new();
    let source = map.add("random.net", text);
    let mut sink = Sink::new();
    format(source, &map, &mut sink).unwrap_or_else(|| panic!("{:?}\n{text}", sink.diagnostics()))
}

/// The graph as text, and what the compiler says of the network without the places.
fn meaning(text: &str) -> (String, Vec<String>) {
    let mut map = SourceMap::new();
    let source = map.add("random.net", text);
    let mut sink = Sink::new();
    let lowered = check(source, &mut map, &Settings::default(), &mut Disk::bundled(), &mut sink);
    let messages = sink.diagnostics().into_iter().map(|found| format!("{} {}", found.code, found.title)).collect();
    (lowered.unwrap_or_else(|| panic!("{text}")).graph.to_string(), messages)
}

fn keeps_its_meaning(seed: u64) {
    let text = network(seed);
    let mut random = Random::new(seed ^ 0xf0f0);
    for text in [text.clone(), shaken(&text, &mut random)] {
        let once = formatted(&text);
        assert_eq!(formatted(&once), once, "seed {seed}: formatting again changes the text");
        assert_eq!(meaning(&once), meaning(&text), "seed {seed}\n{text}\n{once}");
    }
}

#[test]
fn formatting_keeps_the_graph() {
    (0..150).for_each(keeps_its_meaning);
}

#[test]
#[ignore = "takes minutes"]
fn formatting_keeps_many_graphs() {
    (150..5000).for_each(keeps_its_meaning);
}

/// The code in both its forms.
fn code(text: &str) -> (String, String) {
    let mut map = SourceMap::new();
    let source = map.add("random.net", text);
    let mut sink = Sink::new();
    let compiled = compile(source, &mut map, &Settings::default(), &mut Disk::bundled(), &mut sink);
    let compiled = compiled.unwrap_or_else(|| {
        let messages: Vec<String> = sink.diagnostics().into_iter().map(|found| short(found, &map)).collect();
        panic!("{}\n{text}", messages.join("\n"))
    });
    let plain = Target { is_text: false, ..Target::text() };
    (emit(&compiled, &plain).to_string(), to_text(emit(&compiled, &Target::text())).unwrap())
}

fn has_one_code(seed: u64) {
    let text = network(seed);
    assert_eq!(code(&text), code(&text), "seed {seed}");
}

#[test]
fn a_text_has_one_code() {
    (0..60).for_each(has_one_code);
}

#[test]
#[ignore = "takes minutes"]
fn many_texts_have_one_code() {
    (60..2000).for_each(has_one_code);
}

/// The dictionary of the fuzz targets knows the words of the language.
#[test]
fn the_dictionary_is_complete() {
    let dictionary = include_str!("../../fuzz/net.dict");
    let layers = SIGNATURES.iter().map(|signature| signature.name);
    let missing: Vec<&str> = KEYWORDS
        .iter()
        .copied()
        .chain(layers)
        .chain(LINTS.iter().map(|lint| lint.name))
        .filter(|word| !dictionary.contains(&format!("\"{word}\"\n")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
