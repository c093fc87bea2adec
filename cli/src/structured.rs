//! `netwright prune --structured`: whole channels go, and what is left is a smaller network with a description of its own.

mod choose;
mod measure;
#[cfg(test)]
mod tests;
mod weights;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netwright_compiler::Compiled;
use netwright_compiler::channels::{ChannelId, Channels};
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::emit::to_net;
use netwright_compiler::format::format;
use netwright_compiler::lower::Limit;
use netwright_compiler::source::SourceMap;
use netwright_run::prune::Options;
use netwright_run::{Failure, Values, output, text};
use serde::Serialize;

use self::measure::Measured;
use crate::network::{Checked, Chosen};

/// The new network's weights, as they are cut out of the old one's.
const CUT: &str = "cut.safetensors";
/// The new network's weights, in the end.
const WEIGHTS: &str = "weights.safetensors";
/// The folder of the training run with what is left.
const RETRAINED: &str = "retrained";

/// Prunes channels and prints what came of it.
pub(crate) fn run(network: &Chosen, options: &Options) -> Result<ExitCode, Failure> {
    let subject = &network.subject();
    let compiled = network.compile()?;
    let Some(training) = &compiled.training else {
        return Err(Failure::failed(format!("cannot prune {}: it has no `train` section", subject.argument))
            .help(subject.training_help("the channels that are left are trained on")));
    };
    let shares = options.shares()?;
    let channels = Channels::of(&compiled.graph, training.recipe.losses().map(|loss| loss.of));
    let old_weights = options.weights_path(subject)?;
    let old = weights::load(&compiled, &old_weights)?;
    let gone = choose::channels(&channels, &compiled, &old, &shares)?;

    let folder = options.folder(subject)?;
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    let file = folder.join(format!("{}.net", subject.name));
    let (text, small) = smaller(&compiled, &channels, &gone, &file)?;
    output::write_file(&file, &text)?;
    let cut = folder.join(CUT);
    weights::cut(&compiled, &channels, &gone, &old, &small, &cut)?;

    let sets = subject.values.iter().flat_map(|value| ["--set".to_owned(), value.clone()]);
    let old_words: Vec<String> = std::iter::once(subject.argument.clone()).chain(sets).collect();
    let small_words = [file.display().to_string()];
    let data = options.data_words(subject)?;
    let before = measure::measure(&old_words, &old_weights, &data)?;
    let after_cut = measure::measure(&small_words, &cut, &data)?;
    let mut last = cut;
    if let Some(epochs) = options.epochs() {
        let retrained = folder.join(RETRAINED);
        let words = [data.clone(), options.training_words()].concat();
        measure::retrain(&small_words, &last, epochs, &retrained, &words)?;
        last = retrained.join(WEIGHTS);
    }
    let new_weights = folder.join(WEIGHTS);
    std::fs::copy(&last, &new_weights).map_err(|error| Failure::io("write", &new_weights, &error))?;
    let after = measure::measure(&small_words, &new_weights, &data)?;
    let answer = Answer {
        network: &compiled.graph.name,
        file: &file,
        weights: &new_weights,
        before: Stand::of(&compiled, before),
        cut: Stand::of(&small, after_cut),
        after: Stand::of(&small, after),
        layers: layers(&compiled, &channels, &gone),
    };
    if options.is_json() {
        output::print_json(&answer)?
    } else {
        output::print(&answer.describe())?
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    file: &'a Path,
    weights: &'a Path,
    before: Stand,
    /// With the channels gone, before what is left was trained on.
    cut: Stand,
    after: Stand,
    layers: Vec<Layer>,
}

/// A network's size, quality and time.
#[derive(Serialize)]
struct Stand {
    parameters: usize,
    multiply_adds: u64,
    #[serde(flatten)]
    measured: Measured,
}

/// What a layer has lost.
#[derive(Serialize)]
struct Layer {
    layer: String,
    channels: usize,
    kept: usize,
    /// The layers that it shares channels with.
    tied: Vec<String>,
    /// How many of its channels may not go.
    held: usize,
}

impl Stand {
    fn of(compiled: &Compiled, measured: Measured) -> Self {
        Self { parameters: compiled.parameter_count(), multiply_adds: compiled.inference.macs, measured }
    }
}

impl Answer<'_> {
    fn describe(&self) -> String {
        let Self { network, file, weights, before, cut, after, layers } = self;
        let row = |layer: &Layer| {
            let remark = match (layer.held, layer.tied.is_empty()) {
                (held, _) if held == layer.channels => "left alone: something needs all of them".to_owned(),
                (_, false) => format!("tied to {}", layer.tied.join(", ")),
                _ => String::new(),
            };
            [layer.layer.clone(), layer.channels.to_string(), layer.kept.to_string(), remark]
        };
        let layers = output::table(["layer", "channels", "kept", ""], layers.iter().map(row).collect(), &[1, 2]);
        let stand = |name: &str, stand: &Stand| {
            let Measured { accuracy, loss, one_image_us, batch_us } = stand.measured;
            [
                name.to_owned(),
                text::thousands(stand.parameters as u64),
                text::thousands(stand.multiply_adds),
                accuracy.map_or_else(|| format!("{loss:.4}"), text::percent),
                format!("{one_image_us:.1}"),
                format!("{batch_us:.1}"),
            ]
        };
        let quality = if before.measured.accuracy.is_some() { "test accuracy" } else { "test loss" };
        let headings = ["", "parameters", "multiply-adds", quality, "µs for 1 image", "µs for 64"];
        let rows = vec![stand("before", before), stand("channels gone", cut), stand("trained on", after)];
        let stands = output::table(headings, rows, &[1, 2, 3, 4, 5]);
        format!(
            "{layers}\n\n{stands}\n\n{network}: description in {}, weights in {}\n",
            file.display(),
            weights.display()
        )
    }
}

fn layers(compiled: &Compiled, channels: &Channels, gone: &HashSet<ChannelId>) -> Vec<Layer> {
    let widths = channels.widths(gone);
    let tied = channels.tied_layers();
    let layer = |(idx, layer): (usize, &netwright_compiler::channels::Layer)| {
        let n = compiled.graph.parameter(layer.weight).shape.dims().last().copied().unwrap_or(0);
        let group = tied.iter().find(|group| group.contains(&idx));
        let others = group.into_iter().flatten().filter(|&&other| other != idx);
        Layer {
            layer: layer.name.clone(),
            channels: n,
            kept: widths.get(&layer.name).copied().unwrap_or(n),
            tied: others.filter_map(|&other| channels.layers().get(other)).map(|other| other.name.clone()).collect(),
            held: channels.of_layer(layer).filter(Option::is_none).count(),
        }
    };
    channels.layers().iter().enumerate().map(layer).collect()
}

/// The smaller network, as a text in its one form and compiled. Of the budget it has what it keeps: `==` mostly holds no
/// more, and a chunk of more images can take more memory.
fn smaller(
    compiled: &Compiled,
    channels: &Channels,
    gone: &HashSet<ChannelId>,
    file: &Path,
) -> Result<(String, Compiled), Failure> {
    let text = description(compiled, channels, gone, &[])?;
    let small = compile(file, text.clone())?;
    let (kept, broken): (Vec<_>, Vec<_>) = compiled.limits.iter().copied().partition(|limit| small.keeps(limit));
    for limit in broken {
        output::note(&format!("the smaller network does not keep `{limit}` of its budget, which goes"));
    }
    if kept.is_empty() {
        return Ok((text, small));
    }
    let text = description(compiled, channels, gone, &kept)?;
    let small = compile(file, text.clone())?;
    Ok((text, small))
}

/// The text of the smaller network, in its one form.
fn description(
    compiled: &Compiled,
    channels: &Channels,
    gone: &HashSet<ChannelId>,
    limits: &[Limit],
) -> Result<String, Failure> {
    let mut widths = channels.widths(gone);
    // Layers that lose nothing keep what their calls say.
    widths.retain(|name, width| {
        let layer = channels.layers().iter().find(|layer| layer.name == *name);
        layer.is_some_and(|layer| channels.of_layer(layer).count() != *width)
    });
    let mut map = SourceMap::new();
    let source = map.add("pruned.net", to_net(compiled, &widths, limits));
    format(source, &map, &mut Sink::new()).ok_or_else(|| {
        Failure::failed("the smaller network cannot be written").help("this is a bug of netwright: please report it")
    })
}

/// Compiles the smaller network.
fn compile(file: &Path, text: String) -> Result<Compiled, Failure> {
    let path: Option<PathBuf> = file.canonicalize().ok();
    let checked = Checked::of(file.display().to_string(), path, text, &Values::default(), &[]);
    if checked.compiled.is_none() {
        checked.tell();
    }
    checked.compiled.ok_or_else(|| {
        Failure::failed("the smaller network does not compile").help("this is a bug of netwright: please report it")
    })
}
