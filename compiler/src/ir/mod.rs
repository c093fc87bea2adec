//! The checked graph: plain data, ids that point backwards only, a stable text form and a verifier.
//!
//! A [`Graph`] is a list of [`Node`]s in an order in which every operand comes before its use. Each node applies an
//! [`Op`] to [`Value`]s and makes new ones; nothing is ever assigned twice.

mod shape;
mod text;
mod verify;

use std::collections::HashMap;

use crate::ops::Op;
use crate::source::Span;

pub use shape::{MAX_ELEMENTS, Shape};
pub use verify::verify;

/// Index of a [`Value`] in [`Graph::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// Index of a [`Node`] in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Index of a [`Parameter`] in [`Graph::parameters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub u32);

/// A network as the checker leaves it, and as the passes change it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The network's name.
    pub name: String,
    /// Doc comments of the network.
    pub docs: Vec<String>,
    /// Every value, in the order in which it is made.
    pub values: Vec<Value>,
    /// Every node, operands before uses.
    pub nodes: Vec<Node>,
    /// The calls of layers that the nodes come from, in order. Passes leave them as they are.
    pub calls: Vec<Call>,
    /// Trained parameters and state.
    pub parameters: Vec<Parameter>,
    /// The declared inputs.
    pub inputs: Vec<ValueId>,
    /// The declared outputs.
    pub outputs: Vec<Output>,
    /// How often each name was asked for, so that a new value's is found at once.
    names: HashMap<String, u32>,
}

/// What a value belongs to: one image, one chunk of images, or the whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The shape is one image's; a chunk holds one after another.
    Image,
    /// The same, each element a byte; an image takes whole floats.
    Bytes,
    /// The shape is what a whole chunk leaves: partial sums.
    Chunk,
    /// The shape is what a barrier leaves for everyone: whole-batch statistics.
    Batch,
}

impl Extent {
    /// Whether a chunk holds one for each image.
    #[must_use]
    pub fn is_per_image(self) -> bool {
        match self {
            Extent::Image | Extent::Bytes => true,
            Extent::Chunk | Extent::Batch => false,
        }
    }
}

/// A tensor that a node makes.
#[derive(Debug, Clone)]
pub struct Value {
    /// A name for people and for the generated code, unique in the graph: `conv1`, `d_conv1`.
    pub name: String,
    /// The shape, without the batch axis.
    pub shape: Shape,
    /// What the shape is the shape of.
    pub extent: Extent,
    /// Where in the description it comes from.
    pub span: Span,
}

impl Value {
    /// Floats of memory that it takes: of one image, where there is one for each.
    #[must_use]
    pub fn floats(&self) -> usize {
        match self.extent {
            Extent::Bytes => self.shape.elements().div_ceil(4),
            Extent::Image | Extent::Chunk | Extent::Batch => self.shape.elements(),
        }
    }
}

/// One operation on values.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Operands.
    pub args: Vec<ValueId>,
    /// Parameters it reads, or whose gradients it adds to.
    pub parameters: Vec<ParameterId>,
    /// The values it makes.
    pub results: Vec<ValueId>,
    /// The layer's name: `conv1`; of a gradient, the name of the layer that it belongs to.
    pub layer: String,
    /// The call in the description.
    pub span: Span,
}

/// A call of a layer, blocks and loops unrolled, its arguments computed. A call may make several nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The layer in the language: `conv`.
    pub kind: &'static str,
    /// Its name: `fire2.squeeze`.
    pub layer: String,
    /// Operands.
    pub operands: Vec<ValueId>,
    /// Arguments that are not their defaults, as a description spells them, in the signature's order.
    pub arguments: Vec<(&'static str, String)>,
    /// The values that it makes.
    pub results: Vec<ValueId>,
}

/// An array of trained numbers, or of state that training updates otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The qualified name: `conv1.weight`.
    pub name: String,
    /// The logical shape: `[KH, KW, C / groups, F]`, `[inputs, outputs]` or `[F]`.
    pub shape: Shape,
    /// How the kernels store it.
    pub layout: Layout,
    /// How it starts.
    pub init: Init,
    /// Whether a gradient trains it; otherwise it is state, such as a running mean.
    pub trained: bool,
    /// Whether it would be trained if the description did not freeze it.
    pub frozen: bool,
    /// What the learning rate is multiplied by for it.
    pub rate: f64,
}

impl Parameter {
    /// Whether it is a matrix of weights that training changes, as the runtime sees it: what can be pruned.
    #[must_use]
    pub fn is_prunable(&self) -> bool {
        self.trained && matches!(self.layout, Layout::Panels { .. })
    }
}

/// How a parameter is stored: the compiler's view of `netwright_kernels::layout::Layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In order, padded with zeros to a multiple of [`PANEL`].
    Plain {
        /// Elements without padding.
        len: usize,
    },
    /// For each of `groups` groups, panels of [`PANEL`] output channels of `k` rows each.
    Panels {
        /// Groups, stored one after another.
        groups: usize,
        /// Rows of a panel: kernel height times width times input channels of a group.
        k: usize,
        /// Output channels of a group.
        f: usize,
    },
}

/// Output channels of a panel; also the alignment of parameters and buffers, in floats.
pub const PANEL: usize = 16;

impl Layout {
    /// Floats it takes, padding counted; `None` if that overflows.
    #[must_use]
    pub fn stored(&self) -> Option<usize> {
        match *self {
            Layout::Plain { len } => len.checked_next_multiple_of(PANEL),
            Layout::Panels { groups, k, f } => f.checked_next_multiple_of(PANEL)?.checked_mul(k)?.checked_mul(groups),
        }
    }
}

/// How a parameter starts; see `netwright_runtime::spec::Init` for the formulas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All zeros.
    Zeros,
    /// All ones.
    Ones,
    /// One value everywhere.
    Constant(f64),
    /// Uniform, scaled by both fans.
    GlorotUniform,
    /// Normal, scaled by both fans.
    GlorotNormal,
    /// Uniform, scaled by the fan in.
    HeUniform,
    /// Normal, scaled by the fan in.
    HeNormal,
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform in plus or minus this.
    Uniform(f64),
}

/// A declared output.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Doc comments.
    pub docs: Vec<String>,
    /// What it is.
    pub value: ValueId,
    /// The declaration.
    pub span: Span,
}

impl Graph {
    /// The value behind an id.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The shape behind an id.
    #[must_use]
    pub fn shape(&self, id: ValueId) -> &Shape {
        &self.value(id).shape
    }

    /// The parameter behind an id.
    #[must_use]
    pub fn parameter(&self, id: ParameterId) -> &Parameter {
        &self.parameters[id.0 as usize]
    }

    /// The node that makes a value, or `None` for an input that has been given no node.
    #[must_use]
    pub fn producer(&self, id: ValueId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.results.contains(&id))
    }

    /// Adds a value. `name` is made unique by a number if it is taken.
    pub fn add_value(&mut self, name: &str, shape: Shape, extent: Extent, span: Span) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        let mut unique = name.to_owned();
        let mut number = self.names.get(name).copied().unwrap_or(1);
        while self.names.contains_key(&unique) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        self.names.insert(name.to_owned(), number);
        self.names.entry(unique.clone()).or_insert(1);
        self.values.push(Value { name: unique, shape, extent, span });
        id
    }

    /// Gives a value that is no longer made another name, so that the value in its place can have this one.
    pub fn release_name(&mut self, id: ValueId) {
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            self.names.remove(&value.name);
            value.name.push_str("_before");
        }
    }

    /// Adds a parameter.
    pub fn add_parameter(&mut self, parameter: Parameter) -> ParameterId {
        let id = ParameterId(self.parameters.len() as u32);
        self.parameters.push(parameter);
        id
    }

    /// Adds a node that is not a layer of its own: an operation on `args`, with results of the shapes that the
    /// operation infers, named after `name`.
    ///
    /// The passes use it; their operands fit by construction, so a mismatch (a bug in the pass) leaves a value of an
    /// unknown shape behind, which the verifier reports.
    pub fn add_node(&mut self, new: NewNode<'_>) -> ValueId {
        let shapes: Vec<&Shape> = new.args.iter().map(|&id| self.shape(id)).collect();
        let inferred = new.op.infer(&shapes).unwrap_or_else(|| vec![Shape::unknown()]);
        let extent = new.op.extent();
        let results: Vec<ValueId> = inferred
            .into_iter()
            .enumerate()
            .map(|(port, shape)| {
                let name =
                    if port == 0 { new.name.to_owned() } else { format!("{}_{}", new.name, new.op.port_name(port)) };
                self.add_value(&name, shape, extent, new.span)
            })
            .collect();
        let first = results.first().copied();
        self.nodes.push(Node {
            op: new.op,
            args: new.args,
            parameters: new.parameters,
            results,
            layer: new.layer.to_owned(),
            span: new.span,
        });
        // A node without results has effects only; callers of those ignore the id.
        first.unwrap_or(ValueId(u32::MAX))
    }

    /// How many nodes read each value; outputs count as one more reader.
    #[must_use]
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.values.len()];
        for &arg in self.nodes.iter().flat_map(|node| &node.args) {
            uses[arg.0 as usize] += 1;
        }
        for output in &self.outputs {
            uses[output.value.0 as usize] += 1;
        }
        uses
    }
}

/// What [`Graph::add_node`] takes.
#[derive(Debug)]
pub struct NewNode<'a> {
    /// What it computes.
    pub op: Op,
    /// Operands.
    pub args: Vec<ValueId>,
    /// Parameters it reads, or whose gradients it adds to.
    pub parameters: Vec<ParameterId>,
    /// Name of the first result.
    pub name: &'a str,
    /// The layer that it belongs to.
    pub layer: &'a str,
    /// Where it comes from.
    pub span: Span,
}
