//! What a network's `train` section says: the loss, the optimiser and how long.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Optimizer, Schedule};
use crate::error::Error;

/// How to train a network. Generated code holds one as a constant; the trainer may change it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// What training makes small.
    pub loss: Loss,
    /// How gradients change parameters; holds the base learning rate.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises from nearly zero to the schedule's.
    pub warmup_steps: u64,
    /// Images in a batch; the last one of an epoch may have fewer.
    pub batch: usize,
    /// Passes over the training data.
    pub epochs: usize,
    /// Seeds the initialisation, the shuffling, the split and the dropout.
    pub seed: u64,
    /// Stop when the validation loss has not fallen for so many epochs.
    pub patience: Option<usize>,
    /// The fraction of the training data to set aside for validation, where none is given.
    pub validation: Option<f32>,
    /// Scale gradients down where their global norm is larger.
    pub clip_norm: Option<f32>,
}

/// What the outputs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Cross entropy between the softmax of the logits and a class, averaged over the images.
    CrossEntropy,
    /// The squared difference, averaged over the values and the images.
    MeanSquaredError,
}

impl Loss {
    /// The name in the language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross_entropy",
            Loss::MeanSquaredError => "mean_squared_error",
        }
    }
}

impl Recipe {
    /// Checks every setting's range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first that is out of it.
    pub fn check(&self) -> Result<(), Error> {
        let at_least_one = |setting, found: usize| {
            let message = || Error::Setting { setting, expected: "at least 1", found: found.to_string() };
            (found > 0).then_some(()).ok_or_else(message)
        };
        at_least_one("batch", self.batch)?;
        at_least_one("epochs", self.epochs)?;
        at_least_one("patience", self.patience.unwrap_or(1))?;
        self.optimizer.check()?;
        check_schedule(self.schedule)?;
        if let Some(fraction) = self.validation {
            check("validation", fraction, fraction > 0.0 && fraction < 1.0, "a fraction between 0 and 1")?;
        }
        if let Some(norm) = self.clip_norm {
            check("clip_norm", norm, norm > 0.0, "a number above 0")?;
        }
        Ok(())
    }

    /// The learning rate of a step, warm-up included.
    #[must_use]
    pub fn rate(&self, step: u64, steps_per_epoch: u64) -> f32 {
        self.schedule.warmed_rate(self.optimizer.lr(), self.warmup_steps, step, steps_per_epoch)
    }

    /// The settings as the `train` section spells them, each with its value; those that are off are left out.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("loss", self.loss.name().to_owned()),
            ("optimizer", self.optimizer.to_string()),
            ("schedule", self.schedule.to_string()),
        ];
        if self.warmup_steps > 0 {
            settings.push(("warmup_steps", self.warmup_steps.to_string()));
        }
        settings.push(("batch", self.batch.to_string()));
        settings.push(("epochs", self.epochs.to_string()));
        settings.push(("seed", self.seed.to_string()));
        settings.extend(self.patience.map(|patience| ("patience", patience.to_string())));
        settings.extend(self.validation.map(|fraction| ("validation", Number(fraction).to_string())));
        settings.extend(self.clip_norm.map(|norm| ("clip_norm", Number(norm).to_string())));
        settings
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("train {\n")?;
        for (setting, value) in self.settings() {
            writeln!(f, "    {setting}: {value};")?;
        }
        f.write_str("}")
    }
}

/// A number as `.net` files spell it: digits on both sides of the dot, no exponent, as many digits as it takes.
pub(super) struct Number(pub(super) f32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_finite() && self.0.fract() == 0.0 { write!(f, "{}.0", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// A number of the recipe, which must be finite and `valid`.
pub(super) fn check(setting: &'static str, found: f32, valid: bool, expected: &'static str) -> Result<(), Error> {
    if found.is_finite() && valid {
        return Ok(());
    }
    Err(Error::Setting { setting, expected, found: found.to_string() })
}

fn check_schedule(schedule: Schedule) -> Result<(), Error> {
    let span = |setting, span: super::Span| {
        let error = Error::Setting { setting, expected: "at least 1", found: "0".to_owned() };
        if span.is_empty() { Err(error) } else { Ok(()) }
    };
    match schedule {
        Schedule::Constant => Ok(()),
        Schedule::Step { every, factor } => {
            span("schedule: step", every)?;
            check("schedule: factor", factor, factor > 0.0, "a number above 0")
        }
        Schedule::Exponential { every, factor } => {
            span("schedule: exponential", every)?;
            check("schedule: factor", factor, factor > 0.0, "a number above 0")
        }
        Schedule::Cosine { total, minimum } => {
            span("schedule: cosine", total)?;
            check("schedule: minimum", minimum, minimum >= 0.0, "a number from 0 up")
        }
        Schedule::Polynomial { total, power, end } => {
            span("schedule: polynomial", total)?;
            check("schedule: power", power, power > 0.0, "a number above 0")?;
            check("schedule: end", end, end >= 0.0, "a number from 0 up")
        }
        Schedule::Inverse { gamma, power } => {
            check("schedule: gamma", gamma, gamma >= 0.0, "a number from 0 up")?;
            check("schedule: power", power, power >= 0.0, "a number from 0 up")
        }
    }
}
