//! Lints: descriptions that are correct, and perhaps not what was meant.
//!
//! Each has a name, by which `allow(…)` keeps it quiet in the braces, or the file, that it stands in. Lints run when there
//! are no errors.

mod graph;
mod names;

use crate::diagnostic::{Code, Report, Sink, codes, quote, suggest};
use crate::ir::Graph;
use crate::program::Program;
use crate::recipe::Recipe;
use crate::source::Span;
use crate::syntax::ast::{self, Item};

pub(crate) use names::{Definitions, hidden};

/// A lint: its name in `allow(…)`, and the code of its message.
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
const DOUBLE_SOFTMAX: Lint = Lint { name: "double_softmax", code: codes::N0405 };

/// All lints. Every one warns unless it is allowed.
pub const LINTS: &[Lint] = &[
    DOUBLE_SOFTMAX,
    UNUSED_VALUE,
    HIDDEN_NAME,
    PADDED_1X1,
    TRUNCATED_POOL,
    NO_ACTIVATION,
    DOMINANT_LAYER,
    LAST_DROPOUT,
];

/// Where which lints are allowed.
#[derive(Debug, Default)]
pub(crate) struct Allowed(Vec<(Span, String)>);

impl Allowed {
    /// Collects what a program allows; names of no lint are errors.
    pub(crate) fn of(program: &Program, sink: &mut Sink) -> Self {
        let mut allowed = Self::default();
        for unit in &program.units {
            let file = &unit.file;
            file.allows.iter().for_each(|allow| allowed.note(allow, file.span, sink));
            for block in &file.blocks {
                allowed.items(&block.items, block.span, sink);
            }
            for network in &file.networks {
                allowed.items(&network.items, network.span, sink);
            }
        }
        allowed
    }

    fn items(&mut self, items: &[Item], within: Span, sink: &mut Sink) {
        for item in items {
            match item {
                Item::Allow(allow) => self.note(allow, within, sink),
                Item::For(repetition) => self.items(&repetition.items, repetition.span, sink),
                Item::If(branches) => {
                    for items in branches.arms.iter().map(|(_, items)| items).chain([&branches.otherwise]) {
                        self.items(items, branches.span, sink);
                    }
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

    fn note(&mut self, allow: &ast::Allow, within: Span, sink: &mut Sink) {
        for lint in &allow.lints {
            let names = || LINTS.iter().map(|lint| lint.name);
            if names().any(|name| name == lint.text) {
                self.0.push((within, lint.text.clone()));
                continue;
            }
            let report = sink
                .error(codes::N0119, format!("there is no lint called {}", quote(&lint.text)))
                .primary(lint.span, "not a lint");
            match suggest(&lint.text, names()) {
                Some(near) => report.help(format!("did you mean `{near}`?")),
                None => report.help(format!("the lints are {}", names().collect::<Vec<_>>().join(", "))),
            };
        }
    }

    fn allows(&self, lint: Lint, at: Span) -> bool {
        let around = |span: &Span| span.source == at.source && span.start <= at.start && at.end <= span.end;
        self.0.iter().any(|(span, name)| name == lint.name && around(span))
    }
}

/// What lints report to.
pub(crate) struct Linter<'a> {
    allowed: &'a Allowed,
    sink: &'a mut Sink,
}

impl<'a> Linter<'a> {
    pub(crate) fn new(allowed: &'a Allowed, sink: &'a mut Sink) -> Self {
        Self { allowed, sink }
    }

    /// Warns, unless the lint is allowed there.
    fn warn(&mut self, lint: Lint, title: impl Into<String>, at: Span, label: &str) -> Option<Report<'_>> {
        if self.allowed.allows(lint, at) {
            return None;
        }
        let report = self.sink.warning(lint.code, title).primary(at, label);
        Some(report.note(format!("`allow({});` keeps this quiet", lint.name)))
    }
}

/// Looks at a network without errors.
pub(crate) fn network(graph: &Graph, recipe: Option<&Recipe>, linter: &mut Linter<'_>) {
    graph::run(graph, recipe, linter);
}
