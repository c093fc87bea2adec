//! The layers that statements call, and the names that they give them, as the text has it.

use std::collections::HashSet;

use super::names::kind_of;
use crate::ops;
use crate::program::Program;
use crate::syntax::ast::{Call, Expr, ExprKind, Item, Label, Stage};

/// Calls `visit` with every call that stands where a tensor does, and whether it is a stage of a pipeline. What named arguments
/// are given, such as initialisers, is no layer.
pub(super) fn in_items<'a>(items: &'a [Item], visit: &mut dyn FnMut(&'a Call, bool)) {
    for item in items {
        match item {
            Item::Binding(binding) => in_expr(&binding.value, visit),
            Item::Output(output) => in_expr(&output.value, visit),
            Item::Return(result) => result.values.iter().for_each(|value| in_expr(value, visit)),
            Item::For(repetition) => in_items(&repetition.items, visit),
            Item::If(branches) => branches.branches().for_each(|braces| in_items(&braces.items, visit)),
            Item::Input(_)
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
}

fn in_expr<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Call, bool)) {
    match &expr.kind {
        ExprKind::Call(call) => in_call(call, false, visit),
        ExprKind::Pipe { source, stages } => {
            in_expr(source, visit);
            stages.iter().for_each(|stage| in_call(&stage.call, true, visit));
        }
        ExprKind::Binary(_, a, b) => {
            in_expr(a, visit);
            in_expr(b, visit);
        }
        ExprKind::Unary(_, operand) => in_expr(operand, visit),
        ExprKind::List(items) => items.iter().for_each(|item| in_expr(item, visit)),
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Hole
        | ExprKind::Error => {}
    }
}

fn in_call<'a>(call: &'a Call, is_stage: bool, visit: &mut dyn FnMut(&'a Call, bool)) {
    visit(call, is_stage);
    call.args.iter().filter(|arg| arg.name.is_none()).for_each(|arg| in_expr(&arg.value, visit));
}

/// The names that the layers of a network may have, whatever its mistakes hide.
pub(super) struct PossibleNames {
    /// Those of bindings, and those after `as`.
    labels: HashSet<String>,
    /// Blocks as kinds of layers, which are counted.
    kinds: HashSet<String>,
    /// Whether a file that is not there may have other blocks.
    lacks_file: bool,
}

impl PossibleNames {
    /// Those of a network with these statements.
    pub(super) fn of(items: &[Item], program: &Program) -> Self {
        let mut labels = HashSet::new();
        collect(items, &mut labels);
        let blocks = program.units.iter().flat_map(|unit| &unit.file.blocks);
        let kinds = blocks.map(|block| kind_of(&block.name.text)).collect();
        let lacks_file = program.units.iter().any(|unit| unit.lacks_file);
        Self { labels: labels.into_iter().map(str::to_owned).collect(), kinds, lacks_file }
    }

    /// Whether a layer, or what a name with dots starts with, may have a name.
    pub(super) fn has(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        let kind = first.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_counted = kind.len() < first.len();
        let kind = kind.strip_suffix('_').unwrap_or(kind);
        let is_kind = || self.lacks_file || ops::signature(kind).is_some() || self.kinds.contains(kind);
        self.labels.contains(first) || is_counted && is_kind()
    }
}

fn collect<'a>(items: &'a [Item], found: &mut HashSet<&'a str>) {
    for item in items {
        match item {
            Item::Binding(binding) => {
                found.extend(binding.names.iter().map(|name| name.text.as_str()));
                labels_in(&binding.value, found);
            }
            Item::Output(output) => {
                found.insert(&output.name.text);
                labels_in(&output.value, found);
            }
            Item::For(repetition) => collect(&repetition.items, found),
            Item::If(branches) => branches.branches().for_each(|braces| collect(&braces.items, found)),
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
}

fn labels_in<'a>(expr: &'a Expr, found: &mut HashSet<&'a str>) {
    match &expr.kind {
        ExprKind::Pipe { source, stages } => {
            labels_in(source, found);
            for Stage { call, label, .. } in stages {
                found.extend(label.iter().map(|Label { name, .. }| name.text.as_str()));
                call.args.iter().for_each(|arg| labels_in(&arg.value, found));
            }
        }
        ExprKind::Call(call) => call.args.iter().for_each(|arg| labels_in(&arg.value, found)),
        ExprKind::Binary(_, a, b) => {
            labels_in(a, found);
            labels_in(b, found);
        }
        ExprKind::Unary(_, operand) => labels_in(operand, found),
        ExprKind::List(items) => items.iter().for_each(|item| labels_in(item, found)),
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Hole
        | ExprKind::Error => {}
    }
}
