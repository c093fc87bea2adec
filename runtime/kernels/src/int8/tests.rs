//! Integer kernels against plain loops over integers: the same bits, under every instruction set.

use super::*;
use crate::conv::{Activation, Among, Conv};
use crate::dense::Dense;
use crate::isa::on_every_isa;
use crate::pool::Pool;
use crate::tests::{Random, bits, cases, is_quick, most};

/// Images of bytes, each filled to whole floats with bytes that must not matter.
fn images(random: &mut Random, n: usize, len: usize) -> (Vec<f32>, Vec<Vec<u8>>) {
    let mut floats = vec![f32::from_bits(!0); n * super::floats(len)];
    let images: Vec<Vec<u8>> = (0..n).map(|_| (0..len).map(|_| random.within(0, 127) as u8).collect()).collect();
    for (image, to) in images.iter().zip(bytes_mut(&mut floats).chunks_exact_mut(stride(len))) {
        to[..len].copy_from_slice(image);
    }
    (floats, images)
}

/// The bytes of each image.
fn split(floats: &[f32], len: usize) -> Vec<Vec<u8>> {
    bytes(floats).chunks_exact(stride(len)).map(|image| image[..len].to_vec()).collect()
}

fn scale(random: &mut Random) -> Scale {
    let zero = if random.flip() { 0 } else { random.within(0, 127) as u8 };
    Scale { scale: random.float().abs() * 0.1 + 0.001, zero }
}

/// A layer's numbers, extremes among them.
struct Drawn {
    weights: Vec<f32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    input: Scale,
    output: Scale,
}

impl Drawn {
    fn new(random: &mut Random, k: usize, channels: usize) -> Self {
        let extreme = random.within(0, 3) == 0;
        let weight = |random: &mut Random| match extreme {
            true if random.flip() => 127.0,
            true => -127.0,
            false => (random.float() * 127.0).round(),
        };
        Self {
            weights: (0..k * channels).map(|_| weight(random)).collect(),
            scales: (0..channels).map(|_| random.float().abs() * 0.01 + 1e-4).collect(),
            bias: if random.flip() { Vec::new() } else { random.floats(channels) },
            input: scale(random),
            output: Scale { scale: 0.01 + 0.1 * random.float().abs() * (k as f32).sqrt(), ..scale(random) },
        }
    }

    fn pack(&self, sizes: [usize; 4], output: Option<Scale>) -> Layer {
        Layer::pack(sizes, &self.weights, &self.scales, &self.bias, self.input, output).unwrap()
    }

    /// What a sum of products of weights and bytes less their zero becomes, with its bias.
    fn finish(&self, channel: usize, sum: i64, relu: bool) -> (u8, f32) {
        let unit = self.input.scale * self.scales[channel];
        let bias = self.bias.get(channel).map_or(0, |bias| (bias / unit).round_ties_even() as i64);
        let sum = i32::try_from(sum + bias).unwrap() as f32;
        let floor = if relu { f32::from(self.output.zero) } else { 0.0 };
        let value = sum * (unit / self.output.scale) + f32::from(self.output.zero);
        (value.max(floor).min(127.0).round_ties_even() as u8, if relu { (sum * unit).max(0.0) } else { sum * unit })
    }
}

fn convolution(random: &mut Random) -> Conv {
    let groups = if random.within(0, 3) == 0 { random.within(1, 3) } else { 1 };
    let c = groups * [1, 2, 3, 4, 5, 8, 16, 21][random.within(0, 7)];
    let f = groups * [1, 3, 8, 15, 16, 17, 32, 40][random.within(0, 7)];
    let (kh, kw) = (random.within(1, 5), random.within(1, 5));
    let dilation = [random.within(1, 2), random.within(1, 2)];
    let pad = if random.flip() { [0, 0] } else { [random.within(0, 3), random.within(0, 3)] };
    let least = |k: usize, d: usize, p: usize| ((k - 1) * d + 1).saturating_sub(2 * p).max(1);
    let (low_h, low_w) = (least(kh, dilation[0], pad[0]), least(kw, dilation[1], pad[1]));
    Conv {
        h: random.within(low_h, low_h + 8),
        w: random.within(low_w, low_w + 8),
        c,
        kh,
        kw,
        f,
        stride: [random.within(1, 3), random.within(1, 3)],
        pad,
        dilation,
        groups,
    }
}

/// The sum of one output, by the definition.
fn sum(g: &Conv, image: &[u8], drawn: &Drawn, [oy, ox, channel]: [usize; 3]) -> i64 {
    let (depth, per_group) = (g.c / g.groups, g.f / g.groups);
    let group = channel / per_group;
    let mut sum = 0;
    for ky in 0..g.kh {
        for kx in 0..g.kw {
            let y = (oy * g.stride[0] + ky * g.dilation[0]).checked_sub(g.pad[0]).filter(|&y| y < g.h);
            let x = (ox * g.stride[1] + kx * g.dilation[1]).checked_sub(g.pad[1]).filter(|&x| x < g.w);
            let (Some(y), Some(x)) = (y, x) else { continue };
            for c in 0..depth {
                let byte = image[(y * g.w + x) * g.c + group * depth + c];
                let weight = drawn.weights[((ky * g.kw + kx) * depth + c) * g.f + channel];
                sum += (i64::from(byte) - i64::from(drawn.input.zero)) * weight as i64;
            }
        }
    }
    sum
}

#[test]
fn convolutions_are_exact() {
    let mut random = Random::new(81);
    for _ in 0..cases(2000) {
        let (g, n) = loop {
            let (g, n) = (convolution(&mut random), random.within(1, 3));
            if is_quick(n * g.output_len() * g.kh * g.kw * g.c / g.groups / 4) {
                break (g, n);
            }
        };
        let relu = random.flip();
        let drawn = Drawn::new(&mut random, g.kh * g.kw * g.c / g.groups, g.f);
        let (across, run) = super::conv::runs(&g);
        let sizes = [g.groups, g.f / g.groups, across * g.kh, run];
        let (to_bytes, to_floats) = (drawn.pack(sizes, Some(drawn.output)), drawn.pack(sizes, None));
        let (x, inputs) = images(&mut random, n, g.input_len());
        let mut expected_bytes = Vec::new();
        let mut expected_floats = Vec::new();
        for image in &inputs {
            let mut of_image = Vec::new();
            for place in 0..g.output_len() {
                let at = [place / g.f / g.out_w(), place / g.f % g.out_w(), place % g.f];
                let (byte, float) = drawn.finish(at[2], sum(&g, image, &drawn, at), relu);
                of_image.push(byte);
                expected_floats.push(float);
            }
            expected_bytes.push(of_image);
        }
        let activation = if relu { Activation::Relu } else { Activation::None };
        let before = random.within(0, 5);
        let among = Among { first: before, total: before + g.f + random.within(0, 5) };
        on_every_isa(|isa| {
            let mut y = vec![0.0; n * super::floats(g.output_len())];
            conv(&g, activation, n, &x, &to_bytes, &mut y);
            assert_eq!(split(&y, g.output_len()), expected_bytes, "{isa:?} {g:?}");
            let whole = g.out_h() * g.out_w() * among.total;
            let mut y = vec![f32::from_bits(0x6363_6363); n * super::floats(whole)];
            conv_among(&g, among, activation, n, &x, &to_bytes, &mut y);
            for (image, expected) in split(&y, whole).iter().zip(&expected_bytes) {
                for (pixel, expected) in image.chunks_exact(among.total).zip(expected.chunks_exact(g.f)) {
                    assert_eq!(&pixel[before..][..g.f], expected, "{isa:?} {g:?}");
                    let others = pixel[..before].iter().chain(&pixel[before + g.f..]);
                    assert!(others.copied().all(|byte| byte == 0x63), "{isa:?} {g:?}");
                }
            }
            let mut y = vec![0.0; n * g.output_len()];
            conv_floats(&g, activation, n, &x, &to_floats, &mut y);
            assert_eq!(y, expected_floats, "{isa:?} {g:?}");
        });
    }
}

#[test]
fn dense_layers_are_exact() {
    let mut random = Random::new(82);
    for _ in 0..cases(1000) {
        let g = Dense { inputs: random.within(1, most(70)), outputs: random.within(1, most(90)) };
        let (n, relu) = (random.within(1, most(14)), random.flip());
        let drawn = Drawn::new(&mut random, g.inputs, g.outputs);
        let sizes = [1, g.outputs, 1, g.inputs];
        let (to_bytes, to_floats) = (drawn.pack(sizes, Some(drawn.output)), drawn.pack(sizes, None));
        let (x, inputs) = images(&mut random, n, g.inputs);
        let both = |image: &Vec<u8>| -> Vec<(u8, f32)> {
            let sum = |channel: usize| {
                let term = |(i, &byte): (usize, &u8)| {
                    (i64::from(byte) - i64::from(drawn.input.zero)) * drawn.weights[i * g.outputs + channel] as i64
                };
                drawn.finish(channel, image.iter().enumerate().map(term).sum(), relu)
            };
            (0..g.outputs).map(sum).collect()
        };
        let expected: Vec<Vec<(u8, f32)>> = inputs.iter().map(both).collect();
        let activation = if relu { Activation::Relu } else { Activation::None };
        on_every_isa(|isa| {
            let mut y = vec![0.0; n * super::floats(g.outputs)];
            dense(&g, activation, n, &x, &to_bytes, &mut y);
            let wanted: Vec<Vec<u8>> = expected.iter().map(|row| row.iter().map(|both| both.0).collect()).collect();
            assert_eq!(split(&y, g.outputs), wanted, "{isa:?} {g:?}");
            let mut y = vec![0.0; n * g.outputs];
            dense_floats(&g, activation, n, &x, &to_floats, &mut y);
            assert_eq!(y, expected.iter().flatten().map(|both| both.1).collect::<Vec<_>>(), "{isa:?} {g:?}");
        });
    }
}

/// A crew cuts the work otherwise, and the bits stay.
fn assert_same_on_a_crew(random: &mut Random, g: &Conv, threads_to_try: &[usize]) {
    let drawn = Drawn::new(random, g.kh * g.kw * g.c / g.groups, g.f);
    let (across, run) = super::conv::runs(g);
    let layer = drawn.pack([g.groups, g.f / g.groups, across * g.kh, run], Some(drawn.output));
    let (x, _) = images(random, 1, g.input_len());
    on_every_isa(|isa| {
        let of = |threads: usize| {
            let mut y = vec![0.0; super::floats(g.output_len())];
            crate::crew::lead(threads, || conv(g, Activation::Relu, 1, &x, &layer, &mut y));
            split(&y, g.output_len())
        };
        let alone = of(1);
        for &threads in threads_to_try {
            assert!(of(threads) == alone, "{g:?} on {isa:?} with {threads} threads");
        }
    });
}

#[test]
fn a_crew_computes_the_same() {
    let mut random = Random::new(83);
    let [h, w, c, f] = if cfg!(miri) { [5, 6, 4, 17] } else { [19, 23, 24, 72] };
    let g = Conv { h, w, c, kh: 3, kw: 3, f, stride: [1; 2], pad: [1; 2], dilation: [1; 2], groups: 1 };
    let [c, f] = if cfg!(miri) { [70, 50] } else { [900, 500] };
    let deep = Conv { h: 1, w: 1, c, kh: 1, kw: 1, f, pad: [0; 2], ..g };
    for g in [g, deep] {
        assert_same_on_a_crew(&mut random, &g, &[2, 3, 7]);
    }
}

/// Steps that are large enough to be cut, of every kind.
#[test]
fn a_crew_computes_the_same_of_random_geometries() {
    let mut random = Random::new(89);
    let least = 4 * crate::crew::WORTH_A_HAND as usize;
    let range = least..least * if cfg!(miri) { 2 } else { 8 };
    for _ in 0..cases(1000) {
        let g = loop {
            let mut g = convolution(&mut random);
            // As deep as it is, or as wide: pixels are cut in the one case, channels in the other.
            if random.flip() {
                (g.c, g.f) = (g.c * random.within(1, 8), g.f * random.within(1, 8));
            } else {
                (g.h, g.w) = (g.h * random.within(1, 3), g.w * random.within(1, 3));
            }
            if range.contains(&(g.output_len() * g.kh * g.kw * g.c / g.groups)) {
                break g;
            }
        };
        assert_same_on_a_crew(&mut random, &g, &[2, 3]);
    }
}

#[test]
fn pooling_is_exact() {
    let mut random = Random::new(84);
    for _ in 0..cases(1000) {
        let kernel = [random.within(1, 3), random.within(1, 3)];
        let g = Pool {
            h: random.within(kernel[0], 9),
            w: random.within(kernel[1], 9),
            c: random.within(1, most(40)),
            kernel,
            stride: [random.within(1, 3), random.within(1, 3)],
            pad: kernel.map(|k| random.within(0, k - 1)),
            ceil: random.flip(),
        };
        let (n, include) = (random.within(1, 3), random.flip());
        let scale = scale(&mut random);
        let (x, inputs) = images(&mut random, n, g.input_len());
        let pooled = |image: &Vec<u8>| -> Vec<(u8, u8)> {
            let mut all = Vec::new();
            for window in g.windows() {
                let rows = kernel[0].min(g.h + 2 * g.pad[0] - window.top);
                let cols = kernel[1].min(g.w + 2 * g.pad[1] - window.left);
                let inside = window.rows.len() * window.cols.len();
                let area = if include { rows * cols } else { inside };
                for c in 0..g.c {
                    let mut values = Vec::new();
                    window.taps(&g, |offset, _| values.push(image[offset + c]));
                    let sum = values.iter().map(|&v| f64::from(v)).sum::<f64>()
                        + (area - inside) as f64 * f64::from(scale.zero);
                    all.push((*values.iter().max().unwrap(), (sum / area as f64).round_ties_even() as u8));
                }
            }
            all
        };
        let expected: Vec<Vec<(u8, u8)>> = inputs.iter().map(pooled).collect();
        on_every_isa(|isa| {
            let mut y = vec![0.0; n * super::floats(g.output_len())];
            max_pool(&g, n, &x, &mut y);
            let wanted: Vec<Vec<u8>> = expected.iter().map(|image| image.iter().map(|both| both.0).collect()).collect();
            assert_eq!(split(&y, g.output_len()), wanted, "{isa:?} {g:?}");
            let among = Among { first: 2, total: g.c + 5 };
            let whole = g.output_len() / g.c * among.total;
            let mut joined = vec![f32::from_bits(0x6363_6363); n * super::floats(whole)];
            max_pool_among(&g, among, n, &x, &mut joined);
            for (image, wanted) in split(&joined, whole).iter().zip(&wanted) {
                for (pixel, wanted) in image.chunks_exact(among.total).zip(wanted.chunks_exact(g.c)) {
                    assert_eq!(&pixel[2..][..g.c], wanted, "{isa:?} {g:?}");
                    assert!(pixel[..2].iter().chain(&pixel[2 + g.c..]).all(|&byte| byte == 0x63), "{isa:?} {g:?}");
                }
            }
            avg_pool(&g, include, n, &x, scale, &mut y);
            let wanted: Vec<Vec<u8>> = expected.iter().map(|image| image.iter().map(|both| both.1).collect()).collect();
            assert_eq!(split(&y, g.output_len()), wanted, "{isa:?} {g:?}");
            let mut means = vec![0.0; n * g.c];
            global_avg_pool(n, g.h * g.w, g.c, &x, scale, &mut means);
            for (image, means) in inputs.iter().zip(means.chunks_exact(g.c)) {
                for (c, &mean) in means.iter().enumerate() {
                    let sum: i64 =
                        image.iter().skip(c).step_by(g.c).map(|&v| i64::from(v) - i64::from(scale.zero)).sum();
                    assert_eq!(mean.to_bits(), (sum as f32 * scale.scale / (g.h * g.w) as f32).to_bits());
                }
            }
        });
    }
}

#[test]
fn conversions_are_the_same_everywhere() {
    let mut random = Random::new(85);
    for _ in 0..cases(1000) {
        let (n, pixels, channels) = (random.within(1, 3), random.within(1, 9), random.within(1, 9));
        let (len, scale) = (pixels * channels, scale(&mut random));
        let mut x: Vec<f32> = (0..n * len).map(|_| random.float() * 20.0).collect();
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e38] {
            let place = random.within(0, x.len() - 1);
            x[place] = odd;
        }
        on_every_isa(|isa| {
            let mut y = vec![0.0; n * super::floats(len)];
            quantize(n, len, &x, scale, &mut y);
            let found = split(&y, len).concat();
            assert_eq!(found, x.iter().map(|&x| scale.byte(x)).collect::<Vec<_>>(), "{isa:?}");
            let mut back = vec![0.0; n * len];
            dequantize(n, pixels, channels, Among::alone(channels), &y, scale, &mut back);
            assert_eq!(bits(&back), bits(&found.iter().map(|&byte| scale.number(byte)).collect::<Vec<_>>()));
            for (&x, &back) in x.iter().zip(&back) {
                let is_inside = (0.0..=127.0).contains(&(x / scale.scale + f32::from(scale.zero)));
                assert!(!is_inside || (x - back).abs() <= 0.5001 * scale.scale, "{x} came back as {back}");
            }
        });
    }
}

#[test]
fn what_only_moves_bytes_moves_them() {
    let mut random = Random::new(86);
    for _ in 0..cases(1000) {
        let (n, outer, part) = (random.within(1, 3), random.within(1, 9), random.within(1, most(40)));
        let (offset, scale) = (random.within(0, 9), scale(&mut random));
        let total = offset + part + random.within(0, 9);
        let (x, inputs) = images(&mut random, n, outer * part);
        let mut y = vec![0.0; x.len()];
        relu(n, outer * part, &x, scale, &mut y);
        let wanted: Vec<Vec<u8>> =
            inputs.iter().map(|image| image.iter().map(|&byte| byte.max(scale.zero)).collect()).collect();
        assert_eq!(split(&y, outer * part), wanted);
        let mut joined = vec![f32::from_bits(0x6363_6363); n * super::floats(outer * total)];
        concat(n, outer, part, total, offset, &x, &mut joined);
        for (image, input) in split(&joined, outer * total).iter().zip(&inputs) {
            for (row, part) in image.chunks_exact(total).zip(input.chunks_exact(part)) {
                assert_eq!(&row[offset..][..part.len()], part);
                assert!(row[..offset].iter().chain(&row[offset + part.len()..]).all(|&byte| byte == 0x63));
            }
        }
    }
}

#[test]
fn a_range_has_its_zero_and_its_ends() {
    for (low, high) in [(0.0, 1.0), (-1.0, 0.0), (-3.0, 5.0), (2.0, 6.0), (-7.0, -2.0), (0.0, 0.0), (0.0, 1e-44)] {
        let scale = Scale::of_range(low, high);
        assert!(scale.is_valid(), "{low} to {high}: {scale:?}");
        assert_eq!(scale.number(scale.byte(0.0)), 0.0);
        for end in [low, high] {
            assert!((scale.number(scale.byte(end)) - end).abs() <= 0.5001 * scale.scale, "{end}: {scale:?}");
        }
    }
    assert!(!Scale { scale: 0.0, zero: 0 }.is_valid() && !Scale { scale: 1.0, zero: 128 }.is_valid());
    assert!(!Scale { scale: f32::NAN, zero: 0 }.is_valid() && !Scale { scale: -1.0, zero: 0 }.is_valid());
}

/// A file may say anything of a layer.
#[test]
fn numbers_that_are_none_are_refused() {
    let (one, input) = ([1, 1, 1, 2], Scale { scale: 1.0, zero: 3 });
    let pack = |weights: &[f32], scales: &[f32], input, output| {
        Layer::pack(one, weights, scales, &[], input, output).map(|_| ())
    };
    assert_eq!(pack(&[1.0, -127.0], &[1.0], input, Some(input)), Ok(()));
    for bad in [0.5, 128.0, -128.0, f32::NAN, f32::INFINITY] {
        assert_eq!(pack(&[1.0, bad], &[1.0], input, None), Err(PackError::Weight));
    }
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45] {
        assert_eq!(pack(&[1.0, 1.0], &[bad], input, None), Err(PackError::Scale));
        assert_eq!(pack(&[1.0, 1.0], &[1.0], Scale { scale: bad, zero: 0 }, None), Err(PackError::Scale));
    }
    let tiny = Scale { scale: 1e-37, zero: 0 };
    assert_eq!(pack(&[1.0, 1.0], &[1e30], Scale { scale: 1e7, zero: 0 }, Some(tiny)), Err(PackError::Scale));
    assert_eq!(pack(&[1.0], &[1.0], input, None), Err(PackError::Size));
    assert_eq!(pack(&[1.0, 1.0], &[1.0, 1.0], input, None), Err(PackError::Size));
}
