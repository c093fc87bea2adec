//! rten, prediction only.
//!
//! `rten-peer MODEL.onnx predict` predicts one image of 28 x 28, prints its class and exits: a cold start.
//! `rten-peer MODEL.onnx BATCH CHANNELS SIDE THREADS SECONDS` prints the times of single steps in seconds, a line each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rten::{Model, ModelOptions, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const WARM_UP: Duration = Duration::from_millis(1500);
const FEWEST_STEPS: usize = 5;
const IMAGE_BATCHES: usize = 7;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [path, "predict"] => predict(path),
        [path, batch, channels, side, threads, seconds] => {
            let shape = [batch.parse()?, channels.parse()?, side.parse()?, side.parse()?];
            measure(path, shape, threads.parse()?, Duration::from_secs_f64(seconds.parse()?))
        }
        _ => Err("expected: MODEL predict, or MODEL BATCH CHANNELS SIDE THREADS SECONDS".into()),
    }
}

fn predict(path: &str) -> Result<()> {
    let model = Model::load_file(path)?;
    let image: Vec<f32> = (0..784).map(|i| (i % 17) as f32 / 20.0).collect();
    let image = NdTensor::from_data([1, 1, 28, 28], image);
    let scores: NdTensor<f32, 2> = model.run_one(image.view().into(), None)?.try_into()?;
    let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    println!("{}", best.map_or(0, |(class, _)| class));
    Ok(())
}

fn measure(path: &str, shape: [usize; 4], threads: usize, seconds: Duration) -> Result<()> {
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(path)?;
    let mut options = RunOptions::default();
    options.thread_pool = Some(Arc::new(ThreadPool::with_num_threads(threads)));
    let len: usize = shape.iter().product();
    let mut state = 7_u64;
    // The sum of twelve uniform numbers is nearly a normal one.
    let mut normal = || {
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        (0..12).map(|_| uniform()).sum::<f32>() - 6.0
    };
    let images: Vec<NdTensor<f32, 4>> = (0..IMAGE_BATCHES)
        .map(|_| NdTensor::from_data(shape, (0..len).map(|_| normal()).collect::<Vec<f32>>()))
        .collect();
    let mut turn = images.iter().cycle();
    let mut step = || -> Result<()> {
        if let Some(image) = turn.next() {
            std::hint::black_box(model.run_one(image.view().into(), Some(options.clone()))?);
        }
        Ok(())
    };
    let start = Instant::now();
    let mut warm = 0;
    while warm < FEWEST_STEPS || start.elapsed() < WARM_UP {
        step()?;
        warm += 1;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < FEWEST_STEPS || start.elapsed() < seconds {
        let begin = Instant::now();
        step()?;
        times.push(begin.elapsed().as_secs_f64());
    }
    times.iter().for_each(|seconds| println!("{seconds}"));
    Ok(())
}
