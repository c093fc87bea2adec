//! Dense layers of pruned weights, from their sparse form and from the dense one: LeNet-300-100 as it is embedded
//! (`pretrained()` against the same file loaded), then a layer of 784 by 300 with more and more weights at random places.
//! Prints the fastest of many rounds, alternating.
//!
//!     RAYON_NUM_THREADS=1 cargo run --release --example sparse

use std::error::Error;
use std::time::Instant;

use netwright::generated::conv::Activation;
use netwright::generated::dense::{self, Dense};
use netwright::generated::sparse::{self, Sparse};
use netwright::ndarray::{Array2, Array4};

netwright::model!(<lenet300_100> as Pruned, weights = "../tests/fixtures/embedded/src/lenet300_100.nwz");

/// The same file.
const WEIGHTS: &[u8] = include_bytes!("../tests/fixtures/embedded/src/lenet300_100.nwz");

/// Rounds of each.
const ROUNDS: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let (sparse, dense) = (Pruned::pretrained(), Pruned::from_bytes(WEIGHTS)?);
    for name in ["dense1.weight", "dense2.weight", "dense3.weight"] {
        let weight = dense.param(name)?;
        let kept = weight.iter().filter(|&&weight| weight != 0.0).count();
        println!("{name}: {:.1} % of the weights are kept", 100.0 * kept as f64 / weight.len() as f64);
    }
    for n in [1, 3, 16, 64] {
        let images = Array4::from_shape_fn((n, 28, 28, 1), |(n, y, x, _)| ((n + 3 * y + 5 * x) % 17) as f32 / 16.0);
        let mut scores = [Array2::zeros((n, 10)), Array2::zeros((n, 10))];
        let [first, second] = &mut scores;
        let times = race(
            || dense.forward(images.view(), first.view_mut()),
            || sparse.forward(images.view(), second.view_mut()),
        )?;
        let [first, second] = &scores;
        let difference = first.iter().zip(second).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("LeNet-300-100, {n:2} images: {}; scores within {difference:.0e}", told(times, n));
    }
    for kept in [2, 5, 8, 10, 12, 15, 20] {
        layer(kept)?;
    }
    Ok(())
}

/// A layer of which so many weights of a hundred are kept.
fn layer(kept: u32) -> Result<(), netwright::Error> {
    let g = Dense { inputs: 784, outputs: 300 };
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let logical: Vec<f32> =
        (0..g.inputs * g.outputs).map(|_| if next() % 100 < kept { next() as f32 / 1e8 } else { 0.0 }).collect();
    let mut w = vec![0.0; g.weight_layout().len()];
    g.weight_layout().pack(&logical, &mut w);
    let Some(sparse) = Sparse::of(&g, &w) else {
        println!("784 by 300, {kept} % kept: too many blocks, dense");
        return Ok(());
    };
    let blocks = 100.0 * sparse.blocks() as f64 / (g.inputs * g.outputs.div_ceil(8)) as f64;
    for n in [1, 64] {
        let x: Vec<f32> = (0..n * g.inputs).map(|_| next() as f32 / 1e7).collect();
        let [mut first, mut second] = [(); 2].map(|()| vec![0.0; n * g.outputs]);
        let times = race(
            || {
                dense::forward(&g, Activation::Relu, n, &x, &w, &[], &mut first);
                Ok(())
            },
            || {
                sparse::forward(&g, Activation::Relu, n, &x, &w, &[], &mut second, Some(&sparse));
                Ok(())
            },
        )?;
        println!("784 by 300, {kept} % kept, {blocks:.0} % of the blocks, {n:2} rows: {}", told(times, n));
    }
    Ok(())
}

/// The fastest times of two, in microseconds.
fn race(
    mut first: impl FnMut() -> Result<(), netwright::Error>,
    mut second: impl FnMut() -> Result<(), netwright::Error>,
) -> Result<[f64; 2], netwright::Error> {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        first()?;
        let middle = Instant::now();
        second()?;
        best = [best[0].min((middle - start).as_secs_f64() * 1e6), best[1].min(middle.elapsed().as_secs_f64() * 1e6)];
    }
    Ok(best)
}

fn told([dense, sparse]: [f64; 2], n: usize) -> String {
    let each = n as f64;
    format!("dense {:.2} µs, sparse {:.2} µs each, {:.2} times as fast", dense / each, sparse / each, dense / sparse)
}
