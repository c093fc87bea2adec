//! Convolutions by Winograd's F(4x4, 3x3) and F(2x2, 5x5) against their definition, to the tolerance that is promised.

use super::{Random, Sum, assert_sums_to, bits};
use crate::conv::{self, Activation, Among, Conv};
use crate::crew;
use crate::isa::on_every_isa;

/// What `conv::infer` promises, of [`bound`].
const TOLERANCE: f64 = 5e-6;

const fn conv(kernel: usize, h: usize, w: usize, c: usize, f: usize, pad: [usize; 2]) -> Conv {
    Conv { h, w, c, kh: kernel, kw: kernel, f, stride: [1, 1], pad, dilation: [1, 1], groups: 1 }
}

const fn conv3(h: usize, w: usize, c: usize, f: usize, pad: [usize; 2]) -> Conv {
    conv(3, h, w, c, f, pad)
}

pub(super) fn random_geometry(random: &mut Random) -> Conv {
    loop {
        let [h, w] = [random.within(1, 23), random.within(1, 23)];
        let pad = [random.within(0, 3), random.within(0, 3)];
        let [c, f] = [random.within(3, 40), random.within(8, 50)];
        let kernel = if random.flip() { 3 } else { 5 };
        let g = conv(kernel, h, w, c, f, pad);
        if h + 2 * pad[0] >= kernel && w + 2 * pad[1] >= kernel && g.is_winograd() {
            return g;
        }
    }
}

/// The sums of one image, bias included; `w` is logical.
fn definition(g: &Conv, x: &[f32], w: &[f32], b: &[f32]) -> Vec<Sum> {
    let mut y = vec![Sum::default(); g.output_len()];
    for (pixel, y) in y.chunks_exact_mut(g.f).enumerate() {
        let (oy, ox) = (pixel / g.out_w(), pixel % g.out_w());
        for (y, &b) in y.iter_mut().zip(b) {
            y.add(f64::from(b));
        }
        for tap in 0..g.kh * g.kw {
            let (iy, ix) = ((oy + tap / g.kw).wrapping_sub(g.pad[0]), (ox + tap % g.kw).wrapping_sub(g.pad[1]));
            if iy >= g.h || ix >= g.w {
                continue;
            }
            for c in 0..g.c {
                let x = f64::from(x[(iy * g.w + ix) * g.c + c]);
                for (y, &w) in y.iter_mut().zip(&w[(tap * g.c + c) * g.f..]) {
                    y.add(x * f64::from(w));
                }
            }
        }
    }
    y
}

/// Gives each output the bound of its error: the largest input of its tile, which sees 6x6 pixels, times its weights.
fn bound(g: &Conv, x: &[f32], w: &[f32], y: &mut [Sum]) {
    let mut weights = vec![0.0; g.f];
    for (i, &w) in w.iter().enumerate() {
        weights[i % g.f] += f64::from(w.abs());
    }
    let tile = 7 - g.kh;
    for (pixel, y) in y.chunks_exact_mut(g.f).enumerate() {
        let corner = |at: usize, pad: usize| (at / tile * tile) as isize - pad as isize;
        let (top, left) = (corner(pixel / g.out_w(), g.pad[0]), corner(pixel % g.out_w(), g.pad[1]));
        let mut largest = 0.0_f64;
        for row in (top..top + 6).filter(|row| (0..g.h as isize).contains(row)) {
            for col in (left..left + 6).filter(|col| (0..g.w as isize).contains(col)) {
                let pixel = (row as usize * g.w + col as usize) * g.c;
                largest = x[pixel..][..g.c].iter().fold(largest, |largest, &x| largest.max(f64::from(x.abs())));
            }
        }
        // And the rounding of the bias.
        y.iter_mut().zip(&weights).for_each(|(y, weights)| y.magnitude = largest * weights + 1.0);
    }
}

struct Case {
    g: Conv,
    n: usize,
    x: Vec<f32>,
    logical: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    /// Inputs from minus one to one or, as behind a ReLU, from zero; in some cases, few of them are far larger.
    fn new(g: Conv, n: usize, random: &mut Random) -> Case {
        let mut x = random.floats(n * g.input_len());
        if random.flip() {
            x.iter_mut().for_each(|x| *x = x.abs());
        }
        if random.flip() {
            x.iter_mut().step_by(97).for_each(|x| *x *= 10_000.0);
        }
        let (logical, bias) = (random.floats(g.weight_layout().logical_len()), random.floats(g.f));
        let (mut w, mut b) = (vec![f32::NAN; g.weight_layout().len()], vec![f32::NAN; g.bias_layout().len()]);
        g.weight_layout().pack(&logical, &mut w);
        g.bias_layout().pack(&bias, &mut b);
        Case { g, n, x, logical, w, bias, b }
    }

    fn infer(&self, activation: Activation, n: usize, x: &[f32]) -> Vec<f32> {
        let mut y = vec![f32::NAN; n * self.g.output_len()];
        conv::infer(&self.g, activation, n, x, &self.w, &self.b, &mut y);
        y
    }

    fn check(&self) {
        let Case { g, n, x, logical, bias, .. } = self;
        assert!(g.is_winograd(), "{g:?}");
        let mut expected: Vec<Sum> =
            x.chunks_exact(g.input_len()).flat_map(|x| definition(g, x, logical, bias)).collect();
        for (x, y) in x.chunks_exact(g.input_len()).zip(expected.chunks_exact_mut(g.output_len())) {
            bound(g, x, logical, y);
        }
        let what = format!("n = {n}, {g:?}");
        assert_sums_to(TOLERANCE, &self.infer(Activation::None, *n, x), &expected, &what);
        for y in &mut expected {
            y.value = y.value.max(0.0);
        }
        assert_sums_to(TOLERANCE, &self.infer(Activation::Relu, *n, x), &expected, &what);
    }
}

#[test]
#[cfg_attr(miri, ignore = "the smallest geometry takes it a minute: `a_small_geometry`")]
fn random_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(31);
        for _ in 0..2000 {
            let g = random_geometry(&mut random);
            let n = random.within(1, 4);
            Case::new(g, n, &mut random).check();
        }
    });
}

/// More tiles than a block has, many channels, and those of known networks.
#[test]
#[cfg_attr(miri, ignore = "the smallest geometry takes it a minute: `a_small_geometry`")]
fn known_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(32);
        for (size, c, f) in [(55, 16, 64), (27, 32, 128), (13, 48, 192), (13, 64, 256), (14, 512, 32)] {
            Case::new(conv3(size, size + 1, c, f, [1, 1]), 1, &mut random).check();
        }
        for (size, c, f, pad) in [(12, 32, 64, 0), (12, 20, 50, 0), (14, 8, 16, 0), (27, 64, 192, 2)] {
            Case::new(conv(5, size, size + 1, c, f, [pad; 2]), 1, &mut random).check();
        }
    });
}

/// Small enough for Miri: masked channels on both sides, cut tiles, and padding on one side of the image only.
#[test]
fn a_small_geometry() {
    on_every_isa(|_| {
        let mut random = Random::new(33);
        let [h, w] = if cfg!(miri) { [6, 5] } else { [10, 9] };
        Case::new(conv3(h, w, 9, 17, [1, 1]), 1, &mut random).check();
        let [h, w] = if cfg!(miri) { [5, 4] } else { [10, 9] };
        Case::new(conv(5, h, w, 9, 17, [2, 2]), 1, &mut random).check();
    });
}

#[test]
#[cfg_attr(miri, ignore = "the smallest geometry takes it a minute: `a_small_geometry`")]
fn images_do_not_depend_on_their_neighbours() {
    on_every_isa(|_| {
        let mut random = Random::new(34);
        let large = conv3(13, 13, 64, 20, [1, 1]);
        for g in (0..20).map(|_| random_geometry(&mut random)).chain([large]).collect::<Vec<_>>() {
            let case = Case::new(g, 5, &mut random);
            let together = case.infer(Activation::Relu, 5, &case.x);
            let apart: Vec<f32> =
                case.x.chunks_exact(g.input_len()).flat_map(|x| case.infer(Activation::Relu, 1, x)).collect();
            assert_eq!(bits(&together), bits(&apart), "{g:?}");
        }
    });
}

/// Among other channels, which stay as they are, and shared by threads.
#[test]
fn neither_place_nor_threads_change_a_bit() {
    on_every_isa(|_| {
        let mut random = Random::new(37);
        let (wide, deep) = (conv3(40, 41, 16, 50, [1, 1]), conv3(13, 13, 64, 128, [1, 1]));
        let geometries: Vec<Conv> = if cfg!(miri) {
            vec![conv3(6, 5, 3, 9, [1, 1])]
        } else {
            (0..1000).map(|_| random_geometry(&mut random)).chain([wide, deep]).collect()
        };
        for g in geometries {
            let case = Case::new(g, 2, &mut random);
            let alone = case.infer(Activation::Relu, 2, &case.x);
            let among = Among { first: random.within(0, 9), total: g.f + 9 };
            for threads in [1, 2, 3] {
                let mut y = vec![7.0; 2 * g.out_h() * g.out_w() * among.total];
                crew::lead(threads, || {
                    conv::infer_among(&g, among, Activation::Relu, 2, &case.x, &case.w, &case.b, &mut y);
                });
                for (y, alone) in y.chunks_exact(among.total).zip(alone.chunks_exact(g.f)) {
                    let (before, rest) = y.split_at(among.first);
                    let (here, after) = rest.split_at(g.f);
                    assert_eq!(bits(here), bits(alone), "{threads} threads, {g:?}");
                    assert!(before.iter().chain(after).all(|&y| y == 7.0), "{g:?}");
                }
            }
        }
    });
}

/// What the room of the last call holds, even what is not finite, does not reach this one.
#[test]
#[cfg_attr(miri, ignore = "the smallest geometry takes it a minute: `a_small_geometry`")]
fn calls_do_not_depend_on_those_before() {
    on_every_isa(|_| {
        let mut random = Random::new(35);
        let mut spoiled = Case::new(conv3(20, 20, 40, 50, [1, 1]), 1, &mut random);
        for _ in 0..10 {
            let case = Case::new(random_geometry(&mut random), 1, &mut random);
            let before = case.infer(Activation::None, 1, &case.x);
            spoiled.x.fill(f32::NAN);
            let nan = spoiled.infer(Activation::Relu, 1, &spoiled.x);
            assert!(nan.iter().all(|y| y.is_nan()), "a ReLU must not hide a NaN");
            assert_eq!(bits(&case.infer(Activation::None, 1, &case.x)), bits(&before), "{:?}", case.g);
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "takes it an hour, and calls what the tests of convolutions do")]
fn other_geometries_are_computed_as_in_training() {
    let mut random = Random::new(36);
    let plain = conv3(12, 12, 8, 16, [1, 1]);
    assert!(plain.is_winograd() && conv3(16, 16, 3, 8, [1, 1]).is_winograd());
    for g in [
        Conv { stride: [2, 1], ..plain },
        Conv { dilation: [1, 2], ..plain },
        Conv { groups: 2, ..plain },
        Conv { kh: 2, ..plain },
        Conv { kw: 1, ..plain },
        Conv { kw: 5, ..plain },
        Conv { kh: 4, kw: 4, ..plain },
        Conv { c: 2, ..plain },
        Conv { f: 7, ..plain },
        Conv { h: 4, ..plain },
        // Of many tiles, the transforms of few channels are not worth it.
        conv3(24, 24, 7, 16, [1, 1]),
        Conv { kh: 5, kw: 5, pad: [2, 2], ..conv3(12, 12, 8, 15, [1, 1]) },
    ] {
        assert!(!g.is_winograd(), "{g:?}");
        let case = Case::new(g, 2, &mut random);
        let mut y = vec![f32::NAN; 2 * g.output_len()];
        conv::forward(&g, Activation::Relu, 2, &case.x, &case.w, &case.b, &mut y);
        assert_eq!(bits(&case.infer(Activation::Relu, 2, &case.x)), bits(&y), "{g:?}");
    }
}

#[test]
#[should_panic(expected = "`x` must hold")]
fn refuses_a_short_input() {
    let g = conv3(12, 12, 8, 16, [1, 1]);
    let (w, mut y) = (vec![0.0; g.weight_layout().len()], vec![0.0; g.output_len()]);
    conv::infer(&g, Activation::None, 1, &[0.0; 31], &w, &[], &mut y);
}
