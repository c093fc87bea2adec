//! How much of the processor's multiply-add peak, on one core, each convolution of LeNet and SqueezeNet reaches, and
//! how many bytes a second the other kernels go through.
//!
//! `cargo run --release -p netwright-kernels --example peak [FILTER]`. The peak is that of a loop which only multiplies
//! and adds in registers, measured beside every run of a kernel: a machine that others use, too, is now faster and now
//! slower, but hardly from one tenth of a millisecond to the next. Told are the medians.

mod cases;
mod others;

use cases::{CASES, Case};
use netwright_kernels::aligned::OutOfMemory;
use netwright_kernels::conv::{self, Activation};
use netwright_kernels::{AlignedVec, isa};
use std::hint::black_box;
use std::time::Instant;

fn main() -> Result<(), OutOfMemory> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    println!("{}: peak {:.1} Gflop/s", isa().name(), 2.0 * (0..50).map(|_| peak()).fold(0.0, f64::max));
    println!("percent of the peak, and Gflop/s");
    println!("{:18} {:>10}  {:13}  {:13}  {:13}  {:13}", "layer", "MACs", "forward", "infer", "dx", "dw");
    for case in CASES.iter().filter(|case| case.name.contains(&filter)) {
        measure(case)?;
    }
    println!("\n{:42} {:>10} {:>8}", "kernel", "ns/element", "GB/s");
    for others::Found { name, nanoseconds, elements, bytes } in others::measure(&filter)? {
        println!("{name:42} {:>10.3} {:>8.1}", nanoseconds / elements as f64, bytes as f64 / nanoseconds);
    }
    Ok(())
}

fn buffer(len: usize) -> Result<AlignedVec, OutOfMemory> {
    let mut buffer = AlignedVec::zeroed(len)?;
    for (i, x) in buffer.iter_mut().enumerate() {
        *x = (i * 7 % 37) as f32 / 37.0 - 0.5;
    }
    Ok(buffer)
}

fn measure(case: &Case) -> Result<(), OutOfMemory> {
    let (g, n) = (&case.g, case.n);
    let x = buffer(n * g.input_len())?;
    let mut y = buffer(n * g.output_len())?;
    let mut w = buffer(g.weight_layout().len())?;
    let b = buffer(g.bias_layout().len())?;
    let mut wt = buffer(conv::transposed_len(g))?;
    let mut dx = buffer(n * g.input_len())?;
    conv::transpose_weights(g, &w, &mut wt);

    // Products with padding do not count: they are not computed.
    let macs = n
        * inside(g.h, g.out_h(), g.kh, g.stride[0], g.pad[0])
        * inside(g.w, g.out_w(), g.kw, g.stride[1], g.pad[1])
        * g.c
        * g.f;
    let told = |time: Time| {
        let [of_peak, speed] = [100.0 * macs as f64 / time.of_peak, 2.0 * macs as f64 / time.nanoseconds];
        format!("{of_peak:5.1}% {speed:6.1}")
    };
    let forward = told(time(|| conv::forward(g, Activation::Relu, n, &x, &w, &b, &mut y)));
    let infer = told(time(|| conv::infer(g, Activation::Relu, n, &x, &w, &b, &mut y)));
    let input = told(time(|| conv::input_gradient(g, n, &y, &wt, &mut dx)));
    let weight = told(time(|| conv::weight_gradient(g, n, &x, &y, &mut w, &mut [])));
    println!("{:18} {macs:>10}  {forward:13}  {infer:13}  {input:13}  {weight:13}", case.name);
    Ok(())
}

/// Pairs of a window and a tap that lies inside the input, along an axis.
fn inside(input: usize, output: usize, kernel: usize, stride: usize, pad: usize) -> usize {
    (0..output).map(|o| (0..kernel).filter(|k| (pad..pad + input).contains(&(o * stride + k))).count()).sum()
}

/// What a call takes, the median of many.
struct Time {
    nanoseconds: f64,
    /// As many multiply-adds as could have been.
    of_peak: f64,
}

fn time(mut call: impl FnMut()) -> Time {
    call();
    let start = Instant::now();
    call();
    let once = start.elapsed().as_nanos().max(1);
    let calls = (300_000 / once).clamp(1, 10_000);
    let mut times = Vec::new();
    let mut possible = Vec::new();
    for _ in 0..60 {
        let before = peak();
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        let nanoseconds = start.elapsed().as_nanos() as f64 / calls as f64;
        times.push(nanoseconds);
        possible.push(nanoseconds * (before + peak()) / 2.0);
    }
    Time { nanoseconds: median(times), of_peak: median(possible) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Multiply-adds per nanosecond of a loop that does nothing else.
#[cfg(target_arch = "x86_64")]
fn peak() -> f64 {
    use std::arch::x86_64::*;
    const CHAINS: usize = 12;
    const ROUNDS: usize = 10_000;

    #[target_feature(enable = "avx2,fma")]
    fn chains(x: f32) -> f32 {
        let factor = _mm256_set1_ps(x);
        let mut sums = [factor; CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        let total = sums.into_iter().fold(factor, |a, b| _mm256_add_ps(a, b));
        _mm_cvtss_f32(_mm256_castps256_ps128(total))
    }

    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return f64::NAN;
    }
    let start = Instant::now();
    // SAFETY: the features are there, as tested above.
    black_box(unsafe { chains(black_box(0.5)) });
    (CHAINS * ROUNDS * 8) as f64 / start.elapsed().as_nanos() as f64
}

/// Not known for other machines.
#[cfg(not(target_arch = "x86_64"))]
fn peak() -> f64 {
    let _ = black_box(0);
    f64::NAN
}
