//! What may have been meant by a path or name that leads nowhere.

use std::path::{Component, Path, PathBuf};

use netwright_compiler::diagnostic::suggest;

use crate::FileError;
use crate::read::TEXT;

/// Most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 1000;

/// Most files that are named for a folder.
const MAX_NAMED: usize = 3;

/// The error for a path at which nothing is.
pub(crate) fn not_found(path: &Path, ending: &str) -> FileError {
    let folder = folder_of(path);
    let missing_folder = path.ancestors().skip(1).filter(|ancestor| !ancestor.as_os_str().is_empty());
    let missing_folder = missing_folder.filter(|ancestor| !ancestor.exists()).last().map(Path::to_owned);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let siblings = files(&folder, ending);
    let with_extension = format!("{name}.{ending}");
    let sibling = siblings.iter().find(|sibling| **sibling == with_extension).map(String::as_str);
    let sibling = sibling.or_else(|| suggest(&name, siblings.iter().map(String::as_str)));
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let bundled = || netwright_models::get(&stem).map(|bundled| bundled.name);
    let bundled = || bundled().or_else(|| suggest(&stem, netwright_models::names()));
    FileError::NotFound {
        path: path.to_owned(),
        missing_folder,
        suggestion: sibling.map(|sibling| path.with_file_name(sibling)),
        // Those are descriptions.
        bundled: if ending == TEXT.ending { bundled() } else { None },
    }
}

/// The error for a path at which a folder is.
pub(crate) fn folder(path: &Path, ending: &'static str) -> FileError {
    let mut files = files(path, ending);
    files.truncate(MAX_NAMED);
    FileError::Folder { path: path.to_owned(), ending, files }
}

/// The error for an unknown bundled network.
pub(crate) fn unknown_bundled(name: &str) -> FileError {
    FileError::UnknownBundled {
        name: name.to_owned(),
        suggestion: suggest(name, netwright_models::names()),
        names: netwright_models::names().collect(),
    }
}

/// The deepest part of a path that exists, absolute and without links. A `..` after a part that does not exist leads
/// nowhere; it counts as leading to the root of the file system.
pub(crate) fn existing_ancestor(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in absolute.ancestors() {
        if let Ok(found) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            let climbs = rest.components().any(|part| part == Component::ParentDir);
            return if climbs { PathBuf::new() } else { found };
        }
    }
    PathBuf::new()
}

/// The folder in which a path's last part stands.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The names of the files of a folder that end so, in order; empty where it cannot be read.
fn files(folder: &Path, ending: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == ending))
        .collect();
    names.sort();
    names
}
