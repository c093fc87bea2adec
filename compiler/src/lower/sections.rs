//! Sections that speak of the network as a whole: `freeze` and `budget`.

use std::collections::{HashMap, HashSet};

use super::layers::Layers;
use super::stages::PossibleNames;
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, quote, suggest};
use crate::ir::ValueId;
use crate::recipe::Recipe;
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
    /// Whether nothing was wrong above the sections, so that every layer is known.
    pub(super) is_complete: bool,
    /// Where the `train` section is.
    pub(super) trained_at: Option<Span>,
    /// Where the `prune` section is.
    pub(super) pruned_at: Option<Span>,
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

/// Where a parameter is frozen: the layer that it belongs to, or a block around that.
fn frozen_at(names: &HashMap<String, Span>, parameter: &str) -> Option<Span> {
    parameter.match_indices('.').find_map(|(end, _)| names.get(parameter.get(..end)?).copied())
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

    /// Takes the frozen layers out of training. Of a layer that is not found nothing is said that there may be.
    pub(super) fn freeze(&mut self, may_be: Option<&PossibleNames>) {
        let frozen = std::mem::take(&mut self.sections.frozen);
        let layers = Layers::of(&self.graph);
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (name, span) in &frozen {
            if let Some(first) = seen.get(name.as_str()) {
                if first != span {
                    self.sink
                        .error(codes::N0103, format!("{} is frozen twice", quote(&spelled(name))))
                        .primary(*span, "named again here")
                        .secondary(*first, "named here first");
                }
                continue;
            }
            seen.insert(name, *span);
            let mut n_found = 0;
            for index in layers.inside(name) {
                n_found += 1;
                if let Some(parameter) = self.graph.parameters.get_mut(index) {
                    parameter.frozen |= parameter.trained;
                    parameter.trained = false;
                }
            }
            if n_found == 0 && !may_be.is_some_and(|names| names.has(name)) {
                self.no_such_layer(name, *span, false);
            }
        }
        self.sections.frozen = frozen;
    }

    /// Where names of layers and blocks are frozen.
    fn frozen_names(&self) -> HashMap<String, Span> {
        self.sections.frozen.iter().rev().cloned().collect()
    }

    /// Checks that training changes something: that a loss depends on a parameter that is trained.
    pub(super) fn check_trained(&mut self, recipe: Option<&Recipe>) {
        let (Some(recipe), Some(at)) = (recipe, self.sections.trained_at) else { return };
        if self.sink.has_errors() {
            return;
        }
        let mut reached: HashSet<ValueId> = recipe.losses().map(|loss| loss.of).collect();
        let mut frozen: Vec<&str> = Vec::new();
        // What a node reads is made above it.
        for node in self.graph.nodes.iter().rev() {
            if !node.results.iter().any(|result| reached.contains(result)) {
                continue;
            }
            for parameter in node.parameters.iter().map(|&id| self.graph.parameter(id)) {
                if parameter.trained {
                    return;
                }
                if parameter.frozen {
                    frozen.push(&parameter.name);
                }
            }
            reached.extend(&node.args);
        }
        const MOST: usize = 4;
        let names = self.frozen_names();
        let mut places: Vec<Span> = Vec::new();
        for place in frozen.iter().filter_map(|parameter| frozen_at(&names, parameter)) {
            if places.len() < MOST && !places.contains(&place) {
                places.push(place);
            }
        }
        let is_frozen = !frozen.is_empty();
        let label =
            if is_frozen { "all that its loss depends on is frozen" } else { "its loss depends on no parameter" };
        let mut report = self.sink.error(codes::N0413, "this `train` section trains nothing").primary(at, label);
        for place in places {
            report = report.secondary(place, "frozen here");
        }
        if is_frozen {
            report.help("leave what is to be trained out of `freeze`");
        } else {
            report
                .secondary(recipe.loss.span, "made by layers without weights")
                .help("layers with weights are trained, such as `conv` and `dense`");
        }
    }

    /// Gives parameters the learning rates that the section says.
    pub(super) fn rates(&mut self, may_be: Option<&PossibleNames>) {
        let rates = std::mem::take(&mut self.sections.rates);
        let layers = Layers::of(&self.graph);
        let names = self.frozen_names();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (name, factor, span) in &rates {
            if self.is_set_twice(name, *span, &mut seen, "the learning rate") {
                continue;
            }
            let (mut n_found, mut is_trained, mut frozen) = (0, false, None);
            for index in layers.inside(name).chain(layers.parameter(name)) {
                let parameter = self.graph.parameters.get_mut(index);
                if let Some(parameter) = parameter.filter(|parameter| parameter.trained || parameter.frozen) {
                    n_found += 1;
                    is_trained |= parameter.trained;
                    frozen = frozen.or_else(|| parameter.frozen.then(|| parameter.name.clone()));
                    parameter.rate = *factor;
                }
            }
            if n_found == 0 && !may_be.is_some_and(|names| names.has(name)) {
                self.no_such_layer(name, *span, true);
            } else if let Some(frozen) = frozen.filter(|_| !is_trained) {
                let title = format!("{} is frozen: its learning rate counts nowhere", quote(&spelled(name)));
                let report = self.sink.error(codes::N0413, title).primary(*span, "expected a layer that is trained");
                if let Some(place) = frozen_at(&names, &frozen) {
                    report.secondary(place, "frozen here");
                }
            }
        }
    }

    /// Reports the second of two entries for a layer of one name.
    pub(super) fn is_set_twice<'b>(
        &mut self,
        name: &'b str,
        span: Span,
        seen: &mut HashMap<&'b str, Span>,
        what: &str,
    ) -> bool {
        let Some(first) = seen.get(name).copied() else {
            seen.insert(name, span);
            return false;
        };
        self.sink
            .error(codes::N0103, format!("{what} of {} is set twice", quote(&spelled(name))))
            .primary(span, "set again here")
            .secondary(first, "set here first");
        true
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
        let is_complete = self.sections.is_complete;
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
            // Others may have had a mistake.
            None if names.is_empty() || !is_complete => report,
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
