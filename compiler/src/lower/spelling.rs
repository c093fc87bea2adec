//! Values as descriptions spell them: the way back from what was lowered to a text.

use super::Constant;
use super::arguments::BoundArgument;
use super::loss::LOSSES;
use super::prune::{METHODS, PACES};
use super::train::{Choice, OPTIMIZERS, SCHEDULES};
use crate::ir::Init;
use crate::ops::{Argument, Default, Signature};
use crate::recipe::{LossKind, Setting};

/// A number with digits on both sides of the dot and no exponent.
pub(crate) fn number_text(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

/// A choice of the `train` or `prune` section with its settings: `sgd(lr: 0.01)`, `one_shot`.
pub(crate) fn choice_text(variant: &str, settings: &[(&'static str, Setting)]) -> String {
    let choices = OPTIMIZERS.iter().chain(SCHEDULES).chain(METHODS).chain(PACES);
    let name = choices.into_iter().find(|choice| choice.1 == variant).map_or("", |choice| choice.0);
    let settings = settings.iter().filter_map(|(name, setting)| {
        let value = match setting {
            Setting::Number(value) => number_text(*value),
            Setting::Whole(value) => value.to_string(),
            Setting::Flag(value) => value.to_string(),
            Setting::Steps(steps) => return Some(format!("steps: {steps}")),
            Setting::Epochs(epochs) => return Some(format!("epochs: {epochs}")),
            Setting::Numbers(values) if values.is_empty() => return None,
            Setting::Numbers(values) => list(values),
        };
        Some(format!("{name}: {value}"))
    });
    called(name, &settings.collect::<Vec<_>>())
}

/// A loss of a value: `cross_entropy(logits, smoothing: 0.1)`.
pub(crate) fn loss_text(loss: &LossKind, of: &str) -> String {
    let (variant, settings) = match loss {
        LossKind::CrossEntropy { smoothing, weights } => {
            let smoothing = (*smoothing != 0.0).then(|| format!("smoothing: {}", number_text(*smoothing)));
            let weights = (!weights.is_empty()).then(|| format!("weights: {}", list(weights)));
            ("CrossEntropy", smoothing.into_iter().chain(weights).collect())
        }
        LossKind::MeanSquaredError => ("MeanSquaredError", Vec::new()),
        LossKind::BinaryCrossEntropy => ("BinaryCrossEntropy", Vec::new()),
        LossKind::L1 => ("L1", Vec::new()),
        LossKind::Huber { delta } => ("Huber", vec![format!("delta: {}", number_text(*delta))]),
    };
    let name = LOSSES.iter().find(|choice: &&Choice| choice.1 == variant).map_or("", |choice| choice.0);
    called(name, &[vec![of.to_owned()], settings].concat())
}

/// The arguments that are not their defaults.
pub(super) fn arguments_text(signature: &Signature, bound: &[BoundArgument]) -> Vec<(&'static str, String)> {
    let value = |argument: &Argument| {
        let bound = bound.iter().find(|bound| bound.name == argument.name)?;
        let text = match bound.init {
            Some(init) => init_text(init),
            None => constant_text(&bound.value),
        };
        let is_default = match argument.default {
            Default::Required | Default::Layer => false,
            Default::Number(default) => matches!(bound.value, Constant::Float(found) if default.parse() == Ok(found)),
            default => default.to_string() == text,
        };
        (!is_default).then_some((argument.name, text))
    };
    signature.arguments.iter().filter_map(value).collect()
}

fn constant_text(constant: &Constant) -> String {
    match constant {
        Constant::Float(value) => number_text(*value),
        Constant::List(items) => format!("[{}]", items.iter().map(constant_text).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn init_text(init: Init) -> String {
    match init {
        Init::Constant(value) => format!("constant({})", number_text(value)),
        Init::Normal(deviation) => format!("normal({})", number_text(deviation)),
        Init::Uniform(limit) => format!("uniform({})", number_text(limit)),
        Init::Zeros | Init::Ones | Init::GlorotUniform | Init::GlorotNormal | Init::HeUniform | Init::HeNormal => {
            init.to_string()
        }
    }
}

fn list(values: &[f64]) -> String {
    format!("[{}]", values.iter().map(|&value| number_text(value)).collect::<Vec<_>>().join(", "))
}

fn called(name: &str, arguments: &[String]) -> String {
    if arguments.is_empty() { name.to_owned() } else { format!("{name}({})", arguments.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelt_without_exponents() {
        assert_eq!([1.0, 0.1, 1e-7, -3.0].map(number_text), ["1.0", "0.1", "0.0000001", "-3.0"]);
    }

    #[test]
    fn choices_are_spelt_by_their_names() {
        let settings = [("total", Setting::Epochs(3)), ("every", Setting::Whole(100))];
        assert_eq!(choice_text("Gradual", &settings), "gradual(epochs: 3, every: 100)");
        assert_eq!(choice_text("Constant", &[]), "constant");
        let loss = LossKind::CrossEntropy { smoothing: 0.0, weights: vec![1.0, 2.5] };
        assert_eq!(loss_text(&loss, "y"), "cross_entropy(y, weights: [1.0, 2.5])");
        assert_eq!(loss_text(&LossKind::L1, "y"), "l1(y)");
    }
}
