//! A network as a description again: every layer with its numbers, blocks and loops unrolled, and what else a description
//! says: sections, photographs, labels, lints that are allowed.
//!
//! The text compiles to a graph of the same nodes in the same order. What belonged to a block's instance is called by its
//! name with `_` for the dots: `fire2_squeeze`.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::driver::Compiled;
use crate::ir::{Call, Graph, ValueId};
use crate::lower::{Limit, change_text, choice_text, loss_text, number_text, photo_text, quoted};
use crate::ops;
use crate::recipe::{Pruning, Recipe};
use crate::syntax::keywords::is_keyword;

/// The description of a compiled network, with other numbers of filters or units for the layers that `widths` names, and a
/// budget of `limits`, which the network with these numbers has to keep.
#[must_use]
pub fn to_net(compiled: &Compiled, widths: &HashMap<String, usize>, limits: &[Limit]) -> String {
    let graph = &compiled.graph;
    let names = Names::of(graph);
    let mut text = String::new();
    docs("", &graph.docs, &mut text);
    let _ = writeln!(text, "network {} {{", graph.name);
    if !compiled.allowed.is_empty() {
        let _ = writeln!(text, "    allow({});\n", compiled.allowed.join(", "));
    }
    for (&input, photo) in graph.inputs.iter().zip(&compiled.photos) {
        let from = photo.iter().map(|photo| format!(" from {}", photo_text(photo))).collect::<String>();
        let _ = writeln!(text, "    input {}: {}{from};", names.value(input), graph.shape(input));
    }
    text.push('\n');
    let losses = compiled.training.iter().flat_map(|training| training.recipe.losses()).map(|loss| loss.of);
    for chain in chains(graph, losses) {
        pipeline(chain, &names, widths, &mut text);
    }
    text.push('\n');
    for (output, labels) in graph.outputs.iter().zip(&compiled.labels) {
        docs("    ", &output.docs, &mut text);
        let _ = writeln!(text, "    output {} = {};", output.name, names.value(output.value));
        if !labels.is_empty() {
            let labels = labels.iter().map(|label| quoted(label)).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "    labels {}: [{labels}];", output.name);
        }
    }
    freeze(graph, &names, &mut text);
    if let Some(training) = &compiled.training {
        train(graph, &training.recipe, &names, &mut text);
        if let Some(pruning) = &training.pruning {
            prune(graph, pruning, &names, &mut text);
        }
    }
    if !limits.is_empty() {
        let limits = limits.iter().map(|limit| format!("{limit};")).collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "\n    budget {{ {limits} }}");
    }
    text.push_str("}\n");
    text
}

/// Doc comments.
fn docs(indent: &str, lines: &[String], text: &mut String) {
    for line in lines {
        let blank = if line.is_empty() { "" } else { " " };
        let _ = writeln!(text, "{indent}///{blank}{line}");
    }
}

/// The name of a layer or parameter in the new description.
#[must_use]
pub fn flat_name(graph: &Graph, name: &str) -> String {
    Names::of(graph).qualified(name)
}

/// What values and layers are called.
struct Names {
    values: HashMap<ValueId, String>,
    layers: HashMap<String, String>,
}

impl Names {
    fn of(graph: &Graph) -> Self {
        let mut taken: HashSet<String> = graph.outputs.iter().map(|output| output.name.clone()).collect();
        let mut values = HashMap::new();
        let made = graph.calls.iter().flat_map(|call| &call.results);
        for &id in graph.inputs.iter().chain(made) {
            let name = unique(&graph.value(id).name, &mut taken);
            values.insert(id, name);
        }
        let mut taken = HashSet::new();
        let mut layers = HashMap::new();
        for call in graph.calls.iter().filter(|call| is_weighted(call)) {
            layers.insert(call.layer.clone(), unique(&call.layer, &mut taken));
        }
        Self { values, layers }
    }

    fn value(&self, id: ValueId) -> &str {
        self.values.get(&id).map_or("", String::as_str)
    }

    /// `fire2_squeeze.weight` for `fire2.squeeze.weight`, `fire2_squeeze` for `fire2.squeeze`.
    fn qualified(&self, name: &str) -> String {
        if let Some(layer) = self.layers.get(name) {
            return layer.clone();
        }
        match name.rsplit_once('.') {
            Some((layer, part)) if self.layers.contains_key(layer) => format!("{}.{part}", self.qualified(layer)),
            _ => name.replace('.', "_"),
        }
    }

    /// The layers of this name, or of the block of this name, that have weights to prune.
    fn within(&self, name: &str, graph: &Graph) -> Vec<String> {
        let mut layers = Vec::new();
        for parameter in graph.parameters.iter().filter(|parameter| parameter.is_prunable()) {
            let Some((layer, _)) = parameter.name.rsplit_once('.') else { continue };
            let is_within = layer == name || layer.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            let layer = self.qualified(layer);
            if is_within && !layers.contains(&layer) {
                layers.push(layer);
            }
        }
        layers
    }
}

/// A name without dots that no other has.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut clean = name.replace('.', "_");
    if is_keyword(&clean) {
        clean.push('_');
    }
    let mut found = clean.clone();
    let mut number = 1;
    while !taken.insert(found.clone()) {
        number += 1;
        found = format!("{clean}_{number}");
    }
    found
}

fn is_weighted(call: &Call) -> bool {
    ops::signature(call.kind).is_some_and(|signature| signature.weighted)
}

/// Calls that stand in one pipeline: each takes what the one before makes, which nobody else reads. In order, so that
/// nodes and parameters are.
fn chains(graph: &Graph, losses: impl Iterator<Item = ValueId>) -> Vec<&[Call]> {
    let mut readers: HashMap<ValueId, usize> = HashMap::new();
    let read = graph.calls.iter().flat_map(|call| call.operands.iter().copied());
    for id in read.chain(graph.outputs.iter().map(|output| output.value)).chain(losses) {
        *readers.entry(id).or_insert(0) += 1;
    }
    let goes_on = |before: &Call, call: &Call| match before.results.as_slice() {
        [only] => call.operands.first() == Some(only) && readers.get(only) == Some(&1),
        _ => false,
    };
    graph.calls.chunk_by(goes_on).collect()
}

/// `name = x -> conv(32, kernel: 5) as conv1 -> relu;`
fn pipeline(calls: &[Call], names: &Names, widths: &HashMap<String, usize>, text: &mut String) {
    let (Some(first), Some(last)) = (calls.first(), calls.last()) else { return };
    let results: Vec<&str> = last.results.iter().map(|&id| names.value(id)).collect();
    let from = first.operands.first().map_or("", |&id| names.value(id));
    let _ = write!(text, "    {} = {from}", results.join(", "));
    for call in calls {
        let _ = write!(text, " -> {}", call.kind);
        let mut arguments: Vec<String> = call.operands.iter().skip(1).map(|&id| names.value(id).to_owned()).collect();
        for (index, (name, value)) in call.arguments.iter().enumerate() {
            let value = match widths.get(&call.layer) {
                Some(width) if matches!(*name, "filters" | "units") => width.to_string(),
                _ => value.clone(),
            };
            let is_positional = index == 0 && call.operands.len() == 1 && is_first(call.kind, name);
            arguments.push(if is_positional { value } else { format!("{name}: {value}") });
        }
        if !arguments.is_empty() {
            let _ = write!(text, "({})", arguments.join(", "));
        }
        if is_weighted(call) {
            let _ = write!(text, " as {}", names.qualified(&call.layer));
        }
    }
    text.push_str(";\n");
}

/// Whether an argument is the layer's first, which takes no name.
fn is_first(kind: &str, name: &str) -> bool {
    ops::signature(kind).and_then(|signature| signature.arguments.first()).is_some_and(|first| first.name == name)
}

/// `freeze conv1, conv2;`
fn freeze(graph: &Graph, names: &Names, text: &mut String) {
    let mut frozen: Vec<String> = Vec::new();
    for parameter in graph.parameters.iter().filter(|parameter| parameter.frozen) {
        let layer = names.qualified(parameter.name.rsplit_once('.').map_or("", |(layer, _)| layer));
        if !frozen.contains(&layer) {
            frozen.push(layer);
        }
    }
    if !frozen.is_empty() {
        let _ = writeln!(text, "\n    freeze {};", frozen.join(", "));
    }
}

fn train(graph: &Graph, recipe: &Recipe, names: &Names, text: &mut String) {
    let losses = recipe.losses().map(|loss| loss_text(loss, names.value(loss.of))).collect::<Vec<_>>().join(" + ");
    let _ = writeln!(text, "\n    train {{\n        loss: {losses};");
    let _ = writeln!(text, "        optimizer: {};", choice_text(recipe.optimizer.variant, &recipe.optimizer.settings));
    let _ = writeln!(text, "        schedule: {};", choice_text(recipe.schedule.variant, &recipe.schedule.settings));
    let mut entry = |key: &str, value: String| {
        let _ = writeln!(text, "        {key}: {value};");
    };
    if recipe.warmup_steps > 0 {
        entry("warmup_steps", recipe.warmup_steps.to_string());
    }
    entry("batch", recipe.batch.to_string());
    entry("epochs", recipe.epochs.to_string());
    entry("seed", recipe.seed.to_string());
    if let Some(patience) = recipe.patience {
        entry("patience", patience.to_string());
    }
    if let Some(fraction) = recipe.validation {
        entry("validation", number_text(fraction));
    }
    if let Some(norm) = recipe.clip_norm {
        entry("clip_norm", number_text(norm));
    }
    if !recipe.augment.is_empty() {
        entry("augment", recipe.augment.iter().map(change_text).collect::<Vec<_>>().join(" -> "));
    }
    for parameter in graph.parameters.iter().filter(|parameter| parameter.rate != 1.0) {
        entry(&format!("lr({})", names.qualified(&parameter.name)), number_text(parameter.rate));
    }
    text.push_str("    }\n");
}

fn prune(graph: &Graph, pruning: &Pruning, names: &Names, text: &mut String) {
    let Pruning { method, keep, layers, pace, epochs, lr_factor, scale_dropout } = pruning;
    let _ = writeln!(text, "\n    prune {{\n        method: {};", choice_text(method, &[]));
    if let Some(keep) = keep {
        let _ = writeln!(text, "        keep: {};", number_text(*keep));
    }
    for (layer, fraction) in layers {
        // A block has no name any more; those of its layers that have weights to prune stand for it.
        let _ = writeln!(text, "        keep({}): {};", names.within(layer, graph).join(", "), number_text(*fraction));
    }
    let _ = writeln!(text, "        schedule: {};", choice_text(pace.variant, &pace.settings));
    let _ = writeln!(text, "        epochs: {epochs};\n        lr_factor: {};", number_text(*lr_factor));
    let _ = writeln!(text, "        scale_dropout: {scale_dropout};\n    }}");
}
