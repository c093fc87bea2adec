//! The parametric rectified linear unit against plain loops.

use super::{Random, Sum, around, assert_sums, bits, most};
use crate::isa::on_every_isa;
use crate::prelu;

#[test]
fn bends_and_gradients() {
    on_every_isa(|_| {
        let mut random = Random::new(80);
        for c in around(&mut random, [1, 3, 8, 9, 32, 45, 70], 1000, 90) {
            let (n, pixels) = (random.within(1, 3), random.within(1, most(150)));
            let len = n * pixels * c;
            let (mut x, dy, slope) = (random.floats(len), random.floats(len), random.floats(c));
            x[0] = 0.0;
            let bend = |at: usize, z: f32| if x[at] > 0.0 { z } else { slope[at % c] * z };
            let (mut y, mut dx) = (vec![f32::NAN; len], vec![f32::NAN; len]);
            prelu::forward(n, pixels, c, &x, &slope, &mut y);
            assert_eq!(bits(&y), bits(&(0..len).map(|at| bend(at, x[at])).collect::<Vec<_>>()));
            prelu::gradient(n, pixels, c, &x, &slope, &dy, &mut dx);
            assert_eq!(bits(&dx), bits(&(0..len).map(|at| bend(at, dy[at])).collect::<Vec<_>>()));
            let start = random.floats(c);
            let mut dslope = start.clone();
            prelu::slope_gradient(n, pixels, c, &x, &dy, &mut dslope);
            let mut expected = vec![Sum::default(); c];
            for (expected, &start) in expected.iter_mut().zip(&start) {
                expected.add(f64::from(start));
            }
            for at in (0..len).filter(|&at| x[at] <= 0.0) {
                expected[at % c].add(f64::from(x[at]) * f64::from(dy[at]));
            }
            assert_sums(&dslope, &expected, "dslope");
        }
        let mut y = [0.0; 2];
        prelu::forward(1, 1, 2, &[f32::NAN, -1.0], &[0.5, -2.0], &mut y);
        assert!(y[0].is_nan() && y[1] == 2.0);
    });
}
