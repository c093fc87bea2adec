//! `mean`: the mean over some axes, which are dropped.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Argument, Default, Kind, Mismatch, Operands, Operation, RuleCall, Signature};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::{Dim, TensorType};

pub(super) const SIGNATURE: Signature = Signature {
    name: "mean",
    docs: "The mean over some axes, which are dropped: `x -> mean([0, 1])` of an image is `[C]`, as `global_avg_pool`. Over \
           all axes it is `[1]`.",
    operands: Operands::One,
    arguments: &[Argument {
        name: "axes",
        kind: Kind::Axes,
        default: Default::Required,
        docs: "one axis or several, counted from zero without the batch",
    }],
    weighted: false,
    has_several: false,
    rule,
    build,
};

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let input = call.operand(0);
    let mut kept: Vec<Option<Dim>> = input.dims().iter().cloned().map(Some).collect();
    for axis in call.dims("axes") {
        // Axes are always known.
        let index = axis.as_size().unwrap_or(usize::MAX);
        let Some(size) = kept.get_mut(index) else {
            let expected = format!("expected axes from 0 to {}", input.rank().saturating_sub(1));
            return Err(Mismatch::new(codes::N0204, format!("there is no axis {axis} in {input}"), expected)
                .help("axes are counted from zero, without the batch")
                .argument("axes"));
        };
        if size.take().is_none() {
            return Err(Mismatch::new(codes::N0204, format!("axis {axis} is named twice"), "expected each axis once")
                .argument("axes"));
        }
    }
    let kept: Vec<Dim> = kept.into_iter().flatten().collect();
    Ok(vec![TensorType::new(if kept.is_empty() { vec![Dim::from(1)] } else { kept })])
}

/// Means over runs of neighbouring axes, the last run first: together they are the mean over all.
fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let axes = call.sizes("axes")?;
    let mut dims = call.operand_shape(0).dims().to_vec();
    let mut value = call.operand(0);
    let mut end = dims.len();
    while let Some(last) = (0..end).rev().find(|axis| axes.contains(axis)) {
        let first = (0..=last).rev().take_while(|axis| axes.contains(axis)).last()?;
        let mean = Mean::over(&dims, first, last + 1);
        dims.drain(first..=last);
        value = call.node_over(mean.into(), vec![value], Vec::new());
        end = first;
    }
    Some(vec![value])
}

/// The mean over neighbouring axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mean {
    /// Sizes of the axes before.
    pub outer: Vec<usize>,
    /// Elements of the axes that are dropped.
    pub reduced: usize,
    /// Sizes of the axes after.
    pub inner: Vec<usize>,
}

impl Mean {
    fn over(dims: &[usize], first: usize, end: usize) -> Self {
        let reduced = dims[first..end].iter().product();
        Self { outer: dims[..first].to_vec(), reduced, inner: dims[end..].to_vec() }
    }

    fn output(&self) -> Vec<usize> {
        let kept = [self.outer.as_slice(), &self.inner].concat();
        if kept.is_empty() { vec![1] } else { kept }
    }

    /// Rows of an image, and what the kernels take besides.
    fn sizes(&self) -> (TokenStream, TokenStream) {
        let (outer, inner): (usize, usize) = (self.outer.iter().product(), self.inner.iter().product());
        let reduced = self.reduced;
        (if outer == 1 { quote!(n) } else { quote!(n * #outer) }, quote!(#reduced, #inner))
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean of {} from axis {}", self.reduced, self.outer.len())
    }
}

impl Operation for Mean {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let kept = self.outer.len() + self.inner.len();
        let dims = args[0].dims();
        let fits = dims.len() > kept
            && dims.starts_with(&self.outer)
            && dims.ends_with(&self.inner)
            && dims[self.outer.len()..dims.len() - self.inner.len()].iter().product::<usize>() == self.reduced;
        fits.then(|| vec![super::shape(&self.output())])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let op = MeanGradient { mean: self.clone(), whole: backward.shape(node.args[0]).clone() };
        let gradient = backward.node(node, op.into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let (rows, sizes) = self.sizes();
        quote!(#rt::mean::forward(#rows, #sizes, #x, #y);)
    }
}

/// Spreads each gradient evenly over what its mean was taken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeanGradient {
    /// The mean.
    pub mean: Mean,
    /// The shape of its operand.
    pub whole: Shape,
}

impl fmt::Display for MeanGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.mean)
    }
}

impl Operation for MeanGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == self.mean.output()).then(|| vec![self.whole.clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, dx) = (step.rt(), step.read(0), step.write(0));
        let (rows, sizes) = self.mean.sizes();
        quote!(#rt::mean::gradient(#rows, #sizes, #dy, #dx);)
    }
}
