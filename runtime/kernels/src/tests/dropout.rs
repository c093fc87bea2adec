//! Dropout: rates, and masks that depend on nothing but their keys.

use super::{Random, bits, cases, most};
use crate::dropout::{self, Key};
use crate::isa::on_every_isa;
use crate::random::philox4x32;

const KEY: Key = Key { seed: 0x0123_4567_89ab_cdef, step: 3, layer: 2 };

fn forward(rate: f32, key: Key, first: usize, n: usize, x: &[f32]) -> Vec<f32> {
    let len = x.len() / n;
    let mut y = vec![f32::NAN; x.len()];
    dropout::forward(rate, key, first, n, len, x, &mut y);
    let mut in_place = x.to_vec();
    dropout::forward_in_place(rate, key, first, n, len, &mut in_place);
    assert_eq!(bits(&y), bits(&in_place));
    let (mut dx, mut dx_in_place) = (vec![f32::NAN; x.len()], x.to_vec());
    dropout::gradient(rate, key, first, n, len, x, &mut dx);
    dropout::gradient_in_place(rate, key, first, n, len, &mut dx_in_place);
    assert_eq!((bits(&y), bits(&y)), (bits(&dx), bits(&dx_in_place)));
    y
}

#[test]
fn rates_are_kept_and_values_scaled() {
    on_every_isa(|_| {
        // Under Miri too few to count.
        let x = vec![2.0; if cfg!(miri) { 400 } else { 40_000 }];
        for rate in [0.1, 0.5, 0.8] {
            let y = forward(rate, KEY, 0, 4, &x);
            let kept = y.iter().filter(|&&y| y != 0.0).count() as f32 / x.len() as f32;
            assert!(cfg!(miri) || (kept - (1.0 - rate)).abs() < 0.01, "{rate}: {kept}");
            assert!(y.iter().all(|&y| y == 0.0 || (y - 2.0 / (1.0 - rate)).abs() < 1e-5));
        }
        assert_eq!(forward(0.0, KEY, 0, 4, &x), x);
        assert!(forward(1.0, KEY, 0, 4, &x).iter().all(|&y| y == 0.0));
    });
}

#[test]
fn the_mask_is_the_documented_function() {
    on_every_isa(|_| {
        let mut random = Random::new(81);
        for _ in 0..cases(1000) {
            let (rate, first, n, len) =
                (random.float().abs(), random.within(0, 1 << 20), random.within(1, 3), random.within(1, most(150)));
            let y = forward(rate, KEY, first, n, &vec![1.0; n * len]);
            for (i, y) in y.iter().enumerate() {
                let (sample, element) = (first + i / len, i % len);
                let (block, word, lane) = (element / 32, element % 32 / 8, element % 8);
                let counter = [(8 * block + lane) as u32, sample as u32, 2, 3];
                let drawn = philox4x32(counter, [0x89ab_cdef, 0x0123_4567])[word];
                let is_dropped = f64::from(drawn) / 4_294_967_296.0 < f64::from(rate);
                assert_eq!(*y == 0.0, is_dropped, "element {i} of {len}, {rate}");
            }
        }
    });
}

#[test]
fn chunks_do_not_change_the_mask() {
    on_every_isa(|_| {
        let len = if cfg!(miri) { 11 } else { 50 };
        let x = Random::new(80).floats(9 * len);
        let whole = forward(0.4, KEY, 5, 9, &x);
        for split in 1..9 {
            let (a, b) = x.split_at(split * len);
            let parts = [forward(0.4, KEY, 5, split, a), forward(0.4, KEY, 5 + split, 9 - split, b)].concat();
            assert_eq!(bits(&whole), bits(&parts));
        }
    });
}

#[test]
fn every_part_of_the_key_matters() {
    let x = vec![1.0; 200];
    let base = forward(0.5, KEY, 0, 1, &x);
    for other in [Key { seed: KEY.seed ^ 1 << 40, ..KEY }, Key { step: 4, ..KEY }, Key { layer: 1, ..KEY }] {
        assert_ne!(base, forward(0.5, other, 0, 1, &x));
    }
    assert_ne!(base, forward(0.5, KEY, 1, 1, &x));
}

#[test]
fn what_is_dropped_is_zero_and_what_is_kept_stays() {
    let y = forward(0.5, KEY, 0, 1, &[f32::NAN; 64]);
    assert!(y.iter().all(|y| y.is_nan() || *y == 0.0));
    assert!(y.iter().any(|y| y.is_nan()) && y.contains(&0.0));
}

#[test]
#[should_panic(expected = "rate")]
fn a_rate_that_is_none_is_refused() {
    dropout::forward_in_place(f32::NAN, KEY, 0, 1, 1, &mut [1.0]);
}
