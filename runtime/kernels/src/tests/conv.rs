//! Convolutions against their definition.

use super::{Random, Sum, assert_sums, bits, cases, is_quick, put_among, winograd};
use crate::conv::{self, Activation, Among, Conv};
use crate::crew;
use crate::isa::{Isa, on_every_isa};

/// Calls `visit(y index, x index, logical w index, channel of y)` for every product of one image.
fn products(g: &Conv, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let (inputs, outputs) = (g.c / g.groups, g.f / g.groups);
    for oy in 0..g.out_h() {
        for ox in 0..g.out_w() {
            for f in 0..g.f {
                for ky in 0..g.kh {
                    for kx in 0..g.kw {
                        let y = (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.pad[0]);
                        let x = (ox * g.stride[1] + kx * g.dilation[1]).wrapping_sub(g.pad[1]);
                        if y >= g.h || x >= g.w {
                            continue;
                        }
                        for c in 0..inputs {
                            visit(
                                (oy * g.out_w() + ox) * g.f + f,
                                (y * g.w + x) * g.c + f / outputs * inputs + c,
                                ((ky * g.kw + kx) * inputs + c) * g.f + f,
                                f,
                            );
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn random_geometry(random: &mut Random) -> Conv {
    loop {
        let groups = if random.flip() { 1 } else { random.within(1, 4) };
        let (inputs, outputs) = match random.within(0, 6) {
            0 => (1, if random.flip() { 1 } else { random.within(2, 20) }), // depthwise where there are groups
            1 => (random.within(1, 3), random.within(1, 40)),
            2 => (random.within(1, 40), random.within(1, 3)),
            // Many channels, whose gradients go over copies.
            3 => (random.within(24, 60), random.within(1, 40)),
            _ => (random.within(1, 9), random.within(1, 20)),
        };
        let groups = if inputs == 1 && outputs < 6 { random.within(1, 40) } else { groups };
        let pair = |random: &mut Random, low, high| [random.within(low, high), random.within(low, high)];
        let most_taps = if random.within(0, 4) == 0 { 7 } else { 4 };
        let [kh, kw] = pair(random, 1, most_taps);
        let simple = random.flip();
        let g = Conv {
            h: random.within(1, 9),
            w: random.within(1, 9),
            c: inputs * groups,
            kh,
            kw,
            f: outputs * groups,
            stride: if simple { [1, 1] } else { pair(random, 1, 3) },
            pad: pair(random, 0, 3),
            dilation: if simple { [1, 1] } else { pair(random, 1, 3) },
            groups,
        };
        let fits = |size, kernel, pad, dilation| (kernel - 1) * dilation < size + 2 * pad;
        let fits = fits(g.h, kh, g.pad[0], g.dilation[0]) && fits(g.w, kw, g.pad[1], g.dilation[1]);
        if fits && is_quick(g.output_len() * kh * kw * inputs) {
            return g;
        }
    }
}

struct Case {
    g: Conv,
    n: usize,
    x: Vec<f32>,
    dy: Vec<f32>,
    logical: Vec<f32>,
    w: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    fn new(g: Conv, n: usize, random: &mut Random) -> Case {
        g.check();
        let logical = random.floats(g.weight_layout().logical_len());
        let mut w = vec![f32::NAN; g.weight_layout().len()];
        g.weight_layout().pack(&logical, &mut w);
        let bias = random.floats(g.f);
        let mut b = vec![f32::NAN; g.bias_layout().len()];
        g.bias_layout().pack(&bias, &mut b);
        Case { g, n, x: random.floats(n * g.input_len()), dy: random.floats(n * g.output_len()), logical, w, b }
    }

    fn forward(&self, activation: Activation, with_bias: bool) -> Vec<f32> {
        let mut y = vec![f32::NAN; self.n * self.g.output_len()];
        let b = if with_bias { &self.b[..] } else { &[] };
        conv::forward(&self.g, activation, self.n, &self.x, &self.w, b, &mut y);
        y
    }

    fn input_gradient(&self) -> Vec<f32> {
        let mut wt = vec![f32::NAN; conv::transposed_len(&self.g)];
        conv::transpose_weights(&self.g, &self.w, &mut wt);
        let mut dx = vec![f32::NAN; self.n * self.g.input_len()];
        conv::input_gradient(&self.g, self.n, &self.dy, &wt, &mut dx);
        dx
    }

    /// The bits of all that is computed of a convolution.
    fn everything(&self) -> [Vec<u32>; 5] {
        let g = &self.g;
        let mut inferred = vec![f32::NAN; self.n * g.output_len()];
        conv::infer(g, Activation::Relu, self.n, &self.x, &self.w, &self.b, &mut inferred);
        let (mut dw, mut db) = (self.w.clone(), self.b.clone());
        conv::weight_gradient(g, self.n, &self.x, &self.dy, &mut dw, &mut db);
        [self.forward(Activation::Relu, true), inferred, self.input_gradient(), dw, db].map(|floats| bits(&floats))
    }

    fn check(&self) {
        let (g, n) = (&self.g, self.n);
        let mut y = vec![Sum::default(); n * g.output_len()];
        let mut dx = vec![Sum::default(); n * g.input_len()];
        let mut dw = vec![Sum::default(); self.logical.len()];
        let mut db = vec![Sum::default(); g.f];
        for image in 0..n {
            let (y_image, x_image) = (image * g.output_len(), image * g.input_len());
            products(g, |yi, xi, wi, _| {
                let (x, w) = (f64::from(self.x[x_image + xi]), f64::from(self.logical[wi]));
                let dy = f64::from(self.dy[y_image + yi]);
                y[y_image + yi].add(x * w);
                dx[x_image + xi].add(dy * w);
                dw[wi].add(dy * x);
            });
        }
        for (i, &dy) in self.dy.iter().enumerate() {
            db[i % g.f].add(f64::from(dy));
        }

        assert_sums(&self.forward(Activation::None, false), &y, &format!("y, n = {n}, {g:?}"));
        for (i, y) in y.iter_mut().enumerate() {
            y.add(f64::from(self.b[i % g.f]));
        }
        assert_sums(&self.forward(Activation::None, true), &y, &format!("y with bias, n = {n}, {g:?}"));
        for y in &mut y {
            y.value = y.value.max(0.0);
        }
        assert_sums(&self.forward(Activation::Relu, true), &y, &format!("relu, n = {n}, {g:?}"));
        assert_sums(&self.input_gradient(), &dx, &format!("dx, n = {n}, {g:?}"));

        // Accumulated twice, into something.
        let mut weights = self.w.clone();
        let mut bias = self.b.clone();
        for _ in 0..2 {
            conv::weight_gradient(g, n, &self.x, &self.dy, &mut weights, &mut bias);
        }
        let twice = |sums: Vec<Sum>, start: &[f32]| -> Vec<Sum> {
            sums.iter()
                .zip(start)
                .map(|(sum, &start)| Sum {
                    value: 2.0 * sum.value + f64::from(start),
                    magnitude: 2.0 * sum.magnitude + f64::from(start).abs(),
                })
                .collect()
        };
        let mut logical = vec![0.0; self.logical.len()];
        g.weight_layout().unpack(&weights, &mut logical);
        assert_sums(&logical, &twice(dw, &self.logical), &format!("dw, n = {n}, {g:?}"));
        assert_sums(&bias[..g.f], &twice(db, &self.b), &format!("db, n = {n}, {g:?}"));
        for (i, &weight) in weights.iter().enumerate() {
            assert!(g.weight_layout().is_real(i) || weight == 0.0, "padding of dw, {g:?}");
        }
        assert!(bias[g.f..].iter().all(|&b| b == 0.0), "padding of db, {g:?}");
        let mut without_bias = self.w.clone();
        for _ in 0..2 {
            conv::weight_gradient(g, n, &self.x, &self.dy, &mut without_bias, &mut []);
        }
        assert_eq!(without_bias, weights, "{g:?}");
    }
}

#[test]
fn random_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(1);
        for _ in 0..cases(2000) {
            let g = random_geometry(&mut random);
            let n = random.within(1, if cfg!(miri) { 2 } else { 9 });
            Case::new(g, n, &mut random).check();
        }
    });
}

/// Geometries larger than a block of pixels, and those of known networks.
#[test]
#[cfg_attr(miri, ignore = "as large as they are, each takes an hour")]
fn known_geometries() {
    let conv = |h, c, k, f, stride: usize, pad: usize, groups| Conv {
        h,
        w: h + 1,
        c,
        kh: k,
        kw: k,
        f,
        stride: [stride; 2],
        pad: [pad; 2],
        dilation: [1, 1],
        groups,
    };
    on_every_isa(|_| {
        let mut random = Random::new(2);
        Case::new(conv(28, 1, 5, 32, 1, 0, 1), 1, &mut random).check();
        Case::new(conv(28, 1, 5, 6, 1, 2, 1), 2, &mut random).check();
        Case::new(conv(12, 32, 5, 64, 1, 0, 1), 1, &mut random).check();
        Case::new(conv(31, 3, 3, 17, 2, 0, 1), 1, &mut random).check();
        Case::new(conv(21, 16, 1, 33, 1, 0, 1), 2, &mut random).check();
        Case::new(conv(21, 24, 3, 24, 2, 1, 24), 2, &mut random).check();
        Case::new(conv(13, 8, 3, 24, 1, 1, 8), 2, &mut random).check();
        Case::new(conv(1, 300, 1, 20, 1, 0, 1), 70, &mut random).check();
        // more taps in a row than are taken together, by themselves and joined
        Case::new(conv(15, 8, 11, 17, 1, 5, 1), 1, &mut random).check();
        Case::new(conv(15, 1, 11, 17, 1, 5, 1), 1, &mut random).check();
        // so many channels that blocks are copied
        Case::new(conv(7, 300, 3, 20, 1, 1, 1), 2, &mut random).check();
        Case::new(conv(7, 256, 2, 260, 2, 1, 1), 4, &mut random).check();
        // single pixels over many panels
        Case::new(conv(2, 5, 3, 150, 1, 1, 1), 1, &mut random).check();
        Case::new(conv(1, 140, 1, 70, 1, 0, 2), 1, &mut random).check();
    });
}

/// Small enough for Miri: masked edges of one and two vectors, padding, strides, groups, depthwise, a wide single pixel.
#[test]
fn small_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(7);
        let depthwise = Conv { h: 3, w: 3, c: 9, f: 9, kh: 2, kw: 2, groups: 9, ..SMALL };
        let multiplied = Conv { h: 3, w: 3, c: 7, f: 21, kh: 2, kw: 2, groups: 7, ..SMALL };
        let padded = Conv { h: 3, w: 2, c: 1, f: 17, pad: [1, 1], stride: [2, 1], ..SMALL };
        let grouped = Conv { h: 2, w: 3, c: 4, f: 6, kh: 2, kw: 1, dilation: [1, 2], groups: 2, ..SMALL };
        let wide = Conv { h: 1, w: 1, c: 2, f: 64, kh: 1, kw: 1, ..SMALL };
        for g in [depthwise, multiplied, padded, grouped, wide] {
            Case::new(g, 1, &mut random).check();
        }
    });
}

/// Padding wider than the kernel, strides past it, and windows that meet the input nowhere.
#[test]
fn windows_outside_the_input() {
    on_every_isa(|_| {
        let mut random = Random::new(3);
        for (h, kh, stride, pad, dilation) in [(2, 1, 1, 5, 1), (1, 3, 4, 7, 3), (5, 2, 6, 9, 4), (3, 2, 1, 3, 5)] {
            let g = Conv {
                h,
                w: h + 1,
                c: 3,
                kh,
                kw: kh,
                f: 5,
                stride: [stride; 2],
                pad: [pad; 2],
                dilation: [dilation; 2],
                groups: 1,
            };
            Case::new(g, 2, &mut random).check();
        }
    });
}

#[test]
fn images_do_not_depend_on_their_neighbours() {
    on_every_isa(|_| {
        let mut random = Random::new(4);
        let wide = Conv { h: 2, w: 3, c: 70, f: 80, pad: [1, 1], ..SMALL };
        let wide = Some(wide).filter(|_| !cfg!(miri));
        let geometries: Vec<Conv> = (0..cases(300)).map(|_| random_geometry(&mut random)).chain(wide).collect();
        for g in geometries {
            let case = Case::new(g, 8, &mut random);
            let (y, dx) = (case.forward(Activation::Relu, true), case.input_gradient());
            let (mut ys, mut dxs) = (Vec::new(), Vec::new());
            for image in 0..8 {
                let part = |all: &[f32], len: usize| all[image * len..][..len].to_vec();
                let single = Case {
                    n: 1,
                    x: part(&case.x, case.g.input_len()),
                    dy: part(&case.dy, case.g.output_len()),
                    g: case.g,
                    logical: Vec::new(),
                    w: case.w.clone(),
                    b: case.b.clone(),
                };
                ys.extend(single.forward(Activation::Relu, true));
                dxs.extend(single.input_gradient());
            }
            assert_eq!((bits(&y), bits(&dx)), (bits(&ys), bits(&dxs)), "{:?}", case.g);
        }
    });
}

#[test]
fn what_is_not_finite_reaches_its_windows_and_no_padding() {
    on_every_isa(|_| {
        let mut random = Random::new(5);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let g =
                Conv { h: 6, w: 6, c: 2, kh: 3, kw: 3, f: 5, stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 };
            let mut case = Case::new(g, 1, &mut random);
            case.x[0] = value;
            let y = case.forward(Activation::None, true);
            for (i, y) in y.iter().enumerate() {
                let (row, col) = (i / 5 / 6, i / 5 % 6);
                assert_eq!(y.is_finite(), row > 1 || col > 1, "{value} at {row}, {col}");
            }
            let relu = case.forward(Activation::Relu, true);
            assert!(!value.is_nan() || relu[0].is_nan(), "a ReLU must not hide a NaN");
            let mut dw = vec![0.0; g.weight_layout().len()];
            conv::weight_gradient(&g, 1, &case.x, &case.dy, &mut dw, &mut []);
            for (i, weight) in dw.iter().enumerate() {
                assert!(g.weight_layout().is_real(i) || *weight == 0.0);
            }
            assert!(dw.iter().any(|weight| !weight.is_finite()));
        }
    });
}

#[test]
fn no_images_are_no_work() {
    let mut random = Random::new(6);
    let case = Case::new(random_geometry(&mut random), 0, &mut random);
    assert!(case.forward(Activation::None, true).is_empty());
    let mut dw = case.w.clone();
    conv::weight_gradient(&case.g, 0, &[], &[], &mut dw, &mut []);
    assert_eq!(dw, case.w);
}

const SMALL: Conv =
    Conv { h: 4, w: 4, c: 2, kh: 3, kw: 3, f: 2, stride: [1, 1], pad: [0, 0], dilation: [1, 1], groups: 1 };

#[test]
#[should_panic(expected = "`x` must hold")]
fn refuses_a_short_input() {
    let (w, mut y) = (vec![0.0; SMALL.weight_layout().len()], vec![0.0; SMALL.output_len()]);
    conv::forward(&SMALL, Activation::None, 1, &[0.0; 31], &w, &[], &mut y);
}

#[test]
#[should_panic(expected = "larger than its padded input")]
fn refuses_a_window_that_does_not_fit() {
    Conv { kh: 5, ..SMALL }.check();
}

#[test]
#[should_panic(expected = "groups must divide")]
fn refuses_groups_that_do_not_divide() {
    Conv { groups: 3, ..SMALL }.check();
}

#[test]
#[should_panic(expected = "does not fit")]
fn refuses_sizes_beyond_the_address_space() {
    Conv { h: 1 << 30, w: 1 << 30, c: 1 << 10, ..SMALL }.check();
}

#[test]
fn channels_among_others_are_what_they_are_alone() {
    let mut random = Random::new(31);
    for _ in 0..cases(1000) {
        let g = random_geometry(&mut random);
        let n = random.within(1, 3);
        let case = Case::new(g, n, &mut random);
        let first = random.within(0, 20);
        let among = Among { first, total: first + g.f + random.within(0, 20) };
        let dy = put_among(among, g.f, &case.dy, f32::NAN);
        on_every_isa(|isa| {
            let what = format!("{g:?} for {n} images among {among:?} on {isa:?}");
            let mut y = put_among(among, g.f, &vec![f32::NAN; n * g.output_len()], 7.0);
            conv::forward_among(&g, among, Activation::Relu, n, &case.x, &case.w, &case.b, &mut y);
            let expected = put_among(among, g.f, &case.forward(Activation::Relu, true), 7.0);
            assert_eq!(bits(&y), bits(&expected), "{what}: forward");

            let mut wt = vec![0.0; conv::transposed_len(&g)];
            conv::transpose_weights(&g, &case.w, &mut wt);
            let mut dx = vec![f32::NAN; n * g.input_len()];
            conv::input_gradient_among(&g, among, n, &dy, &wt, &mut dx);
            assert_eq!(bits(&dx), bits(&case.input_gradient()), "{what}: input gradient");

            let gradients = |among: Among, dy: &[f32]| {
                let mut dw = vec![0.5; g.weight_layout().len()];
                let mut db = vec![0.25; g.bias_layout().len()];
                conv::weight_gradient_among(&g, among, n, &case.x, dy, &mut dw, &mut db);
                (bits(&dw), bits(&db))
            };
            assert_eq!(gradients(among, &dy), gradients(Among::alone(g.f), &case.dy), "{what}: weight gradient");
        });
    }
}

/// Thousands of steps that are large enough to be cut, of every kind: the bits are those of one thread.
#[test]
fn a_crew_changes_no_bit_of_random_geometries() {
    let mut random = Random::new(38);
    let least = 2 * crew::WORTH_A_HAND as usize;
    let range = least..least * if cfg!(miri) { 2 } else { 16 };
    for _ in 0..cases(1000) {
        let g = loop {
            let depthwise = random.within(0, 3) == 0;
            let groups = if depthwise { random.within(16, 80) } else { random.within(1, 2) };
            let each = |random: &mut Random| if depthwise { 1 } else { random.within(1, 40) };
            let (inputs, outputs) = (each(&mut random), each(&mut random));
            let k = random.within(1, 5);
            let [h, w] = [random.within(1, 30), random.within(1, 30)];
            let g = Conv {
                h,
                w,
                c: inputs * groups,
                kh: k.min(h),
                kw: k.min(w),
                f: outputs * groups,
                stride: [random.within(1, 2), random.within(1, 2)],
                pad: [random.within(0, k / 2), random.within(0, k / 2)],
                dilation: [1, 1],
                groups,
            };
            if range.contains(&(g.output_len() * g.kh * g.kw * inputs)) {
                break g;
            }
        };
        let n = random.within(1, if cfg!(miri) { 1 } else { 3 });
        let case = Case::new(g, n, &mut random);
        on_every_isa(|isa| {
            let results = || (bits(&case.forward(Activation::Relu, true)), bits(&case.input_gradient()));
            let alone = results();
            for threads in [2, 3] {
                let crew = crew::lead(threads, results);
                assert!(crew == alone, "{g:?}, n = {n}, {threads} threads on {isa:?}");
            }
        });
    }
}

#[test]
#[cfg_attr(miri, ignore = "as large as they are, each takes an hour")]
fn a_crew_changes_no_bit() {
    let mut random = Random::new(32);
    let conv = |h, c, k, f, groups| Conv {
        h,
        w: h + 1,
        c,
        kh: k,
        kw: k,
        f,
        stride: [1, 1],
        pad: [k / 2, 0],
        dilation: [1, 1],
        groups,
    };
    // By pixels, by panels, a dense layer, groups, depthwise, one panel only.
    let all = [conv(24, 8, 5, 32, 1), conv(9, 64, 3, 256, 1), conv(1, 700, 1, 300, 1), conv(20, 32, 3, 64, 2)];
    for g in all.into_iter().chain([conv(30, 48, 3, 48, 48), conv(1, 9000, 1, 11, 1)]) {
        let case = Case::new(g, 2, &mut random);
        on_every_isa(|isa| {
            let alone = bits(&case.forward(Activation::Relu, true));
            let alone_back = bits(&case.input_gradient());
            for threads in [2, 3, 7] {
                let (y, dx) = crew::lead(threads, || (case.forward(Activation::Relu, true), case.input_gradient()));
                assert_eq!(bits(&y), alone, "{g:?} forward, {threads} threads on {isa:?}");
                assert_eq!(bits(&dx), alone_back, "{g:?} back, {threads} threads on {isa:?}");
            }
        });
    }
}

/// AVX-512 is AVX2 with wider registers: the same sums in the same order, rounded alike.
#[test]
fn wider_registers_change_no_bit() {
    let mut random = Random::new(39);
    for i in 0..cases(1500) {
        let g = match i % 4 {
            0 => winograd::random_geometry(&mut random),
            // Single pixels over several panels, as dense layers are.
            1 => {
                let [c, f] = [random.within(1, 90), random.within(40, 200)];
                Conv { h: 1, w: 1, c, f, kh: 1, kw: 1, ..SMALL }
            }
            _ => random_geometry(&mut random),
        };
        if !is_quick(g.output_len() * g.kh * g.kw * g.c / g.groups) {
            continue;
        }
        let n = random.within(1, 4);
        let case = Case::new(g, n, &mut random);
        let mut found = Vec::new();
        on_every_isa(|isa| {
            if matches!(isa, Isa::Avx2 | Isa::Avx512) {
                found.push(case.everything());
            }
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{g:?}, n = {n}");
    }
}

#[test]
#[should_panic(expected = "are not among")]
fn refuses_channels_that_are_not_there() {
    let g = Conv { h: 1, w: 1, c: 1, kh: 1, kw: 1, f: 4, stride: [1, 1], pad: [0, 0], dilation: [1, 1], groups: 1 };
    let among = Among { first: 5, total: 8 };
    conv::forward_among(&g, among, Activation::None, 1, &[1.0], &[0.0; 16], &[], &mut [0.0; 8]);
}
