//! How an array is written, chosen by what it takes.

use std::collections::HashMap;

use super::huffman;
use crate::bits::BitWriter;
use crate::code::width;
use crate::{MAX_GAP_BITS, MAX_VALUES};

/// A way to write an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// Numbers that are written, fillers included.
    pub entries: usize,
    /// Zeros that are written because a gap is too wide for one.
    pub fillers: usize,
    /// Different values that are shared, zero as a filler included; 0 where each entry has a float of its own.
    pub values: usize,
    /// Bits of a gap, or those that it would take without Huffman's code; 0 where nothing is left out.
    pub gap_bits: u32,
    /// Whether gaps have a Huffman code.
    pub gap_huffman: bool,
    /// Whether values have a Huffman code.
    pub value_huffman: bool,
    /// Bits of all gaps.
    pub gaps_len: u64,
    /// Bits of all values.
    pub values_len: u64,
    /// Bytes of the lists that the streams need: the shared values, the lengths of the codes.
    pub tables: usize,
}

impl Coding {
    /// Bytes of lists and stream.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables as u64 + (self.gaps_len + self.values_len).div_ceil(8)
    }
}

/// What is to be known of an array for writing it.
#[derive(Debug)]
pub(super) struct Plan {
    /// The places of the numbers that are not zero.
    places: Vec<usize>,
    /// The values that are shared, in order; `None` where each entry has a float of its own.
    values: Option<Vec<f32>>,
    best: Coding,
    fixed: Coding,
}

/// A number is left out if its bits are zero, so that `-0.0` comes back as it was.
fn is_kept(number: f32) -> bool {
    number.to_bits() != 0
}

/// Bits of a float.
const VERBATIM: u64 = 32;

impl Plan {
    /// Looks at all ways to write an array.
    pub(super) fn best(numbers: &[f32]) -> Self {
        let kept = numbers.iter().enumerate().filter(|(_, number)| is_kept(**number));
        let (mut places, mut counts) = (Vec::new(), HashMap::<u32, u64>::new());
        for (place, number) in kept {
            places.push(place);
            // Once they are too many, which ones they are is of no interest.
            if counts.len() <= MAX_VALUES {
                *counts.entry(number.to_bits()).or_default() += 1;
            }
        }
        let (mut best, mut fixed) = (None, None);
        for gap_bits in 0..=MAX_GAP_BITS {
            let shape = Shape::of(numbers.len(), &places, gap_bits);
            for coding in shape.codings(&counts) {
                keep_smaller(&mut best, coding);
                if !(coding.gap_huffman || coding.value_huffman) {
                    keep_smaller(&mut fixed, coding);
                }
            }
        }
        // Writing floats as they are, nothing left out, is always possible.
        let verbatim = Shape::of(numbers.len(), &places, 0).verbatim();
        let (best, fixed) = (best.unwrap_or(verbatim), fixed.unwrap_or(verbatim));
        let values = (best.values > 0).then(|| {
            let mut values: Vec<f32> = counts.keys().map(|&bits| f32::from_bits(bits)).collect();
            if best.values > values.len() {
                values.push(0.0);
            }
            values.sort_by(f32::total_cmp);
            values
        });
        Self { places, values, best, fixed }
    }

    pub(super) fn kept(&self) -> usize {
        self.places.len()
    }

    pub(super) fn coding(&self) -> Coding {
        self.best
    }

    pub(super) fn fixed(&self) -> Coding {
        self.fixed
    }

    /// Appends the array as it is planned, from its gaps on.
    pub(super) fn write(&self, numbers: &[f32], bytes: &mut Vec<u8>) {
        let Coding { entries, gap_bits, gap_huffman, value_huffman, .. } = self.best;
        let written = entries_of(numbers, &self.places, gap_bits);
        let symbol = |value: f32| {
            let values = self.values.as_deref().unwrap_or_default();
            values.binary_search_by(|known| known.total_cmp(&value)).unwrap_or(0)
        };
        bytes.push(gap_bits as u8);
        bytes.push(u8::from(gap_huffman));
        let gaps = Words::of(1 << gap_bits, gap_huffman, written.iter().map(|&(gap, _)| gap));
        bytes.extend(&gaps.table);
        let values = match &self.values {
            None => {
                bytes.push(0);
                None
            }
            Some(values) => {
                bytes.push(if value_huffman { 2 } else { 1 });
                // At most 2^12.
                bytes.extend((values.len() as u16).to_le_bytes());
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                let words = Words::of(values.len(), value_huffman, written.iter().map(|&(_, value)| symbol(value)));
                bytes.extend(&words.table);
                Some(words)
            }
        };
        let mut stream = BitWriter::default();
        for (gap, value) in written {
            gaps.push(gap, &mut stream);
            match &values {
                None => stream.push(value.to_bits(), VERBATIM as u32),
                Some(words) => words.push(symbol(value), &mut stream),
            }
        }
        let stream = stream.finish();
        // Both are below 2^32: the numbers are at most 2^29, and take no more bits than as floats.
        bytes.extend((entries as u32).to_le_bytes());
        bytes.extend((stream.len() as u32).to_le_bytes());
        bytes.extend(stream);
    }
}

fn keep_smaller(best: &mut Option<Coding>, coding: Coding) {
    if best.is_none_or(|best| coding.bytes() < best.bytes()) {
        *best = Some(coding);
    }
}

/// What an array is with gaps of some width.
struct Shape {
    gap_bits: u32,
    /// How often each gap occurs.
    gaps: Vec<u64>,
    kept: usize,
    fillers: usize,
    /// Zeros that are written though no gap is too wide: all of them where nothing is left out.
    zeros: usize,
}

impl Shape {
    fn of(count: usize, places: &[usize], gap_bits: u32) -> Self {
        let mut gaps = vec![0; 1 << gap_bits];
        let (kept, span) = (places.len(), 1_usize << gap_bits);
        if gap_bits == 0 {
            gaps[0] = count as u64;
            return Self { gap_bits, gaps, kept, fillers: 0, zeros: count - kept };
        }
        let (mut next, mut fillers) = (0, 0);
        for &place in places {
            let gap = place - next;
            // A filler stands behind the widest gap.
            fillers += gap / span;
            gaps[gap % span] += 1;
            next = place + 1;
        }
        gaps[span - 1] += fillers as u64;
        Self { gap_bits, gaps, kept, fillers, zeros: 0 }
    }

    /// Written as floats.
    fn verbatim(&self) -> Coding {
        let entries = self.kept + self.fillers + self.zeros;
        Coding {
            entries,
            fillers: self.fillers,
            values: 0,
            gap_bits: self.gap_bits,
            gap_huffman: false,
            value_huffman: false,
            gaps_len: entries as u64 * u64::from(self.gap_bits),
            values_len: entries as u64 * VERBATIM,
            tables: 0,
        }
    }

    /// All ways to write it; `counts` says how often each value occurs that is not zero.
    fn codings(&self, counts: &HashMap<u32, u64>) -> Vec<Coding> {
        let mut codings = vec![self.verbatim()];
        let zeros = (self.fillers + self.zeros) as u64;
        let n_values = counts.len() + usize::from(zeros > 0);
        if n_values <= MAX_VALUES {
            let entries = codings[0].entries as u64;
            let list = 4 * n_values;
            let fixed = Coding {
                values: n_values,
                values_len: entries * u64::from(width(n_values)),
                tables: list,
                ..codings[0]
            };
            codings.push(fixed);
            if n_values > 1 {
                // The order is of no concern to the sum.
                let frequencies: Vec<u64> = counts.values().copied().chain((zeros > 0).then_some(zeros)).collect();
                codings.push(Coding {
                    value_huffman: true,
                    values_len: coded_len(&frequencies),
                    tables: list + n_values.div_ceil(2),
                    ..fixed
                });
            }
        }
        if self.gap_bits > 0 {
            let (gaps_len, table) = (coded_len(&self.gaps), self.gaps.len().div_ceil(2));
            let with_gaps =
                |coding: &Coding| Coding { gap_huffman: true, gaps_len, tables: coding.tables + table, ..*coding };
            let more: Vec<Coding> = codings.iter().map(with_gaps).collect();
            codings.extend(more);
        }
        codings
    }
}

/// Bits of all symbols by Huffman's code.
fn coded_len(frequencies: &[u64]) -> u64 {
    let lengths = huffman::lengths(frequencies);
    frequencies.iter().zip(lengths).map(|(frequency, length)| frequency * u64::from(length)).sum()
}

/// The entries: how many numbers are left out before each, and its value.
fn entries_of(numbers: &[f32], places: &[usize], gap_bits: u32) -> Vec<(usize, f32)> {
    if gap_bits == 0 {
        return numbers.iter().map(|&number| (0, number)).collect();
    }
    let span = 1_usize << gap_bits;
    let (mut entries, mut next) = (Vec::with_capacity(places.len()), 0);
    for &place in places {
        let gap = place - next;
        entries.extend(std::iter::repeat_n((span - 1, 0.0), gap / span));
        entries.push((gap % span, numbers[place]));
        next = place + 1;
    }
    entries
}

/// The codewords of symbols.
struct Words {
    /// What the file says of them.
    table: Vec<u8>,
    /// Each symbol's codeword and its length.
    words: Vec<(u32, u32)>,
}

impl Words {
    fn of(n_symbols: usize, is_huffman: bool, symbols: impl Iterator<Item = usize>) -> Self {
        if !is_huffman {
            let words = (0..n_symbols as u32).map(|symbol| (symbol, width(n_symbols))).collect();
            return Self { table: Vec::new(), words };
        }
        let mut frequencies = vec![0; n_symbols];
        symbols.for_each(|symbol| frequencies[symbol] += 1);
        let lengths = huffman::lengths(&frequencies);
        let words = huffman::codewords(&lengths).into_iter().zip(lengths.iter().map(|&length| u32::from(length)));
        Self { words: words.collect(), table: huffman::packed(&lengths).collect() }
    }

    fn push(&self, symbol: usize, stream: &mut BitWriter) {
        let (word, len) = self.words[symbol];
        stream.push(word, len);
    }
}
