//! Which network a task is about, as people name it.

use std::path::{Path, PathBuf};

use crate::Values;

/// A network as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// A short name, fit for a folder: `lenet`.
    pub name: String,
    /// What the command line says.
    pub argument: String,
    /// The description's file, absolute where it exists; `None` for a bundled network.
    pub file: Option<PathBuf>,
    /// Further files of the user's that the description uses.
    pub uses: Vec<PathBuf>,
    /// Values for its parameters, such as `classes=4`.
    pub values: Vec<String>,
}

impl Subject {
    /// A network that comes with the command.
    #[must_use]
    pub fn bundled(name: &str) -> Self {
        Self { name: name.to_owned(), argument: name.to_owned(), file: None, uses: Vec::new(), values: Vec::new() }
    }

    /// The network of a `.net` file.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self {
            name: name(path),
            argument: path.display().to_string(),
            file: Some(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
            uses: Vec::new(),
            values: Vec::new(),
        }
    }

    /// How the network gets the `train` section that it lacks; `reason` says what a file needs one for.
    #[must_use]
    pub fn training_help(&self, reason: &str) -> String {
        const SECTION: &str = "train { loss: cross_entropy(logits); }";
        match self.file {
            Some(_) => format!("{reason}: `{SECTION}`"),
            None => format!(
                "a bundled network stays as it is: copy models/{}.net of Netwright's repository, and add `{SECTION}`",
                self.name
            ),
        }
    }

    /// The network with the further files that its description uses.
    #[must_use]
    pub fn using(self, uses: Vec<PathBuf>) -> Self {
        Self { uses, ..self }
    }

    /// The network with values for its parameters.
    #[must_use]
    pub fn with(self, values: &Values) -> Self {
        Self { values: values.words(), ..self }
    }
}

/// A file's name without its ending. Other signs than letters, digits and dots become `_`: in the names of folders, `-`
/// stands before a run's number.
fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let clean: String = stem.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '_' }).collect();
    match clean.trim_matches('.').is_empty() {
        true => "network".to_owned(),
        false => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_a_name_that_is_fit_for_a_folder() {
        for (path, expected) in [
            ("nets/mine.net", "mine"),
            ("two words-2.net", "two_words_2"),
            ("v1.1.net", "v1.1"),
            ("chiffré.net", "chiffré"),
            ("..", "network"),
            (".net", ".net"),
        ] {
            assert_eq!(Subject::file(Path::new(path)).name, expected);
        }
        assert_eq!(Subject::bundled("lenet").file, None);
    }
}
