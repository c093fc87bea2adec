//! Mistakes in descriptions: every `.net` file under `cases` gives exactly the messages annotated in it.
//!
//! The annotations hold places and titles; what labels and helps say besides stands in a snapshot for each folder. With
//! `NETWRIGHT_BLESS` set the annotations are written instead, for review.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use netwright_compiler::diagnostic::{Sink, Style, codes, render_all, testing};
use netwright_compiler::program::{Refusal, Text};
use netwright_compiler::source::{SourceId, SourceMap};
use netwright_compiler::syntax::ast::UseTarget;
use netwright_compiler::{Constant, Settings, Sources, compile};
use netwright_files::Disk;

/// The folders of cases that the whole compiler answers; those of `syntax` are the parser's own.
const FOLDERS: &[&str] = &["names", "arguments", "shapes", "train", "prune", "photo", "blocks", "uses", "lints"];

/// Codes whose annotated case is no file but a text that `compiler/src/syntax/tests/cases.rs` makes: it would be as large as
/// the limit that it is about.
const WITHOUT_FILE: &[(&str, &str)] = &[("N0001", "a text of 1 MiB"), ("N0003", "a text of 100,000 words")];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name)
}

/// The cases of a folder: file name and text, in order.
fn cases(name: &str) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<(String, String)> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "net"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect();
    cases.sort();
    cases
}

/// What a case's first line says of how it is used: `// given classes = 4, kind = "a"`, or `// network B`.
fn settings(text: &str) -> Settings {
    let first = text.lines().next().unwrap_or_default();
    let overrides = first.strip_prefix("// given ").map_or_else(Vec::new, |given| {
        let pairs = given.split(", ").map(|pair| pair.split_once(" = ").expect("NAME = VALUE"));
        pairs.map(|(name, value)| (name.to_owned(), constant(value))).collect()
    });
    Settings { network: first.strip_prefix("// network ").map(str::to_owned), overrides, ..Settings::default() }
}

fn constant(text: &str) -> Constant {
    let int = text.parse().ok().map(Constant::Int);
    let float = || text.parse().ok().map(Constant::Float);
    let flag = || text.parse().ok().map(Constant::Bool);
    int.or_else(float).or_else(flag).unwrap_or_else(|| Constant::Text(text.trim_matches('"').to_owned()))
}

/// The files beside the cases, and files of as many blanks as their name says: `blanks/100.net`.
struct Files(Disk);

impl Sources for Files {
    fn key(&self) -> String {
        self.0.key()
    }

    fn load(&mut self, from: &str, target: &UseTarget) -> Result<Text, Refusal> {
        let path = if let UseTarget::Path(path) = target { path.as_str() } else { "" };
        let count = path.strip_prefix("blanks/").and_then(|name| name.strip_suffix(".net"));
        match count.and_then(|count| count.parse().ok()) {
            Some(count) => Ok(Text { name: path.to_owned(), key: path.to_owned(), text: " ".repeat(count) }),
            None => self.0.load(from, target),
        }
    }

    fn labels(&mut self, from: &str, target: &UseTarget) -> Result<Text, Refusal> {
        self.0.labels(from, target)
    }
}

fn front_end(source: SourceId, map: &mut SourceMap, sink: &mut Sink) {
    let settings = settings(map.text(source));
    let mut sources = Files(Disk::below(&folder("files"), None));
    let compiled = compile(source, map, &settings, &mut sources, sink);
    assert_eq!(compiled.is_none(), sink.has_errors(), "code exactly where there are no errors");
}

/// The messages of a text, as a user sees them.
fn rendered(name: &str, text: &str) -> String {
    let mut map = SourceMap::new();
    let source = map.add(name, text);
    let mut sink = Sink::new();
    front_end(source, &mut map, &mut sink);
    render_all(&sink, &map, Style::Plain)
}

#[test]
fn annotations_hold() {
    let bless = std::env::var_os("NETWRIGHT_BLESS").is_some();
    let mut reports = String::new();
    for (folder_name, (name, text)) in
        FOLDERS.iter().flat_map(|&folder| cases(folder).into_iter().map(move |case| (folder, case)))
    {
        if bless {
            std::fs::write(folder(folder_name).join(&name), testing::annotate(&name, &text, front_end)).unwrap();
        } else if let Err(report) = testing::check(&name, &text, front_end) {
            reports += &report;
        }
        let (code, _) = name.split_once('_').expect("a case's name starts with its code");
        if !rendered(&name, &text).contains(&format!("[{code}]:")) {
            writeln!(reports, "{name}: does not give {code}").unwrap();
        }
    }
    assert!(reports.is_empty(), "{reports}");
}

/// Labels, helps and layout of every message, for review.
#[test]
fn messages_as_users_see_them() {
    for folder in FOLDERS {
        let mut text = String::new();
        for (name, case) in cases(folder) {
            let without: String = case.split_inclusive('\n').filter(|line| !is_annotation(line)).collect();
            writeln!(text, "{}", rendered(&name, &without)).unwrap();
        }
        insta::with_settings!({ snapshot_path => "../cases", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(*folder, text);
        });
    }
}

fn is_annotation(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") && line.contains('^') && (line.contains(" error[N") || line.contains(" warning[N"))
}

/// Titles are one line without a final full stop, and so are labels and helps.
#[test]
fn messages_keep_the_house_style() {
    for (name, text) in FOLDERS.iter().flat_map(|folder| cases(folder)) {
        let mut map = SourceMap::new();
        let source = map.add(name.as_str(), text);
        let mut sink = Sink::new();
        front_end(source, &mut map, &mut sink);
        for diagnostic in sink.diagnostics() {
            let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary).map(|label| &label.text);
            for line in labels
                .chain([&diagnostic.title])
                .chain(diagnostic.helps.iter().map(|help| &help.text))
                .chain(&diagnostic.notes)
            {
                assert!(!line.is_empty() && !line.ends_with('.') && !line.contains('\n'), "{name}: {line:?}");
                assert!(!line.starts_with(char::is_uppercase), "{name}: {line:?}");
            }
        }
    }
}

/// Every code has a file of its own, `CODE_what.net`, in which it is annotated; so no code is without a cause.
#[test]
fn every_code_has_a_case() {
    for code in codes::all() {
        let is_own = |name: &str| name.split_once('_').is_some_and(|(first, _)| first == code.id());
        let has_case = FOLDERS.iter().chain(&["syntax"]).any(|&folder| {
            cases(folder).iter().filter(|(name, _)| is_own(name)).any(|(name, text)| {
                let annotated = |line: &str| is_annotation(line) && line.contains(&format!("[{code}]: "));
                // Of files that use each other some mistakes lie in the other file, which has no annotations.
                text.lines().any(annotated)
                    || (folder == "uses" && rendered(name, text).contains(&format!("[{code}]: ")))
            })
        });
        let excused = WITHOUT_FILE.iter().any(|(id, _)| *id == code.id());
        assert!(has_case != excused, "{code}: has a case: {has_case}, is excused: {excused}");
    }
}

/// The examples on the pages of the codes do what the pages say.
#[test]
fn pages_of_codes_are_right() {
    let wrong: Vec<String> = codes::all().filter_map(|code| testing::check_page(code, front_end).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The message that the documentation shows.
#[test]
fn a_message_in_full() {
    let text = "network LeNet(classes: int = 10) {\n    input image: [28, 28, 1];\n\n    logits = image\n        \
                -> conv(32, kernel: 5) -> relu -> max_pool(2)\n        -> dense(128) -> relu -> dense(classes);\n\n    \
                output probabilities = softmax(logits): [classes];\n}\n";
    let expected = "error[N0302]: `dense` takes a flat input, found [12, 12, 32]
 --> nets/lenet.net:6:12
  |
5 |         -> conv(32, kernel: 5) -> relu -> max_pool(2)
  |                                           ----------- this produces [12, 12, 32]
6 |         -> dense(128) -> relu -> dense(classes);
  |            ^^^^^^^^^^ expected [features]
  |
  = help: insert `flatten` before `dense`
";
    assert_eq!(rendered("nets/lenet.net", text), expected);
}

/// What has an unknown shape agrees with everything.
#[test]
fn what_hangs_on_a_mistake_gives_no_message() {
    let text = "network N {\n    input x: [4];\n    b = a -> dense(3) -> conv(2, kernel: 9);\n    c = b + x;\n    \
                output y = c -> dense(2): [17];\n    train { loss: cross_entropy(y); batch: 0; }\n}\n";
    let messages = rendered("n.net", text);
    let titles: Vec<&str> = messages.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(titles.len(), 2, "{messages}");
    assert!(titles[0].contains("nothing is called `a`"), "{messages}");
    assert!(titles[1].contains("`batch` cannot be 0"), "{messages}");
}

/// Leaving out any one word or sign of a description gives at most one message, or one for each use of a name that is
/// gone.
#[test]
fn one_mistake_gives_one_message() {
    let text = include_str!("../../models/lenet.net");
    let mut n_broken = 0;
    for (start, end) in words(text) {
        let broken = format!("{}{}", &text[..start], &text[end..]);
        let messages = rendered("lenet.net", &broken);
        let n_messages = messages.matches("error[").count();
        let word = &text[start..end];
        let n_uses = text.match_indices(word).count().saturating_sub(1);
        assert!(n_messages <= 1 || n_messages <= n_uses, "without `{word}` at {start}:\n{messages}");
        n_broken += usize::from(n_messages > 0);
    }
    assert!(n_broken > 50, "{n_broken}");
}

/// The bytes of each word and sign of a text, without its comments.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split("//").next().unwrap_or_default();
        let mut before = ' ';
        for (index, c) in code.char_indices().filter(|(_, c)| c.is_ascii()) {
            let place = at + index;
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            match words.last_mut() {
                Some(last) if last.1 == place && ((is_word(c) && is_word(before)) || (before, c) == ('-', '>')) => {
                    last.1 += 1
                }
                _ if !c.is_whitespace() => words.push((place, place + 1)),
                _ => {}
            }
            before = c;
        }
        at += line.len();
    }
    words
}
