//! Codes of symbols: numbers of a fixed width, or a canonical Huffman code, which its lengths tell.
//!
//! Shorter codewords come first, those of one length in the order of their symbols, each one more than the one before
//! (RFC 1951, section 3.2.2). A code is complete: every sequence of bits means something, so that nothing needs to be
//! checked while it is read.

use crate::bits::first;

/// The longest codeword, in bits; a length is written in four.
pub(crate) const MAX_LENGTH: u32 = 15;

/// How symbols are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code<'a> {
    /// As numbers below `symbols`, as wide as the largest needs.
    Fixed {
        /// How many there are.
        symbols: usize,
    },
    /// By Huffman's code with these lengths, two in a byte, the first one higher.
    Huffman {
        /// How many there are.
        symbols: usize,
        /// Their lengths; the last half of a byte may be left over, as zero.
        lengths: &'a [u8],
    },
}

/// Bits of a number below `symbols`.
pub(crate) fn width(symbols: usize) -> u32 {
    symbols.max(1).next_power_of_two().trailing_zeros()
}

impl<'a> Code<'a> {
    /// A Huffman code with these lengths, once they are checked: codewords must fit together without a gap.
    pub(crate) fn huffman(symbols: usize, lengths: &'a [u8]) -> Result<Self, &'static str> {
        let code = Self::Huffman { symbols, lengths };
        // Each codeword takes a part of all sequences of 15 bits.
        let taken: u64 = code.lengths().map(|(_, length)| 1 << (MAX_LENGTH - length)).sum();
        match taken.cmp(&(1 << MAX_LENGTH)) {
            std::cmp::Ordering::Greater => Err("a Huffman code has more codewords than fit"),
            std::cmp::Ordering::Less => Err("a Huffman code has codewords without a meaning"),
            std::cmp::Ordering::Equal if code.left_over() != 0 => Err("a Huffman code has more lengths than symbols"),
            std::cmp::Ordering::Equal => Ok(code),
        }
    }

    /// The symbols that have a codeword, with its length; empty for numbers.
    fn lengths(&self) -> impl Iterator<Item = (usize, u32)> + use<'a> {
        let (symbols, lengths) = match *self {
            Self::Fixed { .. } => (0, &[][..]),
            Self::Huffman { symbols, lengths } => (symbols, lengths),
        };
        let halves = lengths.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(symbols);
        halves.enumerate().map(|(symbol, length)| (symbol, u32::from(length))).filter(|&(_, length)| length > 0)
    }

    /// The half of the last byte that belongs to no symbol.
    fn left_over(&self) -> u8 {
        match self {
            Self::Huffman { symbols, lengths } if symbols % 2 == 1 => lengths.last().map_or(0, |byte| byte & 15),
            Self::Huffman { .. } | Self::Fixed { .. } => 0,
        }
    }

    /// The code, ready to be read: a table of at most `2^15` entries.
    pub(crate) fn decoder(&self) -> Decoder {
        let Self::Huffman { .. } = self else {
            let Self::Fixed { symbols } = *self else { return Decoder::Fixed { bits: 0, symbols: 0 } };
            return Decoder::Fixed { bits: width(symbols), symbols };
        };
        let longest = self.lengths().map(|(_, length)| length).max().unwrap_or(0);
        let mut table = Vec::with_capacity(1 << longest);
        for length in 1..=longest {
            for (symbol, _) in self.lengths().filter(|&(_, of_symbol)| of_symbol == length) {
                // Symbols are below 2^12.
                let entry = (symbol as u32) << 4 | length;
                table.extend(std::iter::repeat_n(entry, 1 << (longest - length)));
            }
        }
        Decoder::Huffman { bits: longest, table }
    }
}

/// A code as it is read.
#[derive(Debug)]
pub(crate) enum Decoder {
    Fixed {
        bits: u32,
        symbols: usize,
    },
    /// For each sequence of `bits` bits, the symbol it starts with times 16, and the length of that codeword.
    Huffman {
        bits: u32,
        table: Vec<u32>,
    },
}

impl Decoder {
    /// The symbol that a word starts with, and its bits; `None` for a number that is no symbol's.
    pub(crate) fn read(&self, word: u64) -> Option<(usize, u32)> {
        match self {
            Self::Fixed { bits, symbols } => {
                let symbol = first(word, *bits) as usize;
                (symbol < *symbols).then_some((symbol, *bits))
            }
            Self::Huffman { bits, table } => {
                let entry = table.get(first(word, *bits) as usize)?;
                Some(((entry >> 4) as usize, entry & 15))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths, two in a byte.
    fn packed(lengths: &[u8]) -> Vec<u8> {
        lengths.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect()
    }

    /// The example of RFC 1951, section 3.2.2.
    #[test]
    fn codewords_are_canonical() {
        let lengths = packed(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let decoder = Code::huffman(8, &lengths).unwrap().decoder();
        let expected =
            [(0, "010"), (1, "011"), (2, "100"), (3, "101"), (4, "110"), (5, "00"), (6, "1110"), (7, "1111")];
        for (symbol, code) in expected {
            let word = u64::from_str_radix(code, 2).unwrap() << (64 - code.len());
            assert_eq!(decoder.read(word), Some((symbol, code.len() as u32)));
            assert_eq!(decoder.read(word | (1 << 40)), Some((symbol, code.len() as u32)));
        }
    }

    #[test]
    fn codes_that_do_not_fit_are_refused() {
        let refused = |lengths: &[u8]| Code::huffman(lengths.len(), &packed(lengths)).unwrap_err();
        assert_eq!(refused(&[1, 1, 1]), "a Huffman code has more codewords than fit");
        assert_eq!(refused(&[1; 4096]), "a Huffman code has more codewords than fit");
        assert_eq!(refused(&[0, 1, 0]), "a Huffman code has codewords without a meaning");
        assert_eq!(refused(&[0; 5]), "a Huffman code has codewords without a meaning");
        assert_eq!(refused(&[]), "a Huffman code has codewords without a meaning");
        assert_eq!(Code::huffman(3, &[0x12, 0x21]).unwrap_err(), "a Huffman code has more lengths than symbols");
        assert!(Code::huffman(3, &[0x12, 0x20]).is_ok());
    }

    #[test]
    fn numbers_beyond_the_last_symbol_are_refused() {
        let decoder = Code::Fixed { symbols: 5 }.decoder();
        assert_eq!(decoder.read(0b100 << 61), Some((4, 3)));
        assert_eq!(decoder.read(0b101 << 61), None);
        assert_eq!(Code::Fixed { symbols: 1 }.decoder().read(u64::MAX), Some((0, 0)));
        assert_eq!(Code::Fixed { symbols: 0 }.decoder().read(0), None);
        assert_eq!([0, 1, 2, 3, 4, 5, 4096].map(width), [0, 0, 1, 2, 2, 3, 12]);
    }
}
