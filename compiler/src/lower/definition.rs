//! Blocks at their definition: each is checked once, symbolically, on every way through its conditions, whether it is
//! used or not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::scope::{Frame, Meaning};
use super::{Constant, Lowerer, Noticed};
use crate::diagnostic::{Sink, codes, quote};
use crate::ir::Graph;
use crate::ops;
use crate::program::{Program, Unit};
use crate::source::Span;
use crate::syntax::{ast, names};
use crate::types::{Demand, Dim, Facts, Truth, Witness};

/// Most ways through a block's conditions that are checked; the others are left to the instances.
const MAX_WAYS: usize = 64;

/// Most statements and layers that the checks of all definitions go through together, blocks and loops unrolled. Blocks
/// that use each other twice unroll to as much as a network may, each of them anew: without a limit of its own a short
/// text would take minutes. The bundled families need less than a hundredth. What is beyond it is left to the instances.
const MAX_WORK: usize = 20_000;

/// A way through the conditions of a block: the answers to questions that its variables leave open.
pub(super) struct Paths {
    /// Answers in the order of the questions.
    answers: Vec<bool>,
    /// How many were asked.
    asked: usize,
    /// The block's variables.
    variables: Vec<Arc<str>>,
}

impl Paths {
    pub(super) fn variables(&self) -> &[Arc<str>] {
        &self.variables
    }

    /// The next answer; a new question is answered with yes first.
    fn answer(&mut self) -> bool {
        if self.asked == self.answers.len() {
            self.answers.push(true);
        }
        self.asked += 1;
        self.answers[self.asked - 1]
    }

    /// The way after this one: the last yes becomes a no. `None` if all were gone.
    fn next(mut answers: Vec<bool>) -> Option<Vec<bool>> {
        while answers.last() == Some(&false) {
            answers.pop();
        }
        *answers.last_mut()? = false;
        Some(answers)
    }
}

/// Checks every block of a program at its definition.
pub(crate) fn check_blocks(program: &Program, sink: &mut Sink) -> Noticed {
    let mut noticed = Noticed::default();
    for (unit, found) in program.units.iter().enumerate() {
        check_names(&found.file, sink);
        hides_used(program, found, &mut noticed);
        let mut lowerer = Lowerer::new(program, Graph::default(), Facts::new(), sink);
        for constant in &found.file.constants {
            lowerer.file_constant(unit, constant);
        }
        noticed.append(lowerer.noticed);
    }
    let mut definitions = Definitions { program, noticed, work: 0, broken: Arc::default(), blamed: HashSet::new() };
    for (unit, block) in callees_first(program) {
        let before = sink.n_errors();
        for chosen in choices(&block.params) {
            definitions.check(unit, block, &chosen, sink);
        }
        if sink.n_errors() > before {
            Arc::make_mut(&mut definitions.broken).insert(block.span);
        }
    }
    definitions.noticed
}

/// All blocks with their files, those that another calls before it: what a mistake of one makes of the other is not told.
fn callees_first(program: &Program) -> Vec<(usize, &ast::Block)> {
    let mut by_name: HashMap<&str, (usize, &ast::Block)> = HashMap::new();
    let mut waiting: Vec<(usize, &ast::Block)> = Vec::new();
    for (unit, found) in program.units.iter().enumerate() {
        for block in &found.file.blocks {
            by_name.entry(&block.name.text).or_insert((unit, block));
            waiting.push((unit, block));
        }
    }
    waiting.reverse();
    let (mut seen, mut entered, mut ordered) = (HashSet::new(), HashSet::new(), Vec::new());
    while let Some(&(unit, block)) = waiting.last() {
        if entered.insert(block.span) {
            names::calls(&block.items, &mut |call| {
                let called = by_name.get(call.name.text.as_str());
                waiting.extend(called.filter(|(_, called)| !entered.contains(&called.span)));
            });
            continue;
        }
        waiting.pop();
        if seen.insert(block.span) {
            ordered.push((unit, block));
        }
    }
    ordered
}

/// Blocks and constants of one file have names of their own, and none of a layer.
fn check_names(file: &ast::File, sink: &mut Sink) {
    let names = file.blocks.iter().map(|block| &block.name).chain(file.constants.iter().map(|constant| &constant.name));
    let mut seen: HashMap<&str, &ast::Ident> = HashMap::new();
    for name in names {
        let first = *seen.entry(&name.text).or_insert(name);
        if !std::ptr::eq(first, name) {
            sink.error(codes::N0103, format!("the name `{}` is defined twice", name.text))
                .primary(name.span, "defined again here")
                .secondary(first.span, "defined here first");
        }
    }
    for block in &file.blocks {
        if ops::signature(&block.name.text).is_some() {
            sink.error(codes::N0103, format!("`{}` is a layer of the language", block.name.text))
                .primary(block.name.span, "expected another name")
                .help("names of blocks start with a capital, as in `Fire`");
        }
    }
}

/// Blocks and constants of a file go before those of the files that it uses, which they hide.
fn hides_used(program: &Program, unit: &Unit, noticed: &mut Noticed) {
    let names = |file: &'_ ast::File| -> Vec<(String, Span)> {
        let constants = file.constants.iter().map(|constant| &constant.name);
        let names = file.blocks.iter().map(|block| &block.name).chain(constants);
        names.map(|name| (name.text.clone(), name.span)).collect()
    };
    let used = unit.uses.iter().filter_map(|&used| program.units.get(used));
    let outer: HashMap<String, Span> = used.flat_map(|unit| names(&unit.file)).collect();
    for (name, inner) in names(&unit.file) {
        if let Some(outer) = outer.get(&name) {
            noticed.hide(inner, *outer, &name);
        }
    }
}

/// The values of all parameters that have few: truth values and choices.
pub(crate) fn choices(params: &[ast::Param]) -> Vec<Vec<(&str, Constant)>> {
    let mut all: Vec<Vec<(&str, Constant)>> = vec![Vec::new()];
    for param in params {
        let values: Vec<Constant> = match &param.ty {
            ast::ParamType::Bool => vec![Constant::Bool(true), Constant::Bool(false)],
            ast::ParamType::Choice(choices) => {
                choices.iter().map(|choice| Constant::Text(choice.text.clone())).collect()
            }
            ast::ParamType::Tensor(_) | ast::ParamType::Int | ast::ParamType::Float => continue,
        };
        if all.len() * values.len() > MAX_WAYS {
            // The first value stands for the others.
            all.iter_mut().for_each(|chosen| {
                chosen.extend(values.first().map(|value| (param.name.text.as_str(), value.clone())))
            });
            continue;
        }
        all = all
            .iter()
            .flat_map(|chosen| {
                values.iter().map(move |value| {
                    let mut chosen = chosen.clone();
                    chosen.push((param.name.text.as_str(), value.clone()));
                    chosen
                })
            })
            .collect();
    }
    all
}

/// The checks of all definitions.
struct Definitions<'a> {
    program: &'a Program,
    noticed: Noticed,
    /// Statements and layers that were gone through.
    work: usize,
    /// Blocks that have mistakes.
    broken: Arc<HashSet<Span>>,
    /// Places of values that have had a part in a mistake of shapes.
    blamed: HashSet<Span>,
}

impl Definitions<'_> {
    /// Checks a block with these values of its parameters, on every way through it.
    fn check(&mut self, unit: usize, block: &ast::Block, chosen: &[(&str, Constant)], sink: &mut Sink) {
        let mut way = Some(Vec::new());
        for _ in 0..MAX_WAYS {
            let Some(answers) = way.take().filter(|_| self.work < MAX_WORK) else { return };
            let mut own = Sink::new();
            let mut lowerer = Lowerer::new(self.program, Graph::default(), Facts::new(), &mut own);
            lowerer.paths = Some(Paths { answers, asked: 0, variables: Vec::new() });
            (lowerer.broken, lowerer.blamed) = (Arc::clone(&self.broken), std::mem::take(&mut self.blamed));
            lowerer.definition(unit, block, chosen);
            self.work += lowerer.n_steps + lowerer.n_layers;
            self.noticed.append(lowerer.noticed);
            self.blamed = lowerer.blamed;
            let (facts, paths) = (lowerer.facts, lowerer.paths);
            let Some(mut paths) = paths else { return };
            let is_first = paths.answers.is_empty();
            // A mistake counts if some instance goes this way. Without questions every instance does.
            if is_first || !own.has_errors() || Witness::find(&facts, &paths.variables, &|_| true).is_some() {
                // A name that another way through the block misses, too, is one mistake.
                own.forget(|told| {
                    told.code == codes::N0101
                        && sink.has_told(|other| {
                            other.code == told.code
                                && other.title == told.title
                                && block.span.contains(other.primary.span)
                        })
                });
                sink.append(own);
            }
            paths.answers.truncate(paths.asked);
            way = Paths::next(paths.answers);
        }
    }
}

impl<'a> Lowerer<'a> {
    /// Checks a block as if it were called with variables.
    fn definition(&mut self, unit: usize, block: &'a ast::Block, chosen: &[(&str, Constant)]) {
        self.frames.push(Frame::new(unit, Some(block), &block.items, String::new()));
        if self.lacks_operand(block) {
            self.frames.pop();
            return;
        }
        let variables = self.dimension_variables(block);
        for (name, span) in &variables {
            self.facts.declare_least(name, 1);
            self.variable(name);
            let meaning = Meaning::Constant(Constant::Dim(Dim::variable(name)));
            self.frame().define(name, meaning, *span);
        }
        self.refuse_unbound(block, &variables);
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for param in &block.params {
            let name = param.name.text.as_str();
            let first = *seen.entry(name).or_insert(param.name.span);
            if first != param.name.span {
                self.sink
                    .error(codes::N0103, format!("parameter `{name}` is defined twice"))
                    .primary(param.name.span, "defined again here")
                    .secondary(first, "defined here first");
                continue;
            }
            let meaning = match &param.ty {
                ast::ParamType::Tensor(_) => continue,
                ast::ParamType::Int => {
                    self.variable(name);
                    Meaning::Constant(Constant::Dim(Dim::variable(name)))
                }
                ast::ParamType::Float => Meaning::Constant(Constant::AnyFloat),
                ast::ParamType::Bool | ast::ParamType::Choice(_) => chosen
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map_or(Meaning::Unknown, |(_, value)| Meaning::Constant(value.clone())),
            };
            if let Some((_, constant)) = self.find_constant(unit, name) {
                self.noticed.hide(param.name.span, constant.name.span, name);
            }
            self.note_choices(param);
            self.frame().define(name, meaning, param.name.span);
            if let Some(default) = &param.default
                && let Some(value) = self.constant(default)
            {
                self.typed(param, value, default.span, false);
            }
        }
        for param in &block.params {
            let ast::ParamType::Tensor(shape) = &param.ty else { continue };
            let ty = self.dims(&shape.dims, shape.span);
            let value = self.value(&param.name.text, ty, param.name.span);
            self.note_hidden(&param.name);
            self.frame().define(&param.name.text, Meaning::Tensor(value), param.name.span);
            if let Some(default) = &param.default {
                self.sink
                    .error(codes::N0203, "a tensor has no default")
                    .primary(default.span, "expected none")
                    .secondary(shape.span, "this is a tensor");
            }
        }
        self.items(&block.items);
        self.check_results(block);
        self.frames.pop();
    }

    /// Reports a block that takes no tensor, though the shape of what it gives has sizes of one.
    fn lacks_operand(&mut self, block: &'a ast::Block) -> bool {
        if block.params.iter().any(|param| matches!(param.ty, ast::ParamType::Tensor(_))) {
            return false;
        }
        let mut unbound: Vec<&str> = Vec::new();
        for dim in block.results.iter().flat_map(|result| &result.dims) {
            let ast::ExprKind::Name(name) = &dim.kind else { continue };
            let is_param = block.params.iter().any(|param| param.name.text == *name);
            if !is_param && !unbound.contains(&name.as_str()) && self.lookup(name).is_none() {
                unbound.push(name);
            }
        }
        if unbound.is_empty() {
            return false;
        }
        let names = unbound.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" and ");
        let name = &block.name.text;
        self.sink
            .error(codes::N0101, format!("`{name}` takes no tensor that gives {names} a value"))
            .primary(block.name.span, "expected a tensor among its parameters")
            .help(format!("a block takes tensors as parameters: `block {name}(x: [H, W, C], …)`"));
        true
    }

    /// The names in the shapes of a block's tensors that are neither parameters nor constants, in order.
    pub(super) fn dimension_variables(&mut self, block: &'a ast::Block) -> Vec<(String, Span)> {
        let mut variables: Vec<(String, Span)> = Vec::new();
        for param in &block.params {
            let ast::ParamType::Tensor(shape) = &param.ty else { continue };
            for dim in &shape.dims {
                let ast::ExprKind::Name(name) = &dim.kind else { continue };
                let is_param = block.params.iter().any(|param| param.name.text == *name);
                let is_new = !variables.iter().any(|(other, _)| other == name);
                if is_new && !is_param && self.lookup(name).is_none() {
                    variables.push((name.clone(), dim.span));
                }
            }
        }
        variables
    }

    /// Reports the names in the shapes of a block's tensors that nothing binds, such as that of `[2 * K]`, once for all.
    pub(super) fn refuse_unbound(&mut self, block: &'a ast::Block, variables: &[(String, Span)]) {
        let mut unbound: Vec<(String, Span)> = Vec::new();
        for param in &block.params {
            let ast::ParamType::Tensor(shape) = &param.ty else { continue };
            for dim in &shape.dims {
                let mut names = Vec::new();
                crate::syntax::names::in_expr(dim, &mut |name| names.push(name.to_owned()));
                for name in names {
                    let is_param = block.params.iter().any(|param| param.name.text == name);
                    let is_variable = variables.iter().any(|(variable, _)| *variable == name);
                    if is_param || is_variable || self.lookup(&name).is_some() {
                        continue;
                    }
                    self.frame().define(&name, Meaning::Unknown, dim.span);
                    unbound.push((name, dim.span));
                }
            }
        }
        let Some((first, at)) = unbound.first() else { return };
        let names = unbound.iter().map(|(name, _)| quote(name)).collect::<Vec<_>>().join(" and ");
        let first = quote(first);
        self.sink
            .error(codes::N0101, format!("nothing gives {names} a value"))
            .primary(*at, "a name gets its value where it is an axis of its own")
            .help(format!(
                "name the whole axis, such as `[N]`, and compute with it, with an `assert` if it must be a multiple; or \
                 make {first} a parameter"
            ));
    }

    fn variable(&mut self, name: &str) {
        if let Some(paths) = &mut self.paths {
            paths.variables.push(name.into());
        }
    }

    /// Decides a question. What variables leave open is answered one way now, and the other way later.
    pub(super) fn decide(
        &mut self,
        truth: Truth,
        if_true: impl FnOnce() -> Demand,
        if_false: impl FnOnce() -> Demand,
    ) -> bool {
        match (truth, &mut self.paths) {
            (Truth::Always, _) => true,
            (Truth::Never, _) | (Truth::Open, None) => false,
            (Truth::Open, Some(paths)) => {
                let answer = paths.answer();
                self.facts.demand(if answer { if_true() } else { if_false() });
                answer
            }
        }
    }
}
