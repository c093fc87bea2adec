//! Sections that speak of the network as a whole: `freeze` and `budget`.

use std::collections::{HashMap, HashSet};

use super::layers::Layers;
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, quote, suggest};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind};
use crate::syntax::keywords::is_keyword;

/// The sections of a network that were reached.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) train: Vec<&'a ast::Section>,
    pub(super) prune: Vec<&'a ast::Section>,
    pub(super) budgets: Vec<&'a ast::Budget>,
    /// Labels with their names; `None` after a message.
    pub(super) labels: Vec<(&'a ast::Labels, Option<Vec<String>>)>,
    /// Names of layers and blocks that are frozen.
    frozen: Vec<(String, Span)>,
    /// Names of layers, blocks and parameters, with what their learning rate is multiplied by.
    pub(super) rates: Vec<(String, f64, Span)>,
    /// Names of layers and blocks, with the fraction of their weights that pruning keeps.
    pub(super) kept: Vec<(String, f64, Span)>,
    /// How many inputs and outputs were declared, with mistakes or without.
    pub(super) n_inputs: usize,
    pub(super) n_outputs: usize,
}

/// What a budget limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Trained and frozen parameters, without padding.
    Parameters,
    /// Multiply-adds of one image.
    Macs,
    /// Bytes of parameters and activations of prediction, for a batch of this size.
    InferenceBytes(usize),
    /// Bytes of parameters, gradients, the optimiser's state and activations of training, for a batch of this size.
    TrainingBytes(usize),
}

/// How a quantity is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `==`
    Exactly,
}

/// A line of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub quantity: Quantity,
    /// How.
    pub bound: Bound,
    /// To what.
    pub value: u64,
    /// Where it says so.
    pub span: Span,
}

/// The quantities, by their names.
const QUANTITIES: &[&str] = &["parameters", "macs", "inference_bytes", "training_bytes"];

/// The keyword that a section starts with.
pub(super) fn keyword(span: Span, word: &str) -> Span {
    let end = span.start.saturating_add(u32::try_from(word.len()).unwrap_or(0));
    Span::new(span.source, span.start, end.min(span.end))
}

/// A layer's name as a path of the language: `fire[2].squeeze` for `fire.2.squeeze`.
fn spelled(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for part in name.split('.') {
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else if is_keyword(part) {
            path.push_str(&format!("[\"{part}\"]"));
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(part);
        }
    }
    path
}

/// Some names as paths, and no more than a reader follows.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut names = names.map(spelled);
    let shown: Vec<String> = names.by_ref().take(MOST).collect();
    shown.join(", ") + if names.next().is_some() { ", …" } else { "" }
}

impl<'a> Lowerer<'a> {
    /// Notes the names of a `freeze`, which may stand above the layers that it names.
    pub(super) fn note_frozen(&mut self, freeze: &'a ast::Freeze) {
        for path in &freeze.paths {
            if let Some(name) = self.path(path) {
                self.sections.frozen.push((name, path.span));
            }
        }
    }

    /// The name that a path spells: `fire.2.squeeze`; `None` after a message.
    pub(super) fn path(&mut self, path: &'a ast::Path) -> Option<String> {
        let parts: Option<Vec<String>> =
            path.parts.iter().map(|part| self.label(Some(part)).map(|(name, _)| name)).collect();
        Some(parts?.join("."))
    }

    /// Takes the frozen layers out of training.
    pub(super) fn freeze(&mut self, is_complete: bool) {
        let frozen = std::mem::take(&mut self.sections.frozen);
        let layers = Layers::of(&self.graph);
        let mut seen = HashSet::new();
        for (name, span) in frozen.iter().filter(|(name, _)| seen.insert(name)) {
            let mut n_found = 0;
            for index in layers.inside(name) {
                n_found += 1;
                if let Some(parameter) = self.graph.parameters.get_mut(index) {
                    parameter.frozen |= parameter.trained;
                    parameter.trained = false;
                }
            }
            if n_found == 0 && is_complete {
                self.no_such_layer(name, *span, false);
            }
        }
    }

    /// Gives parameters the learning rates that the section says.
    pub(super) fn rates(&mut self, is_complete: bool) {
        let rates = std::mem::take(&mut self.sections.rates);
        let layers = Layers::of(&self.graph);
        // Of several factors for one name the last counts, where it stands.
        let last: HashMap<&String, usize> = rates.iter().map(|(name, ..)| name).zip(0..).collect();
        for (at, (name, factor, span)) in rates.iter().enumerate() {
            if last.get(name) != Some(&at) {
                continue;
            }
            let mut n_found = 0;
            for index in layers.inside(name).chain(layers.parameter(name)) {
                let parameter = self.graph.parameters.get_mut(index);
                if let Some(parameter) = parameter.filter(|parameter| parameter.trained || parameter.frozen) {
                    n_found += 1;
                    parameter.rate = *factor;
                }
            }
            if n_found == 0 && is_complete {
                self.no_such_layer(name, *span, true);
            }
        }
    }

    /// Reports a path that names no layer with parameters, nor a parameter where that can be named.
    pub(super) fn no_such_layer(&mut self, name: &str, span: Span, with_parameters: bool) {
        let (mut layers, mut seen) = (Vec::new(), HashSet::new());
        // Of messages that nobody sees, none needs to know what there is.
        let parameters = if self.sink.is_full() { &[] } else { self.graph.parameters.as_slice() };
        for parameter in parameters {
            // The layer, and the blocks around it.
            for (at, _) in parameter.name.match_indices('.') {
                let layer = parameter.name.get(..at).unwrap_or_default();
                if seen.insert(layer) {
                    layers.push(layer);
                }
            }
        }
        let owner = parameters.iter().find(|parameter| parameter.name == name);
        let owner = owner.and_then(|parameter| parameter.name.rsplit_once('.')).map(|(layer, _)| spelled(layer));
        let named = parameters.iter().map(|parameter| parameter.name.as_str()).filter(|_| with_parameters);
        let near = suggest(name, layers.iter().copied().chain(named)).map(str::to_owned);
        // A layer or block that is there, of which the rest is not.
        let mut ends = name.rmatch_indices('.').map(|(at, _)| name.get(..at).unwrap_or_default());
        let parent = ends.find(|end| seen.contains(end));
        // The slip is in what stands behind it.
        let near = near.filter(|near| parent.is_none_or(|parent| near.starts_with(parent)));
        let inside = parent.map(|parent| {
            let start = format!("{parent}.");
            let parameters = parameters.iter().filter_map(|parameter| parameter.name.strip_prefix(&start));
            let own: Vec<&str> = parameters.filter(|rest| !rest.contains('.')).collect();
            let is_part = |layer: &&str| layer.strip_prefix(&start).is_some_and(|rest| !rest.contains('.'));
            match own.as_slice() {
                [] => format!("the layers of `{}`: {}", spelled(parent), list(layers.iter().copied().filter(is_part))),
                _ if with_parameters => {
                    format!("the parameters of `{}`: {}", spelled(parent), list(own.into_iter()))
                }
                _ => format!("a whole layer is named: `{}`", spelled(parent)),
            }
        });
        let names = list(layers.iter().copied());
        let made: Vec<&str> = self.made_by(name, &layers);
        let report = self
            .sink
            .error(codes::N0117, format!("no layer with parameters is called {}", quote(name)))
            .primary(span, "not a layer of this network");
        match near {
            _ if let Some(layer) = owner => report.help(format!("a whole layer is named: `{layer}`")),
            _ if !made.is_empty() => {
                let made = list(made.into_iter());
                report.help(format!("it is a value, made by {made}: name layers, `-> conv(…) as name`, or list these"))
            }
            Some(near) => report.did_you_mean(&spelled(&near), span),
            None if let Some(inside) = inside => report.help(inside),
            None if names.is_empty() => report,
            None => report.help(format!("the layers with parameters are {names}")),
        };
    }

    /// The layers that a value of that name is made by where it is bound.
    fn made_by<'b>(&self, name: &str, layers: &[&'b str]) -> Vec<&'b str> {
        let Some(frame) = self.frames.last() else { return Vec::new() };
        let bound = frame.bound(name);
        let is_inside =
            |layer: &&&str| frame.names.find(layer).is_some_and(|at| bound.iter().any(|value| value.contains(at)));
        layers.iter().filter(is_inside).copied().collect()
    }

    /// The limits of all budgets.
    pub(super) fn budget(&mut self) -> Vec<Limit> {
        let limits = std::mem::take(&mut self.sections.budgets).into_iter().flat_map(|budget| &budget.limits);
        limits.filter_map(|limit| self.limit(limit)).collect()
    }

    fn limit(&mut self, expr: &'a ast::Expr) -> Option<Limit> {
        let bound = |op: &BinaryOp| match op {
            BinaryOp::LessEqual => Some(Bound::AtMost),
            BinaryOp::Less => Some(Bound::Below),
            BinaryOp::Equal => Some(Bound::Exactly),
            _ => None,
        };
        let parts = match &expr.kind {
            ExprKind::Error => return None,
            ExprKind::Binary(op, quantity, value) => bound(op).map(|bound| (bound, quantity, value)),
            _ => None,
        };
        let Some((bound, quantity, value)) = parts else {
            self.sink
                .error(codes::N0406, "a limit compares a quantity with a number")
                .primary(expr.span, "expected, for example, `parameters <= 1_000_000`")
                .help("`<=`, `<` and `==` compare");
            return None;
        };
        let quantity = self.quantity(quantity)?;
        let most = match self.constant(value)? {
            Constant::Int(value) => u64::try_from(value).ok(),
            Constant::Float(value) if (0.0..1e18).contains(&value) && value.fract() == 0.0 => Some(value as u64),
            _ => None,
        };
        let Some(value) = most.map(|most| Limit { quantity, bound, value: most, span: expr.span }) else {
            self.sink
                .error(codes::N0204, "a limit is a whole number, 0 or more")
                .primary(value.span, "expected a whole number, such as 1_000_000");
            return None;
        };
        Some(value)
    }

    fn quantity(&mut self, expr: &'a ast::Expr) -> Option<Quantity> {
        let (name, args, span): (&str, &[ast::Arg], Span) = match &expr.kind {
            ExprKind::Name(name) => (name, &[], expr.span),
            ExprKind::Call(call) => (&call.name.text, &call.args, call.name.span),
            _ => ("", &[], expr.span),
        };
        let make = match name {
            "parameters" if args.is_empty() => return Some(Quantity::Parameters),
            "macs" if args.is_empty() => return Some(Quantity::Macs),
            "inference_bytes" => Quantity::InferenceBytes,
            "training_bytes" => Quantity::TrainingBytes,
            "parameters" | "macs" => {
                self.sink
                    .error(codes::N0207, format!("`{name}` takes no arguments"))
                    .primary(expr.span, format!("expected `{name}`"));
                return None;
            }
            _ => {
                let report = self
                    .sink
                    .error(codes::N0406, format!("a budget knows no quantity {}", quote(name)))
                    .primary(span, "not a quantity of a budget");
                match suggest(name, QUANTITIES.iter().copied()) {
                    Some(near) => report.did_you_mean(near, span),
                    None => report.help(format!("the quantities are {}", QUANTITIES.join(", "))),
                };
                return None;
            }
        };
        let mut at = expr.span;
        let batch = match args {
            [] => return Some(make(1)),
            [arg] if arg.name.as_ref().is_none_or(|name| name.text == "batch") => {
                at = arg.value.span;
                self.constant(&arg.value)?
            }
            [ast::Arg { name: Some(wrong), .. }] => {
                self.sink
                    .error(codes::N0202, format!("`{name}` has no argument {}", quote(&wrong.text)))
                    .primary(wrong.span, "not an argument of it")
                    .did_you_mean("batch", wrong.span);
                return None;
            }
            _ => Constant::Bool(false),
        };
        match batch {
            Constant::Int(batch) if (1..=1 << 20).contains(&batch) => usize::try_from(batch).ok().map(make),
            _ => {
                self.sink
                    .error(codes::N0204, format!("`{name}` takes the size of a batch"))
                    .primary(at, format!("expected, for example, `{name}(batch: 16)`"));
                None
            }
        }
    }
}
