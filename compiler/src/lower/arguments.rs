//! Binds what a call gives to what its layer takes, and checks the kinds.

use super::call::Site;
use super::habits::{channels_before_filters, gives_channels, gives_input, is_of_another};
use super::misnamed::{listed, unknown_argument};
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, nearest, quote};
use crate::ir::{Init, ValueId};
use crate::ops::{self, Argument, Default, Kind, Operands, Signature};
use crate::source::Span;
use crate::syntax::ast::{Call, Expr, ExprKind};
use crate::types::Dim;

/// A call's operands and arguments.
pub(super) struct Bound {
    pub(super) operands: Vec<(ValueId, Span)>,
    pub(super) arguments: Vec<BoundArgument>,
}

/// An argument with its value.
pub(crate) struct BoundArgument {
    pub(crate) name: &'static str,
    pub(crate) value: Constant,
    /// Set where the argument is an initialiser.
    pub(super) init: Option<Init>,
    /// Where the value stands, if it was given.
    pub(crate) span: Option<Span>,
}

/// Binds a call. `None` after a message that leaves the call without a meaning.
pub(super) fn bind<'a>(
    lowerer: &mut Lowerer<'a>,
    signature: &'static Signature,
    call: &'a Call,
    site: Site<'a>,
) -> Option<Bound> {
    let mut operands: Vec<(ValueId, Span)> = site.operand.into_iter().collect();
    let mut given: Vec<(&'static Argument, &'a Expr)> = Vec::new();
    let mut positional = signature.arguments.iter();
    let mut is_sound = true;
    let mut has_unknown = false;
    let mut is_twice = false;
    if is_of_another(lowerer, signature, call) {
        return None;
    }
    for arg in &call.args {
        let argument = match &arg.name {
            Some(name) => {
                let Some(argument) = signature.arguments.iter().find(|argument| argument.name == name.text) else {
                    unknown_argument(lowerer, signature, call, site, (arg, &name.text, name.span), &operands);
                    has_unknown = true;
                    is_sound = false;
                    continue;
                };
                if let Some((_, first)) = given.iter().find(|(other, _)| other.name == argument.name) {
                    let title = format!("argument {} of `{}` is given twice", quote(&name.text), signature.name);
                    let input = operands.first().map(|&(id, _)| lowerer.type_of(id));
                    let without = channels_before_filters(lowerer, call, input.as_ref(), &given);
                    let report = lowerer
                        .sink
                        .error(codes::N0207, title)
                        .primary(name.span, "given again here")
                        .secondary(first.span, "given here first");
                    if let Some((gone, left)) = without {
                        report.may_fix("the channels that go in are known: leave them out", gone, left);
                    }
                    is_sound = false;
                    is_twice = true;
                    continue;
                }
                argument
            }
            None => {
                let wants_operand = match signature.operands {
                    Operands::One => operands.is_empty(),
                    Operands::Several => true,
                };
                if wants_operand {
                    if let (Operands::Several, ExprKind::List(items)) = (signature.operands, &arg.value.kind) {
                        let listed = listed(items, arg.value.span).filter(|_| operands.len() + items.len() > 1);
                        let report = lowerer
                            .sink
                            .error(
                                codes::N0104,
                                format!("`{}` takes its tensors one by one, found a list", signature.name),
                            )
                            .primary(arg.value.span, "expected a tensor");
                        let help = format!("leave out the brackets: `{}(a, b)`", signature.name);
                        match listed {
                            Some(listed) => report.fix(help, arg.value.span, listed),
                            None => report.help(help),
                        };
                        return None;
                    }
                    match lowerer.tensor(&arg.value, signature.name) {
                        Some(id) => operands.push((id, arg.value.span)),
                        None => is_sound = false,
                    }
                    // The place of the tensor is taken even if it has a mistake.
                    if !is_sound && signature.operands == Operands::One {
                        return None;
                    }
                    continue;
                }
                let Some(argument) = positional.next() else {
                    // Which of them is the one too many is not known.
                    too_many(lowerer, signature, arg.value.span);
                    return None;
                };
                argument
            }
        };
        given.push((argument, &arg.value));
    }
    if let Some(&(id, _)) = operands.first() {
        let input = lowerer.type_of(id);
        let gives_size = gives_input(lowerer, signature, call, &input, &given);
        if gives_size || !is_twice && gives_channels(lowerer, signature, call, &input, &given) {
            return None;
        }
    }
    is_sound &= check_operands(lowerer, signature, call, &operands, is_sound);
    let mut arguments = Vec::with_capacity(signature.arguments.len());
    let mut missing: Vec<&Argument> = Vec::new();
    for argument in signature.arguments {
        let value = given.iter().find(|(other, _)| other.name == argument.name).map(|(_, value)| *value);
        match value {
            Some(value) => match lowerer.typed_argument(signature, argument, value, (call, site)) {
                Some(bound) => arguments.push(bound),
                None => is_sound = false,
            },
            None => match default_of(argument) {
                Some(bound) => arguments.push(bound),
                None if argument.default == Default::Layer => {}
                None => missing.push(argument),
            },
        }
    }
    // What is missing may be there under a name that the layer does not have, which is one mistake.
    if let [first, rest @ ..] = missing.as_slice() {
        is_sound = false;
        if !has_unknown {
            let (names, label) = match rest {
                [] => (format!("`{}`", first.name), format!("expected `{}`: {}", first.name, first.docs)),
                _ => {
                    let names = missing.iter().map(|argument| format!("`{}`", argument.name)).collect::<Vec<_>>();
                    (names.join(" and "), format!("expected {}", names.join(" and ")))
                }
            };
            lowerer
                .sink
                .error(codes::N0206, format!("`{}` needs {names}", signature.name))
                .primary(call.span, label)
                .help(format!("for example: {}", example(signature)));
        }
    }
    is_sound.then_some(Bound { operands, arguments })
}

fn check_operands(
    lowerer: &mut Lowerer<'_>,
    signature: &Signature,
    call: &Call,
    operands: &[(ValueId, Span)],
    was_sound: bool,
) -> bool {
    let (least, words) = match signature.operands {
        Operands::One => (1, "a tensor"),
        Operands::Several => (2, "two tensors or more"),
    };
    if operands.len() >= least {
        return true;
    }
    if was_sound {
        let found = if operands.is_empty() { "none" } else { "only one" };
        lowerer
            .sink
            .error(codes::N0206, format!("`{}` takes {words}, found {found}", signature.name))
            .primary(call.span, format!("expected {words}"))
            .help(format!("for example: {}", example(signature)));
    }
    false
}

/// A call that would do.
fn example(signature: &Signature) -> String {
    let required = signature.arguments.iter().filter(|argument| argument.default == Default::Required);
    let values = required.map(|argument| match argument.kind {
        Kind::Number(..) | Kind::Positive(_) => format!("{}: 0.5", argument.name),
        _ if argument.name == "filters" => "32".to_owned(),
        _ if argument.name == "units" => "10".to_owned(),
        Kind::Shape => "[7, 7, 16]".to_owned(),
        Kind::Axes => format!("{}: [0, 1]", argument.name),
        Kind::Axis => format!("{}: 2", argument.name),
        _ => format!("{}: 3", argument.name),
    });
    let values: Vec<String> = values.collect();
    let name = signature.name;
    match signature.operands {
        Operands::Several => format!("`{name}(a, b)`"),
        Operands::One if values.is_empty() => format!("`x -> {name}`"),
        Operands::One => format!("`x -> {name}({})`", values.join(", ")),
    }
}

fn too_many(lowerer: &mut Lowerer<'_>, signature: &Signature, span: Span) {
    let known: Vec<&str> = signature.arguments.iter().map(|argument| argument.name).collect();
    let takes = match known.as_slice() {
        [] => "it takes no arguments besides its tensor".to_owned(),
        ["shape"] => format!("the sizes stand in one list: {}", example(signature)),
        _ => format!("its arguments: {}", known.join(", ")),
    };
    lowerer
        .sink
        .error(codes::N0207, format!("`{}` has too many arguments", signature.name))
        .primary(span, "one too many")
        .help(takes);
}

/// Whether a shape is -1 or [-1], which elsewhere stands for all elements.
fn is_rest(shape: &Constant) -> bool {
    match shape {
        Constant::List(sizes) => matches!(sizes.as_slice(), [Constant::Int(-1)]),
        size => *size == Constant::Int(-1),
    }
}

fn default_of(argument: &Argument) -> Option<BoundArgument> {
    let (value, init) = match argument.default {
        Default::Required | Default::Layer => return None,
        Default::Int(value) => (Constant::Int(value), None),
        Default::Bool(value) => (Constant::Bool(value), None),
        Default::Number(text) => (Constant::Float(text.parse().ok()?), None),
        Default::Init(name) => (Constant::Text(name.to_owned()), named_init(name)),
        Default::Text(text) => (Constant::Text(text.to_owned()), None),
    };
    Some(BoundArgument { name: argument.name, value, init, span: None })
}

/// What was expected of a number that is not in the range of its kind.
fn out_of_range(kind: Kind, value: &Constant) -> Option<String> {
    let number = match value {
        Constant::Float(value) => *value,
        Constant::Int(value) => *value as f64,
        _ => f64::NAN,
    };
    if let Kind::Number(low, high) = kind {
        let (low, high) = (f64::from(low) / 1000.0, f64::from(high) / 1000.0);
        return (!(low..high).contains(&number)).then(|| format!("expected at least {low} and less than {high}"));
    }
    let Kind::Positive(high) = kind else { return None };
    // What is stored is an f32: a number too small for one would be zero.
    let is_within = number as f32 > 0.0 && number < f64::from(high);
    (!is_within).then(|| format!("expected more than 0 and less than {high}"))
}

/// Initialisers without arguments.
const INITS: &[(&str, Init)] = &[
    ("zeros", Init::Zeros),
    ("ones", Init::Ones),
    ("glorot_uniform", Init::GlorotUniform),
    ("glorot_normal", Init::GlorotNormal),
    ("he_uniform", Init::HeUniform),
    ("he_normal", Init::HeNormal),
];

/// An initialiser's name, how it is made from its number, and whether that must be positive.
type InitCall = (&'static str, fn(f64) -> Init, bool);

/// Initialisers with one number, and whether it must be positive.
const INIT_CALLS: &[InitCall] =
    &[("constant", Init::Constant, false), ("normal", Init::Normal, true), ("uniform", Init::Uniform, true)];

fn named_init(name: &str) -> Option<Init> {
    INITS.iter().find(|(known, _)| *known == name).map(|&(_, init)| init)
}

impl<'a> Lowerer<'a> {
    /// An argument's value, checked against its kind; `None` after a message.
    fn typed_argument(
        &mut self,
        signature: &Signature,
        argument: &'static Argument,
        expr: &'a Expr,
        (call, site): (&Call, Site<'a>),
    ) -> Option<BoundArgument> {
        if argument.kind == Kind::Init {
            let init = self.init(expr)?;
            return Some(BoundArgument {
                name: argument.name,
                value: Constant::Text(init.to_string()),
                init: Some(init),
                span: Some(expr.span),
            });
        }
        if let (Kind::Choice(words), ExprKind::Name(name)) = (argument.kind, &expr.kind)
            && words.contains(&name.as_str())
        {
            self.sink
                .error(codes::N0203, format!("`{}` of `{}` is a text", argument.name, signature.name))
                .primary(expr.span, format!("expected {}", argument.kind.describe()))
                .fix(format!("write it in quotes: `{}: \"{name}\"`", argument.name), expr.span, format!("\"{name}\""));
            return None;
        }
        let value = self.constant(expr)?;
        let least = if matches!(argument.kind, Kind::SizePair | Kind::Size | Kind::Padding) { 0 } else { 1 };
        // What a size may be at most: beyond it no tensor fits, and sums of sizes stay far from overflow.
        let most = crate::ir::MAX_ELEMENTS as i64;
        let facts = &mut self.facts;
        let mut in_range = |value: &Constant| match value {
            Constant::Int(value) => (least..=most).contains(value),
            Constant::Dim(dim) => facts.require_at_least(dim, &Dim::from(least)),
            _ => false,
        };
        let fits = match (argument.kind, &value) {
            (Kind::Count | Kind::Size, value) => in_range(value),
            (Kind::Padding, Constant::List(items)) => matches!(items.len(), 2 | 4) && items.iter().all(&mut in_range),
            (Kind::Shape | Kind::Parts, Constant::List(items)) => !items.is_empty() && items.iter().all(&mut in_range),
            (Kind::Padding | Kind::Shape | Kind::Parts, value) => in_range(value),
            (Kind::CountPair | Kind::SizePair, Constant::List(items)) => {
                items.len() == 2 && items.iter().all(&mut in_range)
            }
            (Kind::CountPair | Kind::SizePair, value) => in_range(value),
            (Kind::Axis | Kind::Axes, Constant::Int(value)) => (0..3).contains(value),
            (Kind::Axes, Constant::List(items)) => {
                !items.is_empty() && items.iter().all(|item| matches!(item, Constant::Int(0..3)))
            }
            (Kind::Real, Constant::Int(_) | Constant::Dim(_) | Constant::AnyFloat) => true,
            (Kind::Real, Constant::Float(value)) => (*value as f32).is_finite(),
            (Kind::Choice(words), Constant::Text(text)) => words.contains(&text.as_str()),
            (Kind::Bool, Constant::Bool(_)) => true,
            (Kind::Number(..) | Kind::Positive(_), Constant::Dim(_) | Constant::AnyFloat) => true,
            (kind @ (Kind::Number(..) | Kind::Positive(_)), Constant::Int(_) | Constant::Float(_)) => {
                if let Some(expected) = out_of_range(kind, &value) {
                    self.sink
                        .error(
                            codes::N0204,
                            format!("`{}` of `{}` is out of range: {value}", argument.name, signature.name),
                        )
                        .primary(expr.span, expected);
                    return None;
                }
                true
            }
            _ => false,
        };
        if fits {
            return Some(BoundArgument { name: argument.name, value, init: None, span: Some(expr.span) });
        }
        let is_number = match argument.kind {
            Kind::Bool => false,
            Kind::Real => matches!(value, Constant::Float(_)),
            Kind::Choice(_) => matches!(value, Constant::Text(_)),
            _ => matches!(value, Constant::Int(_) | Constant::Dim(_)),
        };
        let code = if is_number { codes::N0204 } else { codes::N0203 };
        let is_same = matches!(&value, Constant::Text(text) if text.eq_ignore_ascii_case("same"));
        let label = match &value {
            Constant::Int(value) if *value > most => format!("too large: expected at most {most}"),
            _ => format!("expected {}", argument.kind.describe()),
        };
        let title = match value {
            Constant::AnyFloat
                if matches!(argument.kind, Kind::Count | Kind::Size | Kind::CountPair | Kind::SizePair) =>
            {
                format!("`{}` of `{}` is a whole number, and this has a fraction", argument.name, signature.name)
            }
            _ => format!("`{}` of `{}` cannot be {value}", argument.name, signature.name),
        };
        // A name alone has the value that is told.
        let values = if matches!(expr.kind, ExprKind::Name(_)) { String::new() } else { self.values_in(expr) };
        let mut report = self.sink.error(code, title).primary(expr.span, label);
        if !values.is_empty() {
            report = report.note(format!("here {values}"));
        }
        if let Constant::Text(text) = &value
            && ops::signature(text).is_some()
        {
            report.help(format!("layers stand behind each other: `{}(…) -> {text}`", signature.name));
        } else if is_same && argument.name == "pad" {
            report.help("with half the kernel, rounded down, a stride of 1 keeps the size: `pad: 1` for a kernel of 3");
        } else if signature.name == "reshape" && is_rest(&value) {
            let help = "`flatten` makes one axis of all";
            if site.operand.is_some() && call.args.len() == 1 {
                report.fix(help, call.span, "flatten");
            } else {
                report.help(help);
            }
        }
        if matches!(value, Constant::Float(_)) {
            self.doubt(expr);
        }
        None
    }

    /// An initialiser: a name, or a call with one number; `None` after a message.
    fn init(&mut self, expr: &'a Expr) -> Option<Init> {
        let known = || INITS.iter().map(|(name, _)| *name).chain(INIT_CALLS.iter().map(|(name, ..)| *name));
        let name = match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(init) = named_init(name) {
                    return Some(init);
                }
                if INIT_CALLS.iter().any(|(known, ..)| known == name) {
                    self.sink
                        .error(codes::N0206, format!("`{name}` needs a number"))
                        .primary(expr.span, format!("expected `{name}(0.01)`"));
                    return None;
                }
                name
            }
            ExprKind::Call(call) => {
                if named_init(&call.name.text).is_some() {
                    let name = &call.name.text;
                    self.sink
                        .error(codes::N0207, format!("`{name}` takes no number"))
                        .primary(call.span, "expected the name alone")
                        .fix(format!("write `{name}`"), call.span, name.as_str());
                    return None;
                }
                if let Some(&(_, make, is_positive)) = INIT_CALLS.iter().find(|(known, ..)| *known == call.name.text) {
                    let [arg] = call.args.as_slice() else {
                        self.sink
                            .error(
                                codes::N0206,
                                format!("`{}` takes one number, found {}", call.name.text, call.args.len()),
                            )
                            .primary(call.span, format!("expected `{}(0.01)`", call.name.text));
                        return None;
                    };
                    let given = self.constant(&arg.value)?;
                    let value = match &given {
                        Constant::Float(value) => *value,
                        Constant::Int(value) => *value as f64,
                        // Any number of a definition stands for one that will do.
                        Constant::AnyFloat | Constant::Dim(_) => 1.0,
                        other => {
                            self.sink
                                .error(codes::N0203, format!("`{}` takes a number, found {other}", call.name.text))
                                .primary(arg.value.span, "expected a number");
                            return None;
                        }
                    };
                    if !(value as f32).is_finite() || (is_positive && value <= 0.0) {
                        self.sink.error(codes::N0204, format!("`{}` cannot be {given}", call.name.text)).primary(
                            arg.value.span,
                            if is_positive {
                                "expected a positive number that fits into 32 bits"
                            } else {
                                "expected a number that fits into 32 bits"
                            },
                        );
                        return None;
                    }
                    return Some(make(value));
                }
                &call.name.text
            }
            _ => {
                let report = self
                    .sink
                    .error(codes::N0203, "an initialiser is a name")
                    .primary(expr.span, format!("expected {}", Kind::Init.describe()));
                if let ExprKind::Str(name) = &expr.kind
                    && named_init(name).is_some()
                {
                    report.fix(format!("write it without quotes: `{name}`"), expr.span, name.as_str());
                }
                return None;
            }
        };
        let near = match name.as_str() {
            "kaiming" | "he" => vec!["he_uniform", "he_normal"],
            "kaiming_uniform" => vec!["he_uniform"],
            "kaiming_normal" => vec!["he_normal"],
            "xavier" | "glorot" => vec!["glorot_uniform", "glorot_normal"],
            "xavier_uniform" => vec!["glorot_uniform"],
            "xavier_normal" => vec!["glorot_normal"],
            other => nearest(other, known()),
        };
        let span = match &expr.kind {
            ExprKind::Call(call) => call.name.span,
            _ => expr.span,
        };
        let report = self
            .sink
            .error(codes::N0208, format!("there is no initialiser called {}", quote(name)))
            .primary(span, "not an initialiser");
        if near.is_empty() {
            report.help(format!("the initialisers are {}", known().collect::<Vec<_>>().join(", ")));
        } else {
            report.did_you_mean_one_of(&near, span);
        }
        None
    }
}
