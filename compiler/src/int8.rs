//! Inference in integers: the inference and evaluation graphs once more, with bytes where a kernel takes them.
//!
//! Convolutions and dense layers are computed in integers. What only moves numbers or picks some (pooling, `concat`,
//! `flatten`, a relu of its own) stays in bytes where its result is wanted so, and shares its operand's scale; everything
//! else stays in floats, with conversions where the two meet. A layer whose result nobody wants as bytes, such as the last
//! one before a softmax, gives floats.

use std::collections::HashMap;

use crate::driver::Compiled;
use crate::ir::{Extent, Graph, Node, ParameterId, ValueId, verify};
use crate::ops::{Conv, Int8Step, Op, RELU};
use crate::passes::{Mode, Unit, prepare};
use crate::plan::{Plan, plan};

/// Most weights of one output channel that are summed in integers; `netwright_kernels::int8::LONGEST`.
const LONGEST: usize = 1 << 16;

/// The plans of a network's inference in integers.
#[derive(Debug, Clone)]
pub struct Int8 {
    /// Inputs to outputs.
    pub inference: Plan,
    /// Inputs to losses, where the description says how to train.
    pub evaluation: Option<Plan>,
    /// What both are about.
    pub tables: Tables,
}

/// What a file for inference in integers must have.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// The tensors that are stored as bytes, by the name of the first value of each.
    pub tensors: Vec<String>,
    /// The layers that are computed in integers.
    pub layers: Vec<Layer>,
    /// The values that calibration looks at.
    pub points: Vec<Point>,
}

/// A layer that is computed in integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Its weight.
    pub weight: ParameterId,
    /// Its bias, where it has one.
    pub bias: Option<ParameterId>,
    /// Groups, output channels of each, runs of a window, and bytes of a run; see `netwright_kernels::int8::Layer::pack`.
    pub sizes: [usize; 4],
    /// The tensor that it reads.
    pub input: usize,
    /// The tensor that it writes, unless it writes floats.
    pub output: Option<usize>,
}

/// A value that is made from floats, or by a layer that is computed in integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The value in the graph of floats.
    pub value: ValueId,
    /// What it is in the graph with bytes.
    pub made: ValueId,
    /// Its name.
    pub name: String,
    /// The tensor whose range it belongs to, unless it is floats.
    pub tensor: Option<usize>,
    /// The layer that makes it, unless it was made from floats.
    pub layer: Option<usize>,
    /// Elements of one image.
    pub elements: usize,
}

impl Compiled {
    /// Plans inference in integers. A network without convolutions and dense layers has no layer in the result.
    ///
    /// # Errors
    ///
    /// If a graph is too large for an arena, if the loss is of layers that the output does not reach, or if a verifier finds a
    /// bug.
    pub fn int8(&self) -> Result<Int8, String> {
        let mut tables = Tables::default();
        let mut planned = |mode, is_first| {
            let recipe = self.training.as_ref().map(|training| &training.recipe);
            let mut unit = prepare(&self.graph, mode, recipe)?;
            rewrite(&mut unit, &mut tables, is_first)?;
            verify(&unit.graph).map_err(|problem| format!("after the way to int8: {problem}"))?;
            plan(unit, self.cache)
        };
        let inference = planned(Mode::Inference, true)?;
        let evaluation = match self.training {
            Some(_) => Some(planned(Mode::Evaluation, false)?),
            None => None,
        };
        Ok(Int8 { inference, evaluation, tables })
    }
}

/// What a node can do with bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It sums products: it wants bytes, and gives what is wanted.
    Weighted,
    /// It hands numbers on.
    Carrier,
    /// It takes bytes if they are there, and gives floats.
    Sink,
    /// It knows floats only.
    Other,
}

fn role(op: &Op) -> Role {
    match op {
        Op::Conv(conv) if !conv.is_depthwise() && depth(conv) <= LONGEST => Role::Weighted,
        Op::Dense(dense) if dense.inputs <= LONGEST => Role::Weighted,
        Op::MaxPool(_) | Op::AvgPool(_) | Op::Concat(_) | Op::Reshape(_) => Role::Carrier,
        op if *op == Op::Activation(RELU) => Role::Carrier,
        Op::GlobalAvgPool(_) => Role::Sink,
        _ => Role::Other,
    }
}

/// Weights of an output channel.
fn depth(conv: &Conv) -> usize {
    let [kh, kw] = conv.window.kernel;
    kh.saturating_mul(kw).saturating_mul(conv.c / conv.groups)
}

/// The runs of a convolution's windows and their bytes; `netwright_kernels::int8` reads them so.
fn sizes(conv: &Conv) -> [usize; 4] {
    let [kh, kw] = conv.window.kernel;
    let is_one_run = conv.groups == 1 && conv.window.dilation[1] == 1;
    let (across, run) = if is_one_run { (1, kw * conv.c) } else { (kw, conv.c / conv.groups) };
    [conv.groups, conv.f / conv.groups, kh * across, run]
}

/// Rewrites a graph that the passes have prepared. The first one fills the tables, a later one must find itself in them.
fn rewrite(unit: &mut Unit, tables: &mut Tables, is_first: bool) -> Result<(), String> {
    let nodes = std::mem::take(&mut unit.graph.nodes);
    let knowledge = Knowledge::of(&unit.graph, &nodes);
    let mut rewriter = Rewriter { graph: &mut unit.graph, knowledge, tables, is_first, forms: HashMap::new() };
    for input in rewriter.graph.inputs.clone() {
        rewriter.forms.insert(input, Forms { floats: Some(input), bytes: None });
    }
    for node in nodes {
        rewriter.node(node)?;
    }
    for index in 0..rewriter.graph.outputs.len() {
        let value = rewriter.graph.outputs[index].value;
        rewriter.graph.outputs[index].value = rewriter.floats(value)?;
    }
    Ok(())
}

/// What is known of the values before anything is rewritten.
struct Knowledge {
    /// Whether somebody wants it as bytes.
    is_wanted: Vec<bool>,
    /// Whether it can be had as bytes without a conversion.
    is_bytes: Vec<bool>,
    /// The first value that shares its scale.
    first: Vec<ValueId>,
}

impl Knowledge {
    fn of(graph: &Graph, nodes: &[Node]) -> Self {
        let n = graph.values.len();
        let (mut is_bytes, mut is_wanted) = (vec![false; n], vec![false; n]);
        for node in nodes {
            let is_carried = || node.args.iter().all(|arg| is_bytes[arg.0 as usize]);
            let is_made = match role(&node.op) {
                Role::Weighted => true,
                Role::Carrier => is_carried(),
                Role::Sink | Role::Other => false,
            };
            node.results.iter().for_each(|result| is_bytes[result.0 as usize] = is_made);
        }
        for node in nodes.iter().rev() {
            let wants = match role(&node.op) {
                Role::Weighted => true,
                Role::Carrier => node.results.iter().any(|result| is_wanted[result.0 as usize]),
                Role::Sink => node.args.iter().all(|arg| is_bytes[arg.0 as usize]),
                Role::Other => false,
            };
            if wants {
                node.args.iter().for_each(|arg| is_wanted[arg.0 as usize] = true);
            }
        }
        let mut first: Vec<ValueId> = (0..n as u32).map(ValueId).collect();
        for node in nodes {
            let is_carried = role(&node.op) == Role::Carrier && is_wanted[node.results[0].0 as usize];
            if !is_carried {
                continue;
            }
            // Operands come before results, so that the smallest is made first.
            let group: Vec<ValueId> = node.args.iter().chain(&node.results).map(|&value| root(&first, value)).collect();
            if let Some(&least) = group.iter().min() {
                group.iter().for_each(|value| first[value.0 as usize] = least);
            }
        }
        let first = (0..n as u32).map(|value| root(&first, ValueId(value))).collect();
        Self { is_wanted, is_bytes, first }
    }
}

fn root(first: &[ValueId], mut value: ValueId) -> ValueId {
    while first[value.0 as usize] != value {
        value = first[value.0 as usize];
    }
    value
}

/// The values that stand for one of the graph of floats.
#[derive(Clone, Copy, Default)]
struct Forms {
    floats: Option<ValueId>,
    bytes: Option<ValueId>,
}

struct Rewriter<'a> {
    graph: &'a mut Graph,
    knowledge: Knowledge,
    tables: &'a mut Tables,
    is_first: bool,
    forms: HashMap<ValueId, Forms>,
}

impl Rewriter<'_> {
    fn node(&mut self, mut node: Node) -> Result<(), String> {
        let result = node.results.first().copied();
        let is_wanted = result.is_some_and(|result| self.knowledge.is_wanted[result.0 as usize]);
        let role = role(&node.op);
        let takes_bytes = match role {
            Role::Weighted => true,
            Role::Carrier => is_wanted,
            Role::Sink => self.knowledge.is_bytes[node.args[0].0 as usize],
            Role::Other => false,
        };
        let gives_bytes = takes_bytes && is_wanted && role != Role::Sink;
        let source = node.args.first().copied();
        for arg in &mut node.args {
            *arg = if takes_bytes { self.bytes(*arg)? } else { self.floats(*arg)? };
        }
        if let (true, Some(source), Some(result)) = (takes_bytes, source, result) {
            let tensor = self.tensor(source)?;
            let output = if gives_bytes { Some(self.tensor(result)?) } else { None };
            let step = match &node.op {
                Op::Conv(conv) => {
                    let layer = self.layer(&node, sizes(conv), tensor, output)?;
                    Some(Int8Step::Conv { conv: *conv, layer, floats: !gives_bytes })
                }
                Op::Dense(dense) => {
                    let layer = self.layer(&node, [1, dense.outputs, 1, dense.inputs], tensor, output)?;
                    Some(Int8Step::Dense { dense: *dense, layer, floats: !gives_bytes })
                }
                Op::MaxPool(pool) => Some(Int8Step::MaxPool(*pool)),
                Op::AvgPool(pool) => Some(Int8Step::AvgPool { pool: *pool, tensor }),
                Op::GlobalAvgPool(pool) => Some(Int8Step::GlobalAvgPool { pool: *pool, tensor }),
                op if *op == Op::Activation(RELU) => Some(Int8Step::Relu { tensor }),
                // Bytes are joined and seen under another shape as floats are.
                _ => None,
            };
            if let Some(step) = step {
                let layer = match step {
                    Int8Step::Conv { layer, .. } | Int8Step::Dense { layer, .. } => Some(layer),
                    _ => None,
                };
                node.op = step.into();
                if layer.is_some() {
                    // Its integers stand elsewhere than the parameters.
                    node.parameters.clear();
                    self.point(result, result, output, layer);
                }
            }
        }
        for &result in &node.results {
            let forms = self.forms.entry(result).or_default();
            if gives_bytes {
                forms.bytes = Some(result);
                self.graph.values[result.0 as usize].extent = Extent::Bytes;
            } else {
                forms.floats = Some(result);
            }
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    /// A value as floats.
    fn floats(&mut self, value: ValueId) -> Result<ValueId, String> {
        let forms = self.forms.get(&value).copied().unwrap_or_default();
        match (forms.floats, forms.bytes) {
            (Some(floats), _) => Ok(floats),
            (None, Some(bytes)) => {
                let step = Int8Step::Dequantize { tensor: self.tensor(value)? };
                let made = self.convert(value, bytes, step, "floats");
                self.forms.entry(value).or_default().floats = Some(made);
                Ok(made)
            }
            (None, None) => Err(format!("`{}` is read before it is made", self.graph.value(value).name)),
        }
    }

    /// A value as bytes.
    fn bytes(&mut self, value: ValueId) -> Result<ValueId, String> {
        let forms = self.forms.get(&value).copied().unwrap_or_default();
        match (forms.bytes, forms.floats) {
            (Some(bytes), _) => Ok(bytes),
            (None, Some(floats)) => {
                let tensor = self.tensor(value)?;
                let made = self.convert(value, floats, Int8Step::Quantize { tensor }, "int8");
                self.forms.entry(value).or_default().bytes = Some(made);
                self.point(value, made, Some(tensor), None);
                Ok(made)
            }
            (None, None) => Err(format!("`{}` is read before it is made", self.graph.value(value).name)),
        }
    }

    fn convert(&mut self, value: ValueId, from: ValueId, step: Int8Step, word: &str) -> ValueId {
        let (name, span) = (self.graph.value(value).name.clone(), self.graph.value(value).span);
        let new = crate::ir::NewNode {
            op: step.into(),
            args: vec![from],
            parameters: Vec::new(),
            name: &format!("{name}_{word}"),
            layer: &name,
            span,
        };
        self.graph.add_node(new)
    }

    /// The tensor that a value's bytes belong to.
    fn tensor(&mut self, value: ValueId) -> Result<usize, String> {
        let first = self.knowledge.first[value.0 as usize];
        let name = &self.graph.value(first).name;
        if let Some(place) = self.tables.tensors.iter().position(|known| known == name) {
            return Ok(place);
        }
        if !self.is_first {
            return Err(format!("`{name}` is no tensor of the inference in integers"));
        }
        self.tables.tensors.push(name.clone());
        Ok(self.tables.tensors.len() - 1)
    }

    fn layer(&mut self, node: &Node, sizes: [usize; 4], input: usize, output: Option<usize>) -> Result<usize, String> {
        let weight = node.parameters.first().copied().ok_or("a layer has no weight")?;
        let layer = Layer { weight, bias: node.parameters.get(1).copied(), sizes, input, output };
        if let Some(place) = self.tables.layers.iter().position(|known| *known == layer) {
            return Ok(place);
        }
        if !self.is_first {
            return Err(format!("`{}` is another layer than in the inference in integers", node.layer));
        }
        self.tables.layers.push(layer);
        Ok(self.tables.layers.len() - 1)
    }

    fn point(&mut self, value: ValueId, made: ValueId, tensor: Option<usize>, layer: Option<usize>) {
        if self.is_first {
            let (name, elements) = (self.graph.value(value).name.clone(), self.graph.shape(value).elements());
            self.tables.points.push(Point { value, made, name, tensor, layer, elements });
        }
    }
}
