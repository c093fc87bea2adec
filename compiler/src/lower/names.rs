//! Names of layers: a namespace of their own, by which parameters are found.
//!
//! `as NAME` on the stage decides; else the binding's name, where its expression has exactly one weighted layer or block
//! and the name is bound once, outside of loops; else kind and counter: `conv1`, `conv2`, `fire1`. A block's instance
//! opens a namespace: its name and a dot stand before the names in it.

use std::collections::HashMap;

use crate::ops;
use crate::source::Span;
use crate::syntax::ast::{Arg, Call, Expr, ExprKind, Ident, Item};

/// The layer names of a network or instance so far.
#[derive(Debug)]
pub(super) struct Names {
    /// What stands before each: empty, or `fire2.`.
    prefix: String,
    counters: HashMap<String, u32>,
    taken: HashMap<String, Span>,
    /// How often each name is bound.
    bound: HashMap<String, usize>,
    /// The name that the binding gives to its one weighted layer.
    binding: Option<(String, Span)>,
}

impl Names {
    /// The namespace of these statements.
    pub(super) fn new(prefix: String, items: &[Item]) -> Self {
        Self { prefix, counters: HashMap::new(), taken: HashMap::new(), bound: bindings(items), binding: None }
    }

    /// Enters a binding: its name goes to its weighted layer if there is exactly one, without a label.
    pub(super) fn enter_binding(&mut self, name: &Ident, value: &Expr, in_loop: bool, is_block: &dyn Fn(&str) -> bool) {
        let is_only = !in_loop && self.bound.get(&name.text).is_none_or(|&count| count <= 1);
        let mut weighted = Weighted { is_block, count: 0, labelled: 0 };
        weighted.visit(value);
        let names_it = is_only && weighted.count == 1 && weighted.labelled == 0;
        self.binding = names_it.then(|| (name.text.clone(), name.span));
    }

    /// Leaves a binding.
    pub(super) fn leave_binding(&mut self) {
        self.binding = None;
    }

    /// The next name by kind and counter.
    fn counted(&mut self, kind: &str) -> String {
        loop {
            let counter = self.counters.entry(kind.to_owned()).or_insert(0);
            *counter += 1;
            // `relu61` would read like the 61st `relu`.
            let joint = if kind.ends_with(|last: char| last.is_ascii_digit()) { "_" } else { "" };
            let name = format!("{kind}{joint}{counter}");
            if !self.taken.contains_key(&name) {
                return name;
            }
        }
    }

    /// Where a layer or instance of that name stands.
    pub(super) fn find(&self, name: &str) -> Option<Span> {
        self.taken.get(name).copied()
    }

    /// The qualified name of a layer or instance, and the place of the one that has it already, which is a mistake.
    pub(super) fn of(
        &mut self,
        kind: &str,
        is_weighted: bool,
        label: Option<(String, Span)>,
        at: Span,
    ) -> (String, Option<Span>) {
        let (name, span) = match label {
            Some(label) => label,
            None => match self.binding.take_if(|_| is_weighted) {
                Some(binding) => binding,
                None => (self.counted(kind), at),
            },
        };
        let earlier = self.taken.insert(name.clone(), span);
        (format!("{}{name}", self.prefix), earlier)
    }
}

/// A block's name as a kind of layer: `inverted_residual` for `InvertedResidual`.
pub(super) fn kind_of(block: &str) -> String {
    let mut kind = String::with_capacity(block.len() + 4);
    let mut previous = '_';
    for letter in block.chars() {
        if letter.is_ascii_uppercase() && !matches!(previous, '_' | 'A'..='Z') {
            kind.push('_');
        }
        kind.push(letter.to_ascii_lowercase());
        previous = letter;
    }
    kind
}

/// How often each name is bound on any one way through the statements; in a loop, twice as often as in one round.
pub(super) fn bindings(items: &[Item]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    // Loops stand inside of each other as deep as brackets may: counts saturate.
    let mut add = |name: String, count: usize| {
        let entry: &mut usize = counts.entry(name).or_insert(0);
        *entry = entry.saturating_add(count);
    };
    for item in items {
        match item {
            Item::Binding(binding) => binding.names.iter().for_each(|name| add(name.text.clone(), 1)),
            Item::For(repeated) => {
                for (name, count) in bindings(&repeated.items) {
                    add(name, count.saturating_mul(2));
                }
            }
            Item::If(branches) => {
                let mut most: HashMap<String, usize> = HashMap::new();
                for braces in branches.branches() {
                    for (name, count) in bindings(&braces.items) {
                        let entry = most.entry(name).or_insert(0);
                        *entry = (*entry).max(count);
                    }
                }
                most.into_iter().for_each(|(name, count)| add(name, count));
            }
            Item::Output(output) => add(output.name.text.clone(), 1),
            Item::Input(_)
            | Item::Return(_)
            | Item::Const(_)
            | Item::Assert(_)
            | Item::Freeze(_)
            | Item::Labels(_)
            | Item::Levels(_)
            | Item::Train(_)
            | Item::Prune(_)
            | Item::Budget(_) => {}
        }
    }
    counts
}

/// Counts the weighted layers and blocks of an expression.
struct Weighted<'a> {
    is_block: &'a dyn Fn(&str) -> bool,
    count: usize,
    labelled: usize,
}

impl Weighted<'_> {
    fn visit(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(call) => self.call(call, false),
            ExprKind::Pipe { source, stages } => {
                self.visit(source);
                for stage in stages {
                    self.call(&stage.call, stage.label.is_some());
                }
            }
            ExprKind::Binary(_, a, b) => {
                self.visit(a);
                self.visit(b);
            }
            ExprKind::Unary(_, operand) => self.visit(operand),
            ExprKind::List(items) => items.iter().for_each(|item| self.visit(item)),
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::Name(_)
            | ExprKind::Hole
            | ExprKind::Error => {}
        }
    }

    fn call(&mut self, call: &Call, is_labelled: bool) {
        let name = call.name.text.as_str();
        if ops::signature(name).is_some_and(|signature| signature.weighted) || (self.is_block)(name) {
            self.count += 1;
            self.labelled += usize::from(is_labelled);
        }
        call.args.iter().for_each(|Arg { value, .. }| self.visit(value));
    }
}

#[cfg(test)]
mod tests {
    use super::kind_of;

    #[test]
    fn blocks_are_kinds() {
        assert_eq!(kind_of("Fire"), "fire");
        assert_eq!(kind_of("InvertedResidual"), "inverted_residual");
        assert_eq!(kind_of("SE"), "se");
        assert_eq!(kind_of("conv_bn"), "conv_bn");
        assert_eq!(kind_of("Block2"), "block2");
    }
}
