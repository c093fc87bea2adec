//! `netwright import-weights`: files of PyTorch and Keras become weights from which the network computes the same.

use std::fs;
use std::path::{Path, PathBuf};

use netwright::ndarray::Array4;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{good, run};

netwright::model!("../imports/small.net");

fn imports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports")
}

fn at(name: &str) -> String {
    imports().join(name).to_str().unwrap().to_owned()
}

fn numbers(values: &Value) -> Vec<f32> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

/// Imports a file and compares what the network then computes with what the framework did.
fn agrees(file: &str, framework: &str, tolerance: f32, options: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    let (net, file) = (at("small.net"), at(file));
    let mut args = vec!["import-weights", &net, &file, "-o", "out.safetensors", "--json"];
    args.extend(options);
    let answer = good(folder.path(), &args).json();
    let outputs: Value = serde_json::from_str(&fs::read_to_string(imports().join("outputs.json")).unwrap()).unwrap();
    let image = Array4::from_shape_vec((1, 8, 8, 2), numbers(&outputs["image"])).unwrap();
    let found = Small::load(folder.path().join("out.safetensors")).unwrap().predict(image.view()).unwrap();
    for (found, expected) in found.iter().zip(numbers(&outputs[framework])) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}: {answer}");
    }
    answer
}

#[test]
fn pytorchs_weights_give_pytorchs_numbers() {
    let answer = agrees("torch.safetensors", "torch", 1e-5, &[]);
    assert_eq!((answer["layout"].as_str(), answer["arrays"].as_array().unwrap().len()), (Some("pytorch"), 14));
    assert_eq!(answer["left_out"], serde_json::json!(["features.1.num_batches_tracked"]));
    let hidden = &answer["arrays"].as_array().unwrap().iter().find(|row| row["ours"] == "hidden.weight").unwrap();
    assert_eq!(hidden["change"], "axes [1, 0], features from channels first");
    let half = agrees("half.safetensors", "torch", 2e-2, &["--layout", "pytorch"]);
    assert_eq!(half["arrays"][1]["change"], "from f16");
}

#[test]
fn kerass_weights_give_kerass_numbers() {
    let answer = agrees("keras.npz", "keras", 1e-5, &[]);
    assert_eq!((answer["layout"].as_str(), answer["arrays"].as_array().unwrap().len()), (Some("keras"), 14));
    assert!(answer["arrays"].as_array().unwrap().iter().all(|row| row["matched_by"] == "shape"), "{answer}");
    let numbered = agrees("numbered.npz", "keras", 1e-5, &[]);
    assert!(numbered["arrays"].as_array().unwrap().iter().all(|row| row["matched_by"] == "order"), "{numbered}");
}

#[test]
fn a_mapping_file_says_what_is_what() {
    let folder = tempdir().unwrap();
    let map = folder.path().join("map.toml");
    let lines = "'features.0' = 'first'\n'features.1' = 'norm'\n'features.3' = 'depthwise'\n'features.6' = 'up'\n\
        'classifier.1.weight' = 'hidden.weight'\n'classifier.1.bias' = 'hidden.bias'\n";
    fs::write(&map, lines).unwrap();
    let answer = agrees("torch.safetensors", "torch", 1e-5, &["--map", map.to_str().unwrap()]);
    let by = |name: &str| answer["arrays"].as_array().unwrap().iter().filter(|row| row["matched_by"] == name).count();
    assert_eq!((by("map"), by("shape")), (12, 2));

    fs::write(&map, "'features.0' = 'up'\n'features.9' = 'first'\n").unwrap();
    let refused =
        run(folder.path(), &["import-weights", &at("small.net"), &at("torch.safetensors"), "--map", "map.toml"]);
    assert_eq!(refused.exit, Some(1));
    for part in [
        "\"features.9\" of the mapping file is no array of the file",
        "features.0.weight [4, 2, 3, 3] is mapped to up.weight [2, 2, 4, 3]",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert!(!folder.path().join("weights.safetensors").exists());
}

#[test]
fn the_table_shows_what_was_matched() {
    let folder = tempdir().unwrap();
    let said = good(folder.path(), &["import-weights", &at("small.net"), &at("torch.safetensors")]);
    for part in [
        "features.3.weight",
        "[4, 1, 3, 3]",
        "depthwise.weight",
        "[3, 3, 1, 4]",
        "axes [2, 3, 1, 0]",
        "left out: features.1.num_batches_tracked",
        "14 arrays with 512 numbers, pytorch layout, written to weights.safetensors",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    Small::load(folder.path().join("weights.safetensors")).unwrap();
}

#[test]
fn what_does_not_fit_is_listed_and_nothing_is_written() {
    let folder = tempdir().unwrap();
    let said = run(folder.path(), &["import-weights", "lenet", &at("torch.safetensors")]);
    assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""));
    for part in [
        "conv1.weight [5, 5, 1, 32] of the network: nothing in the file",
        "classifier.3.bias [5] of the file: no place in the network",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    assert!(!folder.path().join("weights.safetensors").exists());
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempdir().unwrap();
    for name in ["torch.safetensors", "keras.npz"] {
        let bytes = fs::read(imports().join(name)).unwrap();
        for part in [0, 7, 9, bytes.len() / 2, bytes.len() - 1] {
            fs::write(folder.path().join("cut"), &bytes[..part]).unwrap();
            let said = run(folder.path(), &["import-weights", &at("small.net"), "cut"]);
            assert_eq!(said.exit, Some(1), "{name} of {part} bytes: {said:?}");
            assert!(said.stderr.starts_with("error: "), "{said:?}");
        }
    }
    let said = run(folder.path(), &["import-weights", &at("small.net"), "."]);
    assert!(said.stderr.contains("no ordinary file"), "{said:?}");
}
