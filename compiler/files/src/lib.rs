//! Where Netwright opens `.net` files, and weights that a program is built with: paths, limits, bundled texts.
//!
//! This is the only crate that opens them at compile time, so it is here that devices, folders, large files, texts that are not UTF-8
//! and ways out of a project are refused.

mod error;
mod nearby;
mod read;
#[cfg(test)]
mod tests;
mod uses;
mod walk;

use std::path::{Path, PathBuf};

pub use error::FileError;
pub use uses::Disk;
pub use walk::net_files;

/// A text ready to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What messages print: the path from the root where there is one, else as it was given; `<name>` for a bundled
    /// text.
    pub name: String,
    /// The text, valid UTF-8 of at most [`MAX_TEXT_BYTES`](netwright_compiler::syntax::limits::MAX_TEXT_BYTES).
    pub text: String,
    /// The file's absolute path without links, for tracking changes; `None` for a bundled text.
    pub path: Option<PathBuf>,
}

/// Reads the file at `path`. With a `root`, what the path leads to, links followed, must lie under it.
///
/// A relative path starts at the current directory. Nothing but a regular file is opened.
///
/// # Errors
///
/// [`FileError`] says what is at the path instead, and what may have been meant.
pub fn load_path(path: &Path, root: Option<&Path>) -> Result<Loaded, FileError> {
    let (absolute, name) = locate(path, root, read::TEXT.ending)?;
    let text = read::read(path, &absolute)?;
    Ok(Loaded { name, text, path: Some(absolute) })
}

/// A file of weights that is built into a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedWeights {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its absolute path without links, for tracking changes.
    pub path: PathBuf,
}

/// Reads the compressed weights at `path`, of at most `limit` bytes, by the rules of [`load_path`].
///
/// # Errors
///
/// [`FileError`] says what is at the path instead, and what may have been meant.
pub fn load_weights(path: &Path, root: Option<&Path>, limit: usize) -> Result<LoadedWeights, FileError> {
    let kind = read::Kind { what: "weights for this network", ending: "nwz", limit };
    let (absolute, _) = locate(path, root, kind.ending)?;
    let bytes = read::read_bytes(path, &absolute, kind)?;
    Ok(LoadedWeights { bytes, path: absolute })
}

/// The absolute path of a file, which must lie under the root, and its name in messages.
fn locate(path: &Path, root: Option<&Path>, ending: &str) -> Result<(PathBuf, String), FileError> {
    let root = root.map(|root| root.canonicalize().map_err(|error| FileError::io(root, error))).transpose()?;
    let absolute = match path.canonicalize() {
        Ok(absolute) => absolute,
        Err(error) => {
            // What is looked at for a suggestion must not lie outside either.
            if let Some(root) = root.filter(|root| !nearby::existing_ancestor(path).starts_with(root)) {
                return Err(FileError::OutsideRoot { path: path.to_owned(), root });
            }
            return Err(match error.kind() {
                std::io::ErrorKind::NotFound => nearby::not_found(path, ending),
                _ => FileError::io(path, error),
            });
        }
    };
    let name = match &root {
        None => path.display().to_string(),
        Some(root) => match absolute.strip_prefix(root) {
            Ok(inside) => slashes(inside),
            Err(_) => return Err(FileError::OutsideRoot { path: path.to_owned(), root: root.clone() }),
        },
    };
    Ok((absolute, name))
}

/// The bundled text of that name.
///
/// # Errors
///
/// [`FileError::UnknownBundled`], with the name that may have been meant.
pub fn load_bundled(name: &str) -> Result<Loaded, FileError> {
    match netwright_models::get(name) {
        Some(bundled) => Ok(Loaded { name: format!("<{}>", bundled.name), text: bundled.text.to_owned(), path: None }),
        None => Err(nearby::unknown_bundled(name)),
    }
}

/// A relative path with `/` between its parts on every system.
fn slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
