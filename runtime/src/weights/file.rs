//! Files of named arrays: safetensors with a checksum over metadata and data, written atomically, read with limits.
//!
//! Weights and checkpoints are both such files. Arrays lie in the file in the order of their names, row-major and
//! little-endian as the format asks, so that the same numbers give the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use netwright_nwz::Wanted;
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::error::WeightsError;
use crate::error::Error;
use crate::spec::{ParameterSpec, Spec};
use crate::{atomic, parameters};

/// The version of what the metadata means.
const VERSION: &str = "1";

/// Metadata key of the checksum, which is not part of what it checks.
const CHECKSUM: &str = "netwright.crc32";

/// One array of a file: where it is found in a stored vector, and its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// What the parameter's name is prefixed with in the file, such as `velocity/`.
    pub(crate) prefix: &'a str,
    pub(crate) parameter: &'static ParameterSpec,
    /// The stored vector that the parameter lies in.
    pub(crate) vector: &'a [f32],
}

impl Entry<'_> {
    fn name(&self) -> String {
        format!("{}{}", self.prefix, self.parameter.name)
    }
}

/// The arrays of a stored vector, all of the network's or the trained ones, as far as the vector reaches.
pub(crate) fn entries<'a>(spec: &'static Spec, prefix: &'a str, vector: &'a [f32]) -> impl Iterator<Item = Entry<'a>> {
    let covered = spec.parameters.iter().filter(|parameter| parameter.offset < vector.len());
    covered.map(move |parameter| Entry { prefix, parameter, vector })
}

/// What a file says of itself besides its arrays.
pub(crate) type Notes = BTreeMap<String, String>;

/// The notes that every file has: what it holds and which network wrote it.
pub(crate) fn notes(spec: &Spec, kind: &str) -> Notes {
    let note = |key: &str, value: &str| (format!("netwright.{key}"), value.to_owned());
    Notes::from([
        note("version", VERSION),
        note("kind", kind),
        note("network", spec.name),
        note("fingerprint", spec.fingerprint),
    ])
}

/// Writes arrays and notes to `out`.
pub(crate) fn write(out: &mut impl Write, notes: &Notes, arrays: Vec<Entry<'_>>) -> io::Result<()> {
    let mut named: Vec<(String, Entry<'_>)> = arrays.into_iter().map(|entry| (entry.name(), entry)).collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut scratch = Scratch::default();

    let mut checksum = checksum_of(notes);
    for (_, entry) in &named {
        checksum.update(scratch.bytes(entry));
    }
    let header = header(notes, checksum.finalize(), &named)?;
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    named.iter().try_for_each(|(_, entry)| out.write_all(scratch.bytes(entry)))
}

/// Writes a file so that at any moment either the old or the whole new one is there, also after a loss of power.
pub(crate) fn save(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    atomic::replace(path, write).map_err(Error::io("write", path))
}

/// An array's elements as the file has them, kept to be reused.
#[derive(Default)]
struct Scratch {
    logical: Vec<f32>,
    bytes: Vec<u8>,
}

impl Scratch {
    fn bytes(&mut self, entry: &Entry<'_>) -> &[u8] {
        parameters::unpack(entry.parameter, entry.vector, &mut self.logical);
        self.bytes.clear();
        self.bytes.extend(self.logical.iter().flat_map(|value| value.to_le_bytes()));
        &self.bytes
    }
}

/// The JSON header, padded to a multiple of 8 bytes. Written here and not by the library, whose maps have no order.
fn header(notes: &Notes, checksum: u32, named: &[(String, Entry<'_>)]) -> io::Result<String> {
    // Not by way of a `Value`, which would link the printing of floats.
    let text = |text: &str| serde_json::to_string(text).map_err(io::Error::from);
    let mut header = format!("{{\"__metadata__\":{{{}:\"{checksum:08x}\"", text(CHECKSUM)?);
    for (key, value) in notes {
        header += &format!(",{}:{}", text(key)?, text(value)?);
    }
    header.push('}');
    let mut start = 0;
    for (name, entry) in named {
        let end = start + 4 * entry.parameter.count();
        let shape = entry.parameter.shape;
        header +=
            &format!(",{}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}", text(name)?);
        start = end;
    }
    header.push('}');
    let padding = header.len().next_multiple_of(8) - header.len();
    Ok(header + &" ".repeat(padding))
}

/// A checksum that has seen the notes.
fn checksum_of<'n>(notes: impl IntoIterator<Item = (&'n String, &'n String)>) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    for (key, value) in notes {
        for text in [key, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher
}

/// A parsed header.
#[derive(Debug)]
pub(crate) struct Header {
    metadata: Metadata,
    notes: Notes,
    /// Bytes of data that belong to it.
    data: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, WeightsError> {
        // The parser stops at 128 levels of nesting, and checks that arrays follow one another without gaps.
        let metadata: Metadata = serde_json::from_slice(bytes)
            .map_err(|error| WeightsError::Header { reason: error.to_string().escape_debug().to_string() })?;
        let notes = metadata.metadata().iter().flat_map(HashMap::iter);
        let notes = notes.map(|(key, value)| (key.clone(), value.clone())).collect();
        let data = metadata.data_len() as u64;
        Ok(Self { metadata, notes, data })
    }

    /// What the file says of itself.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(&format!("netwright.{key}")).map(String::as_str)
    }

    /// Checks that a file of ours is of this version and kind. Files made elsewhere say nothing, and pass.
    fn check_kind(&self, kind: &'static str) -> Result<(), WeightsError> {
        match self.note("version") {
            Some(VERSION) | None => {}
            Some(found) => return Err(WeightsError::Version { expected: VERSION.to_owned(), found: found.to_owned() }),
        }
        match self.note("kind") {
            Some(found) if found != kind => Err(WeightsError::Kind { expected: kind, found: found.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Checks that the file has exactly these arrays, of 32-bit floats.
    pub(crate) fn check_arrays(
        &self,
        spec: &'static Spec,
        wanted: impl IntoIterator<Item = (String, &'static [usize])>,
    ) -> Result<(), WeightsError> {
        let wanted: Vec<(String, &[usize])> = wanted.into_iter().collect();
        let found = self.metadata.tensors();
        let found: Vec<(&str, &[usize])> =
            found.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice())).collect();
        let other_type = |name: &str| {
            let dtype = self.metadata.info(name).map_or(Dtype::F32, |info| info.dtype);
            (dtype != Dtype::F32).then(|| dtype.to_string())
        };
        let arrays = wanted.iter().map(|(name, shape)| (name.as_str(), *shape));
        let wanted = Wanted { network: spec.name, fingerprint: spec.fingerprint, arrays };
        Ok(wanted.compare(self.note("network").zip(self.note("fingerprint")), found, other_type)?)
    }

    /// The noted checksum, and one that has seen the notes; `None` where the file was made elsewhere.
    fn noted_sum(&self) -> Result<Option<(&str, crc32fast::Hasher)>, WeightsError> {
        let Some(noted) = self.notes.get(CHECKSUM) else {
            if self.notes.keys().any(|key| key.starts_with("netwright.")) {
                return Err(WeightsError::Header { reason: format!("the note `{CHECKSUM}` is missing") });
            }
            return Ok(None);
        };
        Ok(Some((noted, checksum_of(self.notes.iter().filter(|(key, _)| *key != CHECKSUM)))))
    }
}

/// Bytes that are read at a time: a file need not be in memory to become parameters, whose layout is another.
const PIECE: usize = 32 << 10;

/// A file's bytes from the data on, with the header that was in front.
#[derive(Debug)]
pub(crate) struct Opened<R> {
    pub(crate) header: Header,
    source: R,
    /// Bytes of data that are there.
    len: u64,
}

/// Opens a file and reads its header, of at most `header_limit` bytes.
#[cfg(feature = "train")]
pub(crate) fn open(path: &Path, kind: &'static str, header_limit: u64) -> Result<Opened<File>, OpenError> {
    let (file, len) = open_ordinary(path)?;
    Opened::new(file, len, kind, header_limit)
}

/// Opens an ordinary file, and tells its length.
pub(crate) fn open_ordinary(path: &Path) -> Result<(File, u64), OpenError> {
    let io = |action| move |error| OpenError::Io(action, error);
    // Looked at before it is opened, since opening a pipe waits for a writer.
    if !fs::metadata(path).map_err(io("open"))?.is_file() {
        return Err(WeightsError::NotAFile.into());
    }
    let file = File::open(path).map_err(io("open"))?;
    let len = file.metadata().map_err(io("read"))?.len();
    Ok((file, len))
}

/// Why a file could not be opened.
pub(crate) enum OpenError {
    Io(&'static str, io::Error),
    Weights(WeightsError),
}

impl OpenError {
    /// The same of a file of weights.
    pub(crate) fn of(self, path: &Path) -> Error {
        match self {
            Self::Io(action, source) => Error::io(action, path)(source),
            Self::Weights(source) => Error::Weights { path: Some(path.to_owned()), source },
        }
    }
}

impl From<WeightsError> for OpenError {
    fn from(error: WeightsError) -> Self {
        Self::Weights(error)
    }
}

impl<R: Read> Opened<R> {
    /// Reads the header, of at most `limit` bytes, of a file of `len` bytes.
    pub(crate) fn new(mut source: R, len: u64, kind: &'static str, limit: u64) -> Result<Self, OpenError> {
        let too_short = |expected| WeightsError::Length { expected, found: len };
        let rest = len.checked_sub(8).ok_or(too_short(8))?;
        let mut size = [0; 8];
        source.read_exact(&mut size).map_err(|error| OpenError::Io("read", error))?;
        let size = u64::from_le_bytes(size);
        if size > limit {
            return Err(WeightsError::HeaderTooLong { limit, found: size }.into());
        }
        let len = rest.checked_sub(size).ok_or(too_short(8 + size))?;
        let header = Header::parse(&read_exactly(&mut source, size)?)?;
        header.check_kind(kind)?;
        Ok(Self { header, source, len })
    }

    /// Reads the data, which must be as long as the header says and give the noted checksum: the arrays named `prefix…` go into
    /// the stored vector that stands behind the prefix, all of the network's or the trained ones, whose padding is zero. After
    /// an error the vectors hold anything.
    ///
    /// The caller has checked the arrays, which bounds the length.
    pub(crate) fn read(mut self, spec: &'static Spec, vectors: &mut [(&str, &mut [f32])]) -> Result<(), OpenError> {
        if self.len != self.header.data {
            return Err(WeightsError::Length { expected: self.header.data, found: self.len }.into());
        }
        let mut places = HashMap::new();
        for (index, (prefix, vector)) in vectors.iter().enumerate() {
            let covered = spec.parameters.iter().filter(|parameter| parameter.offset < vector.len());
            places.extend(covered.map(|parameter| (format!("{prefix}{}", parameter.name), (index, parameter))));
        }
        // The data lies in the order of its offsets, the checksum goes by names. In what we write these are one order.
        let names = self.header.metadata.offset_keys();
        let is_in_order = names.is_sorted();
        let (mut sum, mut sums) = (self.header.noted_sum()?, Vec::new());
        let mut piece = Piece::default();
        for name in names {
            let (start, end) = self.header.metadata.info(&name).map_or((0, 0), |info| info.data_offsets);
            let mut own = crc32fast::Hasher::new();
            let mut seen = if is_in_order { sum.as_mut().map(|(_, sum)| sum) } else { Some(&mut own) };
            let mut at = start;
            while at < end {
                let len = PIECE.min(end - at);
                let values = piece.read(&mut self.source, len).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        WeightsError::Length { expected: self.len, found: at as u64 }.into()
                    }
                    _ => OpenError::Io("read", error),
                })?;
                if let Some((index, parameter)) = places.get(&name) {
                    parameters::write_part(parameter, (at - start) / 4, values, vectors[*index].1);
                }
                if let Some(seen) = &mut seen {
                    seen.update(&piece.bytes[..len]);
                }
                at += len;
            }
            if !is_in_order {
                sums.push((name, own));
            }
        }
        let Some((noted, mut sum)) = sum else { return Ok(()) };
        sums.sort_by(|(a, _), (b, _)| a.cmp(b));
        sums.iter().for_each(|(_, own)| sum.combine(own));
        let found = format!("{:08x}", sum.finalize());
        if noted == found {
            return Ok(());
        }
        Err(WeightsError::Checksum { expected: noted.escape_debug().to_string(), found }.into())
    }
}

/// Bytes of an array, and the numbers that they are.
struct Piece {
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl Default for Piece {
    fn default() -> Self {
        Self { bytes: vec![0; PIECE], values: Vec::with_capacity(PIECE / 4) }
    }
}

impl Piece {
    /// Reads so many bytes, at most [`PIECE`], and gives their numbers.
    fn read(&mut self, source: &mut impl Read, len: usize) -> io::Result<&[f32]> {
        source.read_exact(&mut self.bytes[..len])?;
        self.values.clear();
        self.values.extend(self.bytes[..len].as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)));
        Ok(&self.values)
    }
}

/// Reads so many bytes, of which there must be as many.
pub(crate) fn read_exactly(source: &mut impl Read, len: u64) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let reserved = usize::try_from(len).map(|len| bytes.try_reserve_exact(len));
    if !matches!(reserved, Ok(Ok(()))) {
        return Err(WeightsError::OutOfMemory { bytes: len }.into());
    }
    let found = source.take(len).read_to_end(&mut bytes).map_err(|error| OpenError::Io("read", error))?;
    if found as u64 != len {
        return Err(WeightsError::Length { expected: len, found: found as u64 }.into());
    }
    Ok(bytes)
}
