//! What a network as a whole has: parameters with values, inputs, outputs; and the shapes that statements promise.

use super::scope::{Meaning, Named};
use super::{Constant, Lowerer, Overrides, channels_last, quoted, type_name};
use crate::diagnostic::{codes, quote, suggest};
use crate::ir::{Output, ValueId};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::{Dim, TensorType, Truth, Witness};

/// What became of a promised shape.
pub(super) enum Promise {
    Kept,
    /// It does not hold; with an example, if it takes one to see that.
    Broken(Option<String>),
}

impl<'a> Lowerer<'a> {
    pub(super) fn parameters(&mut self, network: &'a ast::Network, overrides: &Overrides) {
        let mut known: Vec<&str> = Vec::new();
        for param in &network.params {
            if self.is_taken(&param.name) {
                continue;
            }
            known.push(&param.name.text);
            let unit = self.frame().unit;
            if let Some((_, constant)) = self.find_constant(unit, &param.name.text) {
                self.noticed.hide(param.name.span, constant.name.span, &param.name.text);
            }
            let given = overrides.iter().find(|(name, _)| *name == param.name.text);
            if let (Some(_), Some(default)) = (given, &param.default) {
                self.mention_in(default);
            }
            self.note_choices(param);
            let value = match (given, &param.default) {
                (Some((_, value)), _) => Some((value.clone(), param.name.span, true)),
                (None, Some(default)) => self.constant(default).map(|value| (value, default.span, false)),
                (None, None) if matches!(param.ty, ast::ParamType::Tensor(_)) => {
                    self.sections.n_inputs += 1;
                    self.sink
                        .error(
                            codes::N0201,
                            format!("a network has no parameter that is a tensor, found {}", quote(&param.name.text)),
                        )
                        .primary(param.name.span, "expected `int`, `float`, `bool`, or strings")
                        .help(format!("its tensors are inputs: `input {}: […];` in its braces", param.name.text));
                    None
                }
                (None, None) => {
                    self.sink
                        .error(
                            codes::N0201,
                            format!("parameter {} of `{}` has no value", quote(&param.name.text), network.name.text),
                        )
                        .primary(param.name.span, "expected a default here, or a value where the network is used")
                        .help(format!("write `{}: {} = …`", param.name.text, type_name(&param.ty)));
                    None
                }
            };
            let value = value.and_then(|(value, span, is_override)| self.typed(param, value, span, is_override));
            let meaning = value.map_or(Meaning::Unknown, Meaning::Constant);
            self.frame().define(&param.name.text, meaning, param.name.span);
        }
        // All in one message: they have one place in the description.
        let unknown: Vec<&str> =
            overrides.iter().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name)).collect();
        if !unknown.is_empty() {
            let names = unknown.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" and no parameter ");
            let label = match known.as_slice() {
                [] => "it has no parameters".to_owned(),
                _ => format!("its parameters: {}", known.join(", ")),
            };
            let title = format!("`{}` has no parameter {names}", network.name.text);
            let mut report = self.sink.error(codes::N0202, title).primary(network.name.span, label).given(unknown[0]);
            for near in unknown.iter().filter_map(|name| suggest(name, known.iter().copied())) {
                report = report.help(format!("did you mean `{near}`?"));
            }
        }
    }

    /// A parameter's value as its type wants it.
    pub(super) fn typed(
        &mut self,
        param: &ast::Param,
        value: Constant,
        span: Span,
        is_override: bool,
    ) -> Option<Constant> {
        let fits = match (&param.ty, &value) {
            (ast::ParamType::Int, Constant::Int(_))
            | (ast::ParamType::Float, Constant::Float(_))
            | (ast::ParamType::Bool, Constant::Bool(_)) => return Some(value),
            (ast::ParamType::Float, Constant::Int(int)) => return Some(Constant::Float(*int as f64)),
            (ast::ParamType::Int, Constant::Dim(_)) | (ast::ParamType::Float, Constant::AnyFloat) => {
                return Some(value);
            }
            (ast::ParamType::Float, Constant::Dim(_)) => return Some(Constant::AnyFloat),
            (ast::ParamType::Choice(choices), Constant::Text(text)) => {
                choices.iter().any(|choice| choice.text == *text)
            }
            _ => false,
        };
        if fits {
            return Some(value);
        }
        let expected = type_name(&param.ty);
        let title = format!("parameter {} is {expected}, found {value}", quote(&param.name.text));
        let label = if is_override {
            "given another value where the network is used".to_owned()
        } else {
            format!("expected {expected}")
        };
        let report = self.sink.error(codes::N0203, title).primary(span, label);
        if is_override {
            report.given(&param.name.text);
        } else if let (ast::ParamType::Choice(choices), Constant::Text(text)) = (&param.ty, &value)
            && let Some(near) = suggest(text, choices.iter().map(|choice| choice.text.as_str()))
        {
            report.help(format!("did you mean {}?", quote(&quoted(near))));
        }
        None
    }

    pub(super) fn input(&mut self, input: &'a ast::Input) {
        if self.is_taken(&input.name) {
            return;
        }
        if !self.only_outside_loops("an input", input.span) {
            // It is meant to stand outside.
            if let Some(outermost) = self.frame().scopes.first_mut() {
                let named = Named { meaning: Meaning::Unknown, span: input.name.span };
                outermost.insert(input.name.text.clone(), named);
            }
            return;
        }
        if let Some(hole) = input.dims.iter().find(|dim| dim.kind == ast::ExprKind::Hole) {
            self.sink
                .error(codes::N0204, "the size of an input must be known")
                .primary(hole.span, "expected a whole number, 1 or more");
            self.frame().define(&input.name.text, Meaning::Unknown, input.name.span);
            return;
        }
        self.note_hidden(&input.name);
        if self.names_batch(&input.dims) {
            self.frame().define(&input.name.text, Meaning::Unknown, input.name.span);
            return;
        }
        let help = "the sizes of an input are numbers, or parameters: `network N(size: int = 28)`";
        if self.names_variables(&input.dims, help) {
            self.frame().define(&input.name.text, Meaning::Unknown, input.name.span);
            return;
        }
        (self.frame().binding, self.frame().binds_numbers) = (Some(input.name.span), true);
        let ty = self.dims(&input.dims, input.dims_span);
        self.frame().binding = None;
        let photo = input.from.as_ref().and_then(|call| self.photo(call, &ty));
        // What no photograph becomes fits none of the layers, either.
        let is_turned = input.from.is_some() && photo.is_none() && (ty.rank() != 3 || channels_last(&ty).is_some());
        let ty = if is_turned { TensorType::unknown() } else { ty };
        let value = self.value(&input.name.text, ty, input.name.span);
        self.graph.inputs.push(value);
        self.photos.push(photo);
        self.frame().define(&input.name.text, Meaning::Tensor(value), input.name.span);
    }

    pub(super) fn output(&mut self, output: &'a ast::Output) {
        if let Some(other) = self.graph.outputs.iter().find(|other| other.name == output.name.text) {
            let span = other.span;
            self.sink
                .error(codes::N0103, format!("output {} is declared twice", quote(&output.name.text)))
                .primary(output.name.span, "declared again here")
                .secondary(span, "declared here first");
            return;
        }
        match self.bind(std::slice::from_ref(&output.name), output.annotation.as_ref(), &output.value) {
            Meaning::Tensor(value) => self.graph.outputs.push(Output {
                name: output.name.text.clone(),
                docs: output.docs.clone(),
                value,
                span: output.name.span,
            }),
            Meaning::Constant(constant) => {
                let title = format!("output {} is {constant}, not a tensor", quote(&output.name.text));
                self.sink.error(codes::N0104, title).primary(output.value.span, "expected a tensor");
            }
            Meaning::Several(_) | Meaning::Unknown => {}
        }
    }

    /// Checks the shape that a statement promises; `false` after a message.
    pub(super) fn check_annotation(&mut self, annotation: &'a ast::Annotation, id: ValueId, at: Span) -> bool {
        let help = "the sizes in a network are numbers: write them, or `_` for any";
        if self.names_variables(&annotation.dims, help) {
            return true;
        }
        let found = self.type_of(id);
        if !found.is_known() {
            // A size that cannot be has been told of where it was used.
            annotation.dims.iter().filter(|dim| dim.kind != ast::ExprKind::Hole).for_each(|dim| {
                self.constant(dim);
            });
            return true;
        }
        let expected = self.dims(&annotation.dims, annotation.span);
        let Promise::Broken(example) = self.promise(&expected, &found) else { return true };
        let report = self
            .sink
            .error(codes::N0308, format!("the shape is {found}, not {expected}"))
            .primary(annotation.span, format!("expected {found} here"))
            .secondary(at, format!("this produces {found}"));
        if let Some(example) = example {
            report.note(example);
        }
        false
    }

    /// Whether a tensor has the shape that was promised, for every instance. What cannot be decided is demanded of the
    /// instances.
    pub(super) fn promise(&mut self, promised: &TensorType, found: &TensorType) -> Promise {
        if !promised.is_known() || !found.is_known() {
            return Promise::Kept;
        }
        if promised.rank() != found.rank() {
            return Promise::Broken(None);
        }
        let pairs: Vec<(&Dim, &Dim)> = promised.dims().iter().zip(found.dims()).collect();
        if pairs.iter().any(|(a, b)| self.facts.equal(a, b) == Truth::Never) {
            return Promise::Broken(None);
        }
        if let Some(paths) = &self.paths {
            for (a, b) in &pairs {
                let differs = |witness: &Witness| witness.value(a).zip(witness.value(b)).is_some_and(|(a, b)| a != b);
                if self.facts.equal(a, b) == Truth::Open
                    && let Some(witness) = Witness::find(&self.facts, paths.variables(), &differs)
                {
                    let shown = |ty: &TensorType| {
                        let sizes =
                            ty.dims().iter().map(|dim| witness.value(dim).map_or("_".to_owned(), |v| v.to_string()));
                        format!("[{}]", sizes.collect::<Vec<_>>().join(", "))
                    };
                    let values = witness.describe(pairs.iter().flat_map(|(a, b)| [*a, *b]));
                    return Promise::Broken(Some(format!(
                        "for {values} it is {}, and {} is promised",
                        shown(found),
                        shown(promised)
                    )));
                }
            }
        }
        for (a, b) in pairs {
            self.facts.require_equal(a, b);
        }
        Promise::Kept
    }

    /// Checks what a network as a whole must have.
    pub(super) fn check_interface(&mut self, network: &ast::Network) {
        let name = &network.name;
        // That its name means nothing has been said where it is used.
        if self.sections.n_inputs == 0 && self.frame().missing.is_empty() {
            self.sink
                .error(codes::N0106, format!("`{}` has no input", name.text))
                .primary(name.span, "expected a statement such as `input image: [28, 28, 1];`");
        }
        if self.sections.n_outputs == 0 {
            self.sink
                .error(codes::N0106, format!("`{}` has no output", name.text))
                .primary(name.span, "expected a statement such as `output y = softmax(logits);`");
        }
    }
}
