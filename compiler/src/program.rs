//! A description with everything it uses: its text, and the files that `use` names, each read once.

use std::collections::HashMap;

use crate::diagnostic::{Code, Sink, codes, escape, quote};
use crate::ops;
use crate::photo;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{self, ast};

/// Where `use` finds texts. The compiler itself opens no files.
pub trait Sources {
    /// The key of the description itself: what a `use` of it would find. Empty if it has none.
    fn key(&self) -> String {
        String::new()
    }

    /// The text that `target` names in the text with the key `from`.
    ///
    /// # Errors
    ///
    /// Why there is no such text, for its author.
    fn load(&mut self, from: &str, target: &ast::UseTarget) -> Result<Text, Refusal>;

    /// The names of classes, one on a line, that `target` names in the text with the key `from`.
    ///
    /// # Errors
    ///
    /// Why there is no such text, for its author.
    fn labels(&mut self, from: &str, target: &ast::UseTarget) -> Result<Text, Refusal> {
        match target {
            ast::UseTarget::Path(_) => self.load(from, target),
            ast::UseTarget::Bundled(name) => {
                Err(Refusal { title: format!("no labels are called {}", quote(name)), help: None, instead: None })
            }
        }
    }
}

/// A text that `use` has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The same for the same text, however it is named.
    pub key: String,
    /// What messages call it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Why `use` finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One line, without a final full stop.
    pub title: String,
    /// What to do.
    pub help: Option<String>,
    /// What may have been meant instead, such as `<fire>`.
    pub instead: Option<String>,
}

/// Sources without texts: for a description that stands alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn load(&mut self, _: &str, _: &ast::UseTarget) -> Result<Text, Refusal> {
        Err(Refusal { title: "no other files can be used here".to_owned(), help: None, instead: None })
    }
}

/// Most files of a description, itself included.
pub const MAX_FILES: usize = 256;

/// Most bytes of all files of a description together: 16 MiB.
pub const MAX_BYTES: usize = 16 << 20;

/// Most files that use each other in a row.
pub const MAX_CHAIN: usize = 128;

/// A description and the files that it uses.
#[derive(Debug, Clone)]
pub struct Program {
    /// The files; the description itself is the first.
    pub units: Vec<Unit>,
    /// The names of classes that the description has in texts of their own, by the place where it says so; `None` after
    /// a message.
    pub labels: HashMap<Span, Option<Vec<String>>>,
    /// Whether a block has the name of a layer, which is a mistake.
    pub(crate) hides_layers: bool,
    /// Errors about files and texts that could not be read, or are read twice: they hide nothing of what was read.
    pub(crate) n_refused: usize,
}

/// One file.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its text.
    pub source: SourceId,
    /// What stands in it.
    pub file: ast::File,
    /// The files that it uses, as indices of [`Program::units`], in the order of the text.
    pub uses: Vec<usize>,
    /// Its constants, by their names: an index of the file's, of several with one name the first.
    pub(crate) constants: HashMap<String, usize>,
    /// Whether a file that it uses could not be read.
    pub(crate) lacks_file: bool,
}

impl Program {
    /// Reads a description and what it uses. Mistakes go to `sink`.
    pub fn load(source: SourceId, map: &mut SourceMap, sources: &mut dyn Sources, sink: &mut Sink) -> Self {
        let key = sources.key();
        let mut loader = Loader {
            map,
            sources,
            sink,
            units: Vec::new(),
            known: HashMap::new(),
            first_uses: HashMap::new(),
            n_bytes: 0,
            is_full: false,
            n_refused: 0,
        };
        loader.known.insert(key.clone(), 0);
        loader.unit(source);
        // One level after the other by hand: a chain of files is no chain of calls.
        let mut open = vec![Open { unit: 0, key, next: 0 }];
        while let Some(last) = open.last_mut() {
            let (unit, at) = (last.unit, last.next);
            let uses = loader.units.get(unit).map(|unit| unit.file.uses.as_slice()).unwrap_or_default();
            let Some(wanted) = uses.get(at).cloned() else {
                open.pop();
                continue;
            };
            last.next += 1;
            let from = last.key.clone();
            let used = loader.used(&from, &wanted, &open);
            let Some(user) = loader.units.get_mut(unit) else { continue };
            let Some((used, fresh)) = used else {
                user.lacks_file = true;
                continue;
            };
            if user.uses.contains(&used) {
                loader.used_twice(unit, used, &wanted);
                continue;
            }
            user.uses.push(used);
            loader.first_uses.insert((unit, used), wanted.target_span);
            if let Some(key) = fresh {
                open.push(Open { unit: used, key, next: 0 });
            }
        }
        let networks = loader.units.first().map(|unit| unit.file.networks.clone()).unwrap_or_default();
        let mut labels = HashMap::new();
        for network in &networks {
            loader.labels(&network.items, &mut labels);
        }
        let mut blocks = loader.units.iter().flat_map(|unit| &unit.file.blocks);
        let hides_layers = blocks.any(|block| ops::signature(&block.name.text).is_some());
        Self { units: loader.units, labels, hides_layers, n_refused: loader.n_refused }
    }

    /// The description itself.
    #[must_use]
    pub fn main(&self) -> Option<&ast::File> {
        self.units.first().map(|unit| &unit.file)
    }
}

/// A file whose `use` statements are being read.
struct Open {
    unit: usize,
    key: String,
    next: usize,
}

struct Loader<'a> {
    map: &'a mut SourceMap,
    sources: &'a mut dyn Sources,
    sink: &'a mut Sink,
    units: Vec<Unit>,
    known: HashMap<String, usize>,
    n_bytes: usize,
    /// Where a file uses another one first.
    first_uses: HashMap<(usize, usize), Span>,
    /// Whether it was said that there are too many files, or bytes.
    is_full: bool,
    /// See [`Program::n_refused`].
    n_refused: usize,
}

impl Loader<'_> {
    fn unit(&mut self, source: SourceId) -> usize {
        self.n_bytes = self.n_bytes.saturating_add(self.map.text(source).len());
        let file = syntax::parse(source, self.map, self.sink);
        let mut constants = HashMap::new();
        for (constant, index) in file.constants.iter().zip(0..) {
            constants.entry(constant.name.text.clone()).or_insert(index);
        }
        self.units.push(Unit { source, file, uses: Vec::new(), constants, lacks_file: false });
        self.units.len() - 1
    }

    /// Reports what was refused, at the place that names it.
    fn refuse(&mut self, code: Code, span: Span, refusal: Refusal) {
        let Refusal { title, help, instead } = refusal;
        self.n_refused += 1;
        let report = self.sink.error(code, title).primary(span, "not found, or not to be used");
        match (help, instead) {
            (Some(help), Some(instead)) => {
                report.fix(help, span, instead);
            }
            (None, Some(instead)) => {
                report.did_you_mean(&instead, span);
            }
            (Some(help), None) => {
                report.help(help);
            }
            (None, None) => {}
        }
    }

    /// The file that a `use` names, with its key if it is read for the first time; `None` after a message.
    fn used(&mut self, from: &str, wanted: &ast::Use, open: &[Open]) -> Option<(usize, Option<String>)> {
        let span = wanted.target_span;
        let text = match self.sources.load(from, &wanted.target) {
            Ok(text) => text,
            Err(refusal) => {
                self.refuse(codes::N0501, span, refusal);
                return None;
            }
        };
        if let Some(place) = open.iter().position(|open| open.key == text.key) {
            self.cycle(wanted, &open[place..]);
            return None;
        }
        if let Some(&unit) = self.known.get(&text.key) {
            return Some((unit, None));
        }
        let limit = if self.units.len() >= MAX_FILES {
            Some(format!("a description has at most {MAX_FILES} files"))
        } else if self.n_bytes.saturating_add(text.text.len()) > MAX_BYTES {
            Some(format!("the files of a description have at most {MAX_BYTES} bytes together"))
        } else if open.len() >= MAX_CHAIN {
            Some(format!("at most {MAX_CHAIN} files use each other in a row"))
        } else {
            None
        };
        if let Some(title) = limit {
            if !std::mem::replace(&mut self.is_full, true) {
                self.sink.error(codes::N0503, title).primary(span, "one too many");
            }
            return None;
        }
        let source = self.map.add(text.name, text.text);
        let unit = self.unit(source);
        self.known.insert(text.key.clone(), unit);
        Some((unit, Some(text.key)))
    }

    /// Reports a file that is used a second time, which changes nothing.
    fn used_twice(&mut self, unit: usize, used: usize, wanted: &ast::Use) {
        self.n_refused += 1;
        let report =
            self.sink.error(codes::N0103, "the same file is used twice").primary(wanted.target_span, "used again here");
        match self.first_uses.get(&(unit, used)) {
            Some(first) => report.secondary(*first, "used here first"),
            None => report,
        };
    }

    /// Reads the texts that `labels` statements name.
    fn labels(&mut self, items: &[ast::Item], found: &mut HashMap<Span, Option<Vec<String>>>) {
        for item in items {
            match item {
                ast::Item::Labels(ast::Labels { names: ast::LabelNames::Text(target), names_span, .. }) => {
                    let names = self.label_text(target, *names_span);
                    found.insert(*names_span, names);
                }
                ast::Item::If(branches) => {
                    branches.branches().for_each(|braces| self.labels(&braces.items, found));
                }
                ast::Item::For(repetition) => self.labels(&repetition.items, found),
                _ => {}
            }
        }
    }

    /// The names of a text; `None` after a message.
    fn label_text(&mut self, target: &ast::UseTarget, span: Span) -> Option<Vec<String>> {
        // That they are too many has been said.
        if self.n_bytes > MAX_BYTES {
            return None;
        }
        let from = self.sources.key();
        let Text { name, text, .. } = match self.sources.labels(&from, target) {
            Ok(text) => text,
            Err(refusal) => {
                self.refuse(codes::N0703, span, refusal);
                return None;
            }
        };
        self.n_bytes = self.n_bytes.saturating_add(text.len());
        if self.n_bytes > MAX_BYTES {
            let title = format!("the files of a description have at most {MAX_BYTES} bytes together");
            self.sink.error(codes::N0503, title).primary(span, "one too many");
            return None;
        }
        photo::label_lines(&text)
            .map_err(|problem| {
                self.n_refused += 1;
                self.sink
                    .error(codes::N0703, format!("{}: {problem}", escape(&name)))
                    .primary(span, "expected a text with one name on each line");
            })
            .ok()
    }

    fn cycle(&mut self, wanted: &ast::Use, between: &[Open]) {
        let title = match between {
            [_] => "the file uses itself".to_owned(),
            _ => "these files use each other".to_owned(),
        };
        let steps: Vec<Span> = between
            .iter()
            .take(between.len().saturating_sub(1))
            .filter_map(|open| {
                self.units.get(open.unit)?.file.uses.get(open.next.checked_sub(1)?).map(|used| used.span)
            })
            .collect();
        let name = match &wanted.target {
            ast::UseTarget::Bundled(name) => format!("<{name}>"),
            ast::UseTarget::Path(path) => quote(path),
        };
        let mut report =
            self.sink.error(codes::N0502, title).primary(wanted.span, format!("{name} is being read already"));
        for step in steps {
            report = report.secondary(step, "which is used here");
        }
        report.help("move what both need into a file of its own");
    }
}
