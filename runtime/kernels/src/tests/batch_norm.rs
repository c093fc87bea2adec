//! Batch normalisation against double precision: statistics in chunks, output, gradients.

use super::{Random, Sum, around, assert_close, assert_sums_to, cases, most};
use crate::batch_norm::{self, Running};
use crate::isa::on_every_isa;

struct Case {
    pixels: usize,
    c: usize,
    /// Images of each chunk.
    chunks: Vec<usize>,
    x: Vec<f32>,
    dy: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

const EPS: f32 = 1e-3;

impl Case {
    fn new(random: &mut Random, c: usize, offset: f32) -> Case {
        let pixels = random.within(1, most(60));
        let chunks: Vec<usize> = (0..random.within(1, 4)).map(|_| random.within(1, 5)).collect();
        let len = chunks.iter().sum::<usize>() * pixels * c;
        let x = random.floats(len).iter().map(|x| x * 3.0 + offset).collect();
        Case { pixels, c, chunks, x, dy: random.floats(len), gamma: random.floats(c), beta: random.floats(c) }
    }

    fn count(&self) -> usize {
        self.x.len() / self.c
    }

    /// Calls `visit` with each chunk's number of images and floats.
    fn each(&self, mut visit: impl FnMut(usize, std::ops::Range<usize>)) {
        let mut start = 0;
        for &n in &self.chunks {
            let end = start + n * self.pixels * self.c;
            visit(n, start..end);
            start = end;
        }
    }

    fn statistics(&self) -> Vec<f32> {
        let (mut all, mut count) = (vec![0.0; 2 * self.c], 0);
        self.each(|n, range| {
            let mut part = vec![f32::NAN; 2 * self.c];
            batch_norm::partial(n, self.pixels, self.c, &self.x[range], &mut part);
            batch_norm::merge(count, &mut all, n * self.pixels, &part);
            count += n * self.pixels;
        });
        all
    }

    /// Each channel's mean and variance.
    fn exact(&self) -> (Vec<f64>, Vec<f64>) {
        let count = self.count() as f64;
        let column = |c: usize| self.x.iter().skip(c).step_by(self.c).map(|&x| f64::from(x));
        let mean: Vec<f64> = (0..self.c).map(|c| column(c).sum::<f64>() / count).collect();
        let variance = (0..self.c).map(|c| column(c).map(|x| (x - mean[c]).powi(2)).sum::<f64>() / count).collect();
        (mean, variance)
    }
}

#[test]
fn the_gradient_under_kept_statistics() {
    let mut random = Random::new(64);
    for _ in 0..cases(1000) {
        let (n, pixels, c) = (random.within(1, 3), random.within(1, most(20)), random.within(1, most(150)));
        let dy = random.floats(n * pixels * c);
        let variance: Vec<f32> = random.floats(c).iter().map(|v| v.abs()).collect();
        let gamma = random.floats(c);
        let mut dx = vec![f32::NAN; dy.len()];
        batch_norm::frozen_gradient(n, pixels, c, EPS, &dy, &variance, &gamma, &mut dx);
        let factor = |k: usize| f64::from(gamma[k]) / (f64::from(variance[k]) + f64::from(EPS)).sqrt();
        let expected: Vec<f64> = dy.iter().enumerate().map(|(i, &dy)| f64::from(dy) * factor(i % c)).collect();
        assert_close(&dx, &expected, 1e-5, "dx");
    }
}

#[test]
fn statistics_output_and_gradients() {
    on_every_isa(|_| {
        let mut random = Random::new(60);
        for c in around(&mut random, [1, 3, 8, 12, 32, 40, 70], 1000, 90) {
            let case = Case::new(&mut random, c, 0.5);
            let (count, (exact_mean, exact_variance)) = (case.count(), case.exact());
            let stats = case.statistics();
            assert_close(&stats[..c], &exact_mean, 1e-6, "mean");
            let m2: Vec<f64> = exact_variance.iter().map(|v| v * count as f64).collect();
            assert_close(&stats[c..], &m2, 4e-6, "sum of squared deviations");

            let mut finished = stats.clone();
            batch_norm::finish(count, EPS, &mut finished);
            let (mean, inv_std) = finished.split_at(c);
            let (mut y, mut dx) = (vec![f32::NAN; case.x.len()], vec![f32::NAN; case.x.len()]);
            let mut sums = vec![0.0; 2 * c];
            case.each(|n, range| {
                let x = &case.x[range.clone()];
                batch_norm::apply(n, case.pixels, c, x, mean, inv_std, &case.gamma, &case.beta, &mut y[range.clone()]);
                let mut part = vec![f32::NAN; 2 * c];
                batch_norm::gradient_partial(n, case.pixels, c, x, mean, inv_std, &case.dy[range], &mut part);
                crate::binary::add_into(&part, &mut sums);
            });
            case.each(|n, range| {
                let (x, dy) = (&case.x[range.clone()], &case.dy[range.clone()]);
                let dx = &mut dx[range];
                batch_norm::gradient(n, case.pixels, c, count, x, mean, inv_std, &case.gamma, &sums, dy, dx);
            });

            let std: Vec<f64> = exact_variance.iter().map(|v| (v + f64::from(EPS)).sqrt()).collect();
            let xhat = |i: usize| (f64::from(case.x[i]) - exact_mean[i % c]) / std[i % c];
            let dy = |i: usize| f64::from(case.dy[i]);
            let column = |k: usize| (k..case.x.len()).step_by(c);
            let total = |terms: &mut dyn Iterator<Item = f64>| {
                let mut sum = Sum::default();
                terms.for_each(|term| sum.add(term));
                // A deviation is known to a few units of the values that it is of.
                sum.magnitude += 1.0;
                sum
            };
            let sum_dy: Vec<Sum> = (0..c).map(|k| total(&mut column(k).map(dy))).collect();
            let sum_dy_xhat: Vec<Sum> = (0..c).map(|k| total(&mut column(k).map(|i| dy(i) * xhat(i)))).collect();
            assert_sums_to(1e-5, &sums[..c], &sum_dy, "gradient of beta");
            assert_sums_to(1e-5, &sums[c..], &sum_dy_xhat, "gradient of gamma");
            let [sum_dy, sum_dy_xhat] =
                [sum_dy, sum_dy_xhat].map(|sums| sums.iter().map(|sum| sum.value).collect::<Vec<_>>());
            let all = 0..case.x.len();
            let expected: Vec<f64> =
                all.clone().map(|i| xhat(i) * f64::from(case.gamma[i % c]) + f64::from(case.beta[i % c])).collect();
            assert_close(&y, &expected, 4e-6, "y");
            let expected: Vec<f64> = all
                .map(|i| {
                    let (k, count) = (i % c, count as f64);
                    f64::from(case.gamma[k]) / std[k] * (dy(i) - (sum_dy[k] + xhat(i) * sum_dy_xhat[k]) / count)
                })
                .collect();
            assert_close(&dx, &expected, 2e-5, "dx");
        }
    });
}

/// A mean a thousand times the deviation costs no digits: sums of squares would lose six.
#[test]
fn a_large_mean_is_harmless() {
    on_every_isa(|_| {
        let case = Case::new(&mut Random::new(61), 5, 3000.0);
        let (stats, (_, variance)) = (case.statistics(), case.exact());
        for (found, exact) in stats[5..].iter().zip(variance) {
            let found = f64::from(*found) / case.count() as f64;
            assert!((found - exact).abs() < 2e-3 * exact, "{found} {exact}");
        }
    });
}

#[test]
fn running_statistics_and_inference() {
    on_every_isa(|_| {
        let mut random = Random::new(62);
        for c in around(&mut random, [11], 1000, 90) {
            let (n, pixels, unbiased) = (random.within(1, 3), random.within(1, most(8)), random.flip());
            let count = random.within(2, 50);
            let x = random.floats(n * pixels * c);
            let stats: Vec<f32> = (0..2 * c).map(|i| i as f32).collect();
            let divisor = (count - usize::from(unbiased)) as f32;
            let (mut mean, mut variance) = (vec![1.0; c], vec![2.0; c]);
            batch_norm::running(Running { momentum: 0.9, unbiased }, count, &stats, &mut mean, &mut variance);
            for k in 0..c {
                assert!((mean[k] - (0.9 + 0.1 * k as f32)).abs() < 1e-5);
                assert!((variance[k] - (1.8 + 0.1 * (c + k) as f32 / divisor)).abs() < 2e-5);
            }
            let (gamma, beta) = (random.floats(c), random.floats(c));
            let mut y = vec![f32::NAN; x.len()];
            batch_norm::infer(n, pixels, c, EPS, &x, &mean, &variance, &gamma, &beta, &mut y);
            let expected: Vec<f64> = (0..x.len())
                .map(|i| {
                    let k = i % c;
                    let std = (f64::from(variance[k]) + f64::from(EPS)).sqrt();
                    (f64::from(x[i]) - f64::from(mean[k])) / std * f64::from(gamma[k]) + f64::from(beta[k])
                })
                .collect();
            assert_close(&y, &expected, 2e-6, "inference");
        }
    });
}

#[test]
fn merging_nothing_changes_nothing() {
    let mut stats = [1.0, 2.0];
    batch_norm::merge(3, &mut stats, 0, &[f32::NAN; 2]);
    assert_eq!(stats, [1.0, 2.0]);
    batch_norm::merge(0, &mut stats, 3, &[5.0, 6.0]);
    assert_eq!(stats, [5.0, 6.0]);
}
