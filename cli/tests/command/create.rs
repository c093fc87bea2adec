//! `netwright new`: what it writes, what it refuses, and (slow) that it builds and learns.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::tempdir;

use crate::program::{good, run};

#[test]
fn a_crate_is_written_and_its_network_is_right() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let said = good(folder, &["new", "my-digits"]);
    assert!(said.stdout.is_empty() && said.stderr.starts_with("made my-digits: "), "{said:?}");
    let read = |path: &str| fs::read_to_string(folder.join("my-digits").join(path)).unwrap();
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some("my-digits"));
    assert!(manifest["dependencies"]["netwright"].get("path").is_some());
    assert!(read("src/main.rs").contains("netwright::model!(\"../nets/my_digits.net\");"));
    assert!(read(".gitignore").lines().any(|line| line == "/target"));
    let checked = good(folder, &["check", "--deny", "warnings", "my-digits/nets/my_digits.net"]);
    assert!(checked.stdout.starts_with("ok my-digits/nets/my_digits.net: MyDigits, "), "{checked:?}");
    good(folder, &["new", "some/where/second"]);
    assert!(folder.join("some/where/second/nets/second.net").is_file());
}

#[test]
fn nothing_is_overwritten_and_names_are_checked() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("there")).unwrap();
    fs::write(folder.join("file"), "kept").unwrap();
    for name in ["there", "file", "my crate", "Upper", "std", "netwright", ".."] {
        let said = run(folder, &["new", name]);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""), "{name}: {said:?}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
    assert_eq!(fs::read_dir(folder.join("there")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "kept");
}

#[test]
#[ignore = "builds a crate and its dependencies: some minutes"]
fn the_crate_builds_without_a_warning_and_its_test_passes() {
    let folder = tempdir().unwrap();
    good(folder.path(), &["new", "fresh"]);
    let package = folder.path().join("fresh");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    // What the workspace builds with is there without a network.
    fs::copy(repository.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let cargo = |args: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(args).arg("--offline").current_dir(&package).env("CARGO_TERM_COLOR", "never");
        // Kept from one run of the tests to the next.
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-target"));
        let output = cargo.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !stderr.contains("warning"), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    let tested = cargo(&["test"]);
    assert!(tested.contains("test tests::it_learns ... ok"), "{tested}");
    let ran = cargo(&["run"]);
    assert!(ran.contains("1000 test images") && package.join("fresh.safetensors").is_file(), "{ran}");
}
