//! What a network says of photographs and classes: `from photo(…)` of an input, `labels` of an output.

use super::{Constant, Lowerer, channels_last};
use crate::diagnostic::{codes, quote, suggest};
use crate::photo::{MAX_SIDE, Photo, label_problem};
use crate::source::Span;
use crate::syntax::ast::{self, Arg, Call, LabelNames};
use crate::types::TensorType;

/// The settings of `photo`.
const SETTINGS: &[&str] = &["resize", "scale", "mean", "std", "order"];

impl<'a> Lowerer<'a> {
    /// How a photograph becomes the input; `None` after a message.
    pub(super) fn photo(&mut self, call: &'a Call, ty: &TensorType) -> Option<Photo> {
        if call.name.text != "photo" {
            let title = format!("an input is not made from {}", quote(&call.name.text));
            let report = self.sink.error(codes::N0701, title).primary(call.name.span, "expected `photo(…)`");
            if suggest(&call.name.text, ["photo"]).is_some() {
                report.did_you_mean("photo", call.name.span);
            }
            return None;
        }
        let shape = ty.shape().filter(|shape| shape.is_known())?;
        let &[height, width, channels @ (1 | 3)] = shape.dims() else {
            let report = self
                .sink
                .error(codes::N0701, format!("no photograph becomes an input of shape {shape}"))
                .primary(call.span, "expected an input [height, width, channels] of 1 or 3 channels");
            if let Some(turned) = channels_last(ty) {
                report.help(format!("declare it {turned}"));
            }
            return None;
        };
        let longer = height.max(width);
        if i64::try_from(longer).map_or(true, |longer| longer > MAX_SIDE) {
            self.sink
                .error(codes::N0701, format!("no photograph becomes an input of shape {shape}"))
                .primary(call.span, format!("expected sides up to {MAX_SIDE}"));
            return None;
        }
        let mut photo = Photo {
            resize: longer,
            scale: 1.0 / 255.0,
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
            is_bgr: false,
        };
        let mut given: Vec<&str> = Vec::new();
        let mut is_sound = true;
        for arg in &call.args {
            is_sound &= self.photo_setting(arg, &mut given, longer, &mut photo).is_some();
        }
        is_sound.then_some(photo)
    }

    /// Notes one setting of `photo`; `None` after a message. `longer` is the longer side of the input.
    fn photo_setting(
        &mut self,
        arg: &'a Arg,
        given: &mut Vec<&'a str>,
        longer: usize,
        photo: &mut Photo,
    ) -> Option<()> {
        let Some(key) = &arg.name else {
            self.sink
                .error(codes::N0207, "the settings of `photo` are named")
                .primary(arg.span, "expected a name, such as `resize: …`");
            return None;
        };
        if !SETTINGS.contains(&key.text.as_str()) {
            let report = self
                .sink
                .error(codes::N0202, format!("`photo` has no setting {}", quote(&key.text)))
                .primary(key.span, "not a setting of it");
            match suggest(&key.text, SETTINGS.iter().copied()) {
                _ if key.text == "crop" => report.help("what is cut from the middle has the size of the input"),
                Some(near) => report.did_you_mean(near, key.span),
                None => report.help(format!("its settings: {}", SETTINGS.join(", "))),
            };
            return None;
        }
        if given.contains(&key.text.as_str()) {
            let title = format!("{} is given twice", quote(&key.text));
            self.sink.error(codes::N0207, title).primary(key.span, "given again here");
            return None;
        }
        given.push(&key.text);
        if let ast::ExprKind::Name(order) = &arg.value.kind
            && key.text == "order"
            && matches!(order.as_str(), "rgb" | "bgr")
        {
            let at = arg.value.span;
            self.sink
                .error(codes::N0203, "`order` of `photo` is a text")
                .primary(at, "expected \"rgb\" or \"bgr\"")
                .fix(format!("write it in quotes: `\"{order}\"`"), at, format!("\"{order}\""));
            return None;
        }
        let value = self.constant(&arg.value)?;
        let channels = photo.mean.len();
        let expected = match key.text.as_str() {
            "resize" => match value {
                Constant::Int(side) if side <= MAX_SIDE && usize::try_from(side).is_ok_and(|side| side >= longer) => {
                    photo.resize = usize::try_from(side).unwrap_or(longer);
                    return Some(());
                }
                _ => format!("expected a whole number from {longer}, the input's longer side, to {MAX_SIDE}"),
            },
            "scale" => match number(&value).filter(|&scale| is_above_zero(scale)) {
                Some(scale) => {
                    photo.scale = scale;
                    return Some(());
                }
                None => "expected a number above 0, such as 1.0 / 255".to_owned(),
            },
            "mean" => match numbers(&value, channels) {
                Some(mean) => {
                    photo.mean = mean;
                    return Some(());
                }
                None => format!("expected {}", one_or_list(channels, "number")),
            },
            "std" => match numbers(&value, channels).filter(|std| std.iter().all(|&std| is_above_zero(std))) {
                Some(std) => {
                    photo.std = std;
                    return Some(());
                }
                None => format!("expected {}", one_or_list(channels, "number above 0")),
            },
            _ => match &value {
                Constant::Text(order) if channels == 3 && matches!(order.as_str(), "rgb" | "bgr") => {
                    photo.is_bgr = order == "bgr";
                    return Some(());
                }
                _ if channels == 1 => "a grey photograph has one channel: leave it out".to_owned(),
                _ => "expected \"rgb\" or \"bgr\"".to_owned(),
            },
        };
        self.sink
            .error(codes::N0204, format!("{} of `photo` cannot be {value}", quote(&key.text)))
            .primary(arg.value.span, expected);
        None
    }

    /// Notes the labels of an output, which may stand above it.
    pub(super) fn note_labels(&mut self, labels: &'a ast::Labels) {
        let names = match &labels.names {
            LabelNames::Text(_) => self.program.labels.get(&labels.names_span).cloned().flatten(),
            LabelNames::List(list) => self.label_list(list),
        };
        self.sections.labels.push((labels, names));
    }

    /// Whether an expression is a name that means nothing.
    fn is_bare(&mut self, expr: &ast::Expr) -> bool {
        matches!(&expr.kind, ast::ExprKind::Name(name) if self.lookup(name).is_none())
    }

    /// The labels of a list; `None` after a message.
    fn label_list(&mut self, list: &'a ast::Expr) -> Option<Vec<String>> {
        if let ast::ExprKind::List(items) = &list.kind
            && let Some(item) = items.iter().find(|item| self.is_bare(item))
        {
            let report = self
                .sink
                .error(codes::N0702, "a label is a string, found a name")
                .primary(item.span, "expected a list such as [\"cat\", \"dog\"], or the path of a text");
            let quoted = |item: &ast::Expr| match &item.kind {
                ast::ExprKind::Name(name) | ast::ExprKind::Str(name) => Some(format!("\"{name}\"")),
                _ => None,
            };
            let all = items.iter().map(quoted).collect::<Option<Vec<String>>>();
            match all.filter(|all| all.iter().all(|name| !name.contains('\\'))) {
                Some(all) => report.fix("write them in quotes", list.span, format!("[{}]", all.join(", "))),
                None => report.help("write it in quotes"),
            };
            return None;
        }
        let value = self.constant(list)?;
        let mut at = list.span;
        let (title, help) = match value {
            Constant::List(items) => {
                let mut names = Vec::with_capacity(items.len());
                let mut problem = None;
                for (index, item) in items.into_iter().enumerate() {
                    problem = match item {
                        Constant::Text(name) => {
                            let problem = label_problem(&name);
                            names.push(name);
                            problem
                        }
                        other => Some(format!("a label is a string, found {other}")),
                    };
                    if problem.is_some() {
                        let written = match &list.kind {
                            ast::ExprKind::List(written) => written.get(index),
                            _ => None,
                        };
                        at = written.map_or(at, |item| item.span);
                        break;
                    }
                }
                match problem {
                    None => return Some(names),
                    Some(problem) => (problem, None),
                }
            }
            Constant::Text(_) => {
                let help = "the path of a text is written out: `labels y: \"names.txt\";`";
                ("labels are a list of strings, found one string".to_owned(), Some(help))
            }
            other => (format!("labels are a list of strings, found {other}"), None),
        };
        let report = self
            .sink
            .error(codes::N0702, title)
            .primary(at, "expected a list such as [\"cat\", \"dog\"], or the path of a text");
        if let Some(help) = help {
            report.help(help);
        }
        None
    }

    /// The labels of all outputs, in the order of these.
    pub(super) fn labels(&mut self) -> Vec<Vec<String>> {
        let mut found: Vec<(Vec<String>, Option<Span>)> = vec![(Vec::new(), None); self.graph.outputs.len()];
        // What has a mistake may be an output that is missed here.
        let is_sound = !self.sink.has_errors();
        for (labels, names) in std::mem::take(&mut self.sections.labels) {
            let output = &labels.output;
            let Some(index) = self.graph.outputs.iter().position(|other| other.name == output.text) else {
                if is_sound {
                    self.no_such_output(output);
                }
                continue;
            };
            let value = self.graph.outputs.get(index).map(|output| output.value);
            let (Some(slot), Some(value)) = (found.get_mut(index), value) else { continue };
            if let Some(first) = slot.1 {
                self.sink
                    .error(codes::N0103, format!("the labels of {} are given twice", quote(&output.text)))
                    .primary(output.span, "given again here")
                    .secondary(first, "given here first");
                continue;
            }
            slot.1 = Some(output.span);
            let Some(names) = names else { continue };
            let shape = self.graph.shape(value);
            if shape.is_known() && shape.dims() != [names.len()] {
                let n = names.len();
                let title =
                    format!("{n} label{} for {} of shape {shape}", if n == 1 { "" } else { "s" }, quote(&output.text));
                self.sink.error(codes::N0702, title).primary(
                    labels.names_span,
                    match shape.dims() {
                        [_] => format!("expected a label for each of its numbers, found {n}"),
                        _ => "expected an output of one axis, with a label for each number".to_owned(),
                    },
                );
                continue;
            }
            slot.0 = names;
        }
        found.into_iter().map(|(names, _)| names).collect()
    }

    fn no_such_output(&mut self, name: &ast::Ident) {
        let outputs: Vec<&str> = self.graph.outputs.iter().map(|output| output.name.as_str()).collect();
        let (near, list) = (suggest(&name.text, outputs.iter().copied()), outputs.join(", "));
        let near = near.map(str::to_owned);
        let report = self
            .sink
            .error(codes::N0702, format!("there is no output called {}", quote(&name.text)))
            .primary(name.span, "not an output of this network");
        match near {
            Some(near) => report.did_you_mean(&near, name.span),
            None => report.help(format!("its outputs: {list}")),
        };
    }
}

/// A number that an f32 can hold.
fn number(value: &Constant) -> Option<f64> {
    let number = match value {
        Constant::Int(value) => *value as f64,
        Constant::Float(value) => *value,
        _ => return None,
    };
    (number as f32).is_finite().then_some(number)
}

fn is_above_zero(number: f64) -> bool {
    number as f32 > 0.0
}

/// A number for each channel: a list of as many, or one for all.
fn numbers(value: &Constant, channels: usize) -> Option<Vec<f64>> {
    match value {
        Constant::List(items) if items.len() == channels => items.iter().map(number).collect(),
        Constant::List(_) => None,
        other => number(other).map(|one| vec![one; channels]),
    }
}

fn one_or_list(channels: usize, what: &str) -> String {
    match channels {
        1 => format!("a {what}"),
        _ => format!("a {what}, or a list of one for each of the {channels} channels"),
    }
}
