//! The `train` section's loss, or sum of losses: what they look at, and their settings.

use super::scope::Meaning;
use super::train::{ANY, Choice, POSITIVE, Preset, field, presets};
use super::{Constant, Lowerer, MAX_LOSSES};
use crate::diagnostic::{codes, quote, suggest};
use crate::ops::CrossEntropy;
use crate::recipe::{Loss, LossKind, Setting};
use crate::source::Span;
use crate::syntax::ast::{Arg, BinaryOp, Call, Expr, ExprKind};

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
            Setting::Whole(_)
            | Setting::Flag(_)
            | Setting::Steps(_)
            | Setting::Epochs(_)
            | Setting::Pixels(_)
            | Setting::Word(..) => {}
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
    /// A loss, or a sum of losses with weights: `cross_entropy(logits) + 0.3 * cross_entropy(early)`. The first comes first.
    pub(super) fn losses(&mut self, expr: &'a Expr) -> Option<(Loss, Vec<Loss>)> {
        let mut terms = Vec::new();
        let mut is_sound = self.terms(expr, 1.0, &mut terms);
        if let Some((_, extra)) = terms.get(MAX_LOSSES) {
            self.sink
                .error(codes::N0412, format!("{} losses are too many to add", terms.len()))
                .primary(extra.span, format!("expected at most {MAX_LOSSES}"));
            return None;
        }
        let is_sum = terms.len() > 1;
        let mut losses: Vec<(Loss, Span)> = Vec::with_capacity(terms.len());
        for (weight, expr) in terms {
            let Some(mut loss) = self.loss(expr) else {
                is_sound = false;
                continue;
            };
            loss.weight = weight;
            is_sound &= !is_sum || self.adds(&loss, expr, losses.first());
            losses.push((loss, expr.span));
        }
        let mut losses = losses.into_iter().map(|(loss, _)| loss);
        let first = losses.next().filter(|_| is_sound)?;
        Some((first, losses.collect()))
    }

    /// Collects the losses of a sum with their weights; `false` after a message.
    fn terms(&mut self, expr: &'a Expr, weight: f64, terms: &mut Vec<(f64, &'a Expr)>) -> bool {
        let is_loss = |expr: &Expr| matches!(expr.kind, ExprKind::Call(_) | ExprKind::Binary(BinaryOp::Add, ..));
        match &expr.kind {
            ExprKind::Binary(BinaryOp::Add, a, b) => {
                let is_sound = self.terms(a, weight, terms);
                self.terms(b, weight, terms) && is_sound
            }
            ExprKind::Binary(BinaryOp::Multiply, a, b) if is_loss(a) != is_loss(b) => {
                let (number, loss) = if is_loss(b) { (a, b) } else { (b, a) };
                let factor = match self.constant(number) {
                    None => return false,
                    Some(Constant::Int(factor)) => factor as f64,
                    Some(Constant::Float(factor)) => factor,
                    Some(_) => 0.0,
                };
                let weight = weight * factor;
                // What is stored is an f32: a number too small for one would be zero.
                if factor > 0.0 && weight as f32 > 0.0 && (weight as f32).is_finite() {
                    return self.terms(loss, weight, terms);
                }
                self.sink
                    .error(codes::N0204, "a loss cannot be multiplied by this")
                    .primary(number.span, "expected a number above 0");
                false
            }
            _ => {
                terms.push((weight, expr));
                true
            }
        }
    }

    /// Whether a loss can be added to the first of a sum: a sample has one target for all. `false` after a message.
    fn adds(&mut self, loss: &Loss, expr: &Expr, first: Option<&(Loss, Span)>) -> bool {
        if let LossKind::CrossEntropy { weights, .. } = &loss.kind
            && !weights.is_empty()
        {
            self.sink
                .error(codes::N0412, "a loss with class weights cannot be added to others")
                .primary(expr.span, "its mean is over the weights of the batch's classes")
                .help("leave out `weights`");
            return false;
        }
        let Some((first, first_span)) = first else { return true };
        let wants = |lowerer: &Self, loss: &Loss| {
            let shape = lowerer.graph.shape(loss.of);
            let size = if shape.is_known() { shape.elements().to_string() } else { "any".to_owned() };
            (
                shape.is_known(),
                if loss.kind.takes_classes() { format!("one of {size} classes") } else { format!("{size} values") },
            )
        };
        let ((is_known, found), (first_is_known, expected)) = (wants(self, loss), wants(self, first));
        if loss.kind.takes_classes() == first.kind.takes_classes()
            && (found == expected || !is_known || !first_is_known)
        {
            return true;
        }
        self.sink
            .error(codes::N0412, "these losses cannot be added: a sample has one target")
            .primary(expr.span, format!("compares with {found}"))
            .secondary(*first_span, format!("compares with {expected}"))
            .help("losses of a sum compare with the same classes, or with as many values");
        false
    }

    /// A loss of a tensor, with its settings: `cross_entropy(logits, smoothing: 0.1)`.
    fn loss(&mut self, expr: &'a Expr) -> Option<Loss> {
        let ExprKind::Call(call) = &expr.kind else {
            match expr.kind {
                ExprKind::Error => {}
                ExprKind::Binary(BinaryOp::Subtract | BinaryOp::Divide, ..) => {
                    self.sink
                        .error(codes::N0401, "losses are added, each by itself or times a number above 0")
                        .primary(expr.span, "expected, for example, `cross_entropy(a) + 0.3 * cross_entropy(b)`");
                }
                _ => {
                    self.sink
                        .error(codes::N0401, "the loss is a call")
                        .primary(expr.span, "expected, for example, `cross_entropy(logits)`");
                }
            }
            return None;
        };
        let Some(&(name, variant, fields)) = LOSSES.iter().find(|choice| choice.0 == call.name.text) else {
            self.unknown_loss(call);
            return None;
        };
        let tensors = call.args.iter().filter(|arg| arg.name.is_none());
        let (Some(Arg { value, .. }), 1) = (tensors.clone().next(), tensors.count()) else {
            let found = call.args.iter().filter(|arg| arg.name.is_none()).count();
            let plural = if found == 1 { "" } else { "s" };
            let report = self
                .sink
                .error(codes::N0206, format!("`{name}` takes one tensor, found {found} argument{plural}"))
                .primary(call.span, format!("expected `{name}(logits)`"));
            let second = call.args.iter().filter(|arg| arg.name.is_none()).nth(1);
            let is_number = |arg: &Arg| matches!(arg.value.kind, ExprKind::Int(_) | ExprKind::Float(_));
            if let (true, Some(first)) = (second.is_some_and(is_number), fields.first()) {
                report.help(format!("settings are named: `{name}(…, {}: …)`", first.name));
            } else if found > 1 {
                report.help("what it is compared with, the targets, comes with the data");
            }
            return None;
        };
        let mut settings: Vec<(&'static str, Setting, bool)> =
            presets(fields, 0).into_iter().map(|(name, setting)| (name, setting, false)).collect();
        let mut is_sound = true;
        for arg in call.args.iter().filter(|arg| arg.name.is_some()) {
            is_sound &= self.setting(name, fields, arg, false, &mut settings);
        }
        let Meaning::Tensor(of) = self.evaluate(value) else {
            self.tensor(value, name);
            return None;
        };
        if self.graph.inputs.contains(&of) {
            let made = self.graph.value(of).span;
            self.sink
                .error(codes::N0401, format!("`{name}` of an input trains nothing"))
                .primary(value.span, "expected what the layers make")
                .secondary(made, "the input");
            return None;
        }
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
        is_sound.then_some(Loss { weight: 1.0, kind, of, span: value.span })
    }

    fn unknown_loss(&mut self, call: &Call) {
        let name = &call.name;
        let names = || LOSSES.iter().map(|choice| choice.0);
        const LONGEST: usize = 40;
        let short: &str = if name.text.len() > LONGEST { "" } else { &name.text };
        let plain = short.to_lowercase().replace('_', "");
        let plain = plain.strip_suffix("loss").unwrap_or(&plain);
        let near = match plain {
            "mse" | "l2" | "meansquarederror" => Some("mean_squared_error"),
            "bce" | "bcewithlogits" | "binarycrossentropy" => Some("binary_cross_entropy"),
            "mae" | "meanabsoluteerror" | "l1" => Some("l1"),
            "smoothl1" | "huber" => Some("huber"),
            "categoricalcrossentropy" | "sparsecategoricalcrossentropy" | "nll" | "crossentropy" => {
                Some("cross_entropy")
            }
            _ => suggest(&name.text, names()),
        };
        // Those of probabilities are others, and so are settings.
        let is_same = matches!(
            plain,
            "mse" | "meansquarederror" | "bcewithlogits" | "mae" | "meanabsoluteerror" | "l1" | "smoothl1" | "huber"
        );
        let is_same = is_same && matches!(call.args.as_slice(), [Arg { name: None, .. }]);
        let report = self
            .sink
            .error(codes::N0403, format!("there is no loss called {}", quote(&name.text)))
            .primary(name.span, "not a loss");
        match near {
            Some(near) if is_same => report.fix(format!("did you mean `{near}`?"), name.span, near),
            Some(near) => report.did_you_mean(near, name.span),
            None => report.help(format!("the losses are {}", names().collect::<Vec<_>>().join(", "))),
        };
    }
}
