//! Lints: descriptions that are correct, and perhaps not what was meant.
//!
//! Each has a name, by which `allow(…)` keeps it quiet, and `deny(…)` makes it an error, in the braces, or the file, that the
//! statement stands in. Lints run when there are no errors.

mod graph;
mod names;
#[cfg(test)]
mod tests;
mod texts;
mod variants;

use crate::diagnostic::{Code, Report, Sink, codes, quote, suggest};
use crate::ir::Graph;
use crate::program::Program;
use crate::recipe::Recipe;
use crate::source::Span;
use crate::syntax::ast::{self, Item, LintLevel};

pub(crate) use names::{Definitions, hidden};
pub(crate) use texts::Texts;
pub(crate) use variants::variants;

/// A lint: its name in `allow(…)`, `warn(…)` and `deny(…)`, and the code of its message.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// The name in the language.
    pub name: &'static str,
    /// The code of its message.
    pub code: Code,
}

const UNUSED_VALUE: Lint = Lint { name: "unused_value", code: codes::N0601 };
const HIDDEN_NAME: Lint = Lint { name: "hidden_name", code: codes::N0602 };
const PADDED_1X1: Lint = Lint { name: "padded_1x1", code: codes::N0603 };
const TRUNCATED_POOL: Lint = Lint { name: "truncated_pool", code: codes::N0604 };
const NO_ACTIVATION: Lint = Lint { name: "no_activation", code: codes::N0605 };
const DOMINANT_LAYER: Lint = Lint { name: "dominant_layer", code: codes::N0606 };
const LAST_DROPOUT: Lint = Lint { name: "last_dropout", code: codes::N0607 };
const CHANNELS_FIRST: Lint = Lint { name: "channels_first", code: codes::N0608 };
pub(crate) const BROKEN_VARIANT: Lint = Lint { name: "broken_variant", code: codes::N0609 };
const DOUBLE_SOFTMAX: Lint = Lint { name: "double_softmax", code: codes::N0405 };

/// All lints. Every one warns unless a level is set.
pub const LINTS: &[Lint] = &[
    DOUBLE_SOFTMAX,
    UNUSED_VALUE,
    HIDDEN_NAME,
    PADDED_1X1,
    TRUNCATED_POOL,
    NO_ACTIVATION,
    DOMINANT_LAYER,
    LAST_DROPOUT,
    CHANNELS_FIRST,
    BROKEN_VARIANT,
];

/// A lint's level, as a program sets it: statements, and where they count.
#[derive(Debug)]
struct Set {
    /// The braces, or the file.
    within: Span,
    lint: String,
    level: LintLevel,
    /// The lint's name in the statement.
    at: Span,
}

/// The levels of lints in a program, and outside of it.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    set: Vec<Set>,
    /// The networks and blocks, with their names.
    homes: Vec<(Span, String)>,
    /// Lints that are errors where the program does not say otherwise.
    denied: Vec<String>,
}

/// What stands for all lints where lints are denied from outside.
pub const WARNINGS: &str = "warnings";

impl Levels {
    /// Collects what a program sets; names of no lint are errors. `denied` are names of lints, or [`WARNINGS`].
    pub(crate) fn of(program: &Program, denied: &[String], sink: &mut Sink) -> Self {
        let mut levels = Self { denied: denied.to_vec(), ..Self::default() };
        for unit in &program.units {
            let file = &unit.file;
            file.levels.iter().for_each(|statement| levels.note(statement, file.span, sink));
            for block in &file.blocks {
                levels.homes.push((block.span, block.name.text.clone()));
                levels.items(&block.items, block.span, sink);
            }
            for network in &file.networks {
                levels.homes.push((network.span, network.name.text.clone()));
                levels.items(&network.items, network.span, sink);
            }
        }
        levels
    }

    fn items(&mut self, items: &[Item], within: Span, sink: &mut Sink) {
        for item in items {
            match item {
                Item::Levels(statement) => self.note(statement, within, sink),
                Item::For(repetition) => self.items(&repetition.items, repetition.span, sink),
                Item::If(branches) => {
                    branches.branches().for_each(|braces| self.items(&braces.items, braces.span, sink));
                }
                Item::Input(_)
                | Item::Binding(_)
                | Item::Output(_)
                | Item::Return(_)
                | Item::Const(_)
                | Item::Assert(_)
                | Item::Freeze(_)
                | Item::Labels(_)
                | Item::Train(_)
                | Item::Prune(_)
                | Item::Budget(_) => {}
            }
        }
    }

    fn note(&mut self, statement: &ast::Levels, within: Span, sink: &mut Sink) {
        for lint in &statement.lints {
            let names = || LINTS.iter().map(|lint| lint.name);
            if names().any(|name| name == lint.text) {
                self.set.push(Set { within, lint: lint.text.clone(), level: statement.level, at: lint.span });
                continue;
            }
            let report = sink
                .error(codes::N0119, format!("there is no lint called {}", quote(&lint.text)))
                .primary(lint.span, "not a lint");
            let coded = LINTS.iter().find(|known| known.code.id().eq_ignore_ascii_case(&lint.text));
            match coded.map(|known| known.name).or_else(|| suggest(&lint.text, names())) {
                Some(near) if coded.is_some() => report.fix(format!("write `{near}`"), lint.span, near),
                Some(near) => report.did_you_mean(near, lint.span),
                None => report.help(format!("the lints are {}", names().collect::<Vec<_>>().join(", "))),
            };
        }
    }

    /// A lint's level at a place, and what sets it in the program: the statement of the innermost braces, of those the last.
    fn at(&self, lint: Lint, at: Span) -> (LintLevel, Option<&Set>) {
        let len = |span: Span| span.end - span.start;
        let counts = self.set.iter().filter(|set| set.lint == lint.name && set.within.contains(at));
        // Of several that are equally small the first is found, and so the last statement.
        let inner = counts.rev().min_by_key(|set| len(set.within));
        let level = match inner {
            Some(set) => set.level,
            None if self.denied.iter().any(|denied| denied == lint.name) => LintLevel::Deny,
            None => LintLevel::Warn,
        };
        let is_hardened = level == LintLevel::Warn && self.denied.iter().any(|denied| denied == WARNINGS);
        (if is_hardened { LintLevel::Deny } else { level }, inner)
    }

    /// Whether a lint is an error at some place.
    pub(crate) fn may_deny(&self, lint: Lint) -> bool {
        self.denied.iter().any(|denied| denied == lint.name || denied == WARNINGS)
            || self.set.iter().any(|set| set.lint == lint.name && set.level == LintLevel::Deny)
    }

    /// The lints that are allowed anywhere.
    pub(crate) fn allowed(&self) -> Vec<&'static str> {
        let is_allowed =
            |lint: &Lint| self.set.iter().any(|set| set.lint == lint.name && set.level == LintLevel::Allow);
        LINTS.iter().filter(|lint| is_allowed(lint)).map(|lint| lint.name).collect()
    }

    /// Where a statement must stand to count at a place.
    fn home(&self, at: Span) -> String {
        match self.homes.iter().find(|(span, _)| span.contains(at)) {
            Some((_, name)) => format!("in `{name}`"),
            None => "in this file".to_owned(),
        }
    }
}

/// What lints report to.
pub(crate) struct Linter<'a> {
    levels: &'a Levels,
    sink: &'a mut Sink,
}

impl<'a> Linter<'a> {
    pub(crate) fn new(levels: &'a Levels, sink: &'a mut Sink) -> Self {
        Self { levels, sink }
    }

    /// Warns, or reports an error where the lint is denied, unless it is allowed there.
    fn warn(&mut self, lint: Lint, title: impl Into<String>, at: Span, label: &str) -> Option<Report<'_>> {
        self.warn_where(lint, at, title, at, label)
    }

    /// The same, by the level that the lint has at another place, `counts`.
    fn warn_where(
        &mut self,
        lint: Lint,
        counts: Span,
        title: impl Into<String>,
        at: Span,
        label: &str,
    ) -> Option<Report<'_>> {
        let (level, set) = self.levels.at(lint, counts);
        let report = match level {
            LintLevel::Allow => return None,
            LintLevel::Warn => self.sink.warning(lint.code, title).primary(at, label),
            LintLevel::Deny => self.sink.error(lint.code, title).primary(at, label),
        };
        // Another statement counts only in the place of one that counts already.
        Some(match set {
            Some(set) => {
                let label = if set.level == LintLevel::Deny { "denied here" } else { "asked for here" };
                report.secondary(set.at, label).note(format!("`allow({});` in its place keeps this quiet", lint.name))
            }
            None => report.note(format!("`allow({});` {} keeps this quiet", lint.name, self.levels.home(counts))),
        })
    }
}

/// Looks at a network without errors.
pub(crate) fn network(graph: &Graph, recipe: Option<&Recipe>, texts: &Texts<'_>, linter: &mut Linter<'_>) {
    graph::run(graph, recipe, texts, linter);
}
