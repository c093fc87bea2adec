//! The losses: each writes every image's loss and, in training, makes the gradient of what it looks at.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Mismatch, Operation};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;
use crate::types::TensorType;

/// Cross entropy of a class under the softmax of scores, fused and computed stably:
/// `log(sum(exp(x))) - x[class]`, whose gradient is `softmax(x) - one_hot(class)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossEntropy {
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
}

impl fmt::Display for CrossEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cross_entropy{}", if self.gradient { " with gradient" } else { "" })
    }
}

impl Operation for CrossEntropy {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(if self.gradient { vec![args[0].clone()] } else { Vec::new() })
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
        if self.gradient {
            let gradient = step.write(0);
            return quote! {
                #rt::cross_entropy::forward_gradient(n, #classes, c.scale, #scores, c.labels, c.losses, c.correct, #gradient);
            };
        }
        quote!(#rt::cross_entropy::forward(n, #classes, #scores, c.labels, c.losses, c.correct);)
    }
}

/// The mean over an image's values of the squared difference from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanSquaredError {
    /// Whether the gradient is wanted; otherwise there is no result.
    pub gradient: bool,
}

impl fmt::Display for MeanSquaredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean_squared_error{}", if self.gradient { " with gradient" } else { "" })
    }
}

impl Operation for MeanSquaredError {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(if self.gradient { vec![args[0].clone()] } else { Vec::new() })
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
        if self.gradient {
            let gradient = step.write(0);
            return quote!(#rt::mse::forward_gradient(n, #len, c.scale, #y, c.values, c.losses, #gradient););
        }
        quote!(#rt::mse::forward(n, #len, #y, c.values, c.losses);)
    }
}
