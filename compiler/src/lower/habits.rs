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
    // Which argument the size of the input, or what stands behind it, takes the place of.
    let place = match signature.name {
        "batch_norm" | "layer_norm" | "group_norm" => "epsilon",
        "dense" => "bias",
        _ => return false,
    };
    let found = given.iter().find(|(argument, expr)| argument.name == place && is_unnamed(call, expr));
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

/// Reports a convolution that is given the channels of its input before the filters, as PyTorch has it:
/// `conv(3, 32, 3, 1, 1)`. Without names the call means something else: 3 filters, a kernel of 32, a stride of 3.
pub(super) fn gives_channels<'a>(
    lowerer: &mut Lowerer<'a>,
    signature: &Signature,
    call: &'a Call,
    input: &TensorType,
    given: &[(&'static Argument, &'a Expr)],
) -> bool {
    // What a block gives its layers was looked at in its definition.
    let is_instance = lowerer.paths.is_none() && lowerer.frame().block.is_some();
    if is_instance || !matches!(signature.name, "conv" | "conv_transpose" | "separable_conv") {
        return false;
    }
    let Some([height, ..]) = input.image() else { return false };
    let unnamed: Vec<(&'static Argument, &Expr)> =
        given.iter().copied().take_while(|(_, expr)| is_unnamed(call, expr)).collect();
    let [(_, first), _, _, ..] = unnamed.as_slice() else { return false };
    let Some(channels @ (Constant::Int(_) | Constant::Dim(_))) = lowerer.constant(first) else { return false };
    if !is_size_of(lowerer, &channels, input) {
        return false;
    }
    let mut values = vec![channels];
    for (_, expr) in unnamed.iter().skip(1) {
        match lowerer.constant(expr) {
            Some(value @ (Constant::Int(_) | Constant::Dim(_))) => values.push(value),
            _ => return false,
        }
    }
    let number = |place: usize| match values.get(place) {
        Some(Constant::Int(value)) => Some(*value),
        _ => None,
    };
    let named_pad = given.iter().skip(unnamed.len()).find(|(argument, _)| argument.name == "pad");
    let named_pad = named_pad.and_then(|(_, expr)| match lowerer.constant(expr) {
        Some(Constant::Int(pad)) => Some(pad),
        _ => None,
    });
    let n_before_pad = if signature.name == "separable_conv" { 4 } else { 3 };
    let as_written = Window { kernel: number(1), stride: number(2), pad: number(n_before_pad).or(named_pad) };
    let meant = Window { kernel: number(2), stride: number(3), pad: number(4).or(named_pad) };
    if as_written.is_likely(signature.name) || !meant.is_possible(values.len()) {
        return false;
    }
    let shown = |values: &[Constant]| values.iter().map(Constant::to_string).collect::<Vec<_>>().join(", ");
    let names = unnamed.iter().zip(&values).skip(1).map(|((argument, _), value)| format!("{}: {value}", argument.name));
    let otherwise = format!("{}({}, {})", signature.name, shown(&values[..1]), names.collect::<Vec<_>>().join(", "));
    // What stands behind the kernel is the same here and there, but for `separable_conv`.
    let is_aligned = values.len() <= 6 && (signature.name != "separable_conv" || values.len() == 3);
    let fits = height.as_number().zip(meant.kernel).is_none_or(|(height, kernel)| {
        signature.name == "conv_transpose" || kernel <= height.saturating_add(meant.pad.unwrap_or(0).saturating_mul(2))
    });
    let (gone, left) = without(call, first.span);
    let report = lowerer
        .sink
        .error(codes::N0207, format!("`{}` is given the channels of its input", signature.name))
        .primary(first.span, "known from the tensor");
    let report = if is_aligned {
        let help = format!("leave them out: `{}({})`", signature.name, shown(&values[1..]));
        if fits { report.fix(help, gone, left) } else { report.help(help) }
    } else {
        report.help("leave them out, and name what stands behind the kernel")
    };
    report.help(format!("if they are the filters, say what the others are: `{otherwise}`"));
    true
}

/// The numbers behind the filters in one of two readings of a convolution's call; `None` where they are not given, or not
/// known.
struct Window {
    kernel: Option<i64>,
    stride: Option<i64>,
    pad: Option<i64>,
}

impl Window {
    /// Kernels that are larger are seldom meant.
    const LARGEST: i64 = 11;

    /// Whether a network may well have such a layer, the first number behind the filters being the kernel and the next the
    /// stride (for `separable_conv` the multiplier).
    fn is_likely(&self, layer: &str) -> bool {
        let Some(kernel) = self.kernel else {
            // Of a parameter it is not known what it is; a stride of 3 or more is the kernel of the other reading.
            return self.stride.is_none_or(|stride| stride < 3);
        };
        if kernel < 1 || self.stride.is_some_and(|stride| stride < 1) {
            // A message tells of that.
            return true;
        }
        let stride = self.stride.unwrap_or(1);
        let keeps_size = self.pad.is_some_and(|pad| pad.checked_mul(2).is_some_and(|pads| pads + 1 == kernel));
        let is_kernel = kernel <= Self::LARGEST || keeps_size;
        match layer {
            "separable_conv" => is_kernel && (kernel % 2 == 1 || kernel <= 4),
            // Bilinear upsampling has a kernel of twice the stride.
            "conv_transpose" if kernel == stride || kernel == stride.saturating_mul(2) => true,
            "conv_transpose" => is_kernel && stride <= 2 && stride <= kernel,
            _ => {
                let is_patch = stride == kernel && self.pad.unwrap_or(0) == 0;
                let is_stride = stride <= 2 || is_patch || stride == 4 && kernel >= 7;
                let is_even = kernel % 2 == 0 && kernel >= 6 && stride == 1;
                is_kernel && is_stride && !is_even
            }
        }
    }

    /// Whether there can be such a layer, with a kernel as they are; of `n_values` unnamed arguments.
    fn is_possible(&self, n_values: usize) -> bool {
        let is_kernel = self.kernel.is_none_or(|kernel| (1..=Self::LARGEST).contains(&kernel));
        let is_stride = n_values < 4 || self.stride.is_none_or(|stride| (1..=Self::LARGEST).contains(&stride));
        let kernel = self.kernel.unwrap_or(Self::LARGEST);
        is_kernel && is_stride && self.pad.is_none_or(|pad| (0..=kernel).contains(&pad))
    }
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

/// Whether an argument of a call stands without a name.
fn is_unnamed(call: &Call, value: &Expr) -> bool {
    call.args.iter().any(|arg| arg.name.is_none() && arg.value.span == value.span)
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
pub(super) fn without(call: &Call, at: Span) -> (Span, &'static str) {
    let place = call.args.iter().position(|arg| arg.value.span == at).unwrap_or(0);
    let before = place.checked_sub(1).and_then(|before| call.args.get(before));
    match (before, call.args.get(place + 1)) {
        // A call without arguments has no parentheses.
        (None, None) => (call.name.span.after().to(call.span.after()), ""),
        (None, Some(next)) => {
            let first = call.args.first().map_or(at, |arg| arg.span);
            (first.to(next.span.before()), "")
        }
        (Some(before), _) => (before.value.span.after().to(at), ""),
    }
}
