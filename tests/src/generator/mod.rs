//! Random small networks as text: pipelines, branches, blocks, loops, conditions, several inputs and outputs, whose shapes
//! are written down as promises, so that the compiler checks its shapes against the generator's.
//!
//! A seed has one text, on every machine. The texts go through all of the compiler: tests hold the gradients of its
//! passes against differences, the generated code against the interpreter, and the formatter against both.

mod blocks;
mod control;
mod shapes;

use std::collections::BTreeSet;

use crate::interpreter::Random;
use blocks::Block;
use control::Parameter;

/// Height, width, channels.
type Image = [usize; 3];

/// A constant of every text with a use for it.
const LEAST: usize = 2;

/// The seeds of the networks in `tests/nets/random`.
pub const COMMITTED: [u64; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// The text of the network of a seed.
#[must_use]
pub fn network(seed: u64) -> String {
    let mut random = Random::new(seed);
    let input = [random.between(3, 7), random.between(3, 7), random.between(1, 4)];
    let mut generator = Generator {
        random,
        lines: Vec::new(),
        frozen: Vec::new(),
        n_frozen: 0,
        definitions: Vec::new(),
        blocks: Vec::new(),
        parameters: Vec::new(),
        uses: BTreeSet::new(),
        inputs: Vec::new(),
    };
    generator.define_blocks();
    generator.declare_parameters();
    let (of, loss) = generator.body(input);
    let output = if loss.starts_with("cross_entropy") { format!("{of} -> softmax") } else { of };
    // Every tenth loss is a sum; class weights are for a loss that stands alone.
    let is_sum = seed.is_multiple_of(10) && !loss.contains("weights");
    let loss = if is_sum { format!("{loss} + 0.25 * {loss}") } else { loss };
    generator.text(input, &output, &loss)
}

/// A network under construction.
struct Generator {
    random: Random,
    lines: Vec<String>,
    /// Layers and instances that are not trained.
    frozen: Vec<String>,
    /// How many layers were named to be frozen, those in branches that are not taken too.
    n_frozen: usize,
    /// The texts of the blocks.
    definitions: Vec<String>,
    blocks: Vec<Block>,
    parameters: Vec<Parameter>,
    /// Bundled texts.
    uses: BTreeSet<&'static str>,
    /// Inputs besides the first.
    inputs: Vec<String>,
}

impl Generator {
    /// All of the text.
    fn text(&self, input: Image, output: &str, loss: &str) -> String {
        let mut text: String = self.uses.iter().map(|name| format!("use <{name}>;\n")).collect();
        let body: String = self.lines.iter().map(|line| format!("    {line}\n")).collect();
        if body.contains("LEAST") {
            text += &format!("const LEAST = {LEAST};\n");
        }
        for definition in &self.definitions {
            text += &format!("\n{definition}\n");
        }
        let parameters: Vec<&str> = self.parameters.iter().map(|parameter| parameter.declared.as_str()).collect();
        let parameters = if parameters.is_empty() { String::new() } else { format!("({})", parameters.join(", ")) };
        let inputs: String = self.inputs.iter().map(|line| format!("    {line}\n")).collect();
        let frozen: String = self.frozen.iter().map(|name| format!("    freeze {name};\n")).collect();
        text + &format!(
            "network Random{parameters} {{\n    input x: {input:?};\n{inputs}{body}    output y = {output};\n{frozen}    train {{ loss: {loss}; }}\n}}\n"
        )
    }

    /// Everything between input and output: what the loss looks at, and the loss.
    fn body(&mut self, input: Image) -> (String, String) {
        let (mut name, mut shape) = ("x".to_owned(), input);
        for _ in 0..self.random.between(2, 5) {
            (name, shape) = match self.random.below(12) {
                0..=4 => match self.block_call(&name, shape) {
                    Some(called) => called,
                    None => self.statement(&name, shape),
                },
                5 => self.controlled(&name, shape),
                6 => self.borrowed(&name, shape),
                7 if self.inputs.is_empty() => self.second_input(&name, shape),
                _ => self.statement(&name, shape),
            };
            if self.random.one_in(12) {
                self.side_output(&name, shape);
            }
        }
        if self.random.one_in(6) {
            // An image as the output; a convolution before it, so that there is something to train.
            let (stage, shape) = self.conv(shape);
            let name = self.bind(&format!("{name} -> {stage}"), &shape);
            let (name, _) = self.statement(&name, shape);
            let loss = format!("mean_squared_error({name})");
            return (name, loss);
        }
        let (name, classes) = self.head(&name, shape);
        let loss = if self.random.one_in(4) {
            let loss = *self.random.pick(&["mean_squared_error", "binary_cross_entropy", "l1", "huber"]);
            let delta = if loss == "huber" && self.random.one_in(2) { ", delta: 0.5" } else { "" };
            format!("{loss}({name}{delta})")
        } else {
            let smoothing = if self.random.one_in(4) { ", smoothing: 0.2" } else { "" };
            let weights: Vec<usize> = (0..classes).map(|_| self.random.between(1, 3)).collect();
            let weights = if self.random.one_in(4) { format!(", weights: {weights:?}") } else { String::new() };
            format!("cross_entropy({name}{smoothing}{weights})")
        };
        (name, loss)
    }

    /// A binding of an expression of this shape; its name.
    fn bind(&mut self, expression: &str, shape: &[usize]) -> String {
        let name = format!("t{}", self.lines.len() + 1);
        self.lines.push(format!("{name}: {shape:?} = {expression};"));
        name
    }

    /// A statement that makes an image from an image.
    fn statement(&mut self, x: &str, shape: Image) -> (String, Image) {
        let [h, w, c] = shape;
        match self.random.below(16) {
            12..=14 => self.rearranged(x, shape),
            0 => {
                // A residual connection.
                let inner = self.same(shape);
                (self.bind(&format!("{x} + ({x} -> {inner})"), &shape), shape)
            }
            1 => {
                // A squeeze-and-excitation gate.
                let hidden = self.random.between(1, 3);
                let gate = format!("{x} -> global_avg_pool -> dense({hidden}) -> relu -> dense({c}) -> sigmoid");
                let gate = self.bind(&gate, &[c]);
                let product = if self.random.one_in(2) { format!("{x} * {gate}") } else { format!("{gate} * {x}") };
                (self.bind(&product, &shape), shape)
            }
            2 => {
                // A shift for each channel.
                let shift = self.bind(&format!("{x} -> global_avg_pool -> dense({c})"), &[c]);
                (self.bind(&format!("add({x}, {shift})"), &shape), shape)
            }
            3 => {
                // A product of two branches, one of which may be the tensor itself.
                let (a, b) = (self.same(shape), self.same(shape));
                let b = if self.random.one_in(3) { x.to_owned() } else { format!("({x} -> {b})") };
                (self.bind(&format!("({x} -> {a} -> tanh) * {b}"), &shape), shape)
            }
            4 | 5 => {
                // Branches joined along an axis.
                let axis = self.random.below(3);
                let n_branches = self.random.between(2, 3);
                let mut joined = shape;
                joined[axis] = 0;
                let mut branches = Vec::new();
                for index in 0..n_branches {
                    let filters = self.random.between(1, 3);
                    if axis == 2 && !(index == 0 && self.random.one_in(2)) {
                        branches.push(format!("{x} -> conv({filters}, kernel: 3, pad: 1)"));
                        joined[2] += filters;
                    } else {
                        branches.push(if index == 0 { x.to_owned() } else { format!("{x} -> {}", self.same(shape)) });
                        joined[axis] += shape[axis];
                    }
                }
                let axis = if axis == 2 && self.random.one_in(2) { String::new() } else { format!(", axis: {axis}") };
                (self.bind(&format!("concat({}{axis})", branches.join(", ")), &joined), joined)
            }
            6 if h * w > 1 => {
                // One tensor read three times.
                let inner = self.same(shape);
                (self.bind(&format!("add({x}, {x}, {x} -> {inner})"), &shape), shape)
            }
            _ => {
                let (mut text, mut shape) = (x.to_owned(), shape);
                for _ in 0..self.random.between(1, 3) {
                    let (stage, next) = self.stage(shape);
                    text += &format!(" -> {stage}");
                    shape = next;
                }
                (self.bind(&text, &shape), shape)
            }
        }
    }

    /// A stage that keeps the shape and has parameters.
    fn same(&mut self, [_, _, c]: Image) -> String {
        match self.random.below(3) {
            0 => format!("conv({c}, kernel: 3, pad: 1)"),
            1 => format!("conv({c}, kernel: 3, pad: 2, dilation: 2, groups: {c}, bias: false)"),
            _ => format!("conv({c}, kernel: 1) -> batch_norm -> relu"),
        }
    }

    /// Any stage from image to image.
    fn stage(&mut self, shape: Image) -> (String, Image) {
        match self.random.below(13) {
            10..=12 => self.resized(shape),
            0..=3 => self.conv(shape),
            4 | 5 => self.pool(shape),
            6 => (self.norm(shape[2]), shape),
            7 => (self.dropout(), shape),
            _ => (self.activation(), shape),
        }
    }

    /// A normalisation of so many channels.
    fn norm(&mut self, c: usize) -> String {
        match self.random.below(8) {
            0 => return "layer_norm(epsilon: 0.1)".to_owned(),
            1 => {
                let divisors: Vec<usize> = (1..=c).filter(|groups| c.is_multiple_of(*groups)).collect();
                return format!("group_norm({}, epsilon: 0.1)", self.random.pick(&divisors));
            }
            2 => return format!("lrn({}, alpha: 0.5)", self.random.between(1, 6)),
            _ => {}
        }
        let options = ["", "(epsilon: 0.1)", "(epsilon: 0.01, momentum: 0.5)", "(unbiased: true, momentum: 0.9)"];
        let norm = format!("batch_norm{}", self.random.pick(&options));
        if self.random.one_in(4) {
            self.n_frozen += 1;
            let name = format!("frozen{}", self.n_frozen);
            self.frozen.push(name.clone());
            return format!("{norm} as {name}");
        }
        norm
    }

    fn dropout(&mut self) -> String {
        format!("dropout({})", self.random.pick(&["0.1", "0.5", "0.25"]))
    }

    fn activation(&mut self) -> String {
        let all = [
            "relu",
            "leaky_relu",
            "leaky_relu(0.3)",
            "sigmoid",
            "tanh",
            "softmax",
            "relu6",
            "prelu",
            "elu",
            "elu(0.5)",
            "gelu",
            "silu",
            "hard_sigmoid",
            "hard_swish",
            "log_softmax",
        ];
        (*self.random.pick(&all)).to_owned()
    }

    /// A convolution with options that fit.
    fn conv(&mut self, [h, w, c]: Image) -> (String, Image) {
        loop {
            let kernel = [self.random.between(1, 3), self.random.between(1, 3)];
            let stride = [self.random.between(1, 2), self.random.between(1, 2)];
            let pad = [self.random.below(3), self.random.below(3)];
            let dilation = [self.random.between(1, 2), self.random.between(1, 2)];
            let divisors: Vec<usize> = (1..=c).filter(|groups| c % groups == 0).collect();
            let groups = *self.random.pick(&divisors);
            // As many filters as channels make it depthwise, where the groups do too.
            let filters = if self.random.one_in(2) { c } else { groups * self.random.between(1, 3) };
            let axis = |size: usize, i: usize| {
                let span = dilation[i] * (kernel[i] - 1) + 1;
                Some((size + 2 * pad[i]).checked_sub(span)? / stride[i] + 1)
            };
            let (Some(oh), Some(ow)) = (axis(h, 0), axis(w, 1)) else { continue };
            let mut text = format!("conv({filters}, kernel: {kernel:?}");
            for (name, value, usual) in [("stride", stride, 1), ("pad", pad, 0), ("dilation", dilation, 1)] {
                if value != [usual, usual] {
                    text += &format!(", {name}: {value:?}");
                }
            }
            if groups > 1 {
                text += &format!(", groups: {groups}");
            }
            text += if self.random.one_in(4) { ", bias: false)" } else { ")" };
            return (text, [oh, ow, filters]);
        }
    }

    /// A pooling with options that fit.
    fn pool(&mut self, [h, w, c]: Image) -> (String, Image) {
        if self.random.one_in(8) {
            // Pooling to one pixel, by a window as large as the image.
            return (format!("avg_pool([{h}, {w}])"), [1, 1, c]);
        }
        loop {
            let kernel = [self.random.between(1, 3), self.random.between(1, 3)];
            let stride = [self.random.between(1, 3), self.random.between(1, 3)];
            let pad = [self.random.below(kernel[0] / 2 + 1), self.random.below(kernel[1] / 2 + 1)];
            let ceil = self.random.one_in(2);
            let axis = |size: usize, i: usize| {
                let free = (size + 2 * pad[i]).checked_sub(kernel[i])?;
                let steps = if ceil { free.div_ceil(stride[i]) } else { free / stride[i] };
                // The last window starts in the image or the padding before it.
                Some(if steps * stride[i] >= size + pad[i] { steps } else { steps + 1 })
            };
            let (Some(oh), Some(ow)) = (axis(h, 0), axis(w, 1)) else { continue };
            let name = *self.random.pick(&["max_pool", "avg_pool"]);
            let mut text = format!("{name}({kernel:?}, stride: {stride:?}, pad: {pad:?}");
            text += if ceil { ", ceil: true" } else { "" };
            text += if name == "avg_pool" && self.random.one_in(2) { ", count_include_pad: true)" } else { ")" };
            return (text, [oh, ow, c]);
        }
    }

    /// The end: a flat tensor with the scores, and how many there are.
    fn head(&mut self, x: &str, [h, w, c]: Image) -> (String, usize) {
        let (stage, features) = match self.random.below(4) {
            0 | 1 => ("flatten", h * w * c),
            2 => ("global_max_pool", c),
            _ => ("global_avg_pool", c),
        };
        let mut flat = self.bind(&format!("{x} -> {stage}"), &[features]);
        if self.random.one_in(2) {
            let hidden = self.random.between(2, 6);
            let extra = match self.random.below(4) {
                0 => self.norm(hidden),
                1 => self.dropout(),
                _ => "relu".to_owned(),
            };
            let activation = self.activation();
            flat = self.bind(&format!("{flat} -> dense({hidden}) -> {extra} -> {activation}"), &[hidden]);
            if self.random.one_in(3) {
                let other = self.bind(&format!("{flat} -> dense({hidden}, bias: false)"), &[hidden]);
                flat = match self.random.below(3) {
                    0 => self.bind(&format!("{flat} * {other}"), &[hidden]),
                    1 => self.bind(&format!("{flat} + {other}"), &[hidden]),
                    _ => self.bind(&format!("concat({flat}, {other})"), &[2 * hidden]),
                };
            }
        }
        let classes = self.random.between(2, 5);
        let bias = if self.random.one_in(4) { ", bias: false" } else { "" };
        (self.bind(&format!("{flat} -> dense({classes}{bias})"), &[classes]), classes)
    }
}
