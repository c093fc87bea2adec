//! Convolutions and dense layers in integers.

use super::layer::Layer;
use super::product::{Part, Source, Target, product};
use super::{bytes, check, stride};
use crate::conv::{Activation, Among, Conv};
use crate::crew::{self, Floats};
use crate::dense::Dense;
use crate::layout::PANEL;
use std::cell::RefCell;
use std::ops::Range;

thread_local! {
    /// Rows of an image with their padding.
    static PADDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A convolution from bytes to bytes: `x` holds `[n, h, w, c]`, `y` has room for `[n, oh, ow, f]`.
///
/// # Panics
/// Where lengths, or the layer's sizes, are not those of the geometry.
pub fn conv(g: &Conv, activation: Activation, n: usize, x: &[f32], layer: &Layer, y: &mut [f32]) {
    conv_among(g, Among { first: 0, total: g.f }, activation, n, x, layer, y);
}

/// [`conv`] into some of the channels of `y`, `[n, oh, ow, total]`.
///
/// # Panics
/// As [`conv`], and where the channels are not among them.
pub fn conv_among(g: &Conv, among: Among, activation: Activation, n: usize, x: &[f32], layer: &Layer, y: &mut [f32]) {
    let Among { first, total } = among;
    assert!(first + g.f <= total, "channels from {first} on are not among {total}");
    let image = g.out_h() * g.out_w() * total;
    check("y", y, n, image);
    let floor = if activation == Activation::Relu { layer.output_zero } else { 0 };
    let y = Floats::new(y);
    run(g, n, x, layer, &|index, part, source| {
        let start = y.at(0).cast::<u8>().wrapping_add(index * stride(image) + first);
        // SAFETY: `run` vouches for the source; parts write different pixels or channels of an output that is as checked.
        unsafe { product(layer, part, source, Target::Bytes { start, step: total, floor }) };
    });
}

/// A convolution from bytes to floats: `x` holds `[n, h, w, c]`, `y` `[n, oh, ow, f]`.
///
/// # Panics
/// As [`conv`].
pub fn conv_floats(g: &Conv, activation: Activation, n: usize, x: &[f32], layer: &Layer, y: &mut [f32]) {
    crate::check::images("y", y, n, g.output_len());
    let relu = activation == Activation::Relu;
    let y = Floats::new(y);
    run(g, n, x, layer, &|index, part, source| {
        let start = y.at(index * g.output_len());
        // SAFETY: `run` vouches for the source; parts write different pixels or channels of an output that is as checked.
        unsafe { product(layer, part, source, Target::Floats { start, step: g.f, relu }) };
    });
}

/// A dense layer from bytes to bytes: `[n, inputs]` to `[n, outputs]`.
///
/// # Panics
/// Where lengths, or the layer's sizes, are not those of the geometry.
pub fn dense(g: &Dense, activation: Activation, n: usize, x: &[f32], layer: &Layer, y: &mut [f32]) {
    check("y", y, n, g.outputs);
    let floor = if activation == Activation::Relu { layer.output_zero } else { 0 };
    let y = Floats::new(y);
    run_dense(g, n, x, layer, &|part, source| {
        let target = Target::Bytes { start: y.at(0).cast(), step: stride(g.outputs), floor };
        // SAFETY: as in `conv_among`.
        unsafe { product(layer, part, source, target) };
    });
}

/// A dense layer from bytes to floats: `[n, inputs]` to `[n, outputs]`.
///
/// # Panics
/// As [`dense`].
pub fn dense_floats(g: &Dense, activation: Activation, n: usize, x: &[f32], layer: &Layer, y: &mut [f32]) {
    crate::check::images("y", y, n, g.outputs);
    let relu = activation == Activation::Relu;
    let y = Floats::new(y);
    run_dense(g, n, x, layer, &|part, source| {
        // SAFETY: as in `conv_floats`.
        unsafe { product(layer, part, source, Target::Floats { start: y.at(0), step: g.outputs, relu }) };
    });
}

/// The images are the pixels.
fn run_dense(g: &Dense, n: usize, x: &[f32], layer: &Layer, work: &(dyn Fn(Part, Source) + Sync)) {
    check("x", x, n, g.inputs);
    assert!(
        (layer.groups, layer.f, layer.runs, layer.run) == (1, g.outputs, 1, g.inputs),
        "the layer is none of {} inputs and {} outputs",
        g.inputs,
        g.outputs
    );
    let step = stride(g.inputs);
    // The bytes that fill a run are those between two images, which weights of zero meet.
    share(n, layer, &|part| {
        let start = bytes(x).as_ptr();
        work(part, Source { start, columns: n.max(1), steps: [step, 0], taps: [0, 0], across: 1, group: 0 });
    });
}

/// Calls `work` for the parts of `pixels` times the layer's panels, on the crew that this thread leads.
fn share(pixels: usize, layer: &Layer, work: &(dyn Fn(Part) + Sync)) {
    let panels = layer.groups * layer.f.div_ceil(PANEL);
    let macs = (pixels as u64).saturating_mul(layer.quads() as u64 * 4).saturating_mul((layer.groups * layer.f) as u64);
    // An integer multiply-add takes about half the time of one of floats.
    let parts = crew::parts(macs / 2);
    let cut = |count: usize, part: usize, parts: usize| -> Range<usize> {
        let at = |part: usize| (count as u64 * part as u64 / parts as u64) as usize;
        at(part)..at(part + 1)
    };
    if pixels >= 2 * parts {
        crew::share(parts, &|part| work(Part { pixels: cut(pixels, part, parts), panels: 0..panels }));
    } else {
        let parts = parts.min(panels).max(1);
        crew::share(parts, &|part| work(Part { pixels: 0..pixels, panels: cut(panels, part, parts) }));
    }
}

/// Calls `work` with the number of an image, a part of it, and where its windows are.
fn run(g: &Conv, n: usize, x: &[f32], layer: &Layer, work: &(dyn Fn(usize, Part, Source) + Sync)) {
    g.check();
    check("x", x, n, g.input_len());
    let (across, run) = runs(g);
    assert!(
        (layer.groups, layer.f * layer.groups, layer.runs, layer.run) == (g.groups, g.f, across * g.kh, run),
        "the layer is not of these sizes: {g:?}"
    );
    let pixels = g.out_h() * g.out_w();
    let is_plain = g.pad == [0, 0] && run.is_multiple_of(4);
    let x = bytes(x);
    share(n * pixels, layer, &|part| {
        let mut first = part.pixels.start;
        while first < part.pixels.end {
            let index = first / pixels;
            let end = part.pixels.end.min((index + 1) * pixels);
            let within = first - index * pixels..end - index * pixels;
            let image = &x[index * stride(g.input_len())..][..g.input_len()];
            let part = Part { pixels: within, panels: part.panels.clone() };
            let source = Source {
                start: image.as_ptr(),
                columns: g.out_w(),
                steps: [g.stride[1] * g.c, g.stride[0] * g.w * g.c],
                taps: [g.dilation[1] * g.c, g.dilation[0] * g.w * g.c],
                across,
                group: g.c / g.groups,
            };
            if is_plain {
                work(index, part, source);
            } else {
                with_padding(g, image, layer.input_zero, part, source, &|part, source| work(index, part, source));
            }
            first = end;
        }
    });
}

/// How many runs of bytes stand beside each other in a window, and how long they are: the row of a window is one run
/// where its channels follow one another.
pub(super) fn runs(g: &Conv) -> (usize, usize) {
    if g.groups == 1 && g.dilation[1] == 1 { (1, g.kw * g.c) } else { (g.kw, g.c / g.groups) }
}

/// Calls `work` with a copy of those rows of an image that a part reads, padding included.
fn with_padding(g: &Conv, image: &[u8], zero: u8, part: Part, source: Source, work: &(dyn Fn(Part, Source) + Sync)) {
    let (first, last) = (part.pixels.start / g.out_w(), (part.pixels.end - 1) / g.out_w());
    let rows = (last - first) * g.stride[0] + (g.kh - 1) * g.dilation[0] + 1;
    let width = (g.w + 2 * g.pad[1]) * g.c;
    PADDED.with_borrow_mut(|padded| {
        // The last run may be read to a multiple of four bytes.
        let len = rows * width + 3;
        if padded.len() < len {
            padded.resize(len, 0);
        }
        for (row, to) in padded.chunks_exact_mut(width).take(rows).enumerate() {
            let from = (first * g.stride[0] + row).checked_sub(g.pad[0]).filter(|&row| row < g.h);
            match from {
                None => to.fill(zero),
                Some(row) => {
                    let (left, rest) = to.split_at_mut(g.pad[1] * g.c);
                    let (middle, right) = rest.split_at_mut(g.w * g.c);
                    left.fill(zero);
                    middle.copy_from_slice(&image[row * g.w * g.c..][..g.w * g.c]);
                    right.fill(zero);
                }
            }
        }
        // The first row of the copy is that of the part's first row of pixels.
        let above = first * g.stride[0] * width;
        let start = padded.as_ptr().wrapping_sub(above);
        let steps = [source.steps[0], g.stride[0] * width];
        let taps = [source.taps[0], g.dilation[0] * width];
        work(part, Source { start, steps, taps, ..source });
    });
}
