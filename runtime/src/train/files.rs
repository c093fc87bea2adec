//! The files that a run leaves in its folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::{self, Progress, Run, State};
use super::metrics::{self, EpochMetrics};
use super::{Constraint, OptimizerState};
use crate::error::Error;
use crate::network::Trainable;
use crate::parameters::Parameters;

/// The files of a run.
pub(super) struct Files {
    latest: PathBuf,
    best: PathBuf,
    metrics: PathBuf,
    /// What every checkpoint says of the run; its progress is brought up to date for each.
    run: Run,
}

impl Files {
    /// The files in `folder`, which is made if need be.
    pub(super) fn new(folder: &Path, run: Run) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        let [latest, best, metrics] = ["latest.ckpt", "best.ckpt", "metrics.jsonl"].map(|name| folder.join(name));
        Ok(Self { latest, best, metrics, run })
    }

    /// Loads the latest checkpoint if there is one to resume from, and makes the other files and the constraint agree with it.
    pub(super) fn begin<N: Trainable>(
        &mut self,
        resume: bool,
        batches: usize,
        constraint: Option<&mut dyn Constraint>,
    ) -> Result<Option<(Parameters, OptimizerState, Progress)>, Error> {
        let loaded = if resume && self.latest.try_exists().map_err(Error::io("open", &self.latest))? {
            Some(checkpoint::load(&self.latest, N::SPEC, &self.run, batches, constraint)?)
        } else {
            match fs::remove_file(&self.best) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &self.best)(error));
                }
                _ => None,
            }
        };
        metrics::rewrite(&self.metrics, loaded.as_ref().map_or(&[], |(_, _, progress)| &progress.history))?;
        Ok(loaded)
    }

    /// Replaces the latest checkpoint.
    pub(super) fn save_latest(&mut self, state: State<'_>, progress: &Progress) -> Result<(), Error> {
        self.run.progress.clone_from(progress);
        checkpoint::save(&self.latest, state, &self.run)
    }

    /// Replaces the best epoch's checkpoint.
    pub(super) fn save_best(&mut self, state: State<'_>, progress: &Progress) -> Result<(), Error> {
        self.run.progress.clone_from(progress);
        checkpoint::save(&self.best, state, &self.run)
    }

    /// Adds an epoch to the metrics.
    pub(super) fn append(&self, metrics: &EpochMetrics) -> Result<(), Error> {
        metrics::append(&self.metrics, metrics)
    }
}
