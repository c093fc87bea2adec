//! `netwright prune`: weights, scans and channels.

use std::fs;
use std::path::Path;

use netwright::Network;
use tempfile::tempdir;

use crate::program::{good, metrics, run, trained};

netwright::model!(<lenet> as LeNet);

/// The weights that all tests prune.
fn weights() -> String {
    trained().0.join("runs/lenet/weights.safetensors").to_str().unwrap().to_owned()
}

#[test]
fn pruned_weights_are_zero_in_an_ordinary_file() {
    let folder = tempdir().unwrap();
    let (folder, weights) = (folder.path(), weights());
    let words =
        ["prune", "lenet", "--weights", &weights, "--data", "digits", "--keep", "0.2,conv1=0.5", "--epochs", "2"];
    let answer = good(folder, &[&words[..], &["--json", "--seed", "3"]].concat()).json();
    let layers = answer["layers"].as_array().unwrap();
    let kept = |name: &str| {
        let layer = layers.iter().find(|layer| layer["name"] == name).unwrap();
        (layer["weights"].as_u64().unwrap(), layer["kept"].as_u64().unwrap())
    };
    assert_eq!(kept("conv1.weight"), (800, 400));
    assert_eq!(kept("conv2.weight"), (51_200, 10_240));
    assert_eq!(kept("dense1.weight"), (131_072, 26_214));
    assert_eq!(kept("dense1.bias").0, 128);
    let accuracy = |when: &str| answer[when]["accuracy"].as_f64().unwrap();
    assert!(accuracy("after") > accuracy("before") - 0.02, "{answer}");

    // Loaded like any other, in a program of one's own and by the command.
    let path = folder.join("runs/lenet_pruned/weights.safetensors");
    let net = LeNet::load(&path).unwrap();
    let zeros = net.param("conv2.weight").unwrap().iter().filter(|weight| weight.to_bits() == 0).count();
    assert_eq!(zeros, 51_200 - 10_240);
    let again = good(folder, &["eval", "lenet", "--weights", path.to_str().unwrap(), "--json"]).json();
    assert_eq!(again["accuracy"], answer["after"]["accuracy"]);
    assert_eq!(metrics(&folder.join("runs/lenet_pruned")).len(), 2);
    let manifest = fs::read_to_string(folder.join("runs/lenet_pruned/run.toml")).unwrap();
    assert!(
        manifest.contains("netwright prune lenet --weights") && manifest.contains("--keep 0.2,conv1=0.5"),
        "{manifest}"
    );
    // The same command gives the same weights, beside the first.
    let same = good(folder, &[&words[..], &["--seed", "3"]].concat());
    assert!(same.stdout.contains("conv1.weight") && same.stdout.contains("50.00 %"), "{}", same.stdout);
    let second = folder.join("runs/lenet_pruned-2/weights.safetensors");
    assert_eq!(fs::read(path).unwrap(), fs::read(second).unwrap());
}

#[test]
fn a_scan_looks_at_every_layer_and_not_at_test_images() {
    let folder = tempdir().unwrap();
    let (folder, weights) = (folder.path(), weights());
    let words = ["prune", "lenet", "--scan", "--weights", &weights, "--data", "digits", "--out", "scan"];
    let said = good(folder, &[&words[..], &["--json"]].concat());
    let answer = said.json();
    // A tenth of the training images.
    assert_eq!(answer["images"], 400);
    assert!(said.stderr.contains("have been trained on"), "{}", said.stderr);
    let layers = answer["layers"].as_array().unwrap();
    let names: Vec<&str> = layers.iter().map(|layer| layer["layer"].as_str().unwrap()).collect();
    assert_eq!(names, ["conv1", "conv2", "dense1", "dense2"]);
    for layer in layers {
        let values: Vec<f64> =
            layer["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        assert!(values.len() == 11 && values[0] > values[10], "{layer}");
    }
    let picture = fs::read_to_string(folder.join("scan/sensitivity.svg")).unwrap();
    assert!(picture.contains("conv2 (51,200)") && picture.matches("<polyline").count() == 4);
    let table = good(folder, &words).stdout;
    assert!(table.contains("dense1") && table.contains("99 %") && table.contains("400 training images"), "{table}");
}

#[test]
fn what_cannot_be_pruned_is_said() {
    let folder = tempdir().unwrap();
    let (folder, weights) = (folder.path(), weights());
    let refused = |more: &[&str]| {
        let said = run(folder, &[&["prune", "lenet", "--weights", &weights, "--data", "digits"], more].concat());
        assert!(said.stdout.is_empty() && !folder.join("runs").exists(), "{said:?}");
        (said.exit, said.stderr)
    };
    let (exit, nothing) = refused(&[]);
    assert!(exit == Some(2) && nothing.contains("no `prune` section") && nothing.contains("--scan"), "{nothing}");
    let (_, unknown) = refused(&["--keep", "conv9=0.5"]);
    assert!(unknown.contains("no layer with weights to prune named `conv9`; it has conv1, conv2"), "{unknown}");
    assert_eq!(refused(&["--keep", "1.5"]).0, Some(2));
    assert_eq!(refused(&["--keep", "0.5", "--rounds", "3", "--gradual", "2"]).0, Some(2));
    let (_, epochs) = refused(&["--keep", "0.5", "--epochs", "2", "--gradual", "3"]);
    assert!(epochs.contains("at most the `epochs`"), "{epochs}");
    let (exit, channels) = refused(&["--structured"]);
    assert!(exit == Some(2) && channels.contains("how many channels"), "{channels}");
    let (_, layer) = refused(&["--structured", "--keep", "pool=0.5"]);
    assert!(layer.contains("the layers are conv1, conv2, dense1, dense2"), "{layer}");
}

/// Zeroes some filters of the first convolution, and saves the weights.
fn with_dead_filters(path: &Path) {
    let mut net = LeNet::load(weights()).unwrap();
    let mut weight = net.param("conv1.weight").unwrap();
    let mut bias = net.param("conv1.bias").unwrap();
    for filter in [0, 7, 31] {
        weight.index_axis_mut(netwright::ndarray::Axis(3), filter).fill(0.0);
        bias[filter] = 0.0;
    }
    net.set_param("conv1.weight", weight.view()).unwrap();
    net.set_param("conv1.bias", bias.view()).unwrap();
    net.save(path).unwrap();
    assert_eq!(LeNet::SPEC.name, "LeNet");
}

/// The whole way, with programs that are built for the smaller networks.
#[test]
#[ignore = "slow: builds three programs"]
fn channels_go_and_dead_ones_are_not_missed() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let dead = folder.join("dead.safetensors");
    with_dead_filters(&dead);
    let words = ["prune", "lenet", "--structured", "--weights", dead.to_str().unwrap(), "--data", "digits", "--json"];
    let prune = |more: &[&str]| good(folder, &[&words[..], more].concat()).json();

    let same = prune(&["--keep", "1", "--out", "same"]);
    for what in ["parameters", "multiply_adds", "loss", "accuracy"] {
        assert_eq!(same["before"][what], same["cut"][what], "{what}");
    }
    // 29 of 32 stay: those that were zero go, and nobody misses them.
    let without = prune(&["--keep", "conv1=0.90625", "--out", "without"]);
    assert_eq!(without["layers"][0]["kept"], 29);
    assert_eq!(without["before"]["accuracy"], without["cut"]["accuracy"]);
    let loss = |when: &str| without[when]["loss"].as_f64().unwrap();
    assert!((loss("before") - loss("cut")).abs() < 1e-5, "{without}");
    let count = |when: &str| without[when]["parameters"].as_u64().unwrap();
    assert_eq!(count("before") - count("cut"), 3 * (25 + 1) + 3 * 25 * 64);

    let half = prune(&["--keep", "0.5", "--epochs", "2", "--out", "half"]);
    assert!(half["after"]["accuracy"].as_f64() > half["cut"]["accuracy"].as_f64(), "{half}");
    assert!(half["after"]["one_image_us"].as_f64() < half["before"]["one_image_us"].as_f64(), "{half}");
    let text = fs::read_to_string(folder.join("half/lenet.net")).unwrap();
    assert!(text.contains("conv(16, kernel: 5) as conv1") && text.contains("dense(10) as dense2"), "{text}");
}
