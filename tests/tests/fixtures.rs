//! Crates outside of the workspace that use Netwright, built with cargo: messages of rustc, other names and editions of
//! the facade, prediction without training, building again when a description changes, and the program of the README.
//!
//! `ui/src/bin` has one program for each group of mistakes; the text beside it is all that rustc says of it. With
//! `NETWRIGHT_BLESS` set the texts are written instead, for review. All share one copy of the fixtures and one folder of
//! builds, one after another, since cargo would make them wait for each other anyway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The crates, copied to a folder outside of the repository's workspace.
struct Fixtures {
    folder: PathBuf,
    builds: PathBuf,
}

impl Fixtures {
    /// A copy in a folder of that name.
    fn copy(name: &str) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &folder, &repository);
        // What the workspace builds with is there without a network.
        std::fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        write_readme(&std::fs::read_to_string(repository.join("README.md")).unwrap(), &folder.join("readme"));
        let size = std::fs::read_to_string(repository.join("docs/size.md")).unwrap();
        write(&folder.join("size/src/main.rs"), blocks(&size, "rust")[0].as_bytes());
        Self { folder, builds: Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures-target") }
    }

    fn cargo(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(args).arg("--offline").current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.builds);
        cargo.env_remove("RUSTFLAGS").env("CARGO_TERM_COLOR", "never");
        cargo
    }

    /// What a program prints; its build may not fail.
    fn run(&self, package: &str) -> (String, String) {
        let output = self.cargo(&["run", "-p", package]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        (String::from_utf8(output.stdout).unwrap(), stderr)
    }
}

/// Copies a folder; files that have not changed are left alone, so that cargo does not build them again.
fn copy(from: &Path, to: &Path, repository: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, repository);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.ends_with("Cargo.toml") {
            let text = String::from_utf8(bytes).unwrap();
            bytes = text.replace("REPOSITORY", &repository.display().to_string().replace('\\', "/")).into_bytes();
        }
        write(&target, &bytes);
    }
}

/// Writes a file, unless it is so already.
fn write(path: &Path, bytes: &[u8]) {
    if std::fs::read(path).ok().as_deref() != Some(bytes) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What stands in the blocks of a page that are in a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let rest = page.split(&format!("\n```{language}\n")).skip(1).collect::<Vec<_>>();
    rest.into_iter().map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// Puts the program, the network and the snapshot test of the README into a crate: word for word, but for the data, which
/// are the embedded ones, few of them, once.
fn write_readme(readme: &str, folder: &Path) {
    let block = |language: &str| *blocks(readme, language).first().expect("the README has a block of each language");
    let replaced = |text: &str, from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "the README says `{from}` once");
        text.replace(from, to)
    };
    assert!(block("toml").contains("netwright = { path = \"../netwright\""));
    let network = replaced(block("net"), "epochs: 10;", "epochs: 1;");
    let rust = blocks(readme, "rust");
    let [program, test] = rust[..] else { panic!("the README has a program and a test, not {}", rust.len()) };
    // What a user has to write, blank lines not counted.
    assert_eq!(program.lines().filter(|line| !line.is_empty()).count(), 10, "{program}");
    let program = replaced(program, "load(\"mnist\", ", "load(\"digits\", ");
    let program = replaced(&program, "&digits.train,", "&digits.train.take(640),");
    write(&folder.join("nets/lenet.net"), network.as_bytes());
    write(&folder.join("src/main.rs"), format!("{program}\n#[cfg(test)]\n{test}").as_bytes());
}

#[test]
fn crates_outside_of_the_workspace() {
    let fixtures = Fixtures::copy("fixtures");
    messages(&fixtures);
    renamed_and_rebuilt(&fixtures);
    predict_only(&fixtures);
    embedded(&fixtures);
    assert_eq!(fixtures.run("everywhere").0, "as expected\n");
    two_inputs(&fixtures);
    readme(&fixtures);
}

/// What rustc says of each program of `ui`.
fn messages(fixtures: &Fixtures) {
    let output = fixtures.cargo(&["check", "-p", "ui", "--bins", "--keep-going", "--message-format=json"]);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
        let is_count = rendered.starts_with("error: aborting") || rendered.starts_with("For more information");
        if message["reason"] == "compiler-message" && !is_count {
            let target = message["target"]["name"].as_str().unwrap_or_default().to_owned();
            *found.entry(target).or_default() += rendered;
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ui/src/bin");
    let programs = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut differences = String::new();
    let mut n_programs = 0;
    for program in programs.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        n_programs += 1;
        let name = program.file_stem().unwrap().to_str().unwrap();
        let text = found.get(name).map_or("", String::as_str);
        let expected_at = program.with_extension("stderr");
        if std::env::var_os("NETWRIGHT_BLESS").is_some() {
            std::fs::write(&expected_at, text).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_at).unwrap_or_default();
        if text != expected || text.is_empty() {
            differences += &format!("==== {name}: expected\n{expected}\n==== {name}: found\n{text}\n");
        }
        assert!(!text.contains(&fixtures.folder.display().to_string()), "{name} has a path of this machine:\n{text}");
    }
    assert!(n_programs >= 8 && differences.is_empty(), "{differences}{}", String::from_utf8_lossy(&output.stderr));
}

/// The facade under another name in an older edition; an edit of the description builds the crate again, and only that.
fn renamed_and_rebuilt(fixtures: &Fixtures) {
    let (printed, _) = fixtures.run("renamed");
    assert_eq!(printed, "15 2 Ok([1, 3]) 10\n");
    let (_, stderr) = fixtures.run("renamed");
    assert!(!stderr.contains("Compiling"), "nothing has changed:\n{stderr}");

    let path = fixtures.folder.join("renamed/src/nets/small.net");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("dense(width)", "dense(width + 2)").replace("epochs: 2", "epochs: 7")).unwrap();
    let (printed, stderr) = fixtures.run("renamed");
    assert_eq!(printed, "25 7 Ok([1, 5]) 10\n");
    assert!(stderr.contains("Compiling renamed") && !stderr.contains("Compiling netwright"), "{stderr}");

    std::fs::write(&path, "network Small {").unwrap();
    let output = fixtures.cargo(&["build", "-p", "renamed"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("src/nets/small.net:1:"), "{stderr}");

    std::fs::write(&path, text).unwrap();
    assert_eq!(fixtures.run("renamed").0, "15 2 Ok([1, 3]) 10\n", "a mistake mended builds again");

    // A file that the description uses is watched as well.
    let used = fixtures.folder.join("renamed/src/nets/parts/sizes.net");
    let text = std::fs::read_to_string(&used).unwrap();
    std::fs::write(&used, text.replace("width = 3", "width = 4")).unwrap();
    let (printed, stderr) = fixtures.run("renamed");
    assert_eq!(printed, "20 2 Ok([1, 4]) 10\n");
    assert!(stderr.contains("Compiling renamed") && !stderr.contains("Compiling netwright"), "{stderr}");
    std::fs::write(&used, text).unwrap();
    assert_eq!(fixtures.run("renamed").0, "15 2 Ok([1, 3]) 10\n");
}

fn two_inputs(fixtures: &Fixtures) {
    assert_eq!(fixtures.run("two_inputs").0, "Some(1.0) true true (2, 16)\n");
}

fn predict_only(fixtures: &Fixtures) {
    assert_eq!(fixtures.run("predict_only").0, "Ok([2, 10]), no recipe, no gradients\n");
    // What reads data, fetches or trains is not in the program.
    let tree = ["tree", "-p", "predict_only", "-e", "normal,no-proc-macro", "--prefix", "none", "-f", "{p}"];
    let output = fixtures.cargo(&tree);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let packages: Vec<&str> = stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains(&"netwright-kernels"), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let heavy = ["clap", "flate2", "image", "indicatif", "sha2", "toml", "ureq"];
    let found: Vec<_> = packages.iter().filter(|package| heavy.contains(package)).collect();
    assert!(found.is_empty(), "a program that predicts depends on {found:?}");
}

/// A program with its weights in it reads a digit, and is small; weights that are exchanged build it again.
fn embedded(fixtures: &Fixtures) {
    assert_eq!(fixtures.run("embedded").0, "7 true\n");
    let path = fixtures.folder.join("embedded/src/lenet300_100.nwz");
    let weights = std::fs::read(&path).unwrap();
    assert!(weights.len() < 27_000, "Deep Compression's figure is 27 KB, this file has {} bytes", weights.len());
    let mut damaged = weights.clone();
    damaged[100] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    let output = fixtures.cargo(&["build", "-p", "embedded"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && stderr.contains("cannot embed `lenet300_100.nwz`: its checksum is"),
        "{stderr}"
    );
    std::fs::write(&path, weights).unwrap();
    assert_eq!(fixtures.run("embedded").0, "7 true\n");

    let output = fixtures.cargo(&["build", "--release", "-p", "embedded"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let len = std::fs::metadata(fixtures.builds.join("release/embedded")).unwrap().len();
    assert!(len < 700_000, "{len} bytes");
}

#[test]
#[ignore = "a release build: a minute"]
fn a_program_that_predicts_is_under_a_megabyte() {
    let fixtures = Fixtures::copy("fixtures-size");
    let output = fixtures.cargo(&["build", "--profile", "plain", "-p", "size"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = fixtures.builds.join("plain/size");
    let len = std::fs::metadata(&program).unwrap().len();
    assert!(len < 1_000_000, "{len} bytes");
}

/// It trains, predicts and saves.
fn readme(fixtures: &Fixtures) {
    let weights = fixtures.folder.join("lenet.safetensors");
    let _ = std::fs::remove_file(&weights);
    let printed = fixtures.run("readme").0;
    let numbers = printed.split(|c: char| "[], \n".contains(c)).filter(|word| !word.is_empty());
    let probabilities: Vec<f32> = numbers.map(|word| word.parse().unwrap()).collect();
    assert_eq!(probabilities.len(), 3 * 10, "{printed}");
    for image in probabilities.chunks(10) {
        assert!((image.iter().sum::<f32>() - 1.0).abs() < 1e-4 && image.iter().all(|&p| p >= 0.0), "{printed}");
        // Ten steps of training change what chance had it: one in ten for each.
        assert!(image.iter().any(|&p| p > 0.15), "{printed}");
    }
    assert!(std::fs::metadata(weights).unwrap().len() > 4 * 184_586);
}

/// What is predicted in WebAssembly, with and without SIMD, is what this machine predicts, and trained weights read a digit.
#[test]
#[ignore = "builds for two targets that rustup has to have, and runs under node: some minutes"]
fn predictions_in_webassembly() {
    let has =
        |program: &str, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|o| o.status.success());
    if !has("node", &["--version"]) {
        eprintln!("skipped: node is not installed");
        return;
    }
    let fixtures = Fixtures::copy("fixtures-webassembly");
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(".ci/wasi.mjs");
    for target in ["wasm32-wasip1", "wasm32-unknown-unknown"] {
        let libraries = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output().unwrap();
        if !Path::new(String::from_utf8(libraries.stdout).unwrap().trim()).is_dir() {
            eprintln!("skipped: {target} is not installed");
            continue;
        }
        for flags in ["-Ctarget-feature=-simd128", "-Ctarget-feature=+simd128"] {
            for (package, expected) in [("everywhere", "as expected\n"), ("embedded", "7 true\n")] {
                let mut cargo = fixtures.command(&["build", "--release", "-p", package, "--target", target]);
                let built = cargo.env("RUSTFLAGS", flags).output().unwrap();
                assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
                let program = fixtures.builds.join(target).join("release").join(package).with_extension("wasm");
                let run = Command::new("node").arg("--no-warnings").arg(&runner).arg(&program).output().unwrap();
                assert!(run.status.success(), "{package} for {target}: {run:?}");
                // Where there is no system there is nothing to print to.
                let expected = if target == "wasm32-wasip1" { expected } else { "" };
                assert_eq!(String::from_utf8(run.stdout).unwrap(), expected, "{package} for {target}, {flags}");
                println!("{package}, {target}, {flags}: {} bytes", std::fs::metadata(program).unwrap().len());
            }
        }
    }
}

#[test]
#[ignore = "builds the compiler for the crate's tests: some minutes"]
fn the_snapshot_test_of_the_readme() {
    let fixtures = Fixtures::copy("fixtures-snapshot");
    let test = |update: &str| {
        let mut cargo = fixtures.command(&["test", "-p", "readme"]);
        cargo.env("INSTA_UPDATE", update).env("INSTA_FORCE_PASS", "0").output().unwrap()
    };
    let first = test("always");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let snapshots = std::fs::read_dir(fixtures.folder.join("readme/src/snapshots")).unwrap();
    let texts: Vec<String> = snapshots.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert!(texts.len() == 1 && texts[0].contains("pub struct LeNet"), "{texts:?}");
    assert!(test("no").status.success(), "the same code again");

    let network = fixtures.folder.join("readme/nets/lenet.net");
    let text = std::fs::read_to_string(&network).unwrap();
    std::fs::write(&network, text.replace("dense(128)", "dense(64)")).unwrap();
    let changed = test("no");
    std::fs::write(&network, text).unwrap();
    assert!(!changed.status.success() && String::from_utf8_lossy(&changed.stdout).contains("snapshot"), "{changed:?}");
}
