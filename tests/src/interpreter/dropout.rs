//! Dropout's mask, from its key: Philox 4x32-10 (Salmon et al., 2011), written down again.

use netwright_compiler::ops::Dropout;

/// What each element of `[n, len]` is multiplied by: zero, or one over the kept fraction.
///
/// Elements come in blocks of 32: element `8 word + lane` of block `b` is dropped where that word of the counter
/// `(8 b + lane, image, layer, step)` is below `rate` times two to the 32nd.
pub(super) fn mask(dropout: &Dropout, seed: u64, step: u64, n: usize, len: usize) -> Vec<f64> {
    let rate = f64::from(dropout.rate as f32);
    let threshold = (rate * 4_294_967_296.0) as u32;
    let key = [seed as u32, (seed >> 32) as u32];
    let mut mask = Vec::with_capacity(n * len);
    for image in 0..n {
        for element in 0..len {
            let (block, word, lane) = (element / 32, element % 32 / 8, element % 8);
            let counter = [(block * 8 + lane) as u32, image as u32, dropout.layer, step as u32];
            let is_dropped = philox(counter, key)[word] < threshold;
            mask.push(if is_dropped { 0.0 } else { 1.0 / (1.0 - rate) });
        }
    }
    mask
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let low = u64::from(counter[0]) * 0xd251_1f53;
        let high = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::philox;

    /// An answer published with the authors' library.
    #[test]
    fn known_answer() {
        let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }
}
