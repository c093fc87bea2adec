//! `netwright quantize`, and files of integers wherever weights are asked for.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{documented, fields, good, netwright, run, said, trained};

fn number(answer: &Value, key: &str) -> f64 {
    answer[key].as_f64().unwrap_or_else(|| panic!("{key}: {answer}"))
}

#[test]
fn weights_become_integers_that_are_as_good() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let file = scratch.path().join("lenet.nwz").to_str().unwrap().to_owned();
    let weights = "runs/lenet/weights.safetensors";
    let args = ["quantize", "lenet", "--weights", weights, "--data", "digits", "--images", "300", "--json"];
    let answer = good(folder, &[&args[..], &["-o", &file]].concat()).json();
    assert_eq!(fields(&answer), documented("quantize"));
    let bytes = fs::read(&file).unwrap();
    assert_eq!(answer["bytes"].as_u64(), Some(bytes.len() as u64));
    assert!(number(&answer, "float_bytes") / number(&answer, "bytes") > 3.9, "{answer}");
    assert!(number(&answer, "accuracy_after") >= number(&answer, "accuracy_before") - 0.01, "{answer}");
    assert_eq!(answer["calibration_images"], 300);
    let values = answer["values"].as_array().unwrap();
    let names: Vec<&str> = values.iter().map(|value| value["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["image", "conv1", "conv2", "dense1", "dense2"]);
    for value in values {
        assert!(value["signal_to_noise"].as_f64().unwrap() > 20.0, "{value}");
    }
    assert!(values[4]["scale"].is_null() && values[1]["zero"] == 0, "{answer}");

    // The same images give the same file, and others the same network on any number of threads.
    let other = scratch.path().join("other.nwz").to_str().unwrap().to_owned();
    good(folder, &[&args[..], &["--threads", "3", "-o", &other]].concat());
    assert!(fs::read(&other).unwrap() == bytes, "the number of threads does not matter");
    let eval = |threads: &str| {
        good(folder, &["eval", "lenet", "--weights", &file, "--data", "digits", "--threads", threads, "--json"]).json()
    };
    let alone = eval("1");
    assert_eq!(alone["accuracy"], answer["accuracy_after"]);
    assert_eq!((eval("2"), eval("7")), (alone.clone(), alone.clone()));
    let portable = ["eval", "lenet", "--weights", &file, "--data", "digits", "--json"];
    let portable = said(netwright(folder, &portable).env("NETWRIGHT_ISA", "portable")).json();
    assert_eq!(portable["accuracy"], alone["accuracy"]);
    assert!((number(&portable, "loss") - number(&alone, "loss")).abs() < 1e-5);

    let bench = ["bench", "lenet", "--mode", "infer", "--weights", &file, "--int8", "--seconds", "0.05", "--json"];
    assert_eq!(good(folder, &bench).json()["workload"], "lenet-int8-infer-b64");
    let again = run(folder, &["quantize", "lenet", "--weights", &file, "--data", "digits"]);
    assert!(again.exit != Some(0) && again.stderr.contains("has integers already"), "{again:?}");
    let table = good(folder, &["quantize", "lenet", "--weights", weights, "--data", "digits", "-o", &other]).stdout;
    assert!(table.contains("in integers") && table.contains("signal to noise"), "{table}");
}

/// Files that are cut off, changed, or another network's.
#[test]
fn damaged_and_foreign_integers_are_refused() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let (file, bad) = (path("lenet.nwz"), path("bad.nwz"));
    let weights = "runs/lenet/weights.safetensors";
    good(folder, &["quantize", "lenet", "--weights", weights, "--data", "digits", "--images", "50", "-o", &file]);
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 4;
    for content in [&bytes[..bytes.len() - 1], &bytes[..9], &changed] {
        fs::write(&bad, content).unwrap();
        let said = run(folder, &["eval", "lenet", "--weights", &bad, "--data", "digits"]);
        assert!(said.exit != Some(0) && said.stderr.contains("damaged"), "{said:?}");
    }
    let said = run(folder, &["eval", "lenet5", "--weights", &file, "--data", "digits"]);
    assert!(said.exit != Some(0) && said.stderr.contains("does not fit `LeNet5`"), "{said:?}");
}
