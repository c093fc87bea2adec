//! What the fuzz targets share: how bytes are read as a description with the files that it uses, what holds of every
//! message, and a mutator that knows the words of the language.

pub mod mutate;

use netwright_compiler::diagnostic::{Sink, Style, apply, data, render, short};
use netwright_compiler::program::{Refusal, Sources, Text};
use netwright_compiler::source::{SourceId, SourceMap};
use netwright_compiler::syntax::ast::UseTarget;
use netwright_compiler::syntax::parse;

/// What starts the line that names a further file: what follows it, up to the next such line, stands in that file.
pub const FILE: &str = "//@ ";

/// The text of an input; `None` if it is not UTF-8, which `compiler/files` refuses before the compiler sees it.
#[must_use]
pub fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The files of an input, which `use` finds by their names, and the bundled ones.
#[derive(Debug, Clone)]
pub struct Files<'a> {
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Files<'a> {
    /// The description itself, and the files beside it.
    #[must_use]
    pub fn of(text: &'a str) -> (&'a str, Self) {
        let starts: Vec<usize> =
            text.match_indices(FILE).map(|(at, _)| at).filter(|at| *at == 0 || text[..*at].ends_with('\n')).collect();
        let main = &text[..starts.first().copied().unwrap_or(text.len())];
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let file = |(start, end): (&usize, usize)| {
            let part = &text[start + FILE.len()..end];
            let (name, rest) = part.split_once('\n').unwrap_or((part, ""));
            (name.trim(), rest)
        };
        (main, Self { named: starts.iter().zip(ends).map(file).collect() })
    }
}

impl Sources for Files<'_> {
    fn key(&self) -> String {
        "main.net".to_owned()
    }

    fn load(&mut self, _: &str, target: &UseTarget) -> Result<Text, Refusal> {
        let (key, text) = match target {
            UseTarget::Bundled(name) => (format!("<{name}>"), netwright_models::get(name).map(|found| found.text)),
            UseTarget::Path(path) => {
                (path.clone(), self.named.iter().find(|(name, _)| name == path).map(|(_, text)| *text))
            }
        };
        match text {
            Some(text) => Ok(Text { name: key.clone(), key, text: text.to_owned() }),
            None => Err(Refusal { title: "there is no such file".to_owned(), help: None, instead: None }),
        }
    }

    fn labels(&mut self, from: &str, target: &UseTarget) -> Result<Text, Refusal> {
        match target {
            UseTarget::Bundled(name) => match netwright_models::labels(name) {
                Some(text) => Ok(Text { name: format!("<{name}>"), key: format!("<{name}>"), text: text.to_owned() }),
                None => Err(Refusal { title: "there are no such labels".to_owned(), help: None, instead: None }),
            },
            UseTarget::Path(_) => self.load(from, target),
        }
    }
}

/// What holds of messages: their spans lie in their texts, on boundaries of characters; they can be shown in every way;
/// none of them reports a bug of the compiler. All of them, one on a line.
pub fn messages(sink: &Sink, map: &SourceMap) -> String {
    let mut all = String::new();
    for diagnostic in sink.diagnostics() {
        for label in std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary) {
            let text = map.text(label.span.source);
            assert!(text.get(label.span.range()).is_some(), "a label outside of its text: {diagnostic:?}");
        }
        let line = short(diagnostic, map);
        assert!(!line.contains("cannot go on") && !line.contains("would change"), "a bug of the compiler: {line}");
        assert!(!line.contains("does not follow the grammar"), "a mistake that recovery does not know: {line}");
        assert!(!render(diagnostic, map, Style::Plain).is_empty());
        assert!(!render(diagnostic, map, Style::Ansi).is_empty());
        let _ = data(diagnostic, map);
        all += &line;
        all.push('\n');
    }
    all
}

/// Whether a text has no mistake of syntax.
#[must_use]
pub fn parses(text: &str) -> bool {
    let mut map = SourceMap::new();
    let source = map.add("main.net", text);
    let mut sink = Sink::new();
    let _ = parse(source, &map, &mut sink);
    !sink.has_errors()
}

/// What a machine can mend of a text that has no mistake of syntax leaves it so.
pub fn fixes(source: SourceId, text: &str, sink: &Sink) {
    let (fixed, n_edits) = apply(source, text, &sink.diagnostics());
    if n_edits > 0 && parses(text) {
        assert!(parses(&fixed), "what was mended does not parse:\n{fixed}");
    }
}
