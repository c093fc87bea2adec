//! Magnitude pruning: the smallest weights become zero and stay so while the others are trained on (Han et al., 2015).

mod mask;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::recipe::{Number, check};
use super::{Recipe, Span};
use crate::error::Error;
use crate::parameters::Parameters;
use crate::spec::{Layout, ParameterSpec, Spec};

pub use mask::Mask;
pub(super) use mask::runs;

/// What a network's `prune` section says. Generated code holds one as a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pruning<'a> {
    /// Which weights are compared with one another.
    pub method: Method,
    /// The fraction of the weights to keep in layers that `layers` does not name; `None` leaves those as they are.
    pub keep: Option<f32>,
    /// Layers, or blocks of layers, with fractions of their own. Of two that name a layer the later counts.
    pub layers: &'a [Keep<'a>],
    /// When weights go.
    pub pace: Pace,
    /// Epochs of training under the mask.
    pub epochs: usize,
    /// What the learning rate of the `train` section is multiplied by meanwhile.
    pub lr_factor: f32,
    /// Whether dropout's rates are multiplied by the square root of the fraction that is kept (Han et al., 2015, section 3.2):
    /// a sparser network needs less of it.
    pub scale_dropout: bool,
}

/// How much of a layer is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keep<'a> {
    /// The layer's name, or that of a block around it.
    pub layer: &'a str,
    /// The fraction of its weights.
    pub fraction: f32,
}

/// Which weights are compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Each layer's: the smallest of every layer go.
    Magnitude,
    /// Those of all layers that have no fraction of their own: the smallest of the network go.
    GlobalMagnitude,
}

/// When weights go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pace {
    /// All at once, before training goes on.
    OneShot,
    /// In rounds that are equally long and each keep the same fraction of what is left (Han et al., 2015).
    Iterative {
        /// How many.
        rounds: u32,
    },
    /// Little by little: `s (1 - (1 - t / T)^3)` of the weights are gone at step `t` of `T` (Zhu and Gupta, 2017), `s` in the
    /// end. Afterwards the mask stays.
    Gradual {
        /// The time until then, `T`.
        total: Span,
        /// Steps from one cut to the next.
        every: u64,
    },
}

/// The most rounds of [`Pace::Iterative`].
const MAX_ROUNDS: u32 = 100;

impl Method {
    /// The name in the language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Method::Magnitude => "magnitude",
            Method::GlobalMagnitude => "global_magnitude",
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::OneShot => f.write_str("one_shot"),
            Pace::Iterative { rounds } => write!(f, "iterative(rounds: {rounds})"),
            Pace::Gradual { total, every } => write!(f, "gradual({total}, every: {every})"),
        }
    }
}

impl Pace {
    /// The fraction that is kept once `steps` steps are taken of a run of `epochs` epochs, where `keep` is kept in the end.
    ///
    /// The powers that it takes are the same on every machine, so that a run is.
    fn kept(self, keep: f64, steps: u64, steps_per_epoch: u64, epochs: usize) -> f64 {
        match self {
            Pace::OneShot => keep,
            Pace::Iterative { rounds } => {
                let (total, rounds) =
                    ((epochs as u64).saturating_mul(steps_per_epoch).max(1), u64::from(rounds.max(1)));
                let begun = steps.saturating_mul(rounds) / total;
                if begun + 1 >= rounds { keep } else { power(root(keep, rounds), begun + 1) }
            }
            Pace::Gradual { total, every } => {
                let total = total.steps(steps_per_epoch).max(1);
                if steps >= total {
                    return keep;
                }
                let steps = steps / every.max(1) * every.max(1);
                let left = 1.0 - steps as f64 / total as f64;
                1.0 - (1.0 - keep) * (1.0 - left * left * left)
            }
        }
    }
}

/// `base^exponent` as a product, unlike `powi`, whose last bits are the platform's.
fn power(base: f64, exponent: u64) -> f64 {
    (0..exponent).fold(1.0, |power, _| power * base)
}

/// The `n`th root of a number from 0 to 1, by halving an interval: from products alone, which every machine rounds alike.
fn root(value: f64, n: u64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if power(middle, n) < value { low = middle } else { high = middle }
    }
    high
}

impl Pruning<'_> {
    /// Checks every setting's range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first that is out of it.
    pub fn check(&self) -> Result<(), Error> {
        let fractions = self.keep.into_iter().chain(self.layers.iter().map(|keep| keep.fraction));
        for fraction in fractions {
            check("keep", fraction, fraction > 0.0 && fraction <= 1.0, "a fraction above 0, up to 1")?;
        }
        let at_least_one = |setting, found: u64| {
            let message = || Error::Setting { setting, expected: "at least 1", found: found.to_string() };
            (found > 0).then_some(()).ok_or_else(message)
        };
        at_least_one("epochs", self.epochs as u64)?;
        check("lr_factor", self.lr_factor, self.lr_factor > 0.0, "a number above 0")?;
        match self.pace {
            Pace::OneShot => Ok(()),
            Pace::Iterative { rounds } => {
                let (expected, found) = ("a whole number from 1 to 100", rounds.to_string());
                let fits = (1..=MAX_ROUNDS).contains(&rounds);
                fits.then_some(()).ok_or(Error::Setting { setting: "schedule: rounds", expected, found })
            }
            Pace::Gradual { total, every } => {
                at_least_one("schedule: gradual", total.steps(1))?;
                at_least_one("schedule: every", every)?;
                let (expected, found) = ("at most the `epochs` of training under the mask", total.to_string());
                let fits = !matches!(total, Span::Epochs(epochs) if epochs > self.epochs as u64);
                fits.then_some(()).ok_or(Error::Setting { setting: "schedule: gradual", expected, found })
            }
        }
    }

    /// The recipe of training under the mask: fewer steps at a lower rate, to the end.
    #[must_use]
    pub fn retraining(&self, recipe: &Recipe) -> Recipe {
        let optimizer = recipe.optimizer.with_lr(recipe.optimizer.lr() * self.lr_factor);
        Recipe { optimizer, epochs: self.epochs, patience: None, ..*recipe }
    }

    /// The fraction of a parameter that is to be kept, if weights of it are to go.
    fn fraction(&self, parameter: &ParameterSpec) -> Option<Share> {
        if !is_prunable(parameter) {
            return None;
        }
        let own = self.layers.iter().rev().find(|keep| is_within(parameter, keep.layer));
        own.map(|keep| Share::Own(keep.fraction)).or(self.keep.map(Share::Common))
    }
}

/// Whose fraction a parameter keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Share {
    /// Its own.
    Own(f32),
    /// That of all layers.
    Common(f32),
}

impl fmt::Display for Pruning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "prune {{\n    method: {};", self.method.name())?;
        if let Some(keep) = self.keep {
            writeln!(f, "    keep: {};", Number(keep))?;
        }
        for Keep { layer, fraction } in self.layers {
            writeln!(f, "    keep({layer}): {};", Number(*fraction))?;
        }
        writeln!(f, "    schedule: {};\n    epochs: {};", self.pace, self.epochs)?;
        writeln!(f, "    lr_factor: {};", Number(self.lr_factor))?;
        writeln!(f, "    scale_dropout: {};\n}}", self.scale_dropout)
    }
}

/// Whether a parameter is a matrix of weights that training changes. Biases, scales and state are never pruned.
#[must_use]
pub fn is_prunable(parameter: &ParameterSpec) -> bool {
    parameter.trained && matches!(parameter.layout, Layout::Panels { .. })
}

/// Whether a parameter belongs to the layer or block of this name.
#[must_use]
pub fn is_within(parameter: &ParameterSpec, layer: &str) -> bool {
    parameter.name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.'))
}

/// How many weights of a parameter are not zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The parameter's name, such as `conv1.weight`.
    pub name: String,
    /// Its elements, padding not counted.
    pub weights: usize,
    /// Those that are not zero.
    pub kept: usize,
}

/// How many weights of every trained parameter are not zero, in the order of the description.
#[must_use]
pub fn kept(parameters: &Parameters) -> Vec<Kept> {
    let trained = parameters.spec().parameters.iter().filter(|parameter| parameter.trained);
    let count = |parameter: &ParameterSpec| Kept {
        name: parameter.name.to_owned(),
        weights: parameter.count(),
        // Padding is zero.
        kept: stored(parameter, parameters.values()).iter().filter(|value| **value != 0.0).count(),
    };
    trained.map(count).collect()
}

/// A parameter's part of a stored vector.
fn stored<'v>(parameter: &ParameterSpec, vector: &'v [f32]) -> &'v [f32] {
    vector.get(parameter.offset..parameter.offset + parameter.layout.len()).unwrap_or_default()
}

/// Checks that every name is that of layers with weights to prune.
fn check_names(spec: &'static Spec, layers: &[Keep<'_>]) -> Result<(), Error> {
    let prunable = || spec.parameters.iter().filter(|parameter| is_prunable(parameter));
    for keep in layers {
        if !prunable().any(|parameter| is_within(parameter, keep.layer)) {
            let layer =
                |parameter: &ParameterSpec| parameter.name.rsplit_once('.').map_or("", |(layer, _)| layer).len();
            let known = prunable().filter_map(|parameter| parameter.name.get(..layer(parameter))).collect();
            let (network, kind, name) = (spec.name, "layer with weights to prune", keep.layer.to_owned());
            return Err(Error::UnknownParameter { network, kind, name, nearest: None, known });
        }
    }
    Ok(())
}
