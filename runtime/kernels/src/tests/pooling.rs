//! Pooling against its definition, with PyTorch's rules at the edges.

use super::{Random, Sum, around, assert_sums, bits, cases, most, put_among};
use crate::conv::Among;
use crate::crew;
use crate::isa::on_every_isa;
use crate::max_pool::{self, Pool};
use crate::{avg_pool, global_avg_pool, global_max_pool};

pub(super) fn random_geometry(random: &mut Random) -> Pool {
    loop {
        let pair = |random: &mut Random, low, high| [random.within(low, high), random.within(low, high)];
        let kernel = pair(random, 1, 4);
        // Of many, four vectors are taken together.
        let most_channels = if random.within(0, 3) == 0 { most(90) } else { 20 };
        let g = Pool {
            h: random.within(1, 9),
            w: random.within(1, 9),
            c: random.within(1, most_channels),
            kernel,
            stride: pair(random, 1, 4),
            pad: [random.within(0, kernel[0] - 1), random.within(0, kernel[1] - 1)],
            ceil: random.flip(),
        };
        if kernel[0] <= g.h + 2 * g.pad[0] && kernel[1] <= g.w + 2 * g.pad[1] {
            return g;
        }
    }
}

/// For every output of an image: the input indices of its window with their positions, and the window's padded area.
fn windows(g: &Pool) -> Vec<(Vec<(usize, usize)>, usize)> {
    let mut all = Vec::new();
    for oy in 0..g.out_h() {
        for ox in 0..g.out_w() {
            for c in 0..g.c {
                let (mut inputs, mut area) = (Vec::new(), 0);
                for ky in 0..g.kernel[0] {
                    for kx in 0..g.kernel[1] {
                        let (y, x) = (oy * g.stride[0] + ky, ox * g.stride[1] + kx);
                        area += usize::from(y < g.h + 2 * g.pad[0] && x < g.w + 2 * g.pad[1]);
                        let (y, x) = (y.wrapping_sub(g.pad[0]), x.wrapping_sub(g.pad[1]));
                        if y < g.h && x < g.w {
                            inputs.push(((y * g.w + x) * g.c + c, ky * g.kernel[1] + kx));
                        }
                    }
                }
                all.push((inputs, area));
            }
        }
    }
    all
}

/// Values with many equal ones.
fn coarse(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len).map(|_| random.within(0, 6) as f32 - 3.0).collect()
}

#[test]
fn max_pooling() {
    on_every_isa(|_| {
        let mut random = Random::new(40);
        for _ in 0..cases(1000) {
            let g = random_geometry(&mut random);
            let n = random.within(1, 3);
            let x = coarse(&mut random, n * g.input_len());
            let dy = random.floats(n * g.output_len());
            let windows = windows(&g);
            let (mut expected, mut expected_dx) = (Vec::new(), vec![Sum::default(); x.len()]);
            for image in 0..n {
                for (output, (inputs, _)) in windows.iter().enumerate() {
                    let mut best = inputs[0].0;
                    for &(input, _) in inputs {
                        if x[image * g.input_len() + input] > x[image * g.input_len() + best] {
                            best = input;
                        }
                    }
                    expected.push(x[image * g.input_len() + best]);
                    expected_dx[image * g.input_len() + best].add(f64::from(dy[image * g.output_len() + output]));
                }
            }
            let mut y = vec![f32::NAN; n * g.output_len()];
            let mut index = vec![f32::NAN; n * max_pool::index_len(&g)];
            max_pool::forward(&g, n, &x, &mut y, &mut index);
            assert_eq!(y, expected, "{g:?}");
            let mut dx = vec![f32::NAN; x.len()];
            max_pool::gradient(&g, n, &dy, &index, &mut dx);
            assert_sums(&dx, &expected_dx, &format!("{g:?}"));
            y.fill(f32::NAN);
            max_pool::infer(&g, n, &x, &mut y);
            assert_eq!(y, expected, "{g:?}");
        }
    });
}

#[test]
fn inference_is_the_forward_pass_whatever_the_values() {
    on_every_isa(|_| {
        let mut random = Random::new(45);
        for _ in 0..cases(1000) {
            let g = random_geometry(&mut random);
            let mut x = coarse(&mut random, 3 * g.input_len());
            // The first image is finite, the second has a few values that are not, the third many.
            for (image, x) in x.chunks_exact_mut(g.input_len()).enumerate() {
                let step = [usize::MAX, 41, 3][image];
                for x in x.iter_mut().skip(random.within(0, 2)).step_by(step) {
                    *x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0][random.within(0, 3)];
                }
                x[0] = if image == 0 { -0.0 } else { x[0] };
            }
            let (mut y, mut z) = (vec![0.0; 3 * g.output_len()], vec![0.0; 3 * g.output_len()]);
            let mut index = vec![0.0; 3 * max_pool::index_len(&g)];
            max_pool::forward(&g, 3, &x, &mut y, &mut index);
            max_pool::infer(&g, 3, &x, &mut z);
            assert_eq!(bits(&z), bits(&y), "{g:?}");
        }
    });
}

#[test]
fn the_largest_is_a_nan_where_there_is_one() {
    let g = Pool { h: 2, w: 2, c: 9, kernel: [2, 2], stride: [2, 2], pad: [0, 0], ceil: false };
    on_every_isa(|_| {
        for at in 0..4 {
            let mut x = vec![1.0; 36];
            x[at * 9 + 8] = f32::NAN;
            let (mut y, mut index) = ([0.0; 9], [0.0; 3]);
            max_pool::forward(&g, 1, &x, &mut y, &mut index);
            assert!(y[8].is_nan() && y[..8].iter().all(|&y| y == 1.0));
            let mut dx = [5.0; 36];
            max_pool::gradient(&g, 1, &[1.0; 9], &index, &mut dx);
            assert_eq!((dx[at * 9 + 8], dx.iter().sum::<f32>()), (1.0, 9.0));
            max_pool::infer(&g, 1, &x, &mut y);
            assert!(y[8].is_nan());
        }
        let (mut y, mut index) = ([0.0; 9], [0.0; 3]);
        max_pool::forward(&g, 1, &[f32::NEG_INFINITY; 36], &mut y, &mut index);
        assert_eq!(y, [f32::NEG_INFINITY; 9]);
    });
}

#[test]
#[should_panic(expected = "at most 256")]
fn positions_fit_a_byte() {
    let g = Pool { h: 17, w: 17, c: 1, kernel: [17, 17], stride: [1, 1], pad: [0, 0], ceil: false };
    max_pool::forward(&g, 1, &[0.0; 289], &mut [0.0], &mut [0.0]);
}

#[test]
fn average_pooling() {
    on_every_isa(|_| {
        let mut random = Random::new(41);
        for _ in 0..cases(1000) {
            let g = random_geometry(&mut random);
            let n = random.within(1, 3);
            let (x, dy) = (random.floats(n * g.input_len()), random.floats(n * g.output_len()));
            let windows = windows(&g);
            for count_include_pad in [false, true] {
                let (mut expected, mut expected_dx) = (Vec::new(), vec![Sum::default(); x.len()]);
                for image in 0..n {
                    for (output, (inputs, area)) in windows.iter().enumerate() {
                        let divisor = if count_include_pad { *area } else { inputs.len() } as f64;
                        let mut sum = Sum::default();
                        for &(input, _) in inputs {
                            sum.add(f64::from(x[image * g.input_len() + input]) / divisor);
                            expected_dx[image * g.input_len() + input]
                                .add(f64::from(dy[image * g.output_len() + output]) / divisor);
                        }
                        expected.push(sum);
                    }
                }
                let (mut y, mut dx) = (vec![f32::NAN; n * g.output_len()], vec![f32::NAN; x.len()]);
                avg_pool::forward(&g, count_include_pad, n, &x, &mut y);
                assert_sums(&y, &expected, &format!("{g:?}"));
                avg_pool::gradient(&g, count_include_pad, n, &dy, &mut dx);
                assert_sums(&dx, &expected_dx, &format!("{g:?}"));
            }
        }
    });
}

#[test]
fn global_average_pooling() {
    on_every_isa(|_| {
        let mut random = Random::new(42);
        for c in around(&mut random, [1, 7, 8, 31, 32, 33, 77], 1000, 90) {
            let (n, pixels) = (random.within(1, 4), random.within(1, most(300)));
            let (x, dy) = (random.floats(n * pixels * c), random.floats(n * c));
            let mut expected = vec![Sum::default(); n * c];
            for (i, &x) in x.iter().enumerate() {
                expected[i / (pixels * c) * c + i % c].add(f64::from(x) / pixels as f64);
            }
            let (mut y, mut dx) = (vec![f32::NAN; n * c], vec![f32::NAN; x.len()]);
            global_avg_pool::forward(n, pixels, c, &x, &mut y);
            assert_sums(&y, &expected, "global average");
            global_avg_pool::gradient(n, pixels, c, &dy, &mut dx);
            for (i, dx) in dx.iter().enumerate() {
                let expected = f64::from(dy[i / (pixels * c) * c + i % c]) / pixels as f64;
                assert!((f64::from(*dx) - expected).abs() < 1e-7);
            }
        }
    });
}

#[test]
fn global_max_pooling() {
    on_every_isa(|_| {
        let mut random = Random::new(43);
        for c in around(&mut random, [1, 7, 8, 31, 32, 33, 77], 1000, 90) {
            let (n, pixels) = (random.within(1, 4), random.within(1, most(40)));
            let (x, dy) = (coarse(&mut random, n * pixels * c), random.floats(n * c));
            let (mut expected, mut expected_dx) = (Vec::new(), vec![0.0; x.len()]);
            for output in 0..n * c {
                let at = |pixel: usize| (output / c * pixels + pixel) * c + output % c;
                let best = (0..pixels).rev().max_by(|&a, &b| x[at(a)].total_cmp(&x[at(b)])).unwrap();
                expected.push(x[at(best)]);
                expected_dx[at(best)] = dy[output];
            }
            let (mut y, mut dx) = (vec![f32::NAN; n * c], vec![f32::NAN; x.len()]);
            global_max_pool::forward(n, pixels, c, &x, &mut y);
            assert_eq!(y, expected);
            global_max_pool::gradient(n, pixels, c, &x, &y, &dy, &mut dx);
            assert_eq!(dx, expected_dx);
        }
        // The first NaN is the largest.
        let x = [1.0, f32::NAN, 3.0, f32::NAN];
        let (mut y, mut dx) = ([0.0], [5.0; 4]);
        global_max_pool::forward(1, 4, 1, &x, &mut y);
        global_max_pool::gradient(1, 4, 1, &x, &y, &[2.0], &mut dx);
        assert!(y[0].is_nan());
        assert_eq!(dx, [0.0, 2.0, 0.0, 0.0]);
    });
}

#[test]
fn channels_among_others_and_rows_on_a_crew_are_what_they_are_alone() {
    let mut random = Random::new(33);
    for case in 0..cases(1000) {
        let mut g = random_geometry(&mut random);
        if case % 20 == 0 && !cfg!(miri) {
            // Large enough for a crew.
            (g.h, g.w, g.c) = (40 + g.h, 30 + g.w, 16 + g.c);
        }
        let n = random.within(1, 3);
        let first = random.within(0, 20);
        let among = Among { first, total: first + g.c + random.within(0, 20) };
        let x = random.floats(n * g.input_len());
        on_every_isa(|isa| {
            let mut alone = vec![f32::NAN; n * g.output_len()];
            max_pool::infer(&g, n, &x, &mut alone);
            let expected = bits(&put_among(among, g.c, &alone, 7.0));
            for threads in [1, 3] {
                let mut y = put_among(among, g.c, &vec![f32::NAN; n * g.output_len()], 7.0);
                crew::lead(threads, || max_pool::infer_among(&g, among, n, &x, &mut y));
                assert_eq!(bits(&y), expected, "{g:?} among {among:?}, {threads} threads on {isa:?}");
            }
        });
    }
}
