//! Expressions: names, pipelines, calls, and operators on tensors and numbers.

use super::arguments::{Bound, BoundArgument};
use super::call::Site;
use super::scope::Meaning;
use super::unknown::BUNDLED_CONSTANTS;
use super::{Lowerer, VALUES_A_STEP};
use crate::diagnostic::{Diagnostic, codes, is_slip, nearest, quote};
use crate::ir::ValueId;
use crate::ops;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Param, Stage};
use crate::types::TensorType;

use super::Constant;

impl<'a> Lowerer<'a> {
    /// What an expression means.
    pub(super) fn evaluate(&mut self, expr: &'a Expr) -> Meaning {
        self.n_values = self.n_values.saturating_add(1);
        match &expr.kind {
            ExprKind::Int(value) => Meaning::Constant(Constant::Int(*value)),
            ExprKind::Float(value) => Meaning::Constant(Constant::Float(*value)),
            ExprKind::Bool(value) => Meaning::Constant(Constant::Bool(*value)),
            ExprKind::Str(text) => Meaning::Constant(Constant::Text(text.clone())),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::List(items) => self.list(items),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, expr.span),
            ExprKind::Binary(op, a, b) => self.operator(*op, a, b, expr.span),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Pipe { source, stages } => self.pipe(source, stages),
            ExprKind::Hole | ExprKind::Error => Meaning::Unknown,
        }
    }

    /// The tensor that an expression makes; `None` after a message.
    pub(super) fn tensor(&mut self, expr: &'a Expr, for_layer: &str) -> Option<ValueId> {
        self.tensor_for(expr, for_layer, None)
    }

    /// The same for an operand of a block, which has a name.
    pub(super) fn tensor_for(&mut self, expr: &'a Expr, for_layer: &str, param: Option<&Param>) -> Option<ValueId> {
        match self.evaluate(expr) {
            Meaning::Tensor(id) => Some(id),
            Meaning::Constant(constant) => {
                let what = param.map_or(String::new(), |param| format!(" for {}", quote(&param.name.text)));
                let mut report = self
                    .sink
                    .error(codes::N0104, format!("`{for_layer}` takes a tensor{what}, found {constant}"))
                    .primary(expr.span, "expected an input, a binding or a layer's output");
                if let Some(param) = param {
                    report = report.secondary(param.span, "declared here");
                }
                if ops::signature(for_layer).is_some_and(|layer| !layer.arguments.is_empty()) {
                    report.help(format!("the tensor stands left of an arrow, or first: `x -> {for_layer}(…)`"));
                }
                None
            }
            Meaning::Several(values) => {
                self.sink
                    .error(codes::N0113, format!("`{for_layer}` takes one tensor, found {}", values.len()))
                    .primary(expr.span, "this makes several tensors")
                    .help("give each a name: `a, b = …`");
                None
            }
            Meaning::Unknown => None,
        }
    }

    /// A tensor of an unknown shape, after a message.
    fn unknown_tensor(&mut self, span: Span) -> ValueId {
        self.value("unknown", TensorType::unknown(), span)
    }

    fn name(&mut self, name: &str, span: Span) -> Meaning {
        if let Some(named) = self.lookup(name) {
            if let Meaning::Constant(list @ Constant::List(_)) = &named.meaning {
                // A copy of a long list takes as long as many statements.
                self.n_steps = self.n_steps.saturating_add(list.n_values() / VALUES_A_STEP);
            }
            let is_own = named.span.source == span.source;
            return if !is_own && self.is_ambiguous(name, span) { Meaning::Unknown } else { named.meaning };
        }
        if !self.frame().missing.insert(name.to_owned()) {
            return Meaning::Unknown;
        }
        // A look at all names for each of many mistakes would take long.
        let is_full = self.sink.is_full();
        let known = if is_full { Vec::new() } else { self.known_names() };
        let mut near = nearest(name, known.iter().map(String::as_str));
        if near.is_empty() {
            // A letter alone is near to no other, but to the same in the other case.
            near.extend(known.iter().map(String::as_str).filter(|known| known.eq_ignore_ascii_case(name)));
        }
        let literal = match name {
            "True" | "TRUE" => Some("true"),
            "False" | "FALSE" => Some("false"),
            _ => None,
        };
        // Without an input, what was meant to be one is missing.
        let needs_input = self.frame().needs_input() && self.sections.n_inputs == 0;
        let is_of_file = self.frame().scopes.is_empty();
        let of_network = self.frame().block.filter(|_| !is_full).filter(|_| self.is_network_parameter(name));
        let is_layer = ops::signature(name).is_some();
        let mut choices = self.choices.values().copied().flatten().filter(|_| !is_full);
        let is_choice = choices.any(|choice| choice.text == name);
        let unit = self.frame().unit;
        let is_block = self.find_block(unit, name).is_some();
        let defined = if is_full { None } else { self.frame().definition(name) };
        let in_loop = if is_full { None } else { self.frame().definition_in_loop(name) };
        let (binding, binds_numbers) = (self.frame().binding, self.frame().binds_numbers);
        let bundled = BUNDLED_CONSTANTS.iter().find(|(constant, _)| *constant == name);
        if bundled.is_some_and(|(_, file)| !self.misses(file)) {
            return Meaning::Unknown;
        }
        // It may be a constant of a file that could not be read.
        let is_slip = near.len() == 1 && near.iter().all(|near| is_slip(name, near));
        if !is_slip && defined.is_none() && self.lacks_file() {
            self.sink.count_error();
            return Meaning::Unknown;
        }
        // It may be what one of two definitions of the same name should have been.
        if near.iter().any(|near| self.is_twice(near)) {
            return Meaning::Unknown;
        }
        let image = self.without_channels(name);
        if image.is_some() && self.has_told_image() {
            return Meaning::Unknown;
        }
        let declared = if is_full { None } else { self.misdeclared(name, &near) };
        let layer = self.frame().names.find(name);
        // What a section names may be the output that is missing.
        let is_output = |told: &Diagnostic| told.code == codes::N0106 && told.title.ends_with("has no output");
        if self.frames.len() == 1 && near.is_empty() && self.sink.has_told(is_output) {
            return Meaning::Unknown;
        }
        let report = self
            .sink
            .error(codes::N0101, format!("nothing is called {}", quote(name)))
            .primary(span, "not defined here or above");
        if let Some(below) = defined.filter(|below| below.source == span.source && below.start > span.start) {
            report.secondary(below, "defined here, below").help("a name is known from its definition on");
        } else if let Some(itself) = defined.filter(|place| binding == Some(*place)) {
            let start = if binds_numbers { "a number" } else { "an input" };
            let help = format!("start from {start}, or from a name above");
            report.secondary(itself, "the statement that defines it").help(help);
        } else if let Some(above) = defined {
            report.secondary(above, "defined here, in a branch that is not taken");
        } else if let Some(inside) = in_loop.filter(|inside| inside.source == span.source) {
            let help = format!("bind {} before the loop, too: then the loop gives it another value", quote(name));
            report.secondary(inside, "defined here, in a loop, and known in its braces only").help(help);
        } else if let (Some((param, shape)), true) = (image, near.is_empty()) {
            let tensor = &param.name.text;
            let end = shape.dims.last().map_or(shape.span, |dim| dim.span.after());
            report.may_fix(
                format!("`{tensor}` has two axes: declare its channels, `{tensor}: [H, W, {name}]`"),
                end,
                format!(", {name}"),
            );
        } else if let Some(declared) = declared {
            let help = format!("nothing uses {}: did you mean `{name}` there?", quote(&declared.text));
            report.secondary(declared.span, "declared here").may_fix(help, declared.span, name);
        } else if let Some((_, file)) = bundled {
            report.help(format!("it comes with Netwright: write `use <{file}>;` at the top of the file"));
        } else if let Some(meant) = literal {
            report.fix(format!("write `{meant}`"), span, meant);
        } else if matches!(name, "None" | "null" | "nil") {
            report.help("there is no such value: leave out the argument; the batch is no axis of a shape");
        } else if let Some(layer) = layer {
            let help = format!("a layer's name finds its parameters; to use the value, bind it: `{name} = …`");
            report.secondary(layer, "this names a layer").help(help);
        } else if is_choice {
            report.may_fix(format!("a text stands in quotes: `\"{name}\"`"), span, format!("\"{name}\""));
        } else if is_layer || is_block {
            let what = if is_layer { "layer" } else { "block" };
            report.help(format!("`{name}` is a {what}: write `x -> {name}` or `{name}(x)`"));
        } else if let Some(block) = of_network {
            let help = format!("a block knows its own parameters only: give `{}` one, `{name}: …`", block.name.text);
            report.help(help);
        } else if is_of_file && near.is_empty() {
            report.help("a constant of a file knows those above it, and those of used files");
        } else if needs_input && near.is_empty() {
            report.help(format!("declare {} first, such as `input image: [28, 28, 1];`", quote(name)));
        } else {
            report.did_you_mean_one_of(&near, span);
        }
        Meaning::Unknown
    }

    /// Whether a network of the description has a parameter of that name.
    fn is_network_parameter(&self, name: &str) -> bool {
        let networks = self.program.main().into_iter().flat_map(|file| &file.networks);
        networks.flat_map(|network| &network.params).any(|param| param.name.text == name)
    }

    fn pipe(&mut self, source: &'a Expr, stages: &'a [Stage]) -> Meaning {
        let Some((last, before)) = stages.split_last() else { return Meaning::Unknown };
        let first = before.first().unwrap_or(last);
        if let ExprKind::List(items) = &source.kind
            && let Some(named) = self.tensors_of(items)
        {
            let layer = &first.call.name.text;
            self.sink
                .error(codes::N0104, "a list of tensors is no tensor")
                .primary(source.span, "expected an input, a binding or a layer's output")
                .help(format!("further tensors are arguments: `{layer}({named})`"));
            return Meaning::Tensor(self.unknown_tensor(last.span));
        }
        let mut value = match self.tensor(source, &first.call.name.text) {
            Some(value) => value,
            None => self.unknown_tensor(source.span),
        };
        let mut at = source.span;
        let mut next = last;
        for (stage, after) in before.iter().zip(before.iter().skip(1).chain([last])) {
            next = after;
            // After a message the next stages are still checked, on a tensor of an unknown shape.
            value = match self.stage(stage, value, at) {
                Meaning::Tensor(value) => value,
                Meaning::Several(values) => {
                    let title = format!("`{}` makes {} tensors", stage.call.name.text, values.len());
                    self.sink
                        .error(codes::N0113, title)
                        .primary(stage.span, format!("`{}` takes one", next.call.name.text))
                        .help("give each a name, `a, b = …`, and go on with one");
                    self.unknown_tensor(stage.span)
                }
                Meaning::Constant(_) | Meaning::Unknown => self.unknown_tensor(stage.span),
            };
            at = stage.span;
        }
        match self.stage(next, value, at) {
            Meaning::Unknown => Meaning::Tensor(self.unknown_tensor(last.span)),
            meaning => meaning,
        }
    }

    /// The names of a list, if they are those of tensors.
    fn tensors_of(&mut self, items: &'a [Expr]) -> Option<String> {
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            let ExprKind::Name(name) = &item.kind else { return None };
            let Some(Meaning::Tensor(_)) = self.lookup(name).map(|named| named.meaning) else { return None };
            names.push(name.as_str());
        }
        let joined = names.join(", ");
        (!names.is_empty()).then(|| if joined.len() <= 40 { joined } else { "…".to_owned() })
    }

    fn stage(&mut self, stage: &'a Stage, operand: ValueId, from: Span) -> Meaning {
        let site = Site { operand: Some((operand, from)), label: stage.label.as_ref() };
        self.layer(&stage.call, site)
    }

    fn call(&mut self, call: &'a Call) -> Meaning {
        self.layer(call, Site { operand: None, label: None })
    }

    fn operator(&mut self, op: BinaryOp, a: &'a Expr, b: &'a Expr, span: Span) -> Meaning {
        let left = self.evaluate(a);
        // The second half of a condition is not looked at where the first decides.
        match (op, &left) {
            (BinaryOp::And, Meaning::Constant(Constant::Bool(false)))
            | (BinaryOp::Or, Meaning::Constant(Constant::Bool(true))) => {
                self.mention_in(b);
                return left;
            }
            (BinaryOp::Equal | BinaryOp::NotEqual, _) if !self.is_choice(a, b) => return Meaning::Unknown,
            _ => {}
        }
        let right = self.evaluate(b);
        match (left, right) {
            (Meaning::Unknown, _) | (_, Meaning::Unknown) => Meaning::Unknown,
            (Meaning::Several(_), _) | (_, Meaning::Several(_)) => {
                self.sink
                    .error(codes::N0113, format!("`{}` takes one tensor on each side", op.as_str()))
                    .primary(span, "one side makes several tensors");
                Meaning::Unknown
            }
            (Meaning::Constant(x), Meaning::Constant(y)) => {
                if self.lacks_comparison(op, a, b, &y) {
                    return Meaning::Unknown;
                }
                self.binary(op, (x, a.span), (y, b.span), span)
            }
            (Meaning::Tensor(x), Meaning::Tensor(y)) => {
                let layer = match op {
                    BinaryOp::Add => "add",
                    BinaryOp::Subtract => "subtract",
                    BinaryOp::Multiply => "multiply",
                    _ => {
                        self.sink
                            .error(codes::N0104, format!("`{}` does not apply to tensors", op.as_str()))
                            .primary(span, "expected `+`, `-` or `*`");
                        return Meaning::Unknown;
                    }
                };
                let bound = Bound { operands: vec![(x, a.span), (y, b.span)], arguments: Vec::new() };
                self.combine(layer, bound, span)
            }
            (Meaning::Tensor(x), Meaning::Constant(value)) => {
                self.with_number(op, (x, a.span), (&value, b.span), false, span)
            }
            (Meaning::Constant(value), Meaning::Tensor(x)) => {
                self.with_number(op, (x, b.span), (&value, a.span), true, span)
            }
        }
    }

    /// Lowers an operator on a tensor and a number as a call of `affine`.
    fn with_number(
        &mut self,
        op: BinaryOp,
        tensor: (ValueId, Span),
        (value, at): (&Constant, Span),
        is_first: bool,
        span: Span,
    ) -> Meaning {
        let number = match value {
            Constant::Int(value) => Some(*value as f64),
            Constant::Float(value) => Some(*value),
            // Any number of a definition stands for one that will do.
            Constant::AnyFloat | Constant::Dim(_) => Some(1.0),
            _ => None,
        };
        let numbers = number.and_then(|number| match (op, is_first) {
            (BinaryOp::Add, _) => Some((1.0, number)),
            (BinaryOp::Subtract, false) => Some((1.0, -number)),
            (BinaryOp::Subtract, true) => Some((-1.0, number)),
            (BinaryOp::Multiply, _) => Some((number, 0.0)),
            (BinaryOp::Divide, false) => Some((1.0 / number, 0.0)),
            _ => None,
        });
        let Some((scale, shift)) = numbers else {
            let is_comparison = matches!(
                op,
                BinaryOp::Equal
                    | BinaryOp::NotEqual
                    | BinaryOp::Less
                    | BinaryOp::LessEqual
                    | BinaryOp::Greater
                    | BinaryOp::GreaterEqual
            );
            let expected = match number {
                _ if is_comparison => "expected two numbers; the shape of a tensor is promised with `:`",
                Some(_) => "expected `+`, `-`, `*`, or `/` with the number on the right",
                None => "expected two tensors, two numbers, or one of each",
            };
            self.sink
                .error(codes::N0104, format!("`{}` does not apply to a tensor and {value}", op.as_str()))
                .primary(span, expected);
            return Meaning::Unknown;
        };
        if number == Some(0.0) && op == BinaryOp::Divide {
            self.sink.error(codes::N0205, "division by zero").primary(at, "this is 0");
            return Meaning::Unknown;
        }
        if !(scale as f32).is_finite() || !(shift as f32).is_finite() {
            self.sink
                .error(codes::N0204, format!("{value} does not fit into 32 bits"))
                .primary(at, "expected a smaller number");
            return Meaning::Unknown;
        }
        self.affine(tensor, scale, shift, span)
    }

    /// `scale x + shift`, as an operator writes it.
    pub(super) fn affine(&mut self, tensor: (ValueId, Span), scale: f64, shift: f64, span: Span) -> Meaning {
        let argument = |name, number| BoundArgument { name, value: Constant::Float(number), init: None, span: None };
        let bound =
            Bound { operands: vec![tensor], arguments: vec![argument("scale", scale), argument("shift", shift)] };
        self.combine("affine", bound, span)
    }
}
