//! Names of layers: a namespace of their own, by which parameters are found.
//!
//! `as NAME` on the stage decides; else the binding's name, where its expression has exactly one weighted layer; else
//! kind and counter: `conv1`, `conv2`, `dense1`.

use std::collections::HashMap;

use crate::ops;
use crate::source::Span;
use crate::syntax::ast::{Call, Expr, ExprKind, Ident};

/// The layer names of a network so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    counters: HashMap<&'static str, u32>,
    taken: HashMap<String, Span>,
    /// The name that the binding gives to its one weighted layer.
    binding: Option<(String, Span)>,
}

impl Names {
    /// Enters a binding: its name goes to its weighted layer if there is exactly one, without a label.
    pub(super) fn enter_binding(&mut self, name: &Ident, value: &Expr) {
        let mut weighted = Weighted::default();
        weighted.visit(value);
        self.binding = (weighted.count == 1 && weighted.labelled == 0).then(|| (name.text.clone(), name.span));
    }

    /// The next name by kind and counter.
    pub(super) fn counted(&mut self, kind: &'static str) -> String {
        loop {
            let counter = self.counters.entry(kind).or_insert(0);
            *counter += 1;
            let name = format!("{kind}{counter}");
            if !self.taken.contains_key(&name) {
                return name;
            }
        }
    }

    /// The name of a layer, and the place of the one that has it already, which is a mistake.
    pub(super) fn of(
        &mut self,
        kind: &'static str,
        is_weighted: bool,
        label: Option<&Ident>,
        at: Span,
    ) -> (String, Option<Span>) {
        let (name, span) = match label {
            Some(label) => (label.text.clone(), label.span),
            None => match self.binding.take_if(|_| is_weighted) {
                Some(binding) => binding,
                None => (self.counted(kind), at),
            },
        };
        let earlier = self.taken.insert(name.clone(), span);
        (name, earlier)
    }
}

/// Counts the weighted layers of an expression.
#[derive(Default)]
struct Weighted {
    count: usize,
    labelled: usize,
}

impl Weighted {
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
            | ExprKind::Error => {}
        }
    }

    fn call(&mut self, call: &Call, is_labelled: bool) {
        if ops::signature(&call.name.text).is_some_and(|signature| signature.weighted) {
            self.count += 1;
            self.labelled += usize::from(is_labelled);
        }
        call.args.iter().for_each(|arg| self.visit(&arg.value));
    }
}
