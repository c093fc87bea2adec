//! What a picture shows: boxes with their texts, and what connects them.

use super::fold::fold;
use crate::ir::{Graph, Shape, ValueId};
use crate::summary;

/// What a box's colour tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// An input or output.
    End,
    Conv,
    Dense,
    Pool,
    Activation,
    /// Normalisation, dropout.
    Norm,
    /// What changes shapes or joins values.
    Join,
    /// A block that is closed, with its layers inside.
    Block,
}

/// A box: an input, a layer or an output.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The qualified name: `fire2.expand3`.
    pub(super) name: String,
    /// `conv`.
    pub(super) kind: String,
    /// `32, kernel 5`; may be empty.
    pub(super) settings: String,
    /// The shape of the result.
    pub(super) shape: String,
    pub(super) class: Class,
    /// How many it learns.
    pub(super) parameters: u64,
}

/// A value on its way from the box that makes it to one that takes it.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The value's shape, where several boxes take it; else empty.
    pub(super) label: String,
}

/// All boxes, in an order in which edges lead forwards, and all edges.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) items: Vec<Item>,
    pub(super) edges: Vec<Edge>,
}

impl Item {
    /// The kind, where the name does not tell it: `conv1` does.
    pub(super) fn untold_kind(&self) -> &str {
        let last = self.last_part();
        let is_told =
            last.strip_prefix(self.kind.as_str()).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
        if is_told { "" } else { &self.kind }
    }

    fn last_part(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// The name within the innermost group.
    pub(super) fn short_name(&self) -> &str {
        let around: usize = self.groups().iter().map(|group| group.len() + 1).sum();
        self.name.get(around..).unwrap_or(&self.name)
    }

    /// The groups that it is in, the outermost first: the parts of the name before the last dot. A number belongs to the
    /// part before it: `fire.2.squeeze` is in `fire.2`, since what repeats is no group.
    pub(super) fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = Vec::new();
        let own = if self.class == Class::Block { "" } else { self.last_part() };
        let around = self.name.strip_suffix(own).unwrap_or_default();
        for part in around.split('.').filter(|part| !part.is_empty()) {
            match groups.last_mut() {
                Some(last) if part.chars().all(|c| c.is_ascii_digit()) => last.extend([".", part]),
                _ => groups.push(part.to_owned()),
            }
        }
        if self.class == Class::Block {
            // Its own.
            groups.pop();
        }
        groups
    }
}

impl Scene {
    /// The scene of a checked graph, of all its levels or of so many.
    pub(super) fn of(graph: &Graph, depth: Option<usize>) -> Self {
        let whole = Self::whole(graph);
        let mut scene = match depth {
            Some(depth) => fold(whole, depth),
            None => whole,
        };
        let mut takers = vec![0_usize; scene.items.len()];
        scene.edges.iter().for_each(|edge| takers[edge.from] += 1);
        for edge in scene.edges.iter_mut().filter(|edge| takers[edge.from] < 2) {
            edge.label.clear();
        }
        scene
    }

    fn whole(graph: &Graph) -> Self {
        let mut items: Vec<Item> = Vec::new();
        let mut edges: Vec<Edge> = Vec::new();
        // The box that makes each value.
        let mut makers: Vec<Option<usize>> = vec![None; graph.values.len()];
        let mut connect = |makers: &[Option<usize>], value: ValueId, to: usize| {
            let maker = makers.get(value.0 as usize).copied().flatten();
            if let Some(from) = maker
                && !edges.iter().rev().take_while(|edge| edge.to == to).any(|edge| edge.from == from)
            {
                edges.push(Edge { from, to, label: shape(graph.shape(value)) });
            }
        };
        for &input in &graph.inputs {
            makers[input.0 as usize] = Some(items.len());
            items.push(end(&graph.value(input).name, "input", graph.shape(input)));
        }
        for (node, layer) in graph.nodes.iter().zip(summary::layers(graph)) {
            for &arg in &node.args {
                connect(&makers, arg, items.len());
            }
            for &result in &node.results {
                makers[result.0 as usize] = Some(items.len());
            }
            let text = node.op.to_string();
            let words = text.split_once(' ').map_or("", |(_, words)| words);
            items.push(Item {
                class: class(&layer.kind),
                parameters: layer.parameters,
                settings: settings(&layer.kind, words),
                shape: node.results.first().map_or_else(String::new, |&result| shape(graph.shape(result))),
                name: layer.name,
                kind: layer.kind,
            });
        }
        for output in &graph.outputs {
            connect(&makers, output.value, items.len());
            items.push(end(&output.name, "output", graph.shape(output.value)));
        }
        let layers = summary::layers(graph);
        let sum = |of: fn(&summary::Layer) -> u64| layers.iter().map(of).sum::<u64>();
        let subtitle =
            format!("{} parameters, {} multiply-adds", thousands(sum(|l| l.parameters)), thousands(sum(|l| l.macs)));
        Self { title: graph.name.clone(), subtitle, items, edges }
    }
}

fn end(name: &str, kind: &str, of: &Shape) -> Item {
    Item {
        name: name.to_owned(),
        kind: kind.to_owned(),
        settings: String::new(),
        shape: shape(of),
        class: Class::End,
        parameters: 0,
    }
}

/// An operation's settings for reading, from its text: `32 kernel 5` is `filters 32, kernel 5`.
fn settings(kind: &str, words: &str) -> String {
    let first = match kind {
        // The shape says it.
        "flatten" | "dense" => return String::new(),
        "conv" => "filters ",
        "dropout" => "rate ",
        pool if pool.contains("pool") => "window ",
        _ => "",
    };
    let mut text =
        if words.starts_with(|c: char| c.is_ascii_digit() || c == '[') { first.to_owned() } else { String::new() };
    for (idx, word) in words.split(' ').enumerate() {
        let is_name = word.starts_with(|c: char| c.is_ascii_alphabetic());
        match (idx, is_name) {
            (0, _) => {}
            (_, true) => text.push_str(", "),
            (_, false) => text.push(' '),
        }
        text.push_str(word);
    }
    text
}

fn shape(shape: &Shape) -> String {
    format!("{:?}", shape.dims())
}

/// A number with a comma between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn class(kind: &str) -> Class {
    match kind {
        "conv" | "conv_transpose" => Class::Conv,
        "dense" => Class::Dense,
        "dropout" | "batch_norm" => Class::Norm,
        "flatten" | "reshape" | "concat" | "slice" | "pad" | "upsample" | "add" | "subtract" | "multiply"
        | "affine" => Class::Join,
        "mean" => Class::Pool,
        pool if pool.contains("pool") => Class::Pool,
        _ => Class::Activation,
    }
}
