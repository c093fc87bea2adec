//! Values as descriptions spell them: the way back from what was lowered to a text.

use std::fmt;

use super::Constant;
use super::arguments::BoundArgument;
use super::augment::{KINDS, Kind};
use super::loss::LOSSES;
use super::prune::{METHODS, PACES};
use super::sections::{Bound, Limit, Quantity};
use super::train::{Choice, OPTIMIZERS, SCHEDULES};
use crate::cost::grouped;
use crate::ir::Init;
use crate::ops::{Argument, Default, Signature};
use crate::photo::Photo;
use crate::recipe::{Change, Loss, LossKind, Setting};

/// A number with digits on both sides of the dot and no exponent.
pub(crate) fn number_text(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

/// As a budget has it: `parameters <= 1_000`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantity {
            Quantity::Parameters => f.write_str("parameters"),
            Quantity::Macs => f.write_str("macs"),
            Quantity::InferenceBytes(batch) => write!(f, "inference_bytes(batch: {batch})"),
            Quantity::TrainingBytes(batch) => write!(f, "training_bytes(batch: {batch})"),
        }?;
        let bound = match self.bound {
            Bound::AtMost => "<=",
            Bound::Below => "<",
            Bound::Exactly => "==",
        };
        write!(f, " {bound} {}", grouped(self.value))
    }
}

/// How a photograph becomes an input: `photo(resize: 256, scale: 1.0, …)`, every setting given.
pub(crate) fn photo_text(photo: &Photo) -> String {
    let Photo { resize, scale, mean, std, is_bgr } = photo;
    let list = |numbers: &[f64]| numbers.iter().map(|&number| number_text(number)).collect::<Vec<_>>().join(", ");
    let order = match mean.len() {
        3 => format!(", order: {}", quoted(if *is_bgr { "bgr" } else { "rgb" })),
        _ => String::new(),
    };
    let scale = number_text(*scale);
    format!("photo(resize: {resize}, scale: {scale}, mean: [{}], std: [{}]{order})", list(mean), list(std))
}

/// A string with its escapes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A choice of the `train` or `prune` section with its settings: `sgd(lr: 0.01)`, `one_shot`.
pub(crate) fn choice_text(variant: &str, settings: &[(&'static str, Setting)]) -> String {
    let choices = OPTIMIZERS.iter().chain(SCHEDULES).chain(METHODS).chain(PACES);
    let name = choices.into_iter().find(|choice| choice.1 == variant).map_or("", |choice| choice.0);
    let settings = settings.iter().filter_map(|(name, setting)| {
        let value = match setting {
            Setting::Number(value) => number_text(*value),
            Setting::Whole(value) => value.to_string(),
            Setting::Pixels(_) | Setting::Word(..) => return None,
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

/// A change of images with its settings: `shift(2, fill: edge)`.
pub(crate) fn change_text(change: &Change) -> String {
    let Some(kind) = KINDS.iter().find(|kind| kind.variant == change.variant) else { return String::new() };
    let settings = change.settings.iter().filter_map(|(name, setting)| {
        let value = match setting {
            Setting::Pixels(pixels) => pixels.to_string(),
            Setting::Number(value) => number_text(*value),
            Setting::Word(_, variant) => kind.word(name, variant).to_owned(),
            Setting::Whole(_) | Setting::Flag(_) | Setting::Steps(_) | Setting::Epochs(_) | Setting::Numbers(_) => {
                return None;
            }
        };
        Some(if Kind::is_named(name) { format!("{name}: {value}") } else { value })
    });
    called(kind.name, &settings.collect::<Vec<_>>())
}

/// A loss of a value, with its factor where it has one: `0.3 * cross_entropy(logits, smoothing: 0.1)`.
pub(crate) fn loss_text(loss: &Loss, of: &str) -> String {
    let (variant, settings) = match &loss.kind {
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
    let text = called(name, &[vec![of.to_owned()], settings].concat());
    if loss.weight == 1.0 { text } else { format!("{} * {text}", number_text(loss.weight)) }
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
    use crate::ir::ValueId;
    use crate::source::{SourceId, Span};

    #[test]
    fn numbers_are_spelt_without_exponents() {
        assert_eq!([1.0, 0.1, 1e-7, -3.0].map(number_text), ["1.0", "0.1", "0.0000001", "-3.0"]);
    }

    #[test]
    fn choices_are_spelt_by_their_names() {
        let settings = [("total", Setting::Epochs(3)), ("every", Setting::Whole(100))];
        assert_eq!(choice_text("Gradual", &settings), "gradual(epochs: 3, every: 100)");
        assert_eq!(choice_text("Constant", &[]), "constant");
    }

    #[test]
    fn losses_are_spelt_with_settings_and_factors() {
        let loss = |weight, kind| Loss { weight, kind, of: ValueId(0), span: Span::new(SourceId(0), 0, 0) };
        let weighted = LossKind::CrossEntropy { smoothing: 0.0, weights: vec![1.0, 2.5] };
        assert_eq!(loss_text(&loss(1.0, weighted), "y"), "cross_entropy(y, weights: [1.0, 2.5])");
        assert_eq!(loss_text(&loss(1.0, LossKind::L1), "y"), "l1(y)");
        assert_eq!(loss_text(&loss(0.5, LossKind::Huber { delta: 2.0 }), "y"), "0.5 * huber(y, delta: 2.0)");
    }

    #[test]
    fn changes_are_spelt_with_their_settings() {
        let shift = Change {
            variant: "Shift",
            settings: vec![("pixels", Setting::Pixels(2)), ("fill", Setting::Word("Fill", "Edge"))],
        };
        assert_eq!(change_text(&shift), "shift(2, fill: edge)");
        let flip = Change { variant: "Flip", settings: vec![("axis", Setting::Word("Axis", "Vertical"))] };
        assert_eq!(change_text(&flip), "flip(vertical)");
    }
}
