//! The losses: each writes every image's loss and, in training, makes the gradient of what it looks at; and their sum.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Mismatch, Op, Operation};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;
use crate::recipe::LossKind;
use crate::types::TensorType;

/// What a loss has to make besides itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Whether its gradient is wanted: the first result then.
    pub gradient: bool,
    /// What it counts in a sum of losses, for the gradient.
    pub weight: f64,
    /// Its place in a sum, where it is one of several: then each image's loss is a result, for [`LossSum`]; alone it is
    /// what the step comes to.
    pub term: Option<usize>,
}

impl Part {
    /// The end of a loss's text form.
    fn text(self) -> String {
        let gradient = if self.gradient { " with gradient" } else { "" };
        match self.term {
            Some(_) => format!(" weight {:?}{gradient}", self.weight),
            None => gradient.to_owned(),
        }
    }

    /// The results: the gradient, of the operand's shape, and each image's loss.
    fn results(self, arg: &Shape) -> Option<Vec<Shape>> {
        let mut results = Vec::new();
        if self.gradient {
            results.push(arg.clone());
        }
        if self.term.is_some() {
            results.push(Shape::flat(1)?);
        }
        Some(results)
    }

    fn n_results(self) -> usize {
        usize::from(self.gradient) + usize::from(self.term.is_some())
    }

    /// Where each image's loss goes.
    fn losses(self, step: &StepContext<'_>) -> TokenStream {
        match self.term {
            Some(_) => step.write(usize::from(self.gradient)),
            None => quote!(c.losses),
        }
    }

    /// Where it goes whether an image's largest score is its class: only the first loss of a sum says so.
    fn correct(self, step: &StepContext<'_>) -> TokenStream {
        match self.term {
            None | Some(0) => quote!(c.correct),
            Some(_) => {
                let chunk = step.chunk();
                quote!(&mut [0_u8; #chunk][..n])
            }
        }
    }

    /// What an image's gradient is multiplied by.
    fn scale(self) -> TokenStream {
        let weight = self.weight as f32;
        if self.weight == 1.0 { quote!(c.scale) } else { quote!(c.scale * #weight) }
    }
}

/// The operation of a loss.
#[must_use]
pub fn loss(kind: LossKind, part: Part) -> Op {
    match kind {
        LossKind::CrossEntropy { smoothing, weights } => CrossEntropy { smoothing, weights, part }.into(),
        LossKind::MeanSquaredError => MeanSquaredError { part }.into(),
        LossKind::BinaryCrossEntropy => BinaryCrossEntropy { part }.into(),
        LossKind::L1 => L1 { part }.into(),
        LossKind::Huber { delta } => Huber { delta, part }.into(),
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
    /// What is to be made.
    pub part: Part,
}

impl CrossEntropy {
    /// What it refuses to look at.
    pub(crate) fn mismatch(scores: &TensorType) -> Option<Mismatch> {
        if !scores.is_known() {
            return None;
        }
        if let [classes] = scores.dims() {
            return (classes.as_number() == Some(1)).then(|| {
                Mismatch::new(codes::N0404, "`cross_entropy` compares classes, found one score", "expected two or more")
                    .help("for yes or no, one score goes with `binary_cross_entropy`, and its target is 1 or 0")
            });
        }
        let title = format!("`cross_entropy` takes one score for each class, found {scores}");
        let mismatch = Mismatch::new(codes::N0404, title, "expected [classes]");
        Some(mismatch.help("end the network with `global_avg_pool`, or with `flatten` and `dense(classes)`"))
    }

    /// The targets as the kernels take them; nothing where they are the classes alone.
    fn targets(&self, rt: &Ident) -> TokenStream {
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
        f.write_str(&self.part.text())
    }
}

impl Operation for CrossEntropy {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        self.part.results(args[0])
    }

    fn n_results(&self) -> usize {
        self.part.n_results()
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
        let (losses, correct) = (self.part.losses(step), self.part.correct(step));
        if self.part.gradient {
            let (scale, gradient) = (self.part.scale(), step.write(0));
            return quote! {
                #rt::cross_entropy::#forward_gradient(
                    n, #classes, #scale, #targets #scores, c.labels, #losses, #correct, #gradient
                );
            };
        }
        quote!(#rt::cross_entropy::#forward(n, #classes, #targets #scores, c.labels, #losses, #correct);)
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
            /// What is to be made.
            pub part: Part,
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)?;
                $(write!(f, concat!(" ", stringify!($field), " {:?}"), self.$field)?;)*
                f.write_str(&self.part.text())
            }
        }

        impl Operation for $name {
            fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
                self.part.results(args[0])
            }

            fn n_results(&self) -> usize {
                self.part.n_results()
            }

            fn has_effects(&self) -> bool {
                true
            }

            fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

            fn emit(&self, step: &StepContext<'_>) -> TokenStream {
                let (rt, y, len) = (step.rt(), step.read(0), step.operand_shape(0).elements());
                let settings: &[f32] = &[$(self.$field as f32),*];
                let losses = self.part.losses(step);
                if self.part.gradient {
                    let (scale, gradient) = (self.part.scale(), step.write(0));
                    return quote! {
                        #rt::$module::forward_gradient(
                            n, #len, #scale, #(#settings,)* #y, c.values, #losses, #gradient
                        );
                    };
                }
                quote!(#rt::$module::forward(n, #len, #(#settings,)* #y, c.values, #losses);)
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

/// The sum of several losses, each image's: what the step comes to. Operands are the losses of each, `[1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LossSum {
    /// What each loss is multiplied by, in order.
    pub weights: Vec<f64>,
}

impl fmt::Display for LossSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss_sum weights {:?}", self.weights)
    }
}

impl Operation for LossSum {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args.len() == self.weights.len() && args.iter().all(|arg| arg.dims() == [1])).then(Vec::new)
    }

    fn n_results(&self) -> usize {
        0
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let rt = step.rt();
        let weights = self.weights.iter().map(|&weight| weight as f32);
        let terms = (0..self.weights.len()).map(|index| step.read(index));
        quote!(#rt::loss_sum::forward([#(#weights),*], [#(&*#terms),*], c.losses);)
    }
}
