//! A layer's call: finds its signature, binds operands and arguments, and gives the layer's `build` what it asks for.

use super::arguments::{Bound, bind};
use super::scope::Meaning;
use super::spelling::arguments_text;
use super::{Constant, Lowerer, MAX_LAYERS};
use crate::diagnostic::{Code, Draft, codes, quote};
use crate::ir::{self, Init, Layout, NewNode, Parameter, ParameterId, Shape, ValueId};
use crate::ops::{self, Mismatch, Op, RuleCall, Signature};
use crate::source::Span;
use crate::syntax::ast::{Block, Call, Label};
use crate::types::{Dim, TensorType};

/// What stands around a call: the tensor left of `->`, and the label after `as`.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) operand: Option<(ValueId, Span)>,
    pub(super) label: Option<&'a Label>,
}

impl<'a> Lowerer<'a> {
    /// Lowers a call of a layer or block.
    pub(super) fn layer(&mut self, call: &'a Call, site: Site<'a>) -> Meaning {
        if let Some(signature) = ops::signature(&call.name.text) {
            if self.program.hides_layers && self.means_block(&call.name.text) {
                return Meaning::Unknown;
            }
            let Some(bound) = bind(self, signature, call, site) else { return Meaning::Unknown };
            let label = self.label(site.label);
            return self.build(signature, bound, label, call.span, site.operand.is_some());
        }
        let unit = self.frame().unit;
        if let Some((owner, block)) = self.find_block(unit, &call.name.text) {
            if owner != unit && self.is_ambiguous(&call.name.text, call.name.span) {
                return Meaning::Unknown;
            }
            let unit = owner;
            return self.instance(unit, block, call, site).unwrap_or(Meaning::Unknown);
        }
        self.unknown_layer(call, site.operand.is_some());
        Meaning::Unknown
    }

    /// Whether the name of a layer is meant for a block that has it, too, which has been reported. In that block it is the
    /// layer's.
    fn means_block(&mut self, name: &str) -> bool {
        let (unit, own) = (self.frame().unit, self.frame().block);
        let block = self.find_block(unit, name);
        block.is_some_and(|(_, block)| own.is_none_or(|own| !std::ptr::eq(own, block)))
    }

    /// Lowers an operator on tensors as the call of its layer.
    pub(super) fn combine(&mut self, name: &str, bound: Bound, span: Span) -> Meaning {
        match ops::signature(name) {
            Some(signature) => self.build(signature, bound, None, span, false),
            None => Meaning::Unknown,
        }
    }

    fn build(
        &mut self,
        signature: &'static Signature,
        bound: Bound,
        label: Option<(String, Span)>,
        span: Span,
        is_stage: bool,
    ) -> Meaning {
        if self.is_stopped {
            return Meaning::Unknown;
        }
        self.n_layers += 1;
        if self.n_layers > MAX_LAYERS {
            self.stop(span, format!("the network has more than {MAX_LAYERS} layers"));
            return Meaning::Unknown;
        }
        let at = label.as_ref().map_or(span, |(_, span)| *span);
        let (name, earlier) = self.frame().names.of(signature.name, signature.weighted, label, span);
        self.report_second(&name, earlier, at);
        let operands: Vec<TensorType> = bound.operands.iter().map(|&(id, _)| self.type_of(id)).collect();
        let is_symbolic = self.paths.is_some();
        let mut layer = LayerCall { lowerer: self, signature, bound, name, span, is_stage };
        // After a message the layer still stands for a tensor, of an unknown shape, so that one mistake is one message.
        // Nodes made before the mistake was found stay behind; a graph with mistakes is never looked at.
        if operands.iter().any(|operand| !operand.is_known()) {
            return layer.unknown();
        }
        let Some(types) = layer.check(&operands) else { return layer.unknown() };
        let built = if is_symbolic {
            let name = layer.name.clone();
            types.into_iter().map(|ty| layer.lowerer.value(&name, ty, span)).collect()
        } else {
            match (signature.build)(&mut layer) {
                Some(built) => {
                    layer.note(&built);
                    built
                }
                None => return layer.unknown(),
            }
        };
        match built.as_slice() {
            [only] => Meaning::Tensor(*only),
            _ => Meaning::Several(built),
        }
    }

    /// Reports the second of two layers or instances of one name.
    pub(super) fn report_second(&mut self, name: &str, earlier: Option<Span>, at: Span) {
        if let Some(first) = earlier {
            let report = self
                .sink
                .error(codes::N0105, format!("two layers are called {}", quote(name)))
                .primary(at, "the second one");
            let report = if first == at { report } else { report.secondary(first, "the first one") };
            report.help(if first == at {
                "in a loop, number them: `as name[i]`"
            } else {
                "name one of them otherwise: `-> conv(…) as other`"
            });
        }
    }
}

/// What a shape would be as [height, width, channels], where it looks like that of an image with the channels first.
pub(crate) fn channels_last(ty: &TensorType) -> Option<String> {
    const LEAST: i64 = 8;
    let [channels, height, width] = ty.dims() else { return None };
    let (channels, height, width) = (channels.as_number()?, height.as_number()?, width.as_number()?);
    let is_image = matches!(channels, 1 | 3) && height == width && height >= LEAST;
    is_image.then(|| format!("[{height}, {width}, {channels}]"))
}

/// A layer's call with everything bound: what a layer's `build` works with.
pub struct LayerCall<'a, 'b> {
    lowerer: &'a mut Lowerer<'b>,
    signature: &'static Signature,
    bound: Bound,
    name: String,
    span: Span,
    /// Whether it stands after `->`.
    is_stage: bool,
}

impl<'b> LayerCall<'_, 'b> {
    /// An operand.
    pub(crate) fn operand(&self, index: usize) -> ValueId {
        self.bound.operands[index].0
    }

    /// An operand's shape.
    pub(crate) fn operand_shape(&self, index: usize) -> Shape {
        self.bound.operands.get(index).map_or(Shape::unknown(), |&(id, _)| self.lowerer.graph.shape(id).clone())
    }

    /// The shapes of all operands.
    pub(crate) fn operand_shapes(&self) -> Vec<Shape> {
        self.bound.operands.iter().map(|&(id, _)| self.lowerer.graph.shape(id).clone()).collect()
    }

    fn argument(&self, name: &str) -> Option<&Constant> {
        self.bound.arguments.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }

    /// Whether an argument was given.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.bound.arguments.iter().any(|argument| argument.name == name && argument.span.is_some())
    }

    /// Where an argument's value stands; the call if it was left out.
    fn argument_span(&self, name: &str) -> Span {
        let argument = self.bound.arguments.iter().find(|argument| argument.name == name);
        argument.and_then(|argument| argument.span).unwrap_or(self.span)
    }

    /// A whole number; its kind was checked when it was bound.
    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        match self.argument(name)? {
            Constant::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// `[vertical, horizontal]`.
    pub(crate) fn pair(&self, name: &str) -> Option<[usize; 2]> {
        let size = |value: &Constant| match value {
            Constant::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        };
        match self.argument(name)? {
            Constant::List(items) => match items.as_slice() {
                [a, b] => Some([size(a)?, size(b)?]),
                _ => None,
            },
            value => size(value).map(|value| [value, value]),
        }
    }

    /// The items of a list, or a single number as the only one.
    pub(crate) fn sizes(&self, name: &str) -> Option<Vec<usize>> {
        let size = |value: &Constant| match value {
            Constant::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        };
        match self.argument(name)? {
            Constant::List(items) => items.iter().map(size).collect(),
            value => Some(vec![size(value)?]),
        }
    }

    /// A word.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.argument(name)? {
            Constant::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.argument(name)? {
            Constant::Int(value) => Some(*value as f64),
            Constant::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A truth value.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.argument(name)? {
            Constant::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An initialiser.
    pub(crate) fn init(&self, name: &str) -> Option<Init> {
        self.bound.arguments.iter().find(|argument| argument.name == name).and_then(|argument| argument.init)
    }

    /// Starts an error.
    fn error(&mut self, code: Code, title: String) -> Draft<'_> {
        self.lowerer.sink.error(code, title)
    }

    /// Applies the layer's shape rule; `None` after a message.
    fn check(&mut self, operands: &[TensorType]) -> Option<Vec<TensorType>> {
        let mut facts = std::mem::take(&mut self.lowerer.facts);
        let mut call = RuleCall::new(self.signature, operands, &self.bound.arguments, &mut facts);
        let results = (self.signature.rule)(&mut call);
        self.lowerer.facts = facts;
        let mismatch = match results {
            Ok(results) => {
                let is_number = |dim: &Dim| dim.as_number().is_some();
                let too_large = |ty: &&TensorType| {
                    let is_concrete = self.lowerer.paths.is_none() || ty.dims().iter().all(is_number);
                    is_concrete && ty.shape().is_none()
                };
                match results.iter().find(too_large) {
                    None => return Some(results),
                    Some(result) => Mismatch::new(
                        codes::N0309,
                        format!("the output of `{}` would be {result}, which is too large", self.signature.name),
                        format!("expected at most {} elements", crate::ir::MAX_ELEMENTS),
                    ),
                }
            }
            Err(mismatch) => mismatch,
        };
        self.report(mismatch);
        None
    }

    /// Reports what the rule refuses: at the call, with where the operand comes from, or at the argument.
    fn report(&mut self, mismatch: Mismatch) {
        let operands: Vec<ValueId> = self.bound.operands.iter().map(|&(id, _)| id).collect();
        if mismatch.code == codes::N0307 && self.lowerer.is_blamed(&operands) {
            return;
        }
        let at = mismatch.argument.map_or(self.span, |argument| self.argument_span(argument));
        let operand = self.bound.operands.get(mismatch.operand).copied();
        let is_declared = operand.is_some_and(|(id, _)| self.is_declared(id));
        let n_axes = operand.map(|(id, _)| self.lowerer.type_of(id).rank());
        let is_of_block = is_declared && self.lowerer.frame().block.is_some();
        if is_of_block && mismatch.code == codes::N0301 && self.lowerer.has_told_channels() {
            return;
        }
        let produced = operand.map(|(id, from)| {
            let (at, is_made_there) = self.origin(id, from);
            let verb = if is_made_there && is_declared { "is" } else { "produces" };
            (format!("this {verb} {}", self.lowerer.type_of(id)), at)
        });
        let produced = produced.filter(|(_, from)| *from != self.span && mismatch.argument.is_none());
        // What is no image is told once, and not again at each layer that wants one.
        if let Some((what, from)) = &produced
            && mismatch.code == codes::N0301
            && self.lowerer.sink.has_told(|kept| {
                kept.code == codes::N0301
                    && kept.primary.text == mismatch.expected
                    && kept.secondary.iter().any(|label| label.span == *from && label.text == *what)
            })
        {
            return;
        }
        // Of two that do not go together either may be the wrong one.
        let partner = operands.get(usize::from(mismatch.operand == 0)).copied();
        let partner = partner.filter(|_| matches!(mismatch.code.id(), "N0306" | "N0307")).zip(operand);
        let partner = partner.filter(|(id, (blamed, _))| id != blamed).and_then(|(id, _)| {
            let (_, from) = *self.bound.operands.iter().find(|(other, _)| *other == id)?;
            let (at, is_made_there) = self.origin(id, from);
            let verb = if is_made_there && self.is_declared(id) { "is" } else { "produces" };
            Some((format!("this {verb} {}", self.lowerer.type_of(id)), at))
        });
        let partner = partner.filter(|(_, at)| {
            *at != self.span && mismatch.argument.is_none() && produced.as_ref().is_none_or(|(_, from)| from != at)
        });
        // A picture that fits nowhere may be declared in another framework's order: its channels are rows then.
        let rows = operand.and_then(|(id, _)| self.lowerer.type_of(id).image().and_then(|[rows, ..]| rows.as_number()));
        let is_flat = mismatch.code == codes::N0303 && rows.is_some_and(|rows| rows <= 3);
        let mut inputs = self.lowerer.graph.inputs.iter().filter(|_| is_flat);
        let turned = inputs.find_map(|&input| channels_last(&self.lowerer.graph.shape(input).into()));
        let report = self.lowerer.sink.error(mismatch.code, mismatch.title).primary(at, mismatch.expected);
        let report = match produced {
            Some((what, from)) => report.secondary(from, what),
            None => report,
        };
        let report = match partner {
            Some((what, from)) => report.secondary(from, what),
            None => report,
        };
        if let Some(turned) = turned {
            report.help(format!("images are [height, width, channels]: declare the input {turned}"));
            return;
        }
        let is_grey = mismatch.code == codes::N0301 && mismatch.argument.is_none() && n_axes == Some(2);
        let help = match mismatch.help {
            Some(_) if is_grey && is_of_block => {
                Some("the channels of an image are an axis: declare it `[H, W, C]`".to_owned())
            }
            // What a layer has made cannot be declared.
            Some(_) if is_grey && !is_declared => {
                Some("`reshape` makes an image of it: `reshape([height, width, 1])` has one channel".to_owned())
            }
            help => help,
        };
        match (help, mismatch.before.filter(|_| self.is_stage)) {
            (Some(help), Some(stages)) if mismatch.is_guess => {
                report.may_fix(help, self.span.before(), stages);
            }
            (Some(help), Some(stages)) => {
                report.fix(help, self.span.before(), stages);
            }
            (Some(help), None) => {
                report.help(help);
            }
            (None, _) => {}
        }
    }

    /// Whether an operand is an input, or a tensor that the block whose definition is checked takes.
    fn is_declared(&mut self, id: ValueId) -> bool {
        let made = self.lowerer.graph.value(id).span;
        let is_operand = |block: &Block| block.params.iter().any(|param| param.name.span == made);
        self.lowerer.graph.inputs.contains(&id) || self.lowerer.frame().block.is_some_and(is_operand)
    }

    /// Where an operand that stands at `from` comes from, for a label, and whether that is where it was made. In the text of
    /// a block, which serves other instances as well, only this instance's own values are.
    fn origin(&mut self, id: ValueId, from: Span) -> (Span, bool) {
        // What a name stands for was made elsewhere.
        let made = self.lowerer.graph.value(id).span;
        let given = self.lowerer.frame().given.iter().find(|(given, _)| *given == id).map(|(_, at)| *at);
        let own = self.lowerer.frame().block.map(|block| block.span).filter(|_| given.is_none());
        let mut blocks = self.lowerer.program.units.iter().flat_map(|unit| &unit.file.blocks);
        if blocks.any(|block| Some(block.span) != own && block.span.contains(made)) {
            return (given.unwrap_or(from), false);
        }
        let is_apart = made.source == from.source && !from.contains(made) && !made.contains(from);
        (if is_apart { made } else { from }, is_apart)
    }

    /// Notes the call in the graph.
    fn note(&mut self, results: &[ValueId]) {
        let call = ir::Call {
            kind: self.signature.name,
            layer: self.name.clone(),
            operands: self.bound.operands.iter().map(|&(id, _)| id).collect(),
            arguments: arguments_text(self.signature, &self.bound.arguments),
            results: results.to_vec(),
        };
        self.lowerer.graph.calls.push(call);
    }

    /// A result of an unknown type, for an operand of an unknown type.
    fn unknown(&mut self) -> Meaning {
        if self.signature.has_several {
            return Meaning::Unknown;
        }
        let name = self.name.clone();
        Meaning::Tensor(self.lowerer.value(&name, TensorType::unknown(), self.span))
    }

    /// The number of this layer among those that draw random numbers.
    pub(crate) fn counter(&mut self) -> u32 {
        let number = self.lowerer.n_dropouts;
        self.lowerer.n_dropouts += 1;
        number
    }

    /// A trained parameter of the layer; `None` after a message.
    pub(crate) fn parameter(
        &mut self,
        name: &str,
        dims: Vec<usize>,
        layout: Layout,
        init: Init,
    ) -> Option<ParameterId> {
        self.add_parameter(name, dims, layout, init, true)
    }

    /// State of the layer that training updates without a gradient; `None` after a message.
    pub(crate) fn state(&mut self, name: &str, dims: Vec<usize>, layout: Layout, init: Init) -> Option<ParameterId> {
        self.add_parameter(name, dims, layout, init, false)
    }

    fn add_parameter(
        &mut self,
        name: &str,
        dims: Vec<usize>,
        layout: Layout,
        init: Init,
        trained: bool,
    ) -> Option<ParameterId> {
        let text = format!("{dims:?}");
        let shape =
            Shape::new(dims).filter(|_| layout.stored().is_some_and(|stored| stored <= crate::ir::MAX_ELEMENTS));
        let Some(shape) = shape else {
            let span = self.span;
            let title = format!("the {name} of `{}` would be {text}, which is too large", self.signature.name);
            self.error(codes::N0309, title)
                .primary(span, format!("expected at most {} elements", crate::ir::MAX_ELEMENTS));
            return None;
        };
        let name = format!("{}.{name}", self.name);
        Some(self.lowerer.graph.add_parameter(Parameter {
            name,
            shape,
            layout,
            init,
            trained,
            frozen: false,
            rate: 1.0,
        }))
    }

    /// The layer's node, over all its operands.
    pub(crate) fn node(&mut self, op: Op, parameters: Vec<ParameterId>) -> ValueId {
        let args = self.bound.operands.iter().map(|&(id, _)| id).collect();
        self.node_over(op, args, parameters)
    }

    /// The shape of a value.
    pub(crate) fn shape_of(&self, value: ValueId) -> Shape {
        self.lowerer.graph.shape(value).clone()
    }

    /// A node of the layer, over these operands, whose result is not the layer's own and is named after its part.
    pub(crate) fn inner_node(
        &mut self,
        part: &str,
        op: Op,
        args: Vec<ValueId>,
        parameters: Vec<ParameterId>,
    ) -> ValueId {
        let (name, layer, span) = (format!("{}_{part}", self.name), self.name.clone(), self.span);
        self.lowerer.graph.add_node(NewNode { op, args, parameters, name: &name, layer: &layer, span })
    }

    /// A node of the layer, over these operands.
    pub(crate) fn node_over(&mut self, op: Op, args: Vec<ValueId>, parameters: Vec<ParameterId>) -> ValueId {
        let (name, span) = (self.name.clone(), self.span);
        self.lowerer.graph.add_node(NewNode { op, args, parameters, name: &name, layer: &name, span })
    }
}
