//! `conv_transpose`: transposed convolution, which makes images larger with weights.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::signature::{BIAS, BIAS_INIT, INIT};
use super::window::{KERNEL, STRIDE, pair, shown};
use super::{Argument, Default, Kind, Mismatch, Operands, Operation, RuleCall, Signature};
use crate::diagnostic::codes;
use crate::emit::{Geometry, StepContext};
use crate::ir::{Layout, Node, PANEL, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "conv_transpose",
    docs: "Transposed convolution: `[H, W, C]` -> `[OH, OW, filters]`, with \
           `OH = (H - 1) stride - 2 pad + kernel + output_pad`, and `OW` likewise.\n\n\
           Each input pixel adds the kernel, times its channels, to a window of the output; the windows are `stride` apart. \
           It is the gradient of a convolution of that kernel, stride and pad with respect to its input, as PyTorch's \
           `ConvTranspose2d` is. The weight is `[KH, KW, C, filters]`, the bias `[filters]`.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "filters", kind: Kind::Count, default: Default::Required, docs: "channels of the output" },
        KERNEL,
        STRIDE,
        Argument {
            name: "pad",
            kind: Kind::SizePair,
            default: Default::Int(0),
            docs: "rows and columns that are left out of the output, on both sides",
        },
        Argument {
            name: "output_pad",
            kind: Kind::SizePair,
            default: Default::Int(0),
            docs: "rows and columns that are added at the output's end; fewer than `stride`",
        },
        BIAS,
        INIT,
        BIAS_INIT,
    ],
    weighted: true,
    has_several: false,
    rule,
    build,
};

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let [h, w, _] = call.image()?;
    let [kernel, stride, pad, output_pad] = ["kernel", "stride", "pad", "output_pad"].map(|name| call.pair(name));
    if !(0..2).all(|axis: usize| call.facts.require_at_least(&stride[axis], &(&output_pad[axis] + 1))) {
        let title = format!("`output_pad` of {} is not less than the stride of {}", shown(&output_pad), shown(&stride));
        return Err(Mismatch::new(codes::N0204, title, "expected less than `stride`")
            .help(
                "a convolution of that stride makes one size of up to `stride` sizes; `output_pad` chooses among them",
            )
            .argument("output_pad"));
    }
    let size = [h, w];
    let reach = [0, 1].map(|axis: usize| (&size[axis] - 1) * &stride[axis] + &kernel[axis] + &output_pad[axis]);
    let output = [0, 1].map(|axis: usize| &reach[axis] - &(&pad[axis] * 2));
    if !(0..2).all(|axis: usize| call.facts.require_at_least(&output[axis], &1_i64.into())) {
        let title = format!("`pad` of {} takes the whole output of [{}, {}] away", shown(&pad), reach[0], reach[1]);
        return Err(Mismatch::new(codes::N0204, title, "expected less than half of the output").argument("pad"));
    }
    let [oh, ow] = output;
    Ok(vec![TensorType::new(vec![oh, ow, call.dim("filters")])])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let [h, w, c] = call.operand_shape(0).image()?;
    let conv = ConvTranspose {
        h,
        w,
        c,
        f: call.count("filters")?,
        kernel: call.pair("kernel")?,
        stride: call.pair("stride")?,
        pad: call.pair("pad")?,
        output_pad: call.pair("output_pad")?,
        relu: false,
    };
    let (bias, init, bias_init) = (call.flag("bias")?, call.init("init")?, call.init("bias_init")?);
    let [kh, kw] = conv.kernel;
    let layout = Layout::Panels { groups: 1, k: conv.taps().saturating_mul(c), f: conv.f };
    let mut parameters = vec![call.parameter("weight", vec![kh, kw, c, conv.f], layout, init)?];
    if bias {
        parameters.push(call.parameter("bias", vec![conv.f], Layout::Plain { len: conv.f }, bias_init)?);
    }
    Some(vec![call.node(conv.into(), parameters)])
}

/// A transposed convolution with all its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Channels of the input.
    pub c: usize,
    /// Channels of the output.
    pub f: usize,
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Elements from one window of the output to the next.
    pub stride: [usize; 2],
    /// Elements that are left out on both sides.
    pub pad: [usize; 2],
    /// Elements that are added at the end.
    pub output_pad: [usize; 2],
    /// Whether negative results become zero before they are stored.
    pub relu: bool,
}

impl ConvTranspose {
    /// Height, width and channels of the output.
    #[must_use]
    pub fn output(&self) -> Option<[usize; 3]> {
        let axis = |size: usize, i: usize| {
            let reach = size.checked_sub(1)?.checked_mul(self.stride[i])?.checked_add(self.kernel[i])?;
            reach.checked_add(self.output_pad[i])?.checked_sub(self.pad[i].checked_mul(2)?)
        };
        Some([axis(self.h, 0)?, axis(self.w, 1)?, self.f])
    }

    fn taps(&self) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1])
    }

    fn constant(&self) -> Geometry {
        let Self { h, w, c, f, kernel, stride, pad, output_pad, .. } = *self;
        Geometry::new("conv_transpose", "ConvTranspose").sizes([("h", h), ("w", w), ("c", c), ("f", f)]).pairs([
            ("kernel", kernel),
            ("stride", stride),
            ("pad", pad),
            ("output_pad", output_pad),
        ])
    }
}

impl fmt::Display for ConvTranspose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conv_transpose {} kernel {}", self.f, pair(self.kernel))?;
        for (name, value, usual) in
            [("stride", self.stride, 1), ("pad", self.pad, 0), ("output_pad", self.output_pad, 0)]
        {
            if value != [usual, usual] {
                write!(f, " {name} {}", pair(value))?;
            }
        }
        f.write_str(if self.relu { " then relu" } else { "" })
    }
}

impl Operation for ConvTranspose {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let fits = args[0].dims() == [self.h, self.w, self.c];
        fits.then(|| self.output().map(|output| vec![super::shape(&output)]))?
    }

    /// Each input pixel meets the whole kernel, but for what `pad` leaves out.
    fn macs(&self) -> u64 {
        let factors = [self.h, self.w, self.c, self.taps(), self.f];
        factors.iter().fold(1, |product: u64, &n| product.saturating_mul(n as u64))
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (weight, input) = (ConvTransposeWeightGradient(*self).into(), ConvTransposeInputGradient(*self).into());
        backward.through_weights(node, upstream, self.relu, weight, input);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (x, y, w, b) = (step.read(0), step.write(0), step.parameter(0), step.parameter(1));
        let activation = if self.relu { quote!(Relu) } else { quote!(None) };
        quote!(#rt::conv_transpose::forward(&#geometry, #rt::conv::Activation::#activation, n, #x, #w, #b, #y);)
    }
}

/// The gradient with respect to the input: a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeInputGradient(pub ConvTranspose);

impl fmt::Display for ConvTransposeInputGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input_gradient of {}", ConvTranspose { relu: false, ..self.0 })
    }
}

impl Operation for ConvTransposeInputGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&[self.0.h, self.0.w, self.0.c])])
    }

    fn macs(&self) -> u64 {
        self.0.macs()
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    /// Panels of the input's channels, with the output's as rows.
    fn derived(&self) -> Option<usize> {
        Some(self.0.c.next_multiple_of(PANEL) * self.0.taps() * self.0.f)
    }

    fn emit_derived(&self, rt: &Ident, geometry: Option<&Ident>) -> TokenStream {
        quote!(#rt::conv_transpose::transpose_weights(&#geometry, w, out);)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (dy, dx, wt) = (step.read(0), step.write(0), step.derived());
        quote!(#rt::conv_transpose::input_gradient(&#geometry, n, #dy, #wt, #dx);)
    }
}

/// The gradients of weight and bias, added to the lane's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeWeightGradient(pub ConvTranspose);

impl fmt::Display for ConvTransposeWeightGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight_gradient of {}", ConvTranspose { relu: false, ..self.0 })
    }
}

impl Operation for ConvTransposeWeightGradient {
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
        quote!(#rt::conv_transpose::weight_gradient(&#geometry, n, #x, #dy, #dw, #db);)
    }
}
