//! `.net` files where a compiled network is needed: what is refused before anything is built, what cargo is asked for, and
//! (slow) the whole way.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::program::{Said, array, builder, building, metrics, netwright, said, zeros};

const TRAINED: &str = "network Mine {
    input image: [28, 28, 1];
    logits = image -> avg_pool(4) -> flatten -> dense(32) -> relu -> dense(10);
    output probabilities = softmax(logits);
    train { loss: cross_entropy(logits); optimizer: adam(lr: 0.01); batch: 32; epochs: 2; }
    prune { keep: 0.25; keep(dense2): 0.5; schedule: iterative(rounds: 2); epochs: 2; lr_factor: 0.5; }
}
";
const PAIR: &str = "network Pair {
    input image: [8, 8, 1];
    input known: [4];
    joined = concat(image -> flatten, known) -> dense(8) -> relu;
    logits = joined -> dense(3);
    output classes = softmax(logits);
    output size = joined -> dense(1);
    train { loss: cross_entropy(logits); }
}
";
const UNTRAINED: &str = "network Tiny { input x: [4]; output y = x -> dense(2) -> softmax; }\n";
const BAD: &str = "network Bad { input x: [8, 8, 1]; output y = x -> dense(2); }\n";

/// The commands that need a compiled network, for a file.
fn commands(file: &str) -> [Vec<&str>; 7] {
    let with = |command, rest: &[&'static str]| [&[command, file], rest].concat();
    [
        with("train", &[]),
        with("eval", &[]),
        with("compress", &[]),
        with("predict", &["a.png"]),
        with("prune", &[]),
        with("quantize", &[]),
        with("bench", &[]),
    ]
}

/// Runs without any cargo.
fn without_cargo(folder: &Path, args: &[&str]) -> Said {
    said(netwright(folder, args).env_remove("CARGO").env("PATH", ""))
}

#[test]
fn mistakes_are_found_before_cargo_is_asked() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    for args in commands("bad.net") {
        let said = without_cargo(folder, &args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""));
        assert!(said.stderr.contains("error[N0302]") && said.stderr.contains("bad.net does not compile"), "{said:?}");
    }
    let missing = without_cargo(folder, &["train", "none.net"]);
    assert!(missing.exit == Some(1) && missing.stderr.contains("`none.net` does not exist"), "{missing:?}");
    let wrong = without_cargo(folder, &["train", "bad.net", "--epochs", "0"]);
    assert_eq!(wrong.exit, Some(2), "{wrong:?}");
}

#[test]
fn what_needs_a_train_section_says_so() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("tiny.net"), UNTRAINED).unwrap();
    for (command, verb) in [
        ("train", "train"),
        ("eval", "evaluate"),
        ("compress", "train the shared values of"),
        ("prune", "prune"),
        ("quantize", "measure the quantised weights of"),
        ("bench", "measure the training of"),
    ] {
        let said = without_cargo(folder, &[command, "tiny.net"]);
        assert_eq!(said.exit, Some(1));
        assert!(said.stderr.contains(&format!("cannot {verb} tiny.net: it has no `train` section")), "{said:?}");
    }
}

#[test]
fn what_takes_one_input_says_so() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("pair.net"), PAIR).unwrap();
    for args in &commands("pair.net")[..6] {
        let said = without_cargo(folder, args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.stderr.contains("pair.net: it has 2 inputs (image, known), and "), "{said:?}");
        assert!(said.stderr.contains("`Dataset::with_input`"), "{said:?}");
    }
    // What looks at the description alone knows both.
    for args in [["check", "pair.net"], ["summary", "pair.net"], ["expand", "pair.net"], ["graph", "pair.net"]] {
        let said = without_cargo(folder, &args);
        assert_eq!(said.exit, Some(0), "{said:?}");
    }
    let picture = fs::read_to_string(folder.join("pair.svg")).unwrap();
    assert!([">image<", ">known<", ">classes<", ">size<"].iter().all(|name| picture.contains(name)), "{picture}");
}

#[test]
fn a_missing_cargo_is_told() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("mine.net"), TRAINED).unwrap();
    for args in commands("mine.net") {
        let said = without_cargo(folder, &args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""));
        assert!(said.stderr.contains("cannot build mine.net: there is no cargo"), "{said:?}");
        assert!(said.stderr.contains("https://rustup.rs"), "{said:?}");
    }
}

/// A cargo that has nothing offline, and online builds a program that says how it was called and ends with 7.
#[cfg(unix)]
const CARGO: &str = r#"#!/bin/sh
echo "$@" >> "$CALLS"
case " $* " in
*" --offline "*) echo "error: no matching package named \`netwright-run\` found" >&2; exit 101 ;;
esac
[ "$BROKEN" ] && { echo "   Compiling x v0.0.0" >&2; echo "error: the registry is gone" >&2; exit 101; }
echo "   Compiling x v0.0.0" >&2
mkdir -p "$PWD/out"
printf '#!/bin/sh\necho "called with $*"\nexit 7\n' > out/it
chmod +x out/it
name=$(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml)
echo "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"$name\"},\"executable\":\"$PWD/out/it\"}"
"#;

#[test]
#[cfg(unix)]
fn cargo_is_asked_offline_first_and_the_program_takes_over() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("mine.net"), TRAINED).unwrap();
    let cargo = folder.join("cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let command = |args: &[&str]| {
        let mut command = netwright(folder, args);
        command.env("CARGO", &cargo).env("CALLS", folder.join("calls"));
        command
    };
    let done = said(&mut command(&["predict", "mine.net", "a.png", "--top", "2"]));
    assert_eq!((done.exit, done.stdout.as_str()), (Some(7), "called with predict mine.net a.png --top 2\n"));
    assert!(done.stderr.starts_with("building mine.net (the first time"), "{done:?}");
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].starts_with("build --profile release ") && calls[0].contains(" --offline "), "{calls:?}");
    assert!(!calls[1].contains("--offline") && calls[1].contains(" --target-dir "), "{calls:?}");

    // The package is in the cache and names one dependency.
    let programs = folder.join("cache/programs");
    let package =
        fs::read_dir(&programs).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.join("src").exists());
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(package.unwrap().join("Cargo.toml")).unwrap()).unwrap();
    assert_eq!(manifest["dependencies"].as_table().unwrap().len(), 1);

    let broken = said(command(&["bench", "mine.net"]).env("BROKEN", "1"));
    assert_eq!((broken.exit, broken.stdout.as_str()), (Some(1), ""));
    assert!(
        broken.stderr.contains("error: cannot build mine.net: cargo failed\n    error: the registry is gone\n"),
        "{broken:?}"
    );
}

#[test]
#[ignore = "builds programs with optimisation: some minutes"]
fn a_file_is_trained_evaluated_and_measured_like_a_bundled_network() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("nets")).unwrap();
    fs::write(folder.join("nets/mine.net"), TRAINED).unwrap();
    let command = |args: &[&str]| builder(folder, args);
    let done = |args: &[&str]| building(folder, args);
    let trained = done(&["train", "nets/mine.net", "--data", "digits", "--seed", "3"]);
    assert!(trained.stdout.starts_with("Mine on digits: test accuracy "), "{trained:?}");
    let epochs = metrics(&folder.join("runs/mine"));
    assert_eq!(epochs.len(), 2);
    assert!(epochs[1]["test_accuracy"].as_f64().unwrap() > 0.7, "{epochs:?}");

    let manifest = fs::read_to_string(folder.join("runs/mine/run.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let file = folder.join("nets/mine.net").canonicalize().unwrap();
    assert_eq!(manifest["network"]["file"].as_str(), file.to_str());
    assert!(manifest["network"].get("bundled").is_none());
    let texts = manifest["network"]["texts"].as_array().unwrap();
    assert_eq!((texts.len(), texts[0]["path"].as_str()), (1, Some("mine.net")));
    assert_eq!(texts[0]["text"].as_str(), Some(TRAINED));
    // The command that the manifest tells repeats the run, to the last bit.
    let words: Vec<String> = manifest["command"]
        .as_str()
        .unwrap()
        .replace("runs/mine", "again")
        .split(' ')
        .skip(1)
        .map(str::to_owned)
        .collect();
    let again = done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!again.stderr.contains("building"), "{again:?}");
    let weights = |run: &str| fs::read(folder.join(run).join("weights.safetensors")).unwrap();
    assert!(weights("runs/mine") == weights("again"));

    let answer = done(&["eval", "nets/mine.net", "--json"]).json();
    assert_eq!((answer["network"].as_str(), answer["n"].as_u64()), (Some("Mine"), Some(1000)));
    assert!((answer["accuracy"].as_f64().unwrap() - epochs[1]["test_accuracy"].as_f64().unwrap()).abs() < 1e-9);
    image::GrayImage::new(28, 28).save(folder.join("black.png")).unwrap();
    let predicted = done(&["predict", "nets/mine.net", "black.png", "--top", "1", "--json"]).json();
    assert_eq!(predicted["top"].as_array().unwrap().len(), 1);
    let measured = done(&["bench", "nets/mine.net", "--batch", "8", "--seconds", "0.2", "--json"]).json();
    assert_eq!(measured["workload"], "mine-train-b8");

    smaller_files(folder);

    // Failures are those of bundled networks.
    let none = said(&mut command(&["train", "nets/mine.net", "--data", "mnits"]));
    assert_eq!(none.exit, Some(2));
    assert!(none.stderr.contains("did you mean `mnist`?"), "{none:?}");
    let taken = said(&mut command(&["train", "nets/mine.net", "--data", "digits", "--out", "again"]));
    assert_eq!(taken.exit, Some(2), "{taken:?}");

    // Another network of the same file does not fit the run.
    fs::write(folder.join("nets/mine.net"), TRAINED.replace("dense(32)", "dense(16)")).unwrap();
    let other = said(&mut command(&["train", "nets/mine.net", "--resume", "--data", "digits"]));
    assert_eq!(other.exit, Some(1));
    assert!(other.stderr.contains("it trains another version of the network"), "{other:?}");

    fs::write(folder.join("tiny.net"), UNTRAINED).unwrap();
    let inference = done(&["bench", "tiny.net", "--mode", "infer", "--seconds", "0.2", "--json"]).json();
    assert_eq!(inference["workload"], "tiny-infer-b64");
}

/// Prunes the run's weights as the description says, and makes small files of what is left.
fn smaller_files(folder: &Path) {
    let done = |args: &[&str]| building(folder, args);
    let pruned = done(&["prune", "nets/mine.net", "--seed", "4", "--json"]).json();
    let weights = pruned["weights"].as_str().unwrap();
    assert_eq!(weights, "runs/mine_pruned/weights.safetensors");
    let left = |name: &str| {
        let array = array(&folder.join(weights), name);
        (array.len() - zeros(&array), array.len())
    };
    assert_eq!((left("dense1.weight"), left("dense2.weight")), ((392, 1568), (160, 320)));
    let manifest = fs::read_to_string(folder.join("runs/mine_pruned/run.toml")).unwrap();
    let words = " --keep 0.25,dense2=0.5 --rounds 2 --epochs 2 --lr-factor 0.5 --seed 4 ";
    assert!(manifest.contains(words) && manifest.contains("adam(lr: 0.005,"), "{manifest}");
    let accuracy = |answer: &serde_json::Value| answer["accuracy"].as_f64().unwrap();
    assert!(accuracy(&pruned["after"]) > accuracy(&pruned["before"]) - 0.1, "{pruned}");

    let eval = |file: &str| done(&["eval", "nets/mine.net", "--weights", file, "--data", "digits", "--json"]).json();
    let words = ["nets/mine.net", "--weights", weights, "--json", "-o"];
    let compressed = done(&[&["compress"], &words[..], &["mine.nwz", "--epochs", "0"]].concat()).json();
    let kept: Vec<u64> = compressed["arrays"].as_array().unwrap().iter().map(|a| a["kept"].as_u64().unwrap()).collect();
    assert_eq!(kept, [392, 32, 160, 10], "{compressed}");
    let bytes = fs::metadata(folder.join("mine.nwz")).unwrap().len();
    assert!(bytes < 4 * (1568 + 32 + 320 + 10) / 5, "{bytes}");
    // Dense layers share 32 values.
    assert!((accuracy(&eval("mine.nwz")) - accuracy(&pruned["after"])).abs() < 0.1);

    let quantized = done(&[&["quantize"], &words[..], &["mine-int8.nwz", "--images", "200"]].concat()).json();
    assert_eq!(quantized["loss_before"], pruned["after"]["loss"]);
    assert_eq!(eval("mine-int8.nwz")["loss"], quantized["loss_after"]);
    assert_ne!(quantized["loss_after"], quantized["loss_before"]);
    assert!((accuracy(&pruned["after"]) - quantized["accuracy_after"].as_f64().unwrap()).abs() < 0.02, "{quantized}");
}
