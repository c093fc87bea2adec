//! What goes wrong, as its author reads it, and the exit code that it ends with.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use netwright_runtime::dataset::DataError;

use crate::output;

/// A reason to end the command.
#[derive(Debug)]
pub struct Failure {
    exit: u8,
    /// One line or several; `None` where there is nobody to tell.
    message: Option<String>,
    help: Option<String>,
}

impl Failure {
    /// Something that could not be done: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: 1, message: Some(message.into()), help: None }
    }

    /// A command line that makes no sense: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, message: Some(message.into()), help: None }
    }

    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The system's refusal to `action` ("write") a file.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::failed(format!("cannot {action} {}: {error}", path.display()))
    }

    /// An error with its causes.
    #[must_use]
    pub fn because(error: &dyn Error) -> Self {
        Self::failed(chain(error))
    }

    /// What it says; empty where there is nobody to tell.
    pub fn message(&self) -> String {
        self.message.clone().unwrap_or_default()
    }

    /// The reader of standard output has gone: nothing is wrong, and nobody wants more.
    pub fn nobody_reads() -> Self {
        Self { exit: 0, message: None, help: None }
    }

    /// Prints the message and gives the exit code.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            output::error(&message);
            if let Some(help) = self.help {
                output::help(&help);
            }
        }
        ExitCode::from(self.exit)
    }
}

/// An error with its causes, each on a line of its own; causes that the message already tells are left out.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str("\n  caused by: ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

impl From<netwright_runtime::Error> for Failure {
    fn from(error: netwright_runtime::Error) -> Self {
        Self::because(&error)
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::because(&error)
    }
}

impl From<netwright_runtime::image::ImageError> for Failure {
    fn from(error: netwright_runtime::image::ImageError) -> Self {
        Self::because(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let inner = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = DataError::Io { action: "open", path: "a".into(), source: inner };
        assert_eq!(chain(&error), "a: cannot open: no such file");
        let wrapped = io::Error::other(Outer(io::Error::other("the inner reason")));
        assert_eq!(chain(&wrapped), "outer\n  caused by: the inner reason");
    }

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
}
