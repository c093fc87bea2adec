//! `depthwise_conv`: each channel convolved on its own; a grouped convolution with a group for each channel.

use super::signature::{BIAS, BIAS_INIT, INIT};
use super::window::{KERNEL, PAD, STRIDE, SymbolicWindow, Window};
use super::{Argument, Conv, Default, Kind, Mismatch, Operands, RuleCall, Signature};
use crate::ir::{Layout, ValueId};
use crate::lower::LayerCall;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "depthwise_conv",
    docs: "Depthwise convolution: `[H, W, C]` -> `[OH, OW, C * multiplier]`, each channel convolved on its own, with `OH` and \
           `OW` as those of `conv`.\n\n\
           It is `conv` with `groups` equal to the channels: the weight is `[KH, KW, 1, C * multiplier]`, the bias \
           `[C * multiplier]`, and the outputs `c * multiplier` to `(c + 1) * multiplier - 1` belong to channel `c`.",
    operands: Operands::One,
    arguments: &[KERNEL, MULTIPLIER, STRIDE, PAD, DILATION, BIAS, INIT, BIAS_INIT],
    weighted: true,
    has_several: false,
    rule,
    build,
};

pub(super) const MULTIPLIER: Argument = Argument {
    name: "multiplier",
    kind: Kind::Count,
    default: Default::Int(1),
    docs: "channels of the output for each channel of the input",
};

pub(super) const DILATION: Argument = Argument {
    name: "dilation",
    kind: Kind::CountPair,
    default: Default::Int(1),
    docs: "elements from one element of the window to the next",
};

pub(super) fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let [h, w, c] = call.image()?;
    let [oh, ow] = SymbolicWindow::of_conv(call).outputs(call, [h, w])?;
    Ok(vec![TensorType::new(vec![oh, ow, c * call.dim("multiplier")])])
}

/// The convolution that a call describes, and its weight's dimensions.
pub(super) fn conv(call: &LayerCall<'_, '_>, bias: bool) -> Option<(Conv, Vec<usize>)> {
    let [h, w, c] = call.operand_shape(0).image()?;
    let window = Window {
        kernel: call.pair("kernel")?,
        stride: call.pair("stride")?,
        pad: call.pair("pad")?,
        dilation: call.pair("dilation")?,
        ceil: false,
    };
    let f = c.checked_mul(call.count("multiplier")?)?;
    let [kh, kw] = window.kernel;
    Some((Conv { h, w, c, f, window, groups: c, bias, relu: false }, vec![kh, kw, 1, f]))
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let (bias, init, bias_init) = (call.flag("bias")?, call.init("init")?, call.init("bias_init")?);
    let (conv, dims) = conv(call, bias)?;
    let mut parameters = vec![call.parameter("weight", dims, conv.layout(), init)?];
    if bias {
        parameters.push(call.parameter("bias", vec![conv.f], Layout::Plain { len: conv.f }, bias_init)?);
    }
    Some(vec![call.node(conv.into(), parameters)])
}
