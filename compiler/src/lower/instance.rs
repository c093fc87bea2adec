//! Instances of blocks: what a call gives is bound to what the block takes, and its statements are carried out.

use super::call::Site;
use super::network::Promise;
use super::scope::{Frame, Meaning};
use super::{Constant, Lowerer, MAX_INSTANCES, type_name};
use crate::diagnostic::{codes, count, quote, suggest};
use crate::ir::ValueId;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::{Dim, TensorType};

/// What a block's parameter is given.
enum Given<'a> {
    Tensor(ValueId, Span),
    Value(&'a ast::Expr),
}

impl Given<'_> {
    fn tensor(&self) -> Option<(ValueId, Span)> {
        match *self {
            Self::Tensor(value, at) => Some((value, at)),
            Self::Value(_) => None,
        }
    }
}

impl<'a> Lowerer<'a> {
    /// Carries out a call of a block; `None` after a message about the call.
    pub(super) fn instance(
        &mut self,
        unit: usize,
        block: &'a ast::Block,
        call: &'a ast::Call,
        site: Site<'a>,
    ) -> Option<Meaning> {
        if self.is_stopped {
            return Some(Meaning::Unknown);
        }
        let label = self.label(site.label);
        let kind = super::names::kind_of(&block.name.text);
        let (name, earlier) = self.frame().names.of(&kind, true, label, call.span);
        self.report_second(&name, earlier, site.label.map_or(call.span, |label| label.name.span));
        let is_this = |frame: &Frame<'_>| frame.block.is_some_and(|other| std::ptr::eq(other, block));
        if let Some(at) = self.frames.iter().position(is_this) {
            // Every block of the circle is checked, and the first of them reports it.
            let first = self.frames[at..].iter().filter_map(|frame| frame.block).map(|block| block.name.span).min();
            if self.paths.is_some() && first != Some(block.name.span) {
                return None;
            }
            self.sink
                .error(codes::N0115, format!("`{}` contains itself", block.name.text))
                .primary(call.span, "expected another block")
                .secondary(block.name.span, "the block");
            return None;
        }
        if self.frames.len() > MAX_INSTANCES {
            self.stop(call.span, format!("more than {MAX_INSTANCES} blocks stand inside each other"));
            return None;
        }
        let given = self.given(block, call, site)?;
        let mut frame = Frame::new(unit, Some(block), &block.items, format!("{name}."));
        frame.given = given.iter().flatten().filter_map(Given::tensor).collect();
        self.arguments(block, call, &given, &mut frame)?;
        // What is wrong with it has been told, and what it gives is not known.
        if self.broken.contains(&block.span) {
            if block.results.len() < 2 {
                return Some(Meaning::Unknown);
            }
            let unknown = |_| self.value("unknown", TensorType::unknown(), call.span);
            return Some(Meaning::Several(block.results.iter().map(unknown).collect()));
        }
        let text = format!("in this instance of `{}`", block.name.text);
        // The definition was checked: what is wrong with an instance comes from what it is given.
        let (is_one, before) = (self.paths.is_none(), self.sink.n_errors());
        self.sink.enter(call.span, text, is_one);
        self.frames.push(frame);
        // Blocks inside of blocks inside of loops: each level takes its part of the stack.
        let meaning = stacker::maybe_grow(super::STACK_LEFT, super::STACK_STEP, || {
            self.items(&block.items);
            self.check_results(block)
        });
        self.frames.pop();
        self.sink.leave();
        // What has a mistake gives results that nothing more is told of.
        Some(if is_one && self.sink.n_errors() > before { Meaning::Unknown } else { meaning })
    }

    /// Sorts what a call gives by the block's parameters, in their order; `None` after a message.
    fn given(&mut self, block: &'a ast::Block, call: &'a ast::Call, site: Site<'a>) -> Option<Vec<Option<Given<'a>>>> {
        let is_tensor = |param: &ast::Param| matches!(param.ty, ast::ParamType::Tensor(_));
        let mut given: Vec<Option<Given<'a>>> = block.params.iter().map(|_| None).collect();
        let mut is_sound = true;
        if let Some((value, span)) = site.operand {
            match block.params.iter().position(is_tensor) {
                Some(place) => given[place] = Some(Given::Tensor(value, span)),
                // A block with a mistake of its own may be meant to take one.
                None if self.sink.has_error_in(block.span) => return None,
                None => {
                    self.sink
                        .error(codes::N0207, format!("`{}` takes no tensor", block.name.text))
                        .primary(call.span, "nothing can be left of `->` here")
                        .secondary(block.name.span, "the block");
                    return None;
                }
            }
        }
        let names = || block.params.iter().map(|param| param.name.text.as_str());
        for arg in &call.args {
            let place = match &arg.name {
                Some(name) => {
                    let Some(place) = names().position(|other| other == name.text) else {
                        is_sound = false;
                        // It may be that the block declares it by another name than it uses.
                        let missing = format!("nothing is called {}", quote(&name.text));
                        if self.sink.has_told(|told| {
                            told.code == codes::N0101 && told.title == missing && block.span.contains(told.primary.span)
                        }) {
                            continue;
                        }
                        let title = format!("`{}` has no parameter {}", block.name.text, quote(&name.text));
                        let report =
                            self.sink.error(codes::N0202, title).primary(name.span, "not a parameter of this block");
                        match suggest(&name.text, names()) {
                            Some(near) => report.did_you_mean(near, name.span),
                            None => report.help(format!("its parameters: {}", names().collect::<Vec<_>>().join(", "))),
                        };
                        continue;
                    };
                    if given[place].is_some() {
                        self.sink
                            .error(
                                codes::N0207,
                                format!("{} of `{}` is given twice", quote(&name.text), block.name.text),
                            )
                            .primary(name.span, "given again here");
                        is_sound = false;
                        continue;
                    }
                    place
                }
                None => match given.iter().position(Option::is_none) {
                    Some(place) => place,
                    None => {
                        self.sink
                            .error(codes::N0207, format!("`{}` has too many arguments", block.name.text))
                            .primary(arg.value.span, "one too many")
                            .help(format!("its parameters: {}", names().collect::<Vec<_>>().join(", ")));
                        return None;
                    }
                },
            };
            given[place] = if is_tensor(&block.params[place]) {
                match self.tensor_for(&arg.value, &block.name.text, Some(&block.params[place])) {
                    Some(value) => Some(Given::Tensor(value, arg.value.span)),
                    // What is in another's place may have put the others in theirs.
                    None if arg.name.is_none() => return None,
                    None => Some(Given::Tensor(
                        self.value("unknown", TensorType::unknown(), arg.value.span),
                        arg.value.span,
                    )),
                }
            } else {
                Some(Given::Value(&arg.value))
            };
        }
        let missing: Vec<&ast::Param> = block
            .params
            .iter()
            .zip(&given)
            .filter(|(param, given)| given.is_none() && param.default.is_none())
            .map(|(param, _)| param)
            .collect();
        if let (true, Some(first)) = (is_sound, missing.first()) {
            let names = missing.iter().map(|param| format!("`{}`", param.name.text)).collect::<Vec<_>>().join(" and ");
            self.sink
                .error(codes::N0206, format!("`{}` needs {names}", block.name.text))
                .primary(call.span, format!("expected {names}"))
                .secondary(first.span, "declared here");
            is_sound = false;
        }
        is_sound.then_some(given)
    }

    /// Gives the block's names their meaning in its frame: tensors, dimension variables, parameters; `None` after a
    /// message.
    fn arguments(
        &mut self,
        block: &'a ast::Block,
        call: &'a ast::Call,
        given: &[Option<Given<'a>>],
        frame: &mut Frame<'a>,
    ) -> Option<()> {
        // What the caller gives is computed in the caller's frame.
        let mut values: Vec<Option<(Constant, Span)>> = Vec::with_capacity(given.len());
        let mut is_sound = true;
        for (param, given) in block.params.iter().zip(given) {
            let value = match given {
                Some(Given::Value(expr)) => {
                    if let (ast::ParamType::Choice(choices), ast::ExprKind::Name(name)) = (&param.ty, &expr.kind)
                        && choices.iter().any(|choice| choice.text == *name)
                        && self.lookup(name).is_none()
                    {
                        self.sink
                            .error(codes::N0203, format!("parameter `{}` is a text", param.name.text))
                            .primary(expr.span, format!("expected {}", type_name(&param.ty)))
                            .fix(format!("write it in quotes: `\"{name}\"`"), expr.span, format!("\"{name}\""));
                        is_sound = false;
                        values.push(None);
                        continue;
                    }
                    let value = self.constant(expr).and_then(|value| self.typed(param, value, expr.span, false));
                    is_sound &= value.is_some();
                    value.map(|value| (value, expr.span))
                }
                _ => None,
            };
            values.push(value);
        }
        if !is_sound {
            return None;
        }
        let fresh = Frame::new(frame.unit, frame.block, &[], String::new());
        self.frames.push(std::mem::replace(frame, fresh));
        let result = self.unify(block, call, given, values);
        if let Some(filled) = self.frames.pop() {
            *frame = filled;
        }
        result
    }

    fn unify(
        &mut self,
        block: &'a ast::Block,
        call: &'a ast::Call,
        given: &[Option<Given<'a>>],
        values: Vec<Option<(Constant, Span)>>,
    ) -> Option<()> {
        let variables = self.dimension_variables(block);
        let mut is_sound = true;
        // First what stands alone on an axis is bound to what it finds there.
        for (param, given) in block.params.iter().zip(given) {
            let ast::ParamType::Tensor(shape) = &param.ty else { continue };
            let Some(Given::Tensor(value, from)) = given else {
                // That a tensor has no default has been said.
                self.frame().define(&param.name.text, Meaning::Unknown, param.name.span);
                continue;
            };
            self.frame().define(&param.name.text, Meaning::Tensor(*value), param.name.span);
            let found = self.type_of(*value);
            if found.is_known() && found.rank() != shape.dims.len() {
                // Where the block has a mistake itself, its signature may be that.
                if !self.sink.has_error_in(block.span) {
                    self.refuse(block, param, shape, &found, call, *from);
                }
                is_sound = false;
                continue;
            }
            for (axis, dim) in shape.dims.iter().enumerate() {
                let ast::ExprKind::Name(name) = &dim.kind else { continue };
                let is_variable = variables.iter().any(|(variable, _)| variable == name);
                if is_variable && self.frame().find(name).is_none() {
                    let meaning = found.dims().get(axis).map_or(Meaning::Unknown, |dim| {
                        Meaning::Constant(dim.as_number().map_or_else(|| Constant::Dim(dim.clone()), Constant::Int))
                    });
                    self.frame().define(name, meaning, dim.span);
                }
            }
        }
        // Then parameters, whose defaults may depend on the axes and on parameters before them.
        for (param, value) in block.params.iter().zip(values) {
            if matches!(param.ty, ast::ParamType::Tensor(_)) {
                continue;
            }
            let value = match (value, &param.default) {
                (Some((value, _)), _) => Some(value),
                (None, Some(default)) => {
                    self.constant(default).and_then(|value| self.typed(param, value, default.span, false))
                }
                (None, None) => None,
            };
            let meaning = value.map_or(Meaning::Unknown, Meaning::Constant);
            self.note_choices(param);
            self.frame().define(&param.name.text, meaning, param.name.span);
        }
        self.refuse_unbound(block, &variables);
        // Now every axis has a size to be checked against.
        for (param, given) in block.params.iter().zip(given) {
            let (ast::ParamType::Tensor(shape), Some(Given::Tensor(value, from))) = (&param.ty, given) else {
                continue;
            };
            let found = self.type_of(*value);
            if !found.is_known() || found.rank() != shape.dims.len() {
                continue;
            }
            let wanted = self.dims(&shape.dims, shape.span);
            let fits = !wanted.is_known()
                || wanted
                    .dims()
                    .iter()
                    .zip(found.dims())
                    .all(|(wanted, found)| self.facts.require_equal(wanted, found));
            if !fits {
                self.refuse(block, param, shape, &found, call, *from);
                is_sound = false;
            }
        }
        is_sound.then_some(())
    }

    /// Reports a tensor that is not of the shape that the block declares.
    fn refuse(
        &mut self,
        block: &'a ast::Block,
        param: &'a ast::Param,
        shape: &'a ast::Annotation,
        found: &TensorType,
        call: &'a ast::Call,
        from: Span,
    ) {
        let wanted = if shape.dims.len() == found.rank() {
            let dims = shape.dims.iter().map(|dim| match self.constant_quietly(dim) {
                Some(dim) => dim.to_string(),
                None => "_".to_owned(),
            });
            format!("[{}]", dims.collect::<Vec<_>>().join(", "))
        } else {
            let dims = shape.dims.iter().map(|dim| match &dim.kind {
                ast::ExprKind::Name(name) => name.clone(),
                ast::ExprKind::Int(value) => value.to_string(),
                _ => "_".to_owned(),
            });
            format!("[{}]", dims.collect::<Vec<_>>().join(", "))
        };
        // Axes whose size is a constant's, and not what stands alone on one.
        let mut fixed: Vec<(&str, Span)> = Vec::new();
        let unit = self.frame().unit;
        for (dim, size) in shape.dims.iter().zip(found.dims()).filter(|_| shape.dims.len() == found.rank()) {
            let ast::ExprKind::Name(name) = &dim.kind else { continue };
            if self.frame().find(name).is_none()
                && let Some((_, constant)) = self.find_constant(unit, name)
                && self.constant_quietly(dim).is_some_and(|wanted| wanted != *size)
                && !fixed.iter().any(|(other, _)| other == name)
            {
                fixed.push((name, constant.name.span));
            }
        }
        let title = format!("`{}` takes {wanted} for `{}`, found {found}", block.name.text, param.name.text);
        let report = self.sink.error(codes::N0310, title).primary(call.name.span, format!("expected {wanted}"));
        let report = if from == call.span { report } else { report.secondary(from, format!("this produces {found}")) };
        let mut report = report.secondary(param.span, "declared here");
        for (name, constant) in fixed {
            report = report.secondary(constant, format!("{} is this constant", quote(name)));
        }
    }

    /// The size of a declared axis, without messages.
    fn constant_quietly(&mut self, dim: &'a ast::Expr) -> Option<Dim> {
        let mut scratch = crate::diagnostic::Sink::new();
        std::mem::swap(self.sink, &mut scratch);
        let value = self.constant(dim);
        std::mem::swap(self.sink, &mut scratch);
        match value? {
            Constant::Int(value) => Some(Dim::from(value)),
            Constant::Dim(dim) => Some(dim),
            _ => None,
        }
    }

    /// Checks what the block in the frame has returned against what it declares; what the call stands for.
    pub(super) fn check_results(&mut self, block: &'a ast::Block) -> Meaning {
        if self.is_stopped {
            return Meaning::Unknown;
        }
        let Some((values, span)) = self.frame().returned.clone() else {
            if self.frame().has_output {
                return Meaning::Unknown;
            }
            let title = if has_return(&block.items) {
                format!("`{}` does not return on every way through it", block.name.text)
            } else {
                format!("`{}` returns nothing", block.name.text)
            };
            self.sink
                .error(codes::N0116, title)
                .primary(block.name.span, "expected a `return` on every way through it");
            return Meaning::Unknown;
        };
        if values.is_empty() || values.iter().any(|value| matches!(value, Meaning::Unknown)) {
            return Meaning::Unknown;
        }
        let mut ids = Vec::new();
        for value in &values {
            match value {
                Meaning::Tensor(id) => ids.push(*id),
                Meaning::Several(several) => ids.extend(several),
                Meaning::Constant(constant) => {
                    self.sink
                        .error(codes::N0104, format!("`{}` returns {constant}, not a tensor", block.name.text))
                        .primary(span, "expected a tensor");
                    return Meaning::Unknown;
                }
                Meaning::Unknown => {}
            }
        }
        if ids.len() != block.results.len() {
            let (declared, found) = (count(block.results.len(), "tensor"), count(ids.len(), "tensor"));
            let title = format!("`{}` declares {declared} and returns {found}", block.name.text);
            self.sink
                .error(codes::N0113, title)
                .primary(span, format!("expected {declared}"))
                .secondary(block.name.span, "declared here");
            return Meaning::Unknown;
        }
        let mut is_told = false;
        for (declared, id) in block.results.iter().zip(&mut ids) {
            let promised = self.dims(&declared.dims, declared.span);
            let found = self.type_of(*id);
            if let Promise::Broken(example) = self.promise(&promised, &found) {
                if is_told || self.is_blamed(&[*id]) {
                    return Meaning::Unknown;
                }
                is_told = true;
                let title = format!("`{}` declares {promised} and returns {found}", block.name.text);
                let report = self
                    .sink
                    .error(codes::N0311, title)
                    .primary(declared.span, format!("expected {found}"))
                    .secondary(span, format!("this is {found}"));
                if let Some(example) = example {
                    report.note(example);
                }
                // Callers go by what is declared, so that they are not blamed, too.
                *id = self.value("declared", promised, declared.span);
            }
        }
        match ids.as_slice() {
            [only] => Meaning::Tensor(*only),
            _ => Meaning::Several(ids),
        }
    }

    /// A label with its indices: `fire.2`; `None` without a label, or after a message.
    pub(super) fn label(&mut self, label: Option<&'a ast::Label>) -> Option<(String, Span)> {
        let label = label?;
        let mut name = label.name.text.clone();
        for index in &label.indices {
            let is_word =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            name = match self.constant(index)? {
                Constant::Int(value) if value >= 0 => format!("{name}.{value}"),
                // Within a definition any number will do; which one it is differs from round to round.
                Constant::Dim(value) => format!("{name}.{value}"),
                Constant::Text(text) if is_word(&text) => format!("{name}.{text}"),
                other => {
                    self.sink
                        .error(codes::N0203, format!("the index of a label is {other}"))
                        .primary(index.span, "expected a whole number, 0 or more, or letters in quotation marks");
                    return None;
                }
            };
        }
        Some((name, label.name.span))
    }
}

/// Whether a `return` stands anywhere in some statements.
fn has_return(items: &[ast::Item]) -> bool {
    items.iter().any(|item| match item {
        ast::Item::Return(_) => true,
        ast::Item::For(repetition) => has_return(&repetition.items),
        ast::Item::If(branches) => branches.branches().any(|braces| has_return(&braces.items)),
        _ => false,
    })
}
