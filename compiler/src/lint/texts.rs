//! The calls that a graph's nodes come from, as their author wrote them: for helps that are edits.

use crate::program::Program;
use crate::source::{SourceMap, Span};
use crate::syntax::ast::{Arg, Call, Expr, ExprKind};
use crate::syntax::names::call_at;

/// A program and the texts that it was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) program: &'a Program,
    pub(crate) map: &'a SourceMap,
}

impl<'a> Texts<'a> {
    /// The call that stands at a place.
    pub(super) fn call(&self, at: Span) -> Option<&'a Call> {
        let files = self.program.units.iter().map(|unit| &unit.file).filter(|file| file.span.source == at.source);
        let mut bodies = files.flat_map(|file| {
            let blocks = file.blocks.iter().map(|block| &block.items);
            blocks.chain(file.networks.iter().map(|network| &network.items))
        });
        bodies.find_map(|items| call_at(items, at))
    }

    /// What goes if an argument is left out, with its comma; `None` if it is not there, or if a comment stands beside it.
    pub(super) fn argument(&self, call: &Call, name: &str) -> Option<Span> {
        let index = call.args.iter().position(|arg| is_called(arg, name))?;
        let this = call.args.get(index)?.span;
        let (gap, whole) = match index.checked_sub(1).and_then(|before| call.args.get(before)) {
            Some(before) => {
                let gap = Span { start: before.span.end, end: this.start, ..this };
                (gap, gap.to(this))
            }
            None => {
                let gap = Span { start: this.end, end: call.args.get(1)?.span.start, ..this };
                (gap, this.to(gap))
            }
        };
        let is_plain = |c: char| c == ',' || c.is_ascii_whitespace();
        self.map.slice(gap).chars().all(is_plain).then_some(whole)
    }
}

/// The value of an argument that is given by its name and as a number, or a list of numbers: the same wherever the call
/// stands.
pub(super) fn is_written_out(call: &Call, name: &str) -> bool {
    let is_number = |expr: &Expr| matches!(expr.kind, ExprKind::Int(_));
    call.args.iter().find(|arg| is_called(arg, name)).is_some_and(|arg| match &arg.value.kind {
        ExprKind::List(items) => items.iter().all(is_number),
        _ => is_number(&arg.value),
    })
}

/// Where an argument stands that is given by its name.
pub(super) fn argument_span(call: &Call, name: &str) -> Option<Span> {
    call.args.iter().find(|arg| is_called(arg, name)).map(|arg| arg.span)
}

fn is_called(arg: &Arg, name: &str) -> bool {
    arg.name.as_ref().is_some_and(|given| given.text == name)
}
