//! How much of the processor's multiply-add peak, on one core, each convolution of LeNet and SqueezeNet reaches, and
//! what the other kernels take per element.
//!
//! `cargo run --release -p netwright-kernels --example peak [FILTER]`. The peak is that of a loop which only multiplies
//! and adds in registers, measured in the same run. Times are the median and the best of short runs; on a machine that
//! others use, too, the best is nearer to the truth.

use netwright_kernels::aligned::OutOfMemory;
use netwright_kernels::conv::{self, Activation, Conv};
use netwright_kernels::dropout::Key;
use netwright_kernels::max_pool::{self, Pool};
use netwright_kernels::optimizer::{self, Adam};
use netwright_kernels::unary::{self, Unary};
use netwright_kernels::{AlignedVec, batch_norm, dropout, isa, softmax};
use std::hint::black_box;
use std::time::Instant;

struct Case {
    name: &'static str,
    n: usize,
    g: Conv,
}

const fn conv(h: usize, c: usize, k: usize, f: usize, stride: usize, pad: usize) -> Conv {
    Conv { h, w: h, c, kh: k, kw: k, f, stride: [stride, stride], pad: [pad, pad], dilation: [1, 1], groups: 1 }
}

const CASES: &[Case] = &[
    Case { name: "lenet conv1", n: 8, g: conv(28, 1, 5, 32, 1, 0) },
    Case { name: "lenet conv2", n: 8, g: conv(12, 32, 5, 64, 1, 0) },
    Case { name: "lenet dense1", n: 8, g: conv(1, 1024, 1, 128, 1, 0) },
    Case { name: "lenet dense1 n=64", n: 64, g: conv(1, 1024, 1, 128, 1, 0) },
    Case { name: "lenet dense2", n: 8, g: conv(1, 128, 1, 10, 1, 0) },
    Case { name: "lenet conv2 n=1", n: 1, g: conv(12, 32, 5, 64, 1, 0) },
    Case { name: "lenet dense1 n=1", n: 1, g: conv(1, 1024, 1, 128, 1, 0) },
    Case { name: "lenet5 conv1", n: 8, g: conv(28, 1, 5, 6, 1, 2) },
    Case { name: "lenet5 conv2", n: 8, g: conv(14, 6, 5, 16, 1, 0) },
    Case { name: "squeeze conv1", n: 1, g: conv(224, 3, 3, 64, 2, 0) },
    Case { name: "fire2 squeeze", n: 1, g: conv(55, 64, 1, 16, 1, 0) },
    Case { name: "fire2 expand3", n: 1, g: conv(55, 16, 3, 64, 1, 1) },
    Case { name: "fire5 squeeze", n: 1, g: conv(27, 256, 1, 32, 1, 0) },
    Case { name: "fire5 expand1", n: 1, g: conv(27, 32, 1, 128, 1, 0) },
    Case { name: "fire5 expand3", n: 1, g: conv(27, 32, 3, 128, 1, 1) },
    Case { name: "fire9 squeeze", n: 1, g: conv(13, 512, 1, 64, 1, 0) },
    Case { name: "fire9 expand3", n: 1, g: conv(13, 64, 3, 256, 1, 1) },
    Case { name: "squeeze conv10", n: 1, g: conv(13, 512, 1, 1000, 1, 0) },
    Case { name: "vgg 3x3x256", n: 1, g: conv(28, 256, 3, 256, 1, 1) },
];

/// Depthwise convolutions of 64 channels with one, two and four outputs to each, and of 63 with three.
const DEPTHWISE: [(&str, Conv); 4] = [
    ("depthwise 3x3", Conv { groups: 64, ..conv(28, 64, 3, 64, 1, 1) }),
    ("depthwise 3x3, multiplier 2", Conv { groups: 64, ..conv(28, 64, 3, 128, 1, 1) }),
    ("depthwise 3x3, multiplier 3", Conv { groups: 63, ..conv(28, 63, 3, 189, 1, 1) }),
    ("depthwise 3x3, multiplier 4", Conv { groups: 64, ..conv(28, 64, 3, 256, 1, 1) }),
];

fn main() -> Result<(), OutOfMemory> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let peak = peak();
    println!("{}: peak {:.1} multiply-adds per nanosecond", isa().name(), peak);
    println!("{:18} {:>10} {:>14} {:>14} {:>14}", "layer", "MACs", "forward", "dx", "dw");
    for case in CASES.iter().filter(|case| case.name.contains(&filter)) {
        measure(case, peak)?;
    }
    println!("\n{:42} {:>10}", "kernel", "ns/element");
    for (name, nanoseconds, elements) in others()?.into_iter().filter(|(name, ..)| name.contains(&filter)) {
        println!("{name:42} {:>10.3}", nanoseconds / elements as f64);
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

/// The best times of kernels that are no convolutions, on LeNet's sizes, and their elements.
fn others() -> Result<Vec<(String, f64, usize)>, OutOfMemory> {
    let mut found = Vec::new();
    let mut add = |name: String, elements, call: &mut dyn FnMut()| found.push((name, time(call)[0], elements));
    let g = Pool { h: 24, w: 24, c: 32, kernel: [2, 2], stride: [2, 2], pad: [0, 0], ceil: false };
    let n = 8;
    let len = n * g.input_len();
    let (x, mut y, mut dx) = (buffer(len)?, buffer(n * g.output_len())?, buffer(len)?);
    let mut index = buffer(n * max_pool::index_len(&g))?;
    add("max_pool forward".to_owned(), len, &mut || max_pool::forward(&g, n, &x, &mut y, &mut index));
    add("max_pool infer".to_owned(), len, &mut || max_pool::infer(&g, n, &x, &mut y));
    add("max_pool gradient".to_owned(), len, &mut || max_pool::gradient(&g, n, &y, &index, &mut dx));
    add("relu in place".to_owned(), len, &mut || unary::forward_in_place(Unary::Relu, &mut dx));
    add("relu gradient in place".to_owned(), len, &mut || unary::gradient_in_place(Unary::Relu, &x, &mut dx));
    add("tanh".to_owned(), len, &mut || unary::forward(Unary::Tanh, &x, &mut dx));
    add("sigmoid".to_owned(), len, &mut || unary::forward(Unary::Sigmoid, &x, &mut dx));
    add("softmax of 10".to_owned(), 1280, &mut || softmax::forward(128, 10, &x[..1280], &mut dx[..1280]));
    let key = Key { seed: 1, step: 1, layer: 1 };
    add("dropout".to_owned(), len, &mut || dropout::forward(0.5, key, 0, n, len / n, &x, &mut dx));
    let mut stats = buffer(64)?;
    add("batch_norm partial".to_owned(), len, &mut || batch_norm::partial(n, 576, 32, &x, &mut stats));
    let (mean, inv_std) = (buffer(32)?, buffer(32)?);
    add("batch_norm apply".to_owned(), len, &mut || {
        batch_norm::apply(n, 576, 32, &x, &mean, &inv_std, &mean, &inv_std, &mut dx);
    });
    let (mut p, mut m, mut v) = (buffer(184_586)?, buffer(184_586)?, AlignedVec::zeroed(184_586)?);
    let rule = Adam {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
        epsilon_hat: true,
        weight_decay: 0.0,
        decoupled: false,
    };
    let gradient = buffer(184_586)?;
    add("adam".to_owned(), 184_586, &mut || optimizer::adam(&rule, 10, &mut p, &gradient, &mut m, &mut v));
    let g = conv(12, 32, 5, 64, 1, 0);
    let (w, mut wt) = (buffer(g.weight_layout().len())?, buffer(conv::transposed_len(&g))?);
    add("transpose_weights".to_owned(), w.len(), &mut || conv::transpose_weights(&g, &w, &mut wt));
    for (name, g) in &DEPTHWISE {
        let (x, mut y) = (buffer(g.input_len())?, buffer(g.output_len())?);
        let (mut w, mut wt) = (buffer(g.weight_layout().len())?, buffer(conv::transposed_len(g))?);
        conv::transpose_weights(g, &w, &mut wt);
        let mut dx = buffer(g.input_len())?;
        let macs = 9 * y.len();
        add(format!("{name}, forward, per MAC"), macs, &mut || {
            conv::forward(g, Activation::None, 1, &x, &w, &[], &mut y);
        });
        add(format!("{name}, dx, per MAC"), macs, &mut || conv::input_gradient(g, 1, &y, &wt, &mut dx));
        add(format!("{name}, dw, per MAC"), macs, &mut || conv::weight_gradient(g, 1, &x, &y, &mut w, &mut []));
    }
    Ok(found)
}

fn measure(case: &Case, peak: f64) -> Result<(), OutOfMemory> {
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
    let fraction = |[best, median]: [f64; 2]| {
        let of_peak = |nanoseconds: f64| 100.0 * macs as f64 / nanoseconds / peak;
        format!("{:5.1}% ({:4.1}%)", of_peak(best), of_peak(median))
    };
    let forward = fraction(time(|| conv::forward(g, Activation::Relu, n, &x, &w, &b, &mut y)));
    let input = fraction(time(|| conv::input_gradient(g, n, &y, &wt, &mut dx)));
    let weight = fraction(time(|| conv::weight_gradient(g, n, &x, &y, &mut w, &mut [])));
    println!("{:18} {macs:>10} {forward:>14} {input:>14} {weight:>14}", case.name);
    Ok(())
}

/// Pairs of a window and a tap that lies inside the input, along an axis.
fn inside(input: usize, output: usize, kernel: usize, stride: usize, pad: usize) -> usize {
    (0..output).map(|o| (0..kernel).filter(|k| (pad..pad + input).contains(&(o * stride + k))).count()).sum()
}

/// The best and the median nanoseconds of a call.
fn time(mut call: impl FnMut()) -> [f64; 2] {
    call();
    let start = Instant::now();
    call();
    let once = start.elapsed().as_nanos().max(1);
    let calls = (500_000 / once).clamp(1, 10_000);
    let mut times: Vec<f64> = (0..60)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                call();
            }
            start.elapsed().as_nanos() as f64 / calls as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [times[0], times[times.len() / 2]]
}

/// Multiply-adds per nanosecond of a loop that does nothing else.
#[cfg(target_arch = "x86_64")]
fn peak() -> f64 {
    use std::arch::x86_64::*;
    const CHAINS: usize = 12;
    const ROUNDS: usize = 20_000;

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
    let [best, _] = time(|| {
        // SAFETY: the features are there, as tested above.
        black_box(unsafe { chains(black_box(0.5)) });
    });
    (CHAINS * ROUNDS * 8) as f64 / best
}

/// Not known for other machines.
#[cfg(not(target_arch = "x86_64"))]
fn peak() -> f64 {
    let _ = black_box(0);
    f64::NAN
}
