//! What statements and expressions mention: names, resolved or not, and calls.

use super::ast::{Annotation, Call, Expr, ExprKind, Ident, Item, Iterable, Label, LabelNames, Path};
use crate::source::Span;

/// Calls `visit` with every name that the statements mention as a value.
pub(crate) fn in_items(items: &[Item], visit: &mut dyn FnMut(&str)) {
    expressions(items, &mut |expr| in_expr(expr, visit));
}

/// Calls `visit` with every expression of the statements, and not with the parts of one.
fn expressions<'a>(items: &'a [Item], visit: &mut dyn FnMut(&'a Expr)) {
    let dims = |annotation: &'a Option<Annotation>| annotation.iter().flat_map(|shape| &shape.dims);
    let indices = |path: &'a Path| path.parts.iter().flat_map(|label| &label.indices);
    for item in items {
        match item {
            Item::Input(input) => {
                input.dims.iter().for_each(&mut *visit);
                input.from.iter().flat_map(|call| &call.args).for_each(|arg| visit(&arg.value));
            }
            Item::Binding(binding) => {
                visit(&binding.value);
                dims(&binding.annotation).for_each(&mut *visit);
            }
            Item::Output(output) => {
                visit(&output.value);
                dims(&output.annotation).for_each(&mut *visit);
            }
            Item::Return(result) => result.values.iter().for_each(&mut *visit),
            Item::Const(constant) => visit(&constant.value),
            Item::Assert(assertion) => visit(&assertion.condition),
            Item::For(repetition) => {
                match &repetition.over {
                    Iterable::Range(first, last) => [first, last].into_iter().for_each(&mut *visit),
                    Iterable::List(list) => visit(list),
                }
                expressions(&repetition.items, visit);
            }
            Item::If(branches) => {
                branches.arms.iter().for_each(|(condition, _)| visit(condition));
                branches.branches().for_each(|braces| expressions(&braces.items, visit));
            }
            Item::Freeze(freeze) => freeze.paths.iter().flat_map(indices).for_each(&mut *visit),
            Item::Train(section) | Item::Prune(section) => {
                for entry in &section.entries {
                    visit(&entry.value);
                    entry.paths.iter().flat_map(indices).for_each(&mut *visit);
                }
            }
            Item::Budget(budget) => budget.limits.iter().for_each(&mut *visit),
            Item::Labels(labels) => {
                if let LabelNames::List(list) = &labels.names {
                    visit(list);
                }
            }
            Item::Levels(_) => {}
        }
    }
}

/// The call at a place, wherever it stands in the statements.
pub(crate) fn call_at(items: &[Item], at: Span) -> Option<&Call> {
    let mut found = None;
    calls(items, &mut |call| found = found.or((call.span == at).then_some(call)));
    found
}

/// Calls `visit` with every call in the statements, those in others' arguments too.
pub(crate) fn calls<'a>(items: &'a [Item], visit: &mut dyn FnMut(&'a Call)) {
    expressions(items, &mut |expr| calls_in(expr, visit));
}

fn calls_in<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Call)) {
    let call = |call: &'a Call, visit: &mut dyn FnMut(&'a Call)| {
        visit(call);
        call.args.iter().for_each(|arg| calls_in(&arg.value, visit));
    };
    match &expr.kind {
        ExprKind::List(items) => items.iter().for_each(|item| calls_in(item, visit)),
        ExprKind::Unary(_, operand) => calls_in(operand, visit),
        ExprKind::Binary(_, a, b) => {
            calls_in(a, visit);
            calls_in(b, visit);
        }
        ExprKind::Call(inner) => call(inner, visit),
        ExprKind::Pipe { source, stages } => {
            calls_in(source, visit);
            stages.iter().for_each(|stage| call(&stage.call, visit));
        }
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Hole
        | ExprKind::Error => {}
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
                branches.branches().for_each(|braces| defined(&braces.items, visit));
            }
            Item::Return(_)
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
