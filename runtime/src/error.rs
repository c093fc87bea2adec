//! What can go wrong while a network runs, trains, is saved or loaded.

use std::io;
use std::path::PathBuf;

use crate::weights::WeightsError;

/// An error of the runtime. Messages say what was expected, what was found, and where there is one, the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array or a slice has the wrong shape or length.
    #[error("`{what}` has the wrong shape: expected {expected}, found {found}")]
    Shape {
        /// The input, output or parameter.
        what: &'static str,
        /// The shape or length that would do.
        expected: String,
        /// The shape or length that came.
        found: String,
    },
    /// Another number of inputs or outputs than the network has.
    #[error("`{network}` has {} {what} ({}), found {found}", names.len(), names.join(", "))]
    Count {
        /// The network.
        network: &'static str,
        /// Inputs or outputs.
        what: &'static str,
        /// Their names, in the order of their declaration.
        names: Vec<&'static str>,
        /// How many arrays came.
        found: usize,
    },
    /// Inputs that belong together have different numbers of images.
    #[error("`{what}` has {found} images, but `{other}` has {expected}; expected equally many")]
    BatchSize {
        /// The input.
        what: &'static str,
        /// Its images.
        found: usize,
        /// The first input.
        other: &'static str,
        /// Its images.
        expected: usize,
    },
    /// A batch without images has no mean loss.
    #[error("the batch has no images; expected at least one")]
    EmptyBatch,
    /// Labels or target values do not fit the loss.
    #[error("the targets do not fit the network's loss: expected {expected}, found {found}")]
    Targets {
        /// What the loss compares outputs with.
        expected: String,
        /// What came.
        found: String,
    },
    /// Memory could not be had.
    #[error("out of memory: {floats} more floats cannot be allocated; try a smaller batch")]
    OutOfMemory {
        /// How many f32 numbers were asked for.
        floats: usize,
    },
    /// No parameter has this name.
    #[error(
        "`{network}` has no {kind} named `{}`{}", name.escape_debug(), advise(nearest.as_deref(), known)
    )]
    UnknownParameter {
        /// The network.
        network: &'static str,
        /// Parameter, or trained parameter where a gradient was asked for.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// A known name that is nearly the same.
        nearest: Option<String>,
        /// All names that would do.
        known: Vec<&'static str>,
    },
    /// A number became infinite or not a number.
    #[error("{what} became {value} {when}: {cause}")]
    NonFinite {
        /// The loss, or the parameter or gradient that came first in the network.
        what: String,
        /// The number found.
        value: f32,
        /// The epoch and step.
        when: String,
        /// What is known of the cause, and what to try.
        cause: String,
    },
    /// A setting of the recipe or the trainer is out of its range.
    #[error("`{setting}` is {found}; expected {expected}")]
    Setting {
        /// The setting, as the `train` section spells it.
        setting: &'static str,
        /// What would do.
        expected: &'static str,
        /// Its value.
        found: String,
    },
    /// A weights file or text could not be used.
    #[error("cannot load weights{}: {source}", from(path.as_ref()))]
    Weights {
        /// The file, unless the weights came from memory.
        path: Option<PathBuf>,
        /// What is wrong.
        source: WeightsError,
    },
    /// A checkpoint could not be used.
    #[cfg(feature = "train")]
    #[error("cannot resume from {}: {source}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: crate::train::CheckpointError,
    },
    /// A file of metrics could not be understood.
    #[cfg(feature = "train")]
    #[error("{}:{line}: not a line of metrics: {reason}", path.display())]
    Metrics {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// Data could not be read, or does not fit.
    #[cfg(any(feature = "train", feature = "data"))]
    #[error(transparent)]
    Data(#[from] crate::dataset::DataError),
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: "open", "write", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err` around file operations: `action` completes "cannot ...".
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

fn from(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" from {}", path.display()))
}

/// How many names a message lists before it says "and more".
const LISTED: usize = 12;

fn advise(nearest: Option<&str>, known: &[&str]) -> String {
    if let Some(nearest) = nearest {
        return format!("; did you mean `{nearest}`?");
    }
    match known {
        [] => "; it has none".to_owned(),
        _ if known.len() > LISTED => {
            format!("; it has {}, ... ({} in all)", known[..LISTED].join(", "), known.len())
        }
        _ => format!("; it has {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do() {
        let unknown = |nearest: Option<&str>, known| Error::UnknownParameter {
            network: "LeNet",
            kind: "parameter",
            name: "conv1.wieght\u{1b}".to_owned(),
            nearest: nearest.map(str::to_owned),
            known,
        };
        assert_eq!(
            unknown(Some("conv1.weight"), vec![]).to_string(),
            "`LeNet` has no parameter named `conv1.wieght\\u{1b}`; did you mean `conv1.weight`?"
        );
        assert_eq!(
            unknown(None, vec!["a", "b"]).to_string(),
            "`LeNet` has no parameter named `conv1.wieght\\u{1b}`; it has a, b"
        );
        assert!(unknown(None, vec!["x"; 40]).to_string().ends_with("x, x, ... (40 in all)"));
        let io = Error::io("open", "a/b")(io::Error::from(io::ErrorKind::NotFound)).to_string();
        assert!(io.starts_with("cannot open a/b: "), "{io}");
    }
}
