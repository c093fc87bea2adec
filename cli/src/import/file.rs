//! Files of arrays, by what they begin with, with a limit on what is read.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use netwright_run::Failure;
use safetensors::{Dtype, SafeTensors};

use super::{Array, Refused, npz};

/// What is read besides 32 bytes for each number of the network: 1 GiB.
const SLACK: u64 = 1 << 30;

/// Most arrays of a file.
pub(super) const MAX_ARRAYS: usize = 65_536;

/// Reads all arrays of a file that holds weights for `parameters` numbers.
///
/// # Errors
///
/// The file cannot be read, is too large, or is of no known format.
pub(crate) fn read(path: &Path, parameters: u64) -> Result<Vec<Array>, Failure> {
    let io = |error| Failure::io("read", path, &error);
    // Looked at before it is opened, since opening a pipe waits for a writer.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(Failure::failed(format!("{}: it is no ordinary file", path.display())));
    }
    let limit = parameters.saturating_mul(32).saturating_add(SLACK);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        let message =
            format!("{}: it is longer than {} MiB, far more than the network's weights", path.display(), limit >> 20);
        return Err(Failure::failed(message).help("save the weights alone, without the optimiser's state"));
    }
    arrays(&bytes, limit).map_err(|Refused(problem)| Failure::failed(format!("{}: {problem}", path.display())))
}

/// The arrays of a file's bytes; `limit` bounds what an archive unpacks to.
pub(super) fn arrays(bytes: &[u8], limit: u64) -> Result<Vec<Array>, Refused> {
    let arrays = match bytes {
        [b'P', b'K', 3 | 5, ..] => npz::arrays(Cursor::new(bytes), limit)?,
        [0x89, b'H', b'D', b'F', ..] => {
            return Err(Refused(
                "it is an HDF5 file; save the weights as npz: `numpy.savez(file, **{w.path: w.numpy() for w in model.weights})`"
                    .to_owned(),
            ));
        }
        [0x80, 2..=5, ..] => {
            return Err(Refused("it is a pickle; save the weights with `safetensors.torch.save_file`".to_owned()));
        }
        _ => safetensors(bytes)?,
    };
    if arrays.is_empty() {
        return Err(Refused("there are no arrays in it".to_owned()));
    }
    Ok(arrays)
}

fn safetensors(bytes: &[u8]) -> Result<Vec<Array>, Refused> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        let reason = error.to_string().escape_debug().to_string();
        Refused(format!("it is neither safetensors nor npz, or it is damaged: {reason}"))
    })?;
    if file.len() > MAX_ARRAYS {
        return Err(Refused(format!("it has more than {MAX_ARRAYS} arrays")));
    }
    let array = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let element = match view.dtype() {
            Dtype::F32 => Some(Element::F32),
            Dtype::F64 => Some(Element::F64),
            Dtype::F16 => Some(Element::F16),
            Dtype::BF16 => Some(Element::Bf16),
            _ => None,
        };
        let values = element.map_or_else(|| Err(view.dtype().to_string()), |element| Ok(element.values(view.data())));
        Array { name, shape: view.shape().to_vec(), values, converted: element.and_then(Element::converted) }
    };
    Ok(file.tensors().into_iter().map(array).collect())
}

/// The types of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    /// Bytes of one.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// What is told of a conversion.
    pub(super) fn converted(self) -> Option<&'static str> {
        match self {
            Self::F32 => None,
            Self::F16 => Some("f16"),
            Self::Bf16 => Some("bf16"),
            Self::F64 => Some("f64"),
        }
    }

    /// The numbers of little-endian bytes, f64 rounded.
    pub(super) fn values(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes.as_chunks().0.iter().map(|&two| half(u16::from_le_bytes(two))).collect(),
            Self::Bf16 => {
                let wide = |&two: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(two)) << 16);
                bytes.as_chunks().0.iter().map(wide).collect()
            }
            Self::F32 => bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
            Self::F64 => bytes.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight) as f32).collect(),
        }
    }
}

/// A half-precision number (IEEE 754 binary16): every one is an f32, too.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_they_stand_for() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0)]
        {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(Element::Bf16.values(&[0x80, 0x3f, 0x40, 0xc0]), [1.0, -3.0]);
        assert_eq!(Element::F64.values(&0.1_f64.to_le_bytes()), [0.1]);
    }

    #[test]
    fn other_files_are_named() {
        for (bytes, words) in [
            (&b"\x89HDF\r\n\x1a\n"[..], "HDF5"),
            (b"\x80\x02}q\x00.", "pickle"),
            (b"", "neither safetensors nor npz"),
            (b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "neither safetensors nor npz"),
            (b"\x02\0\0\0\0\0\0\0{}", "no arrays"),
            (b"PK\x05\x06", "damaged"),
        ] {
            let Refused(problem) = arrays(bytes, 1 << 20).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
    }
}
