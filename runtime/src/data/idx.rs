//! IDX files of unsigned bytes, raw or gzip: the form in which MNIST and its relatives are published.
//!
//! The format (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"): two zero bytes, a type code
//! (0x08 for unsigned bytes), the number of axes, each axis as a big-endian u32, then the elements in row-major order.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::atomic;
use crate::dataset::{DataError, Dataset, IdxProblem};

/// No file is read past this many bytes of IDX data, whatever its header declares.
pub const MAX_BYTES: u64 = 1 << 30;

/// What is reserved before the first element is read; past it memory grows with what really arrives.
const MAX_RESERVED: u64 = 64 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UNSIGNED_BYTES: u8 = 0x08;

/// The content of an IDX file of unsigned bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Idx {
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

/// What a file should hold, which fixes its number of axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// `[N, H, W]` or `[N, H, W, C]`.
    Images,
    /// `[N]`.
    Labels,
}

impl Idx {
    /// An IDX file in memory, for writing.
    ///
    /// # Errors
    /// [`DataError`] when an axis is zero or past u32, there are none or more than 255, or their product is not the
    /// number of bytes.
    pub fn new(dims: &[usize], bytes: Vec<u8>) -> Result<Self, DataError> {
        if dims.is_empty() || dims.contains(&0) {
            return Err(DataError::EmptyShape { what: "IDX data", shape: dims.to_vec() });
        }
        let n_elements = dims.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
        match n_elements {
            Some(expected) if dims.len() <= 255 && dims.iter().all(|&axis| u32::try_from(axis).is_ok()) => {
                if bytes.len() == expected {
                    Ok(Self { dims: dims.to_vec(), bytes })
                } else {
                    Err(DataError::CountMismatch { what: "bytes of IDX data", expected, found: bytes.len() })
                }
            }
            _ => Err(DataError::TooLarge { what: "IDX data", shape: dims.to_vec() }),
        }
    }

    /// The axes: the number of samples, then one sample's shape.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The elements in row-major order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.dims.first().copied().unwrap_or(0)
    }

    /// The header that stands before the elements in a raw file.
    pub fn header(&self) -> Vec<u8> {
        let mut header = vec![0, 0, UNSIGNED_BYTES, self.dims.len() as u8];
        header.extend(self.dims.iter().flat_map(|&axis| (axis as u32).to_be_bytes()));
        header
    }

    /// SHA-256 of the raw file, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.header());
        hasher.update(&self.bytes);
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes the raw file, whole or not at all: a temporary sibling is written, synced and renamed.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        let written = atomic::replace(path, |file| {
            file.write_all(&self.header())?;
            file.write_all(&self.bytes)
        });
        written.map_err(|source| DataError::Io { action: "write", path: path.to_owned(), source })
    }
}

/// Reads an IDX file, raw or gzip, whichever its first bytes say.
///
/// # Errors
/// [`DataError::Io`], or [`DataError::Idx`] with the offset at which the data is not as it should be. A file that
/// declares more than [`MAX_BYTES`], or holds more than it declares, is refused without being read to its end.
pub fn read(path: &Path, content: Content) -> Result<Idx, DataError> {
    let failed = |action| move |source| DataError::Io { action, path: path.to_owned(), source };
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed("open"))?.is_file() {
        return Err(failed("open")(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    decode(File::open(path).map_err(failed("open"))?, path, content, MAX_BYTES)
}

/// Reads IDX data, raw or gzip, from `reader`; `path` names it in errors, `limit` bounds its raw size in bytes.
///
/// # Errors
/// As for [`read`].
pub fn decode(reader: impl Read, path: &Path, content: Content, limit: u64) -> Result<Idx, DataError> {
    let mut reader = BufReader::new(reader);
    let mut start = Vec::with_capacity(2);
    let failed = |source| DataError::Io { action: "read", path: path.to_owned(), source };
    reader.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
    let decoded = if start == GZIP_MAGIC {
        parse(MultiGzDecoder::new(BufReader::new(start.as_slice().chain(reader))), content, limit)
    } else if start.first().is_none_or(|&byte| byte != 0) {
        Err(Failure::Idx(0, IdxProblem::Magic { found: start }))
    } else {
        parse(start.as_slice().chain(reader), content, limit)
    };
    decoded.map_err(|failure| match failure {
        Failure::Idx(offset, problem) => DataError::Idx { path: path.to_owned(), offset, problem },
        Failure::Io(source) => failed(source),
    })
}

/// A dataset from a file of images and a file of labels: inputs `[H, W, C]` with values from 0 to 1.
///
/// # Errors
/// As for [`read`]; also when the counts differ or a label is not below `n_classes`.
pub fn read_pair(images: &Path, labels: &Path, n_classes: usize) -> Result<Dataset, DataError> {
    pair(read(images, Content::Images)?, images, read(labels, Content::Labels)?, labels, n_classes)
}

/// A dataset from images and labels already read; the paths name them in errors.
pub(crate) fn pair(
    images: Idx,
    images_path: &Path,
    labels: Idx,
    labels_path: &Path,
    n_classes: usize,
) -> Result<Dataset, DataError> {
    let wrong = |offset, problem| DataError::Idx { path: labels_path.to_owned(), offset, problem };
    if labels.n_samples() != images.n_samples() {
        let problem = IdxProblem::CountMismatch {
            labels: labels.n_samples(),
            images: images.n_samples(),
            images_path: images_path.to_owned(),
        };
        return Err(wrong(4, problem));
    }
    if let Some(sample) = labels.bytes.iter().position(|&label| usize::from(label) >= n_classes) {
        let problem = IdxProblem::Label { label: labels.bytes[sample], n_classes };
        return Err(wrong((labels.header().len() + sample) as u64, problem));
    }
    let shape = match images.dims.as_slice() {
        [_, height, width] => vec![*height, *width, 1],
        [_, shape @ ..] => shape.to_vec(),
        [] => Vec::new(),
    };
    let labels = labels.bytes.into_iter().map(u32::from).collect();
    Dataset::from_bytes(&shape, images.bytes, 1.0 / 255.0, 0.0, labels, n_classes)
}

enum Failure {
    /// Offset in the raw data, and what is wrong there.
    Idx(u64, IdxProblem),
    Io(io::Error),
}

/// Reads decompressed IDX data up to its end, and at most one byte past what its header declares.
fn parse(mut reader: impl Read, content: Content, limit: u64) -> Result<Idx, Failure> {
    let mut header = [0; 4];
    fill(&mut reader, &mut header, 0, 4)?;
    let [zero_0, zero_1, kind, rank] = header;
    if (zero_0, zero_1) != (0, 0) {
        return Err(Failure::Idx(0, IdxProblem::Magic { found: vec![zero_0, zero_1] }));
    }
    if kind != UNSIGNED_BYTES {
        return Err(Failure::Idx(2, IdxProblem::Type { found: kind }));
    }
    let (fits, expected) = match content {
        Content::Images => (rank == 3 || rank == 4, "images: 3 axes (N, H, W) or 4 (N, H, W, C)"),
        Content::Labels => (rank == 1, "labels: 1 axis (N)"),
    };
    if !fits {
        return Err(Failure::Idx(3, IdxProblem::Rank { expected, found: rank }));
    }
    let header_len = 4 + 4 * u64::from(rank);
    let mut dims = Vec::with_capacity(usize::from(rank));
    for axis in 0..usize::from(rank) {
        let at = 4 + 4 * axis as u64;
        let mut bytes = [0; 4];
        fill(&mut reader, &mut bytes, at, header_len)?;
        dims.push(u32::from_be_bytes(bytes));
        if bytes == [0; 4] {
            return Err(Failure::Idx(at, IdxProblem::ZeroAxis { axis }));
        }
    }
    let declared = dims
        .iter()
        .try_fold(1_u64, |product, &axis| product.checked_mul(u64::from(axis)))
        .filter(|declared| declared.saturating_add(header_len) <= limit)
        .ok_or_else(|| Failure::Idx(4, IdxProblem::TooLarge { dims: dims.clone(), limit }))?;

    let mut bytes = Vec::new();
    // A refusal to reserve is no failure: the reading below decides.
    let _ = bytes.try_reserve(declared.min(MAX_RESERVED) as usize + 1);
    let read = reader.take(declared + 1).read_to_end(&mut bytes);
    let (found, expected) = (bytes.len() as u64, header_len + declared);
    if found > declared {
        return Err(Failure::Idx(expected, IdxProblem::Trailing));
    }
    if let Err(source) = read {
        if found == declared && source.kind() == io::ErrorKind::UnexpectedEof {
            // All elements are there; what is missing is the checksum of a gzip member, the last one or another begun.
            let message = "its checksum is missing, or something else follows it".to_owned();
            return Err(Failure::Idx(expected, IdxProblem::Gzip { message }));
        }
        return Err(classify(source, header_len + found, expected));
    }
    if found < declared {
        return Err(Failure::Idx(header_len + found, IdxProblem::Truncated { expected }));
    }
    Ok(Idx { dims: dims.into_iter().map(|axis| axis as usize).collect(), bytes })
}

fn fill(reader: &mut impl Read, out: &mut [u8], at: u64, expected: u64) -> Result<(), Failure> {
    let mut found = 0;
    while let Some(rest) = out.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => return Err(Failure::Idx(at + found as u64, IdxProblem::Truncated { expected })),
            Ok(n) => found += n,
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(classify(source, at + found as u64, expected)),
        }
    }
    Ok(())
}

/// Tells a file cut short and a damaged gzip stream from a failing disk or network.
fn classify(source: io::Error, offset: u64, expected: u64) -> Failure {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => Failure::Idx(offset, IdxProblem::Truncated { expected }),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Failure::Idx(offset, IdxProblem::Gzip { message: source.to_string() })
        }
        _ => Failure::Io(source),
    }
}

impl std::fmt::Debug for Idx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idx").field("dims", &self.dims).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
