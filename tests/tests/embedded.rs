//! Weights in 8-bit integers that are built into a program are what it predicts with.
//!
//! `tests/int8.rs` makes the file: `NETWRIGHT_BLESS=1 cargo test -p netwright-tests --test int8`.

use netwright::Network;
use netwright::ndarray::Array4;

netwright::model!("../nets/int8.net" as Embedded, weights = "../nets/int8.nwz");
// A program that has no code for integers reads the same file as floats.
netwright::model!("../nets/int8.net" as Floats);

/// The same file.
const WEIGHTS: &[u8] = include_bytes!("../nets/int8.nwz");

/// Everything that a network gives for a few images, and the largest difference to another's.
macro_rules! outputs {
    ($net:expr, $n:expr) => {{
        let images = Array4::from_shape_fn(($n, 13, 11, 3), |(n, y, x, c)| {
            ((7 * n + 3 * y + 5 * x * x + 11 * c) % 17) as f32 / 8.0 - 1.0
        });
        let outputs = $net.predict(images.view()).unwrap();
        let all = outputs.gate.iter().chain(&outputs.scores).chain(&outputs.map);
        all.copied().collect::<Vec<f32>>()
    }};
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_program_predicts_in_the_integers_that_it_is_built_with() {
    let (built_in, read) = (Embedded::pretrained(), Embedded::from_bytes(WEIGHTS).unwrap());
    let floats = Floats::from_bytes(WEIGHTS).unwrap();
    assert!(built_in.core().is_int8() && read.core().is_int8() && !floats.core().is_int8());
    for n in [1, 2, 5, 40] {
        let found = outputs!(built_in, n);
        assert_eq!(found, outputs!(read, n), "{n}: the same bytes give the same bits");
        assert_eq!(found, outputs!(built_in.clone(), n));
        // Near what floats come to, and not that: it was computed in integers.
        let floats = outputs!(floats, n);
        let largest = floats.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let far = distance(&found, &floats);
        assert!(far > 1e-4 * largest && far < 0.1 * largest, "{n}: {far} of {largest}");
    }
}

#[test]
fn a_changed_weight_is_predicted_with_in_floats() {
    let (mut built_in, mut floats) = (Embedded::pretrained(), Floats::from_bytes(WEIGHTS).unwrap());
    let name = Embedded::SPEC.parameters[0].name;
    let twice = built_in.param(name).unwrap() * 2.0;
    built_in.set_param(name, twice.view()).unwrap();
    floats.set_param(name, twice.view()).unwrap();
    assert!(!built_in.core().is_int8());
    assert_eq!(outputs!(built_in, 3), outputs!(floats, 3));
}
