//! Huffman's codes with codewords of limited length.

use crate::code::MAX_LENGTH;

/// The lengths of the best code for symbols that occur so often, with codewords of at most 15 bits; 0 for symbols that do
/// not occur. There are at most `2^12` symbols, and at least two.
///
/// By package-merge (Larmore and Hirschberg, 1990). A code for fewer than two symbols that occur takes in others, since a
/// code is to be complete.
pub(super) fn lengths(frequencies: &[u64]) -> Vec<u8> {
    let mut symbols: Vec<usize> = (0..frequencies.len()).filter(|&symbol| frequencies[symbol] > 0).collect();
    for spare in 0..frequencies.len() {
        if symbols.len() < 2 && !symbols.contains(&spare) {
            symbols.push(spare);
        }
    }
    // Rarest first; of those equally rare the later symbol, so that the order is one.
    symbols.sort_by_key(|&symbol| (frequencies[symbol], std::cmp::Reverse(symbol)));
    let leaves: Vec<u64> = symbols.iter().map(|&symbol| frequencies[symbol]).collect();

    // For each level, deepest first, whether an item is a leaf; items are in the order of their weights.
    let mut levels: Vec<Vec<bool>> = Vec::new();
    let mut items: Vec<u64> = Vec::new();
    for _ in 0..MAX_LENGTH {
        let packages: Vec<u64> = items.as_chunks::<2>().0.iter().map(|[a, b]| a + b).collect();
        let (mut merged, mut is_leaf) = (Vec::new(), Vec::new());
        let (mut leaf, mut package) = (leaves.iter().peekable(), packages.iter().peekable());
        loop {
            let takes_leaf = match (leaf.peek(), package.peek()) {
                (Some(leaf), Some(package)) => leaf <= package,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            merged.extend(if takes_leaf { leaf.next() } else { package.next() });
            is_leaf.push(takes_leaf);
        }
        items = merged;
        levels.push(is_leaf);
    }

    let mut lengths = vec![0; frequencies.len()];
    let mut taken = 2 * symbols.len().saturating_sub(1);
    for is_leaf in levels.iter().rev() {
        let n_leaves = is_leaf.iter().take(taken).filter(|&&is_leaf| is_leaf).count();
        for &symbol in symbols.iter().take(n_leaves) {
            lengths[symbol] += 1;
        }
        taken = 2 * (taken - n_leaves);
    }
    lengths
}

/// The codeword of each symbol of a code with these lengths: shorter ones first, then in the order of the symbols.
pub(super) fn codewords(lengths: &[u8]) -> Vec<u32> {
    let mut codewords = vec![0; lengths.len()];
    let mut next = 0;
    for length in 1..=MAX_LENGTH as u8 {
        next <<= 1;
        for (codeword, _) in codewords.iter_mut().zip(lengths).filter(|(_, of_symbol)| **of_symbol == length) {
            *codeword = next;
            next += 1;
        }
    }
    codewords
}

/// Lengths as they are written, two in a byte.
pub(super) fn packed(lengths: &[u8]) -> impl Iterator<Item = u8> + '_ {
    lengths.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn cost(frequencies: &[u64], lengths: &[u8]) -> u64 {
        frequencies.iter().zip(lengths).map(|(frequency, &length)| frequency * u64::from(length)).sum()
    }

    /// What Huffman's own construction costs: the sum of all merged weights.
    fn unlimited(frequencies: &[u64]) -> u64 {
        let mut weights: Vec<u64> = frequencies.iter().copied().filter(|&weight| weight > 0).collect();
        let mut cost = 0;
        while weights.len() > 1 {
            weights.sort_unstable_by(|a, b| b.cmp(a));
            let merged = weights.pop().unwrap() + weights.pop().unwrap();
            cost += merged;
            weights.push(merged);
        }
        cost
    }

    #[test]
    fn codes_are_complete_and_as_short_as_huffmans() {
        let mut random = crate::tests::Random(7);
        for n in [2, 3, 5, 16, 31, 255] {
            for _ in 0..20 {
                let frequencies: Vec<u64> = (0..n).map(|_| random.below(50)).collect();
                if frequencies.iter().filter(|&&frequency| frequency > 0).count() < 2 {
                    continue;
                }
                let lengths = lengths(&frequencies);
                assert_eq!(cost(&frequencies, &lengths), unlimited(&frequencies), "{frequencies:?}");
                assert!(frequencies.iter().zip(&lengths).all(|(&frequency, &length)| (frequency > 0) == (length > 0)));
                assert!(Code::huffman(n, &packed(&lengths).collect::<Vec<_>>()).is_ok());
            }
        }
    }

    /// Fibonacci's numbers give the deepest tree.
    #[test]
    fn no_codeword_is_too_long() {
        let mut frequencies = vec![1_u64, 1];
        while frequencies.len() < 40 {
            frequencies.push(frequencies[frequencies.len() - 1] + frequencies[frequencies.len() - 2]);
        }
        let limited = lengths(&frequencies);
        assert_eq!(limited.iter().max(), Some(&15));
        assert!(Code::huffman(40, &packed(&limited).collect::<Vec<_>>()).is_ok());
        assert!(cost(&frequencies, &limited) > unlimited(&frequencies));
        let all = lengths(&[1; 4096]);
        assert!(all.iter().all(|&length| length == 12));
    }

    #[test]
    fn one_symbol_gets_company() {
        assert_eq!(lengths(&[0, 0, 9]), [1, 0, 1]);
        assert_eq!(lengths(&[0, 0]), [1, 1]);
    }
}
