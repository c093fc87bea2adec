use super::*;

fn take<T>(n: usize, next: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(next).take(n).collect()
}

#[test]
fn streams_depend_on_seed_name_and_index_alone() {
    let words = |mut stream: Stream| take(9, || stream.next_u32());
    let base = words(Stream::new(7, "conv1.weight"));
    assert_eq!(base, words(Stream::numbered(7, "conv1.weight", 0)));
    for other in [
        Stream::new(8, "conv1.weight"),
        Stream::new(7 + (1 << 32), "conv1.weight"),
        Stream::new(7, "conv1.bias"),
        Stream::numbered(7, "conv1.weight", 1),
    ] {
        let other = words(other);
        assert!(base.iter().all(|word| !other.contains(word)));
    }
}

/// Computed once by other code, in Python; a change would make every earlier run unrepeatable.
#[test]
fn values_never_change() {
    let mut stream = Stream::new(42, "shuffle");
    assert_eq!(take(3, || stream.next_u32()), WORDS);
    assert_eq!(stream.uniform().to_bits(), UNIFORM);
    assert_eq!(take(4, || stream.normal().to_bits()), NORMAL);
    assert_eq!(take(2, || stream.truncated_normal().to_bits()), TRUNCATED);
    let mut order: Vec<u32> = (0..12).collect();
    Stream::numbered(42, "shuffle", 3).shuffle(&mut order);
    assert_eq!(order, ORDER);
}

const WORDS: [u32; 3] = [2_519_454_753, 1_007_758_339, 764_374_695];
const UNIFORM: u64 = 0x3fe9_4dfb_bb1b_cbdf;
const NORMAL: [u64; 4] = [0x3fb3_de27_72bb_4c02, 0xbfcc_e810_3e54_b518, 0x3ff1_825b_490a_838f, 0xbfad_7bb4_9f54_480b];
const TRUNCATED: [u64; 2] = [0xbfe3_1677_9f02_6b72, 0x3fd6_121f_1850_e0d0];
const ORDER: [u32; 12] = [11, 7, 9, 3, 4, 8, 5, 0, 10, 1, 2, 6];

/// Reference values from Python 3.11, `statistics.NormalDist().inv_cdf`, in every branch of the approximation.
#[test]
fn the_quantile_is_that_of_the_normal_distribution() {
    for (p, expected) in [
        (1.1102230246251565e-16, -8.209536151601386),
        (1e-14, -7.650628092935268),
        (1e-12, -7.034483825301132),
        (1.3e-11, -6.66761145651074),
        (1e-06, -4.753424308822899),
        (0.001, -3.090232306167813),
        (0.02275013194817921, -2.0),
        (0.07499, -1.4396021182393162),
        (0.075, -1.4395314709384557),
        (0.0751, -1.4388253927525398),
        (0.25, -0.6744897501960817),
        (0.4999, -0.0002506628300880075),
        (0.5, 0.0),
        (0.6, 0.2533471031357998),
        (0.9249, 1.4388253927525403),
        (0.925, 1.439531470938456),
        (0.9772498680518208, 2.0),
        (0.999, 3.090232306167813),
        (0.9999999999990905, 7.047700256664409),
    ] {
        let found = normal_quantile(p);
        assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(), "{p}: {found}, expected {expected}");
    }
}

#[test]
fn the_logarithm_is_nearly_the_librarys() {
    let mut stream = Stream::new(1, "ln");
    for _ in 0..10_000 {
        let x = stream.uniform() * 2.0_f64.powi(-(stream.below(60) as i32));
        let (found, expected) = (ln(x), x.ln());
        assert!((found - expected).abs() <= 3.0 * f64::EPSILON * expected.abs().max(0.1), "{x}: {found}, {expected}");
    }
    assert_eq!((ln(1.0), ln(2.0)), (0.0, std::f64::consts::LN_2));
}

#[test]
fn moments_are_those_of_the_distributions() {
    const N: usize = 200_000;
    let moments = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / N as f64;
        let moment = |k| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / N as f64;
        (mean, moment(2).sqrt(), moment(4) / moment(2).powi(2))
    };
    // Means scatter by the deviation / sqrt(N), 0.0022 at most; bounds are four times that and more.
    let mut stream = Stream::new(3, "moments");
    let uniform = take(N, || stream.uniform());
    assert!(uniform.iter().all(|&value| value > 0.0 && value < 1.0));
    let (mean, deviation, _) = moments(uniform);
    assert!((mean - 0.5).abs() < 0.004 && (deviation - 1.0 / 12.0_f64.sqrt()).abs() < 0.004, "{mean} {deviation}");

    let (mean, deviation, kurtosis) = moments(take(N, || stream.normal()));
    assert!(mean.abs() < 0.01 && (deviation - 1.0).abs() < 0.01 && (kurtosis - 3.0).abs() < 0.06);

    let truncated = take(N, || stream.truncated_normal());
    assert!(truncated.iter().all(|value| value.abs() <= 2.0));
    assert!(truncated.iter().any(|value| value.abs() > 1.99));
    let (mean, deviation, _) = moments(truncated);
    assert!(mean.abs() < 0.01 && (deviation - TRUNCATED_DEVIATION).abs() < 0.01, "{mean} {deviation}");
}

#[test]
fn bounded_integers_are_even() {
    let mut stream = Stream::new(5, "below");
    assert_eq!((stream.below(0), stream.below(1)), (0, 0));
    // With three quarters of the range, taking the remainder would make the lower third twice as likely.
    let n = 3 << 30;
    let low = (0..30_000).filter(|_| stream.below(n) < n / 3).count();
    assert!((low as f64 - 10_000.0).abs() < 400.0, "{low}");
    let mut counts = [0; 6];
    (0..60_000).for_each(|_| counts[stream.below(6) as usize] += 1);
    assert!(counts.iter().all(|&count: &i32| (count - 10_000).abs() < 400), "{counts:?}");
}

#[test]
fn every_order_is_as_likely() {
    let mut counts = std::collections::BTreeMap::new();
    for index in 0..24_000 {
        let mut order = [0, 1, 2, 3];
        Stream::numbered(1, "orders", index).shuffle(&mut order);
        *counts.entry(order).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 24);
    assert!(counts.values().all(|&count: &i32| (count - 1000).abs() < 160), "{counts:?}");
    Stream::new(0, "none").shuffle::<u8>(&mut []);
}
