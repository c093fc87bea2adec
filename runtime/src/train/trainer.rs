//! The trainer: what to train with, set up step by step, and what comes of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::metrics::EpochMetrics;
use super::run;
use super::{Constraint, Optimizer, Recipe, Schedule, batch};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::network::Trainable;

/// Trains any network by a recipe.
///
/// The network ends with the parameters of the last step. With [`out`](Self::out), the best epoch's are in
/// `best.ckpt`: the first with the lowest loss on the validation data that `fit` was given, or that the recipe sets
/// aside from the training data; without either there is no best. Nothing else is ever chosen by.
pub struct Trainer<'c> {
    pub(super) recipe: Recipe,
    pub(super) out: Option<PathBuf>,
    pub(super) resume: bool,
    pub(super) checkpoint_every: Option<u64>,
    pub(super) stop: Option<Arc<AtomicBool>>,
    pub(super) test: Option<Dataset>,
    pub(super) constraint: Option<&'c mut dyn Constraint>,
    pub(super) on_batch: Option<BatchCallback<'c>>,
    pub(super) on_epoch: Option<EpochCallback<'c>>,
}

type BatchCallback<'c> = Box<dyn FnMut(&BatchProgress) + 'c>;
type EpochCallback<'c> = Box<dyn FnMut(&EpochMetrics) + 'c>;

/// Where a run stands after a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchProgress {
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many epochs there are to be.
    pub epochs: usize,
    /// The batch within the epoch, from 1.
    pub batch: usize,
    /// How many batches an epoch has.
    pub batches: usize,
    /// Steps taken since the run began.
    pub step: u64,
    /// Images of this epoch so far.
    pub images: usize,
    /// How many images an epoch has.
    pub images_per_epoch: usize,
    /// The mean loss of this batch.
    pub batch_loss: f64,
    /// The mean loss of this epoch so far.
    pub loss: f64,
    /// The accuracy of this epoch so far; `None` where the loss takes values.
    pub accuracy: Option<f64>,
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// Seconds of training in this epoch so far.
    pub seconds: f64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Every epoch, also those before a resumption.
    pub epochs: Vec<EpochMetrics>,
    /// The first epoch with the lowest validation loss, from 1; `None` without validation.
    pub best_epoch: Option<usize>,
    /// Why the run ended.
    pub stopped: Stopped,
    /// Steps taken since the run began.
    pub steps: u64,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs were trained.
    Finished,
    /// The validation loss had not fallen for as long as the patience lasts.
    EarlyStopping,
    /// The stop flag was set.
    Interrupted,
}

impl<'c> Trainer<'c> {
    /// A trainer that follows this recipe.
    #[must_use]
    pub fn from_recipe(recipe: Recipe) -> Self {
        Self {
            recipe,
            out: None,
            resume: false,
            checkpoint_every: None,
            stop: None,
            test: None,
            constraint: None,
            on_batch: None,
            on_epoch: None,
        }
    }

    /// The recipe as it stands.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Passes over the training data. A resumed run may have more than it began with.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.recipe.epochs = epochs;
        self
    }

    /// Images in a batch.
    #[must_use]
    pub fn batch(mut self, images: usize) -> Self {
        self.recipe.batch = images;
        self
    }

    /// The seed of shuffling, split and dropout. (That of the initialisation is the network's own.)
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.recipe.seed = seed;
        self
    }

    /// The optimiser, with its base learning rate.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.recipe.optimizer = optimizer;
        self
    }

    /// How the learning rate changes.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.recipe.schedule = schedule;
        self
    }

    /// Stops when the validation loss has not fallen for so many epochs; `None` goes on.
    #[must_use]
    pub fn early_stopping(mut self, patience: impl Into<Option<usize>>) -> Self {
        self.recipe.patience = patience.into();
        self
    }

    /// A folder for `latest.ckpt`, `best.ckpt` and `metrics.jsonl`, made if need be. A run that does not resume
    /// replaces what another left there.
    #[must_use]
    pub fn out(mut self, folder: impl AsRef<Path>) -> Self {
        self.out = Some(folder.as_ref().to_owned());
        self
    }

    /// Whether to go on from `latest.ckpt` in the folder, bit for bit as if the run had not stopped; where there is
    /// none, the run begins anew.
    ///
    /// Training fails if the checkpoint is of another network, other data or another recipe (the loss's settings and the
    /// factors of learning rates included; epochs and patience may differ), and the error lists every difference.
    #[must_use]
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Writes `latest.ckpt` also after every so many steps; it is always written at the end of an epoch and when the
    /// stop flag is set.
    #[must_use]
    pub fn checkpoint_every(mut self, steps: impl Into<Option<u64>>) -> Self {
        self.checkpoint_every = steps.into();
        self
    }

    /// Data to measure the network on after each epoch, for its metrics alone: nothing is chosen by it, and no step
    /// depends on it.
    #[must_use]
    pub fn test(mut self, test: &Dataset) -> Self {
        self.test = Some(test.clone());
        self
    }

    /// What must hold of the parameters in every step. What the constraint remembers is part of the run: it is in the
    /// checkpoints, and only a run under the same constraint goes on from them.
    #[must_use]
    pub fn constraint(mut self, constraint: &'c mut dyn Constraint) -> Self {
        self.constraint = Some(constraint);
        self
    }

    /// Called after every batch.
    #[must_use]
    pub fn on_batch(mut self, callback: impl FnMut(&BatchProgress) + 'c) -> Self {
        self.on_batch = Some(Box::new(callback));
        self
    }

    /// Called after every epoch, when its checkpoint is written.
    #[must_use]
    pub fn on_epoch(mut self, callback: impl FnMut(&EpochMetrics) + 'c) -> Self {
        self.on_epoch = Some(Box::new(callback));
        self
    }

    /// A flag that ends the run after the step at hand, with a checkpoint; a signal handler may set it.
    #[must_use]
    pub fn stop_flag(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = Some(flag);
        self
    }

    /// Trains `network` on `train`, and after each epoch measures it on `validation`: `&dataset`, or `None`, where the
    /// recipe may set aside a fraction of the training data instead.
    ///
    /// Batches are drawn anew for each epoch by the seed; the last one may be smaller.
    ///
    /// # Errors
    ///
    /// Before anything starts: a setting out of range, a dataset or a constraint that does not fit the network, a
    /// checkpoint of another run. Later: [`Error::NonFinite`] with the first parameter that is not finite, when `latest.ckpt` still holds the
    /// last good ones; files that cannot be written; memory that cannot be had.
    pub fn fit<'d, N: Trainable>(
        &mut self,
        network: &mut N,
        train: &Dataset,
        validation: impl Into<Option<&'d Dataset>>,
    ) -> Result<Report, Error> {
        self.recipe.check()?;
        if self.checkpoint_every == Some(0) {
            let found = "0".to_owned();
            return Err(Error::Setting { setting: "checkpoint_every", expected: "at least 1", found });
        }
        batch::check::<N>(train)?;
        if let Some(test) = &self.test {
            batch::check::<N>(test)?;
        }
        let split;
        let (train, validation) = match (validation.into(), self.recipe.validation) {
            (Some(validation), _) => {
                batch::check::<N>(validation)?;
                (train, Some(validation))
            }
            (None, Some(fraction)) => {
                split = train.split(f64::from(fraction), self.recipe.seed)?;
                batch::check::<N>(&split.0)?;
                batch::check::<N>(&split.1)?;
                (&split.0, Some(&split.1))
            }
            (None, None) => (train, None),
        };
        if let (Some(patience), None) = (self.recipe.patience, validation) {
            return Err(Error::Setting {
                setting: "patience",
                expected: "none without validation data (give some, or set `validation`)",
                found: patience.to_string(),
            });
        }
        run::run(self, network, train, validation)
    }

    /// The constraint, for as long as the trainer is borrowed.
    pub(super) fn constraint_mut(&mut self) -> Option<&mut dyn Constraint> {
        // A cast within the option would have to keep the constraint's own lifetime.
        match &mut self.constraint {
            Some(constraint) => Some(&mut **constraint),
            None => None,
        }
    }

    /// Whether the stop flag is set.
    pub(super) fn stops(&self) -> bool {
        self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Trainer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("recipe", &self.recipe)
            .field("out", &self.out)
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}
