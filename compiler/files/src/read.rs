//! Reading one regular file: looked at before it is opened, since opening a pipe would wait for its writer.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use netwright_compiler::syntax::limits::MAX_TEXT_BYTES;

use crate::{FileError, nearby};

/// What a file may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// What is read, for messages.
    pub(crate) what: &'static str,
    /// The ending of such files.
    pub(crate) ending: &'static str,
    /// Most bytes.
    pub(crate) limit: usize,
}

/// Descriptions.
pub(crate) const TEXT: Kind = Kind { what: "a .net text", ending: "net", limit: MAX_TEXT_BYTES };

/// The bytes of the file at `absolute`; `path` is its name in errors.
pub(crate) fn read_bytes(path: &Path, absolute: &Path, kind: Kind) -> Result<Vec<u8>, FileError> {
    let io = |error| FileError::io(path, error);
    check(path, &absolute.metadata().map_err(io)?, kind)?;
    let file = File::open(absolute).map_err(io)?;
    // Something else may be there by now.
    check(path, &file.metadata().map_err(io)?, kind)?;
    let mut bytes = Vec::new();
    file.take((kind.limit as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > kind.limit {
        return Err(too_large(path, kind));
    }
    Ok(bytes)
}

/// The text of the file at `absolute`; `path` is its name in errors.
pub(crate) fn read(path: &Path, absolute: &Path) -> Result<String, FileError> {
    let bytes = read_bytes(path, absolute, TEXT)?;
    String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = 1 + bytes.iter().take(byte).filter(|next| **next == b'\n').count();
        let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        FileError::NotUtf8 { path: path.to_owned(), byte, line, is_utf16 }
    })
}

/// Refuses what is no regular file, or too large.
fn check(path: &Path, metadata: &Metadata, kind: Kind) -> Result<(), FileError> {
    if metadata.is_dir() {
        return Err(nearby::folder(path, kind.ending));
    }
    if !metadata.is_file() {
        return Err(FileError::Special { path: path.to_owned() });
    }
    if metadata.len() > kind.limit as u64 {
        return Err(too_large(path, kind));
    }
    Ok(())
}

fn too_large(path: &Path, kind: Kind) -> FileError {
    FileError::TooLarge { path: path.to_owned(), limit: kind.limit, what: kind.what }
}
