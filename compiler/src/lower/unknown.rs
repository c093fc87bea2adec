//! Names of layers and blocks that mean nothing here: what may have been meant.

use super::Lowerer;
use super::scope::Meaning;
use crate::diagnostic::{codes, is_slip, nearest, quote};
use crate::ops::{self, Default, Operands, SIGNATURES, Signature};
use crate::source::Span;
use crate::syntax::ast::{Call, ExprKind};

/// The blocks that come with Netwright to be used, with the files that have them.
pub(super) const BUNDLED: &[(&str, &str)] = &[("Fire", "fire"), ("SE", "se")];

/// The same of constants.
pub(super) const BUNDLED_CONSTANTS: &[(&str, &str)] = &[("imagenet_mean", "imagenet"), ("imagenet_std", "imagenet")];

impl Lowerer<'_> {
    /// Whether it has not been told here that a bundled file is not used.
    pub(super) fn misses(&mut self, file: &str) -> bool {
        self.frame().missing.insert(format!("<{file}>"))
    }

    /// Whether it has been told that a name is defined twice.
    pub(super) fn is_twice(&mut self, name: &str) -> bool {
        let name = quote(name);
        self.sink.has_told(|told| {
            told.code == codes::N0103 && told.title.contains(&name) && told.title.ends_with("is defined twice")
        })
    }

    /// Where a block stands that a file has which is not used here, but by a file that is.
    fn beyond(&mut self, name: &str) -> Option<Span> {
        let blocks = self.program.units.iter().flat_map(|unit| &unit.file.blocks);
        blocks.map(|block| &block.name).find(|block| block.text == name).map(|block| block.span)
    }

    /// Whether a file could not be read that the one in which statements stand uses: what it would define is not known.
    pub(super) fn lacks_file(&mut self) -> bool {
        let unit = self.frame().unit;
        self.program.units.get(unit).is_some_and(|unit| unit.lacks_file)
    }

    /// Reports the name of a layer that there is not; `is_stage` where its tensor stands before `->`.
    pub(super) fn unknown_layer(&mut self, call: &Call, is_stage: bool) {
        let name = &call.name;
        let value = self.frame().find(&name.text).map(|named| matches!(named.meaning, Meaning::Unknown));
        if value == Some(true) {
            // What is wrong with the value has been said.
            return;
        }
        if self.sink.repeats(name.span) {
            return;
        }
        let is_value = value.is_some();
        let unit = self.frame().unit;
        let program = self.program;
        let uses = program.units.get(unit).into_iter().flat_map(|found| found.uses.iter().copied().chain([unit]));
        // A look at all blocks for each of many mistakes would take long.
        let is_full = self.sink.is_full();
        let files = uses.filter_map(|index| program.units.get(index)).filter(|_| !is_full);
        let networks = files.clone().flat_map(|unit| &unit.file.networks).map(|network| network.name.text.as_str());
        let network = networks.into_iter().find(|network| *network == name.text);
        let blocks: Vec<&str> =
            files.flat_map(|unit| unit.file.blocks.iter().map(|block| block.name.text.as_str())).collect();
        let names = SIGNATURES.iter().map(|signature| signature.name).chain(blocks.iter().copied());
        let others = ["maxpool", "avgpool", "linear", "conv2d", "batchnorm", "global_average_pool"];
        let mut near = if is_full { Vec::new() } else { nearest(&name.text, names.chain(others)) };
        for near in near.iter_mut().filter(|near| others.contains(near)) {
            *near = elsewhere(near).unwrap_or(near);
        }
        near.sort_unstable();
        near.dedup();
        // It may be what one of two definitions of the same name should have been.
        if near.iter().any(|near| self.is_twice(near)) {
            return;
        }
        let exact = elsewhere(&name.text);
        // Blocks have capitals: what may be a block of a file that could not be read is none of these.
        let is_layer = name.text.starts_with(|first: char| first.is_ascii_lowercase())
            && (exact.is_some() || near.iter().any(|near| ops::signature(near).is_some()));
        if !is_layer && !is_value && self.lacks_file() {
            self.sink.count_error();
            return;
        }
        let beyond = if is_full || is_value { None } else { self.beyond(&name.text) };
        let choices = if is_value { self.choice_of(&name.text) } else { None };
        let choice = choices.into_iter().flatten().find(|choice| ops::signature(&choice.text).is_some());
        let is_input = ["input", "inputlayer", "placeholder"].iter().any(|word| name.text.eq_ignore_ascii_case(word));
        self.sections.n_inputs += usize::from(is_input);
        let bundled = BUNDLED.iter().find(|(block, _)| *block == name.text).filter(|_| !is_value);
        if bundled.is_some_and(|(_, file)| !self.misses(file)) {
            return;
        }
        let uses_files = program.units.get(unit).is_some_and(|unit| !unit.uses.is_empty());
        let is_block = uses_files && name.text.starts_with(|first: char| first.is_ascii_uppercase());
        let is_block = is_block && exact.is_none() && network.is_none() && !is_value && !is_input;
        let (title, label) = match bundled.is_some() || beyond.is_some() || is_block {
            true => ("there is no layer or block called", "not a layer, and not a block that is known here"),
            false => ("there is no layer called", "not a layer"),
        };
        let report = self.sink.error(codes::N0102, format!("{title} {}", quote(&name.text))).primary(name.span, label);
        if let Some((_, file)) = bundled {
            report.help(format!("the block comes with Netwright: write `use <{file}>;` at the top of the file"));
        } else if let Some(block) = beyond {
            report
                .secondary(block, "the block, in a file that a used file uses")
                .help("a file knows its own blocks and those of the files that it uses itself: use this one here, too");
        } else if let Some(layer) = choice.map(|choice| &choice.text) {
            let text = &name.text;
            report.help(format!(
                "`{text}` is a text: choose the layer by it, `if {text} == \"{layer}\" {{ y = x -> {layer}; }}`"
            ));
        } else if is_value {
            report.help(format!("`{}` is a value: it stands left of `->`, or inside of parentheses", name.text));
        } else if let Some(network) = network {
            report.help(format!("`{network}` is a network: only blocks are used like layers"));
        } else if is_input {
            report.help("an input is a statement of its own: `input x: [28, 28, 1];`");
        } else if name.text == "len" {
            report.help("a loop goes through a list itself: `for size in sizes { … }`");
        } else if matches!(name.text.as_str(), "range" | "enumerate" | "zip") {
            report.help(
                "a loop runs over a range or a list: `for i in 0..3 { … }`, `for a, b in [[1, 2], [3, 4]] { … }`",
            );
        } else if matches!(name.text.as_str(), "Activation" | "activation") {
            report.help("an activation is a layer of its own: `-> relu`");
        } else if let Some(exact) = exact {
            // Its arguments may be others there, though the names differ by a slip.
            let help = format!("did you mean `{exact}`?");
            if ops::signature(exact).is_some_and(|layer| takes_the_same(call, is_stage, layer)) {
                report.fix(help, name.span, exact);
            } else if is_slip(&name.text, exact) {
                report.help(help);
            } else {
                report.may_fix(help, name.span, exact);
            }
        } else if !near.is_empty() {
            report.did_you_mean_one_of(&near, name.span);
        } else if let Some(instead) = instead_of(&name.text) {
            report.help(instead);
        } else {
            const MOST: usize = 12;
            let more = if blocks.len() > MOST { ", …" } else { "" };
            let shown = blocks.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
            let blocks = if blocks.is_empty() { String::new() } else { format!("; the blocks here: {shown}{more}") };
            report.help(format!("the page of this code, `netwright explain N0102`, lists the layers{blocks}"));
        }
    }
}

/// What does the work of a function or layer that the language does not have.
fn instead_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "max" | "min" | "maximum" | "minimum" => {
            "numbers are chosen by a condition: `if n < 8 { k = 8; } else { k = n; }`"
        }
        "floor" | "ceil" | "round" | "int" => "a division of whole numbers rounds down: `n / 2`",
        "transpose" | "permute" => "no layer swaps axes: images are [height, width, channels] throughout",
        "matmul" | "bmm" | "einsum" | "attention" => {
            "two tensors are multiplied element by element, `a * b`; by trained weights, `dense` or a 1x1 `conv`"
        }
        "lstm" | "LSTM" | "gru" | "GRU" | "rnn" | "RNN" | "embedding" | "Embedding" => {
            "there are no layers of sequences: networks take images and vectors"
        }
        "pixel_shuffle" | "PixelShuffle" | "depth_to_space" => {
            "larger images are made by `upsample(2)`, or with weights by `conv_transpose(8, kernel: 2, stride: 2)`"
        }
        _ => return None,
    })
}

/// Whether a call of another framework's layer means the same under the name that the layer has here: its arguments are those
/// of which the first have the same places in both, or have the names that they have here, and none is missing.
fn takes_the_same(call: &Call, is_stage: bool, layer: &Signature) -> bool {
    let plain = call.name.text.to_lowercase();
    // Lines and volumes are no images, and an adaptive pooling may make more than one number of a channel.
    if plain.ends_with("1d") || plain.ends_with("3d") || plain.contains("adaptive") {
        return false;
    }
    let n_unnamed = call.args.iter().filter(|arg| arg.name.is_none()).count();
    let n_unnamed = match layer.operands {
        Operands::Several => 0,
        Operands::One => match n_unnamed.checked_sub(usize::from(!is_stage)) {
            Some(n_unnamed) => n_unnamed,
            None => return false,
        },
    };
    let n_same = match layer.name {
        "conv" | "conv_transpose" | "separable_conv" => 2,
        "dense" | "group_norm" => 1,
        "max_pool" | "avg_pool" => 3,
        "upsample" | "reshape" | "pad" | "lrn" => return false,
        _ => 0,
    };
    if n_unnamed > n_same {
        return false;
    }
    let (unnamed, rest) = layer.arguments.split_at_checked(n_unnamed).unwrap_or((layer.arguments, &[]));
    let mut names = call.args.iter().filter_map(|arg| arg.name.as_ref());
    let is_known = |name: &str| rest.iter().any(|argument| argument.name == name);
    let is_given = |name: &str| call.args.iter().any(|arg| arg.name.as_ref().is_some_and(|given| given.text == name));
    let needs = rest.iter().filter(|argument| argument.default == Default::Required);
    let is_list = call.args.iter().any(|arg| matches!(arg.value.kind, ExprKind::List(_)));
    names.all(|name| is_known(&name.text))
        && needs.into_iter().all(|argument| is_given(argument.name))
        && unnamed.len() == n_unnamed
        && (layer.operands == Operands::One || !is_list || call.args.len() == 1)
}

/// What a layer of other frameworks is called here.
fn elsewhere(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 40;
    if name.len() > LONGEST {
        return None;
    }
    let plain = name.to_lowercase().replace('_', "");
    let plain = ["1d", "2d", "3d"].iter().find_map(|ending| plain.strip_suffix(ending)).unwrap_or(&plain);
    Some(match plain {
        "linear" | "fc" | "fullyconnected" => "dense",
        "conv" | "convolution" => "conv",
        "convtranspose" | "conv2dtranspose" | "transposedconv" | "deconv" | "deconvolution" | "upconv" => {
            "conv_transpose"
        }
        "depthwise" | "depthwiseconv" => "depthwise_conv",
        "separableconv" => "separable_conv",
        "resize" | "upsample" | "upsampling" | "interpolate" => "upsample",
        "zeropad" | "zeropadding" => "pad",
        "sub" => "subtract",
        "maxpool" | "maxpooling" => "max_pool",
        "avgpool" | "avgpooling" | "averagepool" | "averagepooling" | "meanpool" => "avg_pool",
        "globalavgpool"
        | "globalavgpooling"
        | "globalaveragepool"
        | "globalaveragepooling"
        | "adaptiveavgpool"
        | "gap" => "global_avg_pool",
        "globalmaxpool" | "globalmaxpooling" | "adaptivemaxpool" => "global_max_pool",
        "batchnorm" | "batchnormalization" | "bn" => "batch_norm",
        "layernorm" | "layernormalization" => "layer_norm",
        "groupnorm" | "groupnormalization" => "group_norm",
        "localresponsenorm" | "localresponsenormalization" => "lrn",
        "concatenate" | "cat" => "concat",
        "mul" => "multiply",
        "swish" => "silu",
        "lrelu" => "leaky_relu",
        "hsigmoid" => "hard_sigmoid",
        "hswish" => "hard_swish",
        "unflatten" | "view" => "reshape",
        _ => return None,
    })
}
