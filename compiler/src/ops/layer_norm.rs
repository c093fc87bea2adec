//! `layer_norm`: each pixel, or a flat tensor, normalised over its channels.

use super::norm::{EPSILON, Over, node};
use super::rule::same;
use super::{Operands, Signature};

pub(super) const SIGNATURE: Signature = Signature {
    name: "layer_norm",
    docs: "Layer normalisation (Ba et al., 2016) over the last axis (features, or channels of each pixel): `scale (x - mean) \
           / sqrt(variance + epsilon) + shift`, with `scale` and `shift` of shape `[C]`; the shape stays. The same in \
           training and in prediction.",
    operands: Operands::One,
    arguments: &[EPSILON],
    weighted: true,
    has_several: false,
    rule: same,
    build: |call| node(call, Over::Channels),
};
