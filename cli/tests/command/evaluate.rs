//! `netwright eval` and `netwright bench`.

use std::fs;

use tempfile::tempdir;

use crate::program::{documented, fields, good, metrics, run, trained};

#[test]
fn it_agrees_with_the_last_epoch() {
    let (folder, _) = trained();
    let args = ["eval", "lenet", "--weights", "runs/lenet/weights.safetensors", "--data", "digits", "--json"];
    let answer = good(folder, &args).json();
    let last = metrics(&folder.join("runs/lenet")).pop().unwrap();
    assert_eq!((answer["network"].as_str(), answer["n"].as_u64()), (Some("LeNet"), Some(1000)));
    assert_eq!(answer["accuracy"], last["test_accuracy"]);
    let (loss, expected) = (answer["loss"].as_f64().unwrap(), last["test_loss"].as_f64().unwrap());
    assert!((loss - expected).abs() < 1e-9, "{loss} {expected}");
    assert_eq!(fields(&answer), documented("eval"));
}

#[test]
fn people_get_a_table_of_classes() {
    let (folder, _) = trained();
    // Weights and data are the last run's, where nothing else is said.
    let said = good(folder, &["eval", "lenet"]);
    assert!(said.stdout.contains("1,000 test images of digits: loss "), "{}", said.stdout);
    let rows: Vec<Vec<&str>> = said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let of_classes: Vec<&Vec<&str>> =
        rows.iter().filter(|row| row.first().is_some_and(|first| first.parse::<u8>().is_ok())).collect();
    assert_eq!(of_classes.len(), 10, "{}", said.stdout);
    let images: u64 = of_classes.iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
    assert_eq!(images, 1000);
}

#[test]
fn other_weights_are_refused_with_every_difference() {
    let (folder, _) = trained();
    let weights = folder.join("runs/lenet/weights.safetensors");
    let path = weights.to_str().unwrap();
    let other = run(folder, &["eval", "lenet5", "--weights", path, "--data", "digits"]);
    assert_eq!(other.exit, Some(1));
    for part in ["cannot load weights", "conv1.weight", "dense3.weight", "[5, 5, 1, 6]", "[5, 5, 1, 32]"] {
        assert!(other.stderr.contains(part), "{part}: {}", other.stderr);
    }
    let scratch = tempdir().unwrap();
    let damaged = scratch.path().join("damaged.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    let flipped = run(folder, &["eval", "lenet", "--weights", damaged.to_str().unwrap(), "--data", "digits"]);
    assert_eq!(flipped.exit, Some(1));
    assert!(flipped.stderr.contains("checksum"), "{}", flipped.stderr);
    fs::write(&damaged, &bytes[..middle]).unwrap();
    let short = run(folder, &["eval", "lenet", "--weights", damaged.to_str().unwrap(), "--data", "digits"]);
    assert_eq!(short.exit, Some(1));
    assert!(short.stdout.is_empty() && short.stderr.contains("damaged.safetensors"), "{}", short.stderr);
}

mod other {
    netwright::model! {
        /// LeNet, but for the names of its values.
        network LeNet {
            input picture: [28, 28, 1];
            scores = picture
                -> conv(32, kernel: 5) -> relu -> max_pool(2) -> conv(64, kernel: 5) -> relu -> max_pool(2)
                -> flatten -> dense(128) -> relu -> dense(10);
            output classes = softmax(scores);
        }
    }
}

/// Names and shapes decide whether weights load; that another version of the network wrote them is said.
#[test]
fn weights_of_another_version_load_with_a_warning() {
    let (folder, _) = trained();
    let eval = |weights: &str| good(folder, &["eval", "lenet", "--weights", weights, "--data", "digits", "--json"]);
    let own = eval("runs/lenet/weights.safetensors");
    assert!(!own.stderr.contains("warning"), "{}", own.stderr);

    let scratch = tempdir().unwrap();
    let path = scratch.path().join("other.safetensors");
    other::LeNet::load(folder.join("runs/lenet/weights.safetensors")).unwrap().save(&path).unwrap();
    let other = eval(path.to_str().unwrap());
    assert!(other.stderr.contains("warning: another version of LeNet wrote "), "{}", other.stderr);
    assert_eq!(other.json(), own.json());
}

#[test]
fn without_weights_there_is_advice() {
    let folder = tempdir().unwrap();
    let said = run(folder.path(), &["eval", "lenet", "--data", "digits"]);
    assert_eq!(said.exit, Some(2));
    assert!(said.stderr.contains("netwright train lenet"), "{}", said.stderr);
    let missing = run(folder.path(), &["eval", "lenet", "--weights", "none.safetensors", "--data", "digits"]);
    assert_eq!(missing.exit, Some(1));
    assert!(missing.stderr.contains("none.safetensors"), "{}", missing.stderr);
}

#[test]
fn a_measurement_is_one_line_of_json() {
    let folder = tempdir().unwrap();
    for (mode, batch) in [("train", "16"), ("infer", "1")] {
        let args =
            ["bench", "lenet5", "--mode", mode, "--batch", batch, "--threads", "2", "--seconds", "0.05", "--json"];
        let answer = good(folder.path(), &args).json();
        assert_eq!(answer["workload"], format!("lenet5-{mode}-b{batch}"));
        assert_eq!((answer["framework"].as_str(), answer["threads"].as_u64()), (Some("netwright"), Some(2)));
        let number = |key: &str| answer[key].as_f64().unwrap_or_else(|| panic!("no {key} in {answer}"));
        let ordered = ["min_ms", "p10_ms", "median_ms", "p90_ms", "p99_ms"].map(number);
        assert!(ordered.is_sorted() && ordered[0] > 0.0, "{answer}");
        assert!(number("iters") >= 5.0);
        let images = number("batch") / (number("median_ms") / 1e3);
        assert!((number("images_per_s") / images - 1.0).abs() < 1e-3, "{answer}");
        // LeNet-5 has 416,520 multiply-adds, 117,600 of them in its first layer.
        let operations = 2.0 * if mode == "train" { 3.0 * 416_520.0 - 117_600.0 } else { 416_520.0 };
        assert!((number("gflops_per_s") - images * operations / 1e9).abs() < 0.02, "{answer}");
        if cfg!(target_os = "linux") {
            assert_eq!(fields(&answer), documented("bench"));
            assert!(number("peak_rss_mb") > 1.0 && number("steal_pct") >= 0.0 && number("other_cpu_pct") >= 0.0);
        }
    }
}
