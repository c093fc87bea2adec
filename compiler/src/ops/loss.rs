//! The losses: each writes every image's loss and, in training, makes the gradient of what it looks at.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Mismatch, Op, Operation};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;
use crate::recipe::LossKind;
use crate::types::TensorType;

/// The operation of a loss, with its gradient as a result or without.
#[must_use]
pub fn loss(kind: LossKind, gradient: bool) -> Op {
    match kind {
        LossKind::CrossEntropy { smoothing, weights } => CrossEntropy { smoothing, weights, gradient }.into(),
        LossKind::MeanSquaredError => MeanSquaredError { gradient }.into(),
        LossKind::BinaryCrossEntropy => BinaryCrossEntropy { gradient }.into(),
        LossKind::L1 => L1 { gradient }.into(),
        LossKind::Huber { delta } => Huber { delta, gradient }.into(),
    }
}

/// Cross entropy of a class under the softmax of scores, fused and computed stably:
/// `log(sum(exp(x))) - x[class]`, whose gradient is `softmax(x) - one_hot(class)`; with smoothing and weights as
/// [`LossKind::CrossEntropy`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossEntropy {
    /// How much of each target is spread evenly over all classes.
    pub smoothing: f64,
    /// How much each class counts; none where all count the same.
    pub weights: Vec<f64>,
    /// Whether the gradient is wanted; otherwise there is no result.
    pub gradient: bool,
}

impl CrossEntropy {
    /// What it refuses to look at.
    pub(crate) fn mismatch(scores: &TensorType) -> Option<Mismatch> {
        (scores.is_known() && scores.rank() != 1).then(|| {
            let title = format!("`cross_entropy` takes one score for each class, found {scores}");
            Mismatch::new(codes::N0404, title, "expected [classes]")
                .help("end the network with `global_avg_pool`, or with `flatten` and `dense(classes)`")
        })
    }

    /// The targets as the kernels take them; nothing where they are the classes alone.
    fn targets(&self, rt: &TokenStream) -> TokenStream {
        if self.smoothing == 0.0 && self.weights.is_empty() {
            return TokenStream::new();
        }
        let smoothing = self.smoothing as f32;
        let weights = self.weights.iter().map(|&weight| weight as f32);
        quote!(#rt::cross_entropy::Targets { smoothing: #smoothing, weights: &[#(#weights),*] },)
    }
}

impl fmt::Display for CrossEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cross_entropy")?;
        if self.smoothing != 0.0 {
            write!(f, " smoothing {:?}", self.smoothing)?;
        }
        if !self.weights.is_empty() {
            write!(f, " weights {:?}", self.weights)?;
        }
        f.write_str(with_gradient(self.gradient))
    }
}

/// The end of a loss's text form.
fn with_gradient(gradient: bool) -> &'static str {
    if gradient { " with gradient" } else { "" }
}

/// The results: the gradient, of the operand's shape, or none.
fn results(gradient: bool, arg: &Shape) -> Option<Vec<Shape>> {
    Some(if gradient { vec![arg.clone()] } else { Vec::new() })
}

impl Operation for CrossEntropy {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        results(self.gradient, args[0])
    }

    fn n_results(&self) -> usize {
        usize::from(self.gradient)
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, scores, classes) = (step.rt(), step.read(0), step.operand_shape(0).channels());
        let targets = self.targets(rt);
        let [forward, forward_gradient] = if targets.is_empty() {
            [quote!(forward), quote!(forward_gradient)]
        } else {
            [quote!(target_forward), quote!(target_forward_gradient)]
        };
        if self.gradient {
            let gradient = step.write(0);
            return quote! {
                #rt::cross_entropy::#forward_gradient(
                    n, #classes, c.scale, #targets #scores, c.labels, c.losses, c.correct, #gradient
                );
            };
        }
        quote!(#rt::cross_entropy::#forward(n, #classes, #targets #scores, c.labels, c.losses, c.correct);)
    }
}

/// Defines a loss that compares each value with one wanted, and is the mean over an image's values: its name, the module of
/// its kernels, and its settings.
macro_rules! values {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* }, $text:literal, $module:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)*
            /// Whether the gradient is wanted; otherwise there is no result.
            pub gradient: bool,
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)?;
                $(write!(f, concat!(" ", stringify!($field), " {:?}"), self.$field)?;)*
                f.write_str(with_gradient(self.gradient))
            }
        }

        impl Operation for $name {
            fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
                results(self.gradient, args[0])
            }

            fn n_results(&self) -> usize {
                usize::from(self.gradient)
            }

            fn has_effects(&self) -> bool {
                true
            }

            fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

            fn emit(&self, step: &StepContext<'_>) -> TokenStream {
                let (rt, y, len) = (step.rt(), step.read(0), step.operand_shape(0).elements());
                let settings: &[f32] = &[$(self.$field as f32),*];
                if self.gradient {
                    let gradient = step.write(0);
                    return quote! {
                        #rt::$module::forward_gradient(
                            n, #len, c.scale, #(#settings,)* #y, c.values, c.losses, #gradient
                        );
                    };
                }
                quote!(#rt::$module::forward(n, #len, #(#settings,)* #y, c.values, c.losses);)
            }
        }
    };
}

values!(
    /// The mean of the squared difference from the target.
    MeanSquaredError {}, "mean_squared_error", mse
);
values!(
    /// The mean of `log(1 + exp(x)) - target x`, the cross entropy of a target from 0 to 1 under the logistic function.
    BinaryCrossEntropy {}, "binary_cross_entropy", binary_cross_entropy
);
values!(
    /// The mean of the absolute difference from the target.
    L1 {}, "l1", l1
);
values!(
    /// The mean of Huber's function (1964) of the difference `d` from the target: `d^2 / 2`, or beyond `delta`
    /// `delta (|d| - delta / 2)`.
    Huber {
        /// Where the square ends.
        delta
    }, "huber", huber
);
