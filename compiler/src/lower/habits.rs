//! Calls of layers as other libraries have them, or with the arguments of another layer: what is meant, in one message.

use super::{Constant, Lowerer};
use crate::diagnostic::codes;
use crate::ops::{Argument, SIGNATURES, Signature};
use crate::source::Span;
use crate::syntax::ast::{Call, Expr, Ident};
use crate::types::{Dim, TensorType, Truth};

/// Reports a call of which several arguments belong to another layer, such as a `kernel` and a `stride` of `dense`.
pub(super) fn is_of_another(lowerer: &mut Lowerer<'_>, signature: &Signature, call: &Call) -> bool {
    let has = |layer: &Signature, name: &Ident| layer.arguments.iter().any(|argument| argument.name == name.text);
    let names = || call.args.iter().filter_map(|arg| arg.name.as_ref());
    let unknown: Vec<&Ident> = names().filter(|name| !has(signature, name)).collect();
    let [first, _, ..] = unknown.as_slice() else { return false };
    let takes_all = |layer: &&&Signature| names().all(|name| has(layer, name));
    let mut meant: Vec<&str> = SIGNATURES.iter().filter(takes_all).map(|layer| layer.name).collect();
    if meant.contains(&"conv") && signature.weighted {
        meant = vec!["conv"];
    }
    if meant.is_empty() {
        return false;
    }
    let listed: Vec<String> = unknown.iter().map(|name| format!("`{}`", name.text)).collect();
    let title = format!("`{}` has no arguments {}", signature.name, listed.join(", "));
    lowerer
        .sink
        .error(codes::N0202, title)
        .primary(first.span, "not an argument of this layer")
        .did_you_mean_one_of(&meant, call.name.span);
    true
}

/// Reports a call that says the size of what goes in, as PyTorch has it: `dense(784, 100)`, `batch_norm(16)`.
pub(super) fn gives_input<'a>(
    lowerer: &mut Lowerer<'a>,
    signature: &Signature,
    call: &'a Call,
    input: &TensorType,
    given: &[(&'static Argument, &'a Expr)],
) -> bool {
    let is_positional = |expr: &Expr| call.args.iter().any(|arg| arg.name.is_none() && arg.value.span == expr.span);
    // Which argument the size of the input, or what stands behind it, takes the place of.
    let place = match signature.name {
        "batch_norm" | "layer_norm" | "group_norm" => "epsilon",
        "dense" => "bias",
        _ => return false,
    };
    let found = given.iter().find(|(argument, expr)| argument.name == place && is_positional(expr));
    let Some((_, in_place)) = found else { return false };
    let Some(value) = lowerer.constant(in_place) else { return false };
    let is_size = match &value {
        Constant::Int(size) => *size >= 1,
        Constant::Dim(_) | Constant::List(_) => true,
        Constant::Float(_) | Constant::Bool(_) | Constant::Text(_) | Constant::AnyFloat => false,
    };
    if !is_size {
        return false;
    }
    // Of a dense layer it is the first that goes in; the second is what comes out.
    let (size, at) = match given.first() {
        Some((_, first)) if signature.name == "dense" => match lowerer.constant(first) {
            Some(size) => (size, first.span),
            None => return false,
        },
        _ => (value.clone(), in_place.span),
    };
    let is_sure = is_size_of(lowerer, &size, input);
    // It may be meant as a truth value.
    if !is_sure && signature.name == "dense" && value == Constant::Int(1) {
        return false;
    }
    let report = lowerer
        .sink
        .error(codes::N0207, format!("`{}` is given the size of its input", signature.name))
        .primary(at, "known from the tensor");
    if is_sure {
        let (gone, left) = without(call, at);
        report.fix("leave it out", gone, left);
    } else {
        report.help("leave it out");
    }
    true
}

/// Where the channels that go into a convolution are given before the filters, with what is left without them.
pub(super) fn channels_before_filters<'a>(
    lowerer: &mut Lowerer<'a>,
    call: &'a Call,
    input: Option<&TensorType>,
    given: &[(&'static Argument, &'a Expr)],
) -> Option<(Span, &'static str)> {
    let (_, first) = given.iter().find(|(argument, _)| argument.name == "filters")?;
    let channels = lowerer.constant(first)?;
    is_size_of(lowerer, &channels, input?).then(|| without(call, first.span))
}

/// Whether a value is the last size of a tensor, or all of its sizes.
fn is_size_of(lowerer: &Lowerer<'_>, value: &Constant, tensor: &TensorType) -> bool {
    let is = |value: &Constant, size: &Dim| match value {
        Constant::Int(value) => size.as_number() == Some(*value),
        Constant::Dim(value) => lowerer.facts.equal(value, size) == Truth::Always,
        _ => false,
    };
    let sizes = tensor.dims();
    match value {
        Constant::List(values) => {
            values.len() == sizes.len() && values.iter().zip(sizes).all(|(value, size)| is(value, size))
        }
        value => sizes.last().is_some_and(|size| is(value, size)),
    }
}

/// The edit that takes an argument out of a call: what goes, and what stands there then.
fn without(call: &Call, at: Span) -> (Span, &'static str) {
    let place = call.args.iter().position(|arg| arg.value.span == at).unwrap_or(0);
    let before = place.checked_sub(1).and_then(|before| call.args.get(before));
    match (before, call.args.get(place + 1)) {
        // A call without arguments has no parentheses.
        (None, None) => (call.name.span.after().to(call.span.after()), ""),
        (None, Some(next)) => (at.to(next.span.before()), ""),
        (Some(before), _) => (before.value.span.after().to(at), ""),
    }
}
