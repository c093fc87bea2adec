//! Where Netwright opens `.net` files: paths, limits, bundled texts.
//!
//! This is the only crate that opens them, so it is here that devices, folders, large files, texts that are not UTF-8
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
    let root = root.map(|root| root.canonicalize().map_err(|error| FileError::io(root, error))).transpose()?;
    let absolute = match path.canonicalize() {
        Ok(absolute) => absolute,
        Err(error) => {
            // What is looked at for a suggestion must not lie outside either.
            if let Some(root) = root.filter(|root| !nearby::existing_ancestor(path).starts_with(root)) {
                return Err(FileError::OutsideRoot { path: path.to_owned(), root });
            }
            return Err(match error.kind() {
                std::io::ErrorKind::NotFound => nearby::not_found(path),
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
    let text = read::read(path, &absolute)?;
    Ok(Loaded { name, text, path: Some(absolute) })
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
