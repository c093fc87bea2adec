//! Loops: what they run over, and the names of each round.

use super::scope::Meaning;
use super::{Constant, Lowerer, MAX_STEPS};
use crate::diagnostic::codes;
use crate::syntax::ast;
use crate::types::{Dim, Truth};

/// The most rounds of a loop that a definition is checked with, where an assertion asks for so many.
const MOST_ROUNDS: i64 = 64;

impl<'a> Lowerer<'a> {
    /// Carries out a loop, round by round.
    pub(super) fn repetition(&mut self, repetition: &'a ast::For) {
        if self.names_twice(&repetition.names) {
            return self.set_aside(&repetition.items);
        }
        let Some(values) = self.values(repetition) else { return self.set_aside(&repetition.items) };
        let unit = self.frame().unit;
        for name in &repetition.names {
            let constant = self.find_constant(unit, &name.text).map(|(_, constant)| constant.name.span);
            if let Some(outer) = self.frame().find(&name.text).map(|named| named.span).or(constant) {
                self.noticed.hide(name.span, outer, &name.text);
            }
        }
        self.mention(&repetition.items);
        let mut values = values.peekable();
        if values.peek().is_none() {
            self.pass_over(&repetition.items);
        }
        for value in values {
            if self.is_stopped || self.frame().returned.is_some() {
                return;
            }
            self.n_steps += 1;
            if self.n_steps > MAX_STEPS {
                let title = format!("the network unrolls to more than {MAX_STEPS} statements");
                return self.stop(super::sections::keyword(repetition.span, "for"), title);
            }
            self.frame().scopes.push(std::collections::HashMap::new());
            self.frame().loops.push(repetition.span);
            if self.loop_names(repetition, value) {
                self.items(&repetition.items);
            } else {
                self.forget(&repetition.items);
            }
            self.frame().loops.pop();
            self.frame().scopes.pop();
        }
    }

    /// What a loop runs over; `None` after a message.
    fn values(&mut self, repetition: &'a ast::For) -> Option<Box<dyn Iterator<Item = Constant>>> {
        match &repetition.over {
            ast::Iterable::Range(first, last) => {
                let (start, end) = (self.whole_dim(first), self.whole_dim(last));
                let (start, end) = (start?, end?);
                if let (Some(start), Some(end)) = (start.as_number(), end.as_number()) {
                    return Some(Box::new((start..end).map(Constant::Int)));
                }
                // A number of rounds that depends on the instance: the two smallest that can be are tried, others left to
                // the instances.
                let rounds = &end - &start;
                let mut n_tried = 0;
                for n in 1..=MOST_ROUNDS {
                    if n_tried == 2 || self.facts.equal(&rounds, &Dim::from(n)) == Truth::Never {
                        continue;
                    }
                    n_tried += 1;
                    if self.decide_equal(&rounds, &Dim::from(n)) {
                        let head = super::sections::keyword(repetition.span, "for").to(last.span);
                        let rounds = if n == 1 { "one round".to_owned() } else { format!("{n} rounds") };
                        self.sink.assume(head, format!("with {rounds} of this loop"));
                        return Some(Box::new((0..n).map(move |index| {
                            let sum = &start + index;
                            sum.as_number().map_or(Constant::Dim(sum), Constant::Int)
                        })));
                    }
                }
                self.is_stopped = true;
                None
            }
            ast::Iterable::List(list) => match self.constant(list)? {
                Constant::List(items) => Some(Box::new(items.into_iter())),
                other => {
                    self.sink
                        .error(codes::N0203, format!("a loop runs over a range or a list, found {other}"))
                        .primary(list.span, "expected a range or a list, such as `0..3` or `[64, 128]`");
                    None
                }
            },
        }
    }

    fn whole_dim(&mut self, expr: &'a ast::Expr) -> Option<Dim> {
        match self.constant(expr)? {
            Constant::Int(value) => Some(Dim::from(value)),
            Constant::Dim(dim) => Some(dim),
            other => {
                self.sink
                    .error(codes::N0203, format!("the end of a range is {other}"))
                    .primary(expr.span, "expected a whole number");
                None
            }
        }
    }

    /// Gives the names of a loop their values for one round; `false` after a message.
    fn loop_names(&mut self, repetition: &'a ast::For, value: Constant) -> bool {
        let names = &repetition.names;
        if let [name] = names.as_slice() {
            self.frame().define(&name.text, Meaning::Constant(value), name.span);
            return true;
        }
        match value {
            Constant::List(items) if items.len() == names.len() => {
                for (name, item) in names.iter().zip(items) {
                    self.frame().define(&name.text, Meaning::Constant(item), name.span);
                }
                true
            }
            other => {
                let (first, last) = (names.first().map(|name| name.span), names.last().map(|name| name.span));
                if let (Some(first), Some(last)) = (first, last) {
                    self.sink
                        .error(codes::N0113, format!("there are {} names here, and the value {other}", names.len()))
                        .primary(first.to(last), format!("expected lists of {} values", names.len()));
                }
                for name in names {
                    self.frame().define(&name.text, Meaning::Unknown, name.span);
                }
                false
            }
        }
    }
}
