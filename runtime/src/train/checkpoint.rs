//! Checkpoints: all that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a safetensors file like one of weights. It has the parameters and state under `parameters/`, the
//! optimiser's vectors under their names, those of a constraint under `constraint/` and their names, and in its notes the recipe, digests of the data, and how far the run has
//! come. The order of an epoch's images follows from the seed and the epoch, so that the number of batches done is all
//! there is to note of it.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::metrics::EpochMetrics;
use super::recipe::Number;
use super::{Constraint, OptimizerState, Recipe};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::network::Trainable;
use crate::parameters::Parameters;
use crate::spec::Spec;
use crate::weights::WeightsError;
use crate::weights::file::{self, OpenError};

/// Why a run cannot be resumed from a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file is damaged, or has other arrays.
    #[error(transparent)]
    File(#[from] WeightsError),
    /// What it says of the run cannot be understood.
    #[error("its description of the run is damaged: {reason}")]
    Run {
        /// What the parser says.
        reason: String,
    },
    /// What it says of the constraint cannot be.
    #[error("its constraint is damaged: {reason}")]
    Constraint {
        /// What the constraint says.
        reason: String,
    },
    /// It belongs to a run with other settings or other data.
    #[error("it belongs to another run:{}", Listed(differences))]
    OtherRun {
        /// Every difference.
        differences: Vec<RunDifference>,
    },
}

/// A setting in which a checkpoint's run and this one differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDifference {
    /// The setting, as the `train` section spells it, or what of the data differs.
    pub setting: String,
    /// This run's value.
    pub expected: String,
    /// The checkpoint's.
    pub found: String,
}

struct Listed<'a>(&'a [RunDifference]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|RunDifference { setting, expected, found }| {
            write!(f, "\n  {setting}: expected {expected}, found {}", found.escape_debug())
        })
    }
}

/// What a file says it holds.
const KIND: &str = "checkpoint";

/// The note with the [`Run`].
const RUN: &str = "run";

/// The longest header that is read; the history of a run of a hundred thousand epochs fits.
const HEADER_LIMIT: u64 = 64 << 20;

/// All numbers of a run at one moment.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) optimizer: &'a OptimizerState,
    pub(super) constraint: Option<&'a dyn Constraint>,
}

/// What makes a run the same run, and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) recipe: Recipe,
    /// What the constraint says of itself, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) constraint: Option<String>,
    /// What of the recipe is part of the network's code.
    pub(super) code: Option<Code>,
    pub(super) train: Data,
    pub(super) validation: Option<Data>,
    pub(super) progress: Progress,
}

/// The settings that generated code holds as constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Code {
    /// The loss with its settings.
    loss: String,
    /// Parameters whose learning rate is another than the recipe's, with its factor.
    rates: Vec<(String, f32)>,
}

/// What a checkpoint says of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Data {
    images: usize,
    shape: Vec<usize>,
    /// The shapes of further inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    more_shapes: Vec<Vec<usize>>,
    fingerprint: u32,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps taken.
    pub(super) step: u64,
    /// The epochs that are over.
    pub(super) history: Vec<EpochMetrics>,
    /// The epoch at hand.
    pub(super) epoch: EpochProgress,
}

/// How far an epoch has come.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct EpochProgress {
    /// Batches done.
    pub(super) batches: usize,
    /// Images in them.
    pub(super) images: usize,
    /// What those images count together in the mean loss.
    pub(super) weight: f64,
    /// Those classified rightly.
    pub(super) correct: usize,
    /// The sum of the images' losses.
    pub(super) loss: f64,
    /// Seconds of training.
    pub(super) seconds: f64,
}

impl Code {
    pub(super) fn of<N: Trainable>() -> Self {
        let factor = |offset| N::RATES.iter().find(|rate| (rate.start..rate.end).contains(&offset));
        let trained = N::SPEC.parameters.iter().filter(|parameter| parameter.trained);
        let rates = trained.filter_map(|parameter| Some((parameter.name.to_owned(), factor(parameter.offset)?.factor)));
        Self { loss: N::LOSS.to_owned(), rates: rates.collect() }
    }
}

impl Data {
    pub(super) fn of(data: &Dataset) -> Self {
        Self {
            images: data.len(),
            shape: data.shape().to_vec(),
            more_shapes: data.shapes().skip(1).map(<[usize]>::to_vec).collect(),
            fingerprint: data.fingerprint(),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} images of {:?}", self.images, self.shape)?;
        self.more_shapes.iter().try_for_each(|shape| write!(f, " and {shape:?}"))?;
        write!(f, " with digest {:08x}", self.fingerprint)
    }
}

impl Run {
    /// The settings of recipe and code, as the description spells them.
    fn settings(&self) -> Vec<(String, String)> {
        let settings = self.recipe.settings().into_iter();
        let mut settings: Vec<(String, String)> = settings.map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(Code { loss, rates }) = &self.code {
            settings.iter_mut().filter(|(name, _)| name == "loss").for_each(|(_, value)| value.clone_from(loss));
            settings.extend(rates.iter().map(|(name, factor)| (format!("lr({name})"), Number(*factor).to_string())));
        }
        settings
    }

    /// Everything in which a checkpoint's run differs from this one. The number of epochs and the patience may: neither
    /// changes a step that is taken.
    fn differences(&self, found: &Run) -> Vec<RunDifference> {
        let free = |setting: &str| matches!(setting, "epochs" | "patience");
        let (expected, found_settings) = (self.settings(), found.settings());
        let value = |settings: &[(String, String)], setting: &str| {
            // A rate without a factor is the recipe's.
            let absent = if setting.starts_with("lr(") { "1.0" } else { "none" };
            settings.iter().find(|(name, _)| name == setting).map_or(absent, |(_, value)| value).to_owned()
        };
        let mut names: Vec<&str> = expected.iter().chain(&found_settings).map(|(name, _)| name.as_str()).collect();
        names.dedup();
        let mut rows: Vec<(&str, String, String)> = Vec::new();
        for name in names {
            if !free(name) && !rows.iter().any(|(seen, ..)| *seen == name) {
                rows.push((name, value(&expected, name), value(&found_settings, name)));
            }
        }
        let constraint = |run: &Run| run.constraint.clone().unwrap_or_else(|| "none".to_owned());
        rows.push(("constraint", constraint(self), constraint(found)));
        let data = |data: Option<&Data>| data.map_or("none".to_owned(), Data::to_string);
        rows.push(("training data", data(Some(&self.train)), data(Some(&found.train))));
        rows.push(("validation data", data(self.validation.as_ref()), data(found.validation.as_ref())));
        let differing = rows.into_iter().filter(|(_, expected, found)| expected != found);
        differing
            .map(|(setting, expected, found)| RunDifference { setting: setting.to_owned(), expected, found })
            .collect()
    }
}

/// Writes a checkpoint; until it is whole, the old one stays.
pub(super) fn save(path: &Path, state: State<'_>, run: &Run) -> Result<(), Error> {
    let State { parameters, optimizer, constraint } = state;
    let spec = parameters.spec();
    let text = serde_json::to_string(run).map_err(|error| Error::io("write", path)(error.into()))?;
    let mut notes = file::notes(spec, KIND);
    notes.insert(format!("netwright.{RUN}"), text);
    let kept = constraint.map_or(&[][..], Constraint::slots);
    let prefixes: Vec<String> = prefixes(run.recipe.optimizer.slots(), kept).collect();
    let vectors = optimizer.slots.iter().map(|slot| &slot[..]);
    let vectors = vectors.chain((0..kept.len()).filter_map(|idx| constraint.map(|constraint| constraint.slot(idx))));
    let mut arrays: Vec<_> = file::entries(spec, PARAMETERS, parameters.values()).collect();
    for (prefix, vector) in prefixes.iter().zip(vectors) {
        arrays.extend(file::entries(spec, prefix, vector));
    }
    file::save(path, |mut out| file::write(&mut out, &notes, arrays))
}

/// What the names of parameters and state begin with.
const PARAMETERS: &str = "parameters/";

/// What the names of the optimiser's vectors begin with, then those of the constraint's.
fn prefixes(
    optimizer: &'static [&'static str],
    constraint: &'static [&'static str],
) -> impl Iterator<Item = String> + Clone {
    let optimizer = optimizer.iter().map(|slot| format!("{slot}/"));
    optimizer.chain(constraint.iter().map(|slot| format!("constraint/{slot}/")))
}

/// Loads a checkpoint of the run `this`, which has `batches` batches in an epoch, and restores its constraint.
pub(super) fn load(
    path: &Path,
    spec: &'static Spec,
    this: &Run,
    batches: usize,
    constraint: Option<&mut dyn Constraint>,
) -> Result<(Parameters, OptimizerState, Progress), Error> {
    let refused = |source| Error::Checkpoint { path: path.to_owned(), source };
    let unreadable = |error| match error {
        OpenError::Io(action, source) => Error::io(action, path)(source),
        OpenError::Weights(source) => refused(source.into()),
    };
    let opened = file::open(path, KIND, HEADER_LIMIT).map_err(unreadable)?;
    let arrays = |prefix: &'static str, all: bool| {
        let wanted = spec.parameters.iter().filter(move |parameter| all || parameter.trained);
        wanted.map(move |parameter| (format!("{prefix}{}", parameter.name), parameter.shape))
    };
    // Another network is told by its arrays, before its settings are compared.
    let found = opened.header.note(RUN).map(serde_json::from_str::<Run>);
    let found = match found {
        Some(Ok(found)) => found,
        Some(Err(error)) => return Err(refused(CheckpointError::Run { reason: error.to_string() })),
        None => return Err(refused(CheckpointError::Run { reason: "there is none".to_owned() })),
    };
    let slots = found.recipe.optimizer.slots();
    // Another constraint's arrays are not looked at: that it is another says more.
    let same_constraint = this.constraint == found.constraint;
    let kept = constraint.as_ref().map_or(&[][..], |constraint| constraint.slots());
    let slot_arrays = prefixes(slots, kept)
        .flat_map(|prefix| arrays("", false).map(move |(name, shape)| (format!("{prefix}{name}"), shape)));
    if !same_constraint {
        return Err(refused(CheckpointError::OtherRun { differences: this.differences(&found) }));
    }
    opened
        .header
        .check_arrays(spec, arrays(PARAMETERS, true).chain(slot_arrays))
        .map_err(|error| refused(error.into()))?;
    let mut differences = this.differences(&found);
    // Arrays and settings may agree where layers do not.
    if let Some(writer) = opened.header.note("fingerprint").filter(|writer| *writer != spec.fingerprint) {
        let expected = format!("fingerprint {}", spec.fingerprint);
        differences.insert(0, RunDifference { setting: "network".to_owned(), expected, found: writer.to_owned() });
    }
    if !differences.is_empty() {
        return Err(refused(CheckpointError::OtherRun { differences }));
    }
    let progress = found.progress;
    progress.check(batches).map_err(|reason| refused(CheckpointError::Run { reason }))?;

    let mut parameters = Parameters::new(spec)?;
    let mut state = OptimizerState::new(&this.recipe.optimizer, spec.trained)?;
    state.steps = progress.step;
    let of_state: Vec<String> = prefixes(slots, &[]).collect();
    let of_constraint: Vec<String> = prefixes(&[], kept).collect();
    let mut vectors = vec![vec![0.0; spec.trained]; of_constraint.len()];
    let mut all = vec![(PARAMETERS, parameters.values_mut())];
    all.extend(of_state.iter().zip(&mut state.slots).map(|(prefix, vector)| (prefix.as_str(), &mut vector[..])));
    all.extend(of_constraint.iter().zip(&mut vectors).map(|(prefix, vector)| (prefix.as_str(), &mut vector[..])));
    opened.read(spec, &mut all).map_err(unreadable)?;
    if let Some(constraint) = constraint {
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        constraint
            .restore(spec, parameters.trained(), &vectors)
            .map_err(|reason| refused(CheckpointError::Constraint { reason }))?;
    }
    Ok((parameters, state, progress))
}

impl Progress {
    /// Checks that the numbers can be those of a run with so many batches in an epoch.
    fn check(&self, batches: usize) -> Result<(), String> {
        let done = self.history.len().checked_mul(batches).and_then(|done| done.checked_add(self.epoch.batches));
        if self.epoch.batches >= batches {
            return Err(format!("{} batches of an epoch are done; it has {batches}", self.epoch.batches));
        }
        if done.map(|done| done as u64) != Some(self.step) {
            return Err(format!("{} steps do not make {} epochs", self.step, self.history.len()));
        }
        if (1..).zip(&self.history).any(|(epoch, metrics)| metrics.epoch != epoch) {
            return Err("its epochs are not in order".to_owned());
        }
        Ok(())
    }
}
