//! Reading: the file's frame, what it says of its arrays, and their numbers.

use std::collections::BTreeSet;

use crate::bits::{BitReader, first};
use crate::code::{Code, Decoder};
use crate::difference::{Difference, Mismatch, Wanted};
use crate::error::NwzError;
use crate::{MAGIC, MAX_COUNT, MAX_GAP_BITS, MAX_RANK, MAX_VALUES, VERSION, VERSION_INT8};

/// A file that is checked: its checksum is right, and everything that it says of its arrays makes sense.
#[derive(Debug)]
pub struct Archive<'a> {
    /// The network that it was written for.
    pub network: &'a str,
    /// The fingerprint of that network.
    pub fingerprint: &'a str,
    /// The arrays, in the order of the file. No two have the same name.
    pub arrays: Vec<Array<'a>>,
    /// How the bytes of each tensor stand for its numbers, of a file for inference in integers; no two have the same name.
    pub ranges: Option<Vec<Range<'a>>>,
}

/// How the bytes of a tensor stand for its numbers: `scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range<'a> {
    /// The tensor's name: that of the value which it is first known by.
    pub name: &'a str,
    /// The distance between two neighbouring numbers: positive, finite, and not too small to be exact.
    pub scale: f32,
    /// The byte that stands for zero, at most 127.
    pub zero: u8,
}

/// One array of a file.
#[derive(Debug)]
pub struct Array<'a> {
    name: &'a str,
    shape: Vec<usize>,
    /// The product of the shape.
    count: usize,
    gaps: Code<'a>,
    values: Values<'a>,
    /// How many numbers are written; all others are zero.
    entries: usize,
    stream: &'a [u8],
    /// What the numbers are multiplied by, a float for each place on the last axis; empty where they are as they are.
    scales: &'a [[u8; 4]],
}

/// How an entry's number is written.
#[derive(Debug)]
enum Values<'a> {
    /// As the 32 bits of a float.
    Verbatim,
    /// As a symbol: a place in the list of the shared values, which are four bytes each.
    Shared(Code<'a>, &'a [u8]),
}

/// Bytes before the network's name: what every file starts with, the version, and the file's length.
const FRAME: usize = MAGIC.len() + 4 + 8;

/// Bytes of the checksum at the end.
const CHECKSUM: usize = 4;

impl<'a> Archive<'a> {
    /// Checks a file and what it says of its arrays. Their numbers are not looked at, and nothing is allocated that the
    /// file is not as long as.
    ///
    /// # Errors
    ///
    /// [`NwzError`], for every file that is cut off, changed, or not written by the rules.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NwzError> {
        let (content, version) = content(bytes)?;
        let mut cursor = Cursor(content);
        let network = cursor.text()?;
        let fingerprint = cursor.text()?;
        let n_arrays = cursor.number()?;
        let mut arrays: Vec<Array<'a>> = Vec::new();
        for _ in 0..n_arrays {
            arrays.push(array(&mut cursor, version)?);
        }
        let ranges = if version == VERSION_INT8 { Some(ranges(&mut cursor)?) } else { None };
        if !cursor.0.is_empty() {
            return Err(malformed("there are bytes behind the last array"));
        }
        if let Some(name) = twice(arrays.iter().map(Array::name)) {
            return Err(of_array(name, "two arrays have this name"));
        }
        if let Some(name) = twice(ranges.iter().flatten().map(|range| range.name)) {
            return Err(of_array(name, "two ranges have this name"));
        }
        Ok(Self { network, fingerprint, arrays, ranges })
    }
}

/// A name that occurs more than once.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

impl Archive<'_> {
    /// Checks that the file has exactly these arrays.
    ///
    /// # Errors
    ///
    /// With every difference.
    pub fn check<'w>(
        &self,
        wanted: Wanted<'_, impl IntoIterator<Item = (&'w str, &'w [usize])>>,
    ) -> Result<(), Box<Mismatch>> {
        let found = self.arrays.iter().map(|array| (array.name(), array.shape()));
        wanted.compare(Some((self.network, self.fingerprint)), found, |_| None)
    }

    /// Checks that a file for inference in integers has exactly the network's ranges, `tensors`, and integers for
    /// `weights`, in this order; its arrays agree already.
    ///
    /// # Errors
    ///
    /// With every difference.
    pub fn check_int8<'w>(
        &self,
        network: &str,
        fingerprint: &str,
        tensors: impl IntoIterator<Item = &'w str>,
        weights: impl IntoIterator<Item = &'w str>,
    ) -> Result<(), Box<Mismatch>> {
        let ranges = self.ranges.as_deref().unwrap_or_default();
        let mut unexpected: BTreeSet<&str> = ranges.iter().map(|range| range.name).collect();
        let mut differences = Vec::new();
        for name in tensors {
            if !unexpected.remove(name) {
                differences.push(Difference::MissingRange { name: name.to_owned() });
            }
        }
        differences.extend(unexpected.into_iter().map(|name| Difference::UnexpectedRange { name: name.to_owned() }));
        let floats: BTreeSet<&str> =
            self.arrays.iter().filter(|array| array.scales.is_empty()).map(Array::name).collect();
        let floats = weights.into_iter().filter(|name| floats.contains(name));
        differences.extend(floats.map(|name| Difference::Floats { name: name.to_owned() }));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Box::new(Mismatch {
            network: network.to_owned(),
            fingerprint: fingerprint.to_owned(),
            writer: Some((self.network.to_owned(), self.fingerprint.to_owned())),
            differences,
        }))
    }
}

impl Archive<'_> {
    /// Checks that the weights of a layer can be computed with in integers: they are integers from -127 to 127, and what
    /// their sums are multiplied by fits a float. The names are those of its weights, of the tensor that it reads and of
    /// the one that it writes, if that is not floats.
    ///
    /// # Errors
    ///
    /// [`NwzError::Malformed`] if it cannot, or something is not in the file.
    pub fn check_integers(&self, weight: &str, input: &str, output: Option<&str>) -> Result<(), NwzError> {
        let range = |name: &str| self.ranges.iter().flatten().find(|range| range.name == name);
        let absent = || of_array(weight, "a part of it is not in the file");
        let array = self.arrays.iter().find(|array| array.name == weight).ok_or_else(absent)?;
        let input = range(input).ok_or_else(absent)?.scale;
        let output = output.map(|name| range(name).ok_or_else(absent)).transpose()?.map_or(1.0, |range| range.scale);
        let mut numbers = vec![0.0_f32; array.count];
        array.decode_unscaled(&mut numbers)?;
        if !numbers.iter().all(|number| number.fract() == 0.0 && number.abs() <= MAX_WEIGHT) {
            return Err(of_array(weight, "a weight is no integer from -127 to 127"));
        }
        let fits = array.scales().all(|scale| (input * scale).is_normal() && (input * scale / output).is_finite());
        if fits { Ok(()) } else { Err(of_array(weight, "a scale is too large or too small")) }
    }
}

/// The largest magnitude of a weight.
const MAX_WEIGHT: f32 = 127.0;

/// What stands between the frame and the checksum, both of which are right, and the version.
fn content(bytes: &[u8]) -> Result<(&[u8], u32), NwzError> {
    if !bytes.starts_with(&MAGIC) {
        // What is cut off within the first bytes is cut off all the same.
        let is_start = !bytes.is_empty() && MAGIC.starts_with(bytes);
        return Err(if is_start { too_short(bytes) } else { NwzError::Magic });
    }
    let mut cursor = Cursor(bytes.get(MAGIC.len()..).unwrap_or_default());
    let version = cursor.number().map_err(|_| too_short(bytes))?;
    if !matches!(version, VERSION | VERSION_INT8) {
        return Err(NwzError::Version { found: version });
    }
    let expected = cursor.long().map_err(|_| too_short(bytes))?;
    let found = bytes.len() as u64;
    if expected != found {
        return Err(NwzError::Length { expected, found });
    }
    let (checked, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(|| too_short(bytes))?;
    let (expected, found) = (u32::from_le_bytes(*sum), crc32fast::hash(checked));
    if expected != found {
        return Err(NwzError::Checksum { expected, found });
    }
    checked.get(FRAME..).map(|content| (content, version)).ok_or_else(|| too_short(bytes))
}

fn too_short(bytes: &[u8]) -> NwzError {
    NwzError::Length { expected: (FRAME + CHECKSUM) as u64, found: bytes.len() as u64 }
}

fn malformed(reason: &'static str) -> NwzError {
    NwzError::Malformed { array: None, reason }
}

fn of_array(name: &str, reason: &'static str) -> NwzError {
    NwzError::Malformed { array: Some(name.to_owned()), reason }
}

/// Reads what the file says of an array.
fn array<'a>(cursor: &mut Cursor<'a>, version: u32) -> Result<Array<'a>, NwzError> {
    let name = cursor.text()?;
    described(name, cursor, version).map_err(|error| match error {
        NwzError::Malformed { array: None, reason } => of_array(name, reason),
        other => other,
    })
}

fn described<'a>(name: &'a str, cursor: &mut Cursor<'a>, version: u32) -> Result<Array<'a>, NwzError> {
    let rank = usize::from(cursor.byte()?);
    if rank > MAX_RANK {
        return Err(malformed("it has too many axes"));
    }
    let mut shape = Vec::with_capacity(rank);
    let mut count = 1_usize;
    for _ in 0..rank {
        let size = cursor.size()?;
        count =
            count.checked_mul(size).filter(|&count| count <= MAX_COUNT).ok_or(malformed("it has too many numbers"))?;
        shape.push(size);
    }
    let gaps = match (u32::from(cursor.byte()?), cursor.byte()?) {
        (bits, _) if bits > MAX_GAP_BITS => return Err(malformed("its gaps are too wide")),
        (bits, 0) => Code::Fixed { symbols: 1 << bits },
        (bits, 1) => cursor.huffman(1 << bits)?,
        _ => return Err(malformed("its gaps are written in an unknown way")),
    };
    let values = match cursor.byte()? {
        0 => Values::Verbatim,
        kind @ (1 | 2) => {
            let symbols = usize::from(cursor.short()?);
            if symbols > MAX_VALUES {
                return Err(malformed("it shares too many values"));
            }
            let list = cursor.bytes(4 * symbols)?;
            let code = if kind == 1 { Code::Fixed { symbols } } else { cursor.huffman(symbols)? };
            Values::Shared(code, list)
        }
        _ => return Err(malformed("its values are written in an unknown way")),
    };
    let entries = cursor.size()?;
    if entries > count {
        return Err(malformed("it has more entries than numbers"));
    }
    let len = cursor.size()?;
    let stream = cursor.bytes(len)?;
    let scales = if version == VERSION_INT8 { scales(&shape, cursor)? } else { &[] };
    Ok(Array { name, shape, count, gaps, values, entries, stream, scales })
}

/// What an array's numbers are multiplied by.
fn scales<'a>(shape: &[usize], cursor: &mut Cursor<'a>) -> Result<&'a [[u8; 4]], NwzError> {
    let channels = match cursor.byte()? {
        0 => return Ok(&[]),
        1 => shape.last().copied().filter(|&channels| channels > 0).ok_or(malformed("it has no channels to scale"))?,
        _ => return Err(malformed("its scales are written in an unknown way")),
    };
    let len = channels.checked_mul(4).ok_or(malformed("it has too many channels"))?;
    let (scales, _) = cursor.bytes(len)?.as_chunks();
    match scales.iter().map(|&scale| f32::from_le_bytes(scale)).all(is_scale) {
        true => Ok(scales),
        false => Err(malformed("a scale is not a positive number")),
    }
}

/// Whether a number can scale others.
fn is_scale(scale: f32) -> bool {
    scale.is_normal() && scale > 0.0 && scale.recip().is_finite()
}

/// The ranges of a file for inference in integers.
fn ranges<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Range<'a>>, NwzError> {
    let count = cursor.number()?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        let name = cursor.text()?;
        let (scale, zero) = (f32::from_le_bytes(cursor.chunk()?), cursor.byte()?);
        if !is_scale(scale) || zero > MAX_ZERO {
            return Err(of_array(name, "its range is none"));
        }
        ranges.push(Range { name, scale, zero });
    }
    Ok(ranges)
}

/// The largest byte of a tensor, and so the largest that can stand for zero.
const MAX_ZERO: u8 = 127;

impl Array<'_> {
    /// The parameter's name, such as `conv1.weight`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// The shape; the numbers are in its order, the last axis fastest.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it has: the product of the shape.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Writes the numbers to `out`, which has room for exactly [`count`](Self::count) of them. Takes time in proportion
    /// to that number, whatever the file says.
    ///
    /// # Errors
    ///
    /// [`NwzError::Malformed`] if `out` has another length, or the array's stream is not written by the rules; `out` then
    /// holds anything.
    pub fn decode(&self, out: &mut [f32]) -> Result<(), NwzError> {
        self.decode_unscaled(out)?;
        for channels in out.chunks_exact_mut(self.scales.len().max(1)) {
            channels.iter_mut().zip(self.scales()).for_each(|(number, scale)| *number *= scale);
        }
        Ok(())
    }

    /// As [`decode`](Self::decode), before the numbers are multiplied by their scales.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn decode_unscaled(&self, out: &mut [f32]) -> Result<(), NwzError> {
        self.fill(out).map_err(|reason| of_array(self.name, reason))
    }

    /// What the numbers are multiplied by, for each place on the last axis; none where they are as they are.
    pub fn scales(&self) -> impl ExactSizeIterator<Item = f32> {
        self.scales.iter().map(|&scale| f32::from_le_bytes(scale))
    }

    fn fill(&self, out: &mut [f32]) -> Result<(), &'static str> {
        if out.len() != self.count {
            return Err("the room for it has another size");
        }
        out.fill(0.0);
        let gaps = self.gaps.decoder();
        let values = match &self.values {
            Values::Verbatim => None,
            Values::Shared(code, list) => {
                let (list, _) = list.as_chunks();
                Some((code.decoder(), list.iter().map(|&value| f32::from_le_bytes(value)).collect::<Vec<f32>>()))
            }
        };
        let mut bits = BitReader::new(self.stream);
        let mut rest = out.iter_mut();
        for _ in 0..self.entries {
            let gap = take(&gaps, &mut bits)?;
            let value = match &values {
                None => {
                    let value = f32::from_bits(first(bits.peek(), 32));
                    bits.skip(32);
                    value
                }
                Some((code, list)) => *list.get(take(code, &mut bits)?).ok_or(NO_VALUE)?,
            };
            *rest.nth(gap).ok_or("an entry is behind the last number")? = value;
        }
        if bits.is_at_end() { Ok(()) } else { Err("its stream is not as long as its entries") }
    }
}

const NO_VALUE: &str = "a symbol has no value";

/// The next symbol.
fn take(code: &Decoder, bits: &mut BitReader<'_>) -> Result<usize, &'static str> {
    let (symbol, len) = code.read(bits.peek()).ok_or(NO_VALUE)?;
    bits.skip(len);
    Ok(symbol)
}

/// What is left to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], NwzError> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(malformed("it ends within an array"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], NwzError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(malformed("it ends within an array"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn byte(&mut self) -> Result<u8, NwzError> {
        self.chunk().map(u8::from_le_bytes)
    }

    fn short(&mut self) -> Result<u16, NwzError> {
        self.chunk().map(u16::from_le_bytes)
    }

    fn number(&mut self) -> Result<u32, NwzError> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Result<u64, NwzError> {
        self.chunk().map(u64::from_le_bytes)
    }

    /// A number as a size.
    fn size(&mut self) -> Result<usize, NwzError> {
        usize::try_from(self.number()?).map_err(|_| malformed("a size does not fit into memory"))
    }

    /// A text with its length in front.
    fn text(&mut self) -> Result<&'a str, NwzError> {
        let len = usize::from(self.short()?);
        std::str::from_utf8(self.bytes(len)?).map_err(|_| malformed("a name is not UTF-8"))
    }

    /// The lengths of a Huffman code.
    fn huffman(&mut self, symbols: usize) -> Result<Code<'a>, NwzError> {
        Code::huffman(symbols, self.bytes(symbols.div_ceil(2))?).map_err(malformed)
    }
}
