//! Lints on names: values that nobody uses, names that hide others.

use std::collections::HashSet;

use super::{HIDDEN_NAME, Linter, UNUSED_VALUE};
use crate::source::Span;
use crate::syntax::ast::{self, Item, ParamType};

/// The names that a file defines, and which of them were used anywhere.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    /// By the place of the definition.
    pub(crate) used: HashSet<Span>,
}

impl Definitions {
    /// Warns of what nobody uses in a file.
    pub(crate) fn unused(&self, file: &ast::File, linter: &mut Linter<'_>) {
        for block in &file.blocks {
            for param in &block.params {
                let what = if matches!(param.ty, ParamType::Tensor(_)) { "tensor" } else { "parameter" };
                self.look_at(&param.name, what, linter);
            }
            self.items(&block.items, linter);
        }
        // Those of a file without a network are there for other files.
        if !file.networks.is_empty() {
            file.constants.iter().for_each(|constant| self.look_at(&constant.name, "constant", linter));
        }
        for network in &file.networks {
            network.params.iter().for_each(|param| self.look_at(&param.name, "parameter", linter));
            self.items(&network.items, linter);
        }
    }

    fn items(&self, items: &[Item], linter: &mut Linter<'_>) {
        for item in items {
            match item {
                Item::Input(input) => self.look_at(&input.name, "input", linter),
                Item::Binding(binding) => {
                    // One result that is used is reason enough to name the others.
                    if !binding.names.iter().any(|name| self.used.contains(&name.span)) {
                        binding.names.iter().take(1).for_each(|name| self.look_at(name, "value", linter));
                    }
                }
                Item::Const(constant) => self.look_at(&constant.name, "constant", linter),
                Item::For(repetition) => self.items(&repetition.items, linter),
                Item::If(branches) => branches.branches().for_each(|braces| self.items(&braces.items, linter)),
                Item::Output(_)
                | Item::Return(_)
                | Item::Assert(_)
                | Item::Freeze(_)
                | Item::Labels(_)
                | Item::Levels(_)
                | Item::Train(_)
                | Item::Prune(_)
                | Item::Budget(_) => {}
            }
        }
    }

    fn look_at(&self, name: &ast::Ident, what: &str, linter: &mut Linter<'_>) {
        if name.text.starts_with('_') || self.used.contains(&name.span) {
            return;
        }
        let title = format!("the {what} `{}` is never used", name.text);
        if let Some(report) = linter.warn(UNUSED_VALUE, title, name.span, "nothing reads it") {
            report.help(format!("remove it, or call it `_{}`", name.text));
        }
    }
}

/// Warns of a name that hides another one.
pub(crate) fn hidden(inner: Span, outer: Span, name: &str, linter: &mut Linter<'_>) {
    if let Some(report) = linter.warn(HIDDEN_NAME, format!("`{name}` hides another `{name}`"), inner, "the inner one") {
        report.secondary(outer, "the outer one").help("give one of them another name");
    }
}
