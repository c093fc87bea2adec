//! `conv`: two-dimensional convolution (cross-correlation, as the field means it) of channels-last images.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::activation::Function;
use super::signature::{BIAS, BIAS_INIT, INIT};
use super::window::{KERNEL, PAD, STRIDE, SymbolicWindow, Window, pair};
use super::{
    Activation, ActivationGradient, Argument, Default, Kind, Mismatch, Operands, Operation, Reach, RuleCall, Signature,
};
use crate::diagnostic::codes;
use crate::emit::{Geometry, StepContext};
use crate::ir::{Layout, Node, PANEL, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "conv",
    docs: "Two-dimensional convolution: `[H, W, C]` -> `[OH, OW, filters]`, with \
           `OH = (H + 2 pad - (dilation (kernel - 1) + 1)) / stride + 1`, rounded down, and `OW` likewise.\n\n\
           It is a cross-correlation, as everywhere in the field: the kernel is not flipped. The weight is \
           `[KH, KW, C / groups, filters]`, the bias `[filters]`. With `groups` the channels and the filters are cut into \
           as many parts, each with weights of its own; `groups` equal to the channels is a depthwise convolution.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "filters", kind: Kind::Count, default: Default::Required, docs: "channels of the output" },
        KERNEL,
        STRIDE,
        PAD,
        Argument {
            name: "dilation",
            kind: Kind::CountPair,
            default: Default::Int(1),
            docs: "elements from one element of the window to the next",
        },
        Argument {
            name: "groups",
            kind: Kind::Count,
            default: Default::Int(1),
            docs: "parts that channels and filters are cut into",
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
    let [h, w, c] = call.image()?;
    let (filters, groups) = (call.dim("filters"), call.dim("groups"));
    let [oh, ow] = SymbolicWindow::of_conv(call).outputs(call, [h, w])?;
    let divides_channels = call.facts.require_multiple(&c, &groups);
    if !divides_channels || !call.facts.require_multiple(&filters, &groups) {
        let (what, count) = if divides_channels { ("filters", &filters) } else { ("channels of the input", &c) };
        return Err(Mismatch::new(
            codes::N0304,
            format!("{groups} groups do not divide {count} {what} evenly"),
            format!("expected a number of groups that divides {c} channels and {filters} filters"),
        ));
    }
    Ok(vec![TensorType::new(vec![oh, ow, filters])])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let filters = call.count("filters")?;
    let window = Window {
        kernel: call.pair("kernel")?,
        stride: call.pair("stride")?,
        pad: call.pair("pad")?,
        dilation: call.pair("dilation")?,
        ceil: false,
    };
    let groups = call.count("groups")?;
    let (bias, init, bias_init) = (call.flag("bias")?, call.init("init")?, call.init("bias_init")?);
    let input = call.operand_shape(0);
    let [h, w, c] = input.image()?;
    let conv = Conv { h, w, c, f: filters, window, groups, bias, relu: false };
    let [kh, kw] = window.kernel;
    let weight = call.parameter("weight", vec![kh, kw, c / groups, filters], conv.layout(), init)?;
    let mut parameters = vec![weight];
    if bias {
        parameters.push(call.parameter("bias", vec![filters], Layout::Plain { len: filters }, bias_init)?);
    }
    Some(vec![call.node(conv.into(), parameters)])
}

/// A convolution with all its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Channels of the input.
    pub c: usize,
    /// Channels of the output.
    pub f: usize,
    /// Kernel, stride, padding and dilation.
    pub window: Window,
    /// Parts that channels and filters are cut into.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether negative results become zero before they are stored.
    pub relu: bool,
}

impl Conv {
    /// Whether every channel is convolved on its own, into one channel of the output or several.
    #[must_use]
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.c
    }

    /// How the kernels store the weight.
    #[must_use]
    pub fn layout(&self) -> Layout {
        // A kernel that is too large for this is too large as a parameter, which is reported.
        let taps = self.window.kernel[0].saturating_mul(self.window.kernel[1]);
        let k = taps.saturating_mul(self.c / self.groups);
        if self.is_depthwise() {
            Layout::Panels { groups: 1, k, f: self.f }
        } else {
            Layout::Panels { groups: self.groups, k, f: self.f / self.groups }
        }
    }

    /// Floats of the weight as the input gradient wants it.
    fn transposed(&self) -> usize {
        let taps = self.window.kernel[0] * self.window.kernel[1];
        if self.is_depthwise() {
            return self.f.next_multiple_of(PANEL) * taps;
        }
        self.groups * (self.c / self.groups).next_multiple_of(PANEL) * taps * (self.f / self.groups)
    }

    /// Whether the kernels may compute it by Winograd's algorithm, which rounds more: for predictions only. Elsewhere the
    /// code for it is left out of the program.
    fn has_fast_form(&self) -> bool {
        let Window { kernel, stride, dilation, .. } = self.window;
        matches!(kernel, [3, 3] | [5, 5]) && (stride, dilation, self.groups) == ([1, 1], [1, 1], 1)
    }

    fn output(&self) -> Option<[usize; 3]> {
        let [oh, ow] = self.window.outputs([self.h, self.w])?;
        Some([oh, ow, self.f])
    }

    fn constant(&self) -> Geometry {
        let Self { h, w, c, f, window, groups, .. } = *self;
        let Window { kernel: [kh, kw], stride, pad, dilation, .. } = window;
        Geometry::new("conv", "Conv")
            .sizes([("h", h), ("w", w), ("c", c), ("kh", kh), ("kw", kw), ("f", f)])
            .pairs([("stride", stride), ("pad", pad), ("dilation", dilation)])
            .sizes([("groups", groups)])
    }
}

impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window { kernel, stride, pad, dilation, .. } = self.window;
        write!(f, "conv {} kernel {}", self.f, pair(kernel))?;
        for (name, value, usual) in [("stride", stride, 1), ("pad", pad, 0), ("dilation", dilation, 1)] {
            if value != [usual, usual] {
                write!(f, " {name} {}", pair(value))?;
            }
        }
        if self.groups > 1 {
            write!(f, " groups {}", self.groups)?;
        }
        f.write_str(if self.relu { " then relu" } else { "" })
    }
}

impl Operation for Conv {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let fits = args[0].dims() == [self.h, self.w, self.c]
            && self.c.is_multiple_of(self.groups)
            && self.f.is_multiple_of(self.groups);
        fits.then(|| self.output().map(|output| vec![super::shape(&output)]))?
    }

    fn macs(&self) -> u64 {
        let k = self.window.kernel[0] * self.window.kernel[1] * (self.c / self.groups);
        self.output()
            .map_or(0, |[oh, ow, f]| [oh, ow, f, k].iter().fold(1, |product: u64, &n| product.saturating_mul(n as u64)))
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (weight, input) = (ConvWeightGradient(*self).into(), ConvInputGradient(*self).into());
        backward.through_weights(node, upstream, self.relu, weight, input);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn writes_among(&self) -> bool {
        true
    }

    fn reach(&self) -> Option<Reach> {
        // The kernels' tiles have four rows, or two.
        let tile = if !self.has_fast_form() { 1 } else { 7 - self.window.kernel[0] };
        Some(Reach { tile, ..Reach::of(&self.window) })
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (x, y, w, b) = (step.read(0), step.write(0), step.parameter(0), step.parameter(1));
        let activation = if self.relu { quote!(Relu) } else { quote!(None) };
        let activation = quote!(#rt::conv::Activation::#activation);
        if let Some([from, to]) = step.band() {
            let f = self.f;
            let among = step.among_result().unwrap_or_else(|| quote!(#rt::conv::Among::alone(#f)));
            let function = format_ident!("{}", if step.trains() { "forward_band" } else { "infer_band" });
            return quote!(#rt::conv::#function(&#geometry, #among, #activation, #from, #x, #w, #b, #to, #y););
        }
        let is_fast = self.has_fast_form() && !step.trains();
        let (alone, among_others) = if is_fast { ("infer", "infer_among") } else { ("forward", "forward_among") };
        let function = format_ident!("{}", if step.among_result().is_some() { among_others } else { alone });
        let among = step.among_result().map(|among| quote!(#among,));
        quote!(#rt::conv::#function(&#geometry, #among #activation, n, #x, #w, #b, #y);)
    }
}

/// The gradient with respect to the input: a convolution with the transposed weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvInputGradient(pub Conv);

impl fmt::Display for ConvInputGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input_gradient of {}", Conv { relu: false, ..self.0 })
    }
}

impl Operation for ConvInputGradient {
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

    fn derived(&self) -> Option<usize> {
        Some(self.0.transposed())
    }

    fn reads_among(&self, operand: usize) -> bool {
        operand == 0
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::back(&self.0.window))
    }

    fn emit_derived(&self, rt: &Ident, geometry: Option<&Ident>) -> TokenStream {
        quote!(#rt::conv::transpose_weights(&#geometry, w, out);)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (dy, dx, wt) = (step.read(0), step.write(0), step.derived());
        if let Some([from, to]) = step.band() {
            let f = self.0.f;
            let among = step.among_arg(0).unwrap_or_else(|| quote!(#rt::conv::Among::alone(#f)));
            return quote!(#rt::conv::input_gradient_band(&#geometry, #among, #from, #dy, #wt, #to, #dx););
        }
        match step.among_arg(0) {
            Some(among) => quote!(#rt::conv::input_gradient_among(&#geometry, #among, n, #dy, #wt, #dx);),
            None => quote!(#rt::conv::input_gradient(&#geometry, n, #dy, #wt, #dx);),
        }
    }
}

/// The gradients of weight and bias, added to the lane's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvWeightGradient(pub Conv);

impl fmt::Display for ConvWeightGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight_gradient of {}", Conv { relu: false, ..self.0 })
    }
}

impl Operation for ConvWeightGradient {
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

    /// The gradient of the output.
    fn reads_among(&self, operand: usize) -> bool {
        operand == 1
    }

    /// By rows of the output's gradient, beside an input that is there as a whole.
    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn reach_of(&self, operand: usize) -> Option<Reach> {
        (operand == 1).then_some(Reach::SAME)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry) = (step.rt(), step.geometry());
        let (x, dy, dw, db) = (step.read(0), step.read(1), step.gradient(0), step.gradient(1));
        if let Some([from, to]) = step.band() {
            let f = self.0.f;
            let among = step.among_arg(1).unwrap_or_else(|| quote!(#rt::conv::Among::alone(#f)));
            return quote!(#rt::conv::weight_gradient_band(&#geometry, #among, #from, #x, #to, #dy, #dw, #db););
        }
        match step.among_arg(1) {
            Some(among) => quote!(#rt::conv::weight_gradient_among(&#geometry, #among, n, #x, #dy, #dw, #db);),
            None => quote!(#rt::conv::weight_gradient(&#geometry, n, #x, #dy, #dw, #db);),
        }
    }
}

/// The relu that a convolution or dense layer took in, as an operation of its own.
pub(crate) const RELU: Activation = Activation(Function::Relu);

/// Its gradient.
pub(crate) const RELU_GRADIENT: ActivationGradient = ActivationGradient(Function::Relu);
