//! The layers that statements call, and the names that they give them, as the text has it.

use std::collections::HashSet;

use super::names::{bindings, kind_of};
use crate::ops;
use crate::program::Program;
use crate::syntax::ast::{Call, Expr, ExprKind, Item, Stage};

/// A call in the values that statements give.
pub(super) struct Found<'a> {
    pub(super) call: &'a Call,
    /// The stage that it is of, in a pipeline.
    pub(super) stage: Option<&'a Stage>,
    /// Whether it is, or stands in, what a named argument is given, such as an initialiser: that is no layer.
    pub(super) is_setting: bool,
}

/// Calls `visit` with every call in the values that statements give.
pub(super) fn in_items<'a>(items: &'a [Item], visit: &mut dyn FnMut(&Found<'a>)) {
    for item in items {
        match item {
            Item::Binding(binding) => in_expr(&binding.value, false, visit),
            Item::Output(output) => in_expr(&output.value, false, visit),
            Item::Return(result) => result.values.iter().for_each(|value| in_expr(value, false, visit)),
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

fn in_expr<'a>(expr: &'a Expr, is_setting: bool, visit: &mut dyn FnMut(&Found<'a>)) {
    match &expr.kind {
        ExprKind::Call(call) => in_call(&Found { call, stage: None, is_setting }, visit),
        ExprKind::Pipe { source, stages } => {
            in_expr(source, is_setting, visit);
            for stage in stages {
                in_call(&Found { call: &stage.call, stage: Some(stage), is_setting }, visit);
            }
        }
        ExprKind::Binary(_, a, b) => {
            in_expr(a, is_setting, visit);
            in_expr(b, is_setting, visit);
        }
        ExprKind::Unary(_, operand) => in_expr(operand, is_setting, visit),
        ExprKind::List(items) => items.iter().for_each(|item| in_expr(item, is_setting, visit)),
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Hole
        | ExprKind::Error => {}
    }
}

fn in_call<'a>(found: &Found<'a>, visit: &mut dyn FnMut(&Found<'a>)) {
    visit(found);
    for arg in &found.call.args {
        in_expr(&arg.value, found.is_setting || arg.name.is_some(), visit);
    }
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
        let mut labels: HashSet<String> = bindings(items).into_keys().collect();
        in_items(items, &mut |found| {
            labels.extend(found.stage.and_then(|stage| stage.label.as_ref()).map(|label| label.name.text.clone()));
        });
        let blocks = program.units.iter().flat_map(|unit| &unit.file.blocks);
        let kinds = blocks.map(|block| kind_of(&block.name.text)).collect();
        let lacks_file = program.units.iter().any(|unit| unit.lacks_file);
        Self { labels, kinds, lacks_file }
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
