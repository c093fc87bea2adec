//! The `train` section's augmentation: changes of images, one after the other, with their settings.

use super::{Constant, Lowerer};
use crate::diagnostic::{Diagnostic, codes, quote, suggest};
use crate::recipe::{Change, MAX_CHANGES, Setting};
use crate::source::Span;
use crate::syntax::ast::{Arg, Entry, Expr, ExprKind, Ident};

/// A change: the name in the language, the runtime's variant, what it takes in order, and whether it takes `fill`.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) variant: &'static str,
    takes: &'static [Take],
    fills: bool,
}

/// What a change takes: the runtime's field, and what it may be.
struct Take(&'static str, Values);

enum Values {
    /// A whole number of pixels, 1 or more; smaller than the images' sides, or as large too.
    Pixels { whole_side: bool },
    /// A number in words, from the first up to the second; with the first where it is above 0.
    Number(&'static str, f64, f64),
    /// One of some words, with the runtime's type and variants.
    Word(&'static str, &'static [(&'static str, &'static str)]),
}

const DEGREES: Values = Values::Number("degrees above 0, up to 180", f64::MIN_POSITIVE, 180.0);
const LEAN: Values = Values::Number("degrees above 0, up to 60", f64::MIN_POSITIVE, 60.0);
const FACTOR: Values = Values::Number("a factor from 0.1 to 10", 0.1, 10.0);
const ABOVE_ZERO: Values = Values::Number("a number above 0", f64::MIN_POSITIVE, 1e6);
const FRACTION: Values = Values::Number("a number above 0, up to 1", f64::MIN_POSITIVE, 1.0);
const AXIS: Values = Values::Word("Axis", &[("horizontal", "Horizontal"), ("vertical", "Vertical")]);
const FILL: Take = Take("fill", Values::Word("Fill", &[("zero", "Zero"), ("edge", "Edge")]));

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "shift",
        variant: "Shift",
        takes: &[Take("pixels", Values::Pixels { whole_side: false })],
        fills: true,
    },
    Kind { name: "rotate", variant: "Rotate", takes: &[Take("degrees", DEGREES)], fills: true },
    Kind { name: "scale", variant: "Scale", takes: &[Take("low", FACTOR), Take("high", FACTOR)], fills: true },
    Kind { name: "shear", variant: "Shear", takes: &[Take("degrees", LEAN)], fills: true },
    Kind { name: "flip", variant: "Flip", takes: &[Take("axis", AXIS)], fills: false },
    Kind { name: "brightness", variant: "Brightness", takes: &[Take("by", ABOVE_ZERO)], fills: false },
    Kind { name: "contrast", variant: "Contrast", takes: &[Take("by", FRACTION)], fills: false },
    Kind { name: "noise", variant: "Noise", takes: &[Take("deviation", ABOVE_ZERO)], fills: false },
    Kind {
        name: "cutout",
        variant: "Cutout",
        takes: &[Take("size", Values::Pixels { whole_side: true })],
        fills: false,
    },
];

impl Kind {
    /// The word of the language for the value of a field.
    pub(super) fn word(&self, field: &str, variant: &str) -> &'static str {
        let take = self.takes.iter().chain([&FILL]).find(|take| take.0 == field);
        let words = match take.map(|take| &take.1) {
            Some(Values::Word(_, words)) => *words,
            _ => &[],
        };
        words.iter().find(|word| word.1 == variant).map_or("", |word| word.0)
    }

    /// Whether a field is written with its name.
    pub(super) fn is_named(field: &str) -> bool {
        field == FILL.0
    }
}

impl<'a> Lowerer<'a> {
    /// The changes of an `augment` entry; `None` after a message.
    pub(super) fn augmentation(&mut self, entry: &'a Entry) -> Option<Vec<Change>> {
        let mut calls: Vec<(Ident, &'a [Arg], Span)> = Vec::new();
        let mut labels: Vec<Span> = Vec::new();
        match &entry.value.kind {
            ExprKind::Error => return None,
            ExprKind::Pipe { source, stages } => {
                calls.push(match call(source) {
                    Some(call) => call,
                    None => return self.no_change(source),
                });
                for stage in stages {
                    calls.push((stage.call.name.clone(), &stage.call.args, stage.call.span));
                    labels.extend(stage.label.as_ref().map(|label| label.name.span));
                }
            }
            _ => calls.push(match call(&entry.value) {
                Some(call) => call,
                None => return self.no_change(&entry.value),
            }),
        }
        if let Some(&label) = labels.first() {
            self.sink
                .error(codes::N0207, "a change of the images has no name of its own")
                .primary(label, "remove `as` and the name");
            return None;
        }
        if let Some((.., span)) = calls.get(MAX_CHANGES) {
            self.sink
                .error(codes::N0207, format!("{} changes of an image are too many", calls.len()))
                .primary(*span, format!("expected at most {MAX_CHANGES}"));
            return None;
        }
        let sides = self.smallest_side(entry)?;
        let mut changes = Vec::with_capacity(calls.len());
        let mut is_sound = true;
        for (name, args, span) in calls {
            match self.change(&name, args, span, sides) {
                Some(change) => changes.push(change),
                None => is_sound = false,
            }
        }
        is_sound.then_some(changes)
    }

    fn no_change(&mut self, expr: &Expr) -> Option<Vec<Change>> {
        if matches!(expr.kind, ExprKind::Error) {
            return None;
        }
        let report = self
            .sink
            .error(codes::N0203, "an augmentation is made of changes")
            .primary(expr.span, "expected, for example, `shift(2) -> rotate(10)`");
        if matches!(expr.kind, ExprKind::List(_)) {
            report.help("changes follow each other with `->`");
        }
        None
    }

    /// The smallest side of the network's images; `Some(None)` where it is not known, `None` where there are no images.
    fn smallest_side(&mut self, entry: &Entry) -> Option<Option<usize>> {
        let shapes = || self.graph.inputs.iter().map(|&input| self.graph.shape(input));
        if shapes().any(|shape| !shape.is_known()) || self.graph.inputs.len() < self.sections.n_inputs {
            return Some(None);
        }
        let sides = shapes().filter_map(|shape| match shape.dims() {
            [h, w, _] => Some(*h.min(w)),
            _ => None,
        });
        match sides.min() {
            Some(side) => Some(Some(side)),
            None if self.graph.inputs.is_empty() => Some(None),
            None => {
                let input = self.graph.inputs.first().map(|&input| self.graph.value(input));
                let label = input.map(|input| (input.span, format!("{} is no image", input.shape)));
                // A layer that wants an image has told it.
                let is_same = |told: &Diagnostic| {
                    told.code == codes::N0301
                        && told
                            .secondary
                            .iter()
                            .any(|other| label.as_ref().is_some_and(|(span, _)| other.span == *span))
                };
                if self.sink.has_told(is_same) {
                    return None;
                }
                let report = self
                    .sink
                    .error(codes::N0411, "there are no images to change")
                    .primary(entry.span, "changes images of [height, width, channels]");
                if let Some((span, label)) = label {
                    report.secondary(span, label);
                }
                None
            }
        }
    }

    /// One change with its settings; `None` after a message.
    fn change(&mut self, name: &Ident, args: &'a [Arg], span: Span, side: Option<usize>) -> Option<Change> {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name.text) else {
            self.unknown_change(name);
            return None;
        };
        let mut settings = Vec::with_capacity(kind.takes.len() + 1);
        let positional: Vec<&'a Arg> = args.iter().filter(|arg| arg.name.is_none()).collect();
        let mut is_sound = true;
        for (index, take) in kind.takes.iter().enumerate() {
            let Some(arg) = positional.get(index) else {
                let words = kind.takes.iter().map(|take| in_words(&take.1)).collect::<Vec<_>>().join(", then ");
                self.sink
                    .error(codes::N0206, format!("`{}` needs {}", kind.name, what(take)))
                    .primary(span, format!("expected {words}"));
                return None;
            };
            if positional.len() > kind.takes.len() {
                // Which of them is the one too many is not known.
                break;
            }
            match self.taken(kind, take, &arg.value, side) {
                Some(setting) => settings.push((take.0, setting)),
                None => is_sound = false,
            }
        }
        if let Some(arg) = positional.get(kind.takes.len()) {
            let n = kind.takes.len();
            let plural = if n == 1 { "" } else { "s" };
            self.sink
                .error(codes::N0207, format!("`{}` takes {n} argument{plural} besides those with names", kind.name))
                .primary(arg.span, "one too many");
            return None;
        }
        let mut fill = kind.fills.then_some(Setting::Word("Fill", "Zero"));
        for arg in args {
            let Some(key) = &arg.name else { continue };
            if !(kind.fills && key.text == FILL.0) {
                let report = self
                    .sink
                    .error(codes::N0202, format!("`{}` has no setting {}", kind.name, quote(&key.text)))
                    .primary(key.span, "not a setting of it");
                match suggest(&key.text, [FILL.0].into_iter().filter(|_| kind.fills)) {
                    Some(near) => report.did_you_mean(near, key.span),
                    None if kind.fills => report.help("its setting: fill"),
                    None => report.help("it takes no settings by name"),
                };
                return None;
            }
            fill = self.taken(kind, &FILL, &arg.value, side);
            is_sound &= fill.is_some();
        }
        settings.extend(fill.map(|fill| (FILL.0, fill)));
        if let [(_, Setting::Number(low)), (_, Setting::Number(high)), ..] = settings.as_slice()
            && low > high
        {
            self.sink
                .error(codes::N0204, format!("`{}` cannot go from {low:?} to {high:?}", kind.name))
                .primary(span, "expected the smaller number first");
            return None;
        }
        is_sound.then_some(Change { variant: kind.variant, settings })
    }

    /// What a change is given; `None` after a message.
    fn taken(&mut self, kind: &Kind, take: &Take, value: &'a Expr, side: Option<usize>) -> Option<Setting> {
        if let Values::Word(ty, words) = take.1 {
            if let ExprKind::Name(found) = &value.kind
                && let Some((_, variant)) = words.iter().find(|(word, _)| word == found)
            {
                return Some(Setting::Word(ty, variant));
            }
            if !matches!(value.kind, ExprKind::Error) {
                let title = match &value.kind {
                    ExprKind::Name(found) => format!("{} of `{}` cannot be {}", what(take), kind.name, quote(found)),
                    _ => format!("{} of `{}` is a word", what(take), kind.name),
                };
                let report =
                    self.sink.error(codes::N0204, title).primary(value.span, format!("expected {}", in_words(&take.1)));
                if let ExprKind::Name(found) = &value.kind
                    && let Some(near) = suggest(found, words.iter().map(|(word, _)| *word))
                {
                    report.did_you_mean(near, value.span);
                }
            }
            return None;
        }
        let found = self.constant(value)?;
        let number = match found {
            Constant::Int(number) => Some(number as f64),
            Constant::Float(number) => Some(number),
            _ => None,
        };
        match take.1 {
            Values::Pixels { whole_side } => {
                let pixels = match found {
                    Constant::Int(pixels @ 1..) => u32::try_from(pixels).ok(),
                    _ => None,
                };
                let most = side.map(|side| if whole_side { side } else { side.saturating_sub(1) });
                if let (Some(pixels), Some(most)) = (pixels, most)
                    && pixels as usize > most
                {
                    self.sink
                        .error(codes::N0411, format!("`{}` goes beyond the image", kind.name))
                        .primary(value.span, format!("expected at most {most}"))
                        .note(format!("the smallest side of the images has {} pixels", side.unwrap_or(0)));
                    return None;
                }
                if let Some(pixels) = pixels {
                    return Some(Setting::Pixels(pixels));
                }
            }
            Values::Number(_, low, high) => {
                // What is stored is an f32: a number too small for one would be zero.
                if let Some(number) = number.filter(|&number| number >= low && number <= high && number as f32 > 0.0) {
                    return Some(Setting::Number(number));
                }
            }
            Values::Word(..) => {}
        }
        self.sink
            .error(codes::N0204, format!("{} of `{}` cannot be {found}", what(take), kind.name))
            .primary(value.span, format!("expected {}", in_words(&take.1)));
        None
    }

    fn unknown_change(&mut self, name: &Ident) {
        let names = || KINDS.iter().map(|kind| kind.name);
        let near = match name.text.as_str() {
            "translate" | "random_crop" | "crop" | "random_translation" => Some("shift"),
            "rotation" | "random_rotation" => Some("rotate"),
            "zoom" | "random_zoom" => Some("scale"),
            "hflip" | "vflip" | "mirror" | "random_flip" => Some("flip"),
            "erase" | "erasing" | "random_erasing" => Some("cutout"),
            "gaussian_noise" => Some("noise"),
            other => suggest(other, names()),
        };
        let report = self
            .sink
            .error(codes::N0403, format!("there is no change of images called {}", quote(&name.text)))
            .primary(name.span, "not a known change");
        match near {
            Some(near) => report.did_you_mean(near, name.span),
            None => report.help(format!("expected one of {}", names().collect::<Vec<_>>().join(", "))),
        };
    }
}

/// A change as it is written: a call, or a name without parentheses.
fn call(expr: &Expr) -> Option<(Ident, &[Arg], Span)> {
    match &expr.kind {
        ExprKind::Call(call) => Some((call.name.clone(), &call.args, call.span)),
        ExprKind::Name(name) => Some((Ident { text: name.clone(), span: expr.span }, &[], expr.span)),
        _ => None,
    }
}

/// What a change takes, by its field.
fn what(take: &Take) -> &'static str {
    match take.0 {
        "pixels" => "the distance",
        "degrees" => "the angle",
        "low" => "the smallest factor",
        "high" => "the largest factor",
        "axis" => "the way",
        "fill" => "the `fill`",
        "deviation" => "the deviation",
        "size" => "the side",
        _ => "the amount",
    }
}

fn in_words(values: &Values) -> String {
    match values {
        Values::Pixels { .. } => "a whole number of pixels, 1 or more".to_owned(),
        Values::Number(words, ..) => (*words).to_owned(),
        Values::Word(_, words) => words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
    }
}
