//! Weights as files: safetensors with all parameters and state by name, in logical order, with a checksum; or the same
//! compressed, as `.nwz` ([`netwright_nwz`] has the format). Its first bytes tell which one a file is.
//!
//! Names and shapes decide whether a file loads, not the fingerprint. A network may change in what no array shows (the
//! rate of a dropout, the name of a value, its own name) and keep its weights, and files made elsewhere load too, if
//! names, shapes and type (F32) are the network's; they have no checksum. Where they differ, the error lists every
//! difference, and the fingerprint tells whether another version of the network wrote the file. Since a changed
//! activation shows in no array either, [`writer`] tells which network wrote a file, for those who want to compare its
//! fingerprint with `NETWORK::spec().fingerprint`; the command warns where they differ. Checkpoints are strict: a run is
//! resumed only with the network that it was begun with.
//!
//! Values are taken as they are, also infinite ones; [`Parameters::first_non_finite`] finds those.

mod compressed;
mod error;
pub(crate) mod file;

use std::io::Read;
use std::path::Path;

#[cfg(feature = "train")]
pub use compressed::{Compressed, compress};
pub use error::WeightsError;
use file::{OpenError, Opened};
#[cfg(feature = "train")]
pub use netwright_nwz::write::{Coding, Written};
use netwright_nwz::{Archive, is_nwz};
pub use netwright_nwz::{Difference, Mismatch};

use crate::engine::Core;
use crate::error::Error;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::spec::Spec;

/// What the file says it holds.
const KIND: &str = "weights";

/// Saves all parameters and state to a file. At any moment the old file or the whole new one is there.
///
/// # Errors
///
/// If the file cannot be written.
pub fn save(parameters: &Parameters, path: impl AsRef<Path>) -> Result<(), Error> {
    file::save(path.as_ref(), |mut out| write(parameters, &mut out))
}

/// Loads what [`save`] wrote, another safetensors file with the same arrays, or a compressed file.
///
/// No more is read than a file for this network has.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read; [`Error::Weights`] if it is damaged or for another network, with every
/// difference in names and shapes.
pub fn load(spec: &'static Spec, path: impl AsRef<Path>) -> Result<Parameters, Error> {
    let path = path.as_ref();
    let opened = file::open_ordinary(path);
    opened.and_then(|(source, len)| read_any(spec, source, len)).map_err(|error| error.of(path))
}

/// The network that wrote a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Its name.
    pub network: String,
    /// Its fingerprint: equal to [`Spec::fingerprint`] of the same network, whatever its training.
    pub fingerprint: String,
}

/// Which network wrote a file of weights, by its own account; `None` for a file made elsewhere. Reads the header only, of a
/// compressed file all.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read; [`Error::Weights`] if it is no file of weights.
pub fn writer(path: impl AsRef<Path>) -> Result<Option<Writer>, Error> {
    let path = path.as_ref();
    let opened = file::open_ordinary(path);
    opened.and_then(|(source, len)| read_writer(source, len)).map_err(|error| error.of(path))
}

fn read_writer(mut source: impl Read, len: u64) -> Result<Option<Writer>, OpenError> {
    let of =
        |network: &str, fingerprint: &str| Writer { network: network.to_owned(), fingerprint: fingerprint.to_owned() };
    let start = file::read_exactly(&mut source, len.min(8))?;
    let mut source = start.chain(source);
    if !is_nwz(&start) {
        let opened = Opened::new(source, len, KIND, LONGEST_HEADER)?;
        let notes = opened.header.note("network").zip(opened.header.note("fingerprint"));
        return Ok(notes.map(|(network, fingerprint)| of(network, fingerprint)));
    }
    if len > LONGEST_COMPRESSED {
        return Err(WeightsError::TooLong { limit: LONGEST_COMPRESSED, found: len }.into());
    }
    let bytes = file::read_exactly(&mut source, len)?;
    let archive = Archive::parse(&bytes).map_err(WeightsError::from)?;
    Ok(Some(of(archive.network, archive.fingerprint)))
}

/// The longest header that [`writer`] reads, which knows no network.
const LONGEST_HEADER: u64 = 16 << 20;

/// The longest compressed file that [`writer`] reads: an eighth of what the largest network's parameters take.
const LONGEST_COMPRESSED: u64 = 1 << 30;

/// The bytes that [`save`] writes.
///
/// # Errors
///
/// If the header cannot be written, which the length of memory rules out in practice.
pub fn to_bytes(parameters: &Parameters) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    write(parameters, &mut bytes).map_err(Error::io("write", "to memory"))?;
    Ok(bytes)
}

/// Loads the bytes of a file, such as one that is built into the program.
///
/// # Errors
///
/// As [`load`].
pub fn from_bytes(spec: &'static Spec, bytes: &[u8]) -> Result<Parameters, Error> {
    let loaded = match is_nwz(bytes) {
        true => compressed::decode(spec, bytes).map_err(OpenError::Weights),
        false => Opened::new(bytes, bytes.len() as u64, KIND, header_limit(spec)).and_then(|opened| read(spec, opened)),
    };
    loaded.map_err(|error| match error {
        OpenError::Io(action, source) => Error::io(action, "from memory")(source),
        OpenError::Weights(source) => Error::Weights { path: None, source },
    })
}

/// The parameters of a compressed file that is built into the program, and was checked when that was compiled.
///
/// Nothing of the other format is needed for it, so that none of it is linked.
///
/// # Panics
///
/// If memory for the parameters cannot be had; if the bytes are no compressed file for this network, which `model!` rules
/// out.
#[must_use]
#[expect(clippy::panic, reason = "documented, as allocating collections do; the bytes were checked at compile time")]
pub fn embedded(spec: &'static Spec, bytes: &[u8]) -> Parameters {
    compressed::decode(spec, bytes).unwrap_or_else(|error| panic!("{}: {error}", spec.name))
}

/// A network with the parameters of a file, as [`load`] reads them. It predicts in integers if the file is for that and the
/// network has code for it.
///
/// # Errors
///
/// As [`load`], and if the file's integers or ranges are not the network's, with every difference.
pub fn load_network<N: Network>(path: impl AsRef<Path>) -> Result<N, Error> {
    let path = path.as_ref();
    let opened = file::open_ordinary(path);
    opened.and_then(|(source, len)| read_network(source, len)).map_err(|error| error.of(path))
}

/// A network with the parameters of a file in memory; see [`load_network`].
///
/// # Errors
///
/// As [`load_network`].
pub fn network_from_bytes<N: Network>(bytes: &[u8]) -> Result<N, Error> {
    match N::INT8 {
        Some(_) if is_nwz(bytes) => compressed_network(bytes).map_err(|source| Error::Weights { path: None, source }),
        _ => Ok(N::from_core(Core::from_parameters(from_bytes(N::SPEC, bytes)?))),
    }
}

/// A network with weights that are built into the program; see [`embedded`].
///
/// # Panics
///
/// As [`embedded`].
#[must_use]
#[expect(clippy::panic, reason = "documented, as allocating collections do; the bytes were checked at compile time")]
pub fn embedded_network<N: Network>(bytes: &[u8]) -> N {
    compressed_network(bytes).unwrap_or_else(|error| panic!("{}: {error}", N::SPEC.name))
}

fn compressed_network<N: Network>(bytes: &[u8]) -> Result<N, WeightsError> {
    let Some(int8) = N::INT8 else {
        return Ok(N::from_core(Core::from_parameters(compressed::decode(N::SPEC, bytes)?)));
    };
    let (parameters, state) = compressed::decode_int8(N::SPEC, int8, bytes)?;
    Ok(N::from_core(Core::with_int8(parameters, state)))
}

fn read_network<N: Network>(mut source: impl Read, len: u64) -> Result<N, OpenError> {
    let start = file::read_exactly(&mut source, len.min(8))?;
    let mut source = start.chain(source);
    if !is_nwz(&start) {
        return Ok(N::from_core(Core::from_parameters(read_any(N::SPEC, source, len)?)));
    }
    Ok(compressed_network(&read_compressed(N::SPEC, &mut source, len)?)?)
}

/// The bytes of a compressed file.
fn read_compressed(spec: &Spec, source: &mut impl Read, len: u64) -> Result<Vec<u8>, OpenError> {
    let limit = header_limit(spec).saturating_add((spec.stored as u64).saturating_mul(4));
    if len > limit {
        return Err(WeightsError::TooLong { limit, found: len }.into());
    }
    file::read_exactly(source, len)
}

/// Reads a file of `len` bytes in the format that its first bytes tell.
fn read_any(spec: &'static Spec, mut source: impl Read, len: u64) -> Result<Parameters, OpenError> {
    let start = file::read_exactly(&mut source, len.min(8))?;
    let mut source = start.chain(source);
    if !is_nwz(&start) {
        return Opened::new(source, len, KIND, header_limit(spec)).and_then(|opened| read(spec, opened));
    }
    Ok(compressed::decode(spec, &read_compressed(spec, &mut source, len)?)?)
}

/// The longest header that is read: far more than a file for this network needs, and far from hurting.
fn header_limit(spec: &Spec) -> u64 {
    (1 << 20) + 1024 * spec.parameters.len() as u64
}

fn write(parameters: &Parameters, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let spec = parameters.spec();
    file::write(out, &file::notes(spec, KIND), file::entries(spec, "", parameters.values()).collect())
}

fn read<R: std::io::Read>(spec: &'static Spec, opened: Opened<R>) -> Result<Parameters, OpenError> {
    let wanted = spec.parameters.iter().map(|parameter| (parameter.name.to_owned(), parameter.shape));
    opened.header.check_arrays(spec, wanted)?;
    let mut parameters = Parameters::new(spec)
        .map_err(|_| WeightsError::OutOfMemory { bytes: (spec.stored as u64).saturating_mul(4) })?;
    opened.read(spec, &mut [("", parameters.values_mut())])?;
    Ok(parameters)
}

#[cfg(all(test, feature = "train"))]
mod compressed_tests;
#[cfg(test)]
mod tests;
