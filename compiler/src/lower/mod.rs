//! From the syntax tree to the graph: names are resolved, parameters get their values, blocks and loops are unrolled,
//! layers become nodes.
//!
//! The same code checks a block at its definition, where sizes are polynomials of the block's variables and no node is
//! made, and lowers a network, where sizes are numbers. Every mistake is reported once: what it leaves behind has an
//! unknown type, which agrees with everything.

mod arguments;
mod augment;
mod call;
mod choice;
mod constant;
mod definition;
mod entries;
mod expression;
mod habits;
mod instance;
mod items;
mod layers;
mod loops;
mod loss;
mod mentions;
mod misnamed;
mod missing;
mod names;
mod network;
mod photo;
mod prune;
mod scope;
mod sections;
mod spelling;
mod stages;
#[cfg(test)]
mod tests;
mod train;
mod unknown;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::diagnostic::{Sink, codes};
use crate::ir::{Extent, Graph, Shape, ValueId};
use crate::photo::Photo;
use crate::program::Program;
use crate::recipe::{Pruning, Recipe};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::{Dim, Facts, TensorType};

pub(crate) use arguments::BoundArgument;
pub use call::LayerCall;
pub(crate) use call::channels_last;
pub use constant::Constant;
pub(crate) use definition::{check_blocks, choices};
pub use sections::{Bound, Limit, Quantity};
pub(crate) use spelling::{change_text, choice_text, loss_text, number_text, photo_text, quoted};

use definition::Paths;
use scope::{Frame, Meaning, Named};
use stages::PossibleNames;

/// Values for a network's parameters, from outside of the description: `model!("lenet.net", classes = 4)`.
pub type Overrides = [(String, Constant)];

/// Most layers of a network.
pub const MAX_LAYERS: usize = 10_000;

/// Most statements that lowering carries out, loops and blocks unrolled.
pub const MAX_STEPS: usize = 200_000;

/// Most instances of blocks inside each other.
pub const MAX_INSTANCES: usize = 128;

/// Most values of a list, those of lists in it counted.
pub const MAX_LIST: usize = 50_000;

/// Most losses of a sum.
pub const MAX_LOSSES: usize = 16;

/// Mistakes, those of each round of a loop and of each instance counted, after which lowering ends.
const MAX_ERRORS: usize = 10_000;

/// Values that are computed, or copied, in the time of a statement.
const VALUES_A_STEP: usize = 32;

/// Stack that must be left for what calls itself once more.
const STACK_LEFT: usize = 256 << 10;

/// How much stack is taken at a time.
const STACK_STEP: usize = 4 << 20;

/// A lowered network: its graph and its sections.
#[derive(Debug)]
pub struct Lowered {
    /// The layers.
    pub graph: Graph,
    /// How to train it, where the description says so.
    pub recipe: Option<Recipe>,
    /// How to prune it, where the description says so.
    pub pruning: Option<Pruning>,
    /// What it may cost.
    pub limits: Vec<Limit>,
    /// How photographs become the inputs, in their order, where the description says.
    pub photos: Vec<Option<Photo>>,
    /// The names of each output's classes, in the order of the outputs; none where the description gives none.
    pub labels: Vec<Vec<String>>,
    /// The lints that the program keeps quiet somewhere.
    pub allowed: Vec<&'static str>,
    /// The network's name in the text, for messages about it as a whole.
    pub span: Span,
    /// What lints want to know.
    pub(crate) noticed: Noticed,
    /// Statements and layers that were gone through.
    pub(crate) work: usize,
}

/// What lowering notices of names, for lints.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    /// The names that were used, by where they are defined.
    pub(crate) used: HashSet<Span>,
    /// Names that hide others, by where they are defined: where the other is.
    pub(crate) hides: BTreeMap<Span, (Span, String)>,
}

impl Noticed {
    pub(crate) fn append(&mut self, other: Self) {
        self.used.extend(other.used);
        other.hides.into_iter().for_each(|(inner, (outer, name))| self.hide(inner, outer, &name));
    }

    /// Notes a name that hides another one: of several that it hides the first.
    fn hide(&mut self, inner: Span, outer: Span, name: &str) {
        self.hides.entry(inner).or_insert_with(|| (outer, name.to_owned()));
    }
}

/// Lowers one network of the program's first file. Where the sink has errors afterwards, the graph has holes and is good
/// for nothing but messages.
#[must_use]
pub fn lower(program: &Program, network: &ast::Network, overrides: &Overrides, sink: &mut Sink) -> Lowered {
    let blocks = program.units.iter().flat_map(|unit| &unit.file.blocks).map(|block| block.span);
    let broken: HashSet<Span> = blocks.filter(|span| sink.has_error_in(*span)).collect();
    let mut graph = Graph::default();
    graph.name.clone_from(&network.name.text);
    graph.docs.clone_from(&network.docs);
    let mut lowerer = Lowerer::new(program, graph, Facts::new(), sink);
    lowerer.broken = Arc::new(broken);
    lowerer.frames.push(Frame::new(0, None, &network.items, String::new()));
    lowerer.parameters(network, overrides);
    lowerer.items(&network.items);
    if !lowerer.is_stopped {
        lowerer.check_interface(network);
    }
    // Which layers there are is known only where nothing was wrong so far; what follows may have several mistakes.
    let is_complete = !lowerer.sink.has_errors();
    lowerer.sections.is_complete = is_complete;
    let recipe = lowerer.train_section(network);
    let pruning = lowerer.prune_section(network, recipe.as_ref());
    let names = (!is_complete).then(|| PossibleNames::of(&network.items, program));
    lowerer.freeze(names.as_ref());
    lowerer.rates(names.as_ref());
    lowerer.check_trained(recipe.as_ref());
    lowerer.check_pruned(pruning.as_ref());
    let limits = lowerer.budget();
    let labels = lowerer.labels();
    let work = lowerer.n_steps + lowerer.n_layers;
    let Lowerer { graph, photos, noticed, .. } = lowerer;
    let allowed = Vec::new();
    Lowered { graph, recipe, pruning, limits, photos, labels, allowed, span: network.name.span, noticed, work }
}

/// The state of lowering one network, or of checking one block.
pub(crate) struct Lowerer<'a> {
    program: &'a Program,
    graph: Graph,
    sink: &'a mut Sink,
    /// What is known of variables.
    facts: Facts,
    /// The types of values that are not in the graph's shapes, because they depend on variables.
    types: HashMap<ValueId, TensorType>,
    /// Set while a block is checked at its definition: the way through its conditions.
    paths: Option<Paths>,
    /// The network or block at the bottom, instances above.
    frames: Vec<Frame<'a>>,
    /// What parameters that are enumerated can be, by the place of their name.
    choices: HashMap<Span, &'a [ast::Choice]>,
    /// Constants of files, by the place of their name; `None` while one is being computed.
    constants: HashMap<Span, Option<Meaning>>,
    n_dropouts: u32,
    n_layers: usize,
    n_steps: usize,
    /// Values that were computed since a statement was counted.
    n_values: usize,
    /// Errors that there were before.
    n_errors_before: usize,
    /// Whether a limit was passed, so that nothing more is unrolled.
    is_stopped: bool,
    /// Whether an assertion of the network failed: what follows, but other assertions, would fail for the same reason.
    is_refuted: bool,
    /// Blocks whose definition has a mistake: nothing is told of what they give.
    broken: Arc<HashSet<Span>>,
    /// What was made at these places had a part in a mistake of shapes that has been told.
    blamed: HashSet<Span>,
    noticed: Noticed,
    /// Names, by where they are defined, that were compared with the constants of files.
    compared: HashSet<Span>,
    sections: sections::Sections<'a>,
    photos: Vec<Option<Photo>>,
}

impl<'a> Lowerer<'a> {
    fn new(program: &'a Program, graph: Graph, facts: Facts, sink: &'a mut Sink) -> Self {
        Self {
            n_errors_before: sink.n_errors(),
            program,
            graph,
            sink,
            facts,
            types: HashMap::new(),
            paths: None,
            frames: Vec::new(),
            choices: HashMap::new(),
            constants: HashMap::new(),
            n_dropouts: 0,
            n_layers: 0,
            n_steps: 0,
            n_values: 0,
            is_stopped: false,
            is_refuted: false,
            broken: Arc::default(),
            blamed: HashSet::new(),
            noticed: Noticed::default(),
            compared: HashSet::new(),
            sections: sections::Sections::default(),
            photos: Vec::new(),
        }
    }

    /// Whether a mistake of shapes is that of a value which had a part in another one; else these values have a part in it from
    /// here on. What is given from outside is blamed for nothing.
    fn is_blamed(&mut self, values: &[ValueId]) -> bool {
        let frame = self.frame().block;
        let is_operand =
            |made: Span| frame.is_some_and(|block| block.params.iter().any(|param| param.name.span == made));
        let made: Vec<Span> = values
            .iter()
            .filter(|id| !self.graph.inputs.contains(id))
            .map(|&id| self.graph.value(id).span)
            .filter(|made| !is_operand(*made))
            .collect();
        if made.iter().any(|made| self.blamed.contains(made)) {
            self.sink.count_error();
            return true;
        }
        self.blamed.extend(made);
        false
    }

    /// What is known of a tensor.
    fn type_of(&self, id: ValueId) -> TensorType {
        self.types.get(&id).cloned().unwrap_or_else(|| self.graph.shape(id).into())
    }

    /// A value without a node: an input, something of an unknown type, or anything in a block's definition.
    fn value(&mut self, name: &str, ty: TensorType, span: Span) -> ValueId {
        let shape = ty.shape().unwrap_or(Shape::unknown());
        let is_symbolic = ty.is_known() && !shape.is_known();
        let id = self.graph.add_value(name, shape, Extent::Image, span);
        if is_symbolic {
            self.types.insert(id, ty);
        }
        id
    }

    /// A shape from its axes; unknown after a message.
    fn dims(&mut self, dims: &'a [ast::Expr], span: Span) -> TensorType {
        let mut sizes = Vec::with_capacity(dims.len());
        for dim in dims {
            if dim.kind == ast::ExprKind::Hole {
                sizes.push(Some(Dim::unknown()));
                continue;
            }
            match self.constant(dim) {
                Some(Constant::Int(size)) if size > 0 => sizes.push(Some(Dim::from(size))),
                Some(Constant::Dim(size)) if self.facts.require_at_least(&size, &Dim::from(1)) => {
                    sizes.push(Some(size))
                }
                Some(other) => {
                    let title = match other {
                        Constant::Int(_) | Constant::Dim(_) => "an axis has at least one element",
                        _ => "the size of an axis is a whole number",
                    };
                    self.sink
                        .error(codes::N0204, format!("{title}, found {other}"))
                        .primary(dim.span, "expected a whole number, 1 or more");
                    self.doubt(dim);
                    sizes.push(None);
                }
                None => sizes.push(None),
            }
        }
        let Some(sizes) = sizes.into_iter().collect::<Option<Vec<Dim>>>() else { return TensorType::unknown() };
        if sizes.is_empty() || sizes.len() > 3 {
            self.sink
                .error(codes::N0301, format!("a shape has one to three axes, found {}", sizes.len()))
                .primary(span, "expected [features] or [height, width, channels]")
                .help("the batch axis is implied and not written");
            return TensorType::unknown();
        }
        let ty = TensorType::new(sizes);
        if ty.dims().iter().all(|dim| dim.as_number().is_some()) && ty.shape().is_none() {
            self.sink
                .error(codes::N0309, format!("{ty} is too large"))
                .primary(span, format!("expected at most {} elements for one image", crate::ir::MAX_ELEMENTS));
            return TensorType::unknown();
        }
        ty
    }

    /// Reports a name that is defined already in the innermost braces.
    fn is_taken(&mut self, name: &ast::Ident) -> bool {
        let first = self.frame().scopes.last().and_then(|scope| scope.get(&name.text)).map(|Named { span, .. }| *span);
        let Some(first) = first else { return false };
        self.defined_twice(name, first);
        true
    }

    fn defined_twice(&mut self, name: &ast::Ident, first: Span) {
        self.sink
            .error(codes::N0103, format!("the name {} is defined twice", crate::diagnostic::quote(&name.text)))
            .primary(name.span, "defined again here")
            .secondary(first, "defined here first");
    }
}

pub(crate) fn type_name(ty: &ast::ParamType) -> String {
    match ty {
        ast::ParamType::Tensor(_) => "a tensor".to_owned(),
        ast::ParamType::Int => "int".to_owned(),
        ast::ParamType::Float => "float".to_owned(),
        ast::ParamType::Bool => "bool".to_owned(),
        ast::ParamType::Choice(choices) => {
            let mut names = String::new();
            for choice in choices {
                names.push_str(if names.is_empty() { "" } else { " | " });
                if names.chars().count() > 120 {
                    names.push('…');
                    break;
                }
                names.push_str(&Constant::Text(choice.text.clone()).to_string());
            }
            names
        }
    }
}
