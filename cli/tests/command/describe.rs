//! `netwright check`, `summary`, `expand` and `data`.

use std::fs;

use tempfile::tempdir;

use crate::program::{documented, fields, good, run};

const GOOD: &str = "network Tiny { input x: [4]; output y = x -> dense(2) -> softmax; }\n";
const BAD: &str =
    "network Bad {\n    input image: [28, 28, 1];\n    output y = image -> conv(6, kernel: 5) -> dense(120);\n}\n";

#[test]
fn the_summary_of_lenet_has_its_numbers() {
    let folder = tempdir().unwrap();
    let summary = good(folder.path(), &["summary", "lenet", "--json"]).json();
    assert_eq!((summary["network"].as_str(), summary["parameters"].as_u64()), (Some("LeNet"), Some(184_586)));
    assert_eq!(summary["macs"].as_u64(), Some(3_869_952));
    assert_eq!(fields(&summary), documented("summary"));
    let layers = summary["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("parameters"), sum("macs")), (184_586, 3_869_952));
    let first = serde_json::json!({
        "name": "conv1", "kind": "conv", "input": [28, 28, 1], "output": [24, 24, 32], "parameters": 832, "macs": 460_800
    });
    assert_eq!(layers[0], first);

    let table = good(folder.path(), &["summary", "lenet"]).stdout;
    for part in ["conv1", "[24, 24, 32]", "51,264", "184,586", "3,869,952", "738.3 KB", "in an arena of"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let names: Vec<String> = ["lenet5", "<lenet_caffe>"]
        .map(|name| good(folder.path(), &["summary", name, "--json"]).json()["parameters"].to_string())
        .to_vec();
    assert_eq!(names, ["61706", "431080"]);
}

#[test]
fn parameters_are_set_by_the_command_line() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let sizes = |words: &[&str]| {
        let summary = good(folder, &[&["summary", "squeezenet", "--json"], words].concat()).json();
        (summary["parameters"].as_u64().unwrap(), summary["macs"].as_u64().unwrap())
    };
    assert_eq!(sizes(&[]), (1_235_496, 349_151_936));
    assert_eq!(sizes(&["--set", "version=1.0"]), (1_248_424, 818_924_576));
    assert_eq!(sizes(&["--set", "version=1.0", "--set", "classes=10"]).0, 1_248_424 - 990 * 513);

    let failed = run(folder, &["summary", "squeezenet", "--set", "version=2.0", "--set", "sise=64"]);
    assert_eq!(failed.exit, Some(1));
    let said = &failed.stderr;
    assert!(said.contains("parameter `version` is \"1.0\" | \"1.1\", found \"2.0\""), "{said}");
    assert!(said.contains("has no parameter `sise`") && said.contains("did you mean `size`?"), "{said}");
    let twice = run(folder, &["expand", "lenet", "--set", "classes=3", "--set", "classes=4"]);
    assert_eq!((twice.exit, twice.stderr.contains("parameter `classes` is set twice")), (Some(2), true), "{twice:?}");
    assert_eq!(run(folder, &["check", "lenet", "--set", "classes"]).exit, Some(2));
}

#[test]
fn files_are_checked_and_every_one_is() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("good.net"), GOOD).unwrap();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    let fine = good(folder, &["check", "good.net", "lenet"]);
    assert_eq!(
        fine.stdout,
        "ok good.net: Tiny, 10 parameters, 8 multiply-adds\n\
        ok <lenet>: LeNet, 184,586 parameters, 3,869,952 multiply-adds\n"
    );
    assert_eq!(fine.stderr, "");

    let mixed = run(folder, &["check", "bad.net", "god.net", "good.net"]);
    assert_eq!(mixed.exit, Some(1));
    assert!(mixed.stdout.starts_with("ok good.net"), "{mixed:?}");
    assert!(mixed.stderr.contains("error[N0302]: `dense` takes a flat input, found [24, 24, 6]"), "{}", mixed.stderr);
    assert!(mixed.stderr.contains("bad.net:3:47"), "{}", mixed.stderr);
    assert!(mixed.stderr.contains("`god.net` does not exist; did you mean `good.net`?"), "{}", mixed.stderr);
}

#[test]
fn files_are_summarised_and_expanded() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("good.net"), GOOD).unwrap();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    assert_eq!(good(folder, &["summary", "good.net", "--json"]).json()["parameters"], 10);
    let code = good(folder, &["expand", "good.net"]).stdout;
    assert!(code.contains("pub struct Tiny") && code.contains("pub fn predict"), "{code}");
    good(folder, &["expand", "good.net", "-o", "tiny.rs"]);
    assert_eq!(fs::read_to_string(folder.join("tiny.rs")).unwrap(), code);
    let lenet = good(folder, &["expand", "lenet"]).stdout;
    assert!(lenet.contains("loss_and_gradients") && lenet.contains("// "), "{lenet}");
    for command in ["summary", "expand"] {
        let said = run(folder, &[command, "bad.net"]);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""));
        assert!(said.stderr.contains("error[N0302]") && said.stderr.contains("bad.net does not compile"), "{said:?}");
    }
}

#[test]
fn networks_are_drawn() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("good.net"), GOOD).unwrap();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    let said = good(folder, &["graph", "lenet"]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", "picture in lenet.svg\n"));
    let picture = fs::read_to_string(folder.join("lenet.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert_eq!((picture.matches("class=\"box ").count(), picture.matches("class=\"edge\"").count()), (13, 12));
    good(folder, &["graph", "good.net"]);
    assert!(fs::read_to_string(folder.join("good.svg")).unwrap().contains(">Tiny<"));
    good(folder, &["graph", "good.net", "-o", "tiny.dot"]);
    assert!(fs::read_to_string(folder.join("tiny.dot")).unwrap().starts_with("digraph \"Tiny\" {"));
    let said = good(folder, &["graph", "densenet", "-o", "whole.svg"]);
    assert!(said.stderr.contains("`--depth 1` draws each block as one box"), "{said:?}");
    let said = good(folder, &["graph", "densenet", "-o", "closed.svg", "--depth", "1"]);
    assert_eq!(said.stderr, "picture in closed.svg\n");
    let boxes = |file: &str| fs::read_to_string(folder.join(file)).unwrap().matches("class=\"box ").count();
    assert!(boxes("closed.svg") * 4 < boxes("whole.svg"));
    let none = run(folder, &["graph", "good.net", "--depth", "0"]);
    assert_eq!(none.exit, Some(2), "{none:?}");
    let wrong = run(folder, &["graph", "good.net", "-o", "tiny.png"]);
    assert!(wrong.exit == Some(2) && wrong.stderr.contains("ends with .svg or .dot"), "{wrong:?}");
    let bad = run(folder, &["graph", "bad.net"]);
    assert!(bad.exit == Some(1) && bad.stderr.contains("error[N0302]") && !folder.join("bad.svg").exists());
}

#[test]
fn the_cache_has_a_path() {
    let folder = tempdir().unwrap();
    let cache = folder.path().join("cache");
    assert_eq!(good(folder.path(), &["data", "path"]).stdout, format!("{}\n", cache.display()));
    assert_eq!(good(folder.path(), &["data", "path", "mnist"]).stdout, format!("{}\n", cache.join("mnist").display()));
    let embedded = good(folder.path(), &["data", "fetch", "digits"]);
    assert!(embedded.stderr.contains("nothing to fetch"), "{embedded:?}");
    let unknown = run(folder.path(), &["data", "fetch", "mnits"]);
    assert_eq!(unknown.exit, Some(2));
    assert!(unknown.stderr.contains("did you mean `mnist`?"), "{}", unknown.stderr);
}

#[test]
fn a_file_of_blocks_is_checked() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("good.net"), "block B(x: [N]) -> [N] { return x -> relu; }").unwrap();
    let said = run(folder.path(), &["check", "good.net"]);
    assert_eq!(
        (said.exit, said.stdout.as_str()),
        (Some(0), "ok good.net: no network, blocks or constants only\n"),
        "{said:?}"
    );
    fs::write(folder.path().join("bad.net"), "block B(x: [N]) -> [2 * N] { return x -> relu; }").unwrap();
    let said = run(folder.path(), &["check", "bad.net"]);
    assert_eq!(said.exit, Some(1), "{said:?}");
    assert!(said.stderr.contains("N0311"), "{said:?}");
    let said = run(folder.path(), &["summary", "good.net"]);
    assert_eq!(said.exit, Some(1), "{said:?}");
    assert!(said.stderr.contains("good.net has blocks or constants and no network"), "{said:?}");
}
