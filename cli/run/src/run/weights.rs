//! Trained weights: which file is meant, and what is known of the run that made it.

use std::path::{Path, PathBuf};

use netwright_runtime::{Network, weights};

use super::folder;
use super::manifest::Manifest;
use crate::failure::Failure;
use crate::{Subject, output, text};

/// A file of weights.
pub(crate) struct Weights {
    path: PathBuf,
    /// What stands beside it, where it stands in a run's folder.
    manifest: Option<Manifest>,
}

/// The weights given, or those of the network's last run.
pub(crate) fn find(subject: &Subject, given: Option<&Path>) -> Result<Weights, Failure> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => match folder::latest_with(&subject.name, folder::WEIGHTS) {
            Some(folder) => folder.join(folder::WEIGHTS),
            None => {
                let network = text::word(&subject.argument);
                return Err(Failure::usage(format!("no weights are given, and runs/ has none for {}", subject.name))
                    .help(format!("say --weights FILE, or train some: `netwright train {network}`")));
            }
        },
    };
    let manifest = path.parent().and_then(|folder| Manifest::read(folder).ok().flatten());
    Ok(Weights { path, manifest })
}

impl Weights {
    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The data that the run was trained on, where it is known.
    pub(crate) fn data(&self) -> Option<&str> {
        self.manifest.as_ref().map(|manifest| manifest.data.name.as_str())
    }

    /// The fraction of the training images that the run set aside, and the seed that chose them; `None` if it set none
    /// aside or is not known.
    pub(crate) fn validation(&self) -> Option<(f32, u64)> {
        let recipe = &self.manifest.as_ref()?.recipe;
        Some((recipe.validation? as f32, recipe.seed))
    }

    /// The network with these weights; says if another one wrote them, which names and shapes do not show.
    pub(crate) fn load<N: Network>(&self) -> Result<N, Failure> {
        let network = weights::load_network(&self.path)?;
        if let Some(writer) = weights::writer(&self.path)?.filter(|writer| writer.fingerprint != N::SPEC.fingerprint) {
            let other = match writer.network == N::SPEC.name {
                true => format!("another version of {}", N::SPEC.name),
                false => format!("another network, {},", writer.network.escape_debug()),
            };
            output::warning(&format!(
                "{other} wrote {}: its arrays have the same names and shapes, its layers may differ",
                self.path.display()
            ));
        }
        Ok(network)
    }
}
