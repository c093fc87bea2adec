//! Names, the cache, and the table of published files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::fs;

use super::*;

/// A tiny published dataset and its four files.
pub(in crate::data) fn example(
    mirrors: &'static [&'static str],
    npm: Option<NpmPackage>,
) -> (&'static Published, [Idx; 4]) {
    let files = [
        Idx::new(&[3, 2, 2], (0..12).collect()).unwrap(),
        Idx::new(&[3], vec![0, 1, 2]).unwrap(),
        Idx::new(&[2, 2, 2], (100..108).collect()).unwrap(),
        Idx::new(&[2], vec![2, 0]).unwrap(),
    ];
    let known = files.each_ref().map(|idx| {
        let sha256: &'static str = Box::leak(idx.sha256().into_boxed_str());
        file((idx.header().len() + idx.bytes().len()) as u64, sha256)
    });
    let published =
        Published { name: "example", files: known, n_classes: 3, mirrors, npm, system_folders: &[], class_names: None };
    (Box::leak(Box::new(published)), files)
}

fn offline(cache: &Path) -> Options<'static> {
    Options { allow_fetch: false, cache: Some(cache.to_owned()), ..Options::default() }
}

#[test]
fn an_unknown_name_lists_what_is_known() {
    let error = load("mnits", &Options::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "no dataset `mnits`: expected mnist, fashion-mnist, digits or the path of a folder with IDX files"
    );
}

#[test]
fn digits_need_nothing_from_outside() {
    let splits = load("digits", &offline(Path::new("/nowhere"))).unwrap();
    assert_eq!((splits.train.len(), splits.test.len(), splits.train.shape()), (4000, 1000, &[28, 28, 1][..]));
}

#[test]
fn a_folder_is_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    for (part, idx) in Part::ALL.into_iter().zip(example(&[], None).1) {
        idx.write(&folder.path().join(part.file_name())).unwrap();
    }
    let splits = load(folder.path().to_str().unwrap(), &Options::default()).unwrap();
    assert_eq!((splits.train.len(), splits.test.len(), splits.train.n_classes()), (3, 2, Some(3)));
}

#[test]
fn the_cache_is_read_and_checked() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let missing = load_published(published, &offline(cache.path())).unwrap_err().to_string();
    assert!(missing.starts_with("example is not on this machine (looked in "), "{missing}");
    assert!(missing.contains("fetching is switched off; place train-images-idx3-ubyte, "), "{missing}");
    assert!(missing.ends_with("or use `--data digits`"), "{missing}");

    let folder = cache.path().join("example");
    fs::create_dir(&folder).unwrap();
    for (part, idx) in Part::ALL.into_iter().zip(&files) {
        idx.write(&folder.join(part.file_name())).unwrap();
    }
    let splits = load_published(published, &offline(cache.path())).unwrap();
    assert_eq!((splits.train.len(), splits.test.label(0)), (3, Some(2)));

    let changed = Idx::new(&[3], vec![0, 1, 1]).unwrap();
    changed.write(&folder.join("train-labels-idx1-ubyte")).unwrap();
    let error = load_published(published, &offline(cache.path())).unwrap_err();
    assert!(matches!(&error, DataError::WrongHash { found, .. } if *found == changed.sha256()));
    assert!(error.to_string().contains("delete it to have it fetched again"), "{error}");
}

#[test]
fn every_published_file_has_a_plausible_entry() {
    for published in [&MNIST, &FASHION_MNIST] {
        assert!(NAMES.contains(&published.name));
        assert_eq!(published.files.map(|file| file.len), [47_040_016, 60_008, 7_840_016, 10_008]);
        for file in published.files {
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_eq!(file.sha256, file.sha256.to_lowercase());
        }
        assert!(published.mirrors.len() >= 2);
        assert!(published.mirrors.iter().all(|mirror| mirror.starts_with("https://") && !mirror.ends_with('/')));
        assert!(class_names(published.name).is_none_or(|names| names.len() == published.n_classes));
    }
}
