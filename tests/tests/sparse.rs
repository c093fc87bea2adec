//! Weights that are built into a program are predicted with from their sparse form, as long as they are those weights.

use netwright::ndarray::{Array2, Array4};

netwright::model!(<lenet300_100> as Digits, weights = "../fixtures/embedded/src/lenet300_100.nwz");

/// The same file, which `from_bytes` reads into the dense form alone.
const WEIGHTS: &[u8] = include_bytes!("../fixtures/embedded/src/lenet300_100.nwz");

fn images(n: usize) -> Array4<f32> {
    Array4::from_shape_fn((n, 28, 28, 1), |(n, y, x, _)| ((7 * n + 3 * y + 5 * x * x) % 17) as f32 / 16.0)
}

fn distance(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn sparse_and_dense_predictions_agree() {
    let (sparse, dense) = (Digits::pretrained(), Digits::from_bytes(WEIGHTS).unwrap());
    for n in [1, 2, 5, 40] {
        let (a, b) = (sparse.predict(images(n).view()).unwrap(), dense.predict(images(n).view()).unwrap());
        assert!(distance(&a, &b) < 1e-5);
        // Sums in another order: the sparse form is what was computed from.
        assert!(n == 1 || a != b, "{n}");
        assert_eq!(sparse.clone().predict(images(n).view()).unwrap(), a);
    }
}

#[test]
fn changed_weights_are_what_counts() {
    let mut net = Digits::pretrained();
    let mut dense = Digits::from_bytes(WEIGHTS).unwrap();
    let before = net.predict(images(4).view()).unwrap();
    let weight = net.param("dense2.weight").unwrap();
    net.set_param("dense2.weight", weight.view()).unwrap();
    // The same weights, which may be others for all that is known: the dense form, to the bit.
    assert_eq!(net.predict(images(4).view()).unwrap(), dense.predict(images(4).view()).unwrap());
    for network in [&mut net, &mut dense] {
        let twice = network.param("dense1.weight").unwrap() * 2.0;
        network.set_param("dense1.weight", twice.view()).unwrap();
    }
    let after = net.predict(images(4).view()).unwrap();
    assert_eq!(after, dense.predict(images(4).view()).unwrap());
    assert!(distance(&after, &before) > 1e-3);
}
