//! `separable_conv`: each channel convolved on its own, then the channels mixed pixel by pixel.

use super::depthwise_conv::{self, DILATION, MULTIPLIER};
use super::signature::{BIAS, BIAS_INIT, INIT};
use super::window::{KERNEL, PAD, STRIDE, Window};
use super::{Argument, Conv, Default, Kind, Mismatch, Operands, RuleCall, Signature};
use crate::ir::{Layout, ValueId};
use crate::lower::LayerCall;
use crate::types::{Dim, TensorType};

pub(super) const SIGNATURE: Signature = Signature {
    name: "separable_conv",
    docs: "Depthwise separable convolution: `[H, W, C]` -> `[OH, OW, filters]`, a `depthwise_conv` without bias and then a \
           `conv` of one pixel, with nothing in between.\n\n\
           The weights are `depthwise`, `[KH, KW, 1, C * multiplier]`, and `pointwise`, `[1, 1, C * multiplier, filters]`; \
           the bias is `[filters]`.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "filters", kind: Kind::Count, default: Default::Required, docs: "channels of the output" },
        KERNEL,
        MULTIPLIER,
        STRIDE,
        PAD,
        DILATION,
        BIAS,
        INIT,
        BIAS_INIT,
    ],
    weighted: true,
    has_several: false,
    rule,
    build,
};

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    // What stands between the two is no output, so that its size is checked here.
    let between = depthwise_conv::rule(call)?.into_iter().next().unwrap_or(TensorType::unknown());
    let most = Dim::from(crate::ir::MAX_ELEMENTS);
    if !call.facts.require_at_least(&most, &between.elements()) {
        let title = format!("between the convolutions of `separable_conv` stands {between}, which is too large");
        let expected = format!("expected at most {} elements", crate::ir::MAX_ELEMENTS);
        return Err(Mismatch::new(crate::diagnostic::codes::N0309, title, expected));
    }
    let Some([oh, ow, _]) = between.image() else { return Ok(vec![TensorType::unknown()]) };
    Ok(vec![TensorType::new(vec![oh, ow, call.dim("filters")])])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let (f, bias) = (call.count("filters")?, call.flag("bias")?);
    let (init, bias_init) = (call.init("init")?, call.init("bias_init")?);
    let (depthwise, dims) = depthwise_conv::conv(call, false)?;
    let [h, w] = depthwise.window.outputs([depthwise.h, depthwise.w])?;
    let c = depthwise.f;
    let window = Window { kernel: [1, 1], stride: [1, 1], pad: [0, 0], dilation: [1, 1], ceil: false };
    let pointwise = Conv { h, w, c, f, window, groups: 1, bias, relu: false };
    let of_depthwise = vec![call.parameter("depthwise", dims, depthwise.layout(), init)?];
    let mut of_pointwise = vec![call.parameter("pointwise", vec![1, 1, c, f], pointwise.layout(), init)?];
    if bias {
        of_pointwise.push(call.parameter("bias", vec![f], Layout::Plain { len: f }, bias_init)?);
    }
    let x = call.operand(0);
    let between = call.inner_node("depthwise", depthwise.into(), vec![x], of_depthwise);
    Some(vec![call.node_over(pointwise.into(), vec![between], of_pointwise)])
}
