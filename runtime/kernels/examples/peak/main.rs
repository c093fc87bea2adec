//! How much of the processor's multiply-add peak, on one core, each convolution of LeNet and SqueezeNet reaches, and
//! how many bytes a second the other kernels go through.
//!
//! `cargo run --release -p netwright-kernels --example peak [FILTER]`. The peak is that of a loop which only multiplies
//! and adds in registers, measured in the same run. All is measured in several rounds, and the best is told: where others
//! use the machine, too, a core is slowed down for seconds, but hardly at every round.

mod cases;
mod others;

use cases::{CASES, Case};
use netwright_kernels::aligned::OutOfMemory;
use netwright_kernels::conv::{self, Activation};
use netwright_kernels::{AlignedVec, isa};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds over everything.
const ROUNDS: usize = 5;

/// How long a kernel is run in a round.
const LONG: Duration = Duration::from_millis(8);

fn main() -> Result<(), OutOfMemory> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.name.contains(&filter)).collect();
    let mut times = vec![[f64::INFINITY; 4]; cases.len()];
    let (mut peak, mut others) = (f64::NAN, others::measure(&filter)?);
    for _ in 0..ROUNDS {
        peak = peak_now().max(peak);
        for (case, times) in cases.iter().zip(&mut times) {
            let now = measure(case)?;
            *times = std::array::from_fn(|i| times[i].min(now[i]));
        }
        for (found, now) in others.iter_mut().zip(others::measure(&filter)?) {
            found.nanoseconds = found.nanoseconds.min(now.nanoseconds);
        }
    }
    println!("{}: peak {:.1} Gflop/s; of it, and in Gflop/s:", isa().name(), 2.0 * peak);
    println!("{:18} {:>10}  {:13}  {:13}  {:13}  {:13}", "layer", "MACs", "forward", "infer", "dx", "dw");
    for (case, times) in cases.iter().zip(times) {
        let macs = macs(case);
        let told = times.map(|nanoseconds| {
            let speed = macs as f64 / nanoseconds;
            format!("{:5.1}% {:6.1}", 100.0 * speed / peak, 2.0 * speed)
        });
        println!("{:18} {macs:>10}  {}", case.name, told.join("  "));
    }
    println!("\n{:42} {:>10} {:>8}", "kernel", "ns/element", "GB/s");
    for others::Found { name, nanoseconds, elements, bytes } in others {
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

/// Nanoseconds of the forward pass, in training and in inference, and of both gradients.
fn measure(case: &Case) -> Result<[f64; 4], OutOfMemory> {
    let (g, n) = (&case.g, case.n);
    let x = buffer(n * g.input_len())?;
    let mut y = buffer(n * g.output_len())?;
    let mut w = buffer(g.weight_layout().len())?;
    let b = buffer(g.bias_layout().len())?;
    let mut wt = buffer(conv::transposed_len(g))?;
    let mut dx = buffer(n * g.input_len())?;
    conv::transpose_weights(g, &w, &mut wt);
    Ok([
        time(|| conv::forward(g, Activation::Relu, n, &x, &w, &b, &mut y)),
        time(|| conv::infer(g, Activation::Relu, n, &x, &w, &b, &mut y)),
        time(|| conv::input_gradient(g, n, &y, &wt, &mut dx)),
        time(|| conv::weight_gradient(g, n, &x, &y, &mut w, &mut [])),
    ])
}

/// Multiply-adds of the direct form. Products with padding do not count: they are not computed.
fn macs(case: &Case) -> usize {
    let g = &case.g;
    let rows = inside(g.h, g.out_h(), g.kh, g.stride[0], g.pad[0]);
    let cols = inside(g.w, g.out_w(), g.kw, g.stride[1], g.pad[1]);
    case.n * rows * cols * g.c * g.f
}

/// Pairs of a window and a tap that lies inside the input, along an axis.
fn inside(input: usize, output: usize, kernel: usize, stride: usize, pad: usize) -> usize {
    (0..output).map(|o| (0..kernel).filter(|k| (pad..pad + input).contains(&(o * stride + k))).count()).sum()
}

/// The best nanoseconds of a call.
fn time(mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    call();
    // Enough calls between two looks at the clock.
    let calls = (20_000 / start.elapsed().as_nanos().max(1)).clamp(1, 1000) as u32;
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while start.elapsed() < LONG {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}

/// Multiply-adds per nanosecond of a loop that does nothing else.
#[cfg(target_arch = "x86_64")]
fn peak_now() -> f64 {
    use netwright_kernels::Isa;
    use std::arch::x86_64::*;
    const CHAINS: usize = 12;
    const LENGTH: usize = 10_000;

    #[target_feature(enable = "avx2,fma")]
    fn chains(x: f32) -> f32 {
        let factor = _mm256_set1_ps(x);
        let mut sums = [factor; CHAINS];
        for _ in 0..LENGTH {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        let total = sums.into_iter().fold(factor, |a, b| _mm256_add_ps(a, b));
        _mm_cvtss_f32(_mm256_castps256_ps128(total))
    }

    #[target_feature(enable = "avx512f")]
    fn wide_chains(x: f32) -> f32 {
        let factor = _mm512_set1_ps(x);
        let mut sums = [factor; CHAINS];
        for _ in 0..LENGTH {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        let total = sums.into_iter().fold(factor, |a, b| _mm512_add_ps(a, b));
        _mm512_cvtss_f32(total)
    }

    if isa() == Isa::Avx512 {
        let best = time(|| {
            // SAFETY: the instruction set is in use.
            black_box(unsafe { wide_chains(black_box(0.5)) });
        });
        return (CHAINS * LENGTH * 16) as f64 / best;
    }
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return f64::NAN;
    }
    let best = time(|| {
        // SAFETY: the features are there, as tested above.
        black_box(unsafe { chains(black_box(0.5)) });
    });
    (CHAINS * LENGTH * 8) as f64 / best
}

/// Not known for other machines.
#[cfg(not(target_arch = "x86_64"))]
fn peak_now() -> f64 {
    let _ = black_box(0);
    f64::NAN
}
