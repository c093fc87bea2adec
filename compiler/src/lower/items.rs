//! Statements: bindings, conditions, constants, assertions.

use std::collections::HashMap;

use super::scope::Meaning;
use super::{Constant, Lowerer, MAX_ERRORS, MAX_STEPS, VALUES_A_STEP};
use crate::diagnostic::{codes, count, quote};
use crate::ops;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::{Demand, Dim, TensorType};

impl<'a> Lowerer<'a> {
    /// Carries out statements in order, up to a `return`.
    pub(super) fn items(&mut self, items: &'a [ast::Item]) {
        for (index, item) in items.iter().enumerate() {
            if self.is_stopped {
                // What follows is read by those who go on.
                self.mention(&items[index..]);
                return;
            }
            if let Some((_, span)) = self.frame().returned {
                if index > 0 && matches!(items.get(index - 1), Some(ast::Item::Return(_))) {
                    let at = span_of(item);
                    self.sink
                        .error(codes::N0111, "nothing can follow `return`")
                        .primary(at, "never reached")
                        .secondary(span, "the block ends here");
                }
                return self.pass_over(items.get(index..).unwrap_or_default());
            }
            self.n_steps += 1;
            if self.n_steps > MAX_STEPS {
                self.stop(span_of(item), format!("the network unrolls to more than {MAX_STEPS} statements"));
                return;
            }
            if self.is_refuted && !matches!(item, ast::Item::Assert(_) | ast::Item::Const(_)) {
                let item = std::slice::from_ref(item);
                self.mention(item);
                self.set_aside(item);
                continue;
            }
            self.item(item);
            self.count_work();
        }
    }

    /// Counts what the statement that was carried out was more than a short one: long expressions as many statements. Where
    /// mistakes come back again and again, all that there is to tell has been told.
    fn count_work(&mut self) {
        self.n_steps = self.n_steps.saturating_add(std::mem::take(&mut self.n_values) / VALUES_A_STEP);
        if self.sink.n_errors().saturating_sub(self.n_errors_before) > MAX_ERRORS {
            self.is_stopped = true;
        }
    }

    /// Reports that a limit is passed, once; nothing more is unrolled then.
    pub(super) fn stop(&mut self, span: Span, title: String) {
        if !std::mem::replace(&mut self.is_stopped, true) {
            self.sink.error(codes::N0112, title).primary(span, "the first beyond the limit");
        }
    }

    fn item(&mut self, item: &'a ast::Item) {
        match item {
            ast::Item::Input(input) => {
                self.sections.n_inputs += 1;
                if self.only_in_network("an input", input.span) {
                    self.input(input);
                } else {
                    self.frame().define(&input.name.text, Meaning::Unknown, input.name.span);
                }
            }
            ast::Item::Output(output) => {
                self.sections.n_outputs += 1;
                if self.only_in_network("an output", output.span) {
                    if self.only_outside_loops("an output", output.span) {
                        self.output(output);
                    } else {
                        self.rebind(&output.name, Meaning::Unknown);
                    }
                } else {
                    // It is meant to be returned.
                    self.frame().has_output = true;
                }
            }
            ast::Item::Binding(binding) => {
                self.bind(&binding.names, binding.annotation.as_ref(), &binding.value);
            }
            ast::Item::Return(result) => self.give_back(result),
            ast::Item::Const(constant) => {
                if self.is_taken(&constant.name) {
                    return;
                }
                self.note_hidden(&constant.name);
                (self.frame().binding, self.frame().binds_numbers) = (Some(constant.name.span), true);
                let meaning = self.constant(&constant.value).map_or(Meaning::Unknown, Meaning::Constant);
                self.frame().binding = None;
                self.frame().define(&constant.name.text, meaning, constant.name.span);
            }
            ast::Item::Assert(assertion) => self.assertion(assertion),
            ast::Item::For(repetition) => self.repetition(repetition),
            ast::Item::If(branches) => self.branches(branches),
            ast::Item::Train(train) => {
                let (what, at) = ("a `train` section", super::sections::keyword(train.span, "train"));
                if self.only_in_network(what, at) && self.only_outside_loops(what, at) {
                    self.sections.train.push(train);
                }
            }
            ast::Item::Prune(prune) => {
                let (what, at) = ("a `prune` section", super::sections::keyword(prune.span, "prune"));
                if self.only_in_network(what, at) && self.only_outside_loops(what, at) {
                    self.sections.prune.push(prune);
                }
            }
            ast::Item::Freeze(freeze) => {
                if self.only_in_network("`freeze`", freeze.span) {
                    self.note_frozen(freeze);
                }
            }
            ast::Item::Budget(budget) => {
                if self.only_in_network("a `budget`", super::sections::keyword(budget.span, "budget")) {
                    self.sections.budgets.push(budget);
                }
            }
            ast::Item::Labels(labels) => {
                if self.only_in_network("`labels`", labels.span) {
                    self.note_labels(labels);
                }
            }
            ast::Item::Levels(_) => {}
        }
    }

    /// Reports what stands in a block though it belongs to a network.
    fn only_in_network(&mut self, what: &str, span: Span) -> bool {
        let Some(block) = self.frame().block else { return true };
        let report = self
            .sink
            .error(codes::N0110, format!("{what} stands in a block"))
            .primary(span, "expected in a network")
            .secondary(block.name.span, "the block");
        match what {
            "an output" => report.help("a block gives its results with `return`"),
            "an input" => report
                .help(format!("a block takes tensors as parameters: `block {}(x: [H, W, C], …)`", block.name.text)),
            _ => report,
        };
        false
    }

    /// Reports what stands in a loop though there can be only one.
    pub(super) fn only_outside_loops(&mut self, what: &str, span: Span) -> bool {
        let is_outside = self.frame().loops.is_empty();
        if !is_outside {
            self.sink
                .error(codes::N0110, format!("{what} stands in a loop"))
                .primary(span, "expected outside of loops");
        }
        is_outside
    }

    /// Carries out a binding or output: what it stands for.
    pub(super) fn bind(
        &mut self,
        names: &'a [ast::Ident],
        annotation: Option<&'a ast::Annotation>,
        value: &'a ast::Expr,
    ) -> Meaning {
        let Some(first) = names.first() else { return Meaning::Unknown };
        let in_loop = !self.frame().loops.is_empty() || names.len() > 1;
        let unit = self.frame().unit;
        let program = self.program;
        let is_block = |name: &str| is_block(program, unit, name);
        self.frame().names.enter_binding(first, value, in_loop, &is_block);
        (self.frame().binding, self.frame().binds_numbers) = (Some(first.span), false);
        let n_errors = self.sink.n_errors();
        let mut meaning = self.evaluate(value);
        self.frame().binding = None;
        self.frame().names.leave_binding();
        if names.len() > 1 {
            if self.names_twice(names) {
                names.iter().for_each(|name| self.rebind(name, Meaning::Unknown));
                return Meaning::Unknown;
            }
            // How many there would be without a mistake is not known.
            if self.sink.n_errors() > n_errors && matches!(meaning, Meaning::Tensor(_)) {
                meaning = Meaning::Unknown;
            }
            self.bind_several(names, annotation, value, &meaning);
            return meaning;
        }
        let mut meaning = match meaning {
            Meaning::Several(values) => {
                self.sink
                    .error(codes::N0113, format!("there are {} results here, and one name", values.len()))
                    .primary(first.span, format!("expected {} names", values.len()))
                    .secondary(value.span, "this makes several tensors");
                Meaning::Unknown
            }
            other => other,
        };
        if let Some(annotation) = annotation {
            match &meaning {
                Meaning::Tensor(id) => {
                    if !self.check_annotation(annotation, *id, value.span) {
                        // Which of the two shapes is meant is not known.
                        meaning = Meaning::Tensor(self.value("unknown", TensorType::unknown(), value.span));
                    }
                }
                Meaning::Constant(constant) => {
                    self.sink
                        .error(codes::N0104, format!("{} is a number, not a tensor", quote(&first.text)))
                        .primary(annotation.span, "a shape is promised here")
                        .secondary(value.span, format!("this is {constant}"));
                }
                Meaning::Several(_) | Meaning::Unknown => {}
            }
        }
        self.rebind(first, meaning.clone());
        meaning
    }

    fn bind_several(
        &mut self,
        names: &'a [ast::Ident],
        annotation: Option<&'a ast::Annotation>,
        value: &'a ast::Expr,
        meaning: &Meaning,
    ) {
        if let Some(annotation) = annotation {
            self.sink
                .error(codes::N0113, "one shape for several results")
                .primary(annotation.span, "expected no shape here");
        }
        let found = match meaning {
            Meaning::Several(values) if values.len() == names.len() => {
                for (name, id) in names.iter().zip(values) {
                    self.rebind(name, Meaning::Tensor(*id));
                }
                return;
            }
            Meaning::Several(values) => Some(values.len()),
            // Of what has a mistake it is not known how many it makes.
            Meaning::Tensor(id) if !self.type_of(*id).is_known() => None,
            Meaning::Tensor(_) | Meaning::Constant(_) => Some(1),
            Meaning::Unknown => None,
        };
        if let Some(found) = found {
            let results = count(found, "result");
            let (first, last) = (names.first().map(|name| name.span), names.last().map(|name| name.span));
            if let (Some(first), Some(last)) = (first, last) {
                self.sink
                    .error(codes::N0113, format!("there are {} names here, and {results}", names.len()))
                    .primary(first.to(last), format!("expected as many names as results: {found}"))
                    .secondary(value.span, format!("this makes {results}"));
            }
        }
        for name in names {
            self.rebind(name, Meaning::Unknown);
        }
    }

    /// Reports a name that stands twice among those of one statement.
    pub(super) fn names_twice(&mut self, names: &[ast::Ident]) -> bool {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for name in names {
            if let Some(first) = seen.insert(&name.text, name.span) {
                self.defined_twice(name, first);
                return true;
            }
        }
        false
    }

    fn give_back(&mut self, result: &'a ast::Return) {
        if self.frame().block.is_none() {
            // It is meant to be the output.
            self.sections.n_outputs += 1;
            self.sink
                .error(codes::N0110, "`return` stands in a network")
                .primary(result.span, "expected in a block")
                .help("a network gives its results with `output`");
            return;
        }
        let values = result.values.iter().map(|value| self.evaluate(value)).collect();
        self.frame().returned = Some((values, result.span));
    }

    fn assertion(&mut self, assertion: &'a ast::Assert) {
        let condition = &assertion.condition;
        let before = self.facts.demands().len();
        let is_conditional = !self.frame().branches.is_empty();
        // What holds of every instance is known from here on, so the answer that is no mistake is tried first.
        if self.truth(condition, "`assert`") == Some(false) {
            if self.paths.is_some() && (is_conditional || self.facts.demands().len() > before) {
                // On this way through the conditions the assertion fails: no instance is meant to get here.
                self.is_stopped = true;
                return;
            }
            let title = match &assertion.message {
                Some(message) => message.trim_end_matches('.').to_owned(),
                None => "this does not hold".to_owned(),
            };
            let values = self.values_in(condition);
            let report = self.sink.error(codes::N0114, title).primary(condition.span, "asserted here");
            if !values.is_empty() {
                report.note(format!("here {values}"));
            }
            // What follows relies on it.
            if self.frame().block.is_some() {
                self.frame().returned = Some((Vec::new(), assertion.span));
            } else {
                self.is_refuted = true;
            }
        }
    }

    /// Whether a condition holds; `None` after a message. What is open is decided one way, and the other way later.
    pub(super) fn truth(&mut self, condition: &'a ast::Expr, of: &str) -> Option<bool> {
        match self.constant(condition)? {
            Constant::Bool(value) => Some(value),
            other => {
                self.sink
                    .error(codes::N0203, format!("the condition of {of} is {other}"))
                    .primary(condition.span, "expected `true` or `false`, such as a comparison");
                None
            }
        }
    }

    fn branches(&mut self, branches: &'a ast::If) {
        for (index, (condition, taken)) in branches.arms.iter().enumerate() {
            match self.truth(condition, "`if`") {
                Some(true) => {
                    for (condition, _) in branches.arms.iter().skip(index + 1) {
                        self.mention_in(condition);
                    }
                    let others = branches.branches().filter(|other| !std::ptr::eq(*other, taken));
                    others.for_each(|other| self.pass_over(&other.items));
                    return self.branch(taken);
                }
                Some(false) => {}
                // Neither way is known to be meant: what either defines is unknown.
                None => {
                    return branches.branches().for_each(|braces| self.set_aside(&braces.items));
                }
            }
        }
        branches.arms.iter().for_each(|(_, braces)| self.pass_over(&braces.items));
        if let Some(braces) = &branches.otherwise {
            self.branch(braces);
        }
    }

    fn branch(&mut self, braces: &'a ast::Braces) {
        self.frame().branches.push(braces.span);
        self.items(&braces.items);
        self.frame().branches.pop();
    }

    /// Leaves statements aside that are not carried out because of a mistake: everything that they define is unknown, and of
    /// what is wrong with them only those layers are told that there are not, whatever their sizes.
    pub(super) fn set_aside(&mut self, items: &'a [ast::Item]) {
        // Names of this frame that are not bound yet are none of layers, either.
        super::stages::in_items(items, &mut |found| {
            let name = &found.call.name.text;
            let unit = self.frame().unit;
            if !found.is_setting && ops::signature(name).is_none() && self.find_block(unit, name).is_none() {
                self.unknown_layer(found.call, found.stage.is_some());
            }
        });
        self.forget(items);
    }

    /// Makes everything that statements define unknown.
    pub(super) fn forget(&mut self, items: &'a [ast::Item]) {
        for item in items {
            match item {
                ast::Item::Binding(binding) => {
                    for name in &binding.names {
                        self.rebind(name, Meaning::Unknown);
                    }
                }
                ast::Item::Input(input) => {
                    self.sections.n_inputs += 1;
                    self.rebind(&input.name, Meaning::Unknown);
                }
                ast::Item::Output(_) => self.sections.n_outputs += 1,
                ast::Item::Return(result) => self.frame().returned = Some((Vec::new(), result.span)),
                ast::Item::For(repetition) => self.forget(&repetition.items),
                ast::Item::If(branches) => branches.branches().for_each(|braces| self.forget(&braces.items)),
                ast::Item::Const(_)
                | ast::Item::Assert(_)
                | ast::Item::Freeze(_)
                | ast::Item::Labels(_)
                | ast::Item::Levels(_)
                | ast::Item::Train(_)
                | ast::Item::Prune(_)
                | ast::Item::Budget(_) => {}
            }
        }
    }

    /// Whether two dimensions are the same; an open question is decided one way now, and the other way later.
    pub(super) fn decide_equal(&mut self, a: &Dim, b: &Dim) -> bool {
        let truth = self.facts.equal(a, b);
        self.decide(truth, || Demand::Equal(a.clone(), b.clone()), || Demand::Different(a.clone(), b.clone()))
    }
}

/// Whether a file or one that it uses has a block of that name.
fn is_block(program: &crate::program::Program, unit: usize, name: &str) -> bool {
    let has = |index: usize| {
        program.units.get(index).is_some_and(|unit| unit.file.blocks.iter().any(|block| block.name.text == name))
    };
    has(unit) || program.units.get(unit).is_some_and(|unit| unit.uses.iter().any(|&used| has(used)))
}

/// Where a statement stands.
fn span_of(item: &ast::Item) -> Span {
    match item {
        ast::Item::Input(input) => input.span,
        ast::Item::Binding(binding) => binding.span,
        ast::Item::Output(output) => output.span,
        ast::Item::Return(result) => result.span,
        ast::Item::Const(constant) => constant.span,
        ast::Item::Assert(assertion) => assertion.span,
        ast::Item::For(repetition) => super::sections::keyword(repetition.span, "for"),
        ast::Item::If(branches) => super::sections::keyword(branches.span, "if"),
        ast::Item::Freeze(freeze) => freeze.span,
        ast::Item::Labels(labels) => labels.span,
        ast::Item::Levels(levels) => levels.span,
        ast::Item::Train(train) => super::sections::keyword(train.span, "train"),
        ast::Item::Prune(prune) => super::sections::keyword(prune.span, "prune"),
        ast::Item::Budget(budget) => super::sections::keyword(budget.span, "budget"),
    }
}
