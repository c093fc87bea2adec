//! `netwright bench`: the time of a step.

mod measure;
mod noise;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ValueEnum;
use netwright_runtime::engine::{Core, Gradients, Targets, loss_and_gradients_all, predict_all_into};
use netwright_runtime::random::Stream;
use netwright_runtime::spec::TensorSpec;
use netwright_runtime::train::OptimizerState;
use netwright_runtime::{Network, Parameters, Trainable, int8, weights};
use serde::Serialize;

use self::measure::{Times, round};
use self::noise::Noise;
use crate::Subject;
use crate::failure::Failure;
use crate::threads::Threads;
use crate::values::positive;
use crate::{output, text};

/// Batches of images that are taken in turn, so that no step finds its images where the last one left them.
const IMAGE_BATCHES: usize = 7;
/// Batches of labels; coprime to the other, so that images do not come back with their labels and cannot be learnt by
/// heart.
const LABEL_BATCHES: usize = 251;
/// The seed of everything drawn.
const SEED: u64 = 7;
/// Most floats that the batches of images may take: 1 GiB.
const MOST_FLOATS: usize = 1 << 28;

/// Random images that ranges are taken from.
const CALIBRATION: usize = 2;

/// The options of `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// What a step is: prediction, gradients and update, or reading weights that are in memory
    #[arg(long, value_enum, default_value_t = Mode::Train)]
    mode: Mode,
    /// Weights to measure with, and to read by `--mode load` [default: random ones]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Predict in integers: weights that are floats are quantised first, by the ranges that random images give
    #[arg(long)]
    int8: bool,
    /// Images of a step
    #[arg(long, value_name = "N", default_value = "64", value_parser = positive)]
    batch: NonZeroUsize,
    /// Seconds to measure, after a warm-up of 1.5
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    seconds: f64,
    #[command(flatten)]
    threads: Threads,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Infer,
    Train,
    Load,
}

impl Options {
    /// Whether a step is one of training.
    pub(crate) fn trains(&self) -> bool {
        self.mode == Mode::Train
    }
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Train => "train",
            Self::Load => "load",
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("expected a number above 0 and up to 3600".to_owned()),
    }
}

/// Measures and prints.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| {
        let batches = Batches::draw::<N>(options.batch.get())?;
        match options.mode {
            Mode::Infer | Mode::Load => measure_untrained::<N>(subject, options, &batches),
            Mode::Train => {
                let targets = targets::<N>(options.batch.get());
                measure_and_print::<N>(subject, options, train::<N>(options, &batches, &targets)?)
            }
        }
    })
}

/// Measures the inference of a network that cannot be trained, and prints.
pub(crate) fn run_inference<N: Network>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| {
        let batches = Batches::draw::<N>(options.batch.get())?;
        measure_untrained::<N>(subject, options, &batches)
    })
}

fn measure_untrained<N: Network>(subject: &Subject, options: &Options, batches: &Batches) -> Result<(), Failure> {
    match options.mode {
        Mode::Load => measure_and_print::<N>(subject, options, load::<N>(options)?),
        Mode::Infer | Mode::Train => measure_and_print::<N>(subject, options, infer::<N>(options, batches)?),
    }
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    framework: &'a str,
    version: &'a str,
    workload: String,
    threads: usize,
    batch: usize,
    median_ms: f64,
    p10_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    min_ms: f64,
    iters: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    images_per_s: Option<f64>,
    peak_rss_mb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gflops_per_s: Option<f64>,
    #[serde(flatten)]
    noise: Option<Noise>,
    variant: &'a str,
}

fn measure_and_print<N: Network>(
    subject: &Subject,
    options: &Options,
    step: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Options { mode, batch, seconds, json, .. } = options;
    if cfg!(debug_assertions) {
        output::warning("this program was built without optimisation: build it with --release to measure it");
    }
    let (batch, computes) = (batch.get(), *mode != Mode::Load);
    let (times, noise) = measure::measure(*seconds, step)?;
    let Times { median, p10, p90, p99, min, count } = times;
    let answer = Answer {
        framework: "netwright",
        version: env!("CARGO_PKG_VERSION"),
        workload: match mode {
            Mode::Load => format!("{}-load", subject.name),
            Mode::Infer if options.int8 => format!("{}-int8-infer-b{batch}", subject.name),
            Mode::Infer | Mode::Train => format!("{}-{}-b{batch}", subject.name, mode.name()),
        },
        threads: rayon::current_num_threads(),
        batch,
        median_ms: round(1e3 * median, 5),
        p10_ms: round(1e3 * p10, 5),
        p90_ms: round(1e3 * p90, 5),
        p99_ms: round(1e3 * p99, 5),
        min_ms: round(1e3 * min, 5),
        iters: count,
        images_per_s: computes.then(|| round(batch as f64 / median, 2)),
        peak_rss_mb: noise::peak_memory().map(|megabytes| round(megabytes, 1)),
        gflops_per_s: computes.then(|| round(operations::<N>(*mode) * batch as f64 / median / 1e9, 2)),
        noise,
        variant: netwright_kernels::isa().name(),
    };
    if *json { output::print_json(&answer) } else { output::print(&describe(&answer)) }
}

/// An answer for people.
fn describe(answer: &Answer<'_>) -> String {
    let mut line = format!(
        "{} on {}: {:.3} ms a step (p10 {:.3}, p90 {:.3}, p99 {:.3}, {} steps)",
        answer.workload,
        text::count(answer.threads, "thread"),
        answer.median_ms,
        answer.p10_ms,
        answer.p90_ms,
        answer.p99_ms,
        answer.iters,
    );
    if let (Some(images), Some(gflops)) = (answer.images_per_s, answer.gflops_per_s) {
        line.push_str(&format!(", {images:.0} images/s, {gflops:.1} Gflop/s"));
    }
    line.push('\n');
    if let Some(noise) = &answer.noise {
        line.push_str(&format!(
            "meanwhile others used {:.1} % of the processors, and {:.1} % were stolen\n",
            noise.other_cpu_pct, noise.steal_pct
        ));
    }
    line
}

/// Useful floating-point operations for an image: two for each multiply-add; training is forward, weight gradients and
/// input gradients, of which the first layer has none.
fn operations<N: Network>(mode: Mode) -> f64 {
    let macs = || N::SPEC.layers.iter().map(|layer| layer.macs).filter(|&macs| macs > 0);
    let forward = macs().sum::<u64>();
    let all = match mode {
        Mode::Infer | Mode::Load => forward,
        Mode::Train => (3 * forward).saturating_sub(macs().next().unwrap_or(0)),
    };
    2.0 * all as f64
}

/// Images, drawn once.
struct Batches {
    /// For each batch the images of each input.
    images: Vec<Vec<Vec<f32>>>,
    /// Images of a batch.
    size: usize,
}

/// What the loss compares a batch with.
enum Target {
    Classes(Vec<u32>),
    Values(Vec<f32>),
}

impl Batches {
    fn draw<N: Network>(size: usize) -> Result<Self, Failure> {
        let image = N::SPEC.inputs.iter().fold(0_usize, |sum, input| sum.saturating_add(input.len()));
        let floats = size.saturating_mul(image);
        if floats > MOST_FLOATS / IMAGE_BATCHES {
            return Err(Failure::usage(format!("a batch of {size} images is too large to measure")));
        }
        let mut random = Stream::new(SEED, "bench");
        let mut input = |floats: usize| (0..floats).map(|_| random.normal() as f32).collect();
        let mut batch = |_| N::SPEC.inputs.iter().map(|tensor| input(size * tensor.len())).collect();
        let images = (0..IMAGE_BATCHES).map(&mut batch).collect();
        Ok(Self { images, size })
    }

    /// The batches' images, again and again.
    fn cycle(&self) -> impl Iterator<Item = Vec<&[f32]>> + Clone {
        self.images.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).cycle()
    }
}

/// What the loss compares batches with, drawn once.
fn targets<N: Trainable>(size: usize) -> Vec<Target> {
    let mut random = Stream::new(SEED, "bench targets");
    let classes = u32::try_from(N::TRAINING.classes).unwrap_or(u32::MAX);
    let target = |_| match classes {
        0 => Target::Values((0..size * N::TRAINING.target).map(|_| random.normal() as f32).collect()),
        _ => Target::Classes((0..size).map(|_| random.below(classes)).collect()),
    };
    (0..LABEL_BATCHES).map(target).collect()
}

fn network<N: Network>(options: &Options) -> Result<N, Failure> {
    let network = match &options.weights {
        Some(path) => weights::load_network(path)?,
        None => N::from_core(Core::from_parameters(Parameters::try_initialised(N::SPEC, SEED)?)),
    };
    if !options.int8 || N::core(&network).is_int8() {
        return Ok(network);
    }
    match int8::quantize(&network, &int8::random_images::<N>(CALIBRATION))? {
        Some(quantized) => Ok(quantized.network),
        None => Err(Failure::failed(format!("{} has no layer to compute in integers", N::SPEC.name))),
    }
}

/// Reading weights: from the bytes of the file, as a program does that they are built into.
fn load<N: Network>(options: &Options) -> Result<impl FnMut() -> Result<(), Failure>, Failure> {
    let Some(path) = &options.weights else {
        return Err(Failure::usage("`--mode load` measures reading a file").help("name it: --weights FILE"));
    };
    // Once by its path, which reads nothing but an ordinary file of the right size.
    weights::load_network::<N>(path)?;
    let bytes = std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    Ok(move || {
        std::hint::black_box(weights::network_from_bytes::<N>(&bytes)?.core().parameters());
        Ok(())
    })
}

/// A step of inference.
fn infer<N: Network>(options: &Options, batches: &Batches) -> Result<impl FnMut() -> Result<(), Failure>, Failure> {
    let network = network::<N>(options)?;
    let room = |output: &TensorSpec| vec![0.0; batches.size.saturating_mul(output.len())];
    let mut outputs: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(room).collect();
    let mut images = batches.cycle();
    Ok(move || {
        let Some(images) = images.next() else { return Ok(()) };
        let mut rooms: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        predict_all_into(&network, &images, &mut rooms)?;
        std::hint::black_box(&outputs);
        Ok(())
    })
}

/// A step of training: forward, backward, update.
fn train<N: Trainable>(
    options: &Options,
    batches: &Batches,
    targets: &[Target],
) -> Result<impl FnMut() -> Result<(), Failure>, Failure> {
    let mut network = network::<N>(options)?;
    let recipe = N::RECIPE;
    let mut gradients = Gradients::new::<N>()?;
    let mut state = OptimizerState::new(&recipe.optimizer, N::SPEC.trained)?;
    let mut pairs = batches.cycle().zip(targets.iter().cycle());
    Ok(move || {
        let Some((images, target)) = pairs.next() else { return Ok(()) };
        let targets = match target {
            Target::Classes(labels) => Targets::Classes(labels),
            Target::Values(values) => Targets::Values(values),
        };
        let step = state.steps();
        gradients.set_key(SEED, step);
        let loss = loss_and_gradients_all(&mut network, &images, targets, &mut gradients)?;
        // The rate of the recipe's first epoch; an epoch of MNIST has about so many steps.
        let rate = recipe.rate(step, 1000);
        let parameters = network.core_mut().parameters_mut().trained_mut();
        state.step_parts(&recipe.optimizer, rate, N::RATES, parameters, gradients.values());
        std::hint::black_box(loss);
        Ok(())
    })
}
