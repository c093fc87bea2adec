//! `netwright import-weights`: files of PyTorch and Keras become weights from which the network computes the same.

use std::fs;
use std::path::{Path, PathBuf};

use netwright::ndarray::Array4;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{array, assert_described, documented, fields, good, run};

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
    assert_eq!(fields(&answer), documented("import-weights"));
    assert_described("import-weights", &answer["arrays"][0]);
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

/// A convolution of torchvision's SqueezeNets with ours: the module, the layer, filters, channels and the kernel's size.
type Conv = (String, String, usize, usize, usize);

/// The convolutions of torchvision's `squeezenet1_0` or `squeezenet1_1`, whose modules in `features` count activations and
/// poolings, too: `modules` are those of the eight Fire modules.
fn torchvision(stem: (usize, usize), modules: [usize; 8]) -> Vec<Conv> {
    let (filters, kernel) = stem;
    let mut convs = vec![("features.0".to_owned(), "conv1".to_owned(), filters, 3, kernel)];
    let mut channels = filters;
    let widths = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)];
    for ((number, module), (squeeze, expand)) in (2..).zip(modules).zip(widths) {
        let part = |theirs: &str, ours: &str, filters, channels, kernel| {
            (format!("features.{module}.{theirs}"), format!("fire.{number}.{ours}"), filters, channels, kernel)
        };
        convs.push(part("squeeze", "squeeze", squeeze, channels, 1));
        convs.push(part("expand1x1", "expand1", expand, squeeze, 1));
        convs.push(part("expand3x3", "expand3", expand, squeeze, 3));
        channels = 2 * expand;
    }
    convs.push(("classifier.1".to_owned(), "conv10".to_owned(), 1000, channels, 1));
    convs
}

/// Every number of the file is its own place in it, so that each says in the end where it came from; all of them are whole
/// ones that an f32 holds.
fn squeezenet_lands(convs: &[Conv], options: &[&str], numbers: usize) {
    use safetensors::Dtype;
    use safetensors::tensor::{TensorView, serialize_to_file};

    let mut next = 0_u32;
    let mut file: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut first = Vec::new();
    for (theirs, _, filters, channels, kernel) in convs {
        first.push(next);
        for (leaf, shape) in [("weight", vec![*filters, *channels, *kernel, *kernel]), ("bias", vec![*filters])] {
            let count = shape.iter().product::<usize>() as u32;
            let bytes = (next..next + count).flat_map(|number| (number as f32).to_le_bytes()).collect();
            file.push((format!("{theirs}.{leaf}"), shape, bytes));
            next += count;
        }
    }
    assert!(next as usize == numbers && next < 1 << f32::MANTISSA_DIGITS, "{next}");
    let folder = tempdir().unwrap();
    let (from, to) = (folder.path().join("torchvision.safetensors"), folder.path().join("weights.safetensors"));
    let views = file
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, &from).unwrap();
    let args = [&["import-weights", "squeezenet", from.to_str().unwrap(), "--json"], options].concat();
    let answer = good(folder.path(), &args).json();
    assert_eq!((answer["layout"].as_str(), answer["left_out"].as_array().unwrap().len()), (Some("pytorch"), 0));
    let rows = answer["arrays"].as_array().unwrap();
    assert_eq!(rows.len(), 2 * convs.len());

    for ((theirs, ours, filters, channels, kernel), first) in convs.iter().zip(first) {
        for leaf in ["weight", "bias"] {
            let row = rows.iter().find(|row| row["ours"] == format!("{ours}.{leaf}")).unwrap();
            assert_eq!(row["theirs"], format!("{theirs}.{leaf}"));
        }
        // PyTorch's [F, C, KH, KW] as [KH, KW, C, F].
        let found = array(&to, &format!("{ours}.weight"));
        let place = |f: usize, c: usize, y: usize, x: usize| ((f * channels + c) * kernel + y) * kernel + x;
        let mut wanted = Vec::with_capacity(found.len());
        for (y, x) in (0..*kernel).flat_map(|y| (0..*kernel).map(move |x| (y, x))) {
            for (c, f) in (0..*channels).flat_map(|c| (0..*filters).map(move |f| (c, f))) {
                wanted.push((first as usize + place(f, c, y, x)) as f32);
            }
        }
        assert!(found == wanted, "{ours}.weight from {theirs}.weight");
        let first = first as usize + wanted.len();
        let bias: Vec<f32> = (first..first + filters).map(|number| number as f32).collect();
        assert!(array(&to, &format!("{ours}.bias")) == bias, "{ours}.bias from {theirs}.bias");
    }
}

#[test]
fn torchvisions_squeezenets_land_where_they_belong_without_a_mapping_file() {
    squeezenet_lands(&torchvision((64, 3), [3, 4, 6, 7, 9, 10, 11, 12]), &[], 1_235_496);
    squeezenet_lands(&torchvision((96, 7), [3, 4, 5, 7, 8, 9, 10, 12]), &["--set", "version=1.0"], 1_248_424);
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
fn netwrights_own_weights_need_no_import() {
    let folder = tempdir().unwrap();
    let (net, file) = (at("small.net"), at("torch.safetensors"));
    good(folder.path(), &["import-weights", &net, &file, "-o", "own.safetensors"]);
    let again = run(folder.path(), &["import-weights", &net, "own.safetensors", "-o", "twice.safetensors"]);
    assert_eq!(again.exit, Some(1));
    for part in ["own.safetensors: these are weights of Small as Netwright keeps them", "--weights own.safetensors"] {
        assert!(again.stderr.contains(part), "{}", again.stderr);
    }
    assert!(!folder.path().join("twice.safetensors").exists());
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
