//! Arguments that a layer does not have, and lists that it does not take: where what they say stands instead.

use super::call::Site;
use super::habits::without;
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, quote, suggest};
use crate::ir::ValueId;
use crate::ops::{self, Default, Operands, Signature};
use crate::source::Span;
use crate::syntax::ast::{Arg, Call, Expr, ExprKind};
use crate::syntax::keywords;

/// Reports an argument that the layer does not have.
pub(super) fn unknown_argument<'a>(
    lowerer: &mut Lowerer<'a>,
    signature: &Signature,
    call: &'a Call,
    site: Site<'a>,
    (arg, name, span): (&'a Arg, &str, Span),
    operands: &[(ValueId, Span)],
) {
    let known: Vec<&str> = signature.arguments.iter().map(|argument| argument.name).collect();
    let alias = match name {
        "padding" => Some("pad"),
        "strides" => Some("stride"),
        "kernel_size" | "size" | "pool_size" => Some("kernel"),
        "ceil_mode" => Some("ceil"),
        "dim" if known.contains(&"axes") => Some("axes"),
        "dim" => Some("axis"),
        "use_bias" => Some("bias"),
        "kernel_initializer" | "weight_init" => Some("init"),
        "bias_initializer" => Some("bias_init"),
        "out_channels" => Some("filters"),
        "out_features" => Some("units"),
        "negative_slope" | "alpha" => Some("slope"),
        "p" => Some("rate"),
        "eps" => Some("epsilon"),
        "scale_factor" => Some("factor"),
        "output_padding" => Some("output_pad"),
        "depth_multiplier" => Some("multiplier"),
        "axis" => Some("axes"),
        "sizes" | "num" => Some("parts"),
        _ => None,
    };
    let alias = alias.filter(|alias| known.contains(alias));
    let near = alias.or_else(|| suggest(name, known.iter().copied()));
    let is_given =
        near.is_some_and(|near| call.args.iter().any(|arg| arg.name.as_ref().is_some_and(|n| n.text == near)));
    // Of a vector there is one axis to take; PyTorch counts the batch before it.
    let is_of_axes = matches!(signature.name, "softmax" | "log_softmax") && matches!(name, "dim" | "axis");
    let is_last_axis = is_of_axes
        && operands.first().is_some_and(|&(id, _)| lowerer.type_of(id).rank() == 1)
        && matches!(lowerer.constant(&arg.value), Some(Constant::Int(1 | -1)));
    let report = lowerer
        .sink
        .error(codes::N0202, format!("`{}` has no argument {}", signature.name, quote(name)))
        .primary(span, "not an argument of this layer");
    match near {
        Some(near) if is_given => report.help(format!("`{near}` is given already")),
        Some(near) if alias.is_some() => report.fix(format!("write `{near}`"), span, near),
        Some(near) => report.did_you_mean(near, span),
        None if is_of_axes => {
            let help = format!("leave it out: `{}` is over the last axis", signature.name);
            let (gone, left) = without(call, arg.value.span);
            if is_last_axis { report.fix(help, gone, left) } else { report.help(help) }
        }
        None if name == "activation" => {
            let layer = activation(arg);
            let help = format!("an activation is a layer: `{}(…) -> {}`", signature.name, layer.unwrap_or("relu"));
            match layer.and_then(|layer| moved_behind(call, site, arg, &format!(" -> {layer}"))) {
                Some((gone, text)) => report.fix(help, gone, text),
                None => report.help(help),
            }
        }
        None if name == "name" => {
            let layer = layer_name(arg);
            let help = format!("a layer's name stands behind it: `{}(…) as {}`", signature.name, layer.unwrap_or("c1"));
            match layer.and_then(|layer| moved_behind(call, site, arg, &format!(" as {layer}"))) {
                Some((gone, text)) => report.fix(help, gone, text),
                None => report.help(help),
            }
        }
        None if matches!(name, "in_channels" | "in_features" | "input_shape" | "input_dim") => {
            report.help("leave it out: what goes in is known from the tensor")
        }
        None if known.is_empty() => report.help("it takes no arguments"),
        None => report.help(format!("its arguments: {}", known.join(", "))),
    };
}

/// The names of a list, to stand without its brackets; `None` where it has something else between them.
pub(super) fn listed(items: &[Expr], list: Span) -> Option<String> {
    let names = items.iter().map(|item| match &item.kind {
        ExprKind::Name(name) => Some(name.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names.collect::<Option<_>>()?;
    let text = names.join(", ");
    // Whatever stands in the list besides, such as a comment, would go.
    (list.range().len() == text.len() + 2).then_some(text)
}

/// What takes the last argument out of a call in a pipeline and puts something behind the call: the edit, whose text ends with
/// that. `None` where more would change.
fn moved_behind(call: &Call, site: Site<'_>, arg: &Arg, behind: &str) -> Option<(Span, String)> {
    let [.., before, last] = call.args.as_slice() else { return None };
    let is_last = std::ptr::eq(last, arg) && site.operand.is_some() && site.label.is_none();
    // A line's end or a comment would go, too.
    let gap = before.span.after().to(arg.span.before()).range().len();
    let end = arg.span.after().to(call.span.after());
    (is_last && gap <= 2 && end.range().len() == 1)
        .then(|| (before.span.after().to(call.span.after()), format!("){behind}")))
}

/// The activation that an argument names, as `activation: relu` or `activation: "relu"`.
fn activation(arg: &Arg) -> Option<&'static str> {
    let (ExprKind::Name(name) | ExprKind::Str(name)) = &arg.value.kind else { return None };
    let layer = ops::signature(name)?;
    let is_plain = layer.operands == Operands::One
        && !layer.weighted
        && layer.arguments.iter().all(|argument| argument.default != Default::Required);
    is_plain.then_some(layer.name)
}

/// The name that a layer is given by an argument `name: "c1"`, if it can be one here.
fn layer_name(arg: &Arg) -> Option<&str> {
    let ExprKind::Str(name) = &arg.value.kind else { return None };
    keywords::is_name(name).then_some(name)
}
