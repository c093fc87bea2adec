//! The weights of a convolution in the order in which its input gradient reads them.

use super::Conv;
use crate::check::{self, product};
use crate::layout::{Layout, PANEL};

/// How the transposed weights, `[KH, KW, F / groups, C]`, are stored.
pub const fn transposed_layout(g: &Conv) -> Layout {
    if g.is_depthwise() {
        g.weight_layout()
    } else {
        let k = product(&[g.kh, g.kw, g.f / g.groups]);
        Layout::Panels { groups: g.groups, k, f: g.c / g.groups }
    }
}

/// Floats of the transposed weights.
pub const fn transposed_len(g: &Conv) -> usize {
    transposed_layout(g).len()
}

/// Writes to `wt` the weights `w` with input and output channels exchanged, for [`super::input_gradient`].
///
/// Once per change of the weights, however many images follow.
///
/// # Panics
/// Where a slice has not the length of its layout.
pub fn transpose_weights(g: &Conv, w: &[f32], wt: &mut [f32]) {
    g.check();
    check::len("w", w, g.weight_layout().len());
    check::len("wt", wt, transposed_len(g));
    if g.is_depthwise() {
        wt.copy_from_slice(w);
        return;
    }
    exchange([g.kh * g.kw, g.c / g.groups, g.f / g.groups], w, wt);
}

/// Writes the weights `[taps, inputs, outputs]` of each group, in panels of outputs, as `[taps, outputs, inputs]`, in panels
/// of inputs.
pub(crate) fn exchange([taps, inputs, outputs]: [usize; 3], w: &[f32], wt: &mut [f32]) {
    let (w_panel, wt_panel) = (taps * inputs * PANEL, taps * outputs * PANEL);
    let w_group = outputs.div_ceil(PANEL) * w_panel;
    let wt_group = inputs.div_ceil(PANEL) * wt_panel;
    for (w, wt) in w.chunks_exact(w_group).zip(wt.chunks_exact_mut(wt_group)) {
        for (w, first_output) in w.chunks_exact(w_panel).zip((0..outputs).step_by(PANEL)) {
            for (wt, first_input) in wt.chunks_exact_mut(wt_panel).zip((0..inputs).step_by(PANEL)) {
                for tap in 0..taps {
                    let rows = PANEL.min(inputs - first_input);
                    let cols = PANEL.min(outputs - first_output);
                    let from = &w[(tap * inputs + first_input) * PANEL..][..rows * PANEL];
                    let to = &mut wt[(tap * outputs + first_output) * PANEL..][..cols * PANEL];
                    transpose_block(from, to, rows);
                }
            }
        }
    }
}

/// `to[col][row] = from[row][col]` for a block of up to sixteen by sixteen, zero for rows that `from` has not.
fn transpose_block(from: &[f32], to: &mut [f32], rows: usize) {
    for (col, to) in to.chunks_exact_mut(PANEL).enumerate() {
        for (row, to) in to.iter_mut().enumerate() {
            *to = if row < rows { from[row * PANEL + col] } else { 0.0 };
        }
    }
}
