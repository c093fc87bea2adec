//! `netwright prune`: weights, scans and channels.

use std::fs;
use std::path::Path;

use netwright::Network;
use tempfile::tempdir;

use crate::program::{array, assert_described, building, documented, fields, good, metrics, run, trained, zeros};

netwright::model!(<lenet> as LeNet);

/// The arrays that lose weights.
const ARRAYS: [&str; 4] = ["conv1.weight", "conv2.weight", "dense1.weight", "dense2.weight"];

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
    assert_eq!(fields(&answer), documented("prune"));
    for part in [&answer["before"], &answer["layers"][0]] {
        assert_described("prune", part);
    }
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
    let weight: Vec<f32> = net.param("conv2.weight").unwrap().into_iter().collect();
    assert_eq!(zeros(&weight), 51_200 - 10_240);
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

/// Prunes on few images, and returns the arrays that were pruned, the run's manifest, and what the command said of itself.
fn pruned(folder: &Path, options: &[&str]) -> (Vec<Vec<f32>>, String, String) {
    let weights = weights();
    let words = ["prune", "lenet", "--weights", &weights, "--data", "digits", "--limit", "640", "--seed", "3"];
    let said = good(folder, &[&words[..], options, &["--out", "pruned", "--json"]].concat());
    let path = folder.join("pruned/weights.safetensors");
    let arrays: Vec<Vec<f32>> = ARRAYS.iter().map(|name| array(&path, name)).collect();
    for (row, array) in said.json()["layers"].as_array().unwrap().iter().step_by(2).zip(&arrays) {
        assert_eq!(row["kept"].as_u64(), Some((array.len() - zeros(array)) as u64), "{row}");
    }
    (arrays, fs::read_to_string(folder.join("pruned/run.toml")).unwrap(), said.stderr)
}

/// The arrays before they are pruned.
fn whole() -> Vec<Vec<f32>> {
    ARRAYS.iter().map(|name| array(Path::new(&weights()), name)).collect()
}

/// How many of the weights that are still there are smaller than some that are gone, by what they were in the beginning.
fn spared<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)> + Clone) -> usize {
    let gone = pairs.clone().filter(|(_, after)| after.to_bits() == 0).map(|(before, _)| before.abs());
    let largest = gone.fold(0.0_f32, f32::max);
    pairs.filter(|(before, after)| after.to_bits() != 0 && before.abs() < largest).count()
}

#[test]
fn weights_of_all_layers_go_together_in_rounds() {
    let folder = tempdir().unwrap();
    let (whole, in_all) = (whole(), 184_586 - (32 + 64 + 128 + 10));
    let (arrays, manifest, said) =
        pruned(folder.path(), &["--keep", "0.25", "--global", "--rounds", "2", "--epochs", "2"]);
    let gone: usize = arrays.iter().map(|array| zeros(array)).sum();
    assert_eq!(in_all - gone, in_all / 4, "a quarter of all weights is left");
    // Not a quarter of each layer: the large ones have most of what can be spared.
    let left = |idx: usize| 1.0 - zeros(&arrays[idx]) as f64 / arrays[idx].len() as f64;
    assert!(left(0) > 0.4 && left(1) < 0.2 && left(3) > 0.4, "{:?}", [0, 1, 2, 3].map(left));
    // The second round chose by what was trained after the first, so not by the weights of the beginning alone.
    let pairs = whole.iter().flatten().zip(arrays.iter().flatten());
    assert!(spared(pairs) > 0);
    assert!(manifest.contains(" --keep 0.25 --global --rounds 2 --epochs 2 --lr-factor 0.1 "), "{manifest}");
    assert!(said.contains("method: global_magnitude;") && said.contains("schedule: iterative(rounds: 2);"), "{said}");
}

#[test]
fn all_at_once_the_smallest_of_all_layers_go() {
    let folder = tempdir().unwrap();
    let whole = whole();
    let (arrays, ..) = pruned(folder.path(), &["--keep", "0.25", "--global", "--epochs", "1"]);
    let pairs = whole.iter().flatten().zip(arrays.iter().flatten());
    assert_eq!(spared(pairs), 0, "nothing that is left was smaller than what is gone");
}

#[test]
fn weights_go_little_by_little() {
    let folder = tempdir().unwrap();
    let whole = whole();
    let (arrays, manifest, said) = pruned(folder.path(), &["--sparsity", "0.8", "--gradual", "1", "--epochs", "2"]);
    let left: Vec<usize> = arrays.iter().map(|array| array.len() - zeros(array)).collect();
    assert_eq!(left, [160, 10_240, 26_214, 256], "a fifth of each layer");
    // The last of them went after an epoch of training.
    assert!(whole.iter().zip(&arrays).any(|(whole, array)| spared(whole.iter().zip(array)) > 0));
    // A tenth of the section's rate, as people write it.
    assert!(manifest.contains("adam(lr: 0.0001,") && said.contains("adam(lr: 0.0001,"), "{manifest}");
    assert!(manifest.contains(" --keep 0.2 --gradual 1 --epochs 2 --lr-factor 0.1 "), "{manifest}");
    assert!(said.contains("schedule: gradual(epochs: 1, every: 100);"), "{said}");
}

#[test]
fn a_scan_looks_at_every_layer_and_not_at_test_images() {
    let folder = tempdir().unwrap();
    let (folder, weights) = (folder.path(), weights());
    let words = ["prune", "lenet", "--scan", "--weights", &weights, "--data", "digits", "--out", "scan"];
    let said = good(folder, &[&words[..], &["--json"]].concat());
    let answer = said.json();
    assert_eq!(fields(&answer), documented("prune --scan"));
    assert_described("prune --scan", &answer["layers"][0]);
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
    let (exit, all) = refused(&["--sparsity", "1.0"]);
    assert!(exit == Some(2) && all.contains("a fraction, 0 or more and less than 1"), "{all}");
    let (exit, none) = refused(&["--keep", "0.5", "--epochs", "0"]);
    assert!(exit == Some(2) && none.contains("expected a whole number, 1 or more"), "{none}");
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
    let prune = |more: &[&str]| building(folder, &[&words[..], more].concat()).json();

    let same = prune(&["--keep", "1", "--out", "same"]);
    assert_eq!(fields(&same), documented("prune --structured"));
    for part in [&same["cut"], &same["layers"][0]] {
        assert_described("prune --structured", part);
    }
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
