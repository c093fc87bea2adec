//! What lints say, and do not say, of whole descriptions.

use crate::diagnostic::{Sink, apply, codes};
use crate::driver::{Settings, check};
use crate::lower::Constant;
use crate::program::{Refusal, Sources, Text};
use crate::source::SourceMap;
use crate::syntax::ast::UseTarget;

/// Files that define `A` and `width`: `a.net` and `b.net`.
struct Files;

impl Sources for Files {
    fn load(&mut self, _: &str, target: &UseTarget) -> Result<Text, Refusal> {
        let (UseTarget::Path(name) | UseTarget::Bundled(name)) = target;
        let block = "block A(x: [F]) -> [F] { return x -> relu; } const width = 3;";
        Ok(Text { key: name.clone(), name: name.clone(), text: block.to_owned() })
    }
}

/// The codes and titles of what is found.
fn found(text: &str, overrides: &[(&str, Constant)]) -> Vec<String> {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("a.net", text);
    let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let settings = Settings { overrides, ..Settings::default() };
    let _ = check(source, &mut map, &settings, &mut Files, &mut sink);
    sink.diagnostics().iter().map(|found| format!("{}: {}", found.code, found.title)).collect()
}

/// What a machine makes of a text.
fn mended(text: &str) -> String {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("a.net", text);
    let _ = check(source, &mut map, &Settings::default(), &mut Files, &mut sink);
    let shown = sink.diagnostics();
    let found = shown.iter().find(|found| found.code == codes::N0603).unwrap();
    // Nobody but the author knows whether the image may get smaller.
    assert_eq!(apply(source, text, &shown).1, 0, "{text}");
    match found.helps.iter().find_map(|help| help.fix.as_ref()) {
        Some(fix) => {
            let mut text = text.to_owned();
            text.replace_range(fix.span.range(), &fix.replacement);
            text
        }
        None => text.to_owned(),
    }
}

const NOTHING: &[&str] = &[];

/// A depthwise convolution of one channel is one like any other, and yet a part of its layer.
#[test]
fn a_separable_layer_is_one() {
    let text = "network N { input x: [28, 28, 1]; y = x -> separable_conv(8, kernel: 3, pad: 1) -> relu; \
                output z = y -> flatten -> dense(10); }";
    assert_eq!(found(text, &[]), NOTHING);
    let text = "network N { input x: [28, 28, 1]; y = x -> separable_conv(8, kernel: 3, pad: 1); \
                output z = y -> flatten -> dense(10); }";
    assert_eq!(found(text, &[]), ["N0605: no activation stands between `y` and `z`"]);
}

/// What is wrong in another file is for the network to keep quiet.
#[test]
fn variants_of_blocks_of_other_files() {
    let text = |allow: &str| {
        format!(
            "use <b>; network N(wide: bool = false) {{ {allow} input x: [4, 4, 2]; y = x -> conv(3, kernel: 1) -> relu; \
             if wide {{ y = y -> A; }} output z = y -> global_avg_pool; }}"
        )
    };
    let expected = ["N0609: `A` takes [F] for `x`, found [4, 4, 3], where `wide` is true"];
    assert_eq!(found(&text(""), &[]), expected);
    assert_eq!(found(&text("allow(broken_variant);"), &[]), NOTHING);
}

#[test]
fn what_a_condition_that_is_not_looked_at_reads_is_used() {
    for condition in ["v == 1 or wide", "not (v != 1 and wide)"] {
        let text = format!(
            "network N(v: int = 1, wide: bool = false) {{
                input x: [4]; y = x -> dense(4); if {condition} {{ y = y -> relu; }} output z = y -> dense(2); }}"
        );
        let both = found(&text, &[("v", Constant::Int(2)), ("wide", Constant::Bool(true))]);
        let unused = |found: &[String]| found.iter().any(|message| message.starts_with("N0601"));
        assert!(!unused(&found(&text, &[])) && !unused(&both), "{condition}: {both:?}");
    }
    let text = "network N(v: int = 1, wide: bool = false) {
        input x: [4]; y = x -> dense(4);
        if v == 1 { y = y -> relu; } else if wide { y = y -> sigmoid; }
        output z = y -> dense(2); }";
    assert_eq!(found(text, &[]), NOTHING);
}

#[test]
fn what_the_default_of_a_given_parameter_reads_is_used() {
    let text = "network N(v: int = 1, w: int = v * 2) { input x: [4]; output z = x -> dense(w); }";
    assert_eq!(found(text, &[("w", Constant::Int(3))]), NOTHING);
    let text = "network N(v: int = 1, w: int = 2) { input x: [4]; output z = x -> dense(w); }";
    assert_eq!(found(text, &[]), ["N0601: the parameter `v` is never used"]);
}

#[test]
fn layers_with_other_readers_between_them_are_not_one() {
    let gate = "block SE(x: [H, W, C]) -> [H, W, C] {
            g = x -> global_avg_pool -> dense(C / 2) as a -> relu -> dense(C) as b -> sigmoid;
            return x * g;
        }
        network N { input x: [8,8,3]; y = x -> conv(8, kernel: 3) -> batch_norm -> SE;
            output z = y -> relu -> global_avg_pool; }";
    assert_eq!(found(gate, &[]), NOTHING);
    let residual = "network N { input x: [8,8,3]; a = x -> conv(8, kernel: 3); b = a -> conv(8, kernel: 1);
        output z = a + b -> relu -> global_avg_pool; }";
    assert_eq!(found(residual, &[]), NOTHING);
    let chain = "network N { input x: [4]; output y = x -> dense(3) -> dense(2); }";
    assert_eq!(found(chain, &[]), ["N0605: no activation stands between `dense1` and `dense2`"]);
}

#[test]
fn padding_is_left_out_where_it_is_written_out() {
    let network = |calls: &str| {
        format!("network N(p: int = 1) {{ input x: [8, 8, 3]; output y = x -> {calls} -> relu -> global_avg_pool; }}")
    };
    for (before, after) in [
        ("conv(4, kernel: 1, pad: 1)", "conv(4, kernel: 1)"),
        ("conv(pad: [0, 2],\n kernel: [1, 1], filters: 4)", "conv(kernel: [1, 1], filters: 4)"),
        ("conv(4, kernel: 1, pad: 1, bias: false) as c", "conv(4, kernel: 1, bias: false) as c"),
        ("depthwise_conv(kernel: 1, pad: 1)", "depthwise_conv(kernel: 1)"),
    ] {
        assert_eq!(mended(&network(before)), network(after));
    }
    for computed in ["conv(4, kernel: 1, pad: p)", "conv(4, kernel: p, pad: 1)", "conv(4, kernel: 1, /* why */ pad: 1)"]
    {
        assert_eq!(mended(&network(computed)), network(computed));
    }
}

#[test]
fn choices_that_do_not_exist_are_errors() {
    let network = |condition: &str| {
        format!(
            "network N(kind: \"none\" | \"simple\" = \"none\") {{ input x: [4]; y = x -> dense(4);
                if {condition} {{ y = y -> relu; }} output z = y -> dense(2); }}"
        )
    };
    let never = ["N0203: `kind` is never `\"simpel\"`"];
    assert_eq!(found(&network("kind == \"simpel\""), &[]), never);
    assert_eq!(found(&network("\"simpel\" != kind"), &[]), never);
    assert!(!found(&network("kind == \"none\""), &[]).iter().any(|message| message.starts_with("N0203")));
    let block = "block B(x: [F], kind: \"none\" | \"simple\") -> [F] {
            if kind == \"simpel\" { return x -> relu; }
            return x;
        }
        network N { input x: [4]; output y = x -> dense(2) -> B(kind: \"none\"); }";
    assert_eq!(found(block, &[]), never);
}

#[test]
fn a_name_of_two_used_files_is_not_guessed() {
    let both = "use \"a.net\"; use \"b.net\"; network N { input x: [4]; output y = x -> dense(SIZE) -> A; }";
    assert_eq!(found(&both.replace("SIZE", "2"), &[]), ["N0103: two used files define `A`"]);
    let size = both.replace("SIZE", "width").replace(" -> A", "");
    assert_eq!(found(&size, &[]), ["N0103: two used files define `width`"]);
    assert_eq!(found(&both.replace("SIZE", "2").replace(" -> A", ""), &[]), NOTHING);
    let twice = "use \"a.net\"; use \"a.net\"; network N { input x: [4]; output y = x -> dense(width) -> A; }";
    assert_eq!(found(twice, &[]), ["N0103: the same file is used twice"]);
}

#[test]
fn a_name_of_the_file_hides_that_of_a_used_one() {
    let text = "use \"a.net\"; use \"b.net\"; block A(x: [F]) -> [F] { return x -> relu; }
        network N { input x: [4]; output y = x -> dense(2) -> A; }";
    assert_eq!(found(text, &[]), ["N0602: `A` hides another `A`"]);
}
