//! Expressions: names, pipelines, calls, and operators on tensors and numbers.

use super::call::Site;
use super::{Lowerer, Meaning};
use crate::diagnostic::{codes, quote, suggest};
use crate::ir::{Extent, Shape, ValueId};
use crate::ops;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Ident, Stage};

use super::Constant;

impl Lowerer<'_> {
    /// What an expression means.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Meaning {
        match &expr.kind {
            ExprKind::Int(value) => Meaning::Constant(Constant::Int(*value)),
            ExprKind::Float(value) => Meaning::Constant(Constant::Float(*value)),
            ExprKind::Bool(value) => Meaning::Constant(Constant::Bool(*value)),
            ExprKind::Str(text) => Meaning::Constant(Constant::Text(text.clone())),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::List(items) => self.list(items),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, expr.span),
            ExprKind::Binary(op, a, b) => self.operator(*op, a, b, expr.span),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Pipe { source, stages } => self.pipe(source, stages),
            ExprKind::Error => Meaning::Unknown,
        }
    }

    /// The tensor that an expression makes; `None` after a message.
    pub(super) fn tensor(&mut self, expr: &Expr, for_layer: &str) -> Option<ValueId> {
        match self.evaluate(expr) {
            Meaning::Tensor(id) => Some(id),
            Meaning::Constant(constant) => {
                self.sink
                    .error(codes::N0104, format!("`{for_layer}` takes a tensor, found {constant}"))
                    .primary(expr.span, "expected an input, a binding or a layer's output");
                None
            }
            Meaning::Unknown => None,
        }
    }

    /// A tensor of an unknown shape, after a message.
    fn unknown_tensor(&mut self, span: Span) -> ValueId {
        self.graph.add_value("unknown", Shape::unknown(), Extent::Image, span)
    }

    fn name(&mut self, name: &str, span: Span) -> Meaning {
        if let Some(named) = self.scope.get(name) {
            return named.meaning.clone();
        }
        let known: Vec<&str> = self.scope.keys().map(String::as_str).collect();
        let near = suggest(name, known.iter().copied().collect::<std::collections::BTreeSet<_>>()).map(str::to_owned);
        let is_layer = ops::signature(name).is_some();
        let below = self.definitions.get(name).copied().filter(|below| below.start > span.start);
        let report = self
            .sink
            .error(codes::N0101, format!("nothing is called {}", quote(name)))
            .primary(span, "not defined here or above");
        if let Some(below) = below {
            report.secondary(below, "defined here, below").help("a name is known from its definition on");
        } else if is_layer {
            report.help(format!("`{name}` is a layer: write `x -> {name}` or `{name}(x)`"));
        } else if let Some(near) = near {
            report.help(format!("did you mean `{near}`?"));
        }
        Meaning::Unknown
    }

    fn pipe(&mut self, source: &Expr, stages: &[Stage]) -> Meaning {
        let Some(first) = stages.first() else { return Meaning::Unknown };
        let mut value = match self.tensor(source, &first.call.name.text) {
            Some(value) => value,
            None => self.unknown_tensor(source.span),
        };
        let mut at = source.span;
        for stage in stages {
            let site = Site { operand: Some((value, at)), label: stage.label.as_ref() };
            // After a message the next stages are still checked, on a tensor of an unknown shape.
            value = match self.layer(&stage.call, site) {
                Some(value) => value,
                None => self.unknown_tensor(stage.span),
            };
            at = stage.span;
        }
        Meaning::Tensor(value)
    }

    fn call(&mut self, call: &Call) -> Meaning {
        self.layer(call, Site { operand: None, label: None }).map_or(Meaning::Unknown, Meaning::Tensor)
    }

    fn operator(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Meaning {
        let (left, right) = (self.evaluate(a), self.evaluate(b));
        match (left, right) {
            (Meaning::Unknown, _) | (_, Meaning::Unknown) => Meaning::Unknown,
            (Meaning::Constant(x), Meaning::Constant(y)) => self.binary(op, (x, a.span), (y, b.span), span),
            (Meaning::Tensor(x), Meaning::Tensor(y)) => {
                let layer = match op {
                    BinaryOp::Add => "add",
                    BinaryOp::Multiply => "multiply",
                    _ => {
                        self.sink
                            .error(codes::N0104, format!("`{}` does not apply to tensors", op.as_str()))
                            .primary(span, "expected `+` or `*`");
                        return Meaning::Unknown;
                    }
                };
                let name = Ident { text: layer.to_owned(), span };
                self.combine(name, vec![(x, a.span), (y, b.span)], span).map_or(Meaning::Unknown, Meaning::Tensor)
            }
            (Meaning::Tensor(_), Meaning::Constant(value)) | (Meaning::Constant(value), Meaning::Tensor(_)) => {
                self.sink
                    .error(codes::N0104, format!("`{}` does not apply to a tensor and {value}", op.as_str()))
                    .primary(span, "expected two tensors or two numbers");
                Meaning::Unknown
            }
        }
    }
}
