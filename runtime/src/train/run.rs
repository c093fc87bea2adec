//! The training loop: steps and epochs.

use std::time::Instant;

use super::batch::{self, Augmented, Batch};
use super::checkpoint::{Code, Data, EpochProgress, Progress, Run, State};
use super::files::Files;
use super::metrics::{self, EpochMetrics};
use super::trainer::{BatchProgress, Report, Stopped, Trainer};
use super::{Moment, OptimizerState, clip, evaluation};
use crate::dataset::Dataset;
use crate::engine::{self, Gradients};
use crate::error::Error;
use crate::network::Trainable;
use crate::parameters::first_non_finite;
use crate::random::Stream;

/// The fewest images that are evaluated at a time; small batches need not make evaluation slow.
const EVALUATED: usize = 64;

/// Trains; the settings and the data are checked.
pub(super) fn run<N: Trainable>(
    trainer: &mut Trainer<'_>,
    network: &mut N,
    train: &Dataset,
    validation: Option<&Dataset>,
) -> Result<Report, Error> {
    let recipe = trainer.recipe;
    let batches = train.len().div_ceil(recipe.batch);
    let mut state = OptimizerState::new(&recipe.optimizer, N::SPEC.trained)?;
    let mut progress = Progress::default();
    let files = match &trainer.out {
        Some(folder) => {
            let (train, validation) = (Data::of(train), validation.map(Data::of));
            let constraint = trainer.constraint.as_ref().map(|constraint| constraint.describe());
            let code = Some(Code::of::<N>());
            let run = Run { recipe, code, constraint, train, validation, progress: progress.clone() };
            let mut files = Files::new(folder, run)?;
            let resume = trainer.resume;
            if let Some(loaded) = files.begin::<N>(resume, batches, trainer.constraint_mut())? {
                let parameters;
                (parameters, state, progress) = loaded;
                network.core_mut().parameters_mut().clone_from(&parameters);
            } else {
                begin(trainer, network)?;
                let constraint = trainer.constraint.as_deref();
                let state = State { parameters: network.core().parameters(), optimizer: &state, constraint };
                files.save_latest(state, &progress)?;
            }
            Some(files)
        }
        None => {
            begin(trainer, network)?;
            None
        }
    };
    let order = batch::indices(train)?;
    let mut session = Session {
        memory: Batch::for_training(train, &recipe)?,
        gradients: Gradients::new::<N>()?,
        trainer,
        network,
        train,
        validation,
        batches,
        order,
        state,
        progress,
        files,
    };
    let stopped = session.run()?;
    let Progress { step, history, .. } = session.progress;
    Ok(Report { best_epoch: metrics::best_epoch(&history), epochs: history, stopped, steps: step })
}

/// Has the constraint, if there is one, begin.
fn begin<N: Trainable>(trainer: &mut Trainer<'_>, network: &mut N) -> Result<(), Error> {
    let parameters = network.core_mut().parameters_mut().trained_mut();
    trainer.constraint.as_mut().map_or(Ok(()), |constraint| constraint.begin(N::SPEC, parameters))
}

/// A run at work.
struct Session<'a, 'c, N> {
    trainer: &'a mut Trainer<'c>,
    network: &'a mut N,
    train: &'a Dataset,
    validation: Option<&'a Dataset>,
    /// Batches of an epoch.
    batches: usize,
    /// The images in the order of the epoch at hand.
    order: Vec<u32>,
    memory: Batch,
    gradients: Gradients,
    state: OptimizerState,
    progress: Progress,
    files: Option<Files>,
}

impl<N: Trainable> Session<'_, '_, N> {
    fn run(&mut self) -> Result<Stopped, Error> {
        while self.progress.history.len() < self.trainer.recipe.epochs {
            if self.is_patience_over() {
                return Ok(Stopped::EarlyStopping);
            }
            if self.epoch()?.is_none() {
                self.save_latest()?;
                return Ok(Stopped::Interrupted);
            }
        }
        Ok(Stopped::Finished)
    }

    /// Whether the validation loss has not fallen for as long as the patience lasts.
    fn is_patience_over(&self) -> bool {
        let history = &self.progress.history;
        match (self.trainer.recipe.patience, metrics::best_epoch(history)) {
            (Some(patience), Some(best)) => history.len() - best >= patience,
            _ => false,
        }
    }

    /// Trains an epoch from where it stands; `None` when the stop flag is set.
    fn epoch(&mut self) -> Result<Option<()>, Error> {
        let epoch_idx = self.progress.history.len();
        shuffle(&mut self.order, self.trainer.recipe.seed, epoch_idx as u64);
        let mut learning_rate = 0.0;
        let mut clock = Clock::start();
        while self.progress.epoch.batches < self.batches {
            if self.trainer.stops() {
                return Ok(None);
            }
            learning_rate = self.step(&mut clock)?;
            let due = |every| self.progress.step.is_multiple_of(every);
            // At the end of an epoch the checkpoint waits for the validation.
            if self.trainer.checkpoint_every.is_some_and(due) && self.progress.epoch.batches < self.batches {
                self.save_latest()?;
                clock = Clock::start();
            }
        }
        self.end_epoch(learning_rate)?;
        Ok(Some(()))
    }

    /// Trains one batch; returns the learning rate.
    fn step(&mut self, clock: &mut Clock) -> Result<f32, Error> {
        let recipe = self.trainer.recipe;
        let first = self.progress.epoch.batches * recipe.batch;
        let indices = &self.order[first..self.order.len().min(first + recipe.batch)];
        let epoch = self.progress.history.len() as u64;
        let augmented = Augmented { augmentation: recipe.augment, seed: recipe.seed, epoch };
        let (inputs, targets) = self.memory.gather(self.train, indices, Some(&augmented))?;
        self.gradients.set_key(recipe.seed, self.progress.step);
        if let Some(constraint) = &self.trainer.constraint {
            self.gradients.set_dropout(constraint.dropout());
        }
        let result = engine::loss_and_gradients_all(self.network, &inputs, targets, &mut self.gradients)?;
        let moment = Moment { step: self.progress.step, steps_per_epoch: self.batches as u64 };
        if let Some(constraint) = &mut self.trainer.constraint {
            let parameters = self.network.core().parameters().trained();
            constraint.before_step(moment, parameters, self.gradients.values_mut());
        }
        let norm = recipe.clip_norm.map_or(0.0, |limit| clip::clip(self.gradients.values_mut(), limit));
        if !(result.loss.is_finite() && norm.is_finite()) {
            return Err(self.non_finite(result.loss));
        }
        let learning_rate = recipe.rate(self.progress.step, self.batches as u64);
        let parameters = self.network.core_mut().parameters_mut().trained_mut();
        self.state.step_parts(&recipe.optimizer, learning_rate, N::RATES, parameters, self.gradients.values());
        if let Some(constraint) = &mut self.trainer.constraint {
            constraint.after_step(moment, parameters, &mut self.state);
        }

        let epoch = &mut self.progress.epoch;
        self.progress.step += 1;
        epoch.batches += 1;
        epoch.images += result.images;
        epoch.correct += result.correct;
        epoch.weight += result.weight;
        epoch.loss += result.loss * result.weight;
        epoch.seconds += clock.seconds();
        *clock = Clock::start();
        let progress = BatchProgress {
            epoch: self.progress.history.len() + 1,
            epochs: recipe.epochs,
            batch: epoch.batches,
            batches: self.batches,
            step: self.progress.step,
            images: epoch.images,
            images_per_epoch: self.order.len(),
            batch_loss: result.loss,
            loss: epoch.loss / epoch.weight,
            accuracy: accuracy::<N>(epoch),
            learning_rate,
            seconds: epoch.seconds,
        };
        if let Some(callback) = &mut self.trainer.on_batch {
            callback(&progress);
        }
        Ok(learning_rate)
    }

    /// Measures the epoch that is over and writes its files.
    fn end_epoch(&mut self, learning_rate: f32) -> Result<(), Error> {
        self.check_parameters()?;
        let size = self.trainer.recipe.batch.max(EVALUATED);
        let evaluate = |data: &Dataset| evaluation::evaluate(&*self.network, data, size);
        let validation = self.validation.map(evaluate).transpose()?;
        let test = self.trainer.test.as_ref().map(evaluate).transpose()?;
        if let Some(evaluation) = validation.filter(|evaluation| !evaluation.loss.is_finite()) {
            return Err(Error::NonFinite {
                what: "the validation loss".to_owned(),
                value: evaluation.loss as f32,
                when: format!("after epoch {}", self.progress.history.len() + 1),
                cause: REMEDY.to_owned(),
            });
        }
        let epoch = std::mem::take(&mut self.progress.epoch);
        let metrics = EpochMetrics {
            epoch: self.progress.history.len() + 1,
            step: self.progress.step,
            train_loss: epoch.loss / epoch.weight,
            train_accuracy: accuracy::<N>(&epoch),
            validation_loss: validation.map(|evaluation| evaluation.loss),
            validation_accuracy: validation.and_then(|evaluation| evaluation.accuracy),
            test_loss: test.map(|evaluation| evaluation.loss),
            test_accuracy: test.and_then(|evaluation| evaluation.accuracy),
            learning_rate,
            seconds: epoch.seconds,
            images_per_second: if epoch.seconds > 0.0 { epoch.images as f64 / epoch.seconds } else { 0.0 },
        };
        self.progress.history.push(metrics);
        if let Some(files) = &mut self.files {
            let state = State {
                parameters: self.network.core().parameters(),
                optimizer: &self.state,
                constraint: self.trainer.constraint.as_deref(),
            };
            // The best first: if the run dies in between, the epoch is trained again and gives the same file.
            if metrics::best_epoch(&self.progress.history) == Some(metrics.epoch) {
                files.save_best(state, &self.progress)?;
            }
            files.save_latest(state, &self.progress)?;
            files.append(&metrics)?;
        }
        if let Some(callback) = &mut self.trainer.on_epoch {
            callback(&metrics);
        }
        Ok(())
    }

    fn save_latest(&mut self) -> Result<(), Error> {
        self.check_parameters()?;
        let state = State {
            parameters: self.network.core().parameters(),
            optimizer: &self.state,
            constraint: self.trainer.constraint.as_deref(),
        };
        self.files.as_mut().map_or(Ok(()), |files| files.save_latest(state, &self.progress))
    }

    /// Checks that all parameters are finite, so that no checkpoint has others.
    fn check_parameters(&self) -> Result<(), Error> {
        match self.network.core().parameters().first_non_finite() {
            Some((name, value)) => Err(self.parameter_error(name, value)),
            None => Ok(()),
        }
    }

    /// Names what comes first in the network among the things that are not finite.
    #[cold]
    fn non_finite(&self, loss: f64) -> Error {
        if let Some((name, value)) = self.network.core().parameters().first_non_finite() {
            return self.parameter_error(name, value);
        }
        let (what, value) = match first_non_finite(N::SPEC, self.gradients.values()) {
            Some((name, value)) => (format!("the gradient of `{name}`"), value),
            None => ("the loss".to_owned(), loss as f32),
        };
        Error::NonFinite { what, value, when: self.when(), cause: format!("the loss is {loss}; {REMEDY}") }
    }

    fn parameter_error(&self, name: &str, value: f32) -> Error {
        let cause = format!("the step before went too far; {REMEDY}");
        Error::NonFinite { what: format!("`{name}`"), value, when: self.when(), cause }
    }

    fn when(&self) -> String {
        let (epoch, step) = (self.progress.history.len() + 1, self.progress.step + 1);
        let rate = self.trainer.recipe.rate(self.progress.step, self.batches as u64);
        format!("at step {step}, in epoch {epoch}, with a learning rate of {rate}")
    }
}

/// Puts the indices of an epoch's images into its order, which depends on seed and epoch alone.
fn shuffle(order: &mut [u32], seed: u64, epoch_idx: u64) {
    (0..).zip(order.iter_mut()).for_each(|(idx, slot)| *slot = idx);
    Stream::numbered(seed, "shuffle", epoch_idx).shuffle(order);
}

/// What helps when numbers grow without bound.
const REMEDY: &str = "try a lower learning rate, a warm-up or `clip_norm`, and inputs scaled to about -1 to 1";

fn accuracy<N: Trainable>(epoch: &EpochProgress) -> Option<f64> {
    (N::TRAINING.classes > 0).then(|| epoch.correct as f64 / epoch.images as f64)
}

/// When something began; nothing where there is no clock, as in a browser, which gives WebAssembly none of its own.
struct Clock(Option<Instant>);

impl Clock {
    fn start() -> Self {
        let has_clock = !cfg!(all(target_family = "wasm", target_os = "unknown"));
        Self(has_clock.then(Instant::now))
    }

    /// Seconds since then; 0 without a clock.
    fn seconds(&self) -> f64 {
        self.0.map_or(0.0, |start| start.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_an_order_of_its_own() {
        let order = |seed, epoch_idx| {
            let mut order = vec![9; 1000];
            shuffle(&mut order, seed, epoch_idx);
            order
        };
        let base = order(1, 0);
        let mut sorted = base.clone();
        sorted.sort_unstable();
        assert!((0..1000).eq(sorted));
        assert_eq!(base, order(1, 0));
        for other in [order(1, 1), order(2, 0)] {
            // Two independent orders agree in one place on average.
            assert!(base.iter().zip(&other).filter(|(a, b)| a == b).count() < 10);
        }
    }
}
