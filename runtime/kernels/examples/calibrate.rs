//! Measures on this machine what the constants of the cost model stand for: how much work a part of a step must have to be worth
//! another thread (`crew::WORTH_A_HAND`), what waking and starting threads takes (`crew::SPIN`, and `WORTH_A_THREAD` and
//! `WORTH_STARTING` of the runtime's engine), how much each float of a lane's gradients must be worth (`WORK_OF_LANE` of the
//! compiler's driver), and from which sizes on a convolution is faster in Winograd's form (`few_channels` of
//! `conv/winograd`).
//!
//! `cargo run --release -p netwright-kernels --example calibrate`, with nothing else to do for the machine: a processor that
//! others have is no second thread. The constants are committed, so that every machine makes the same code; which of them this
//! machine would have is for whoever changes them to look at.

use netwright_kernels::conv::{self, Activation, Conv};
use netwright_kernels::{crew, reduce};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Times that each is measured.
const ROUNDS: usize = 400;

/// How often the work is done for one time.
const REPEATS: u32 = 20;

fn main() {
    println!("a convolution on one thread and on two, lower quartiles of {ROUNDS}");
    println!(
        "{:>14} {:>10} {:>10} {:>14} {:>12}",
        "multiply-adds", "one, us", "two, us", "handing over", "of one, a us"
    );
    let mut costs = Vec::new();
    // As large as two to six parts: of larger layers the second thread has the input from the first one's cache, which is no
    // matter of handing over.
    for (side, channels) in [(8, 48), (9, 48), (10, 48), (11, 48), (12, 48)] {
        let Measured { work, one, two } = measure(side, channels);
        let rate = work / one;
        let cost = two - one / 2.0;
        println!("{work:14.0} {one:10.2} {two:10.2} {cost:11.2} us {rate:12.0}");
        costs.push((cost, rate));
    }
    costs.sort_by(|a, b| (a.0 * a.1).total_cmp(&(b.0 * b.1)));
    let (cost, rate) = costs[costs.len() / 2];
    let even = cost.max(0.0) * rate;
    println!(
        "\nhanding a part over and waiting for it takes {cost:.2} us, in which a core does {even:.0} multiply-adds;\n\
         a part of two to three times as many is worth it: {:.0} to {:.0} (WORTH_A_HAND is {})",
        2.0 * even,
        3.0 * even,
        crew::WORTH_A_HAND
    );

    let (waking, starting) = (waking(), starting());
    println!(
        "\nwaking a thread that sleeps takes {waking:.1} us, in which a core does {:.0} multiply-adds: the crew's members sleep after \
         {} us without work (SPIN),\nand a job of less than some times as many stays on its thread (WORTH_A_THREAD of the \
         runtime's engine);\nstarting a thread and hearing of it takes {starting:.1} us, or {:.0} (WORTH_STARTING is for a pool of \
         them, and for its end)",
        waking * rate,
        crew::SPIN.as_micros(),
        starting * rate
    );

    winograd();

    let (float, floats) = lane();
    println!(
        "\nclearing, writing and adding a float of a lane of {floats} floats takes {:.2} ns, in which a core does {:.0} \
         multiply-adds;\na tenth of a lane's work: {:.0} multiply-adds a float (WORK_OF_LANE of the compiler's driver)",
        float * 1e3,
        float * rate,
        10.0 * float * rate
    );
}

struct Measured {
    work: f64,
    /// Microseconds.
    one: f64,
    two: f64,
}

/// A convolution of 1x1, of which each sum is short: the time is that of the multiply-adds.
fn measure(side: usize, channels: usize) -> Measured {
    let g = Conv {
        h: side,
        w: side,
        c: channels,
        kh: 1,
        kw: 1,
        f: channels,
        stride: [1, 1],
        pad: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
    let (x, w) = (vec![0.5; g.input_len()], vec![0.25; g.weight_layout().len()]);
    let mut y = vec![0.0; g.output_len()];
    let mut run = || {
        for _ in 0..REPEATS {
            conv::forward(&g, Activation::None, 1, black_box(&x), black_box(&w), &[], &mut y);
        }
        black_box(&y);
    };
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(time(&mut run));
        two.push(crew::lead(2, || {
            // The members are awake from here on.
            run();
            time(&mut run)
        }));
    }
    let work = (g.output_len() * g.c) as f64;
    Measured { work, one: quartile(one), two: quartile(two) }
}

/// Microseconds of a call.
fn time(run: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS)
}

/// What a quarter of the times is below: less than the median of what others on the machine take.
fn quartile(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 4]
}

/// Microseconds from waking a thread that sleeps to its first answer.
fn waking() -> f64 {
    static IS_AWAKE: AtomicBool = AtomicBool::new(false);
    let sleeper = thread::spawn(|| {
        for _ in 0..ROUNDS {
            while !IS_AWAKE.load(Ordering::Acquire) {
                thread::park();
            }
            IS_AWAKE.store(false, Ordering::Release);
        }
    });
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        // It sleeps by then, as deeply as a processor without work does.
        thread::sleep(Duration::from_micros(300));
        let start = Instant::now();
        IS_AWAKE.store(true, Ordering::Release);
        sleeper.thread().unpark();
        while IS_AWAKE.load(Ordering::Acquire) && !sleeper.is_finished() {
            std::hint::spin_loop();
        }
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    // The thread has answered every time.
    let _ = sleeper.join();
    quartile(times)
}

/// Microseconds from starting a thread to its first word.
fn starting() -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let (here, there) = mpsc::channel();
        let start = Instant::now();
        let thread = thread::spawn(move || here.send(()));
        let _ = there.recv();
        let time = start.elapsed().as_secs_f64() * 1e6;
        let _ = thread.join();
        time
    });
    quartile(times.collect())
}

/// Prints the time of the direct form for that of Winograd's, from few channels to many, where it is taken.
fn winograd() {
    const CHANNELS: [[usize; 2]; 6] = [[3, 8], [3, 64], [8, 8], [8, 16], [16, 16], [64, 64]];
    println!(
        "\nthe direct form of a convolution as a multiple of Winograd's, on one thread: below 1, its sizes are too few"
    );
    let heads = CHANNELS.map(|[inputs, outputs]| format!("{:>9}", format!("{inputs} to {outputs}")));
    println!("{:>8} {:>7} {}", "kernel", "tiles", heads.concat());
    for kernel in [3, 5] {
        // So many tiles along each axis.
        for tiles in [2, 4, 8, 16] {
            let side = tiles * (7 - kernel);
            let times = CHANNELS.map(|channels| match direct_for_winograd(side, kernel, channels) {
                Some(times) => format!("{times:>9.2}"),
                None => format!("{:>9}", "direct"),
            });
            println!("{:>8} {:>7} {}", format!("{kernel} x {kernel}"), tiles * tiles, times.concat());
        }
    }
}

/// How many times as long the direct form takes; `None` where it is the one that is taken.
fn direct_for_winograd(side: usize, kernel: usize, [inputs, outputs]: [usize; 2]) -> Option<f64> {
    let g = Conv {
        h: side,
        w: side,
        c: inputs,
        kh: kernel,
        kw: kernel,
        f: outputs,
        stride: [1, 1],
        pad: [kernel / 2, kernel / 2],
        dilation: [1, 1],
        groups: 1,
    };
    if !g.is_winograd() {
        return None;
    }
    let (x, w) = (vec![0.5; g.input_len()], vec![0.25; g.weight_layout().len()]);
    let (mut direct, mut winograd) = (Vec::new(), Vec::new());
    let mut y = vec![0.0; g.output_len()];
    for _ in 0..ROUNDS / 20 {
        direct.push(time(&mut || {
            (0..REPEATS)
                .for_each(|_| conv::forward(&g, Activation::None, 1, black_box(&x), black_box(&w), &[], &mut y));
        }));
        winograd.push(time(&mut || {
            (0..REPEATS).for_each(|_| conv::infer(&g, Activation::None, 1, black_box(&x), black_box(&w), &[], &mut y));
        }));
    }
    black_box(&y);
    Some(quartile(direct) / quartile(winograd))
}

/// Microseconds for each float of a lane, and how many it has: more than a cache holds.
fn lane() -> (f64, usize) {
    const FLOATS: usize = 4 << 20;
    let (mut lane, other) = (vec![0.0_f32; FLOATS], vec![1.0_f32; FLOATS]);
    let mut sum = vec![0.0_f32; FLOATS];
    let times = (0..20).map(|_| {
        let start = Instant::now();
        black_box(&mut lane).fill(0.0);
        for lane in black_box(&mut lane).iter_mut() {
            *lane += 1.0;
        }
        reduce::sum_in_order(&[&lane, &other], 1.0, &mut sum);
        black_box(&sum);
        start.elapsed().as_secs_f64() * 1e6 / FLOATS as f64
    });
    (quartile(times.collect()), FLOATS)
}
