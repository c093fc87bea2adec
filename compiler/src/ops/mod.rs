//! The operations, one file per layer: its call in the language, shape rule, cost, gradient and generated code.
//!
//! A layer is registered in two places of this file: its [`Signature`] in [`SIGNATURES`], its operations in [`Op`].

#![allow(clippy::result_large_err, reason = "a mismatch is made once, on the way to a message")]

mod activation;
mod add;
mod affine;
mod avg_pool;
mod batch_norm;
mod broadcast;
mod concat;
mod conv;
mod conv_transpose;
mod copy;
mod dense;
mod depthwise_conv;
mod dropout;
mod elu;
mod flatten;
mod gelu;
mod global_avg_pool;
mod global_max_pool;
mod group_norm;
mod hard_sigmoid;
mod hard_swish;
mod int8;
mod layer_norm;
mod leaky_relu;
mod log_softmax;
mod loss;
mod lrn;
mod max_pool;
mod mean;
mod multiply;
mod norm;
mod pad;
mod prelu;
mod reach;
mod reference;
mod relu;
mod relu6;
mod reshape;
mod rule;
mod separable_conv;
mod sigmoid;
mod signature;
mod silu;
mod slice;
mod softmax;
mod split;
mod subtract;
mod tanh;
mod upsample;
mod window;

use std::fmt;

use proc_macro2::{Ident, TokenStream};

use crate::emit::{Geometry, StepContext};
use crate::ir::{Extent, Node, Shape, ValueId};
use crate::passes::Backward;

pub use activation::{Activation, ActivationGradient, Function};
pub use add::{Accumulate, Add, AddGate, AddGateGradient};
pub use affine::Affine;
pub use avg_pool::{AvgPool, AvgPoolGradient};
pub use batch_norm::{
    BatchNorm, BatchNormApply, BatchNormGradient, BatchNormGradientMerge, BatchNormGradientPartial, BatchNormMerge,
    BatchNormPartial, FrozenBatchNormGradient,
};
pub use broadcast::{AddPixelGate, AddPixelGateGradient, PixelGate, PixelGateGradient};
pub use concat::Concat;
pub use conv::{Conv, ConvInputGradient, ConvWeightGradient};
pub(crate) use conv::{RELU, RELU_GRADIENT};
pub use conv_transpose::{ConvTranspose, ConvTransposeInputGradient, ConvTransposeWeightGradient};
pub use copy::Copy;
pub use dense::{Dense, DenseInputGradient, DenseWeightGradient};
pub use dropout::{Dropout, DropoutGradient};
pub use global_avg_pool::{GlobalAvgPool, GlobalAvgPoolGradient};
pub use global_max_pool::{GlobalMaxPool, GlobalMaxPoolGradient};
pub use int8::{Int8, Step as Int8Step};
pub use log_softmax::{LogSoftmax, LogSoftmaxGradient};
pub use loss::{BinaryCrossEntropy, CrossEntropy, Huber, L1, LossSum, MeanSquaredError, Part, loss};
pub use lrn::{Lrn, LrnGradient};
pub use max_pool::{MAX_WINDOW, MaxPool, MaxPoolGradient, MaxPoolIndexed};
pub use mean::{Mean, MeanGradient};
pub use multiply::{Gate, GateGradient, Multiply, ScaleGradient};
pub use norm::{Norm, NormGradient, NormParameterGradient, Over};
pub use pad::{Pad, PadGradient};
pub use prelu::{Prelu, PreluGradient, PreluSlopeGradient};
pub use reach::Reach;
pub use reference::reference;
pub use reshape::Reshape;
pub use rule::{Mismatch, Rule, RuleCall};
pub use signature::{Argument, Default, Kind, Operands, Signature};
pub use slice::{Slice, SliceAccumulate, SliceGradient};
pub use softmax::{Softmax, SoftmaxGradient};
pub use split::MAX_PARTS;
pub use subtract::Subtract;
pub use upsample::{Upsample, UpsampleGradient};
pub use window::Window;

/// Every layer that a description can call, in the order of the documentation.
pub const SIGNATURES: &[&Signature] = &[
    &conv::SIGNATURE,
    &depthwise_conv::SIGNATURE,
    &separable_conv::SIGNATURE,
    &conv_transpose::SIGNATURE,
    &dense::SIGNATURE,
    &relu::SIGNATURE,
    &relu6::SIGNATURE,
    &leaky_relu::SIGNATURE,
    &prelu::SIGNATURE,
    &elu::SIGNATURE,
    &gelu::SIGNATURE,
    &silu::SIGNATURE,
    &sigmoid::SIGNATURE,
    &hard_sigmoid::SIGNATURE,
    &hard_swish::SIGNATURE,
    &tanh::SIGNATURE,
    &softmax::SIGNATURE,
    &log_softmax::SIGNATURE,
    &max_pool::SIGNATURE,
    &avg_pool::SIGNATURE,
    &global_avg_pool::SIGNATURE,
    &global_max_pool::SIGNATURE,
    &mean::SIGNATURE,
    &pad::SIGNATURE,
    &upsample::SIGNATURE,
    &flatten::SIGNATURE,
    &reshape::SIGNATURE,
    &dropout::SIGNATURE,
    &batch_norm::SIGNATURE,
    &layer_norm::SIGNATURE,
    &group_norm::SIGNATURE,
    &lrn::SIGNATURE,
    &concat::SIGNATURE,
    &slice::SIGNATURE,
    &split::SIGNATURE,
    &add::SIGNATURE,
    &subtract::SIGNATURE,
    &multiply::SIGNATURE,
    &affine::SIGNATURE,
];

/// The signature of a layer by its name in the language.
#[must_use]
pub fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().copied().find(|signature| signature.name == name)
}

/// What an operation does with memory for its first result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Writes it elsewhere than its operands.
    Fresh,
    /// May write it over this operand, if nobody reads that later.
    InPlace(usize),
    /// It is this operand under another shape; nothing is computed.
    Alias(usize),
}

/// What every operation answers.
pub trait Operation: fmt::Display + fmt::Debug {
    /// The shapes of the results for known shapes of the operands: the second opinion on a layer's [`Rule`], which the
    /// verifier asks after every pass. `None` if the operands do not fit, which is a bug in the compiler.
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>>;

    /// How many results there are.
    fn n_results(&self) -> usize {
        1
    }

    /// What the results belong to.
    fn extent(&self) -> Extent {
        Extent::Image
    }

    /// What follows the name of a result after the first: `max_pool1_index`.
    fn port_name(&self, _port: usize) -> &'static str {
        "aux"
    }

    /// Multiply-adds for one image, without biases; counted for convolutions and dense layers.
    fn macs(&self) -> u64 {
        0
    }

    /// Where the first result may be put.
    fn storage(&self) -> Storage {
        Storage::Fresh
    }

    /// Whether it can read an operand from among channels of a larger tensor ([`StepContext::among_arg`]).
    fn reads_among(&self, _operand: usize) -> bool {
        false
    }

    /// Whether it can write its first result among channels of a larger tensor ([`StepContext::among_result`]).
    fn writes_among(&self) -> bool {
        false
    }

    /// Which rows of its operands a row of its result (or, where it has none, of what it adds to gradients) depends on, where it can be computed for some rows of an image alone
    /// ([`StepContext::band`]).
    fn reach(&self) -> Option<Reach> {
        None
    }

    /// The same of one operand; `None` of one that must be there as a whole.
    fn reach_of(&self, _operand: usize) -> Option<Reach> {
        self.reach()
    }

    /// Whether it acts once, between two stages, on what all chunks left.
    fn is_barrier(&self) -> bool {
        false
    }

    /// Whether it does something besides making its results: adds to gradients or writes the losses.
    fn has_effects(&self) -> bool {
        false
    }

    /// Adds the nodes that carry the gradient of the first result (`upstream`) to the operands and parameters.
    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId);

    /// The sizes that the generated code keeps as a constant.
    fn geometry(&self) -> Option<Geometry> {
        None
    }

    /// Floats of the transposed copy of the first parameter that the operation reads.
    fn derived(&self) -> Option<usize> {
        None
    }

    /// The statement that makes the transposed copy, from the weight `w` into `out`.
    fn emit_derived(&self, _rt: &Ident, _geometry: Option<&Ident>) -> TokenStream {
        TokenStream::new()
    }

    /// The statement that runs the operation on a chunk (or, for a barrier, once).
    fn emit(&self, step: &StepContext<'_>) -> TokenStream;
}

/// Defines [`Op`] with one variant per operation and the way to its [`Operation`].
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a node computes. Operands are in [`Node::args`], never here.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        impl Op {
            /// The operation behind the variant.
            #[must_use]
            pub fn operation(&self) -> &dyn Operation {
                match self {
                    $(Op::$name(operation) => operation,)*
                }
            }
        }

        $(impl From<$name> for Op {
            fn from(operation: $name) -> Self {
                Op::$name(operation)
            }
        })*
    };
}

operations! {
    /// 2-D cross-correlation: `[H, W, C]` -> `[OH, OW, F]`.
    Conv,
    /// `[OH, OW, F]` -> `[H, W, C]`, the gradient with respect to the input.
    ConvInputGradient,
    /// Input and `[OH, OW, F]` -> nothing; adds to the gradients of weight and bias.
    ConvWeightGradient,
    /// `[H, W, C]` -> `[OH, OW, F]`, larger by the stride.
    ConvTranspose,
    /// `[OH, OW, F]` -> `[H, W, C]`, the gradient with respect to the input.
    ConvTransposeInputGradient,
    /// Input and `[OH, OW, F]` -> nothing; adds to the gradients of weight and bias.
    ConvTransposeWeightGradient,
    /// `[I]` -> `[O]`, a matrix product.
    Dense,
    /// `[O]` -> `[I]`.
    DenseInputGradient,
    /// `[I]`, `[O]` -> nothing; adds to the gradients of weight and bias.
    DenseWeightGradient,
    /// Any shape to itself.
    Activation,
    /// Output (or input) and the output's gradient to the input's gradient, all of one shape.
    ActivationGradient,
    /// Any shape to itself, with a slope for each channel.
    Prelu,
    /// Input and output gradient to the input's gradient.
    PreluGradient,
    /// Input and output gradient -> nothing; adds to the gradient of the slopes.
    PreluSlopeGradient,
    /// Any shape to itself, normalised over the last axis.
    Softmax,
    /// Output and its gradient to the input's gradient.
    SoftmaxGradient,
    /// Any shape to itself, over the last axis.
    LogSoftmax,
    /// Output and its gradient to the input's gradient.
    LogSoftmaxGradient,
    /// `[H, W, C]` -> `[OH, OW, C]`.
    MaxPool,
    /// The same, with the place of each maximum as a second result.
    MaxPoolIndexed,
    /// `[OH, OW, C]` and the places -> `[H, W, C]`.
    MaxPoolGradient,
    /// `[H, W, C]` -> `[OH, OW, C]`.
    AvgPool,
    /// `[OH, OW, C]` -> `[H, W, C]`.
    AvgPoolGradient,
    /// `[H, W, C]` -> `[C]`.
    GlobalAvgPool,
    /// `[C]` -> `[H, W, C]`.
    GlobalAvgPoolGradient,
    /// `[H, W, C]` -> `[C]`.
    GlobalMaxPool,
    /// Input, output and `[C]` -> `[H, W, C]`.
    GlobalMaxPoolGradient,
    /// Any shape to itself without some neighbouring axes.
    Mean,
    /// The shape without the axes to that with them.
    MeanGradient,
    /// `[H, W, C]` -> a larger `[OH, OW, C]`, zero around it.
    Pad,
    /// `[OH, OW, C]` -> `[H, W, C]`.
    PadGradient,
    /// `[H, W, C]` -> `[factor H, factor W, C]`.
    Upsample,
    /// `[factor H, factor W, C]` -> `[H, W, C]`.
    UpsampleGradient,
    /// Any shape to another of as many elements.
    Reshape,
    /// Any shape to itself.
    Dropout,
    /// Any shape to itself, with the mask of the forward pass.
    DropoutGradient,
    /// Any shape to itself, by channel; with running statistics.
    BatchNorm,
    /// `[.., C]` -> `[2C]` per chunk: mean and sum of squared deviations.
    BatchNormPartial,
    /// `[2C]` per chunk -> `[2C]` per batch: mean and inverse standard deviation.
    BatchNormMerge,
    /// Input and statistics -> the input's shape.
    BatchNormApply,
    /// Input, statistics and output gradient -> `[2C]` per chunk.
    BatchNormGradientPartial,
    /// `[2C]` per chunk -> `[2C]` per batch; adds to the gradients of scale and shift.
    BatchNormGradientMerge,
    /// Input, statistics, sums and output gradient -> the input's gradient.
    BatchNormGradient,
    /// Output gradient -> the input's gradient, with running statistics.
    FrozenBatchNormGradient,
    /// Any shape to itself, each pixel or group of channels normalised; the statistics as a second result.
    Norm,
    /// Input, statistics and output gradient to the input's gradient.
    NormGradient,
    /// Input, statistics and output gradient -> nothing; adds to the gradients of scale and shift.
    NormParameterGradient,
    /// Any shape to itself, across channels.
    Lrn,
    /// Input and output gradient to the input's gradient; room for a row as a second result.
    LrnGradient,
    /// Shapes that agree but for one axis, joined along it.
    Concat,
    /// A part of a tensor along an axis.
    Slice,
    /// The part's gradient to the whole's, zero elsewhere.
    SliceGradient,
    /// A gradient of the whole and a part's, summed over the first.
    SliceAccumulate,
    /// Two of one shape, element by element.
    Add,
    /// Two gradients of one value, summed over the first.
    Accumulate,
    /// Two of one shape, element by element.
    Subtract,
    /// Any shape to itself, with two numbers for all elements.
    Affine,
    /// Two of one shape, element by element.
    Multiply,
    /// Two of one shape: the product of a gradient with the other factor.
    ScaleGradient,
    /// `[.., C]` and `[C]`, multiplied by channel.
    Gate,
    /// `[.., C]` twice -> `[C]`: the gate's gradient.
    GateGradient,
    /// `[.., C]` and `[C]`, added by channel.
    AddGate,
    /// `[.., C]` -> `[C]`: the sum over the pixels.
    AddGateGradient,
    /// `[H, W, C]` and `[H, W, 1]`, multiplied by pixel.
    PixelGate,
    /// `[H, W, C]` twice -> `[H, W, 1]`: the gate's gradient.
    PixelGateGradient,
    /// `[H, W, C]` and `[H, W, 1]`, added by pixel.
    AddPixelGate,
    /// `[H, W, C]` -> `[H, W, 1]`: the sum over the channels.
    AddPixelGateGradient,
    /// Any shape to itself.
    Copy,
    /// Scores `[classes]` -> their gradient, with the class as target; writes the losses.
    CrossEntropy,
    /// Any shape -> its gradient, with values as target; writes the losses.
    MeanSquaredError,
    /// Scores of any shape -> their gradient, with values from 0 to 1 as target; writes the losses.
    BinaryCrossEntropy,
    /// Any shape -> its gradient, with values as target; writes the losses.
    L1,
    /// Any shape -> its gradient, with values as target; writes the losses.
    Huber,
    /// The losses of several, `[1]` each -> nothing; writes their weighted sum.
    LossSum,
    /// What another operation computes, in integers, or the way there and back.
    Int8,
}

impl Op {
    /// The shapes of the results; unknown where an operand's is. `None` if the operands do not fit.
    #[must_use]
    pub fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let operation = self.operation();
        if args.iter().any(|shape| !shape.is_known()) {
            return Some(vec![Shape::unknown(); operation.n_results()]);
        }
        operation.infer(args)
    }

    /// What the results belong to.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.operation().extent()
    }

    /// What follows the name of a result after the first.
    #[must_use]
    pub fn port_name(&self, port: usize) -> &'static str {
        self.operation().port_name(port)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.operation(), f)
    }
}

/// A shape from sizes that fitted before; unknown if they do not, which the verifier reports.
fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).unwrap_or(Shape::unknown())
}
