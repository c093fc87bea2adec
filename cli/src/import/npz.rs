//! npz: a zip archive of npy files, one for each array (NumPy's `numpy.lib.format`).

use std::io::{Read, Seek};

use netwright::ndarray::{ArrayD, IxDyn, ShapeBuilder};
use zip::ZipArchive;

use super::file::{Element, MAX_ARRAYS};
use super::{Array, Refused};

/// Longest header of an array, in bytes.
const MAX_HEADER: usize = 65_536;

/// The arrays of an archive, in its order. `limit` is the most that all of it may unpack to.
pub(super) fn arrays(source: impl Read + Seek, limit: u64) -> Result<Vec<Array>, Refused> {
    let damaged =
        |error: zip::result::ZipError| Refused(format!("the archive is damaged: {}", error.to_string().escape_debug()));
    let mut archive = ZipArchive::new(source).map_err(damaged)?;
    if archive.len() > MAX_ARRAYS {
        return Err(Refused(format!("it has more than {MAX_ARRAYS} arrays")));
    }
    let (mut arrays, mut left) = (Vec::<Array>::new(), limit);
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(damaged)?;
        let file_name = file.name().map_err(damaged)?.into_owned();
        if file_name.ends_with("data.pkl") {
            return Err(Refused(
                "it is a file of `torch.save`; save the weights with `safetensors.torch.save_file`".to_owned(),
            ));
        }
        let shown = file_name.escape_debug().to_string();
        let Some(name) = file_name.strip_suffix(".npy") else {
            return Err(Refused(format!("{shown} in it is no array: its name does not end in .npy")));
        };
        let mut bytes = Vec::new();
        // What the archive says of the size is not believed.
        file.take(left.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Refused(format!("{shown}: {error}")))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            Refused(format!("it unpacks to more than {} MiB, far more than the network's weights", limit >> 20))
        })?;
        if arrays.iter().any(|other| other.name == name) {
            return Err(Refused(format!("{shown} stands in it twice")));
        }
        arrays.push(
            array(name, &bytes).ok_or_else(|| Refused(format!("{shown} is no array of NumPy, or it is damaged")))?,
        );
    }
    Ok(arrays)
}

/// The array of an npy file; `None` if it is none.
fn array(name: &str, bytes: &[u8]) -> Option<Array> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?, rest),
        _ => return None,
    };
    if length > MAX_HEADER {
        return None;
    }
    let (header, data) = rest.split_at_checked(length)?;
    let header = std::str::from_utf8(header).ok()?;
    let descr = field(header, "descr")?.strip_prefix('\'')?.split('\'').next()?;
    let is_fortran = field(header, "fortran_order")?.starts_with("True");
    let shape = field(header, "shape")?.strip_prefix('(')?.split(')').next()?;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Vec<usize> = sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?;
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    let element = match descr {
        "<f2" => Element::F16,
        "<f4" => Element::F32,
        "<f8" => Element::F64,
        other => {
            let values = Err(other.escape_debug().to_string());
            return Some(Array { name: name.to_owned(), shape, values, converted: None });
        }
    };
    if count.checked_mul(element.size())? != data.len() {
        return None;
    }
    let mut values = element.values(data);
    if is_fortran {
        let array = ArrayD::from_shape_vec(IxDyn(&shape).f(), values).ok()?;
        values = array.iter().copied().collect();
    }
    Some(Array { name: name.to_owned(), shape, values: Ok(values), converted: element.converted() })
}

/// What follows the key of a header, which is a dictionary of Python with three keys.
fn field<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    let (_, rest) = header.split_once(&format!("'{key}':"))?;
    Some(rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_are_read() {
        let data: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let plain = array("a", &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", &data)).unwrap();
        assert_eq!(
            (plain.shape.as_slice(), plain.values.unwrap().as_slice()),
            (&[2, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..])
        );
        let columns = array("a", &npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", &data)).unwrap();
        assert_eq!(columns.values.unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let vector = array("a", &npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", &data)).unwrap();
        assert_eq!((vector.shape.as_slice(), vector.converted), (&[3][..], Some("f64")));
        let whole = array("a", &npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", &data)).unwrap();
        assert_eq!(whole.values, Err("<i8".to_owned()));
    }

    #[test]
    fn hostile_arrays_are_refused() {
        let good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &[0; 4]);
        assert!(array("a", &good).is_some());
        for end in 0..good.len() {
            assert_eq!(array("a", &good[..end]), None, "{end}");
        }
        for header in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
            "{'descr': '<f4', 'shape': (1,), }",
            "",
        ] {
            assert_eq!(array("a", &npy(header, &[0; 4])), None, "{header}");
        }
    }
}
