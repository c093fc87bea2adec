//! Inputs and initial weights, as `tests/parity/formula.py` computes them: bit by bit the same floats.

/// FNV-1a in 32 bits.
pub(crate) fn name_hash(name: &str) -> u32 {
    name.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// `count` numbers of 24 bits: the index, spread and keyed by the name, through a 32-bit mixer.
fn draws(name: &str, count: usize) -> impl Iterator<Item = u32> + use<> {
    let key = name_hash(name);
    (0..count as u32).map(move |index| {
        let mut z = index.wrapping_mul(0x9E37_79B9).wrapping_add(key);
        z = (z ^ (z >> 16)).wrapping_mul(0x85EB_CA6B);
        z = (z ^ (z >> 13)).wrapping_mul(0xC2B2_AE35);
        (z ^ (z >> 16)) >> 8
    })
}

/// Numbers from -1 up and below 1.
pub(crate) fn unit(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    draws(name, count).map(|draw| f64::from(draw) / 8_388_608.0 - 1.0)
}

/// Numbers from `low` up and below `high`.
pub(crate) fn uniform(name: &str, count: usize, low: f64, high: f64) -> Vec<f32> {
    unit(name, count).map(|unit| ((low + high) / 2.0 + (high - low) / 2.0 * unit) as f32).collect()
}

/// The initial value of a parameter or state array, in logical order.
pub(crate) fn parameter(name: &str, shape: &[usize]) -> Vec<f32> {
    scaled(name, shape, 3.0)
}

/// The same with weights whose squares have a mean of a third of `gain` over the inputs: 3 keeps the size of values, 6 that
/// of values of which relus leave half.
pub(crate) fn scaled(name: &str, shape: &[usize], gain: f64) -> Vec<f32> {
    let count = shape.iter().product();
    if name.ends_with(".scale") || name.ends_with(".running_variance") {
        return uniform(name, count, 0.5, 1.5);
    }
    match shape {
        [_] => uniform(name, count, -0.25, 0.25),
        [inner @ .., _] => {
            let limit = (gain / inner.iter().product::<usize>() as f64).sqrt();
            uniform(name, count, -limit, limit)
        }
        [] => panic!("`{name}` has no axes"),
    }
}

/// Classes of `count` images.
pub(crate) fn labels(name: &str, count: usize, classes: u32) -> Vec<u32> {
    draws(name, count).map(|draw| draw % classes).collect()
}
