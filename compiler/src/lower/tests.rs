//! What messages about whole descriptions say beside their titles: labels, notes and helps.

use super::unknown::BUNDLED;
use crate::diagnostic::{Sink, Style, apply, render_all};
use crate::driver::{Settings, check};
use crate::program::NoSources;
use crate::source::SourceMap;

/// The rendered messages of a text, and the text as its fixes make it.
fn messages(text: &str) -> (String, String) {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("a.net", text);
    let _ = check(source, &mut map, &Settings::default(), &mut NoSources, &mut sink);
    let fixed = apply(source, text, &sink.diagnostics()).0;
    (render_all(&sink, &map, Style::Plain), fixed)
}

/// A network with these statements.
fn network(statements: &str) -> String {
    format!(
        "network N(k: int = 3, c: float = 1.0) {{ input x: [8, 8, 3]; {statements} output z = x -> flatten -> dense(k); }}"
    )
}

#[test]
fn messages_say_what_is_wrong() {
    for (statements, wanted) in [
        ("output q = q -> relu;", "the statement that defines it"),
        ("for i in 0..2 { output q = x -> relu; }", "error[N0110]: an output stands in a loop"),
        ("for i in 0..1 { train { loss: mse(z); } }", "error[N0110]: a `train` section stands in a loop"),
        ("y = x -> Fire(3, 4);", "write `use <fire>;` at the top of the file"),
        ("y = x -> conv(9223372036854775807, kernel: 3);", "too large: expected at most"),
        ("const t = \"a\" + \"b\";", "expected two numbers"),
        ("if c < \"1.0\" { }", "expected two numbers"),
        ("assert k == 4;", "note: here `k` is 3"),
        ("w = x => relu;", "help: write `->`"),
        ("for i = 0..2 { }", "help: write `in`"),
        ("y = relu(x) as a;", "help: `as` names a stage of a pipeline"),
        ("y = x -> relu + x;", "help: put the pipeline in parentheses"),
        ("if k == 3 { } elif k == 4 { }", "help: write `else if`"),
        ("while k < 3 { }", "help: a loop runs over a range or a list"),
        ("use <fire>;", "help: `use` stands outside of networks and blocks"),
        ("budget { training_bytes(bacth: 4) <= 3; }", "help: did you mean `batch`?"),
        ("input w: [2.5];", "the size of an axis is a whole number, found 2.5"),
    ] {
        let found = messages(&network(statements)).0;
        assert!(found.contains(wanted), "{statements}: no `{wanted}` in\n{found}");
        assert_eq!(found.matches("error[").count(), 1, "{statements}:\n{found}");
    }
}

#[test]
fn a_return_in_one_branch_is_not_none() {
    let found = messages("block B(x: [F], k: int) -> [F] { if k == 3 { return x; } }").0;
    assert!(found.contains("`B` does not return on every way through it"), "{found}");
    let found = messages("block B(x: [F]) -> [F] { y = x + x; }").0;
    assert!(found.contains("`B` returns nothing"), "{found}");
}

#[test]
fn choices_are_given_once() {
    let found = messages("network N(p: \"p\" | \"p\" = \"p\") { input x: [4]; output y = x -> dense(2); }").0;
    assert!(found.contains("the choice `\"p\"` is given twice"), "{found}");
}

#[test]
fn long_values_are_cut() {
    let long = "a".repeat(100_000);
    for text in [
        network(&format!("y = x -> dense(\"{long}\");")),
        network(&format!("assert [{}] == 3;", vec!["1"; 10_000].join(", "))),
    ] {
        let found = messages(&text).0;
        let titles: usize = found.lines().filter(|line| line.starts_with("error[")).map(str::len).sum();
        assert!(titles > 0 && titles < 300, "{titles}");
    }
}

#[test]
fn what_has_one_mend_is_mended() {
    for (broken, mended) in [
        ("y = x -> conv(3, kernel = 3);", "y = x -> conv(3, kernel: 3);"),
        ("y = x → relu;", "y = x -> relu;"),
        ("if k == 3 && k == 4 { }", "if k == 3 and k == 4 { }"),
        ("if k == 3&&k == 4 { }", "if k == 3 and k == 4 { }"),
        ("if !(k == 3) { }", "if not (k == 3) { }"),
        ("inptu w: [4];", "input w: [4];"),
        ("input w: 4;", "input w: [4];"),
        ("input w = [4];", "input w: [4];"),
        ("allow(unused_valu);", "allow(unused_value);"),
        ("w = x => relu;", "w = x -> relu;"),
        ("w = x /// the rest\n -> relu;", "w = x // the rest\n -> relu;"),
        ("if k == 3 { w = x; /// the end\n}", "if k == 3 { w = x; // the end\n}"),
        ("y = x -> batch_norm(3);", "y = x -> batch_norm;"),
        ("y = x -> group_norm(3, 3);", "y = x -> group_norm(3);"),
        ("y = x -> layer_norm([8, 8, 3], epsilon: 0.1);", "y = x -> layer_norm(epsilon: 0.1);"),
        ("y = x -> flatten -> dense(192, 10);", "y = x -> flatten -> dense(10);"),
        ("if k == 2 or 4 { }", "if k == 2 or k == 4 { }"),
    ] {
        let (found, fixed) = messages(&network(broken));
        assert_eq!(fixed, network(mended), "{found}");
    }
    let text = "network N(kind: \"none\" | \"simple\" = \"none\") { input x: [4];
        if kind == \"simpel\" { } output y = x -> dense(2); }";
    assert_eq!(messages(text).1, text.replace("simpel", "simple"));
    let text = "block B(x: [F], unit: int) -> [_] { return x -> dense(units) -> dense(units); }";
    assert_eq!(messages(text).1, text.replace("unit:", "units:"));
}

#[test]
fn bundled_blocks_are_known() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
    for (block, file) in BUNDLED {
        let text = std::fs::read_to_string(format!("{models}/{file}.net")).unwrap();
        assert!(text.contains(&format!("block {block}(")), "{file}");
    }
}

#[test]
fn what_means_one_thing_is_mended() {
    for (statements, wanted) in [
        ("y = x -> conv(3, 32, 3, 1, 1);", "y = x -> conv(32, 3, 1, 1);"),
        ("y = conv(x, 3, 6, 5);", "y = conv(x, 6, 5);"),
        ("y = x -> conv_transpose(3, 16, 4, 2, 1);", "y = x -> conv_transpose(16, 4, 2, 1);"),
        ("y = x -> separable_conv(3, 32, 3);", "y = x -> separable_conv(32, 3);"),
        ("y = concat([x, x]);", "y = concat(x, x);"),
        ("y = x -> concat([x]);", "y = x -> concat(x);"),
        ("y = x -> batchnorm;", "y = x -> batch_norm;"),
        ("y = x -> conv2d(8, 3);", "y = x -> conv(8, 3);"),
        ("y = cat(x, x);", "y = concat(x, x);"),
        ("y = concatenate([x, x]);", "y = concat([x, x]);"),
        ("y = x -> MaxPool2d(2, 2);", "y = x -> max_pool(2, 2);"),
        ("y = MaxPool2d(x, 2, stride: 2);", "y = max_pool(x, 2, stride: 2);"),
        ("y = x -> LayerNorm;", "y = x -> layer_norm;"),
        ("y = x -> conv(8, kernel: 3, activation: relu) -> tanh;", "y = x -> conv(8, kernel: 3) -> relu -> tanh;"),
        ("y = x -> conv(8, kernel: 3, activation: \"relu\");", "y = x -> conv(8, kernel: 3) -> relu;"),
        ("y = x -> conv(8, kernel: 3, name: \"c1\");", "y = x -> conv(8, kernel: 3) as c1;"),
        ("y = x -> flatten -> softmax(dim: 1);", "y = x -> flatten -> softmax;"),
        ("y = x -> reshape([-1]);", "y = x -> flatten;"),
        ("input w: [batch, 32, 32, 3];", "input w: [32, 32, 3];"),
        ("train { loss: mse(z); }", "train { loss: mean_squared_error(z); }"),
        ("train { loss: cross_entropy(z); batch_size: 3; }", "train { loss: cross_entropy(z); batch: 3; }"),
        (
            "train { loss: cross_entropy(z); lr_schedule: cosine; }",
            "train { loss: cross_entropy(z); schedule: cosine; }",
        ),
    ] {
        assert_eq!(messages(&network(statements)).1, network(wanted), "{statements}");
    }
}

#[test]
fn what_may_mean_another_thing_is_left() {
    for statements in [
        "y = x -> conv(3, 3, 1, 1);",
        "y = x -> conv(3, 32, 40);",
        "y = x -> separable_conv(3, 32, 3, 1, 1);",
        "y = concat([x]);",
        "y = concat([x, x -> relu]);",
        "y = concat([x, /**/ x]);",
        "y = x -> conv2d(3, 32, 3);",
        "y = x -> conv1d(8, 3);",
        "y = x -> conv2d(8, kernel_size: 3);",
        "y = x -> batchnorm(3);",
        "y = cat(x, x, dim: 1);",
        "y = x -> AdaptiveAvgPool2d(1);",
        "y = x -> conv(8, activation: relu, kernel: 3);",
        "y = x -> conv(8, kernel: 3, activation: relu) as c;",
        "y = conv(x, 8, kernel: 3, activation: relu);",
        "y = x -> conv(8, kernel: 3, activation: selu);",
        "y = x -> conv(8, kernel: 3, name: \"block\");",
        "y = x -> softmax(dim: 1);",
        "y = x -> reshape([8, -1]);",
        "train { loss: mse(z, beta: 1); }",
        "train { loss: BCELoss(z); }",
        "train { loss: cross_entropy(z); batch: 2; batch_size: 3; }",
    ] {
        assert_eq!(messages(&network(statements)).1, network(statements), "{statements}");
    }
}
