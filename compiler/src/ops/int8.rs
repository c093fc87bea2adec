//! Operations in integers: activations as bytes, with a scale for each tensor.

use std::fmt;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{AvgPool, Conv, Dense, GlobalAvgPool, MaxPool, Operation};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Extent, Node, Shape, ValueId};
use crate::passes::Backward;

/// A step of inference in integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Int8 {
    /// What it computes.
    pub step: Step,
}

/// What a step computes; tensors and layers are places in the lists of [`crate::int8::Tables`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Floats as bytes.
    Quantize {
        /// How the bytes stand for the numbers.
        tensor: usize,
    },
    /// Bytes as floats.
    Dequantize {
        /// How the bytes stand for the numbers.
        tensor: usize,
    },
    /// A convolution of bytes, to bytes or floats.
    Conv {
        /// Its sizes.
        conv: Conv,
        /// Its integers.
        layer: usize,
        /// Whether the result is floats.
        floats: bool,
    },
    /// A matrix product of bytes, to bytes or floats.
    Dense {
        /// Its sizes.
        dense: Dense,
        /// Its integers.
        layer: usize,
        /// Whether the result is floats.
        floats: bool,
    },
    /// Bytes with nothing under that of zero.
    Relu {
        /// How the bytes stand for the numbers.
        tensor: usize,
    },
    /// The largest bytes.
    MaxPool(MaxPool),
    /// Means as bytes.
    AvgPool {
        /// Its sizes.
        pool: AvgPool,
        /// How the bytes stand for the numbers.
        tensor: usize,
    },
    /// Means as floats.
    GlobalAvgPool {
        /// Its sizes.
        pool: GlobalAvgPool,
        /// How the bytes stand for the numbers.
        tensor: usize,
    },
}

impl From<Step> for super::Op {
    fn from(step: Step) -> Self {
        Int8 { step }.into()
    }
}

impl Int8 {
    /// The operation on floats that it stands for; `None` of conversions and of a relu.
    fn like(&self) -> Option<&dyn Operation> {
        match &self.step {
            Step::Quantize { .. } | Step::Dequantize { .. } | Step::Relu { .. } => None,
            Step::Conv { conv, .. } => Some(conv),
            Step::Dense { dense, .. } => Some(dense),
            Step::MaxPool(pool) => Some(pool),
            Step::AvgPool { pool, .. } => Some(pool),
            Step::GlobalAvgPool { pool, .. } => Some(pool),
        }
    }
}

impl fmt::Display for Int8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Step::Quantize { .. } => f.write_str("floats to int8"),
            Step::Dequantize { .. } => f.write_str("int8 to floats"),
            Step::Relu { .. } => f.write_str("int8 relu"),
            Step::Conv { conv, floats, .. } => write!(f, "int8 {conv}{}", to(*floats)),
            Step::Dense { dense, floats, .. } => write!(f, "int8 {dense}{}", to(*floats)),
            Step::MaxPool(pool) => write!(f, "int8 {pool}"),
            Step::AvgPool { pool, .. } => write!(f, "int8 {pool}"),
            Step::GlobalAvgPool { pool, .. } => write!(f, "int8 {pool}{}", to(true)),
        }
    }
}

fn to(floats: bool) -> &'static str {
    if floats { " to floats" } else { "" }
}

impl Operation for Int8 {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        match self.like() {
            Some(operation) => operation.infer(args),
            None => Some(vec![(*args.first()?).clone()]),
        }
    }

    fn extent(&self) -> Extent {
        match self.step {
            Step::Dequantize { .. } | Step::GlobalAvgPool { .. } => Extent::Image,
            Step::Conv { floats: true, .. } | Step::Dense { floats: true, .. } => Extent::Image,
            Step::Conv { .. } | Step::Dense { .. } => Extent::Bytes,
            Step::Quantize { .. } | Step::Relu { .. } | Step::MaxPool(_) | Step::AvgPool { .. } => Extent::Bytes,
        }
    }

    fn macs(&self) -> u64 {
        self.like().map_or(0, Operation::macs)
    }

    fn reads_among(&self, operand: usize) -> bool {
        operand == 0 && matches!(self.step, Step::Dequantize { .. })
    }

    fn writes_among(&self) -> bool {
        matches!(self.step, Step::Conv { floats: false, .. } | Step::MaxPool(_))
    }

    /// Never asked: integers are for inference.
    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        self.like()?.geometry()
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let len = step.operand_shape(0).elements();
        let activation = |relu: bool| {
            let activation = if relu { quote!(Relu) } else { quote!(None) };
            quote!(#rt::conv::Activation::#activation)
        };
        let among = step.among_result().map(|among| quote!(#among,));
        let suffix = |floats: bool| match (floats, among.is_some()) {
            (true, _) => "_floats",
            (false, true) => "_among",
            (false, false) => "",
        };
        match &self.step {
            Step::Quantize { tensor } => quote!(#rt::int8::quantize(n, #len, #x, c.int8.tensor(#tensor), #y);),
            Step::Dequantize { tensor } => {
                let (pixels, channels) = (step.operand_shape(0).pixels(), step.operand_shape(0).channels());
                let among = step.among_arg(0).unwrap_or(quote!(#rt::conv::Among { first: 0, total: #channels }));
                quote!(#rt::int8::dequantize(n, #pixels, #channels, #among, #x, c.int8.tensor(#tensor), #y);)
            }
            Step::Conv { conv, layer, floats } => {
                let (function, activation) = (format_ident!("conv{}", suffix(*floats)), activation(conv.relu));
                quote!(#rt::int8::#function(&#geometry, #among #activation, n, #x, c.int8.layer(#layer), #y);)
            }
            Step::Dense { dense, layer, floats } => {
                let (function, activation) = (format_ident!("dense{}", suffix(*floats)), activation(dense.relu));
                quote!(#rt::int8::#function(&#geometry, #activation, n, #x, c.int8.layer(#layer), #y);)
            }
            Step::Relu { tensor } => quote!(#rt::int8::relu(n, #len, #x, c.int8.tensor(#tensor), #y);),
            Step::MaxPool(_) => {
                let function = format_ident!("max_pool{}", suffix(false));
                quote!(#rt::int8::#function(&#geometry, #among n, #x, #y);)
            }
            Step::AvgPool { pool, tensor } => {
                let include = pool.count_include_pad;
                quote!(#rt::int8::avg_pool(&#geometry, #include, n, #x, c.int8.tensor(#tensor), #y);)
            }
            Step::GlobalAvgPool { pool, tensor } => {
                let [h, w, c] = pool.input;
                let pixels = h * w;
                quote!(#rt::int8::global_avg_pool(n, #pixels, #c, #x, c.int8.tensor(#tensor), #y);)
            }
        }
    }
}
