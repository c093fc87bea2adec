//! Lints on layers.

use std::collections::HashSet;

use super::texts::{Texts, argument_span, is_written_out};
use super::{
    CHANNELS_FIRST, DOMINANT_LAYER, DOUBLE_SOFTMAX, LAST_DROPOUT, Linter, NO_ACTIVATION, PADDED_1X1, TRUNCATED_POOL,
};
use crate::cost::grouped;
use crate::ir::{Graph, Node, ValueId};
use crate::lower::channels_last;
use crate::ops::{Activation, Function, Op, Window};
use crate::recipe::{Loss, LossKind, Recipe};
use crate::source::Span;
use crate::syntax::ast::Call;

pub(super) fn run(graph: &Graph, recipe: Option<&Recipe>, texts: &Texts<'_>, linter: &mut Linter<'_>) {
    let producers = Producers::of(graph);
    let readers = readers(graph, recipe);
    for node in &graph.nodes {
        match &node.op {
            Op::Conv(conv) if conv.window.kernel == [1, 1] && conv.window.pad != [0, 0] => {
                padded(node, texts, linter);
            }
            Op::MaxPool(pool) => truncated(node, pool.input, &pool.window, linter),
            Op::AvgPool(pool) => truncated(node, pool.input, &pool.window, linter),
            _ => {}
        }
        if is_matrix(&node.op) {
            no_activation(graph, &producers, &readers, node, linter);
        }
    }
    last_dropout(graph, linter);
    // Rows that are taken for channels make a layer large.
    if !channels_first(graph, linter) {
        dominant(graph, linter);
    }
    if let Some(recipe) = recipe {
        recipe.losses().for_each(|loss| double_softmax(graph, &producers, loss, linter));
    }
}

/// Which node makes each value.
struct Producers(Vec<Option<usize>>);

impl Producers {
    fn of(graph: &Graph) -> Self {
        let mut producers = vec![None; graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            for result in &node.results {
                if let Some(place) = producers.get_mut(result.0 as usize) {
                    *place = Some(index);
                }
            }
        }
        Self(producers)
    }

    fn node<'a>(&self, graph: &'a Graph, value: ValueId) -> Option<&'a Node> {
        graph.nodes.get((*self.0.get(value.0 as usize)?)?)
    }
}

/// Whether a layer multiplies by a matrix of weights. A depthwise convolution does not mix channels: one that follows is
/// its other half, as in a separable convolution.
fn is_matrix(op: &Op) -> bool {
    matches!(op, Op::Conv(conv) if !conv.is_depthwise()) || matches!(op, Op::ConvTranspose(_) | Op::Dense(_))
}

/// Whether a layer is linear in its one operand, so that it is no activation between two others.
fn is_linear(op: &Op) -> bool {
    matches!(
        op,
        Op::AvgPool(_)
            | Op::GlobalAvgPool(_)
            | Op::Reshape(_)
            | Op::Dropout(_)
            | Op::BatchNorm(_)
            | Op::Mean(_)
            | Op::Pad(_)
            | Op::Slice(_)
            | Op::Upsample(_)
            | Op::Affine(_)
    )
}

fn padded(node: &Node, texts: &Texts<'_>, linter: &mut Linter<'_>) {
    let title = "padding around a 1x1 kernel adds pixels that hold nothing but the bias";
    // Where the numbers are computed, the same call may be another one elsewhere.
    let is_right = |call: &&Call| is_written_out(call, "kernel") && is_written_out(call, "pad");
    let call = if linter.sink.is_full() { None } else { texts.call(node.span).filter(is_right) };
    let pad = call.and_then(|call| texts.argument(call, "pad"));
    let at = call.and_then(|call| argument_span(call, "pad")).unwrap_or(node.span);
    if let Some(report) = linter.warn(PADDED_1X1, title, at, "padded here") {
        match pad {
            // The image gets smaller, and a larger kernel may be meant.
            Some(pad) => report.may_fix("leave out `pad`", pad, ""),
            None => report.help("leave out `pad`"),
        };
    }
}

fn truncated(node: &Node, [h, w, _]: [usize; 3], window: &Window, linter: &mut Linter<'_>) {
    if window.ceil {
        return;
    }
    // Pixels of the image, not of the padding, that no window covers.
    let dropped = |axis: usize, size: usize| {
        let span = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
        let free = (size + 2 * window.pad[axis]).saturating_sub(span);
        (free % window.stride[axis]).saturating_sub(window.pad[axis])
    };
    let (rows, columns) = (dropped(0, h), dropped(1, w));
    if rows == 0 && columns == 0 {
        return;
    }
    let what = match (rows, columns) {
        (0, columns) => format!("{columns} of {w} columns"),
        (rows, 0) => format!("{rows} of {h} rows"),
        (rows, columns) => format!("{rows} of {h} rows and {columns} of {w} columns"),
    };
    if let Some(report) =
        linter.warn(TRUNCATED_POOL, format!("the pooling drops {what}"), node.span, "no window reaches them")
    {
        report.help("add `ceil: true`, or pad the image");
    }
}

/// Images as other frameworks have them, whose rows would be taken for channels; whether there are any.
fn channels_first(graph: &Graph, linter: &mut Linter<'_>) -> bool {
    // A sequence is an image of one row, and its windows are.
    let is_window = |op: &Op| match op {
        Op::Conv(conv) => conv.window.kernel[0] > 1,
        Op::MaxPool(pool) => pool.window.kernel[0] > 1,
        Op::AvgPool(pool) => pool.window.kernel[0] > 1,
        _ => false,
    };
    let mut is_any = false;
    let windows = graph.nodes.iter().filter(|node| is_window(&node.op));
    let seen: HashSet<ValueId> = windows.flat_map(|node| &node.args).copied().collect();
    for &input in graph.inputs.iter().filter(|input| seen.contains(input)) {
        let Some(turned) = channels_last(&graph.shape(input).into()) else { continue };
        let title = format!("an input of shape {} looks like an image with the channels first", graph.shape(input));
        let label = "images are [height, width, channels]";
        if let Some(report) = linter.warn(CHANNELS_FIRST, title, graph.value(input).span, label) {
            report.help(format!("declare it {turned}, and give it its numbers in that order"));
        }
        is_any = true;
    }
    is_any
}

/// How many read each value: layers, outputs, losses.
fn readers(graph: &Graph, recipe: Option<&Recipe>) -> Vec<usize> {
    let mut readers = vec![0_usize; graph.values.len()];
    let layers = graph.nodes.iter().flat_map(|node| &node.args).copied();
    let outputs = graph.outputs.iter().map(|output| output.value);
    let losses = recipe.into_iter().flat_map(Recipe::losses).map(|loss| loss.of);
    for value in layers.chain(outputs).chain(losses) {
        if let Some(count) = readers.get_mut(value.0 as usize) {
            *count += 1;
        }
    }
    readers
}

/// Two matrices in a row are one, where nothing else reads what stands between them.
fn no_activation(graph: &Graph, producers: &Producers, readers: &[usize], node: &Node, linter: &mut Linter<'_>) {
    let is_between = |value: &ValueId| readers.get(value.0 as usize) == Some(&1);
    let mut value = node.args.first().copied().filter(is_between);
    while let Some(before) = value.and_then(|value| producers.node(graph, value)) {
        // A call of `separable_conv` is a depthwise convolution and one of a pixel.
        let is_of_same_call = matches!(before.op, Op::Conv(_)) && before.span == node.span;
        if is_matrix(&before.op) && !is_of_same_call {
            let title = format!("no activation stands between `{}` and `{}`", before.layer, node.layer);
            if let Some(report) = linter.warn(NO_ACTIVATION, title, node.span, "two linear layers in a row are one") {
                report.secondary(before.span, "the layer before").help("put `-> relu` between them");
            }
            return;
        }
        if !is_linear(&before.op) && !is_of_same_call {
            return;
        }
        value = before.args.first().copied().filter(is_between);
    }
}

/// Dropout after the last layer with weights throws away what the network says.
fn last_dropout(graph: &Graph, linter: &mut Linter<'_>) {
    let mut matters = vec![false; graph.values.len()];
    for node in graph.nodes.iter().rev() {
        let reaches = node.results.iter().any(|result| matters.get(result.0 as usize) == Some(&true));
        if reaches || !node.parameters.is_empty() {
            for arg in &node.args {
                if let Some(place) = matters.get_mut(arg.0 as usize) {
                    *place = true;
                }
            }
        }
        if matches!(node.op, Op::Dropout(_)) && !reaches {
            let title = "dropout after the last layer with weights";
            if let Some(report) = linter.warn(LAST_DROPOUT, title, node.span, "drops what the network says") {
                report.help("put it before the last layer");
            }
        }
    }
}

/// Parameters that a network must have for one layer to be blamed.
const MANY: usize = 100_000;

fn dominant(graph: &Graph, linter: &mut Linter<'_>) {
    let size = |node: &Node| -> usize {
        let parameters = node.parameters.iter().map(|&id| graph.parameter(id));
        parameters.filter(|parameter| parameter.trained || parameter.frozen).map(|p| p.shape.elements()).sum()
    };
    let total: usize = graph.nodes.iter().map(size).sum();
    let Some(largest) = graph.nodes.iter().max_by_key(|node| size(node)) else { return };
    let own = size(largest);
    let matrices = graph.nodes.iter().filter(|node| is_matrix(&node.op)).count();
    // Four fifths and more.
    if matrices > 1 && total >= MANY && own / 4 >= total.saturating_sub(own) {
        let title = format!(
            "`{}` has {} of the network's {} parameters",
            largest.layer,
            grouped(own as u64),
            grouped(total as u64)
        );
        if let Some(report) = linter.warn(DOMINANT_LAYER, title, largest.span, "the largest layer") {
            report.help("pool before it, or make it narrower");
        }
    }
}

/// Whether a layer's result holds the elements of its operand, whatever their shape, in prediction.
fn keeps_probabilities(op: &Op) -> bool {
    matches!(op, Op::Reshape(_) | Op::Dropout(_))
}

/// Cross entropies take scores: probabilities would go through the function that makes them twice.
fn double_softmax(graph: &Graph, producers: &Producers, given: &Loss, linter: &mut Linter<'_>) {
    let mut maker = producers.node(graph, given.of);
    while let Some(node) = maker.filter(|node| keeps_probabilities(&node.op)) {
        maker = node.args.first().and_then(|&value| producers.node(graph, value));
    }
    let Some(node) = maker else { return };
    let (loss, function) = match (&given.kind, &node.op) {
        (LossKind::CrossEntropy { .. }, Op::Softmax(_)) => ("cross_entropy", "softmax"),
        (LossKind::BinaryCrossEntropy, Op::Softmax(_)) => ("binary_cross_entropy", "softmax"),
        (LossKind::CrossEntropy { .. }, Op::Activation(Activation(Function::Sigmoid))) => ("cross_entropy", "sigmoid"),
        (LossKind::BinaryCrossEntropy, Op::Activation(Activation(Function::Sigmoid))) => {
            ("binary_cross_entropy", "sigmoid")
        }
        _ => return,
    };
    let (at, from): (Span, Span) = (given.span, node.span);
    let title = format!("`{loss}` takes scores, found probabilities");
    let inner = if loss == "cross_entropy" { "softmax" } else { "sigmoid" };
    let label = if inner == function {
        format!("{function} would be applied twice")
    } else {
        format!("{inner} would be applied to the result of {function}")
    };
    if let Some(report) = linter.warn(DOUBLE_SOFTMAX, title, at, &label) {
        let report = if from == at { report } else { report.secondary(from, format!("{function} is applied here")) };
        report.help(format!("give it what goes into `{function}`"));
    }
}
