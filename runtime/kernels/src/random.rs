//! Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
//!
//! A number is a function of a key and a counter, so that it needs no state and does not depend on which thread asks,
//! or in what order.

use crate::simd::Simd;

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: u32 = 10;

/// Four random words of a counter under a key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    for round in 0..ROUNDS {
        let k = round_key(key, round);
        let a = u64::from(c[0]) * u64::from(MULTIPLIERS[0]);
        let b = u64::from(c[2]) * u64::from(MULTIPLIERS[1]);
        c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
    }
    c
}

/// The words of eight counters at once; integers are the bits of floats.
#[inline(always)]
pub(crate) fn philox_vector<S: Simd>(s: S, counter: [S::V; 4], key: [u32; 2]) -> [S::V; 4] {
    let mut c = counter;
    for round in 0..ROUNDS {
        let k = round_key(key, round);
        let (k0, k1) = (s.splat(f32::from_bits(k[0])), s.splat(f32::from_bits(k[1])));
        let (a_low, a_high) = s.mul_wide(c[0], MULTIPLIERS[0]);
        let (b_low, b_high) = s.mul_wide(c[2], MULTIPLIERS[1]);
        c = [s.xor(s.xor(b_high, c[1]), k0), b_low, s.xor(s.xor(a_high, c[3]), k1), a_low];
    }
    c
}

#[inline(always)]
fn round_key(key: [u32; 2], round: u32) -> [u32; 2] {
    [key[0].wrapping_add(WEYL[0].wrapping_mul(round)), key[1].wrapping_add(WEYL[1].wrapping_mul(round))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{dispatch, on_every_isa};

    /// The known answers published with the authors' library.
    #[test]
    fn known_answers() {
        let zeros = philox4x32([0; 4], [0; 2]);
        assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox4x32([!0; 4], [!0; 2]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn lanes_are_single_numbers() {
        on_every_isa(|_| {
            let counter = |lane: usize| [0, 1, 2, 3].map(|word| (lane * 0x1234_5677 + word * 1_000_003) as u32);
            let mut found = [[0.0; 8]; 4];
            let vectors: [[u32; 8]; 4] = std::array::from_fn(|word| std::array::from_fn(|lane| counter(lane)[word]));
            let found_ref = &mut found;
            dispatch!(vector(vectors: [[u32; 8]; 4], found_ref: &mut [[f32; 8]; 4]));
            for lane in 0..8 {
                assert_eq!(found.map(|word| word[lane].to_bits()), philox4x32(counter(lane), [5, 0xffff_fff6]));
            }
        });
    }

    #[inline(always)]
    fn vector<S: Simd>(s: S, counters: [[u32; 8]; 4], words: &mut [[f32; 8]; 4]) {
        let found = philox_vector(s, counters.map(|word| s.load_integers(&word)), [5, 0xffff_fff6]);
        for (found, word) in found.into_iter().zip(words) {
            s.store(found, word);
        }
    }
}
