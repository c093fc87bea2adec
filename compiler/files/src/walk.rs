//! Finding the `.net` files of a folder.

use std::path::{Path, PathBuf};

use crate::FileError;

/// The `.net` files in a folder and in those below it, by name.
///
/// Links are not followed: what they lead to may lie elsewhere, and is found where it lies. Folders whose names begin with
/// a dot are passed over, and those that cargo marks as its own (`CACHEDIR.TAG`).
///
/// # Errors
///
/// [`FileError::Io`] with the folder that cannot be read.
pub fn net_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().map_err(|error| FileError::io(&folder, error))? {
            let entry = entry.map_err(|error| FileError::io(&folder, error))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| FileError::io(&path, error))?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !is_hidden && !path.join("CACHEDIR.TAG").exists() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "net") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
