//! Normalisation within an image, which `layer_norm` and `group_norm` share: by the mean and the variance of some of its
//! numbers, with a trained scale and shift for each channel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Argument, Default, Kind, Operation};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Init, Layout, Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

/// What is added to the variance.
pub(super) const EPSILON: Argument = Argument {
    name: "epsilon",
    kind: Kind::Positive(1),
    default: Default::Number("0.00001"),
    docs: "what is added to the variance",
};

/// The node of a normalisation of the first operand.
pub(super) fn node(call: &mut LayerCall<'_, '_>, over: Over) -> Option<Vec<ValueId>> {
    let epsilon = call.number("epsilon")?;
    let input = call.operand_shape(0);
    let (pixels, c) = (input.pixels(), input.channels());
    let layout = Layout::Plain { len: c };
    let parameters = vec![
        call.parameter("scale", vec![c], layout, Init::Ones)?,
        call.parameter("shift", vec![c], layout, Init::Zeros)?,
    ];
    Some(vec![call.node(Norm { over, pixels, c, epsilon }.into(), parameters)])
}

/// Which numbers of an image are normalised together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The channels of each pixel.
    Channels,
    /// All pixels of each of so many groups of channels.
    Groups(usize),
}

/// Normalisation within an image. Its second result is the mean and the inverse standard deviation of what is normalised
/// together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Which numbers are normalised together.
    pub over: Over,
    /// Pixels of one image; one for a flat tensor.
    pub pixels: usize,
    /// Channels.
    pub c: usize,
    /// What is added to the variance.
    pub epsilon: f64,
}

impl Norm {
    /// The shape of an operand, which must have these sizes.
    fn same(&self, arg: &Shape) -> Option<Shape> {
        ((arg.pixels(), arg.channels()) == (self.pixels, self.c)).then(|| arg.clone())
    }

    fn constant(&self) -> Geometry {
        // To the kernels, each pixel of a layer normalisation is an image of one group.
        let (pixels, groups) = match self.over {
            Over::Channels => (1, 1),
            Over::Groups(groups) => (self.pixels, groups),
        };
        Geometry::new("group_norm", "Groups").sizes([("pixels", pixels), ("c", self.c), ("groups", groups)])
    }

    /// What the kernels take as the number of images.
    fn images(&self, step: &StepContext<'_>) -> TokenStream {
        match self.over {
            Over::Channels => step.rows(0),
            Over::Groups(_) => quote!(n),
        }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.over {
            Over::Channels => write!(f, "layer_norm epsilon {:?}", self.epsilon),
            Over::Groups(groups) => write!(f, "group_norm {groups} epsilon {:?}", self.epsilon),
        }
    }
}

impl Operation for Norm {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let together = match self.over {
            Over::Channels => self.pixels,
            Over::Groups(groups) => groups,
        };
        Some(vec![self.same(args[0])?, super::shape(&[2 * together])])
    }

    fn n_results(&self) -> usize {
        2
    }

    fn port_name(&self, _: usize) -> &'static str {
        "stats"
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, stats) = (node.args[0], node.results[1]);
        let args = vec![x, stats, upstream];
        let name = format!("d_{}_parameters", node.layer);
        backward.named(node, NormParameterGradient(*self).into(), args.clone(), node.parameters.clone(), &name);
        if backward.wants(x) {
            let gradient = backward.node(node, NormGradient(*self).into(), args, vec![node.parameters[0]], x);
            backward.add(x, gradient);
        }
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, n, c) = (step.rt(), step.geometry(), self.images(step), self.c);
        let epsilon = self.epsilon as f32;
        let (x, y, stats) = (step.read(0), step.write(0), step.write(1));
        let (scale, shift) = (step.parameter(0), step.parameter(1));
        quote!(#rt::group_norm::forward(&#geometry, #n, #epsilon, #x, #scale[..#c], #shift[..#c], #y, #stats);)
    }
}

/// From the input, its statistics and the output's gradient, the gradient of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormGradient(pub Norm);

impl fmt::Display for NormGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for NormGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![self.0.same(args[0])?])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, n, scale) = (step.rt(), step.geometry(), self.0.images(step), step.parameter(0));
        let (x, stats, dy, dx, c) = (step.read(0), step.read(1), step.read(2), step.write(0), self.0.c);
        quote!(#rt::group_norm::gradient(&#geometry, #n, #x, #stats, #scale[..#c], #dy, #dx);)
    }
}

/// Adds to the gradients of scale and shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormParameterGradient(pub Norm);

impl fmt::Display for NormParameterGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parameter_gradient of {}", self.0)
    }
}

impl Operation for NormParameterGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(Vec::new())
    }

    fn n_results(&self) -> usize {
        0
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, n) = (step.rt(), step.geometry(), self.0.images(step));
        let (x, stats, dy) = (step.read(0), step.read(1), step.read(2));
        let (scale, shift, c) = (step.gradient(0), step.gradient(1), self.0.c);
        quote!(#rt::group_norm::parameter_gradient(&#geometry, #n, #x, #stats, #dy, &mut #scale[..#c], &mut #shift[..#c]);)
    }
}
