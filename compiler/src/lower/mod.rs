//! From the syntax tree to the graph: names are resolved, parameters get their values, layers become nodes.
//!
//! Every mistake is reported once: what it leaves behind has an unknown shape, which agrees with anything.

mod arguments;
mod call;
mod constant;
mod expression;
mod loss;
mod names;
mod train;

use std::collections::HashMap;

use crate::diagnostic::{Sink, codes, quote, suggest};
use crate::ir::{Extent, Graph, Output, Shape, ValueId};
use crate::recipe::Recipe;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Facts;

pub(crate) use arguments::BoundArgument;
pub use call::LayerCall;
pub use constant::Constant;

/// Values for a network's parameters, from outside of the description: `model!("lenet.net", classes = 4)`.
pub type Overrides = [(String, Constant)];

/// A lowered network: its graph and its `train` section.
#[derive(Debug)]
pub struct Lowered {
    /// The layers.
    pub graph: Graph,
    /// How to train it, where the description says so.
    pub recipe: Option<Recipe>,
    /// The network's name in the text, for messages about it as a whole.
    pub span: Span,
}

/// Lowers one network. Where the sink has errors afterwards, the graph has holes and is good for nothing but messages.
#[must_use]
pub fn lower(network: &ast::Network, overrides: &Overrides, sink: &mut Sink) -> Lowered {
    let graph = Graph { name: network.name.text.clone(), docs: network.docs.clone(), ..Graph::default() };
    let mut lowerer = Lowerer {
        graph,
        sink,
        scope: HashMap::new(),
        names: names::Names::default(),
        n_dropouts: 0,
        facts: Facts::new(),
        definitions: definitions(network),
    };
    lowerer.parameters(network, overrides);
    for item in &network.items {
        match item {
            ast::Item::Input(input) => lowerer.input(input),
            ast::Item::Binding(binding) => {
                lowerer.bind(&binding.name, binding.annotation.as_ref(), &binding.value);
            }
            ast::Item::Output(output) => lowerer.output(output),
            ast::Item::Train(_) => {}
        }
    }
    lowerer.check_interface(network);
    let recipe = lowerer.train_section(network);
    Lowered { graph: lowerer.graph, recipe, span: network.name.span }
}

/// Where each name of the network's statements is defined first.
fn definitions(network: &ast::Network) -> HashMap<String, Span> {
    let names = network.items.iter().filter_map(|item| match item {
        ast::Item::Input(input) => Some(&input.name),
        ast::Item::Binding(binding) => Some(&binding.name),
        ast::Item::Output(output) => Some(&output.name),
        ast::Item::Train(_) => None,
    });
    // The first of two is kept: it is what was meant to be above.
    names.rev().map(|name| (name.text.clone(), name.span)).collect()
}

/// What a name stands for.
#[derive(Debug, Clone)]
enum Meaning {
    Tensor(ValueId),
    Constant(Constant),
    /// Defined by a statement with a mistake that has been reported.
    Unknown,
}

#[derive(Debug, Clone)]
struct Named {
    meaning: Meaning,
    span: Span,
}

/// The state of lowering one network.
pub(crate) struct Lowerer<'a> {
    graph: Graph,
    sink: &'a mut Sink,
    scope: HashMap<String, Named>,
    names: names::Names,
    n_dropouts: u32,
    /// What is known of variables.
    facts: Facts,
    /// Every name that the network defines anywhere, for uses above the definition.
    definitions: HashMap<String, Span>,
}

impl Lowerer<'_> {
    fn parameters(&mut self, network: &ast::Network, overrides: &Overrides) {
        let mut known: Vec<&str> = Vec::new();
        for param in &network.params {
            if self.is_taken(&param.name) {
                continue;
            }
            known.push(&param.name.text);
            let given = overrides.iter().find(|(name, _)| *name == param.name.text);
            let value = match (given, &param.default) {
                (Some((_, value)), _) => Some((value.clone(), param.name.span, true)),
                (None, Some(default)) => self.constant(default).map(|value| (value, default.span, false)),
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
            self.scope.insert(param.name.text.clone(), Named { meaning, span: param.name.span });
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
            let mut report = self.sink.error(codes::N0202, title).primary(network.name.span, label);
            for near in unknown.iter().filter_map(|name| suggest(name, known.iter().copied())) {
                report = report.help(format!("did you mean `{near}`?"));
            }
        }
    }

    /// A parameter's value as its type wants it.
    fn typed(&mut self, param: &ast::Param, value: Constant, span: Span, is_override: bool) -> Option<Constant> {
        let fits = match (&param.ty, &value) {
            (ast::ParamType::Int, Constant::Int(_))
            | (ast::ParamType::Float, Constant::Float(_))
            | (ast::ParamType::Bool, Constant::Bool(_)) => return Some(value),
            (ast::ParamType::Float, Constant::Int(int)) => return Some(Constant::Float(*int as f64)),
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
        self.sink.error(codes::N0203, title).primary(span, label);
        None
    }

    fn input(&mut self, input: &ast::Input) {
        if self.is_taken(&input.name) {
            return;
        }
        let shape = self.dims(&input.dims, input.dims_span);
        let value = self.graph.add_value(&input.name.text, shape, Extent::Image, input.span);
        self.graph.inputs.push(value);
        self.scope.insert(input.name.text.clone(), Named { meaning: Meaning::Tensor(value), span: input.name.span });
    }

    fn bind(&mut self, name: &ast::Ident, annotation: Option<&ast::Annotation>, value: &ast::Expr) -> Option<ValueId> {
        self.names.enter_binding(name, value);
        let meaning = match self.evaluate(value) {
            Meaning::Tensor(id) => {
                if let Some(annotation) = annotation {
                    self.check_annotation(annotation, id, value.span);
                }
                Meaning::Tensor(id)
            }
            Meaning::Constant(constant) => {
                if let Some(annotation) = annotation {
                    self.sink
                        .error(codes::N0104, format!("{} is a number, not a tensor", quote(&name.text)))
                        .primary(annotation.span, "a shape is promised here")
                        .secondary(value.span, format!("this is {constant}"));
                }
                Meaning::Constant(constant)
            }
            Meaning::Unknown => Meaning::Unknown,
        };
        let id = match meaning {
            Meaning::Tensor(id) => Some(id),
            Meaning::Constant(_) | Meaning::Unknown => None,
        };
        self.scope.insert(name.text.clone(), Named { meaning, span: name.span });
        id
    }

    fn output(&mut self, output: &ast::Output) {
        let before = self.scope.get(&output.name.text).map(|named| named.span);
        if let Some(span) = before.filter(|_| self.graph.outputs.iter().any(|other| other.name == output.name.text)) {
            self.sink
                .error(codes::N0103, format!("output {} is declared twice", quote(&output.name.text)))
                .primary(output.name.span, "declared again here")
                .secondary(span, "declared here first");
            return;
        }
        let Some(value) = self.bind(&output.name, output.annotation.as_ref(), &output.value) else {
            if let Some(Named { meaning: Meaning::Constant(constant), .. }) = self.scope.get(&output.name.text) {
                let title = format!("output {} is {constant}, not a tensor", quote(&output.name.text));
                self.sink.error(codes::N0104, title).primary(output.value.span, "expected a tensor");
            }
            return;
        };
        self.graph.outputs.push(Output {
            name: output.name.text.clone(),
            docs: output.docs.clone(),
            value,
            span: output.span,
        });
    }

    fn check_annotation(&mut self, annotation: &ast::Annotation, id: ValueId, at: Span) {
        let expected = self.dims(&annotation.dims, annotation.span);
        let found = self.graph.shape(id).clone();
        if expected.is_known() && found.is_known() && expected != found {
            self.sink
                .error(codes::N0308, format!("the shape is {found}, not {expected}"))
                .primary(annotation.span, format!("expected {found} here"))
                .secondary(at, format!("this produces {found}"));
        }
    }

    /// Checks what a network as a whole must have.
    fn check_interface(&mut self, network: &ast::Network) {
        let inputs = network.items.iter().filter_map(|item| match item {
            ast::Item::Input(input) => Some(input),
            _ => None,
        });
        let outputs = network.items.iter().filter_map(|item| match item {
            ast::Item::Output(output) => Some(output),
            _ => None,
        });
        let name = &network.name;
        match inputs.collect::<Vec<_>>().as_slice() {
            [] => {
                self.sink
                    .error(codes::N0106, format!("`{}` has no input", name.text))
                    .primary(name.span, "expected a statement such as `input image: [28, 28, 1];`");
            }
            [_] => {}
            [first, second, ..] => {
                self.sink
                    .error(codes::N0107, "more than one input is not in this version of the language")
                    .primary(second.name.span, "a second input")
                    .secondary(first.name.span, "the first one")
                    .help("join the inputs into one tensor before they enter the network");
            }
        }
        match outputs.collect::<Vec<_>>().as_slice() {
            [] => {
                self.sink
                    .error(codes::N0106, format!("`{}` has no output", name.text))
                    .primary(name.span, "expected a statement such as `output y = softmax(logits);`");
            }
            [_] => {}
            [first, second, ..] => {
                self.sink
                    .error(codes::N0107, "more than one output is not in this version of the language")
                    .primary(second.name.span, "a second output")
                    .secondary(first.name.span, "the first one")
                    .help("join the outputs with `concat`");
            }
        }
    }

    /// Reports a name that is defined already, by a parameter or an input.
    fn is_taken(&mut self, name: &ast::Ident) -> bool {
        let Some(first) = self.scope.get(&name.text).map(|named| named.span) else { return false };
        self.sink
            .error(codes::N0103, format!("the name {} is defined twice", quote(&name.text)))
            .primary(name.span, "defined again here")
            .secondary(first, "defined here first");
        true
    }

    /// A shape from its axes; unknown after a message.
    fn dims(&mut self, dims: &[ast::Expr], span: Span) -> Shape {
        let mut sizes = Vec::with_capacity(dims.len());
        for dim in dims {
            match self.constant(dim) {
                Some(Constant::Int(size)) if size > 0 => sizes.push(usize::try_from(size).ok()),
                Some(other) => {
                    self.sink
                        .error(codes::N0204, format!("an axis has at least one element, found {other}"))
                        .primary(dim.span, "expected a whole number, 1 or more");
                    sizes.push(None);
                }
                None => sizes.push(None),
            }
        }
        let Some(sizes) = sizes.into_iter().collect::<Option<Vec<usize>>>() else { return Shape::unknown() };
        if sizes.is_empty() || sizes.len() > 3 {
            self.sink
                .error(codes::N0301, format!("a shape has one to three axes, found {}", sizes.len()))
                .primary(span, "expected [features] or [height, width, channels]")
                .help("the batch axis is implied and not written");
            return Shape::unknown();
        }
        let text = format!("{sizes:?}");
        Shape::new(sizes).unwrap_or_else(|| {
            self.sink
                .error(codes::N0309, format!("{text} is too large"))
                .primary(span, format!("expected at most {} elements for one image", crate::ir::MAX_ELEMENTS));
            Shape::unknown()
        })
    }
}

fn type_name(ty: &ast::ParamType) -> String {
    match ty {
        ast::ParamType::Int => "int".to_owned(),
        ast::ParamType::Float => "float".to_owned(),
        ast::ParamType::Bool => "bool".to_owned(),
        ast::ParamType::Choice(choices) => {
            choices.iter().map(|choice| format!("{:?}", choice.text)).collect::<Vec<_>>().join(" | ")
        }
    }
}
