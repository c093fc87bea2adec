//! Why a text was not loaded, in words for its author.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use netwright_compiler::diagnostic::escape;

/// Why a text was not loaded. Its message is one line without a final full stop and names the path.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// Nothing is at the path.
    NotFound {
        /// As given.
        path: PathBuf,
        /// The first folder of the path that is missing.
        missing_folder: Option<PathBuf>,
        /// A file that may have been meant.
        suggestion: Option<PathBuf>,
        /// A bundled network that may have been meant.
        bundled: Option<&'static str>,
    },
    /// A folder is at the path.
    Folder {
        /// As given.
        path: PathBuf,
        /// The ending of the files that are looked for: `net`, or `nwz`.
        ending: &'static str,
        /// A few of the files in it with that ending.
        files: Vec<String>,
    },
    /// A device, pipe or socket is at the path.
    Special {
        /// As given.
        path: PathBuf,
    },
    /// The file is larger than it may be.
    TooLarge {
        /// As given.
        path: PathBuf,
        /// Most bytes.
        limit: usize,
        /// What has no more: a text, or weights.
        what: &'static str,
    },
    /// The file is not UTF-8.
    NotUtf8 {
        /// As given.
        path: PathBuf,
        /// Offset of the first wrong byte.
        byte: usize,
        /// Its line, from 1.
        line: usize,
        /// Whether the file starts like UTF-16.
        is_utf16: bool,
    },
    /// The path leads out of the root.
    OutsideRoot {
        /// As given.
        path: PathBuf,
        /// The root, absolute.
        root: PathBuf,
    },
    /// No bundled network has that name.
    UnknownBundled {
        /// As given.
        name: String,
        /// The name that may have been meant.
        suggestion: Option<&'static str>,
        /// All names.
        names: Vec<&'static str>,
    },
    /// The system refused.
    Io {
        /// As given.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

impl FileError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

/// A path for a message, its control characters escaped.
fn shown(path: &Path) -> String {
    format!("`{}`", escape(&path.display().to_string()))
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { path, missing_folder, suggestion, bundled } => {
                write!(f, "{} does not exist", shown(path))?;
                match (suggestion, bundled, missing_folder) {
                    (Some(meant), _, _) => write!(f, "; did you mean {}?", shown(meant)),
                    (None, Some(bundled), _) => write!(f, "; did you mean the bundled network <{bundled}>?"),
                    (None, None, Some(folder)) => write!(f, "; there is no folder {}", shown(folder)),
                    (None, None, None) => Ok(()),
                }
            }
            Self::Folder { path, ending, files } => {
                write!(f, "{} is a folder; expected a .{ending} file", shown(path))?;
                if !files.is_empty() {
                    write!(f, " such as {}", escape(&files.join(", ")))?;
                }
                Ok(())
            }
            Self::Special { path } => {
                write!(f, "{} is a device, pipe or socket; expected a regular file", shown(path))
            }
            Self::TooLarge { path, limit, what } => {
                write!(f, "{} is larger than {limit} bytes, the limit of {what}", shown(path))
            }
            Self::NotUtf8 { path, byte, line, is_utf16 } => {
                write!(f, "{} is not UTF-8 at byte {byte}, in line {line}", shown(path))?;
                if *is_utf16 {
                    write!(f, "; it starts like UTF-16: save it as UTF-8")?;
                }
                Ok(())
            }
            Self::OutsideRoot { path, root } => {
                write!(f, "{} leads out of {}; move the file into it", shown(path), shown(root))
            }
            Self::UnknownBundled { name, suggestion, names } => {
                write!(f, "no bundled network is called <{}>", escape(name))?;
                match suggestion {
                    Some(meant) => write!(f, "; did you mean <{meant}>?"),
                    None => write!(f, "; there are {}", names.join(", ")),
                }
            }
            Self::Io { path, error } => write!(f, "cannot read {}: {error}", shown(path)),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::NotFound { .. }
            | Self::Folder { .. }
            | Self::Special { .. }
            | Self::TooLarge { .. }
            | Self::NotUtf8 { .. }
            | Self::OutsideRoot { .. }
            | Self::UnknownBundled { .. } => None,
        }
    }
}
