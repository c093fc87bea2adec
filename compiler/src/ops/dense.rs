//! `dense`: a matrix product with a bias, the fully connected layer.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::signature::{BIAS, BIAS_INIT, INIT};
use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Signature};
use crate::diagnostic::codes;
use crate::emit::{Geometry, StepContext};
use crate::ir::{Layout, Node, PANEL, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "dense",
    docs: "A fully connected layer: `[inputs]` -> `[units]`, `y = x W + b` with `W` of shape `[inputs, units]` and `b` of \
           shape `[units]`.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "units", kind: Kind::Count, default: Default::Required, docs: "features of the output" },
        BIAS,
        INIT,
        BIAS_INIT,
    ],
    weighted: true,
    has_several: false,
    rule: |call| {
        let input = call.operand(0);
        if input.rank() != 1 {
            let title = format!("`dense` takes a flat input, found {input}");
            let mismatch = Mismatch::new(codes::N0302, title, "expected [features]");
            // Rows of features, such as tokens: each may be meant to go through the same layer.
            return Err(match input.dims() {
                [rows, features] => mismatch.maybe_before(
                    format!(
                        "insert `flatten` to take all of it as one row; `reshape([1, {rows}, {features}]) -> \
                         conv({}, kernel: 1)` takes each row by itself",
                        call.dim("units")
                    ),
                    "flatten -> ",
                ),
                _ => mismatch.before("insert `flatten` before `dense`", "flatten -> "),
            });
        }
        Ok(vec![TensorType::new(vec![call.dim("units")])])
    },
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let units = call.count("units")?;
    let (bias, init, bias_init) = (call.flag("bias")?, call.init("init")?, call.init("bias_init")?);
    let input = call.operand_shape(0).clone();
    let dense = Dense { inputs: input.elements(), outputs: units, bias, relu: false };
    let layout = Layout::Panels { groups: 1, k: dense.inputs, f: units };
    let weight = call.parameter("weight", vec![dense.inputs, units], layout, init)?;
    let mut parameters = vec![weight];
    if bias {
        parameters.push(call.parameter("bias", vec![units], Layout::Plain { len: units }, bias_init)?);
    }
    Some(vec![call.node(dense.into(), parameters)])
}

/// A dense layer with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// Features of the input.
    pub inputs: usize,
    /// Features of the output.
    pub outputs: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether negative results become zero before they are stored.
    pub relu: bool,
}

impl Dense {
    fn constant(self) -> Geometry {
        let Self { inputs, outputs, .. } = self;
        Geometry::new("dense", "Dense").sizes([("inputs", inputs), ("outputs", outputs)])
    }
}

impl fmt::Display for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dense {}{}", self.outputs, if self.relu { " then relu" } else { "" })
    }
}

impl Operation for Dense {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == [self.inputs]).then(|| vec![super::shape(&[self.outputs])])
    }

    fn macs(&self) -> u64 {
        (self.inputs as u64).saturating_mul(self.outputs as u64)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (weight, input) = (DenseWeightGradient(*self).into(), DenseInputGradient(*self).into());
        backward.through_weights(node, upstream, self.relu, weight, input);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (x, y, w, b) = (step.read(0), step.write(0), step.parameter(0), step.parameter(1));
        let activation = if self.relu { quote!(Relu) } else { quote!(None) };
        let activation = quote!(#rt::conv::Activation::#activation);
        match step.sparse() {
            Some(layer) => {
                quote!(#rt::sparse::forward(&#geometry, #activation, n, #x, #w, #b, #y, c.sparse.get(#layer));)
            }
            None => quote!(#rt::dense::forward(&#geometry, #activation, n, #x, #w, #b, #y);),
        }
    }
}

/// The gradient with respect to the input: `dx = dy W^T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseInputGradient(pub Dense);

impl fmt::Display for DenseInputGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input_gradient of dense {}", self.0.outputs)
    }
}

impl Operation for DenseInputGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&[self.0.inputs])])
    }

    fn macs(&self) -> u64 {
        self.0.macs()
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn derived(&self) -> Option<usize> {
        Some(self.0.inputs.next_multiple_of(PANEL) * self.0.outputs)
    }

    fn emit_derived(&self, rt: &Ident, geometry: Option<&Ident>) -> TokenStream {
        quote!(#rt::dense::transpose_weights(&#geometry, w, out);)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (dy, dx, wt) = (step.read(0), step.write(0), step.derived());
        quote!(#rt::dense::input_gradient(&#geometry, n, #dy, #wt, #dx);)
    }
}

/// The gradients of weight and bias, added to the lane's: `dW += x^T dy`, `db += sum over images of dy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseWeightGradient(pub Dense);

impl fmt::Display for DenseWeightGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight_gradient of dense {}", self.0.outputs)
    }
}

impl Operation for DenseWeightGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(Vec::new())
    }

    fn n_results(&self) -> usize {
        0
    }

    fn macs(&self) -> u64 {
        self.0.macs()
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (x, dy, dw, db) = (step.read(0), step.read(1), step.gradient(0), step.gradient(1));
        quote!(#rt::dense::weight_gradient(&#geometry, n, #x, #dy, #dw, #db);)
    }
}
