//! The `train` section's loss: what it looks at, and its settings.

use super::Lowerer;
use super::scope::Meaning;
use super::train::{ANY, Choice, POSITIVE, Preset, field, presets};
use crate::diagnostic::{codes, quote, suggest};
use crate::ops::CrossEntropy;
use crate::recipe::{Loss, LossKind, Setting};
use crate::syntax::ast::{Arg, Expr, ExprKind, Ident};

const WEIGHTS: &str = "weights";
pub(super) const LOSSES: &[Choice] = &[
    (
        "cross_entropy",
        "CrossEntropy",
        &[field("smoothing", Preset::Number(0.0), 0.0, 1.0), field(WEIGHTS, Preset::Numbers, POSITIVE, ANY)],
    ),
    ("mean_squared_error", "MeanSquaredError", &[]),
    ("binary_cross_entropy", "BinaryCrossEntropy", &[]),
    ("l1", "L1", &[]),
    ("huber", "Huber", &[field("delta", Preset::Number(1.0), POSITIVE, ANY)]),
];

/// A loss from the runtime's variant and its settings, which are complete.
fn loss_kind(variant: &str, settings: Vec<(&'static str, Setting, bool)>) -> LossKind {
    let (mut number, mut weights) = (0.0, Vec::new());
    for (_, setting, _) in settings {
        match setting {
            Setting::Number(value) => number = value,
            Setting::Numbers(values) => weights = values,
            Setting::Whole(_) | Setting::Flag(_) | Setting::Steps(_) | Setting::Epochs(_) => {}
        }
    }
    match variant {
        "CrossEntropy" => LossKind::CrossEntropy { smoothing: number, weights },
        "BinaryCrossEntropy" => LossKind::BinaryCrossEntropy,
        "L1" => LossKind::L1,
        "Huber" => LossKind::Huber { delta: number },
        _ => LossKind::MeanSquaredError,
    }
}

impl<'a> Lowerer<'a> {
    /// A loss of a tensor, with its settings: `cross_entropy(logits, smoothing: 0.1)`.
    pub(super) fn loss(&mut self, expr: &'a Expr) -> Option<Loss> {
        let ExprKind::Call(call) = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Error) {
                self.sink
                    .error(codes::N0401, "the loss is a call")
                    .primary(expr.span, "expected, for example, `cross_entropy(logits)`");
            }
            return None;
        };
        let Some(&(name, variant, fields)) = LOSSES.iter().find(|choice| choice.0 == call.name.text) else {
            self.unknown_loss(&call.name);
            return None;
        };
        let tensors = call.args.iter().filter(|arg| arg.name.is_none());
        let (Some(Arg { value, .. }), 1) = (tensors.clone().next(), tensors.count()) else {
            let found = call.args.iter().filter(|arg| arg.name.is_none()).count();
            let plural = if found == 1 { "" } else { "s" };
            self.sink
                .error(codes::N0206, format!("`{name}` takes one tensor, found {found} argument{plural}"))
                .primary(call.span, format!("expected `{name}(logits)`"));
            return None;
        };
        let mut settings: Vec<(&'static str, Setting, bool)> =
            presets(fields, 0).into_iter().map(|(name, setting)| (name, setting, false)).collect();
        let mut is_sound = true;
        for arg in call.args.iter().filter(|arg| arg.name.is_some()) {
            is_sound &= self.setting(name, fields, arg, &mut settings);
        }
        let Meaning::Tensor(of) = self.evaluate(value) else {
            self.tensor(value, name);
            return None;
        };
        let kind = loss_kind(variant, settings);
        if let LossKind::CrossEntropy { weights, .. } = &kind {
            if let Some(mismatch) = CrossEntropy::mismatch(&self.graph.shape(of).into()) {
                let report = self.sink.error(mismatch.code, mismatch.title).primary(value.span, mismatch.expected);
                if let Some(help) = mismatch.help {
                    report.help(help);
                }
                return None;
            }
            let shape = self.graph.shape(of);
            let (found, classes) = (weights.len(), shape.elements());
            if shape.is_known() && found > 0 && found != classes {
                let given = call.args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == WEIGHTS));
                self.sink
                    .error(codes::N0404, format!("`{name}` takes one weight for each class, found {found}"))
                    .primary(given.map_or(call.span, |arg| arg.value.span), format!("expected {classes}"))
                    .secondary(value.span, format!("there are {classes} classes"));
                return None;
            }
        }
        is_sound.then_some(Loss { kind, of, span: value.span })
    }

    fn unknown_loss(&mut self, name: &Ident) {
        let names = || LOSSES.iter().map(|choice| choice.0);
        let near = match name.text.as_str() {
            "mse" | "mse_loss" => Some("mean_squared_error"),
            "bce" | "bce_with_logits" | "binary_crossentropy" => Some("binary_cross_entropy"),
            "mae" | "mean_absolute_error" | "l1_loss" => Some("l1"),
            "smooth_l1" | "smooth_l1_loss" | "huber_loss" => Some("huber"),
            other => suggest(other, names()),
        };
        let report = self
            .sink
            .error(codes::N0403, format!("there is no loss called {}", quote(&name.text)))
            .primary(name.span, "not a loss");
        match near {
            Some(near) => report.did_you_mean(near, name.span),
            None => report.help(format!("the losses are {}", names().collect::<Vec<_>>().join(", "))),
        };
    }
}
