//! What becomes of a description, in one snapshot each: source, graph, plans, Rust.
//!
//! Every `.net` file under `stages` is a case; so are the bundled networks.

use std::fmt::Write;
use std::path::Path;

use netwright_compiler::diagnostic::{Sink, Style, render_all};
use netwright_compiler::emit::{Int8Code, Target, emit, to_text};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Compiled, Constant, Settings, compile};
use netwright_files::Disk;

fn compiled(text: &str, settings: &Settings) -> Compiled {
    let mut map = SourceMap::new();
    let source = map.add("case.net", text);
    let mut sink = Sink::new();
    let compiled = compile(source, &mut map, settings, &mut Disk::bundled(), &mut sink);
    compiled.unwrap_or_else(|| panic!("{}", render_all(&sink, &map, Style::Plain)))
}

/// All stages of a compilation as text.
fn stages(text: &str, settings: &Settings) -> String {
    let compiled = compiled(text, settings);
    let mut all = format!("{text}\n==== graph ====\n\n{}", compiled.graph);
    write!(all, "\n==== plan of inference ====\n\n{}", compiled.inference).unwrap();
    if let Some(train) = &compiled.training {
        write!(all, "\n==== plan of training ====\n\n{}", train.training).unwrap();
        write!(all, "\n==== plan of evaluation ====\n\n{}", train.evaluation).unwrap();
    }
    let rust = to_text(emit(&compiled, &Target::text())).unwrap();
    write!(all, "\n==== Rust ====\n\n{rust}").unwrap();
    all
}

fn snapshot(name: &str, text: &str, settings: &Settings) {
    let all = stages(text, settings);
    assert_eq!(all, stages(text, settings), "the same for the same input");
    insta::with_settings!({ snapshot_path => "../stages", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, all);
    });
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stages");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "net"));
    paths.sort();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        snapshot(name, &std::fs::read_to_string(&path).unwrap(), &Settings::default());
    }
}

/// What a file of `netwright quantize` adds to a network: the plan with bytes, and the steps.
#[test]
fn integers() {
    let lenet = netwright_files::load_bundled("lenet").unwrap();
    let compiled = compiled(&lenet.text, &Settings::default());
    let plans = compiled.int8().unwrap();
    let mut all = format!("==== plan of inference in integers ====\n\n{}", plans.inference);
    write!(all, "\n==== plan of evaluation in integers ====\n\n{}", plans.evaluation.as_ref().unwrap()).unwrap();
    let target = Target { int8: Some(Int8Code { plans, calibrates: true }), ..Target::text() };
    let rust = to_text(emit(&compiled, &target)).unwrap();
    write!(all, "\n==== Rust ====\n\n{rust}").unwrap();
    insta::with_settings!({ snapshot_path => "../stages", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("lenet_int8", all);
    });
}

#[test]
fn bundled_networks() {
    for name in ["lenet", "lenet5", "lenet_caffe", "lenet300_100"] {
        let bundled = netwright_files::load_bundled(name).unwrap();
        snapshot(name, &bundled.text, &Settings::default());
    }
}

/// The network that the benchmarks of compilation are about.
#[test]
fn squeezenet() {
    let bundled = netwright_files::load_bundled("squeezenet").unwrap();
    let version = ("version".to_owned(), Constant::Text("1.1".to_owned()));
    snapshot("squeezenet1_1", &bundled.text, &Settings { overrides: vec![version], ..Settings::default() });
}

/// What users' snapshot tests see is what is emitted.
#[test]
fn the_facade_expands_the_same() {
    let lenet = netwright_files::load_bundled("lenet").unwrap().text;
    let expected = to_text(emit(&compiled(&lenet, &Settings::default()), &Target::text())).unwrap();
    assert_eq!(netwright::expand("<lenet>").unwrap(), expected);
    assert_eq!(netwright::expand("../models/lenet.net").unwrap(), expected);
    let none = netwright::expand("../models/lennet.net").unwrap_err().to_string();
    assert!(none.contains("lennet.net"), "{none}");
}

#[test]
fn overrides_reach_every_stage() {
    let text = "network Wide(inputs: int = 4, width: int = 8, rate: float = 0.0, bias: bool = true) {\n    \
                input x: [inputs];\n    hidden = x -> dense(2 * width, bias: bias) -> relu -> dropout(rate);\n    \
                output y = hidden -> dense(width / 2): [width / 2];\n    \
                train { loss: mean_squared_error(y); batch: 2 * width; }\n}\n";
    let given = [
        ("inputs", Constant::Int(3)),
        ("width", Constant::Int(6)),
        ("rate", Constant::Float(0.25)),
        ("bias", Constant::Bool(false)),
    ];
    let overrides = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    snapshot("overrides", text, &Settings { overrides, ..Settings::default() });
}
