//! Files that are replaced whole: at any moment either the old or the new one is there, also after a loss of power.

use std::io::{self, Write};
use std::path::Path;

/// Writes a temporary sibling, syncs it and renames it to `path`.
///
/// # Errors
/// Those of the file system and of `write`; the old file is there then. [`io::ErrorKind::Unsupported`] on
/// `wasm32-unknown-unknown`, which has no files.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    {
        let mut out = io::BufWriter::new(atomic_write_file::AtomicWriteFile::open(path)?);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.commit()
    }
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    {
        let (_, _) = (path, write);
        Err(io::ErrorKind::Unsupported.into())
    }
}
