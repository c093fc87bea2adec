//! Arithmetic on shapes and costs against numbers that cannot overflow here: windows are counted one by one where they
//! are few, everything else is computed with 128 bits.
//!
//! 128 bits are enough. A size is below 2^31, and what is written in a text below 2^63, so that no window's formula
//! reaches 2^127; a layer has at most 2^31 outputs of at most 2^31 multiply-adds each, and a network 10^4 layers, which
//! is below 2^76; of bytes there are at most 4 (2^31 + 2^20 2^40).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use netwright::train::Optimizer;
use netwright_compiler::diagnostic::{Sink, short};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Compiled, NoSources, Settings, compile};
use netwright_tests::interpreter::{self, Random};

/// A window on one axis.
#[derive(Debug, Clone, Copy)]
struct Window {
    size: i128,
    kernel: i128,
    stride: i128,
    pad: i128,
    dilation: i128,
}

impl Window {
    fn random(random: &mut Random) -> Self {
        let mut between = |low, high| random.between(low, high) as i128;
        let (size, kernel) = (between(1, 24), between(1, 6));
        Self { size, kernel, stride: between(1, 5), pad: between(0, 4), dilation: between(1, 3) }
    }

    fn span(self) -> i128 {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Counts places of the window: from the padding's start on, one stride after the other, as long as it lies in the
    /// padded image; with `ceil` also where it reaches out of it, if the one before did not reach its end and it
    /// starts in the image or the padding before it.
    fn counted(self, ceil: bool) -> Option<i128> {
        let (start, end) = (-self.pad, self.size + self.pad);
        let fits = |place: i128| start + place * self.stride + self.span() <= end;
        if !fits(0) {
            return None;
        }
        let mut n = 1;
        while fits(n) {
            n += 1;
        }
        let is_covered = start + (n - 1) * self.stride + self.span() == end;
        if ceil && !is_covered && start + n * self.stride < self.size {
            n += 1;
        }
        Some(n)
    }

    /// Elements that a transposed convolution makes: every input spreads the kernel, `stride` apart; `pad` is cut off
    /// both sides, and `more` is added at the end.
    fn spread(self, more: i128) -> Option<i128> {
        let size = (self.size - 1) * self.stride + self.kernel - 2 * self.pad + more;
        (size > 0).then_some(size)
    }
}

/// The shape that a text's output has, or all messages.
fn output(text: &str) -> Result<Vec<i128>, String> {
    let lowered = interpreter::compile(text)?;
    let shape = lowered.graph.shape(lowered.graph.outputs[0].value);
    Ok(shape.dims().iter().map(|&size| size as i128).collect())
}

/// Holds a stage against the sizes that it should make of `[h, w, c]`: in a network, and in a block, where the sizes are
/// variables first.
fn holds(size: [i128; 3], stage: &str, expected: Option<[i128; 3]>) {
    let plain = format!("network N {{ input x: {size:?}; output y = x -> {stage}; }}");
    let block = format!(
        "block B(x: [H, W, C]) -> [_, _, _] {{ return x -> {stage}; }} \
         network N {{ input x: {size:?}; output y = x -> B; }}"
    );
    for text in [plain, block] {
        match (output(&text), expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(messages), None) => {
                assert!(["N0303", "N0309", "N0204"].iter().any(|code| messages.contains(code)), "{text}\n{messages}")
            }
            (found, expected) => panic!("{text}\nfound {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn windows_are_counted() {
    let mut random = Random::new(31);
    let (mut n_fit, mut n_ceil) = (0, 0);
    for _ in 0..250 {
        let [a, b] = [(); 2].map(|()| Window::random(&mut random));
        let c = random.between(1, 3) as i128;
        let size = [a.size, b.size, c];
        let pairs = |name: &str, of: fn(Window) -> i128| format!("{name}: [{}, {}]", of(a), of(b));
        let options = format!("{}, {}", pairs("stride", |w| w.stride), pairs("pad", |w| w.pad));
        let (kernel, dilation) = (pairs("kernel", |w| w.kernel), pairs("dilation", |w| w.dilation));
        let counted = a.counted(false).zip(b.counted(false));
        n_fit += usize::from(counted.is_some());
        holds(size, &format!("conv(2, {kernel}, {options}, {dilation})"), counted.map(|(h, w)| [h, w, 2]));
        let stage = format!("depthwise_conv({kernel}, multiplier: 2, {options}, {dilation})");
        holds(size, &stage, counted.map(|(h, w)| [h, w, 2 * c]));

        // Pooling has no dilation, and padding is at most half of the window.
        let pooled = |w: Window| Window { dilation: 1, pad: w.pad.min(w.kernel / 2), ..w };
        let (a, b) = (pooled(a), pooled(b));
        let ceil = random.one_in(2);
        let counted = a.counted(ceil).zip(b.counted(ceil));
        n_ceil += usize::from(ceil && counted != a.counted(false).zip(b.counted(false)));
        let name = *random.pick(&["max_pool", "avg_pool"]);
        let stage = format!(
            "{name}([{}, {}], stride: [{}, {}], pad: [{}, {}], ceil: {ceil})",
            a.kernel, b.kernel, a.stride, b.stride, a.pad, b.pad
        );
        holds(size, &stage, counted.map(|(h, w)| [h, w, c]));

        let more = [a, b].map(|w| random.below(w.stride as usize) as i128);
        let stage = format!(
            "conv_transpose(3, kernel: [{}, {}], stride: [{}, {}], pad: [{}, {}], output_pad: {more:?})",
            a.kernel, b.kernel, a.stride, b.stride, a.pad, b.pad
        );
        holds(size, &stage, a.spread(more[0]).zip(b.spread(more[1])).map(|(h, w)| [h, w, 3]));
    }
    assert!(n_fit > 100 && n_ceil > 20, "{n_fit} {n_ceil}");
}

/// Numbers at and around powers of two, up to the largest that can be written.
fn large(random: &mut Random) -> i128 {
    let power = 1_i128 << random.between(0, 63);
    (power + random.between(0, 2) as i128 - 1).clamp(1, i128::from(i64::MAX))
}

/// Sizes and settings up to 2^63: a shape is right, or there is a message; nothing overflows. Settings beyond 2^31 are
/// refused wherever they stand.
#[test]
fn huge_windows_are_computed_or_refused() {
    const MOST: i128 = 1 << 31;
    let mut random = Random::new(32);
    let mut n_right = 0;
    for round in 0..600 {
        let usual = |random: &mut Random, low: i128| match random.below(8) {
            0 => large(random),
            1 | 2 => large(random).min(MOST),
            _ => low,
        };
        let size = large(&mut random).min(MOST);
        let window = Window {
            size,
            kernel: usual(&mut random, 3),
            stride: usual(&mut random, 2),
            pad: usual(&mut random, 1),
            dilation: usual(&mut random, 1),
        };
        let Window { kernel, stride, pad, dilation, .. } = window;
        let free = size + 2 * pad - window.span();
        // Weights are stored in panels of 16 filters.
        let fits_in_memory = 16 * kernel <= MOST;
        let (stage, expected) = if round % 3 == 0 {
            let ceil = random.one_in(2);
            let free = size + 2 * pad - kernel;
            let steps = if ceil { (free + stride - 1).div_euclid(stride) } else { free.div_euclid(stride) };
            let n = if ceil && steps * stride >= size + pad { steps } else { steps + 1 };
            let fits = free >= 0 && pad <= kernel / 2;
            let stage = format!("avg_pool([{kernel}, 1], stride: [{stride}, 1], pad: [{pad}, 0], ceil: {ceil})");
            (stage, fits.then_some(n))
        } else if round % 3 == 1 {
            let stage = format!("conv_transpose(1, kernel: [{kernel}, 1], stride: [{stride}, 1], pad: [{pad}, 0])");
            (stage, window.spread(0).filter(|_| fits_in_memory))
        } else {
            let stage = format!(
                "conv(1, kernel: [{kernel}, 1], stride: [{stride}, 1], pad: [{pad}, 0], dilation: [{dilation}, 1])"
            );
            (stage, (free >= 0 && fits_in_memory).then_some(free / stride + 1))
        };
        let settings = if round % 3 == 2 { vec![kernel, stride, pad, dilation] } else { vec![kernel, stride, pad] };
        let expected = expected.filter(|&n| n <= MOST && settings.iter().all(|&setting| setting <= MOST));
        let text = format!("network N {{ input x: [{size}, 1, 1]; output y = x -> {stage}; }}");
        match (output(&text), expected) {
            (Ok(found), Some(expected)) => {
                assert_eq!(found[0], expected, "{text}");
                n_right += 1;
            }
            (Err(messages), None) => assert!(!messages.contains("N0109"), "{text}\n{messages}"),
            (found, expected) => panic!("{text}\nfound {found:?}, expected {expected:?}"),
        }
    }
    assert!(n_right > 80, "{n_right}");
}

/// A random expression of whole numbers with its value, `None` where a part of it does not fit into 64 bits or is divided
/// by zero.
fn expression(random: &mut Random, depth: usize) -> (String, Option<i128>) {
    let in_range = |value: i128| i64::try_from(value).is_ok().then_some(value);
    if depth == 0 || random.one_in(5) {
        let value = if random.one_in(4) { large(random) } else { random.below(12) as i128 };
        return (value.to_string(), Some(value));
    }
    let (a, x) = expression(random, depth - 1);
    if random.one_in(6) {
        return (format!("(-{a})"), x.and_then(|x| in_range(-x)));
    }
    let (b, y) = expression(random, depth - 1);
    let both = x.zip(y);
    let (op, value) = match random.below(4) {
        0 => ("+", both.and_then(|(x, y)| in_range(x + y))),
        1 => ("-", both.and_then(|(x, y)| in_range(x - y))),
        2 => ("*", both.and_then(|(x, y)| in_range(x * y))),
        // Rounded down, whatever the signs.
        _ => (
            "/",
            both.filter(|&(_, y)| y != 0).and_then(|(x, y)| {
                in_range((x - x.rem_euclid(y)).div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0))
            }),
        ),
    };
    (format!("({a} {op} {b})"), value)
}

#[test]
fn whole_numbers_do_not_overflow() {
    let mut random = Random::new(33);
    let (mut n_right, mut n_refused) = (0, 0);
    for _ in 0..600 {
        let (text, value) = expression(&mut random, 4);
        let shown = value.map_or_else(|| "0".to_owned(), |value| value.to_string());
        let text = format!("const k = {text}; network N {{ assert k == {shown}; input x: [1]; output y = x; }}");
        match (output(&text), value) {
            // The least number cannot be written: its digits are those of one that is too large.
            (_, Some(value)) if value == i128::from(i64::MIN) => {}
            (Ok(_), Some(_)) => n_right += 1,
            (Err(messages), None) => {
                assert!(messages.contains("N0205"), "{text}\n{messages}");
                n_refused += 1;
            }
            (found, value) => panic!("{text}\nfound {found:?}, expected {value:?}"),
        }
    }
    assert!(n_right > 200 && n_refused > 50, "{n_right} {n_refused}");
}

fn compiled(text: &str) -> Result<Compiled, String> {
    let mut map = SourceMap::new();
    let source = map.add("n.net", text);
    let mut sink = Sink::new();
    let compiled = compile(source, &mut map, &Settings::default(), &mut NoSources, &mut sink);
    let messages: Vec<String> = sink.diagnostics().into_iter().map(|found| short(found, &map)).collect();
    compiled.ok_or_else(|| messages.join("\n"))
}

/// Parameters and multiply-adds of chains of layers, small ones and some as large as they can be.
#[test]
fn costs_are_right() {
    let mut random = Random::new(34);
    let (mut n_right, mut most) = (0, 0);
    for round in 0..120 {
        let is_large = round % 3 == 0;
        let number = |random: &mut Random, low: usize, high: usize| -> i128 {
            let usual = random.between(low, high) as i128;
            if is_large && random.one_in(2) { 1 << random.between(4, 15) } else { usual }
        };
        let (mut h, mut w, mut c) = (number(&mut random, 4, 9), number(&mut random, 4, 9), number(&mut random, 1, 5));
        let input = [h, w, c];
        let (mut stages, mut parameters, mut macs, mut is_small) =
            (String::new(), 0_i128, 0_i128, h * w * c <= 1 << 31);
        for _ in 0..3 {
            let (f, k) = (number(&mut random, 1, 5), random.between(1, 3) as i128);
            let (outputs, weights, taps) = match random.below(4) {
                0 => {
                    stages += &format!(" -> conv({f}, kernel: {k}, pad: 1)");
                    (h, w) = (h + 3 - k, w + 3 - k);
                    (h * w * f, k * k * c * f, k * k * c)
                }
                1 => {
                    stages += &format!(" -> conv({c}, kernel: {k}, pad: 1, groups: {c})");
                    (h, w) = (h + 3 - k, w + 3 - k);
                    (h * w * c, k * k * c, k * k)
                }
                2 => {
                    // Each input is multiplied with every weight of its channel.
                    let inputs = h * w * c;
                    stages += &format!(" -> conv_transpose({f}, kernel: {k}, stride: 2)");
                    (h, w) = ((h - 1) * 2 + k, (w - 1) * 2 + k);
                    macs += inputs * k * k * f;
                    (h * w * f, k * k * c * f, 0)
                }
                _ => {
                    stages += " -> depthwise_conv(3, pad: 1, multiplier: 2)";
                    (h * w * c * 2, 9 * c * 2, 9)
                }
            };
            c = outputs / (h * w);
            parameters += weights + c;
            macs += outputs * taps;
            is_small &= outputs <= 1 << 31 && weights <= 1 << 31;
        }
        let text = format!("network N {{ input x: {input:?}; output y = x{stages} -> global_avg_pool -> dense(3); }}");
        parameters += 3 * c + 3;
        macs += 3 * c;
        match compiled(&text) {
            Ok(compiled) => {
                assert!(is_small, "{text}");
                assert_eq!(compiled.parameter_count() as i128, parameters, "{text}");
                assert_eq!(i128::from(compiled.inference.macs), macs, "{text}");
                bytes(&text, &compiled);
                n_right += 1;
                most = most.max(macs);
            }
            Err(messages) => {
                // What is padded to the kernels' panels may be too large where the parameters themselves are not.
                assert!(!is_small || parameters > 1 << 27, "{text}\n{messages}");
            }
        }
    }
    assert!(n_right > 70 && most > 1 << 40, "{n_right} {most}");
}

/// The bytes of a budget, from the plans that the code is made of.
fn bytes(text: &str, compiled: &Compiled) {
    for batch in [1_i128, 7, 1 << 20] {
        let plan = &compiled.inference;
        let chunks = (batch + plan.chunk as i128 - 1) / plan.chunk as i128;
        let expected = 4 * (compiled.parameters.stored as i128 + chunks * plan.arena as i128);
        takes_just(text, &format!("inference_bytes(batch: {batch})"), expected);
    }
}

/// A budget of so many bytes is kept, and one of a byte less is not.
fn takes_just(text: &str, quantity: &str, expected: i128) {
    for (most, is_kept) in [(expected, true), (expected - 1, false)] {
        let budget = format!("budget {{ {quantity} <= {most}; }} output y");
        let found = compiled(&text.replacen("output y", &budget, 1));
        assert_eq!(found.is_ok(), is_kept, "{text}, {quantity}: {expected} bytes, {found:?}");
    }
}

/// What training keeps, with each optimiser: its state as the runtime has it, gradients of lanes and their mean, transposed
/// weights, what barriers leave, and all chunks' activations. `memory` holds the same against an allocator.
#[test]
fn bytes_of_training_are_right() {
    let sgd = |momentum| Optimizer::Sgd { lr: 0.1, momentum, nesterov: false, weight_decay: 0.0 };
    let adam = Optimizer::Adam { lr: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-7, weight_decay: 0.0 };
    let adamw = Optimizer::AdamW { lr: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-7, weight_decay: 0.1 };
    let rmsprop = |momentum| Optimizer::RmsProp { lr: 0.1, rho: 0.9, epsilon: 1e-7, momentum };
    for (written, optimizer) in [
        ("sgd(lr: 0.1)", sgd(0.0)),
        ("sgd(lr: 0.1, momentum: 0.9)", sgd(0.9)),
        ("adam(lr: 0.1)", adam),
        ("adamw(lr: 0.1)", adamw),
        ("rmsprop(lr: 0.1)", rmsprop(0.0)),
        ("rmsprop(lr: 0.1, momentum: 0.9)", rmsprop(0.9)),
    ] {
        for body in [
            "x -> conv(5, kernel: 3) -> batch_norm -> relu -> max_pool(2) -> conv(7, kernel: 2) -> flatten -> dense(3)",
            "x -> flatten -> dense(700) -> relu -> dropout(0.5) -> dense(3)",
        ] {
            let text = format!(
                "network N {{ input x: [9, 8, 2]; y = {body}; output y_ = y;
                train {{ loss: cross_entropy(y); optimizer: {written}; }} }}"
            );
            let compiled = compiled(&text).unwrap();
            let plan = &compiled.training.as_ref().unwrap().training;
            let trained = compiled.parameters.trained as i128;
            let lanes = ((16 << 20) / trained).clamp(4, 32);
            let copies = lanes + 1 + optimizer.slots().len() as i128;
            let kept = plan.derived_len() as i128 + plan.shared as i128;
            assert!(kept > 0, "transposed weights");
            for batch in [1_i128, 7, 1 << 20] {
                let chunks = (batch + plan.chunk as i128 - 1) / plan.chunk as i128;
                let expected =
                    4 * (compiled.parameters.stored as i128 + trained * copies + kept + chunks * plan.arena as i128);
                takes_just(&text, &format!("training_bytes(batch: {batch})"), expected);
            }
        }
    }
}
