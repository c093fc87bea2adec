//! Group and layer normalisation, and local response normalisation, against plain loops in double precision.

use super::{Random, Sum, around, assert_close, assert_sums, bits, is_quick, most, sizes};
use crate::group_norm::{self, Groups};
use crate::isa::on_every_isa;
use crate::lrn::{self, Lrn};

const EPS: f32 = 1e-3;

fn doubles(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

struct Case {
    groups: Groups,
    n: usize,
    x: Vec<f32>,
    dy: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Case {
    fn new(random: &mut Random, groups: Groups, n: usize, offset: f32) -> Case {
        let len = n * groups.pixels * groups.c;
        Case {
            groups,
            n,
            x: random.floats(len).iter().map(|x| x * 3.0 + offset).collect(),
            dy: random.floats(len),
            scale: random.floats(groups.c),
            shift: random.floats(groups.c),
        }
    }

    /// The places of the values of a group of an image.
    fn places(&self, image: usize, group: usize) -> Vec<usize> {
        let Groups { pixels, c, groups } = self.groups;
        let width = c / groups;
        (0..pixels).flat_map(|p| (0..width).map(move |i| (image * pixels + p) * c + group * width + i)).collect()
    }

    fn forward(&self) -> (Vec<f32>, Vec<f32>) {
        let (mut y, mut stats) = (vec![f32::NAN; self.x.len()], vec![f32::NAN; self.n * self.groups.groups * 2]);
        group_norm::forward(&self.groups, self.n, EPS, &self.x, &self.scale, &self.shift, &mut y, &mut stats);
        (y, stats)
    }
}

#[test]
fn group_norm_and_its_gradients() {
    on_every_isa(|_| {
        let mut random = Random::new(81);
        let listed = [(1, 1), (3, 1), (3, 3), (8, 2), (12, 4), (16, 2), (18, 2), (40, 5), (48, 3), (70, 1), (33, 3)];
        let drawn = around(&mut random, [], 1000, 6).into_iter().map(|groups| (0, groups));
        for (c, groups) in listed.into_iter().chain(drawn) {
            let is_drawn = c == 0;
            let c = if is_drawn { groups * random.within(1, most(20)) } else { c };
            let pixels = if is_drawn { vec![random.within(1, most(40))] } else { sizes([1, 2, 9, 170]).collect() };
            for pixels in pixels.into_iter().filter(|pixels| is_quick(pixels * c * 40)) {
                let n = random.within(1, 3);
                let case = Case::new(&mut random, Groups { pixels, c, groups }, n, 0.5);
                let (y, stats) = case.forward();
                let (mut dx, mut dscale, mut dshift) =
                    (vec![f32::NAN; case.x.len()], random.floats(c), random.floats(c));
                let mut scale_sums = vec![Sum::default(); c];
                let mut shift_sums = vec![Sum::default(); c];
                for channel in 0..c {
                    scale_sums[channel].add(f64::from(dscale[channel]));
                    shift_sums[channel].add(f64::from(dshift[channel]));
                }
                group_norm::gradient(&case.groups, case.n, &case.x, &stats, &case.scale, &case.dy, &mut dx);
                group_norm::parameter_gradient(
                    &case.groups,
                    case.n,
                    &case.x,
                    &stats,
                    &case.dy,
                    &mut dscale,
                    &mut dshift,
                );
                let (x, dy) = (doubles(&case.x), doubles(&case.dy));
                let (scale, shift) = (doubles(&case.scale), doubles(&case.shift));
                let (mut expected_y, mut expected_dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                for (image, group) in (0..case.n).flat_map(|image| (0..groups).map(move |group| (image, group))) {
                    let places = case.places(image, group);
                    let count = places.len() as f64;
                    let mean = places.iter().map(|&at| x[at]).sum::<f64>() / count;
                    let variance = places.iter().map(|&at| (x[at] - mean).powi(2)).sum::<f64>() / count;
                    let inv = 1.0 / (variance + f64::from(EPS)).sqrt();
                    let normal = |at: usize| (x[at] - mean) * inv;
                    let g = |at: usize| dy[at] * scale[at % c];
                    let mean_g = places.iter().map(|&at| g(at)).sum::<f64>() / count;
                    let mean_product = places.iter().map(|&at| g(at) * normal(at)).sum::<f64>() / count;
                    for &at in &places {
                        expected_y[at] = normal(at) * scale[at % c] + shift[at % c];
                        expected_dx[at] = inv * (g(at) - mean_g - normal(at) * mean_product);
                        scale_sums[at % c].add(dy[at] * normal(at));
                        shift_sums[at % c].add(dy[at]);
                    }
                }
                // One value alone is its own mean: what is left of it is rounding, over a small deviation.
                assert_close(&y, &expected_y, 2e-5, "y");
                assert_close(&dx, &expected_dx, 2e-5, "dx");
                assert_sums(&dshift, &shift_sums, "dshift");
                for (found, expected) in dscale.iter().zip(&scale_sums) {
                    let off = (f64::from(*found) - expected.value).abs();
                    assert!(off <= 1e-5 * expected.magnitude + 1e-5, "dscale is {found}, expected {}", expected.value);
                }
            }
        }
    });
}

#[test]
fn a_mean_far_from_zero_costs_few_digits() {
    on_every_isa(|_| {
        let case = Case::new(&mut Random::new(82), Groups { pixels: most(200), c: 24, groups: 2 }, 1, 1000.0);
        let (y, _) = case.forward();
        for group in 0..2 {
            let places = case.places(0, group);
            let of = |at: usize| f64::from(case.x[at]);
            let mean = places.iter().map(|&at| of(at)).sum::<f64>() / places.len() as f64;
            let variance = places.iter().map(|&at| (of(at) - mean).powi(2)).sum::<f64>() / places.len() as f64;
            for at in places {
                let normal = (of(at) - mean) / (variance + f64::from(EPS)).sqrt();
                let expected = normal * f64::from(case.scale[at % 24]) + f64::from(case.shift[at % 24]);
                assert!((f64::from(y[at]) - expected).abs() < 1e-4, "{} {expected}", y[at]);
            }
        }
    });
}

/// An image has the same bits alone and among others, and a NaN stays in its group.
#[test]
fn images_and_groups_do_not_mix() {
    on_every_isa(|_| {
        let groups = Groups { pixels: 5, c: 12, groups: 3 };
        let mut case = Case::new(&mut Random::new(83), groups, 3, 0.0);
        let (together, _) = case.forward();
        let last = Case { n: 1, x: case.x[2 * 60..].to_vec(), ..Case::new(&mut Random::new(0), groups, 1, 0.0) };
        let last = Case { scale: case.scale.clone(), shift: case.shift.clone(), ..last };
        assert_eq!(bits(&together[2 * 60..]), bits(&last.forward().0));
        let place = case.places(1, 2)[7];
        case.x[place] = f32::NAN;
        let (y, _) = case.forward();
        let hurt = case.places(1, 2);
        assert!(y.iter().enumerate().all(|(at, y)| y.is_nan() == hurt.contains(&at)));
        // All the same: zero over the root of epsilon.
        case.x.fill(7.25);
        let (y, _) = case.forward();
        assert!(y.iter().enumerate().all(|(at, &y)| y == case.shift[at % 12]));
    });
}

#[test]
fn local_response() {
    on_every_isa(|_| {
        let mut random = Random::new(84);
        for c in around(&mut random, [1, 2, 5, 8, 13, 64, 70], 200, 40) {
            for (size, beta, k) in [(5, 0.75, 1.0), (1, 0.5, 2.0), (4, 0.3, 1.0), (3, 1.0, 0.5), (200, 0.75, 1.0)] {
                let (rows, lrn) = (random.within(1, 6), Lrn { c, size, alpha: 0.7, beta, k });
                let x: Vec<f32> = random.floats(rows * c).iter().map(|x| x * 4.0).collect();
                let dy = random.floats(rows * c);
                let (mut y, mut dx, mut work) =
                    (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()], vec![f32::NAN; c + 3]);
                lrn::forward(&lrn, rows, &x, &mut y);
                lrn::gradient(&lrn, rows, &x, &dy, &mut work, &mut dx);
                let (alpha, beta, k) = (f64::from(lrn.alpha) / size as f64, f64::from(beta), f64::from(k));
                let holds = |of: usize, i: usize| i + size / 2 >= of && i <= of + (size - 1) / 2;
                for ((x, dy), (y, dx)) in x.chunks(c).zip(dy.chunks(c)).zip(y.chunks(c).zip(dx.chunks(c))) {
                    let (x, dy) = (doubles(x), doubles(dy));
                    let scale: Vec<f64> = (0..c)
                        .map(|of| k + alpha * (0..c).filter(|&i| holds(of, i)).map(|i| x[i] * x[i]).sum::<f64>())
                        .collect();
                    let expected: Vec<f64> = (0..c).map(|i| x[i] * scale[i].powf(-beta)).collect();
                    assert_close(y, &expected, 2e-6, "y");
                    let slopes: Vec<f64> = (0..c)
                        .map(|i| {
                            let others = (0..c).filter(|&of| holds(of, i));
                            let sum: f64 = others.map(|of| dy[of] * x[of] * scale[of].powf(-beta - 1.0)).sum();
                            dy[i] * scale[i].powf(-beta) - 2.0 * alpha * beta * x[i] * sum
                        })
                        .collect();
                    assert_close(dx, &slopes, 5e-6, "dx");
                }
            }
        }
        let (mut y, lrn) = ([0.0; 3], Lrn { c: 3, size: 3, alpha: 1.0, beta: 0.75, k: 1.0 });
        lrn::forward(&lrn, 1, &[1.0, 2.0, f32::NAN], &mut y);
        assert!(y[0].is_finite() && y[1].is_nan() && y[2].is_nan());
    });
}

#[test]
#[should_panic(expected = "groups")]
fn groups_must_divide_the_channels() {
    let groups = Groups { pixels: 1, c: 5, groups: 2 };
    group_norm::forward(&groups, 0, EPS, &[], &[0.0; 5], &[0.0; 5], &mut [], &mut []);
}
