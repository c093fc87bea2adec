//! `netwright compress`: trained weights share their values and become a small file.

mod bits;
mod report;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use netwright_runtime::data::Splits;
use netwright_runtime::dataset::Dataset;
use netwright_runtime::train::share::Sharing;
use netwright_runtime::train::{Optimizer, Recipe, Schedule, Trainer, evaluate};
use netwright_runtime::{Network, Parameters, Trainable, weights};

use self::report::{Measured, Report};
use crate::Subject;
use crate::data::{self, DataArgs};
use crate::eval::BATCH;
use crate::failure::Failure;
use crate::run::progress::Progress;
use crate::run::weights::{self as found, Weights};
use crate::threads::Threads;
use crate::{output, text};

/// The options of `compress`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Weights, pruned or not; zeros stay zero
    /// [default: those that the last training run of the network left in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Bits of a shared value: of all weights, or of a kind of layer, a layer, a parameter or `bias`, as in `--bits
    /// conv=8,dense=5,bias=6`; 32 leaves floats as they are [default: dense=5, bias=6, others 8]
    #[arg(long, value_name = "[KEY=]BITS", value_delimiter = ',', value_parser = bits::entry)]
    bits: Vec<bits::Entry>,
    #[command(flatten)]
    data: DataArgs,
    /// Passes over the training images in which the shared values are trained; 0 takes them as they are, and needs no data
    #[arg(long, value_name = "N", default_value_t = 3)]
    epochs: usize,
    /// Learning rate of the shared values, by Adam
    #[arg(long, value_name = "F", default_value_t = 0.0001)]
    lr: f32,
    /// Measure on this fraction of the training images, set aside, instead of on the test images: to choose settings by
    #[arg(long, value_name = "F")]
    validation: Option<f64>,
    #[command(flatten)]
    threads: Threads,
    /// The file to write [default: the weights' own name with .nwz]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Whether it needs a network with a loss.
    pub(crate) fn trains(&self) -> bool {
        self.epochs > 0 || self.data.data.is_some() || self.validation.is_some()
    }
}

/// Compresses and prints, after training the shared values.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| {
        let job = Job::begin::<N>(subject, options)?;
        if !options.trains() {
            return job.finish(None);
        }
        let data = data(&job.weights, options, N::RECIPE.seed)?;
        let before = evaluate(&job.weights.load::<N>()?, &data.measured, BATCH)?;
        let Job { mut sharing, parameters, .. } = job;
        let mut network = N::from_core(netwright_runtime::engine::Core::from_parameters(parameters));
        if options.epochs > 0 {
            train(&mut network, &mut sharing, &data.train, options)?;
        }
        let after = evaluate(&network, &data.measured, BATCH)?;
        let measured = Measured { data: data.name, images: data.images, before, after };
        let parameters = network.core().parameters().clone();
        Job { sharing, parameters, ..job }.finish(Some(measured))
    })
}

/// Compresses and prints, for a network that cannot be trained.
pub(crate) fn run_untrained<N: Network>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| Job::begin::<N>(subject, options)?.finish(None))
}

/// Weights on their way into a file.
struct Job<'a> {
    weights: Weights,
    parameters: Parameters,
    sharing: Sharing,
    options: &'a Options,
}

impl<'a> Job<'a> {
    /// Loads the weights and shares their values.
    fn begin<N: Network>(subject: &Subject, options: &'a Options) -> Result<Self, Failure> {
        let weights = found::find(subject, options.weights.as_deref())?;
        let bits = bits::of_parameters(N::SPEC, &options.bits)?;
        let mut parameters = weights.load::<N>()?.core().parameters().clone();
        let bits_of = |of: &netwright_runtime::spec::ParameterSpec| {
            let place = N::SPEC.parameters.iter().position(|parameter| parameter.name == of.name);
            place.and_then(|place| bits.get(place).copied().flatten())
        };
        let sharing = Sharing::new(&mut parameters, bits_of)?;
        Ok(Self { weights, parameters, sharing, options })
    }

    /// Writes the file and tells what it has come to.
    fn finish(self, measured: Option<Measured>) -> Result<(), Failure> {
        let Self { weights, parameters, options, .. } = self;
        let file = options.out.clone().unwrap_or_else(|| weights.path().with_extension("nwz"));
        let compressed = weights::compress(&parameters)?;
        compressed.save(&file)?;
        let shown = |path: &Path| path.display().to_string();
        let (weights, file) = (shown(weights.path()), shown(&file));
        Report { spec: parameters.spec(), compressed: &compressed, weights, file, measured }.print(options.json)
    }
}

/// What is trained on, and what is measured.
struct Data {
    name: String,
    train: Dataset,
    measured: Dataset,
    /// What is measured.
    images: &'static str,
}

fn data(weights: &Weights, options: &Options, seed: u64) -> Result<Data, Failure> {
    let name = options.data.data.as_deref().or(weights.data()).unwrap_or(data::DEFAULT).to_owned();
    let Splits { train, test } = data::load(&name, options.data.limit.map(usize::from))?;
    Ok(match options.validation {
        Some(fraction) => {
            let (train, measured) = train.split(fraction, seed)?;
            Data { name, train, measured, images: "training image set aside" }
        }
        None => Data { name, train, measured: test, images: "test image" },
    })
}

/// Trains the shared values.
fn train<N: Trainable>(
    network: &mut N,
    sharing: &mut Sharing,
    data: &Dataset,
    options: &Options,
) -> Result<(), Failure> {
    let Options { epochs, lr, .. } = *options;
    let recipe = Recipe {
        optimizer: Optimizer::Adam { lr, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 },
        schedule: Schedule::Constant,
        warmup_steps: 0,
        epochs,
        patience: None,
        validation: None,
        ..N::RECIPE
    };
    output::note(&format!("training the shared values for {}", text::count(epochs, "epoch")));
    let progress = RefCell::new(Progress::new(epochs));
    let mut trainer = Trainer::from_recipe(recipe)
        .constraint(sharing)
        .on_batch(|batch| progress.borrow_mut().batch(batch))
        .on_epoch(|metrics| progress.borrow_mut().epoch(metrics));
    let result = trainer.fit(network, data, None);
    drop(trainer);
    progress.borrow_mut().finish();
    Ok(result.map(|_| ())?)
}
