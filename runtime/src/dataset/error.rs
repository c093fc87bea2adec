//! What can go wrong with data, said so that the reader knows what to do.

use std::io;
use std::path::PathBuf;

/// A dataset could not be built, read or fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A dataset needs at least one sample.
    #[error("a dataset needs at least one sample, found none")]
    NoSamples,
    /// Samples are counted in 32 bits.
    #[error("a dataset holds at most {} samples, found {found}", u32::MAX)]
    TooManySamples {
        /// How many there are.
        found: usize,
    },
    /// A shape has no axes, or one of length zero.
    #[error("{what} of shape {shape:?} hold no values; expected at least one axis and none of length zero")]
    EmptyShape {
        /// Inputs or targets.
        what: &'static str,
        /// One sample's shape.
        shape: Vec<usize>,
    },
    /// The number of elements overflows.
    #[error("{what} of shape {shape:?} do not fit into memory")]
    TooLarge {
        /// Inputs or targets.
        what: &'static str,
        /// The shape whose product is too large.
        shape: Vec<usize>,
    },
    /// Two things that belong together have different counts.
    #[error("expected {expected} {what} to match the samples, found {found}")]
    CountMismatch {
        /// What was counted.
        what: &'static str,
        /// How many the rest of the data asks for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Labels without classes.
    #[error("a dataset of classes needs at least one class, found none")]
    NoClasses,
    /// A label is not below the number of classes.
    #[error("label {label} of sample {sample} is out of range; with {n_classes} classes labels are 0 to {}", n_classes.saturating_sub(1))]
    LabelOutOfRange {
        /// The sample's index.
        sample: usize,
        /// Its label.
        label: u32,
        /// How many classes there are.
        n_classes: usize,
    },
    /// An input or target is infinite or not a number.
    #[error("{what}: element {element} of sample {sample} is {value}; expected finite values")]
    NotFinite {
        /// Inputs or targets.
        what: &'static str,
        /// The sample's index.
        sample: usize,
        /// The element's position in the sample, in row-major order.
        element: usize,
        /// The value found.
        value: f32,
    },
    /// Bytes would not become finite values.
    #[error("bytes cannot be scaled by {scale} and shifted by {offset}; expected finite results")]
    BadScale {
        /// The factor.
        scale: f32,
        /// What is added.
        offset: f32,
    },
    /// The fraction of a split is not between 0 and 1.
    #[error("cannot split off a fraction of {fraction}; expected a number from 0 to 1")]
    BadFraction {
        /// The fraction asked for.
        fraction: f64,
    },
    /// An index is past the end.
    #[error("there is no sample {index}; the dataset has {len}, counted from 0")]
    NoSuchSample {
        /// The index asked for.
        index: usize,
        /// How many samples there are.
        len: usize,
    },
    /// An input is past the last.
    #[error("there is no input {index}; the dataset's samples have {n_inputs}, counted from 0")]
    NoSuchInput {
        /// The input asked for.
        index: usize,
        /// How many a sample has.
        n_inputs: usize,
    },
    /// The caller's buffer does not fit what was asked for.
    #[error("the buffer for {what} holds {found} values; expected {expected}")]
    WrongRoom {
        /// Inputs, labels or targets.
        what: &'static str,
        /// How many values were asked for.
        expected: usize,
        /// How many the buffer holds.
        found: usize,
    },
    /// Another scale was asked for of inputs that are not kept as bytes.
    #[error("expected a dataset whose inputs are bytes, found floats")]
    NotBytes,
    /// Labels were asked of a dataset of values, or the other way round.
    #[error("expected a dataset with {expected} as targets, found {found}")]
    WrongTargets {
        /// What was asked for.
        expected: &'static str,
        /// What the dataset has.
        found: &'static str,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried: "open", "read", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file is not the IDX file that it should be.
    #[error("{}: at byte {offset}: {problem}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// Offset in the IDX data, that is after decompression.
        offset: u64,
        /// What is wrong there.
        problem: IdxProblem,
    },
    /// A folder lacks one of the files of a dataset.
    #[error("{}: no {what} here; expected one of {}", folder.display(), expected.join(", "))]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// Which of the files: "training images", ...
        what: &'static str,
        /// The names that would do.
        expected: Vec<String>,
    },
    /// Training and test inputs differ in shape.
    #[error("training inputs are {train:?}, but test inputs are {test:?}; expected one shape")]
    SplitMismatch {
        /// Shape of a training input.
        train: Vec<usize>,
        /// Shape of a test input.
        test: Vec<usize>,
    },
    /// A file's content is not the published one.
    #[error("{}: not the published file: expected SHA-256 {expected}, found {found}; delete it to have it fetched again", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// Hash of the published content, in hexadecimal.
        expected: String,
        /// Hash of the content found.
        found: String,
    },
    /// A source has something else than the published file.
    #[error("{}: not the published file: expected SHA-256 {expected}, found {found}", path.display())]
    WrongContent {
        /// Address or name of the file.
        path: PathBuf,
        /// Hash of the published content, in hexadecimal.
        expected: String,
        /// Hash of the content found.
        found: String,
    },
    /// Neither a known dataset nor a folder.
    #[error("no dataset `{name}`: expected {} or the path of a folder with IDX files", known.join(", "))]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The names that are known.
        known: Vec<&'static str>,
    },
    /// The dataset is not on this machine, and fetching is off or not compiled in.
    #[error("{name} is not on this machine (looked in {}) and may not be fetched: {why}; {}", folder.display(), place_by_hand(folder, files))]
    NotCached {
        /// The dataset.
        name: &'static str,
        /// The cache folder that was looked into.
        folder: PathBuf,
        /// Why it is not fetched.
        why: &'static str,
        /// Names of the dataset's files.
        files: Vec<&'static str>,
    },
    /// Every source failed.
    #[error("cannot fetch {name}:{}\n{}", list(attempts), place_by_hand(folder, files))]
    Fetch {
        /// The dataset.
        name: &'static str,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
        /// The cache folder that the files would be put into.
        folder: PathBuf,
        /// Names of the dataset's files.
        files: Vec<&'static str>,
    },
    /// The machine has no place for a cache.
    #[error("no cache folder: set NETWRIGHT_CACHE to a folder, or HOME")]
    NoCacheFolder,
}

/// What is wrong at a place of an IDX file.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdxProblem {
    /// Neither IDX nor gzip.
    #[error("expected an IDX file, raw or gzip (first bytes 00 00 or 1f 8b), found {}", hex(found))]
    Magic {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// Elements other than unsigned bytes.
    #[error("expected unsigned bytes (type 0x08), found type 0x{found:02x}")]
    Type {
        /// The type code.
        found: u8,
    },
    /// Another number of axes than images or labels have.
    #[error("expected {expected}, found {found} axes")]
    Rank {
        /// What the file should hold.
        expected: &'static str,
        /// The number of axes.
        found: u8,
    },
    /// An axis of length zero.
    #[error("axis {axis} has length zero; expected at least one sample with at least one element")]
    ZeroAxis {
        /// Which axis, counted from 0.
        axis: usize,
    },
    /// The header declares more than is ever read.
    #[error("the header declares {dims:?} elements; at most {limit} bytes are read from one file")]
    TooLarge {
        /// The header's dimensions.
        dims: Vec<u32>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The data ends early.
    #[error("the file ends here; expected {expected} bytes in all: it was cut short, get it again")]
    Truncated {
        /// How long the IDX data would be.
        expected: u64,
    },
    /// More data than declared.
    #[error("the data declared in the header ends here, but the file goes on")]
    Trailing,
    /// The gzip stream is damaged.
    #[error("damaged gzip data ({message}): get the file again")]
    Gzip {
        /// The decompressor's words.
        message: String,
    },
    /// A label that is no class.
    #[error("label {label} is out of range; with {n_classes} classes labels are 0 to {}", n_classes.saturating_sub(1))]
    Label {
        /// The label.
        label: u8,
        /// How many classes there are.
        n_classes: usize,
    },
    /// As many labels as images are needed.
    #[error("{labels} labels, but {images} images in {}", images_path.display())]
    CountMismatch {
        /// How many labels this file declares.
        labels: usize,
        /// How many images the other file declares.
        images: usize,
        /// The file with the images.
        images_path: PathBuf,
    },
}

/// One source that was tried for a dataset, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The address or command.
    pub source: String,
    /// Why it failed.
    pub why: String,
}

fn list(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n  {}: {}", attempt.source, attempt.why)).collect()
}

fn place_by_hand(folder: &std::path::Path, files: &[&str]) -> String {
    format!("place {} (raw or .gz) in {}, or use `--data digits`", files.join(", "), folder.display())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
