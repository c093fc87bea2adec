//! `netwright train`: a network on a dataset, into a folder of its own.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netwright_runtime::data::Splits;
use netwright_runtime::engine::Core;
use netwright_runtime::train::{Recipe, Report, Schedule, Span, Stopped, Trainer, evaluate, read_metrics};
use netwright_runtime::{Parameters, Trainable, weights};
use serde::Serialize;

use crate::Subject;
use crate::data::{self, DataArgs};
use crate::failure::Failure;
use crate::run::manifest::{DataEntry, Machine, Manifest, NetText, NetworkEntry, Outcome, Part, RecipeEntry};
use crate::run::progress::Progress;
use crate::run::{curve, folder};
use crate::threads::Threads;
use crate::values::positive;
use crate::{output, text};

/// Steps after which a checkpoint is written within an epoch.
const CHECKPOINT_EVERY: u64 = 500;

/// The options of `train`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    #[command(flatten)]
    data: DataArgs,
    /// Passes over the training images [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = positive)]
    epochs: Option<NonZeroUsize>,
    /// Images in a batch [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = positive)]
    batch: Option<NonZeroUsize>,
    /// Seed of initialisation, shuffling and dropout [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Fraction of the training images to set aside, between 0 and 1; best.ckpt is then the best epoch on them
    #[arg(long, value_name = "F")]
    validation: Option<f32>,
    #[command(flatten)]
    threads: Threads,
    /// Folder for the run's files [default: runs/NET, or runs/NET-2 and so on where there is a run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in the folder (default: the last one), bit for bit as if it had not stopped
    #[arg(long)]
    resume: bool,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

/// The result as JSON: where the run stands, and its last whole epoch.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    data: &'a str,
    folder: String,
    stopped: Stopped,
    epochs: usize,
    steps: u64,
    /// Of training, evaluation not counted.
    seconds: f64,
    train_loss: Option<f64>,
    train_accuracy: Option<f64>,
    validation_loss: Option<f64>,
    validation_accuracy: Option<f64>,
    test_loss: Option<f64>,
    test_accuracy: Option<f64>,
}

impl<'a> Answer<'a> {
    fn of(manifest: &'a Manifest, folder: &Path, report: &Report) -> Self {
        let last = report.epochs.last();
        Self {
            network: &manifest.network.name,
            data: &manifest.data.name,
            folder: folder.display().to_string(),
            stopped: report.stopped,
            epochs: report.epochs.len(),
            steps: report.steps,
            seconds: seconds_of(report),
            train_loss: last.map(|metrics| metrics.train_loss),
            train_accuracy: last.and_then(|metrics| metrics.train_accuracy),
            validation_loss: last.and_then(|metrics| metrics.validation_loss),
            validation_accuracy: last.and_then(|metrics| metrics.validation_accuracy),
            test_loss: last.and_then(|metrics| metrics.test_loss),
            test_accuracy: last.and_then(|metrics| metrics.test_accuracy),
        }
    }
}

/// Seconds of training in whole epochs.
fn seconds_of(report: &Report) -> f64 {
    report.epochs.iter().map(|metrics| metrics.seconds).sum()
}

/// Trains; exit code 1 if the run was interrupted.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    options.threads.run(|| train_into_folder::<N>(subject, options))
}

fn train_into_folder<N: Trainable>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    let folder = choose_folder(options, &subject.name)?;
    let previous = if options.resume { previous::<N>(&folder, subject)? } else { None };
    let recipe = recipe::<N>(options, previous.as_ref());
    recipe.check()?;
    let (data, limit) = data_of(options, previous.as_ref())?;
    let splits = data::load_for::<N>(&data, limit)?;
    let core = Core::from_parameters(Parameters::try_initialised(N::SPEC, recipe.seed)?);
    let mut net = N::from_core(core);
    // What would not fit is refused before there is a folder.
    for part in [&splits.train, &splits.test] {
        evaluate(&net, &part.take(1), 1)?;
    }
    let (manifest, done) =
        (manifest::<N>(subject, &folder, &recipe, &data, limit, &splits)?, epochs_done(&folder, options.resume));
    introduce::<N>(&manifest, &splits, &folder);
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    manifest.write(&folder)?;
    let trained = train(&mut net, recipe, &splits, &folder, &manifest, options.resume);
    let result = trained.and_then(|report| finish(subject, options, &net, &report, manifest, &folder, done));
    // What could not be resumed like this can still be resumed as it was.
    if let (Err(_), Some(previous)) = (&result, &previous) {
        previous.write(&folder)?;
    }
    result
}

/// The folder to write to, or to go on in.
fn choose_folder(options: &Options, network: &str) -> Result<PathBuf, Failure> {
    match (&options.out, options.resume) {
        (Some(folder), false) if folder::is_taken(folder) => {
            Err(Failure::usage(format!("{} holds a run already, and no run is overwritten", folder.display()))
                .help("go on with it by --resume, or choose another folder"))
        }
        (Some(folder), resume) => {
            if resume && !folder::is_taken(folder) {
                output::note(&format!("{} holds no run to resume: starting one", folder.display()));
            }
            Ok(folder.clone())
        }
        (None, true) => match folder::latest_with(network, folder::LATEST) {
            Some(folder) => Ok(folder),
            None => {
                let folder = folder::next(network);
                output::note(&format!("there is no run of {network} in runs/ to resume: starting one"));
                Ok(folder)
            }
        },
        (None, false) => {
            let folder = folder::next(network);
            if let Some(last) = folder::latest_with(network, folder::LATEST) {
                output::note(&format!("{} is kept; this run goes to {}", last.display(), folder.display()));
            }
            Ok(folder)
        }
    }
}

/// The manifest of the run to resume; `None` if there is no run.
fn previous<N: Trainable>(folder: &Path, subject: &Subject) -> Result<Option<Manifest>, Failure> {
    if !folder.join(folder::LATEST).exists() {
        return Ok(None);
    }
    let Some(manifest) = Manifest::read(folder)? else { return Ok(None) };
    let found = &manifest.network;
    if found.fingerprint != N::SPEC.fingerprint {
        let network = &subject.argument;
        let reason = match found.is(subject) {
            true => "it trains another version of the network".to_owned(),
            false => format!("it trains {}", found.describe()),
        };
        return Err(Failure::failed(format!("cannot go on with {} as {network}: {reason}", folder.display())).help(
            format!("its fingerprint is {}, this program's {network} has {}", found.fingerprint, N::SPEC.fingerprint),
        ));
    }
    let isa = netwright_kernels::isa().name();
    if manifest.machine.isa != isa {
        output::warning(&format!(
            "the run was begun on {}, and {isa} rounds otherwise in the last bits",
            manifest.machine.isa
        ));
    }
    Ok(Some(manifest))
}

/// How many epochs the run that goes on has had.
fn epochs_done(folder: &Path, resume: bool) -> usize {
    let metrics = if resume { read_metrics(folder.join(folder::METRICS)).ok() } else { None };
    metrics.map_or(0, |history| history.len())
}

/// The recipe: what the command line says, else the run that goes on, else the description.
fn recipe<N: Trainable>(options: &Options, previous: Option<&Manifest>) -> Recipe {
    let mut recipe = N::RECIPE;
    if let Some(RecipeEntry { batch, epochs, seed, validation, .. }) = previous.map(|manifest| &manifest.recipe) {
        (recipe.batch, recipe.epochs, recipe.seed) = (*batch, *epochs, *seed);
        recipe.validation = validation.map(|fraction| fraction as f32);
    }
    recipe.batch = options.batch.map_or(recipe.batch, NonZeroUsize::get);
    recipe.epochs = options.epochs.map_or(recipe.epochs, NonZeroUsize::get);
    recipe.seed = options.seed.unwrap_or(recipe.seed);
    recipe.validation = options.validation.or(recipe.validation);
    recipe
}

/// The data's name or absolute path, and the most images that are taken of it.
fn data_of(options: &Options, previous: Option<&Manifest>) -> Result<(String, Option<usize>), Failure> {
    let entry = previous.map(|manifest| &manifest.data);
    let limit = options.data.limit.map(NonZeroUsize::get).or(entry.and_then(|entry| entry.limit));
    let name = options.data.data.as_deref().or(entry.map(|entry| entry.name.as_str())).unwrap_or(data::DEFAULT);
    // A run is repeated from anywhere.
    Ok((data::absolute(name), limit))
}

pub(crate) fn manifest<N: Trainable>(
    subject: &Subject,
    folder: &Path,
    recipe: &Recipe,
    data: &str,
    limit: Option<usize>,
    splits: &Splits,
) -> Result<Manifest, Failure> {
    let Recipe { epochs, batch, seed, .. } = recipe;
    let machine = Machine::this();
    let option =
        |name: &str, value: Option<String>| value.map_or_else(String::new, |value| format!(" --{name} {value}"));
    // A run is repeated from anywhere.
    let file = subject.file.as_deref().map(|file| file.display().to_string());
    let network = text::word(file.as_ref().unwrap_or(&subject.argument));
    let (data_word, folder_word) = (text::word(data), text::word(&folder.display().to_string()));
    let set: String = subject.values.iter().map(|value| format!(" --set {}", text::word(value))).collect();
    let command = format!(
        "netwright train {network}{set} --data {data_word}{} --epochs {epochs} --batch {batch} --seed {seed}{} --threads {} --out {folder_word}",
        option("limit", limit.map(|limit| limit.to_string())),
        option("validation", recipe.validation.map(|fraction| fraction.to_string())),
        machine.threads,
    );
    Ok(Manifest {
        command,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: NetworkEntry {
            bundled: file.is_none().then(|| subject.name.clone()),
            file,
            set: subject.values.clone(),
            name: N::SPEC.name.to_owned(),
            fingerprint: N::SPEC.fingerprint.to_owned(),
            parameters: N::SPEC.layers.iter().map(|layer| layer.parameters).sum(),
            texts: NetText::all(subject)?,
        },
        data: DataEntry { name: data.to_owned(), limit, train: Part::of(&splits.train), test: Part::of(&splits.test) },
        recipe: RecipeEntry { loss: N::LOSS.to_owned(), ..recipe.into() },
        machine,
        result: None,
    })
}

/// The epochs over which the description's learning rate falls to its end, where a run has another number of them.
fn other_span<N: Trainable>(epochs: usize) -> Option<usize> {
    match N::RECIPE.schedule {
        Schedule::Cosine { total: Span::Epochs(span), .. } | Schedule::Polynomial { total: Span::Epochs(span), .. } => {
            usize::try_from(span).ok().filter(|&span| span != epochs)
        }
        _ => None,
    }
}

/// Says what is about to happen.
fn introduce<N: Trainable>(manifest: &Manifest, splits: &Splits, folder: &Path) {
    let Manifest { network, recipe, machine, data, .. } = manifest;
    output::note(&format!("{}: {} parameters", network.name, text::thousands(network.parameters)));
    output::note(&data::describe(&data.name, splits));
    output::note(&format!(
        "{}, batch {}, {}, seed {}, {} on {}",
        recipe.optimizer,
        recipe.batch,
        text::count(recipe.epochs, "epoch"),
        recipe.seed,
        text::count(machine.threads, "thread"),
        machine.isa,
    ));
    if let Some(span) = other_span::<N>(recipe.epochs) {
        output::note(&format!(
            "the learning rate falls over {}, as the description says, not over {}",
            text::count(span, "epoch"),
            recipe.epochs
        ));
    }
    output::note(&format!("writing to {}", folder.display()));
    if !machine.optimized {
        output::warning("this program was built without optimisation and trains slowly: build it with --release");
    }
}

/// Trains, showing how it goes.
fn train<N: Trainable>(
    net: &mut N,
    recipe: Recipe,
    splits: &Splits,
    folder: &Path,
    manifest: &Manifest,
    resume: bool,
) -> Result<Report, Failure> {
    let progress = RefCell::new(Progress::new(recipe.epochs));
    let mut trainer = Trainer::from_recipe(recipe)
        .out(folder)
        .resume(resume)
        .checkpoint_every(CHECKPOINT_EVERY)
        .test(&splits.test)
        .stop_flag(stop_on_interrupt()?)
        .on_batch(|batch| progress.borrow_mut().batch(batch))
        .on_epoch(|metrics| {
            progress.borrow_mut().epoch(metrics);
            // The picture grows with the run; that it cannot be drawn is no reason to stop.
            if let Err(failure) = draw(folder, manifest) {
                let _ = failure.report();
            }
        });
    let result = trainer.fit(net, &splits.train, None);
    drop(trainer);
    progress.borrow_mut().finish();
    result.map_err(|error| match error {
        error @ netwright_runtime::Error::NonFinite { .. } => {
            Failure::from(error).help(format!("the last good checkpoint is {}", folder.join(folder::LATEST).display()))
        }
        other => other.into(),
    })
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
pub(crate) fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&flag);
    let handler = ctrlc::set_handler(move || {
        if shared.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
        output::note("\nstopping after this step; once more to stop at once");
    });
    handler.map_err(|error| Failure::failed(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(flag)
}

/// Replaces the picture by one of all epochs so far.
fn draw(folder: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let history = read_metrics(folder.join(folder::METRICS))?;
    output::write_file(
        &folder.join(folder::CURVE),
        &curve::draw(&history, &manifest.network.name, &manifest.data.name, &manifest.recipe),
    )
}

/// Writes what a run came to, and says it.
fn finish<N: Trainable>(
    subject: &Subject,
    options: &Options,
    net: &N,
    report: &Report,
    mut manifest: Manifest,
    folder: &Path,
    before: usize,
) -> Result<ExitCode, Failure> {
    let network = text::word(&subject.argument);
    let go_on = format!("netwright train {network} --resume --out {}", text::word(&folder.display().to_string()));
    let done = report.epochs.len();
    if report.stopped == Stopped::Interrupted {
        output::note(&format!("stopped in epoch {}, at step {}; the checkpoint is written", done + 1, report.steps));
        output::note(&format!("go on with: {go_on}"));
        if options.json {
            output::print_json(&Answer::of(&manifest, folder, report))?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let Some(last) = report.epochs.last() else { return Err(Failure::failed("no epoch was trained")) };
    if report.steps != last.step {
        return Err(Failure::usage(format!(
            "the run is in the middle of epoch {}, so that it cannot end after {done}",
            done + 1
        ))
        .help(format!("let it go on: {go_on} --epochs {}", done + 1)));
    }
    if done == before {
        output::note(&format!("nothing was left to train: {} are done; more by --epochs", text::count(done, "epoch")));
    }
    let path = folder.join(folder::WEIGHTS);
    weights::save(net.core().parameters(), &path)?;
    manifest.recipe.epochs = manifest.recipe.epochs.max(done);
    manifest.result = Outcome::of(&report.epochs, report.steps);
    manifest.write(folder)?;
    draw(folder, &manifest)?;
    if report.stopped == Stopped::EarlyStopping {
        output::note("the validation loss has stopped falling");
    }
    output::note(&format!("weights in {}, picture in {}", path.display(), folder.join(folder::CURVE).display()));
    if options.json {
        output::print_json(&Answer::of(&manifest, folder, report))?;
        return Ok(ExitCode::SUCCESS);
    }
    let test = match (last.test_accuracy, last.test_loss) {
        (Some(accuracy), Some(loss)) => format!("test accuracy {}, test loss {loss:.4}", text::percent(accuracy)),
        (None, Some(loss)) => format!("test loss {loss:.4}"),
        _ => format!("training loss {:.4}", last.train_loss),
    };
    output::print(&format!(
        "{} on {}: {test} after {} in {}\n",
        manifest.network.name,
        manifest.data.name,
        text::count(done, "epoch"),
        text::duration(seconds_of(report))
    ))?;
    Ok(ExitCode::SUCCESS)
}
