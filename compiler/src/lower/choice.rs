//! Parameters that are one of a few texts, and what they are compared with.

use std::collections::HashMap;

use super::{Constant, Lowerer, quoted, type_name};
use crate::diagnostic::{codes, quote, suggest};
use crate::ops;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind};

impl<'a> Lowerer<'a> {
    /// Notes what a parameter can be, for comparisons.
    pub(super) fn note_choices(&mut self, param: &'a ast::Param) {
        if let ast::ParamType::Choice(choices) = &param.ty {
            let mut seen: HashMap<&str, Span> = HashMap::new();
            for choice in choices {
                if let Some(first) = seen.insert(&choice.text, choice.span) {
                    self.sink
                        .error(codes::N0103, format!("the choice {} is given twice", quote(&quoted(&choice.text))))
                        .primary(choice.span, "given again here")
                        .secondary(first, "given here first");
                }
            }
            self.choices.insert(param.name.span, choices);
        }
    }

    /// What a parameter of that name can be, if it is one of a few texts.
    pub(super) fn choice_of(&mut self, name: &str) -> Option<&'a [ast::Choice]> {
        let place = self.frame().find(name)?.span;
        self.choices.get(&place).copied()
    }

    /// Reports a second value that is compared with nothing, as in `kind == "a" or "b"`.
    pub(super) fn lacks_comparison(&mut self, op: BinaryOp, a: &Expr, b: &Expr, value: &Constant) -> bool {
        if !matches!(op, BinaryOp::And | BinaryOp::Or) {
            return false;
        }
        let Some((compared, name, other)) = last_comparison(a) else { return false };
        let literal = match (&other.kind, &b.kind) {
            (ExprKind::Str(_), ExprKind::Str(text)) => quoted(text),
            (ExprKind::Int(_), ExprKind::Int(number)) => number.to_string(),
            _ => return false,
        };
        let mended = format!("{name} {} {literal}", compared.as_str());
        let report = self
            .sink
            .error(codes::N0203, format!("`{}` takes `true` or `false`, found {value}", op.as_str()))
            .primary(b.span, "expected a comparison");
        let help = format!("each side is a comparison of its own: `{mended}`");
        // Of two values a name is never both, and always not one of them.
        match (op, compared) {
            (BinaryOp::Or, BinaryOp::Equal) | (BinaryOp::And, BinaryOp::NotEqual) => report.fix(help, b.span, mended),
            _ => report.help(help),
        };
        true
    }

    /// Whether two sides of a comparison can be equal, as far as one is a parameter with choices and the other a text;
    /// `false` after a message.
    pub(super) fn is_choice(&mut self, a: &'a Expr, b: &'a Expr) -> bool {
        let (name, text, at) = match (&a.kind, &b.kind) {
            (ExprKind::Name(name), ExprKind::Str(text)) => (name, text, b.span),
            (ExprKind::Str(text), ExprKind::Name(name)) => (name, text, a.span),
            _ => return true,
        };
        let Some(place) = self.frame().find(name).map(|named| named.span) else { return true };
        let Some(choices) = self.choice_of(name) else { return true };
        if choices.iter().any(|choice| choice.text == *text) {
            return true;
        }
        let expected = type_name(&ast::ParamType::Choice(choices.to_vec()));
        let report = self
            .sink
            .error(codes::N0203, format!("{} is never {}", quote(name), quote(&quoted(text))))
            .primary(at, format!("expected {expected}"))
            .secondary(place, "its choices are given here");
        // Another activation is no slip of the pen.
        let others = choices.iter().map(|choice| choice.text.as_str());
        match suggest(text, others).filter(|_| ops::signature(text).is_none()) {
            Some(near) => report.did_you_mean(&quoted(near), at),
            None => report.help(format!("add {} to the choices, or compare with one of them", quote(&quoted(text)))),
        };
        false
    }
}

/// The last comparison of a condition, where it is one of a name: its operator, the name, and the other side.
fn last_comparison(condition: &Expr) -> Option<(BinaryOp, &str, &Expr)> {
    let ExprKind::Binary(op, a, b) = &condition.kind else { return None };
    match (op, &a.kind) {
        (BinaryOp::And | BinaryOp::Or, _) => last_comparison(b),
        (BinaryOp::Equal | BinaryOp::NotEqual, ExprKind::Name(name)) => Some((*op, name, b)),
        _ => None,
    }
}
