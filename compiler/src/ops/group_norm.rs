//! `group_norm`: all pixels of a group of channels, normalised together.

use super::norm::{EPSILON, Over, node};
use super::{Argument, Default, Kind, Mismatch, Operands, Signature};
use crate::diagnostic::codes;

pub(super) const SIGNATURE: Signature = Signature {
    name: "group_norm",
    docs: "Group normalisation (Wu and He, 2018): the channels are cut into `groups` equal groups, and each is normalised over \
           its channels and all pixels: `scale (x - mean) / sqrt(variance + epsilon) + shift`, with `scale` and `shift` of \
           shape `[C]`; the shape stays. The same in training and in prediction. With one channel in a group it is instance \
           normalisation.",
    operands: Operands::One,
    arguments: &[
        Argument {
            name: "groups",
            kind: Kind::Count,
            default: Default::Required,
            docs: "parts that the channels are cut into",
        },
        EPSILON,
    ],
    weighted: true,
    has_several: false,
    rule: |call| {
        let (input, groups) = (call.operand(0), call.dim("groups"));
        if !call.facts.require_multiple(&input.channels(), &groups) {
            let title = format!("{groups} groups do not divide {} channels of the input evenly", input.channels());
            let expected = format!("expected a number of groups that divides {} channels", input.channels());
            return Err(Mismatch::new(codes::N0304, title, expected));
        }
        Ok(vec![input])
    },
    build: |call| {
        let groups = call.count("groups")?;
        node(call, Over::Groups(groups))
    },
};
