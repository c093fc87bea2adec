//! Streams of bits, the highest bit of a byte first.

/// Reads bits. Behind the end there are zeros; [`is_at_end`](BitReader::is_at_end) tells whether they were read.
#[derive(Debug, Clone)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit's index.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, the first one highest: at least 57 of them, then zeros.
    pub(crate) fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => *word,
            None => {
                let mut word = [0; 8];
                word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                word
            }
        };
        u64::from_be_bytes(word) << (self.at % 8)
    }

    /// Goes on by so many bits, at most 57.
    pub(crate) fn skip(&mut self, bits: u32) {
        // An array has at most 2^31 entries of less than 64 bits each; where that does not fit, the end is missed.
        self.at = self.at.saturating_add(bits as usize);
    }

    /// Whether everything was read but zeros that fill the last byte, and nothing behind.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len() && (self.at.is_multiple_of(8) || self.peek() >> 56 == 0)
    }
}

/// The first `bits` bits of a word, at most 32, as a number.
pub(crate) fn first(word: u64, bits: u32) -> u32 {
    // In two shifts, since one by 64 is none.
    ((word >> 1) >> (63 - bits.min(32))) as u32
}

/// Writes bits.
#[cfg(feature = "write")]
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that have not filled a byte yet, the last one lowest.
    pending: u64,
    /// How many there are.
    len: u32,
}

#[cfg(feature = "write")]
impl BitWriter {
    /// Appends the lowest `bits` bits of a number, at most 32.
    pub(crate) fn push(&mut self, number: u32, bits: u32) {
        self.pending = (self.pending << bits) | u64::from(number);
        self.len += bits;
        while self.len >= 8 {
            self.len -= 8;
            self.bytes.push((self.pending >> self.len) as u8);
        }
        self.pending &= (1 << self.len) - 1;
    }

    /// The bytes, the last one filled with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.push(0, (8 - self.len) % 8);
        self.bytes
    }
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let numbers: Vec<(u32, u32)> = (0..2000_u32).map(|i| (i.wrapping_mul(2_654_435_761), i * 7 % 33)).collect();
        let mut writer = BitWriter::default();
        let low = |x: u32, n: u32| if n == 0 { 0 } else { x >> (32 - n) };
        for &(x, n) in &numbers {
            writer.push(low(x, n), n);
        }
        let bytes = writer.finish();
        let mut reader = BitReader::new(&bytes);
        for &(x, n) in &numbers {
            assert!(!reader.is_at_end() || n == 0 || low(x, n) == 0);
            assert_eq!(first(reader.peek(), n), low(x, n));
            reader.skip(n);
        }
        assert!(reader.is_at_end());
        assert_eq!(reader.clone().peek() >> 1, 0, "behind the end there are zeros");
        reader.skip(8);
        assert!(!reader.is_at_end());
    }

    #[test]
    fn what_fills_the_last_byte_is_zero() {
        let mut reader = BitReader::new(&[0b1010_0000]);
        reader.skip(3);
        assert!(reader.is_at_end());
        let mut reader = BitReader::new(&[0b1010_0001]);
        reader.skip(3);
        assert!(!reader.is_at_end());
        assert!(BitReader::new(&[]).is_at_end() && !BitReader::new(&[0]).is_at_end());
    }
}
