//! `batch_norm`: each channel normalised over the whole batch.
//!
//! In training the statistics are the batch's, so the step is cut in two stages at each of them: every chunk leaves
//! partial statistics, a barrier merges them in order, and the next stage goes on with the result. The backward pass
//! does the same with two sums.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Argument, Default, Kind, Operands, Operation, Reach, Signature};
use crate::emit::StepContext;
use crate::ir::{Extent, Init, Layout, Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "batch_norm",
    docs: "Batch normalisation (Ioffe and Szegedy, 2015) of each channel: `scale (x - mean) / sqrt(variance + epsilon) + \
           shift`; the shape stays. In training, mean and variance are the batch's, over images and pixels; in \
           prediction, running means of them: `running = momentum running + (1 - momentum) batch`, as Keras has it \
           (PyTorch's momentum is one minus this, and its running variance is the unbiased one).",
    operands: Operands::One,
    arguments: &[
        Argument {
            name: "epsilon",
            kind: Kind::Positive(1),
            default: Default::Number("0.001"),
            docs: "what is added to the variance",
        },
        Argument {
            name: "momentum",
            kind: Kind::Number(0, 1000),
            default: Default::Number("0.99"),
            docs: "how much of the running statistics a step keeps",
        },
        Argument {
            name: "unbiased",
            kind: Kind::Bool,
            default: Default::Bool(false),
            docs: "whether the running variance is of the unbiased kind (divided by one less)",
        },
    ],
    weighted: true,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let (epsilon, momentum, unbiased) = (call.number("epsilon")?, call.number("momentum")?, call.flag("unbiased")?);
    let input = call.operand_shape(0).clone();
    let (pixels, c) = (input.pixels(), input.channels());
    let layout = Layout::Plain { len: c };
    let parameters = vec![
        call.parameter("scale", vec![c], layout, Init::Ones)?,
        call.parameter("shift", vec![c], layout, Init::Zeros)?,
        call.state("running_mean", vec![c], layout, Init::Zeros)?,
        call.state("running_variance", vec![c], layout, Init::Ones)?,
    ];
    Some(vec![call.node(BatchNorm { pixels, c, epsilon, momentum, unbiased }.into(), parameters)])
}

/// Batch normalisation; as it stands, with the running statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Pixels of one image; one for a flat tensor.
    pub pixels: usize,
    /// Channels.
    pub c: usize,
    /// What is added to the variance.
    pub epsilon: f64,
    /// How much of the running statistics a step keeps.
    pub momentum: f64,
    /// Whether the running variance is divided by one less.
    pub unbiased: bool,
}

impl BatchNorm {
    fn pair(&self) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&[2 * self.c])])
    }
}

impl fmt::Display for BatchNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch_norm epsilon {:?} momentum {:?}", self.epsilon, self.momentum)?;
        f.write_str(if self.unbiased { " unbiased" } else { "" })
    }
}

impl Operation for BatchNorm {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    /// Of a frozen one; training takes others apart.
    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        if backward.wants(node.args[0]) {
            let parameters = vec![node.parameters[0], node.parameters[3]];
            let op = FrozenBatchNormGradient(*self).into();
            let gradient = backward.node(node, op, vec![upstream], parameters, node.args[0]);
            backward.add(node.args[0], gradient);
        }
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let (scale, shift) = (step.parameter(0), step.parameter(1));
        let (mean, variance) = (step.parameter(2), step.parameter(3));
        let ([n, pixels], c, epsilon) = (step.images(0), self.c, self.epsilon as f32);
        quote!(#rt::whole_batch::infer(#n, #pixels, #c, #epsilon, #x, #mean, #variance, #scale, #shift, #y);)
    }
}

/// Defines the parts of the training pass: a type over [`BatchNorm`] with its text form.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name(pub BatchNorm);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($text, " of {}"), self.0)
            }
        }
    };
}

part!(
    /// A chunk's mean and sum of squared deviations of each channel.
    BatchNormPartial, "partial"
);
part!(
    /// The batch's mean and inverse standard deviation; updates the running statistics.
    BatchNormMerge, "merge"
);
part!(
    /// Normalises with the batch's statistics.
    BatchNormApply, "apply"
);
part!(
    /// A chunk's sums of the gradient, and of the gradient times the normalised input.
    BatchNormGradientPartial, "gradient partial"
);
part!(
    /// The batch's sums, which are also the gradients of shift and scale.
    BatchNormGradientMerge, "gradient merge"
);
part!(
    /// The gradient of the input.
    BatchNormGradient, "gradient"
);

part!(
    /// The gradient of the input of a frozen one.
    FrozenBatchNormGradient, "gradient"
);

impl Operation for FrozenBatchNormGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, dx) = (step.rt(), step.read(0), step.write(0));
        let (scale, variance) = (step.parameter(0), step.parameter(1));
        let (pixels, c, epsilon) = (self.0.pixels, self.0.c, self.0.epsilon as f32);
        quote!(#rt::whole_batch::frozen_gradient(n, #pixels, #c, #epsilon, #dy, #variance, #scale, #dx);)
    }
}

impl Operation for BatchNormPartial {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        self.0.pair()
    }

    fn extent(&self) -> Extent {
        Extent::Chunk
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, out, pixels, c) = (step.rt(), step.read(0), step.write(0), self.0.pixels, self.0.c);
        quote!(#rt::whole_batch::partial(n, #pixels, #c, #x, #out);)
    }
}

impl Operation for BatchNormMerge {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        self.0.pair()
    }

    fn extent(&self) -> Extent {
        Extent::Batch
    }

    fn is_barrier(&self) -> bool {
        true
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let rt = step.rt();
        let BatchNorm { pixels, c, epsilon, momentum, unbiased } = self.0;
        let (epsilon, momentum) = (epsilon as f32, momentum as f32);
        let (partial, stats) = (step.slot(0), step.shared_result());
        let (mean, variance) = (step.range(0), step.range(1));
        quote! {
            #rt::whole_batch::merge_statistics(
                b, #partial, #stats, #pixels, #c, #epsilon, #momentum, #unbiased, #mean, #variance,
            );
        }
    }
}

impl Operation for BatchNormApply {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, stats) = (node.args[0], node.args[1]);
        let name = format!("d_{}", node.layer);
        let partial = BatchNormGradientPartial(self.0).into();
        let partial = backward.named(node, partial, vec![x, stats, upstream], Vec::new(), &format!("{name}_partial"));
        let merge = BatchNormGradientMerge(self.0).into();
        let sums = backward.named(node, merge, vec![partial], node.parameters.clone(), &format!("{name}_sums"));
        if backward.wants(x) {
            let args = vec![x, stats, sums, upstream];
            let gradient = backward.node(node, BatchNormGradient(self.0).into(), args, vec![node.parameters[0]], x);
            backward.add(x, gradient);
        }
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, stats, y) = (step.rt(), step.read(0), step.shared(1), step.write(0));
        let (scale, shift, pixels, c) = (step.parameter(0), step.parameter(1), self.0.pixels, self.0.c);
        quote!(#rt::whole_batch::normalise(n, #pixels, #c, #x, #stats, #scale, #shift, #y);)
    }
}

impl Operation for BatchNormGradientPartial {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        self.0.pair()
    }

    fn extent(&self) -> Extent {
        Extent::Chunk
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, stats, dy, out) = (step.rt(), step.read(0), step.shared(1), step.read(2), step.write(0));
        let (pixels, c) = (self.0.pixels, self.0.c);
        quote!(#rt::whole_batch::gradient_partial(n, #pixels, #c, #x, #stats, #dy, #out);)
    }
}

impl Operation for BatchNormGradientMerge {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        self.0.pair()
    }

    fn extent(&self) -> Extent {
        Extent::Batch
    }

    fn is_barrier(&self) -> bool {
        true
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, partial, sums) = (step.rt(), step.slot(0), step.shared_result());
        let (scale, shift, c) = (step.range(0), step.range(1), self.0.c);
        quote!(#rt::whole_batch::merge_gradients(b, #partial, #sums, #c, #scale, #shift);)
    }
}

impl Operation for BatchNormGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, stats, sums, dy, dx) =
            (step.rt(), step.read(0), step.shared(1), step.shared(2), step.read(3), step.write(0));
        let (scale, pixels, c) = (step.parameter(0), self.0.pixels, self.0.c);
        quote!(#rt::whole_batch::gradient(n, c.batch, #pixels, #c, #x, #stats, #sums, #scale, #dy, #dx);)
    }
}
