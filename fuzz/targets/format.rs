//! What can be formatted means the same afterwards: the same tokens of Rust but for commas before closing brackets and blanks
//! at the ends of doc comments, the same messages, the same graph. Formatting again changes nothing.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::driver::{Settings, check};
use netwright_compiler::format::format;
use netwright_compiler::source::SourceMap;
use netwright_fuzz::{Files, messages, mutate, parses, text};
use proc_macro2::{TokenStream, TokenTree};

fuzz_target!(|data: &[u8]| {
    let Some(whole) = text(data) else { return };
    let (text, files) = Files::of(whole);
    let Some(formatted) = formatted(text) else { return };
    assert!(parses(text), "a text with mistakes was formatted");
    let again = self::formatted(&formatted);
    assert_eq!(again.as_deref(), Some(formatted.as_str()), "formatting again changes the text");
    assert_eq!(tokens(text), tokens(&formatted));
    assert_eq!(meaning(text, files.clone()), meaning(&formatted, files));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| { mutate::cross(one, other, out, seed) });

fn formatted(text: &str) -> Option<String> {
    let mut map = SourceMap::new();
    let source = map.add("main.net", text);
    let mut sink = Sink::new();
    let formatted = format(source, &map, &mut sink);
    messages(&sink, &map);
    assert_eq!(formatted.is_none(), sink.has_errors());
    formatted
}

/// The tokens that `model!` sees, without commas before closing brackets.
fn tokens(text: &str) -> Vec<String> {
    fn add(tokens: TokenStream, all: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    all.push(format!("{:?} opens", group.delimiter()));
                    add(group.stream(), all);
                    if all.last().is_some_and(|last| last == ",") {
                        all.pop();
                    }
                    all.push(format!("{:?} closes", group.delimiter()));
                }
                other => {
                    let is_doc = all.ends_with(&["doc".to_owned(), "=".to_owned()]);
                    all.push(if is_doc { without_blanks(&other.to_string()) } else { other.to_string() });
                }
            }
        }
    }
    let mut all = Vec::new();
    match text.trim_start_matches('\u{feff}').parse() {
        Ok(tokens) => add(tokens, &mut all),
        Err(error) => panic!("{error}"),
    }
    all
}

/// A doc comment's literal without the blanks at its end, which formatting takes away.
fn without_blanks(literal: &str) -> String {
    let mut text = literal.trim_end_matches('"');
    while let Some(shorter) = [" ", "\\t", "\\r"].iter().find_map(|blank| text.strip_suffix(blank)) {
        text = shorter;
    }
    text.to_owned()
}

/// The codes and titles of all messages, and the graph.
fn meaning(text: &str, mut files: Files<'_>) -> (Vec<String>, String) {
    let mut map = SourceMap::new();
    let source = map.add("main.net", text);
    let mut sink = Sink::new();
    let settings = Settings { library: true, ..Settings::default() };
    let lowered = check(source, &mut map, &settings, &mut files, &mut sink);
    let messages = sink.diagnostics().into_iter().map(|found| format!("{} {}", found.code.id(), found.title)).collect();
    (messages, lowered.map(|lowered| lowered.graph.to_string()).unwrap_or_default())
}
