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

/// What the outputs are compared by. The loss's own settings (class weights, the point where Huber's loss bends) are part of
/// the network's code; a run is resumed only with the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Cross entropy between the softmax of the logits and a class, averaged over the images.
    CrossEntropy,
    /// The squared difference, averaged over the values and the images.
    MeanSquaredError,
    /// Cross entropy between the logistic function of each logit and a target from 0 to 1, averaged over the values and the
    /// images.
    BinaryCrossEntropy,
    /// The absolute difference, averaged over the values and the images.
    L1,
    /// Half the squared difference up to a bound, linear beyond it, averaged over the values and the images.
    Huber,
}

impl Loss {
    /// The name in the language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross_entropy",
            Loss::MeanSquaredError => "mean_squared_error",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
            Loss::L1 => "l1",
            Loss::Huber => "huber",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Span;

    const RECIPE: Recipe = Recipe {
        loss: Loss::CrossEntropy,
        optimizer: Optimizer::Sgd { lr: 0.01, momentum: 0.9, nesterov: false, weight_decay: 5e-4 },
        schedule: Schedule::Inverse { gamma: 1e-4, power: 0.75 },
        warmup_steps: 0,
        batch: 64,
        epochs: 10,
        seed: 0,
        patience: None,
        validation: None,
        clip_norm: None,
    };

    #[test]
    fn it_reads_as_it_is_written() {
        assert_eq!(
            RECIPE.to_string(),
            "train {\n    loss: cross_entropy;\n    \
             optimizer: sgd(lr: 0.01, momentum: 0.9, weight_decay: 0.0005);\n    \
             schedule: inverse(gamma: 0.0001, power: 0.75);\n    batch: 64;\n    epochs: 10;\n    seed: 0;\n}"
        );
        let full = Recipe {
            loss: Loss::MeanSquaredError,
            warmup_steps: 500,
            patience: Some(3),
            validation: Some(0.1),
            clip_norm: Some(1.0),
            ..RECIPE
        };
        let text = full.to_string();
        for line in ["loss: mean_squared_error;", "warmup_steps: 500;", "patience: 3;", "validation: 0.1;"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("    clip_norm: 1.0;\n}"), "{text}");
        for recipe in [RECIPE, full] {
            let json = serde_json::to_string(&recipe).unwrap();
            assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "{json}");
        }
    }

    #[test]
    fn settings_are_checked() {
        assert!(RECIPE.check().is_ok());
        let refused = |recipe: Recipe| recipe.check().unwrap_err().to_string();
        assert_eq!(refused(Recipe { batch: 0, ..RECIPE }), "`batch` is 0; expected at least 1");
        assert_eq!(refused(Recipe { epochs: 0, ..RECIPE }), "`epochs` is 0; expected at least 1");
        assert_eq!(refused(Recipe { patience: Some(0), ..RECIPE }), "`patience` is 0; expected at least 1");
        let fraction = Recipe { validation: Some(1.0), ..RECIPE };
        assert_eq!(refused(fraction), "`validation` is 1; expected a fraction between 0 and 1");
        assert_eq!(
            refused(Recipe { clip_norm: Some(f32::NAN), ..RECIPE }),
            "`clip_norm` is NaN; expected a number above 0"
        );
        let lr = Recipe { optimizer: RECIPE.optimizer.with_lr(-1.0), ..RECIPE };
        assert_eq!(refused(lr), "`lr` is -1; expected a number above 0");
        for schedule in [
            Schedule::Step { every: Span::Steps(0), factor: 0.1 },
            Schedule::Step { every: Span::Steps(1), factor: 0.0 },
            Schedule::Exponential { every: Span::Epochs(0), factor: 0.1 },
            Schedule::Exponential { every: Span::Epochs(1), factor: f32::INFINITY },
            Schedule::Cosine { total: Span::Epochs(1), minimum: -0.1 },
            Schedule::Polynomial { total: Span::Epochs(1), power: 0.0, end: 0.0 },
            Schedule::Polynomial { total: Span::Epochs(1), power: 1.0, end: -1.0 },
            Schedule::Inverse { gamma: -1.0, power: 1.0 },
            Schedule::Inverse { gamma: 1.0, power: f32::NAN },
        ] {
            assert!(refused(Recipe { schedule, ..RECIPE }).starts_with("`schedule: "), "{schedule}");
        }
    }

    #[test]
    fn numbers_are_spelt_without_exponents() {
        let spelt = [1.0, 0.1, 1e-8, 16_777_216.0, -2.5, 0.0].map(|number| Number(number).to_string());
        assert_eq!(spelt, ["1.0", "0.1", "0.00000001", "16777216.0", "-2.5", "0.0"]);
    }
}
