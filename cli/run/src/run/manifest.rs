//! `run.toml`: everything that a run follows from, so that it can be repeated and resumed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use netwright_runtime::dataset::Dataset;
use netwright_runtime::train::{EpochMetrics, Recipe};
use serde::{Deserialize, Serialize};

use super::folder::MANIFEST;
use crate::failure::Failure;
use crate::{Subject, output};

/// The longest manifest that is read, in bytes: the texts of a description, 16 MiB at most, with room for signs that are
/// written as several.
const LONGEST: u64 = 64 << 20;

/// The contents of `run.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The command that repeats the run, every choice spelt out.
    pub(crate) command: String,
    /// The version of netwright.
    pub(crate) version: String,
    /// What is trained.
    pub(crate) network: NetworkEntry,
    /// What it is trained on.
    pub(crate) data: DataEntry,
    /// How it is trained.
    pub(crate) recipe: RecipeEntry,
    /// Where it is trained; changes nothing but, with another instruction set, the last bits.
    pub(crate) machine: Machine,
    /// What came of it, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Outcome>,
}

/// The network of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetworkEntry {
    /// The bundled network's name, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bundled: Option<String>,
    /// The description's file, absolute, where it is one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// Values for its parameters, such as `classes=4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) set: Vec<String>,
    /// The name in its description.
    pub(crate) name: String,
    /// The digest of its structure.
    pub(crate) fingerprint: String,
    /// Trained parameters.
    pub(crate) parameters: u64,
    /// The description's texts, where they are one's own: the files may change, or be lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) texts: Vec<NetText>,
}

/// A file of a description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetText {
    /// The path below the description's folder, or else from the root.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataEntry {
    /// A name, or a folder's absolute path.
    pub(crate) name: String,
    /// The most images taken of each part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
    /// The training images.
    pub(crate) train: Part,
    /// The test images.
    pub(crate) test: Part,
}

/// A part of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// How many images.
    pub(crate) images: usize,
    /// A checksum of images and labels.
    pub(crate) crc32: String,
}

/// The recipe as it was followed, in the words of the `train` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecipeEntry {
    pub(crate) loss: String,
    pub(crate) optimizer: String,
    pub(crate) schedule: String,
    pub(crate) warmup_steps: u64,
    pub(crate) batch: usize,
    pub(crate) epochs: usize,
    pub(crate) seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) augment: Option<String>,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) threads: usize,
    /// The kernels' instruction set.
    pub(crate) isa: String,
    pub(crate) os: String,
    pub(crate) arch: String,
    /// Whether this program was built with optimisation.
    pub(crate) optimized: bool,
}

/// What came of a run: its last epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) epochs: usize,
    pub(crate) steps: u64,
    /// Seconds of training, evaluation not counted.
    pub(crate) seconds: f64,
    pub(crate) train_loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_accuracy: Option<f64>,
}

impl NetworkEntry {
    /// Whether this is about the same bundled network or file, perhaps of another version.
    pub(crate) fn is(&self, subject: &Subject) -> bool {
        self.set == subject.values
            && match &subject.file {
                None => self.bundled.as_ref() == Some(&subject.name),
                Some(file) => self.file.as_ref().is_some_and(|own| Path::new(own) == file),
            }
    }

    /// The bundled name, or the file.
    pub(crate) fn describe(&self) -> &str {
        self.bundled.as_ref().or(self.file.as_ref()).unwrap_or(&self.name)
    }
}

impl NetText {
    /// The texts of a network's files, the description first; none of a bundled network.
    pub(crate) fn all(subject: &Subject) -> Result<Vec<Self>, Failure> {
        let Some(file) = &subject.file else { return Ok(Vec::new()) };
        let folder = file.parent().unwrap_or(file);
        let read = |path: &PathBuf| {
            let text = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
            let path = path.strip_prefix(folder).unwrap_or(path).display().to_string();
            Ok(Self { path, text })
        };
        std::iter::once(file).chain(&subject.uses).map(read).collect()
    }
}

impl Part {
    /// What there is to say of a part.
    pub(crate) fn of(data: &Dataset) -> Self {
        Self { images: data.len(), crc32: format!("{:08x}", data.fingerprint()) }
    }
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        Self {
            threads: rayon::current_num_threads(),
            isa: netwright_kernels::isa().name().to_owned(),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            optimized: !cfg!(debug_assertions),
        }
    }
}

impl From<&Recipe> for RecipeEntry {
    fn from(recipe: &Recipe) -> Self {
        let Recipe {
            loss,
            optimizer,
            schedule,
            warmup_steps,
            batch,
            epochs,
            seed,
            patience,
            validation,
            clip_norm,
            augment,
        } = *recipe;
        Self {
            loss: loss.name().to_owned(),
            optimizer: optimizer.to_string(),
            schedule: schedule.to_string(),
            warmup_steps,
            batch,
            epochs,
            seed,
            patience,
            validation: validation.map(short),
            clip_norm: clip_norm.map(short),
            augment: (!augment.is_none()).then(|| augment.to_string()),
        }
    }
}

/// The number with the fewest digits that is this f32: 0.1 and not 0.10000000149.
pub(crate) fn short(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

impl Outcome {
    /// What a history came to; `None` without an epoch.
    pub(crate) fn of(history: &[EpochMetrics], steps: u64) -> Option<Self> {
        let last = history.last()?;
        Some(Self {
            epochs: history.len(),
            steps,
            seconds: history.iter().map(|metrics| metrics.seconds).sum(),
            train_loss: last.train_loss,
            validation_loss: last.validation_loss,
            validation_accuracy: last.validation_accuracy,
            test_loss: last.test_loss,
            test_accuracy: last.test_accuracy,
        })
    }
}

impl Manifest {
    /// The manifest of a run's folder; `None` where there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(MANIFEST);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |error: std::io::Error| Failure::io("read", &path, &error);
        let mut text = String::new();
        fs::File::open(&path).map_err(failed)?.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        let manifest = toml::from_str(&text);
        manifest
            .map(Some)
            .map_err(|error| Failure::failed(format!("cannot read {}: {}", path.display(), error.message())))
    }

    /// Replaces the manifest of a run's folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, Failure> {
        let path = folder.join(MANIFEST);
        let text = toml::to_string_pretty(self);
        let text = text.map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
        let head = "# What this training run follows from. `command` repeats it; with `--resume` it goes on where it stopped.\n";
        output::write_file(&path, &format!("{head}{text}"))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_a_description_are_kept_to_the_byte() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("blocks")).unwrap();
        let main = "/// \u{201c}Quoted\u{201d} \"\"\" and '''\r\nuse \"blocks/b.net\";\tnetwork A { }\n\n";
        fs::write(root.join("a.net"), main).unwrap();
        fs::write(root.join("blocks/b.net"), "block B() { }").unwrap();
        let subject = Subject::file(&root.join("a.net")).using(vec![root.join("blocks/b.net")]);
        let texts = NetText::all(&subject).unwrap();
        assert_eq!(texts.iter().map(|text| text.path.as_str()).collect::<Vec<_>>(), ["a.net", "blocks/b.net"]);
        assert_eq!(texts[0].text, main);

        let network = NetworkEntry {
            bundled: None,
            file: Some("a.net".to_owned()),
            set: Vec::new(),
            name: "A".to_owned(),
            fingerprint: String::new(),
            parameters: 0,
            texts,
        };
        let written = toml::to_string_pretty(&network).unwrap();
        assert_eq!(toml::from_str::<NetworkEntry>(&written).unwrap(), network, "{written}");
        assert!(NetText::all(&Subject::bundled("lenet")).unwrap().is_empty());
        let gone = Subject::file(&root.join("a.net")).using(vec![root.join("blocks/c.net")]);
        assert!(NetText::all(&gone).is_err());
    }
}
