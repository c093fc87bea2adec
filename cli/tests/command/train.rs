//! `netwright train`: its files, what it reports, and where it writes.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::program::{EPOCHS, documented, fields, good, metrics, run, trained};

/// A short run of the smallest network.
const SHORT: &[&str] = &["train", "lenet5", "--data", "digits", "--limit", "256", "--epochs", "1"];

fn short<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SHORT.iter().chain(more).copied().collect()
}

#[test]
fn it_writes_everything_and_learns() {
    let (folder, said) = trained();
    let run = folder.join("runs/lenet");
    let metrics = metrics(&run);
    assert_eq!(metrics.len(), EPOCHS);
    let number = |epoch: usize, key: &str| metrics[epoch][key].as_f64().unwrap();
    for (idx, epoch) in metrics.iter().enumerate() {
        assert_eq!(epoch["epoch"], idx + 1);
        assert_eq!(epoch["step"], (idx + 1) * 4000_usize.div_ceil(64));
        assert!(epoch["validation_loss"].is_null());
        assert!(number(idx, "seconds") > 0.0 && number(idx, "images_per_second") > 0.0);
    }
    let last = EPOCHS - 1;
    assert!(number(last, "train_loss") < 0.5 * number(0, "train_loss"));
    assert!(number(last, "test_accuracy") > 0.93 && number(last, "test_loss") < 0.3, "{metrics:?}");

    // The answer is on standard output and agrees; everything else is on standard error.
    let accuracy = format!("test accuracy {:.2} %", 100.0 * number(last, "test_accuracy"));
    assert!(said.stdout.starts_with(&format!("LeNet on digits: {accuracy}, ")), "{said:?}");
    assert_eq!(said.stdout.lines().count(), 1);
    assert_eq!(said.stderr.lines().filter(|line| line.starts_with("epoch ")).count(), EPOCHS, "{}", said.stderr);
    assert!(!said.stderr.contains('\u{1b}') && !said.stderr.contains('\r'), "{:?}", said.stderr);

    assert!(fs::metadata(run.join("weights.safetensors")).unwrap().len() > 4 * 184_586);
    assert!(!run.join("best.ckpt").exists(), "nothing may be chosen without validation data");
    let curve = fs::read_to_string(run.join("curve.svg")).unwrap();
    assert!(curve.starts_with("<svg ") && curve.ends_with("</svg>\n"));
    assert!(curve.contains("LeNet on digits") && curve.contains(&accuracy));
    assert_eq!(curve.matches("<polyline").count(), 4);
}

#[test]
fn programs_get_one_line_of_json() {
    let folder = tempdir().unwrap();
    let said = good(folder.path(), &short(&["--json", "--out", "run"]));
    let answer = said.json();
    assert_eq!(fields(&answer), documented("train"));
    assert_eq!((answer["network"].as_str(), answer["data"].as_str()), (Some("LeNet5"), Some("digits")));
    assert_eq!((answer["folder"].as_str(), answer["stopped"].as_str()), (Some("run"), Some("finished")));
    assert_eq!((answer["epochs"].as_u64(), answer["steps"].as_u64()), (Some(1), Some(4)));
    let epoch = metrics(&folder.path().join("run")).pop().unwrap();
    for field in
        ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy"]
    {
        assert_eq!(answer[field], epoch[field], "{field}");
    }
    assert!(answer["validation_loss"].is_null() && answer["seconds"].as_f64().unwrap() > 0.0, "{answer}");
    assert!(said.stderr.contains("epoch 1/1"), "{}", said.stderr);
}

#[test]
fn the_manifest_says_what_the_run_follows_from() {
    let (folder, _) = trained();
    let text = fs::read_to_string(folder.join("runs/lenet/run.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let at = |path: &str| {
        let mut parts = path.split('.');
        let first = manifest.get(parts.next().unwrap());
        parts.fold(first, |value, part| value?.get(part)).unwrap_or_else(|| panic!("no {path} in {text}"))
    };
    let string = |path: &str| at(path).as_str().unwrap().to_owned();
    let integer = |path: &str| at(path).as_integer().unwrap();
    assert_eq!((string("network.bundled"), string("network.name")), ("lenet".to_owned(), "LeNet".to_owned()));
    assert_eq!((integer("network.parameters"), string("network.fingerprint").len()), (184_586, 32));
    assert_eq!((string("data.name"), integer("data.train.images")), ("digits".to_owned(), 4000));
    assert_eq!((integer("data.test.images"), string("data.test.crc32").len()), (1000, 8));
    assert_eq!((integer("recipe.seed"), integer("recipe.batch"), integer("recipe.epochs")), (5, 64, EPOCHS as i64));
    assert!(string("recipe.optimizer").starts_with("adam(lr: 0.001"));
    assert_eq!(string("recipe.loss"), "cross_entropy");
    assert_eq!(string("version"), env!("CARGO_PKG_VERSION"));
    assert!(integer("machine.threads") >= 1 && !string("machine.isa").is_empty());
    let last = metrics(&folder.join("runs/lenet")).pop().unwrap();
    assert_eq!(at("result.test_accuracy").as_float(), last["test_accuracy"].as_f64());
    assert_eq!(integer("result.steps"), last["step"].as_i64().unwrap());
}

#[test]
fn the_manifests_command_repeats_the_run_on_any_number_of_threads() {
    let folder = tempdir().unwrap();
    let weights = |name: &str| fs::read(folder.path().join(name).join("weights.safetensors")).unwrap();
    good(folder.path(), &short(&["--seed", "3", "--batch", "24", "--threads", "1", "--out", "one"]));
    good(folder.path(), &short(&["--seed", "3", "--batch", "24", "--threads", "3", "--out", "three"]));
    assert!(weights("one") == weights("three"), "the weights of one and of three threads differ");

    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(folder.path().join("one/run.toml")).unwrap()).unwrap();
    let command = manifest["command"].as_str().unwrap().replace("--out one", "--out again");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    good(folder.path(), &words);
    assert!(weights("one") == weights("again"), "{command} gives other weights");
    good(folder.path(), &short(&["--seed", "4", "--batch", "24", "--out", "four"]));
    assert!(weights("one") != weights("four"), "the seed changes nothing");
}

#[test]
fn no_run_replaces_another() {
    let folder = tempdir().unwrap();
    let written = |name: &str| folder.path().join("runs").join(name).join("weights.safetensors").is_file();
    assert!(!good(folder.path(), SHORT).stderr.contains("is kept"));
    let second = good(folder.path(), SHORT);
    assert!(second.stderr.contains("runs/lenet5 is kept; this run goes to runs/lenet5-2"), "{}", second.stderr);
    assert!(written("lenet5") && written("lenet5-2"));

    let taken = run(folder.path(), &short(&["--out", "runs/lenet5"]));
    assert_eq!(taken.exit, Some(2));
    assert!(taken.stderr.contains("runs/lenet5 holds a run already") && taken.stderr.contains("--resume"));
    assert!(taken.stdout.is_empty());
}

#[test]
fn validation_data_are_set_aside_where_that_is_asked_for() {
    let folder = tempdir().unwrap();
    good(folder.path(), &short(&["--validation", "0.25", "--out", "run"]));
    let run = folder.path().join("run");
    let epoch = metrics(&run).pop().unwrap();
    assert!(epoch["validation_loss"].is_f64() && epoch["test_loss"].is_f64(), "{epoch}");
    assert_eq!(epoch["step"], 192 / 64);
    assert!(run.join("best.ckpt").is_file());
    assert!(fs::read_to_string(run.join("curve.svg")).unwrap().contains("validation"));
}

#[test]
fn a_folder_of_idx_files_is_data_too() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("mine");
    fs::create_dir(&data).unwrap();
    write_idx(&data, "train", 96);
    write_idx(&data, "t10k", 32);
    let said = good(folder.path(), &["train", "lenet5", "--data", "mine", "--epochs", "1"]);
    assert!(said.stderr.contains("96 training and 32 test images"), "{}", said.stderr);
    let text = fs::read_to_string(folder.path().join("runs/lenet5/run.toml")).unwrap();
    assert!(text.contains(data.canonicalize().unwrap().to_str().unwrap()), "{text}");
}

/// Images of 28 x 28 whose brightness is their class of three.
fn write_idx(folder: &Path, part: &str, n: u32) {
    let mut images = vec![0, 0, 8, 3];
    [n, 28, 28].iter().for_each(|size| images.extend(size.to_be_bytes()));
    let mut labels = vec![0, 0, 8, 1];
    labels.extend(n.to_be_bytes());
    for idx in 0..n {
        let class = (idx % 3) as u8;
        images.extend([class * 100; 28 * 28]);
        labels.push(class);
    }
    fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
}
