//! `netwright compress`, and compressed files wherever weights are asked for.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::program::{assert_described, documented, fields, good, run, trained};

const WEIGHTS: &str = "runs/lenet/weights.safetensors";

/// Writes the run's weights with the smallest nine tenths of the largest matrix as zeros, in a file as other tools write
/// it, and says how many weights are left of it.
fn pruned(folder: &Path, to: &Path) -> u64 {
    let bytes = fs::read(folder.join(WEIGHTS)).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    header.as_object_mut().unwrap().remove("__metadata__");
    let mut data = bytes[8 + len..].to_vec();
    let at = |nth: usize| header["dense1.weight"]["data_offsets"][nth].as_u64().unwrap() as usize;
    let matrix = &mut data[at(0)..at(1)];
    let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap()).abs();
    let mut sizes: Vec<f32> = matrix.chunks(4).map(value).collect();
    sizes.sort_by(f32::total_cmp);
    let limit = sizes[sizes.len() * 9 / 10];
    let mut kept = 0;
    for weight in matrix.chunks_mut(4) {
        if value(weight) < limit {
            weight.copy_from_slice(&[0; 4]);
        } else {
            kept += 1;
        }
    }
    let header = header.to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    fs::write(to, file).unwrap();
    kept
}

fn array<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["arrays"].as_array().unwrap().iter().find(|array| array["name"] == name).unwrap()
}

#[test]
fn pruned_weights_become_a_small_file_that_is_as_good() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    // Its name does not tell what it is.
    let (weights, file) = (path("pruned.safetensors"), path("small.safetensors"));
    let kept = pruned(folder, Path::new(&weights));
    let args = ["compress", "lenet", "--weights", &weights, "--data", "digits", "--epochs", "1", "--json"];
    let on =
        |threads: &'static str, file: &str| good(folder, &[&args[..], &["--threads", threads, "-o", file]].concat());
    let answer = on("2", &file).json();
    assert_eq!(fields(&answer), documented("compress"));
    for part in [&answer["arrays"][0], &answer["arrays"][0]["rates"]] {
        assert_described("compress", part);
    }
    let bytes = fs::read(&file).unwrap();
    assert_eq!((answer["bytes"].as_u64(), answer["file"].as_str()), (Some(bytes.len() as u64), Some(&*file)));
    assert_eq!(answer["float_bytes"], 4 * 184_586);
    assert!(answer["rate"].as_f64().unwrap() > 10.0, "{answer}");
    let dense = array(&answer, "dense1.weight");
    assert_eq!((dense["kept"].as_u64(), dense["weights"].as_u64()), (Some(kept), Some(131_072)), "no weight came back");
    assert!(dense["values"].as_u64().unwrap() <= 32 && dense["gap_bits_huffman"].as_f64().unwrap() > 1.0, "{dense}");
    let conv = array(&answer, "conv2.weight");
    assert_eq!((conv["kept"].as_u64(), conv["gap_bits"].as_f64()), (Some(51_200), Some(0.0)), "{conv}");
    assert!(conv["values"].as_u64().unwrap() <= 256);

    let number = |answer: &Value, key: &str| answer[key].as_f64().unwrap();
    assert!(number(&answer, "accuracy_after") > number(&answer, "accuracy_before") - 0.02, "{answer}");
    let eval = good(folder, &["eval", "lenet", "--weights", &file, "--data", "digits", "--json"]).json();
    assert_eq!(eval["accuracy"], answer["accuracy_after"]);
    assert!((number(&eval, "loss") - number(&answer, "loss_after")).abs() < 1e-9);
    let other = path("other.nwz");
    on("3", &other);
    assert!(fs::read(&other).unwrap() == bytes, "the number of threads does not matter");

    let load = ["bench", "lenet", "--mode", "load", "--weights", &file, "--seconds", "0.05", "--json"];
    let load = good(folder, &load).json();
    assert_eq!((load["workload"].as_str(), load.get("images_per_s")), (Some("lenet-load"), None));
    let infer = ["bench", "lenet", "--mode", "infer", "--weights", &file, "--seconds", "0.05", "--json"];
    assert!(number(&good(folder, &infer).json(), "images_per_s") > 0.0);
}

#[test]
fn people_get_the_papers_table() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let weights = scratch.path().join("w.safetensors");
    fs::copy(folder.join(WEIGHTS), &weights).unwrap();
    // Without data nothing is trained or measured, and the file stands beside the weights.
    let args = ["compress", "lenet", "--weights", weights.to_str().unwrap(), "--epochs", "0", "--bits", "3,conv1=6"];
    let said = good(folder, &args);
    let rows: Vec<Vec<&str>> = said.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let total = rows.iter().find(|row| row.first() == Some(&"total")).unwrap();
    assert_eq!(total[1], "184,586");
    let file = scratch.path().join("w.nwz");
    let len = fs::metadata(&file).unwrap().len();
    assert!(len < 4 * 184_586 / 9, "{len}");
    assert!(said.stdout.contains(" times smaller") && !said.stdout.contains("accuracy"), "{}", said.stdout);
    let eval = good(folder, &["eval", "lenet", "--weights", file.to_str().unwrap(), "--data", "digits"]);
    assert!(eval.stdout.contains("accuracy "), "{}", eval.stdout);
}

/// 32 bits are the floats themselves.
#[test]
fn nothing_is_lost_where_nothing_is_shared() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let file = scratch.path().join("all.nwz");
    let file = file.to_str().unwrap();
    let args = ["compress", "lenet", "--epochs", "0", "--bits", "32,bias=32", "-o", file, "--json"];
    let answer = good(folder, &args).json();
    assert!(answer["rate"].as_f64().unwrap() > 0.99 && answer["accuracy_after"].is_null(), "{answer}");
    let eval =
        |weights: &str| good(folder, &["eval", "lenet", "--weights", weights, "--data", "digits", "--json"]).json();
    assert_eq!(eval(file), eval(WEIGHTS));
}

#[test]
fn mistakes_are_told() {
    let (folder, _) = trained();
    let refused = |args: &[&str], exit: i32, parts: &[&str]| {
        let said = run(folder, args);
        assert_eq!(said.exit, Some(exit), "{said:?}");
        assert!(parts.iter().all(|part| said.stderr.contains(part)), "{said:?}");
    };
    let compress = |bits| ["compress", "lenet", "--epochs", "0", "--bits", bits, "-o", "never.nwz"];
    refused(&compress("conv=13"), 2, &["expected a number from 1 to 12"]);
    refused(
        &compress("conv3=5"),
        2,
        &["--bits names `conv3`", "it has conv, conv1, conv2, dense, dense1, dense2, bias"],
    );
    refused(&["compress", "lenet", "--weights", "none.safetensors"], 1, &["none.safetensors"]);
    refused(&["bench", "lenet", "--mode", "load"], 2, &["--weights FILE"]);
    assert!(!folder.join("never.nwz").exists());

    let scratch = tempdir().unwrap();
    let path = scratch.path().join("damaged.nwz");
    let path = path.to_str().unwrap();
    good(folder, &["compress", "lenet", "--epochs", "0", "-o", path, "--json"]);
    let bytes = fs::read(path).unwrap();
    let eval = ["eval", "lenet", "--weights", path, "--data", "digits"];
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 4;
    fs::write(path, flipped).unwrap();
    refused(&eval, 1, &["damaged.nwz", "checksum"]);
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    refused(&eval, 1, &["damaged.nwz", "cut off"]);
    fs::write(path, &bytes).unwrap();
    let other = ["eval", "lenet5", "--weights", path, "--data", "digits"];
    refused(&other, 1, &["`LeNet` wrote it", "conv1.weight: expected [5, 5, 1, 6], found [5, 5, 1, 32]"]);
    assert_eq!(good(folder, &[&eval[..], &["--json"]].concat()).json()["n"], json!(1000));
}
