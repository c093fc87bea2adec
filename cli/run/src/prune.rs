//! `netwright prune`: trained weights lose their smallest, and the others are trained on.

mod picture;
mod scan;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use comfy_table::Table;
use netwright_runtime::train::prune::{self, Keep, Kept, Mask, Method, Pace, Pruning};
use netwright_runtime::train::{Evaluation, Recipe, Span, Stopped, Trainer, evaluate};
use netwright_runtime::{Trainable, weights};
use serde::Serialize;

use crate::Subject;
use crate::data::{self, DataArgs};
use crate::eval::BATCH;
use crate::failure::Failure;
use crate::run::manifest::{Manifest, Outcome, short};
use crate::run::progress::Progress;
use crate::run::{folder, weights as found};
use crate::threads::Threads;
use crate::values::positive;
use crate::{output, text, train};

/// The options of `prune`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Trained weights
    /// [default: those that the last training run of the network left in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// What to keep: a fraction of the weights of all layers, or of one, as in `--keep conv1=0.66,dense1=0.08` [default: the
    /// `prune` section's]
    #[arg(long, value_name = "[LAYER=]F", value_delimiter = ',', value_parser = share)]
    keep: Vec<Share>,
    /// The fraction of the weights to remove from all layers that --keep does not name
    #[arg(long, value_name = "F", conflicts_with = "scan", value_parser = gone)]
    sparsity: Option<f32>,
    /// Compare the weights of all layers with one another instead of each layer's among themselves
    #[arg(long, conflicts_with = "scan")]
    global: bool,
    /// Remove weights little by little over so many epochs
    #[arg(long, value_name = "EPOCHS", conflicts_with_all = ["rounds", "scan"], value_parser = positive)]
    gradual: Option<NonZeroUsize>,
    /// Remove weights in so many rounds
    #[arg(long, value_name = "N", conflicts_with = "scan")]
    rounds: Option<u32>,
    /// Epochs of training with the weights that are left [default: the section's, else 10; none
    /// with --structured]
    #[arg(long, value_name = "N", conflicts_with = "scan", value_parser = positive)]
    epochs: Option<NonZeroUsize>,
    /// What the learning rate of the `train` section is multiplied by meanwhile [default: the section's, else 0.1]
    #[arg(long, value_name = "F", conflicts_with = "scan")]
    lr_factor: Option<f32>,
    /// Seed of shuffling and dropout [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Remove whole channels instead, those with the smallest filters: writes a smaller network with a description of its
    /// own, and measures both
    #[arg(long, conflicts_with_all = ["scan", "global", "gradual", "rounds"])]
    structured: bool,
    /// Keep a multiple of so many channels of each layer: the kernels compute 8 at a time, so that 11 take as long as 16
    /// [default: 1]
    #[arg(long, value_name = "N", requires = "structured", value_parser = positive)]
    multiple: Option<NonZeroUsize>,
    /// Show what each layer bears instead: accuracy against the fraction of its weights that is gone, on images set aside
    /// from the training images
    #[arg(long)]
    scan: bool,
    #[command(flatten)]
    threads: Threads,
    /// Folder for the new weights, the metrics and checkpoints, or for the picture of --scan [default: runs/NET_pruned, or
    /// runs/NET_pruned-2 and so on]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// A value of `--keep`.
#[derive(Debug, Clone, PartialEq)]
struct Share {
    /// `None` for all layers.
    layer: Option<String>,
    fraction: f32,
}

/// What to keep of layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// The fraction of layers without one of their own.
    pub common: Option<f32>,
    /// Layers, or blocks of layers, with fractions of their own.
    pub layers: Vec<(String, f32)>,
    /// What the number of channels that a layer keeps is a multiple of, 1 or more.
    pub multiple: usize,
}

impl Shares {
    /// Whether a name is that of a layer, or of a block around it.
    #[must_use]
    pub fn names(&self, name: &str, layer: &str) -> bool {
        layer.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// How many of a layer's channels a fraction keeps: the nearest multiple, at least one of it, or all.
    #[must_use]
    pub fn kept(&self, fraction: f32, channels: usize) -> usize {
        let multiples = f64::from(fraction) * channels as f64 / self.multiple as f64;
        (multiples.round() as usize).max(1).saturating_mul(self.multiple).min(channels)
    }

    /// A layer's own fraction; of several the last.
    #[must_use]
    pub fn of_layer(&self, layer: &str) -> Option<f32> {
        self.layers.iter().rev().find(|(name, _)| self.names(name, layer)).map(|(_, fraction)| *fraction)
    }
}

/// A fraction that can go.
fn gone(text: &str) -> Result<f32, String> {
    let fraction = text.parse().ok().filter(|fraction| (0.0..1.0).contains(fraction));
    fraction.ok_or_else(|| "expected a fraction, 0 or more and less than 1, such as 0.9".to_owned())
}

/// What is kept where so much is removed: to six digits, so that 0.9 leaves 0.1 and not the next number beside it.
fn kept_fraction(gone: f32) -> f32 {
    ((1e6 * (1.0 - f64::from(gone))).round().max(1.0) / 1e6) as f32
}

/// A learning rate times a factor, both as they are written: a tenth of 0.001 is 0.0001 and not the next number beside it.
fn scaled(rate: f32, factor: f32) -> f32 {
    (short(rate) * short(factor)) as f32
}

/// What the command needs of the options where it prunes channels, which takes the compiler.
impl Options {
    /// Whether whole channels are to go.
    #[must_use]
    pub fn is_structured(&self) -> bool {
        self.structured
    }

    /// What the command line keeps.
    ///
    /// # Errors
    ///
    /// If it does not say.
    pub fn shares(&self) -> Result<Shares, Failure> {
        let common = self.keep.iter().rev().find(|share| share.layer.is_none()).map(|share| share.fraction);
        let own = self.keep.iter().filter_map(|share| Some((share.layer.clone()?, share.fraction)));
        let (common, layers) = (common.or(self.sparsity.map(kept_fraction)), own.collect());
        let shares = Shares { common, layers, multiple: self.multiple.map_or(1, NonZeroUsize::get) };
        if shares.common.is_none() && shares.layers.is_empty() {
            return Err(Failure::usage("nothing says how many channels to keep")
                .help("say --keep 0.5, or --keep LAYER=0.5 for single layers"));
        }
        Ok(shares)
    }

    /// The trained weights: those given, else those of the last run.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn weights_path(&self, subject: &Subject) -> Result<PathBuf, Failure> {
        found::find(subject, self.weights.as_deref()).map(|weights| weights.path().to_owned())
    }

    /// The folder to write to.
    ///
    /// # Errors
    ///
    /// If it holds a run already.
    pub fn folder(&self, subject: &Subject) -> Result<PathBuf, Failure> {
        choose_folder(self, subject)
    }

    /// Epochs of training with what is left; `None` for no training.
    #[must_use]
    pub fn epochs(&self) -> Option<usize> {
        self.epochs.map(NonZeroUsize::get)
    }

    /// Whether to answer in JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The words of a command line that choose the same data; `weights` tell those that they were trained on.
    ///
    /// # Errors
    ///
    /// If the run's manifest beside the weights cannot be read.
    pub fn data_words(&self, subject: &Subject) -> Result<Vec<String>, Failure> {
        let weights = found::find(subject, self.weights.as_deref())?;
        let name = self.data.data.as_deref().or(weights.data()).unwrap_or(data::DEFAULT);
        let limit = self.data.limit.iter().flat_map(|limit| ["--limit".to_owned(), limit.to_string()]);
        Ok(["--data".to_owned(), data::absolute(name)].into_iter().chain(limit).collect())
    }

    /// The words of a command line that train in the same way.
    #[must_use]
    pub fn training_words(&self) -> Vec<String> {
        let option = |name: &str, value: Option<String>| value.map(|value| [format!("--{name}"), value]);
        let factor = option("lr-factor", self.lr_factor.map(|factor| factor.to_string()));
        let seed = option("seed", self.seed.map(|seed| seed.to_string()));
        factor.into_iter().chain(seed).flatten().collect()
    }
}

fn share(text: &str) -> Result<Share, String> {
    let (layer, number) = match text.split_once('=') {
        Some((layer, number)) => (Some(layer.trim().to_owned()), number),
        None => (None, text),
    };
    match number.trim().parse::<f32>() {
        Ok(fraction) if fraction > 0.0 && fraction <= 1.0 => Ok(Share { layer, fraction }),
        _ => Err("expected a fraction above 0, up to 1, or LAYER=FRACTION".to_owned()),
    }
}

/// Prunes, or scans; exit code 1 if training was interrupted.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    options.threads.run(|| match options.scan {
        true => scan::run::<N>(subject, options).map(|()| ExitCode::SUCCESS),
        false => prune_into_folder::<N>(subject, options),
    })
}

fn prune_into_folder<N: Trainable>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    let layers = layers::<N>(options);
    let pruning = pruning::<N>(subject, options, &layers)?;
    let mut mask = Mask::new(N::SPEC, &pruning)?;
    let weights = found::find(subject, options.weights.as_deref())?;
    let mut network = weights.load::<N>()?;
    let name = data::absolute(options.data.data.as_deref().or(weights.data()).unwrap_or(data::DEFAULT));
    let limit = options.data.limit.map(usize::from);
    let splits = data::load(&name, limit)?;
    let folder = choose_folder(options, subject)?;
    let before = evaluate(&network, &splits.test, BATCH)?;
    let mut recipe = pruning.retraining(&N::RECIPE);
    recipe.optimizer = recipe.optimizer.with_lr(scaled(N::RECIPE.optimizer.lr(), pruning.lr_factor));
    recipe.seed = options.seed.unwrap_or(recipe.seed);
    let mut manifest = train::manifest::<N>(subject, &folder, &recipe, &name, limit, &splits)?;
    manifest.command = command(subject, weights.path(), &pruning, &manifest);
    introduce(subject, weights.path(), &pruning, &recipe, &folder);
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    manifest.write(&folder)?;

    let progress = RefCell::new(Progress::new(recipe.epochs));
    let mut trainer = Trainer::from_recipe(recipe)
        .constraint(&mut mask)
        .out(&folder)
        .test(&splits.test)
        .stop_flag(train::stop_on_interrupt()?)
        .on_batch(|batch| progress.borrow_mut().batch(batch))
        .on_epoch(|metrics| progress.borrow_mut().epoch(metrics));
    let report = trainer.fit(&mut network, &splits.train, None);
    drop(trainer);
    progress.borrow_mut().finish();
    let report = report?;
    if report.stopped == Stopped::Interrupted {
        output::note(&format!("stopped at step {}; no weights are written", report.steps));
        return Ok(ExitCode::FAILURE);
    }
    let path = folder.join(folder::WEIGHTS);
    weights::save(network.core().parameters(), &path)?;
    manifest.result = Outcome::of(&report.epochs, report.steps);
    manifest.write(&folder)?;
    let after = evaluate(&network, &splits.test, BATCH)?;
    let seconds = report.epochs.iter().map(|metrics| metrics.seconds).sum();
    let layers = prune::kept(network.core().parameters());
    let answer = Answer { network: N::SPEC.name, data: &name, weights: &path, before, after, seconds, layers };
    if options.json {
        output::print_json(&answer)?
    } else {
        output::print(&answer.describe())?
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command line keeps of single layers; the section's where it says nothing of what to keep.
fn layers<N: Trainable>(options: &Options) -> Vec<Keep<'_>> {
    if options.keep.is_empty() && options.sparsity.is_none() {
        return N::PRUNING.map_or_else(Vec::new, |pruning| pruning.layers.to_vec());
    }
    let own = options.keep.iter().filter_map(|share| Some((share.layer.as_deref()?, share.fraction)));
    own.map(|(layer, fraction)| Keep { layer, fraction }).collect()
}

/// The pruning: what the command line says, else the description.
fn pruning<'a, N: Trainable>(
    subject: &Subject,
    options: &Options,
    layers: &'a [Keep<'a>],
) -> Result<Pruning<'a>, Failure> {
    let common = options.keep.iter().rev().find(|share| share.layer.is_none()).map(|share| share.fraction);
    let common = common.or(options.sparsity.map(kept_fraction));
    let says = !options.keep.is_empty() || options.sparsity.is_some();
    let default = Pruning {
        method: Method::Magnitude,
        keep: None,
        layers: &[],
        pace: Pace::OneShot,
        epochs: 10,
        lr_factor: 0.1,
        scale_dropout: false,
    };
    let section = match N::PRUNING {
        Some(section) => section,
        None if says => default,
        None => {
            return Err(Failure::usage(format!("{} has no `prune` section that says what to keep", subject.argument))
                .help("say --keep 0.1, --keep LAYER=0.1 or --sparsity 0.9; `--scan` shows what the layers bear"));
        }
    };
    let pace = match (options.gradual, options.rounds) {
        (Some(epochs), _) => Pace::Gradual { total: Span::Epochs(epochs.get() as u64), every: 100 },
        (None, Some(rounds)) => Pace::Iterative { rounds },
        (None, None) => section.pace,
    };
    Ok(Pruning {
        method: if options.global { Method::GlobalMagnitude } else { section.method },
        keep: if says { common } else { section.keep },
        layers,
        pace,
        epochs: options.epochs.map_or(section.epochs, NonZeroUsize::get),
        lr_factor: options.lr_factor.unwrap_or(section.lr_factor),
        scale_dropout: section.scale_dropout,
    })
}

/// The folder to write to; none is overwritten.
fn choose_folder(options: &Options, subject: &Subject) -> Result<PathBuf, Failure> {
    match &options.out {
        Some(folder) if folder::is_taken(folder) => {
            Err(Failure::usage(format!("{} holds a run already, and no run is overwritten", folder.display()))
                .help("choose another folder"))
        }
        Some(folder) => Ok(folder.clone()),
        None => Ok(folder::next(&format!("{}_pruned", subject.name))),
    }
}

/// The command that repeats the run, with what it takes from the `train` section left to that.
fn command(subject: &Subject, weights: &Path, pruning: &Pruning<'_>, manifest: &Manifest) -> String {
    let network = subject.file.as_ref().map_or_else(|| subject.argument.clone(), |file| file.display().to_string());
    let weights = std::path::absolute(weights).unwrap_or_else(|_| weights.to_owned());
    let mut words = vec![
        format!("netwright prune {}", text::word(&network)),
        format!("--weights {}", text::word(&weights.display().to_string())),
        format!("--data {}", text::word(&manifest.data.name)),
    ];
    words.extend(subject.values.iter().map(|value| format!("--set {}", text::word(value))));
    words.extend(manifest.data.limit.map(|limit| format!("--limit {limit}")));
    let layers = pruning.layers.iter().map(|keep| format!("{}={}", keep.layer, keep.fraction));
    let keep: Vec<String> = pruning.keep.iter().map(f32::to_string).chain(layers).collect();
    words.push(format!("--keep {}", keep.join(",")));
    words.extend((pruning.method == Method::GlobalMagnitude).then(|| "--global".to_owned()));
    match pruning.pace {
        Pace::Gradual { total: Span::Epochs(epochs), .. } => words.push(format!("--gradual {epochs}")),
        Pace::Iterative { rounds } => words.push(format!("--rounds {rounds}")),
        Pace::OneShot | Pace::Gradual { total: Span::Steps(_), .. } => {}
    }
    let (epochs, factor, seed) = (pruning.epochs, pruning.lr_factor, manifest.recipe.seed);
    words.push(format!("--epochs {epochs} --lr-factor {factor} --seed {seed} --threads {}", manifest.machine.threads));
    words.join(" ")
}

/// Says what is about to happen.
fn introduce(subject: &Subject, weights: &Path, pruning: &Pruning<'_>, recipe: &Recipe, folder: &Path) {
    output::note(&format!("pruning {} of {}", weights.display(), subject.argument));
    output::note(pruning.to_string().trim_end());
    output::note(&format!("{}, batch {}, seed {}", recipe.optimizer, recipe.batch, recipe.seed));
    output::note(&format!("writing to {}", folder.display()));
}

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    data: &'a str,
    weights: &'a Path,
    before: Evaluation,
    after: Evaluation,
    seconds: f64,
    layers: Vec<Kept>,
}

impl Answer<'_> {
    fn describe(&self) -> String {
        let Self { network, data, weights, before, after, seconds, layers } = self;
        let quality = |evaluation: &Evaluation| match evaluation.accuracy {
            Some(accuracy) => format!("accuracy {}, loss {:.4}", text::percent(accuracy), evaluation.loss),
            None => format!("loss {:.4}", evaluation.loss),
        };
        format!(
            "{}\n\n{network} on {data}: {} before, {} after, in {}; weights in {}\n",
            table(layers),
            quality(before),
            quality(after),
            text::duration(*seconds),
            weights.display(),
        )
    }
}

/// What is kept of every parameter, and of all.
fn table(layers: &[Kept]) -> Table {
    let row = |name: &str, weights: usize, kept: usize| {
        let (weights, kept) = (weights as u64, kept as u64);
        let fraction = kept as f64 / weights.max(1) as f64;
        [name.to_owned(), text::thousands(weights), text::thousands(kept), text::percent(fraction)]
    };
    let (weights, kept) = total(layers);
    let rows = layers.iter().map(|layer| row(&layer.name, layer.weights, layer.kept));
    let all = format!("all ({:.1}x)", weights as f64 / kept.max(1) as f64);
    output::table(
        ["parameter", "weights", "kept", "percent"],
        rows.chain([row(&all, weights, kept)]).collect(),
        &[1, 2, 3],
    )
}

fn total(layers: &[Kept]) -> (usize, usize) {
    layers.iter().fold((0, 0), |(weights, kept), layer| (weights + layer.weights, kept + layer.kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        assert_eq!(share("0.1"), Ok(Share { layer: None, fraction: 0.1 }));
        assert_eq!(share("conv1=0.66"), Ok(Share { layer: Some("conv1".to_owned()), fraction: 0.66 }));
        for bad in ["", "0", "1.1", "conv1", "conv1=", "conv1=nan", "=x"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_removed_is_kept() {
        assert_eq!([0.9, 0.5, 0.999_999, 0.999_999_9].map(kept_fraction), [0.1, 0.5, 0.000_001, 0.000_001]);
    }

    #[test]
    fn rates_are_the_numbers_that_people_expect() {
        for rate in [0.001, 0.002, 0.0005, 0.01, 0.05, 0.1, 0.04] {
            for factor in [0.1, 0.3, 0.5, 1.0, 0.01] {
                let digits = scaled(rate, factor).to_string().trim_start_matches(['0', '.']).len();
                assert!(digits <= 2, "{rate} times {factor} is {}", scaled(rate, factor));
            }
        }
        assert_eq!([scaled(0.001, 0.1), scaled(0.002, 0.1), scaled(0.05, 0.3)], [0.0001, 0.0002, 0.015]);
        // In single precision it is another number.
        assert_ne!(0.001_f32 * 0.1, 0.0001);
    }

    #[test]
    fn kept_channels_are_the_nearest_multiple() {
        let kept = |multiple, fraction, channels| {
            Shares { common: None, layers: Vec::new(), multiple }.kept(fraction, channels)
        };
        assert_eq!([kept(1, 0.5, 32), kept(1, 0.7, 16), kept(1, 0.01, 16), kept(1, 1.0, 7)], [16, 11, 1, 7]);
        assert_eq!([kept(8, 0.5, 32), kept(8, 0.7, 16), kept(8, 0.8, 16), kept(8, 0.01, 16)], [16, 8, 16, 8]);
        assert_eq!([kept(8, 0.5, 5), kept(8, 1.0, 20), kept(8, 0.9, 20), kept(usize::MAX, 0.5, 9)], [5, 20, 16, 9]);
    }

    #[test]
    fn a_table_has_a_sum() {
        let kept = |name: &str, weights, kept| Kept { name: name.to_owned(), weights, kept };
        let text = table(&[kept("a.weight", 235_200, 18_816), kept("a.bias", 300, 300)]).to_string();
        assert!(text.contains("235,200") && text.contains("8.00 %") && text.contains("100.00 %"), "{text}");
        assert!(text.contains("all (12.3x)") && text.contains("8.12 %"), "{text}");
    }
}
