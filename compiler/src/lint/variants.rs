//! What a network is with other values of its parameters.

use super::{BROKEN_VARIANT, Linter};
use crate::diagnostic::{Level, Sink, codes, quote};
use crate::lower::{Constant, Overrides, choices, lower};
use crate::program::Program;
use crate::syntax::ast;

/// Most statements and layers that the variants of a network go through together.
const MAX_WORK: usize = 5_000;

/// Most variants with one other value.
const MAX_SINGLE: usize = 64;

/// Warns of mistakes in branches that other values of truth values and enumerated parameters take.
///
/// A mistake may depend on a number that is given along with such a value, so that it is no error; an assertion says which values
/// do not go together.
pub(crate) fn variants(program: &Program, network: &ast::Network, overrides: &Overrides, linter: &mut Linter<'_>) {
    let mut work = 0_usize;
    // One other value at a time, so that a message names no more than it takes; then all of them together.
    let single = network.params.iter().map(std::slice::from_ref).flat_map(choices).take(MAX_SINGLE);
    let single = single.filter(|chosen| !chosen.is_empty());
    let together = choices(&network.params).into_iter().filter(|chosen| chosen.len() > 1);
    for chosen in single.chain(together) {
        if work >= MAX_WORK {
            return;
        }
        let is_chosen = |name: &str| chosen.iter().any(|(other, _)| *other == name);
        let others = overrides.iter().filter(|(name, _)| !is_chosen(name)).cloned();
        let values: Vec<(String, Constant)> =
            others.chain(chosen.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).collect();
        let mut own = Sink::new();
        work = work.saturating_add(lower(program, network, &values, &mut own).work);
        let mistakes: Vec<_> = own.diagnostics().into_iter().filter(|told| told.level == Level::Error).collect();
        if mistakes.iter().any(|told| told.code == codes::N0114) {
            continue;
        }
        for mistake in mistakes {
            let with = chosen.iter().map(|(name, value)| format!("{} is {value}", quote(name))).collect::<Vec<_>>();
            let title = format!("{}, where {}", mistake.title, with.join(" and "));
            let at = mistake.primary.span;
            // In another file it is the network that may keep the lint quiet.
            let counts = if at.source == network.span.source { at } else { network.name.span };
            let Some(mut report) = linter.warn_where(BROKEN_VARIANT, counts, title, at, &mistake.primary.text) else {
                continue;
            };
            for label in &mistake.secondary {
                report = report.secondary(label.span, label.text.clone());
            }
            for help in &mistake.helps {
                report = report.help(help.text.clone());
            }
        }
    }
}
