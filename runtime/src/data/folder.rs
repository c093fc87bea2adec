//! A folder that holds a dataset as four IDX files under the names that MNIST gave them.

use std::path::{Path, PathBuf};

use super::idx::{self, Content, Idx};
use crate::dataset::{DataError, Dataset};

/// A dataset as published: what to train on, and what to test the result with.
#[derive(Clone, Debug)]
pub struct Splits {
    /// The training samples; validation samples are split off these.
    pub train: Dataset,
    /// The test samples, for the final figure only.
    pub test: Dataset,
}

/// One of a dataset's four files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    TrainImages,
    TrainLabels,
    TestImages,
    TestLabels,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// The name under which this part of MNIST is published, without `.gz`.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }

    pub(crate) fn content(self) -> Content {
        match self {
            Self::TrainImages | Self::TestImages => Content::Images,
            Self::TrainLabels | Self::TestLabels => Content::Labels,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::TrainImages => "training images",
            Self::TrainLabels => "training labels",
            Self::TestImages => "test images",
            Self::TestLabels => "test labels",
        }
    }

    /// The names that are accepted, the preferred one first.
    fn candidates(self) -> Vec<String> {
        let name = self.file_name();
        let mut stems = vec![name.to_owned(), name.replace("-idx", ".idx")];
        if self.content() == Content::Images {
            // Images with a channel axis are files of rank 4.
            stems.extend([name.replace("idx3", "idx4"), name.replace("-idx3", ".idx4")]);
        }
        stems.iter().flat_map(|stem| [stem.clone(), format!("{stem}.gz")]).collect()
    }

    /// Where this part lies in `folder`.
    pub(crate) fn find(self, folder: &Path) -> Option<PathBuf> {
        self.candidates().into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }
}

/// Reads the four files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte` of a folder; a dot may stand before `idx`, `.gz` may follow, and images with a channel axis
/// are `idx4`. Inputs are `[H, W, C]` with values from 0 to 1.
///
/// There are as many classes as `n_classes` says, or else one more than the largest label.
///
/// # Errors
/// [`DataError::MissingFile`] for a file that is not there, the errors of [`idx::read_pair`], and
/// [`DataError::SplitMismatch`] when training and test images differ in shape.
pub fn load(folder: &Path, n_classes: Option<usize>) -> Result<Splits, DataError> {
    let read = |part: Part| {
        let path = part.find(folder).ok_or_else(|| DataError::MissingFile {
            folder: folder.to_owned(),
            what: part.describe(),
            expected: part.candidates(),
        })?;
        Ok((idx::read(&path, part.content())?, path))
    };
    // The small files first: a mistake in the folder shows before tens of megabytes are read.
    let (train_labels, test_labels) = (read(Part::TrainLabels)?, read(Part::TestLabels)?);
    let (test_images, train_images) = (read(Part::TestImages)?, read(Part::TrainImages)?);
    join(train_images, train_labels, test_images, test_labels, n_classes)
}

/// Joins the four files, each with the path that names it in errors.
pub(crate) fn join(
    train_images: (Idx, PathBuf),
    train_labels: (Idx, PathBuf),
    test_images: (Idx, PathBuf),
    test_labels: (Idx, PathBuf),
    n_classes: Option<usize>,
) -> Result<Splits, DataError> {
    let largest = train_labels.0.bytes().iter().chain(test_labels.0.bytes()).max().copied().unwrap_or(0);
    let n_classes = n_classes.unwrap_or(usize::from(largest) + 1);
    let pair =
        |images: (Idx, PathBuf), labels: (Idx, PathBuf)| idx::pair(images.0, &images.1, labels.0, &labels.1, n_classes);
    let (train, test) = (pair(train_images, train_labels)?, pair(test_images, test_labels)?);
    if train.shape() != test.shape() {
        return Err(DataError::SplitMismatch { train: train.shape().to_vec(), test: test.shape().to_vec() });
    }
    Ok(Splits { train, test })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, dims: &[usize], bytes: Vec<u8>) {
        Idx::new(dims, bytes).unwrap().write(&folder.join(name)).unwrap();
    }

    fn example(folder: &Path) {
        write(folder, "train-images-idx3-ubyte", &[2, 2, 2], vec![0, 51, 102, 255, 0, 0, 0, 0]);
        write(folder, "train-labels.idx1-ubyte", &[2], vec![1, 4]);
        write(folder, "t10k-images.idx3-ubyte", &[1, 2, 2], vec![1; 4]);
        write(folder, "t10k-labels-idx1-ubyte", &[1], vec![2]);
    }

    #[test]
    fn four_files_make_two_datasets() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path());
        let splits = load(folder.path(), None).unwrap();
        assert_eq!((splits.train.len(), splits.test.len(), splits.train.n_classes()), (2, 1, Some(5)));
        assert_eq!(splits.train.shape(), [2, 2, 1]);
        assert_eq!(splits.train.input(0).unwrap(), [0.0, 51.0, 102.0, 255.0].map(|byte: f32| byte * (1.0 / 255.0)));
        assert_eq!(load(folder.path(), Some(10)).unwrap().test.n_classes(), Some(10));
        let error = load(folder.path(), Some(4)).unwrap_err().to_string();
        assert!(error.contains("train-labels.idx1-ubyte: at byte 9: label 4 is out of range"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named_with_what_would_do() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path());
        std::fs::remove_file(folder.path().join("t10k-images.idx3-ubyte")).unwrap();
        let error = load(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("no test images here; expected one of t10k-images-idx3-ubyte, "), "{error}");
    }

    #[test]
    fn splits_of_two_shapes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path());
        write(folder.path(), "t10k-images.idx3-ubyte", &[1, 2, 1], vec![1; 2]);
        let error = load(folder.path(), None).unwrap_err().to_string();
        assert_eq!(error, "training inputs are [2, 2, 1], but test inputs are [2, 1, 1]; expected one shape");
    }

    #[test]
    fn images_with_channels_keep_them() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path());
        for name in ["train-images-idx3-ubyte", "t10k-images.idx3-ubyte"] {
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
        write(folder.path(), "train-images-idx4-ubyte", &[2, 1, 2, 3], vec![9; 12]);
        write(folder.path(), "t10k-images.idx4-ubyte", &[1, 1, 2, 3], vec![9; 6]);
        assert_eq!(load(folder.path(), None).unwrap().train.shape(), [1, 2, 3]);
    }
}
