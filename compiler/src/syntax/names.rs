//! The names that statements and expressions mention, resolved or not.

use super::ast::{Expr, ExprKind, Ident, Item, Iterable, Label, LabelNames};

/// Calls `visit` with every name that the statements mention as a value.
pub(crate) fn in_items(items: &[Item], visit: &mut dyn FnMut(&str)) {
    for item in items {
        match item {
            Item::Input(input) => {
                input.dims.iter().for_each(|dim| in_expr(dim, visit));
                input.from.iter().flat_map(|call| &call.args).for_each(|arg| in_expr(&arg.value, visit));
            }
            Item::Binding(binding) => {
                in_expr(&binding.value, visit);
                binding.annotation.iter().flat_map(|shape| &shape.dims).for_each(|dim| in_expr(dim, visit));
            }
            Item::Output(output) => {
                in_expr(&output.value, visit);
                output.annotation.iter().flat_map(|shape| &shape.dims).for_each(|dim| in_expr(dim, visit));
            }
            Item::Return(result) => result.values.iter().for_each(|value| in_expr(value, visit)),
            Item::Const(constant) => in_expr(&constant.value, visit),
            Item::Assert(assertion) => in_expr(&assertion.condition, visit),
            Item::For(repetition) => {
                match &repetition.over {
                    Iterable::Range(first, last) => [first, last].into_iter().for_each(|end| in_expr(end, visit)),
                    Iterable::List(list) => in_expr(list, visit),
                }
                in_items(&repetition.items, visit);
            }
            Item::If(branches) => {
                for (condition, items) in &branches.arms {
                    in_expr(condition, visit);
                    in_items(items, visit);
                }
                in_items(&branches.otherwise, visit);
            }
            Item::Freeze(freeze) => {
                freeze.paths.iter().flat_map(|path| &path.parts).for_each(|label| in_label(label, visit));
            }
            Item::Train(section) | Item::Prune(section) => {
                for entry in &section.entries {
                    in_expr(&entry.value, visit);
                    entry.paths.iter().flat_map(|path| &path.parts).for_each(|label| in_label(label, visit));
                }
            }
            Item::Budget(budget) => budget.limits.iter().for_each(|limit| in_expr(limit, visit)),
            Item::Labels(labels) => {
                if let LabelNames::List(list) = &labels.names {
                    in_expr(list, visit);
                }
            }
            Item::Allow(_) => {}
        }
    }
}

/// Calls `visit` with every name that the statements bind.
pub(crate) fn defined(items: &[Item], visit: &mut dyn FnMut(&Ident)) {
    for item in items {
        match item {
            Item::Input(input) => visit(&input.name),
            Item::Binding(binding) => binding.names.iter().for_each(&mut *visit),
            Item::Output(output) => visit(&output.name),
            Item::Const(constant) => visit(&constant.name),
            Item::For(repetition) => defined(&repetition.items, visit),
            Item::If(branches) => {
                branches.arms.iter().for_each(|(_, items)| defined(items, visit));
                defined(&branches.otherwise, visit);
            }
            Item::Return(_)
            | Item::Assert(_)
            | Item::Freeze(_)
            | Item::Allow(_)
            | Item::Labels(_)
            | Item::Train(_)
            | Item::Prune(_)
            | Item::Budget(_) => {}
        }
    }
}

fn in_label(label: &Label, visit: &mut dyn FnMut(&str)) {
    label.indices.iter().for_each(|index| in_expr(index, visit));
}

/// Calls `visit` with every name that the expression mentions as a value.
pub(crate) fn in_expr(expr: &Expr, visit: &mut dyn FnMut(&str)) {
    match &expr.kind {
        ExprKind::Name(name) => visit(name),
        ExprKind::List(items) => items.iter().for_each(|item| in_expr(item, visit)),
        ExprKind::Unary(_, operand) => in_expr(operand, visit),
        ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(|operand| in_expr(operand, visit)),
        ExprKind::Call(call) => call.args.iter().for_each(|arg| in_expr(&arg.value, visit)),
        ExprKind::Pipe { source, stages } => {
            in_expr(source, visit);
            for stage in stages {
                stage.call.args.iter().for_each(|arg| in_expr(&arg.value, visit));
                stage.label.iter().for_each(|label| in_label(label, visit));
            }
        }
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Hole
        | ExprKind::Error => {}
    }
}
