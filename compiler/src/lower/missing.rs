//! Names of sizes and parameters that mean nothing: what was meant, in one message for all that follows from it.

use super::Lowerer;
use crate::diagnostic::{codes, quote};
use crate::ops;
use crate::syntax::ast::{Annotation, Block, Expr, ExprKind, Ident, Param, ParamType};
use crate::syntax::names;

impl<'a> Lowerer<'a> {
    /// The tensor with two axes of the block that is being checked, if a name that it lacks may be that of its channels.
    pub(super) fn without_channels(&mut self, name: &str) -> Option<(&'a Param, &'a Annotation)> {
        let params = if is_variable(name) { self.frame().block?.params.as_slice() } else { &[] };
        params.iter().find_map(|param| match &param.ty {
            ParamType::Tensor(shape) if shape.dims.len() == 2 => Some((param, shape)),
            _ => None,
        })
    }

    /// Whether it has been told that the channels of a block's tensor have no name, so that it is no image.
    pub(super) fn has_told_channels(&mut self) -> bool {
        let missing: Vec<String> = self.frame().missing.iter().filter(|name| is_variable(name)).cloned().collect();
        let is_told = missing.iter().any(|name| self.without_channels(name).is_some());
        if is_told {
            self.sink.count_error();
        }
        is_told
    }

    /// Whether it has been told that a block's tensor is no image, for want of an axis of channels.
    pub(super) fn has_told_image(&mut self) -> bool {
        let Some(block) = self.frame().block else { return false };
        self.sink.has_told(|told| told.code == codes::N0301 && block.span.contains(told.primary.span))
    }

    /// Reports names of sizes in a network's statement that are variables of blocks, as in `x: [H, W, 8] = …`, once for all;
    /// `false` where there are none.
    pub(super) fn names_variables(&mut self, dims: &'a [Expr], help: &str) -> bool {
        if self.frame().block.is_some() {
            return false;
        }
        let mut unknown: Vec<(&str, &Expr)> = Vec::new();
        for dim in dims {
            let ExprKind::Name(name) = &dim.kind else { continue };
            if is_variable(name) && self.lookup(name).is_none() && !unknown.iter().any(|(other, _)| other == name) {
                unknown.push((name, dim));
            }
        }
        let Some((_, first)) = unknown.first() else { return false };
        let mut is_new = false;
        for (name, _) in &unknown {
            is_new |= self.frame().missing.insert((*name).to_owned());
        }
        if !is_new {
            self.sink.count_error();
            return true;
        }
        let names = unknown.iter().map(|(name, _)| quote(name)).collect::<Vec<_>>().join(" or ");
        self.sink
            .error(codes::N0101, format!("nothing is called {names}"))
            .primary(first.span, "not defined here or above")
            .help(help);
        true
    }

    /// Reports a name that means nothing and is the first of an input's four sizes, or stands for the batch before others.
    pub(super) fn names_batch(&mut self, dims: &'a [Expr]) -> bool {
        let [first, second, rest @ ..] = dims else { return false };
        let ExprKind::Name(name) = &first.kind else { return false };
        let is_batch = rest.len() == 2 || matches!(name.as_str(), "batch" | "batch_size");
        if !is_batch || self.lookup(name).is_some() || !self.frame().missing.insert(name.clone()) {
            return false;
        }
        self.sink
            .error(codes::N0101, format!("nothing is called {}", quote(name)))
            .primary(first.span, "not defined here or above")
            .fix("the batch is no axis of a shape: leave it out", first.span.to(second.span.before()), "");
        true
    }

    /// The parameter of the block that is being checked whose own name is the misspelt one: nothing uses it, and the block or
    /// its calls have `name` more than once.
    pub(super) fn misdeclared(&mut self, name: &str, near: &[&str]) -> Option<&'a Ident> {
        const MOST_BLOCKS: usize = 64;
        let ([near], block) = (near, self.frame().block?) else { return None };
        // A look at all calls for each of many blocks would take long.
        if self.program.units.iter().map(|unit| unit.file.blocks.len()).sum::<usize>() > MOST_BLOCKS {
            return None;
        }
        let declared = &block.params.iter().find(|param| param.name.text == *near)?.name;
        let (mut n_declared, mut n_meant) = (0_usize, 0_usize);
        let mut count = |used: &str| {
            n_declared += usize::from(used == declared.text);
            n_meant += usize::from(used == name);
        };
        names::in_items(&block.items, &mut count);
        for dim in shapes(block).flat_map(|shape| &shape.dims) {
            names::in_expr(dim, &mut count);
        }
        block
            .params
            .iter()
            .filter_map(|param| param.default.as_ref())
            .for_each(|value| names::in_expr(value, &mut count));
        for unit in &self.program.units {
            let blocks = unit.file.blocks.iter().map(|block| &block.items);
            for items in blocks.chain(unit.file.networks.iter().map(|network| &network.items)) {
                names::calls(items, &mut |call| {
                    let given = call.args.iter().filter(|_| call.name.text == block.name.text);
                    given.filter_map(|arg| arg.name.as_ref()).for_each(|given| count(&given.text));
                });
            }
        }
        (n_declared == 0 && n_meant > 1).then_some(declared)
    }
}

/// The shapes in a block's header.
fn shapes(block: &Block) -> impl Iterator<Item = &Annotation> {
    let params = block.params.iter().filter_map(|param| match &param.ty {
        ParamType::Tensor(shape) => Some(shape),
        _ => None,
    });
    params.chain(&block.results)
}

/// Whether a name is one as the sizes of blocks' tensors have: a capital letter.
fn is_variable(name: &str) -> bool {
    name.len() == 1 && name.starts_with(|letter: char| letter.is_ascii_uppercase())
}

/// Whether an item of a list is a layer.
pub(super) fn is_layer(item: &Expr) -> bool {
    match &item.kind {
        ExprKind::Name(name) => ops::signature(name).is_some(),
        ExprKind::Call(call) => ops::signature(&call.name.text).is_some(),
        _ => false,
    }
}
