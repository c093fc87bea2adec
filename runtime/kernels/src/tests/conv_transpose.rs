//! Transposed convolutions against their definition.

use super::{Random, Sum, assert_sums, bits, cases, is_quick};
use crate::conv::Activation;
use crate::conv_transpose::{self, ConvTranspose};
use crate::isa::{Isa, on_every_isa};

fn random_geometry(random: &mut Random) -> ConvTranspose {
    loop {
        let pair = |random: &mut Random, low, high| [random.within(low, high), random.within(low, high)];
        let stride = pair(random, 1, 3);
        let g = ConvTranspose {
            h: random.within(1, 6),
            w: random.within(1, 6),
            c: random.within(1, 20),
            f: random.within(1, 40),
            kernel: pair(random, 1, 4),
            stride,
            pad: pair(random, 0, 2),
            output_pad: [random.within(0, stride[0] - 1), random.within(0, stride[1] - 1)],
        };
        let fits = reach(&g).iter().zip(g.pad).all(|(&reach, pad)| reach > 2 * pad);
        if fits && is_quick(g.input_len() * g.kernel[0] * g.kernel[1] * g.f) {
            return g;
        }
    }
}

/// Rows and columns of the output before the padding is taken away.
fn reach(g: &ConvTranspose) -> [usize; 2] {
    let axis = |size: usize, i: usize| (size - 1) * g.stride[i] + g.kernel[i] + g.output_pad[i];
    [axis(g.h, 0), axis(g.w, 1)]
}

/// Calls `visit(x index, logical w index, y index)` for every product of one image.
fn products(g: &ConvTranspose, mut visit: impl FnMut(usize, usize, usize)) {
    let [oh, ow] = [0, 1].map(|i| reach(g)[i] - 2 * g.pad[i]);
    for (iy, ix) in (0..g.h).flat_map(|iy| (0..g.w).map(move |ix| (iy, ix))) {
        for (ky, kx) in (0..g.kernel[0]).flat_map(|ky| (0..g.kernel[1]).map(move |kx| (ky, kx))) {
            let y = (iy * g.stride[0] + ky).wrapping_sub(g.pad[0]);
            let x = (ix * g.stride[1] + kx).wrapping_sub(g.pad[1]);
            if y >= oh || x >= ow {
                continue;
            }
            for (c, f) in (0..g.c).flat_map(|c| (0..g.f).map(move |f| (c, f))) {
                let w = ((ky * g.kernel[1] + kx) * g.c + c) * g.f + f;
                visit((iy * g.w + ix) * g.c + c, w, (y * ow + x) * g.f + f);
            }
        }
    }
}

fn check(g: &ConvTranspose, n: usize, random: &mut Random) {
    let [oh, ow] = [0, 1].map(|i| reach(g)[i] - 2 * g.pad[i]);
    assert_eq!((g.input_len(), g.output_len()), (g.h * g.w * g.c, oh * ow * g.f), "{g:?}");
    let (x, dy) = (random.floats(n * g.input_len()), random.floats(n * g.output_len()));
    let (logical, bias) = (random.floats(g.weight_layout().logical_len()), random.floats(g.f));
    let (mut w, mut b) = (vec![f32::NAN; g.weight_layout().len()], vec![f32::NAN; g.bias_layout().len()]);
    g.weight_layout().pack(&logical, &mut w);
    g.bias_layout().pack(&bias, &mut b);
    let mut expected = vec![Sum::default(); dy.len()];
    let mut dx = vec![Sum::default(); x.len()];
    let mut dw: Vec<Sum> = vec![Sum::default(); logical.len()];
    let mut db = vec![Sum::default(); g.f];
    for image in 0..n {
        let (x_image, y_image) = (image * g.input_len(), image * g.output_len());
        products(g, |xi, wi, yi| {
            let (x, w, dy) = (x[x_image + xi], logical[wi], dy[y_image + yi]);
            expected[y_image + yi].add(f64::from(x) * f64::from(w));
            dx[x_image + xi].add(f64::from(dy) * f64::from(w));
            dw[wi].add(f64::from(dy) * f64::from(x));
        });
    }
    dy.iter().enumerate().for_each(|(i, &dy)| db[i % g.f].add(f64::from(dy)));

    let mut y = vec![f32::NAN; dy.len()];
    conv_transpose::forward(g, Activation::None, n, &x, &w, &[], &mut y);
    assert_sums(&y, &expected, &format!("y, n = {n}, {g:?}"));
    for (i, sum) in expected.iter_mut().enumerate() {
        sum.add(f64::from(bias[i % g.f]));
        sum.value = sum.value.max(0.0);
    }
    conv_transpose::forward(g, Activation::Relu, n, &x, &w, &b, &mut y);
    assert_sums(&y, &expected, &format!("relu with bias, n = {n}, {g:?}"));
    // An image alone has the same bits.
    let mut alone = vec![f32::NAN; g.output_len()];
    let last = n - 1;
    let x_last = &x[last * g.input_len()..];
    conv_transpose::forward(g, Activation::Relu, 1, x_last, &w, &b, &mut alone);
    assert_eq!(bits(&alone), bits(&y[last * g.output_len()..]), "{g:?}");

    let mut wt = vec![f32::NAN; conv_transpose::transposed_len(g)];
    conv_transpose::transpose_weights(g, &w, &mut wt);
    let mut found = vec![f32::NAN; x.len()];
    conv_transpose::input_gradient(g, n, &dy, &wt, &mut found);
    assert_sums(&found, &dx, &format!("dx, n = {n}, {g:?}"));

    // Added to something.
    let (mut weights, mut biases) = (w.clone(), b.clone());
    conv_transpose::weight_gradient(g, n, &x, &dy, &mut weights, &mut biases);
    let mut found = vec![0.0; logical.len()];
    g.weight_layout().unpack(&weights, &mut found);
    dw.iter_mut().zip(&logical).for_each(|(sum, &start)| sum.add(f64::from(start)));
    db.iter_mut().zip(&bias).for_each(|(sum, &start)| sum.add(f64::from(start)));
    assert_sums(&found, &dw, &format!("dw, n = {n}, {g:?}"));
    assert_sums(&biases[..g.f], &db, &format!("db, n = {n}, {g:?}"));
    for (i, &weight) in weights.iter().enumerate() {
        assert!(g.weight_layout().is_real(i) || weight == 0.0, "padding of dw, {g:?}");
    }
    assert!(biases[g.f..].iter().all(|&b| b == 0.0), "padding of db, {g:?}");
}

/// AVX-512 is AVX2 with wider registers: the same sums in the same order, rounded alike.
#[test]
fn wider_registers_change_no_bit() {
    let mut random = Random::new(40);
    for _ in 0..cases(500) {
        let g = random_geometry(&mut random);
        let n = random.within(1, 3);
        let (x, dy) = (random.floats(n * g.input_len()), random.floats(n * g.output_len()));
        let logical = random.floats(g.weight_layout().logical_len());
        let mut w = vec![f32::NAN; g.weight_layout().len()];
        g.weight_layout().pack(&logical, &mut w);
        let mut found = Vec::new();
        on_every_isa(|isa| {
            if !matches!(isa, Isa::Avx2 | Isa::Avx512) {
                return;
            }
            let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
            conv_transpose::forward(&g, Activation::Relu, n, &x, &w, &[], &mut y);
            let mut wt = vec![f32::NAN; conv_transpose::transposed_len(&g)];
            conv_transpose::transpose_weights(&g, &w, &mut wt);
            conv_transpose::input_gradient(&g, n, &dy, &wt, &mut dx);
            conv_transpose::weight_gradient(&g, n, &x, &dy, &mut dw, &mut []);
            found.push([y, dx, dw].map(|floats| bits(&floats)));
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{g:?}, n = {n}");
    }
}

#[test]
fn random_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(80);
        for _ in 0..cases(1000) {
            let g = random_geometry(&mut random);
            let n = random.within(1, 4);
            check(&g, n, &mut random);
        }
    });
}

/// Small enough for Miri: masked edges, padding on both sides and at the end.
#[test]
fn small_geometries() {
    on_every_isa(|_| {
        let mut random = Random::new(81);
        for (c, f, stride, pad, output_pad) in [(2, 17, [2, 1], [1, 0], [1, 0]), (9, 3, [1, 3], [0, 1], [0, 2])] {
            let g = ConvTranspose { h: 2, w: 3, c, f, kernel: [2, 3], stride, pad, output_pad };
            check(&g, 1, &mut random);
        }
    });
}

/// Strides past the kernel leave outputs that no input reaches.
#[test]
fn gaps_have_the_bias() {
    on_every_isa(|_| {
        let g =
            ConvTranspose { h: 2, w: 1, c: 1, f: 2, kernel: [1, 1], stride: [3, 2], pad: [0, 0], output_pad: [1, 1] };
        let mut b = vec![0.0; 16];
        b[..2].copy_from_slice(&[0.5, -0.25]);
        let mut w = vec![0.0; 16];
        w[..2].copy_from_slice(&[1.0, 2.0]);
        let mut y = vec![f32::NAN; 5 * 2 * 2];
        conv_transpose::forward(&g, Activation::None, 1, &[3.0, 4.0], &w, &b, &mut y);
        let mut expected = [0.5, -0.25].repeat(10);
        expected[..2].copy_from_slice(&[3.5, 5.75]);
        expected[12..14].copy_from_slice(&[4.5, 7.75]);
        assert_eq!(y, expected);
    });
}

#[test]
#[should_panic(expected = "less than the stride")]
fn the_added_rows_are_fewer_than_the_stride() {
    let g = ConvTranspose { h: 2, w: 2, c: 1, f: 1, kernel: [2; 2], stride: [2; 2], pad: [0; 2], output_pad: [2, 0] };
    let _ = g.conv();
}

#[test]
#[should_panic(expected = "nothing is left")]
fn padding_leaves_something() {
    let g = ConvTranspose { h: 1, w: 2, c: 1, f: 1, kernel: [2; 2], stride: [1; 2], pad: [1, 0], output_pad: [0; 2] };
    let _ = g.conv();
}
