//! Where packages that this program writes take netwright from.

use std::path::{Path, PathBuf};

/// Where the packages of netwright come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The repository that this program was built from.
    Repository(PathBuf),
    /// The registry, in this program's version.
    Registry,
}

impl Origin {
    /// The repository, where this program was built in one that is still there.
    pub(crate) fn of_this_program() -> Self {
        Self::beside(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// The repository with the command's package at this folder; a package from the registry stands alone.
    fn beside(command: &Path) -> Self {
        match command.parent() {
            Some(repository) if command.join("run").join("Cargo.toml").is_file() => {
                Self::Repository(repository.to_owned())
            }
            _ => Self::Registry,
        }
    }

    /// Whether its sources can change while the version stays.
    pub(crate) fn can_change(&self) -> bool {
        matches!(self, Self::Repository(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_the_package() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        assert_eq!(Origin::of_this_program(), Origin::Repository(repository));
        assert_eq!(Origin::beside(&std::env::temp_dir()), Origin::Registry);
    }
}
