//! Padding, upsampling, slices, means, and numbers for all elements.

use super::{Random, Sum, around, assert_sums, cases};
use crate::isa::on_every_isa;
use crate::pad::{self, Pad};
use crate::upsample::{self, Upsample};
use crate::{affine, concat, mean};

#[test]
fn padding() {
    let mut random = Random::new(90);
    for _ in 0..cases(1000) {
        let mut side = || random.within(0, 3);
        let [top, bottom, left, right] = [side(), side(), side(), side()];
        let g =
            Pad { h: random.within(1, 5), w: random.within(1, 5), c: random.within(1, 9), top, bottom, left, right };
        let n = random.within(1, 3);
        let (oh, ow) = (top + g.h + bottom, left + g.w + right);
        assert_eq!(g.output_len(), oh * ow * g.c);
        let (x, dy) = (random.floats(n * g.input_len()), random.floats(n * g.output_len()));
        let (mut expected, mut expected_dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
        for i in 0..x.len() {
            let (image, row, col, c) = (i / g.input_len(), i / g.c / g.w % g.h, i / g.c % g.w, i % g.c);
            let at = ((image * oh + top + row) * ow + left + col) * g.c + c;
            expected[at] = x[i];
            expected_dx[i] = dy[at];
        }
        let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
        pad::forward(&g, n, &x, &mut y);
        assert_eq!(y, expected, "{g:?}");
        pad::gradient(&g, n, &dy, &mut dx);
        assert_eq!(dx, expected_dx, "{g:?}");
    }
}

/// The inputs of an output on an axis with their weights, from the place of its centre.
fn between(output: usize, size: usize, factor: usize) -> [(usize, f64); 2] {
    let place = ((output as f64 + 0.5) / factor as f64 - 0.5).clamp(0.0, (size - 1) as f64);
    let low = place.floor();
    [(low as usize, 1.0 - (place - low)), ((low as usize + 1).min(size - 1), place - low)]
}

#[test]
fn upsampling() {
    on_every_isa(|_| {
        let mut random = Random::new(91);
        for _ in 0..cases(1000) {
            let g = Upsample {
                h: random.within(1, 5),
                w: random.within(1, 5),
                c: random.within(1, 40),
                factor: [random.within(1, 4), random.within(1, 4)],
            };
            let n = random.within(1, 3);
            let (oh, ow) = (g.h * g.factor[0], g.w * g.factor[1]);
            let (x, dy) = (random.floats(n * g.input_len()), random.floats(n * g.output_len()));
            let none = || (vec![Sum::default(); dy.len()], vec![Sum::default(); x.len()]);
            let ((mut near, mut near_dx), (mut mixed, mut mixed_dx)) = (none(), none());
            for i in 0..dy.len() {
                let (image, row, col, c) = (i / g.output_len(), i / g.c / ow % oh, i / g.c % ow, i % g.c);
                let at = |row: usize, col: usize| ((image * g.h + row) * g.w + col) * g.c + c;
                let source = at(row / g.factor[0], col / g.factor[1]);
                near[i].add(f64::from(x[source]));
                near_dx[source].add(f64::from(dy[i]));
                for (row, row_weight) in between(row, g.h, g.factor[0]) {
                    for (col, col_weight) in between(col, g.w, g.factor[1]) {
                        mixed[i].add(row_weight * col_weight * f64::from(x[at(row, col)]));
                        mixed_dx[at(row, col)].add(row_weight * col_weight * f64::from(dy[i]));
                    }
                }
            }
            let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
            upsample::nearest(&g, n, &x, &mut y);
            assert_sums(&y, &near, &format!("nearest, {g:?}"));
            upsample::nearest_gradient(&g, n, &dy, &mut dx);
            assert_sums(&dx, &near_dx, &format!("gradient of nearest, {g:?}"));
            y.fill(f32::NAN);
            upsample::bilinear(&g, n, &x, &mut y);
            assert_sums(&y, &mixed, &format!("bilinear, {g:?}"));
            dx.fill(f32::NAN);
            upsample::bilinear_gradient(&g, n, &dy, &mut dx);
            assert_sums(&dx, &mixed_dx, &format!("gradient of bilinear, {g:?}"));
        }
    });
}

#[test]
fn means() {
    on_every_isa(|_| {
        let mut random = Random::new(92);
        for inner in [1, 2, 3, 8, 33] {
            for reduced in around(&mut random, [1, 2, 7, 8, 300, 2100], 200, 90) {
                let outer = random.within(1, 4);
                let (x, dy) = (random.floats(outer * reduced * inner), random.floats(outer * inner));
                let place = |i: usize| i / (reduced * inner) * inner + i % inner;
                let mut expected = vec![Sum::default(); outer * inner];
                x.iter().enumerate().for_each(|(i, &x)| expected[place(i)].add(f64::from(x) / reduced as f64));
                let (mut y, mut dx) = (vec![f32::NAN; outer * inner], vec![f32::NAN; x.len()]);
                mean::forward(outer, reduced, inner, &x, &mut y);
                assert_sums(&y, &expected, &format!("mean of {reduced}, inner {inner}"));
                mean::gradient(outer, reduced, inner, &dy, &mut dx);
                for (i, dx) in dx.iter().enumerate() {
                    assert!((f64::from(*dx) - f64::from(dy[place(i)]) / reduced as f64).abs() < 1e-7);
                }
            }
        }
    });
}

#[test]
fn numbers_for_all_elements() {
    on_every_isa(|_| {
        let mut random = Random::new(93);
        for len in around(&mut random, [0, 1, 8, 13, 100], 1000, 300) {
            let x = random.floats(len);
            let mut expected = vec![Sum::default(); len];
            for (sum, &x) in expected.iter_mut().zip(&x) {
                sum.add(-1.5 * f64::from(x));
                sum.add(0.25);
            }
            let mut y = vec![f32::NAN; len];
            affine::forward(-1.5, 0.25, &x, &mut y);
            assert_sums(&y, &expected, "affine");
            let mut in_place = x.clone();
            affine::forward_in_place(-1.5, 0.25, &mut in_place);
            assert_eq!(in_place, y);
        }
    });
}

/// Parts that are copied out hand their gradients back to their places.
#[test]
fn slices() {
    let mut random = Random::new(94);
    for total in around(&mut random, [1], 1000, 60) {
        let (outer, part) = (random.within(1, 6), random.within(1, total));
        let offset = random.within(0, total - part);
        let (x, earlier) = (random.floats(outer * part), random.floats(outer * total));
        let mut y = vec![f32::NAN; outer * total];
        concat::copy_among_zeros(outer, part, total, offset, &x, &mut y);
        let mut sum = earlier.clone();
        concat::add_in(outer, part, total, offset, &x, &mut sum);
        for i in 0..y.len() {
            let inside = (offset..offset + part).contains(&(i % total));
            let expected = if inside { x[i / total * part + i % total - offset] } else { 0.0 };
            assert_eq!((y[i], sum[i]), (expected, earlier[i] + expected));
        }
    }
}
