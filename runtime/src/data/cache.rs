//! Where fetched datasets are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::dataset::DataError;

/// The environment variable that names the cache folder.
pub const VARIABLE: &str = "NETWRIGHT_CACHE";

/// The cache folder: `$NETWRIGHT_CACHE`; else `netwright` in the user's cache folder, which is `$XDG_CACHE_HOME` or
/// `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. It need not exist yet.
///
/// # Errors
/// [`DataError::NoCacheFolder`] where the environment names none of these.
pub fn root() -> Result<PathBuf, DataError> {
    root_in(|name| std::env::var_os(name)).ok_or(DataError::NoCacheFolder)
}

/// The folder of one dataset within [`root`].
///
/// # Errors
/// As for [`root`].
pub fn folder(dataset: &str) -> Result<PathBuf, DataError> {
    Ok(root()?.join(dataset))
}

fn root_in(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = path(VARIABLE) {
        return Some(root);
    }
    // The XDG base directory specification says that relative paths are to be ignored.
    let base = path("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            path("HOME").map(|home| home.join("Library").join("Caches"))
        } else {
            path("HOME").map(|home| home.join(".cache"))
        }
    })?;
    Some(base.join("netwright"))
}

/// Makes a folder and those above it.
#[cfg_attr(not(feature = "fetch"), allow(dead_code))]
pub(crate) fn create(folder: &Path) -> Result<(), DataError> {
    std::fs::create_dir_all(folder).map_err(|source| DataError::Io {
        action: "create the folder",
        path: folder.to_owned(),
        source,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]
mod tests {
    use super::*;

    fn root_with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        root_in(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_first_variable_that_says_something_decides() {
        let all = [(VARIABLE, "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(root_with(&all), Some("/a".into()));
        assert_eq!(root_with(&all[1..]), Some("/b/netwright".into()));
        assert_eq!(root_with(&all[2..]), Some("/c/.cache/netwright".into()));
        assert_eq!(
            root_with(&[(VARIABLE, ""), ("XDG_CACHE_HOME", "relative"), ("HOME", "/c")]),
            Some("/c/.cache/netwright".into())
        );
    }

    #[test]
    fn without_any_variable_there_is_no_cache() {
        assert_eq!(root_with(&[]), None);
        assert_eq!(root_with(&[("HOME", ""), ("LOCALAPPDATA", "")]), None);
    }
}
