//! The `train` section: its entries, checked and with defaults filled in.

use super::entries::Entries;
use super::sections::keyword;
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, quote, suggest};
use crate::recipe::{Optimizer, Recipe, Schedule, Setting};
use crate::source::Span;
use crate::syntax::ast::{Arg, Entry, Expr, ExprKind, Ident, Network};
use crate::syntax::keywords::TRAIN_ENTRIES;

const ENTRIES: Entries = Entries {
    section: "train",
    code: codes::N0402,
    keys: TRAIN_ENTRIES,
    of_layers: ("lr", "multiplies the learning rate of a layer"),
    synonyms: &[
        ("batch_size", "batch"),
        ("optimiser", "optimizer"),
        ("augmentation", "augment"),
        ("warmup", "warmup_steps"),
        ("validation_split", "validation"),
        ("early_stopping", "patience"),
        ("clip", "clip_norm"),
        ("grad_clip", "clip_norm"),
        ("lr_schedule", "schedule"),
        ("scheduler", "schedule"),
        ("lr_scheduler", "schedule"),
    ],
    same: &["batch_size", "optimiser", "augmentation", "lr_schedule", "scheduler", "lr_scheduler"],
    advice: &[
        ("lr", LR_ADVICE),
        ("learning_rate", LR_ADVICE),
        ("weight_decay", DECAY_ADVICE),
        ("momentum", "it is a setting of the optimizer: `optimizer: sgd(lr: 0.1, momentum: 0.9);`"),
        ("nesterov", "it is a setting of the optimizer: `optimizer: sgd(lr: 0.1, momentum: 0.9, nesterov: true);`"),
        ("beta1", BETA_ADVICE),
        ("beta2", BETA_ADVICE),
        ("betas", BETA_ADVICE),
        ("epsilon", "it is a setting of the optimizer: `optimizer: adam(epsilon: 1e-8);`"),
        ("smoothing", SMOOTHING_ADVICE),
        ("label_smoothing", SMOOTHING_ADVICE),
        ("class_weights", WEIGHTS_ADVICE),
        ("weights", WEIGHTS_ADVICE),
        ("shuffle", "every epoch takes the examples in another order, which `seed` decides"),
        ("dropout", "it is a layer: `-> dropout(0.5)`"),
    ],
};

const DECAY_ADVICE: &str = "it is a setting of the optimizer: `optimizer: adamw(weight_decay: 0.01);`";
const BETA_ADVICE: &str = "the optimizer has two settings for it: `optimizer: adam(beta1: 0.9, beta2: 0.999);`";
const SMOOTHING_ADVICE: &str = "it is a setting of the loss: `loss: cross_entropy(logits, smoothing: 0.1);`";
const WEIGHTS_ADVICE: &str = "they are a setting of the loss: `loss: cross_entropy(logits, weights: [1.0, 2.0]);`";

const LR_ADVICE: &str =
    "it is a setting of the optimizer, `optimizer: adam(lr: 0.001);`, or of layers, `lr(conv1): 0.1;`";

/// A choice with settings: the name in the language, the runtime's variant, the settings.
pub(super) type Choice = (&'static str, &'static str, &'static [Field]);

/// A setting of a choice.
pub(super) struct Field {
    pub(super) name: &'static str,
    default: Preset,
    /// The values that it may have: at least the first, less than the second.
    range: (f64, f64),
}

/// What a setting is when left out.
#[derive(Clone, Copy)]
pub(super) enum Preset {
    Number(f64),
    /// A whole number.
    Whole(u64),
    Flag(bool),
    /// A list of numbers, none when left out.
    Numbers,
    Required,
    /// A time, given as `steps:` or `epochs:`.
    RequiredTime,
    /// The same; the whole training when left out.
    WholeTraining,
}

pub(super) const fn field(name: &'static str, default: Preset, low: f64, high: f64) -> Field {
    Field { name, default, range: (low, high) }
}

pub(super) const POSITIVE: f64 = f64::MIN_POSITIVE;
pub(super) const ANY: f64 = f32::MAX as f64;

const LR: &str = "lr";
pub(super) const OPTIMIZERS: &[Choice] = &[
    (
        "sgd",
        "Sgd",
        &[
            field(LR, Preset::Number(0.01), POSITIVE, ANY),
            field("momentum", Preset::Number(0.0), 0.0, 1.0),
            field("nesterov", Preset::Flag(false), 0.0, 0.0),
            field("weight_decay", Preset::Number(0.0), 0.0, ANY),
        ],
    ),
    (
        "adam",
        "Adam",
        &[
            field(LR, Preset::Number(0.001), POSITIVE, ANY),
            field("beta1", Preset::Number(0.9), 0.0, 1.0),
            field("beta2", Preset::Number(0.999), 0.0, 1.0),
            field("epsilon", Preset::Number(1e-7), POSITIVE, ANY),
            field("weight_decay", Preset::Number(0.0), 0.0, ANY),
        ],
    ),
    (
        "adamw",
        "AdamW",
        &[
            field(LR, Preset::Number(0.001), POSITIVE, ANY),
            field("beta1", Preset::Number(0.9), 0.0, 1.0),
            field("beta2", Preset::Number(0.999), 0.0, 1.0),
            field("epsilon", Preset::Number(1e-7), POSITIVE, ANY),
            field("weight_decay", Preset::Number(0.01), 0.0, ANY),
        ],
    ),
    (
        "rmsprop",
        "RmsProp",
        &[
            field(LR, Preset::Number(0.001), POSITIVE, ANY),
            field("rho", Preset::Number(0.9), 0.0, 1.0),
            field("epsilon", Preset::Number(1e-7), POSITIVE, ANY),
            field("momentum", Preset::Number(0.0), 0.0, 1.0),
        ],
    ),
];

pub(super) const SCHEDULES: &[Choice] = &[
    ("constant", "Constant", &[]),
    (
        "step",
        "Step",
        &[field("every", Preset::RequiredTime, 0.0, 0.0), field("factor", Preset::Number(0.1), POSITIVE, ANY)],
    ),
    (
        "exponential",
        "Exponential",
        &[field("every", Preset::RequiredTime, 0.0, 0.0), field("factor", Preset::Required, POSITIVE, ANY)],
    ),
    (
        "cosine",
        "Cosine",
        &[field("total", Preset::WholeTraining, 0.0, 0.0), field("minimum", Preset::Number(0.0), 0.0, ANY)],
    ),
    (
        "polynomial",
        "Polynomial",
        &[
            field("total", Preset::WholeTraining, 0.0, 0.0),
            field("power", Preset::Number(1.0), POSITIVE, ANY),
            field("end", Preset::Number(0.0), 0.0, ANY),
        ],
    ),
    (
        "inverse",
        "Inverse",
        &[field("gamma", Preset::Required, 0.0, ANY), field("power", Preset::Number(1.0), 0.0, ANY)],
    ),
];

/// The largest whole number of the section, so that products of two fit into 64 bits.
const MAX_COUNT: i64 = u32::MAX as i64;

impl<'a> Lowerer<'a> {
    /// Checks the network's `train` section; `None` if there is none, or after a message.
    pub(super) fn train_section(&mut self, network: &'a Network) -> Option<Recipe> {
        let mut sections = std::mem::take(&mut self.sections.train).into_iter();
        let train = sections.next()?;
        self.check_single("train", train, sections, network);
        self.sections.trained_at = Some(keyword(train.span, "train"));
        self.check_keys(train, &ENTRIES, Self::rate);
        let entry = |key: &str| train.entries.iter().find(|entry| entry.key.text == key);
        let epochs = self.whole(entry("epochs"), 1, 10);
        let batch = self.whole(entry("batch"), 1, 32);
        let seed = self.whole(entry("seed"), 0, 0);
        let warmup_steps = self.whole(entry("warmup_steps"), 0, 0);
        let patience = entry("patience").map(|entry| self.whole(Some(entry), 1, 1));
        let validation = entry("validation").map(|entry| self.fraction(entry));
        let clip_norm = entry("clip_norm").map(|entry| self.positive(entry));
        let augment = entry("augment").map(|entry| self.augmentation(entry));
        let loss = match entry("loss") {
            Some(entry) => self.losses(&entry.value),
            // An entry that was meant to be the loss has a message.
            None if train.entries.iter().any(|entry| ENTRIES.near(&entry.key.text) == Some("loss")) => None,
            None => {
                self.sink
                    .error(codes::N0401, "the `train` section has no loss")
                    .primary(keyword(train.span, "train"), "expected an entry such as `loss: cross_entropy(logits);`");
                None
            }
        };
        let adam = Optimizer { variant: "Adam", settings: presets(OPTIMIZERS[1].2, 0) };
        let optimizer = match entry("optimizer") {
            Some(entry) => self
                .choice(&entry.value, "optimizer", OPTIMIZERS, 0)
                .map(|(variant, settings)| Optimizer { variant, settings }),
            None => Some(adam),
        };
        let total = epochs.unwrap_or(1);
        let schedule = match entry("schedule") {
            Some(entry) => self
                .choice(&entry.value, "schedule", SCHEDULES, total)
                .map(|(variant, settings)| Schedule { variant, settings }),
            None => Some(Schedule { variant: "Constant", settings: Vec::new() }),
        };
        let (loss, more_losses) = loss?;
        Some(Recipe {
            loss,
            more_losses,
            optimizer: optimizer?,
            schedule: schedule?,
            warmup_steps: warmup_steps?,
            batch: batch?,
            epochs: epochs?,
            seed: seed?,
            patience: transposed(patience)?,
            validation: transposed(validation)?,
            clip_norm: transposed(clip_norm)?,
            augment: transposed(augment)?.unwrap_or_default(),
        })
    }

    /// Notes the factor of some layers' learning rate.
    fn rate(&mut self, entry: &'a Entry) {
        let Some(factor) = self.positive(entry) else { return };
        for path in &entry.paths {
            if let Some(name) = self.path(path) {
                self.sections.rates.push((name, factor, path.span));
            }
        }
    }

    /// A whole number, `least` or more; `default` where the entry is missing, `None` after a message.
    pub(super) fn whole(&mut self, entry: Option<&'a Entry>, least: i64, default: u64) -> Option<u64> {
        let Some(entry) = entry else { return Some(default) };
        match self.constant(&entry.value)? {
            Constant::Int(value) if (least..=MAX_COUNT).contains(&value) => u64::try_from(value).ok(),
            other => {
                self.sink
                    .error(codes::N0204, format!("{} cannot be {other}", quote(&entry.key.text)))
                    .primary(entry.value.span, format!("expected a whole number from {least} to {MAX_COUNT}"));
                None
            }
        }
    }

    fn fraction(&mut self, entry: &'a Entry) -> Option<f64> {
        self.number(entry, "expected a fraction between 0 and 1", |value| value > 0.0 && value < 1.0)
    }

    pub(super) fn positive(&mut self, entry: &'a Entry) -> Option<f64> {
        self.number(entry, "expected a number above 0", |value| value > 0.0 && (value as f32).is_finite())
    }

    /// Reports a call where a number stands.
    fn is_call(&mut self, key: &Ident, value: &Expr, expected: &str) -> bool {
        let ExprKind::Call(call) = &value.kind else { return false };
        let title = format!("{} is a number, found {}", quote(&key.text), quote(&call.name.text));
        let report = self.sink.error(codes::N0203, title).primary(value.span, expected);
        if SCHEDULES.iter().any(|choice| choice.0 == call.name.text) {
            report.help(format!("a schedule is an entry of its own: `schedule: {}(…);`", call.name.text));
        }
        true
    }

    /// A number that fits; `None` after a message.
    pub(super) fn number(&mut self, entry: &'a Entry, expected: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
        if self.is_call(&entry.key, &entry.value, expected) {
            return None;
        }
        let given = self.constant(&entry.value)?;
        let value = match given {
            Constant::Int(value) => value as f64,
            Constant::Float(value) => value,
            other => {
                self.sink
                    .error(codes::N0203, format!("expected a number, found {other}"))
                    .primary(entry.value.span, "expected a number");
                return None;
            }
        };
        if fits(value) {
            return Some(value);
        }
        self.sink
            .error(codes::N0204, format!("{} cannot be {given}", quote(&entry.key.text)))
            .primary(entry.value.span, expected);
        None
    }

    /// A choice with settings: `adam(lr: 0.001)`, or a name alone.
    pub(super) fn choice(
        &mut self,
        expr: &'a Expr,
        what: &str,
        choices: &[Choice],
        epochs: u64,
    ) -> Option<(&'static str, Vec<(&'static str, Setting)>)> {
        let (name, span, args): (&str, Span, &[Arg]) = match &expr.kind {
            ExprKind::Name(name) => (name, expr.span, &[]),
            ExprKind::Call(call) => (&call.name.text, call.name.span, &call.args),
            ExprKind::Error => return None,
            _ => {
                let names: Vec<&str> = choices.iter().map(|choice| choice.0).collect();
                let report = self
                    .sink
                    .error(codes::N0203, format!("the {what} is a name"))
                    .primary(expr.span, format!("expected one of {}", names.join(", ")));
                if let ExprKind::Str(name) = &expr.kind
                    && names.contains(&name.as_str())
                {
                    report.fix(format!("write it without quotes: `{name}`"), expr.span, name.as_str());
                }
                return None;
            }
        };
        let Some(&(_, variant, fields)) = choices.iter().find(|choice| choice.0 == name) else {
            let names = || choices.iter().map(|choice| choice.0);
            let report = self
                .sink
                .error(codes::N0403, format!("there is no {what} called {}", quote(name)))
                .primary(span, format!("not a known {what}"));
            match suggest(name, names()) {
                Some(near) => report.did_you_mean(near, span),
                None => report.help(format!("expected one of {}", names().collect::<Vec<_>>().join(", "))),
            };
            return None;
        };
        let mut settings: Vec<(&'static str, Setting, bool)> =
            presets(fields, epochs).into_iter().map(|(name, setting)| (name, setting, false)).collect();
        let mut is_sound = true;
        // The one number of an optimizer that is not named is its rate, as elsewhere; of several, who knows.
        let is_rate = args.iter().filter(|arg| arg.name.is_none()).count() == 1;
        for arg in args {
            is_sound &= self.setting(name, fields, arg, is_rate, &mut settings);
        }
        for field in fields {
            let is_missing = !settings.iter().any(|(name, ..)| *name == field.name);
            if is_sound && is_missing {
                let words = match field.default {
                    Preset::RequiredTime => "`steps` or `epochs`".to_owned(),
                    _ => format!("`{}`", field.name),
                };
                self.sink
                    .error(codes::N0206, format!("`{name}` needs {words}"))
                    .primary(expr.span, format!("expected {words}"));
                is_sound = false;
            }
        }
        is_sound = is_sound && self.has_momentum(expr, args, &settings);
        // In the order of the fields, as the runtime's variants have them.
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        settings.sort_by_key(|(name, ..)| place(name));
        is_sound.then(|| (variant, settings.into_iter().map(|(name, setting, _)| (name, setting)).collect()))
    }

    /// Reports Nesterov's momentum where there is none, which changes nothing.
    fn has_momentum(&mut self, expr: &Expr, args: &[Arg], settings: &[(&'static str, Setting, bool)]) -> bool {
        let is_set = |wanted: &str, value: &Setting| {
            settings.iter().any(|(name, setting, _)| *name == wanted && setting == value)
        };
        if !is_set("nesterov", &Setting::Flag(true)) || !is_set("momentum", &Setting::Number(0.0)) {
            return true;
        }
        let given = |wanted: &str| {
            let arg = args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == wanted));
            arg.map(|arg| arg.span)
        };
        let report = self
            .sink
            .error(codes::N0206, "`nesterov` needs a momentum")
            .primary(given("nesterov").unwrap_or(expr.span), "changes the momentum, and there is none");
        match given("momentum") {
            Some(at) => report.secondary(at, "none"),
            None => report,
        }
        .help("for example: `sgd(lr: 0.1, momentum: 0.9, nesterov: true)`");
        false
    }

    /// One setting of a choice, which may be the learning rate if it has no name; `false` after a message.
    pub(super) fn setting(
        &mut self,
        choice: &str,
        fields: &'static [Field],
        arg: &'a Arg,
        is_rate: bool,
        settings: &mut Vec<(&'static str, Setting, bool)>,
    ) -> bool {
        let Some(key) = &arg.name else {
            let title = format!("the settings of `{choice}` are named");
            if self.sink.has_told(|told| told.title == title && told.primary.span.source == arg.span.source) {
                return false;
            }
            match fields.first() {
                Some(field) => {
                    let report = self
                        .sink
                        .error(codes::N0207, title)
                        .primary(arg.span, format!("expected a name, such as `{}: …`", shown(field)));
                    match field.name {
                        LR if is_rate => report.fix(format!("write `{LR}: …`"), arg.span.before(), format!("{LR}: ")),
                        _ => report,
                    }
                }
                None => self
                    .sink
                    .error(codes::N0207, format!("`{choice}` takes no settings"))
                    .primary(arg.span, "one too many"),
            };
            return false;
        };
        let is_time = |field: &&Field| matches!(field.default, Preset::RequiredTime | Preset::WholeTraining);
        let time = fields.iter().find(is_time).filter(|_| matches!(key.text.as_str(), "steps" | "epochs"));
        let field = time.or_else(|| fields.iter().find(|field| field.name == key.text && !is_time(field)));
        let Some(field) = field else {
            let names: Vec<&str> = fields
                .iter()
                .flat_map(|field| if is_time(&field) { vec!["steps", "epochs"] } else { vec![field.name] })
                .collect();
            let near = match key.text.as_str() {
                "learning_rate" => Some("lr"),
                "eps" => Some("epsilon"),
                "betas" => Some("beta1"),
                "gamma" => Some("factor"),
                "step_size" => Some("epochs"),
                "label_smoothing" => Some("smoothing"),
                "weight" | "class_weight" | "class_weights" => Some("weights"),
                other => suggest(other, names.iter().copied()),
            };
            let near = near.filter(|near| names.contains(near));
            let report = self
                .sink
                .error(codes::N0202, format!("`{choice}` has no setting {}", quote(&key.text)))
                .primary(key.span, "not a setting of it");
            match near {
                Some(near) => report.did_you_mean(near, key.span),
                None if names.is_empty() => report.help("it takes no settings"),
                None => report.help(format!("its settings: {}", names.join(", "))),
            };
            return false;
        };
        if settings.iter().any(|&(name, _, is_given)| name == field.name && is_given) {
            let title = if is_time(&field) {
                format!("the time of `{choice}` is given twice")
            } else {
                format!("{} is given twice", quote(&key.text))
            };
            self.sink.error(codes::N0207, title).primary(key.span, "given again here");
            return false;
        }
        if self.is_call(key, &arg.value, "expected a value") {
            return false;
        }
        let value = match (field.default, self.constant(&arg.value)) {
            (_, None) => return false,
            (Preset::Flag(_), Some(Constant::Bool(value))) => Setting::Flag(value),
            (Preset::Whole(_), Some(Constant::Int(value))) if in_range(field, value as f64) => {
                Setting::Whole(value.unsigned_abs())
            }
            (Preset::RequiredTime | Preset::WholeTraining, Some(Constant::Int(value)))
                if (1..=MAX_COUNT).contains(&value) =>
            {
                let time = value.unsigned_abs();
                if key.text == "steps" { Setting::Steps(time) } else { Setting::Epochs(time) }
            }
            (Preset::Number(_) | Preset::Required, Some(Constant::Int(value))) if in_range(field, value as f64) => {
                Setting::Number(value as f64)
            }
            (Preset::Number(_) | Preset::Required, Some(Constant::Float(value))) if in_range(field, value) => {
                Setting::Number(value)
            }
            (Preset::Numbers, Some(Constant::List(items))) if numbers(field, &items).is_some() => {
                Setting::Numbers(numbers(field, &items).unwrap_or_default())
            }
            (default, Some(found)) => {
                let expected = match default {
                    Preset::Numbers => "expected a list of numbers above 0".to_owned(),
                    Preset::Flag(_) => "expected `true` or `false`".to_owned(),
                    Preset::Whole(_) => {
                        format!("expected a whole number from {} up and below {}", field.range.0, field.range.1)
                    }
                    Preset::RequiredTime | Preset::WholeTraining => "expected a whole number, 1 or more".to_owned(),
                    Preset::Number(_) | Preset::Required => match field.range {
                        (low, high) if high == ANY => {
                            format!("expected a number {}", if low > 0.0 { "above 0" } else { "from 0 up" })
                        }
                        (low, high) => format!("expected a number from {low} up and below {high}"),
                    },
                };
                self.sink
                    .error(codes::N0204, format!("{} of `{choice}` cannot be {found}", quote(&key.text)))
                    .primary(arg.value.span, expected);
                return false;
            }
        };
        settings.retain(|(name, ..)| *name != field.name);
        settings.push((field.name, value, true));
        true
    }
}

/// A list of numbers in the field's range, at least one.
fn numbers(field: &Field, items: &[Constant]) -> Option<Vec<f64>> {
    let number = |item: &Constant| match item {
        Constant::Int(value) => Some(*value as f64),
        Constant::Float(value) => Some(*value),
        _ => None,
    };
    let values: Vec<f64> =
        items.iter().map(|item| number(item).filter(|&value| in_range(field, value))).collect::<Option<_>>()?;
    (!values.is_empty()).then_some(values)
}

fn in_range(field: &Field, value: f64) -> bool {
    // What is stored is an f32: a number too small for one would be zero.
    let stored = f64::from(value as f32);
    stored.is_finite()
        && stored >= field.range.0.min(f64::from(f32::from_bits(1)))
        && value >= field.range.0
        && value < field.range.1
}

fn shown(field: &Field) -> &'static str {
    match field.default {
        Preset::RequiredTime | Preset::WholeTraining => "epochs",
        Preset::Number(_) | Preset::Whole(_) | Preset::Flag(_) | Preset::Numbers | Preset::Required => field.name,
    }
}

/// The settings that need not be given.
pub(super) fn presets(fields: &'static [Field], epochs: u64) -> Vec<(&'static str, Setting)> {
    let preset = |field: &'static Field| {
        let setting = match field.default {
            Preset::Number(value) => Setting::Number(value),
            Preset::Whole(value) => Setting::Whole(value),
            Preset::Flag(value) => Setting::Flag(value),
            Preset::Numbers => Setting::Numbers(Vec::new()),
            Preset::WholeTraining => Setting::Epochs(epochs),
            Preset::Required | Preset::RequiredTime => return None,
        };
        Some((field.name, setting))
    };
    fields.iter().filter_map(preset).collect()
}

/// `Some(None)` where nothing was given, `None` where what was given has a mistake.
pub(super) fn transposed<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(some) => Some(some),
    }
}
