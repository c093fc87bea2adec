//! Kernels over bands of rows against themselves over whole images, to the bit.

use super::{Random, bits, cases, conv, is_quick, pooling, put_among, winograd};
use crate::conv::{Activation, Among, Conv};
use crate::isa::on_every_isa;
use crate::max_pool::{self, Pool};
use crate::rows::Band;

/// How the rows that a kernel makes belong to those that it reads.
struct Windows {
    /// Whether it makes the gradient of what the windows see.
    transposed: bool,
    /// Rows that are read, and those that are made.
    h: usize,
    out_h: usize,
    /// Taps, stride, padding and dilation of the rows.
    shape: [usize; 4],
    /// Rows that are computed together.
    tile: usize,
    /// Floats of a row of what is read and of what is made.
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
            let rows = if self.transposed { Band::met } else { Band::seen };
            let (seen, _) = rows(self.h, self.shape, &to);
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
    let shape = [g.kh, g.stride[0], g.pad[0], g.dilation[0]];
    let row = [g.w * g.c, g.out_w() * among.total];
    let windows = Windows { transposed: false, h: g.h, out_h: g.out_h(), shape, tile: g.row_tile(), row };
    let found = windows.in_bands(random, &x, &old, |from, x, to, y| {
        crate::conv::infer_band(g, among, activation, from, x, &w, &b, to, y);
    });
    assert_eq!(bits(&found), bits(&whole), "{g:?}");
    let mut whole = old.clone();
    crate::conv::forward_among(g, among, activation, 1, &x, &w, &b, &mut whole);
    let found = Windows { tile: 1, ..windows }.in_bands(random, &x, &old, |from, x, to, y| {
        crate::conv::forward_band(g, among, activation, from, x, &w, &b, to, y);
    });
    assert_eq!(bits(&found), bits(&whole), "{g:?}");
}

fn check_conv_gradients(g: &Conv, random: &mut Random) {
    let first = random.within(0, 3);
    let among = Among { first, total: first + g.f + random.within(0, 3) };
    let dy = put_among(among, g.f, &random.floats(g.output_len()), f32::NAN);
    let wt = random.floats(crate::conv::transposed_len(g));
    let old = vec![1.5; g.input_len()];
    let mut whole = old.clone();
    crate::conv::input_gradient_among(g, among, 1, &dy, &wt, &mut whole);
    let shape = [g.kh, g.stride[0], g.pad[0], g.dilation[0]];
    let (x_row, y_row) = (g.w * g.c, g.out_w() * among.total);
    let windows = Windows { transposed: true, h: g.out_h(), out_h: g.h, shape, tile: 1, row: [y_row, x_row] };
    let found = windows.in_bands(random, &dy, &old, |from, dy, to, dx| {
        crate::conv::input_gradient_band(g, among, from, dy, &wt, to, dx);
    });
    assert_eq!(bits(&found), bits(&whole), "{g:?}");

    let x = random.floats(g.input_len());
    let db = if random.flip() { g.bias_layout().len() } else { 0 };
    let zeros = [vec![0.0; g.weight_layout().len()], vec![0.0; db]];
    let ([mut dw, mut db], [mut dw_whole, mut db_whole]) = (zeros.clone(), zeros);
    crate::conv::weight_gradient_among(g, among, 1, &x, &dy, &mut dw_whole, &mut db_whole);
    let mut magnitudes = dw_whole.clone();
    magnitudes.fill(0.0);
    let size = |values: &[f32]| values.iter().map(|value| value.abs()).collect::<Vec<f32>>();
    crate::conv::weight_gradient_among(g, among, 1, &size(&x), &size(&dy), &mut magnitudes, &mut []);
    let windows = Windows { transposed: false, h: g.h, out_h: g.out_h(), shape, tile: 1, row: [x_row, y_row] };
    windows.in_bands(random, &x, &dy, |from, x, to, dy| {
        crate::conv::weight_gradient_band(g, among, from, x, to, dy, &mut dw, &mut db);
    });
    for ((found, whole), magnitude) in dw.iter().zip(&dw_whole).zip(&magnitudes) {
        assert!((found - whole).abs() <= 2e-6 * magnitude.max(1.0), "{found} for {whole}: {g:?}");
    }
    for (found, whole) in db.iter().zip(&db_whole) {
        assert!((found - whole).abs() <= 2e-6 * (g.out_h() * g.out_w()) as f32, "{found} for {whole}: {g:?}");
    }
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
fn gradients_of_convolutions_in_bands() {
    on_every_isa(|_| {
        let mut random = Random::new(44);
        for _ in 0..cases(1500) {
            let g = conv::random_geometry(&mut random);
            if is_quick(g.output_len() * g.kh * g.kw * g.c / g.groups) {
                check_conv_gradients(&g, &mut random);
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
            let (shape, row) = (g.row_windows(), [g.w * g.c, g.out_w() * among.total]);
            let windows = Windows { transposed: false, h: g.h, out_h: g.out_h(), shape, tile: 1, row };
            let found = windows
                .in_bands(&mut random, &x, &old, |from, x, to, y| max_pool::infer_band(&g, among, from, x, to, y));
            assert_eq!(bits(&found), bits(&whole), "{g:?}");
            check_indexed_pool(&g, &x, &mut random);
        }
    });
}

/// Pooling that keeps the places, and its gradient.
fn check_indexed_pool(g: &Pool, x: &[f32], random: &mut Random) {
    let (shape, row) = (g.row_windows(), [g.w * g.c, g.out_w() * g.c]);
    let windows = Windows { transposed: false, h: g.h, out_h: g.out_h(), shape, tile: 1, row };
    let (mut y, mut index) = (vec![0.0; g.output_len()], vec![0.0; max_pool::index_len(g)]);
    max_pool::forward(g, 1, x, &mut y, &mut index);
    let mut index_in_bands = vec![0.0; index.len()];
    let found = windows.in_bands(random, x, &vec![1.5; g.output_len()], |from, x, to, y| {
        max_pool::forward_band(g, from, x, to, y, &mut index_in_bands);
    });
    assert_eq!(bits(&found), bits(&y), "{g:?}");
    assert_eq!(bits(&index_in_bands), bits(&index), "{g:?}");

    let dy = random.floats(g.output_len());
    let old = vec![1.5; g.input_len()];
    let mut dx = old.clone();
    max_pool::gradient(g, 1, &dy, &index, &mut dx);
    let windows = Windows { transposed: true, h: g.out_h(), out_h: g.h, row: [row[1], row[0]], ..windows };
    let found = windows.in_bands(random, &dy, &old, |from, dy, to, dx| {
        max_pool::gradient_band(g, from, dy, &index, to, dx);
    });
    assert_eq!(bits(&found), bits(&dx), "{g:?}");
}

#[test]
fn the_gradient_of_a_mean_in_bands() {
    let (dy, mut whole) = ([1.0, -2.0, 5.0], [0.0; 21]);
    crate::global_avg_pool::gradient(1, 7, 3, &dy, &mut whole);
    let mut found = [1.5; 21];
    for pixels in [0..2, 2..2, 2..7] {
        crate::global_avg_pool::gradient_band(7, 3, &dy, &mut found[3 * pixels.start..3 * pixels.end]);
    }
    assert_eq!(found, whole);
}
