//! The names that statements and expressions mention: what counts as used, and what messages tell of them.

use super::scope::Meaning;
use super::{Constant, Lowerer};
use crate::diagnostic::quote;
use crate::syntax::{ast, names};

/// Most names whose values a message tells.
const MAX_VALUES: usize = 6;

impl<'a> Lowerer<'a> {
    /// Passes over statements that are not carried out this time: whether what they define is used is not known.
    pub(super) fn pass_over(&mut self, items: &'a [ast::Item]) {
        self.mention(items);
        names::defined(items, &mut |name| {
            self.noticed.used.insert(name.span);
        });
    }

    /// Counts what statements mention as used, though they may not be carried out this time.
    pub(super) fn mention(&mut self, items: &'a [ast::Item]) {
        let mut names = Vec::new();
        names::in_items(items, &mut |name| names.push(name.to_owned()));
        self.count_as_used(names);
    }

    /// Counts what an expression mentions as used, though its value is not asked for this time.
    pub(super) fn mention_in(&mut self, expr: &'a ast::Expr) {
        let mut names = Vec::new();
        names::in_expr(expr, &mut |name| names.push(name.to_owned()));
        self.count_as_used(names);
    }

    fn count_as_used(&mut self, names: Vec<String>) {
        for name in names {
            self.lookup(&name);
        }
    }

    /// The values of the names in an expression, for a message: `k` is 3 and `n` is 4.
    pub(super) fn values_in(&mut self, expr: &'a ast::Expr) -> String {
        let mut names: Vec<String> = Vec::new();
        names::in_expr(expr, &mut |name| {
            if !names.iter().any(|other| other == name) && names.len() < MAX_VALUES {
                names.push(name.to_owned());
            }
        });
        let values = names.iter().filter_map(|name| match self.lookup(name)?.meaning {
            // A variable of a definition has no value.
            Meaning::Constant(Constant::Dim(_) | Constant::AnyFloat) => None,
            Meaning::Constant(value) => Some(format!("{} is {value}", quote(name))),
            _ => None,
        });
        values.collect::<Vec<_>>().join(" and ")
    }
}
