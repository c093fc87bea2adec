//! Kernels over bands of rows against themselves over whole images, to the bit.

use super::{Random, bits, cases, conv, is_quick, pooling, put_among, winograd};
use crate::conv::{Activation, Among, Conv};
use crate::isa::on_every_isa;
use crate::max_pool::{self, Pool};
use crate::rows::Band;

/// How rows of the output belong to rows of the input.
struct Windows {
    h: usize,
    out_h: usize,
    /// Taps, stride, padding and dilation of the rows.
    shape: [usize; 4],
    /// Rows that are computed together.
    tile: usize,
    /// Floats of a row of the input and of the output.
    row: [usize; 2],
}

impl Windows {
    /// Calls `run` band by band, each time with buffers that hold the rows which it may read and those that it is to write, and
    /// returns the output.
    fn in_bands(
        &self,
        random: &mut Random,
        x: &[f32],
        old: &[f32],
        mut run: impl FnMut(Band, &[f32], Band, &mut [f32]),
    ) -> Vec<f32> {
        let [x_row, y_row] = self.row;
        let mut y = Vec::new();
        let mut first = 0;
        while first < self.out_h {
            let rows = self.tile * random.within(0, 3);
            let end = (first + rows).min(self.out_h);
            // Rows that other bands have made may stand before, and rows that this one does not read around its own.
            let base = first - random.within(0, first.min(2));
            let to = Band { base, first, end, shift: 0 };
            let (seen, _) = Band::seen(self.h, self.shape, &to);
            let (low, high) = (random.within(0, seen.start), random.within(seen.end, self.h));
            let from = Band { base: low, first: random.within(low, high), end: high, shift: 0 };
            let mut buffer = vec![f32::NAN; (first - base) * y_row];
            buffer.extend(&old[first * y_row..end * y_row]);
            run(from, &x[low * x_row..high * x_row], to, &mut buffer);
            assert!(buffer[..(first - base) * y_row].iter().all(|y| y.is_nan()));
            y.extend(&buffer[(first - base) * y_row..]);
            first = end;
        }
        y
    }
}

fn check_conv(g: &Conv, random: &mut Random) {
    let x = random.floats(g.input_len());
    let w = random.floats(g.weight_layout().len());
    let biases = if random.flip() { g.bias_layout().len() } else { 0 };
    let b = random.floats(biases);
    let activation = if random.flip() { Activation::Relu } else { Activation::None };
    let first = random.within(0, 3);
    let among = Among { first, total: first + g.f + random.within(0, 3) };
    let old = put_among(among, g.f, &vec![1.5; g.output_len()], 0.25);
    let mut whole = old.clone();
    crate::conv::infer_among(g, among, activation, 1, &x, &w, &b, &mut whole);
    let windows = Windows {
        h: g.h,
        out_h: g.out_h(),
        shape: [g.kh, g.stride[0], g.pad[0], g.dilation[0]],
        tile: g.row_tile(),
        row: [g.w * g.c, g.out_w() * among.total],
    };
    let found = windows.in_bands(random, &x, &old, |from, x, to, y| {
        crate::conv::infer_band(g, among, activation, from, x, &w, &b, to, y);
    });
    assert_eq!(bits(&found), bits(&whole), "{g:?}");
}

#[test]
fn convolutions_in_bands() {
    on_every_isa(|_| {
        let mut random = Random::new(41);
        for _ in 0..cases(1500) {
            let g = conv::random_geometry(&mut random);
            if is_quick(g.output_len() * g.kh * g.kw * g.c / g.groups) {
                check_conv(&g, &mut random);
            }
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "the smallest geometry takes it a minute: `a_small_geometry`")]
fn winograd_in_bands() {
    on_every_isa(|_| {
        let mut random = Random::new(42);
        for _ in 0..500 {
            check_conv(&winograd::random_geometry(&mut random), &mut random);
        }
    });
}

#[test]
fn max_pooling_in_bands() {
    on_every_isa(|_| {
        let mut random = Random::new(43);
        for _ in 0..cases(1500) {
            let g: Pool = pooling::random_geometry(&mut random);
            let mut x = random.floats(g.input_len());
            if random.flip() {
                let at = random.within(0, x.len() - 1);
                x[at] = f32::NAN;
            }
            let first = random.within(0, 3);
            let among = Among { first, total: first + g.c + random.within(0, 3) };
            let old = put_among(among, g.c, &vec![1.5; g.output_len()], 0.25);
            let mut whole = old.clone();
            max_pool::infer_among(&g, among, 1, &x, &mut whole);
            let windows = Windows {
                h: g.h,
                out_h: g.out_h(),
                shape: [g.kernel[0], g.stride[0], g.pad[0], 1],
                tile: 1,
                row: [g.w * g.c, g.out_w() * among.total],
            };
            let found = windows
                .in_bands(&mut random, &x, &old, |from, x, to, y| max_pool::infer_band(&g, among, from, x, to, y));
            assert_eq!(bits(&found), bits(&whole), "{g:?}");
        }
    });
}
