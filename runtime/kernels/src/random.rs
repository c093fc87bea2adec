//! Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
//!
//! A number is a function of a key and a counter, so that it needs no state and does not depend on which thread asks,
//! or in what order.

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: u32 = 10;

/// Four random words of a counter under a key.
#[inline]
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_lanes(counter.map(|word| [word]), key).map(|[word]| word)
}

/// The words of `L` counters at once, in the shape of vector registers: `[word][lane]`.
#[inline(always)]
pub(crate) fn philox_lanes<const L: usize>(counter: [[u32; L]; 4], key: [u32; 2]) -> [[u32; L]; 4] {
    let mut c = counter;
    for round in 0..ROUNDS {
        let k = [key[0].wrapping_add(WEYL[0].wrapping_mul(round)), key[1].wrapping_add(WEYL[1].wrapping_mul(round))];
        let mut next = c;
        for lane in 0..L {
            let low = u64::from(c[0][lane]) * u64::from(MULTIPLIERS[0]);
            let high = u64::from(c[2][lane]) * u64::from(MULTIPLIERS[1]);
            next[0][lane] = (high >> 32) as u32 ^ c[1][lane] ^ k[0];
            next[1][lane] = high as u32;
            next[2][lane] = (low >> 32) as u32 ^ c[3][lane] ^ k[1];
            next[3][lane] = low as u32;
        }
        c = next;
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut counter = [[0; 8]; 4];
        for lane in 0..8 {
            for word in 0..4 {
                counter[word][lane] = (lane * 77 + word * 1_000_003) as u32;
            }
        }
        let lanes = philox_lanes(counter, [5, 6]);
        for lane in 0..8 {
            assert_eq!(lanes.map(|word| word[lane]), philox4x32(counter.map(|word| word[lane]), [5, 6]));
        }
    }
}
