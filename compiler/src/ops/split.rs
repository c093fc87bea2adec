//! `split`: a tensor cut into parts along an axis; the only layer with several results.

use super::{Argument, Default, Kind, Mismatch, Operands, RuleCall, Signature, Slice};
use crate::diagnostic::codes;
use crate::ir::ValueId;
use crate::lower::LayerCall;
use crate::types::{Dim, TensorType};

pub(super) const SIGNATURE: Signature = Signature {
    name: "split",
    docs: "Cuts a tensor into parts along an axis, the last (channels) when left out: into so many equal ones, or into parts \
           of the sizes of a list. It has as many results, at most 1,024: `a, b = split(x, 2);`.",
    operands: Operands::One,
    arguments: &[
        Argument {
            name: "parts",
            kind: Kind::Parts,
            default: Default::Required,
            docs: "how many equal parts, or a list with the size of each",
        },
        Argument {
            name: "axis",
            kind: Kind::Axis,
            default: Default::Layer,
            docs: "the axis that is cut, counted from zero without the batch; the last when left out",
        },
    ],
    weighted: false,
    has_several: true,
    rule,
    build,
};

/// The most parts of a `split`; each is a node of the graph.
pub const MAX_PARTS: usize = 1024;

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let input = call.operand(0);
    let axis = if call.is_given("axis") { call.axis("axis")? } else { input.rank().saturating_sub(1) };
    let Some(size) = input.dims().get(axis).cloned() else { return Ok(Vec::new()) };
    let parts = if call.is_list("parts") {
        let parts = call.dims("parts");
        if parts.len() > MAX_PARTS {
            let title = format!("`split` cannot make {} parts", parts.len());
            return Err(Mismatch::new(codes::N0204, title, format!("expected at most {MAX_PARTS}")).argument("parts"));
        }
        let sum = parts.iter().fold(Dim::from(0_i64), |sum, part| sum + part);
        if !call.facts.require_equal(&sum, &size) {
            let title = format!("parts of {sum} elements do not make up the {size} of axis {axis}");
            return Err(
                Mismatch::new(codes::N0204, title, format!("expected sizes that sum to {size}")).argument("parts")
            );
        }
        parts
    } else {
        let count = call.dim("parts");
        let Some(n_parts) = count.as_size().filter(|&n_parts| n_parts <= MAX_PARTS) else {
            let title = format!("`split` cannot make {count} parts");
            let expected = format!("expected a number of at most {MAX_PARTS} that depends on nothing");
            return Err(Mismatch::new(codes::N0204, title, expected).argument("parts"));
        };
        if !call.facts.require_multiple(&size, &count) {
            let title = format!("the {size} elements of axis {axis} cannot be cut into {count} equal parts");
            return Err(Mismatch::new(codes::N0204, title, format!("expected a divisor of {size}"))
                .help("for parts of different sizes, give a list of them")
                .argument("parts"));
        }
        vec![size.divided(&count); n_parts]
    };
    let part = |part: Dim| {
        let mut dims = input.dims().to_vec();
        if let Some(size) = dims.get_mut(axis) {
            *size = part;
        }
        TensorType::new(dims)
    };
    Ok(parts.into_iter().map(part).collect())
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let shape = call.operand_shape(0);
    let axis = if call.is_given("axis") { call.count("axis")? } else { shape.rank().checked_sub(1)? };
    let size = *shape.dims().get(axis)?;
    let parts = match call.count("parts") {
        Some(count) => vec![size.checked_div(count)?; count],
        None => call.sizes("parts")?,
    };
    let x = call.operand(0);
    let mut start = 0;
    let slices = parts.into_iter().map(|part| {
        let slice = Slice { axis, start, part };
        start += part;
        call.node_over(slice.into(), vec![x], Vec::new())
    });
    Some(slices.collect())
}
