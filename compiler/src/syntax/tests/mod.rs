//! Tests of the parser on whole texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod cases;
mod frameworks;
mod helps;
mod hostile;
mod lacking;
mod lexical;

use super::ast::{BinaryOp, Expr, ExprKind, File, Item, ParamType, UnaryOp};
use super::parse;
use crate::diagnostic::{Sink, Style, render_all};
use crate::source::SourceMap;

const BLOCKS: &str = r#"use <other>;
use "blocks/se.net";
const growth = 2 * 16;

/// Squeezes, then expands.
block Fire(x: [H, W, C], squeeze: int, expand: int = 4 * squeeze) -> [H, W, 2 * expand] {
    s = x -> conv(squeeze, kernel: 1) as squeeze -> relu;
    assert squeeze < C, "nothing to squeeze";
    return concat(s -> conv(expand, kernel: 1) as one, s -> conv(expand, kernel: 3, pad: 1) as three);
}

network Net(version: "1.0" | "1.1" = "1.1", depth: int = 3) {
    input image: [64, 64, 3];
    x = image -> conv(64, kernel: 3, stride: 2) as stem;
    for i in 0..depth {
        x = x -> Fire(16) as fire[i];
    }
    for squeeze, expand in [[16, 64], [32, 128]] {
        x = x -> Fire(squeeze, expand: expand);
    }
    if version == "1.0" {
        x = x -> relu;
    } else if depth > 2 and not (depth == 5) {
        const half = 0.5;
        x = x -> dropout(half);
    } else {
        left, right = split(x, 2);
        x = left + right;
    }
    output y: [10] = x -> global_avg_pool -> dense(10);
    freeze stem, fire[0].squeeze;
    allow(unused_value);
    train { loss: cross_entropy(y); lr(stem, fire[1]): 0.1; }
    budget { parameters <= 1_000_000; training_bytes(batch: 16) < 5_000_000; }
}
"#;

const LENET: &str = "\
/// LeNet as in the tutorial.
/// Two convolutions.
network LeNet(classes: int = 10) {
    input image: [28, 28, 1]; // the batch axis is implied

    logits = image
        -> conv(32, kernel: 5) -> relu -> max_pool(2)
        -> conv(64, kernel: 5) as second -> relu -> max_pool(2)
        -> flatten -> dense(128) -> relu -> dense(classes);

    /// One probability per class.
    output probabilities = softmax(logits): [classes];

    train {
        loss: cross_entropy(logits);
        optimizer: adam(lr: 0.001);
        batch: 64;
    }
}
";

/// Parses, and returns the tree and the rendered messages.
fn parse_text(text: &str) -> (File, String) {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    let mut sink = Sink::new();
    let file = parse(source, &map, &mut sink);
    (file, render_all(&sink, &map, Style::Plain))
}

/// The tree of a text without mistakes.
fn parse_good(text: &str) -> File {
    let (file, messages) = parse_text(text);
    assert_eq!(messages, "");
    file
}

/// The value of `x = …;`.
fn expression(text: &str) -> Expr {
    let file = parse_good(&format!("network N {{ x = {text}; }}"));
    match &file.networks[0].items[0] {
        Item::Binding(binding) => binding.value.clone(),
        other => panic!("{other:?}"),
    }
}

/// An expression with all its parentheses.
fn shown(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Str(value) => format!("{value:?}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::List(elements) => format!("[{}]", elements.iter().map(shown).collect::<Vec<_>>().join(", ")),
        ExprKind::Unary(UnaryOp::Not, operand) => format!("(not {})", shown(operand)),
        ExprKind::Unary(UnaryOp::Negate, operand) => format!("(-{})", shown(operand)),
        ExprKind::Binary(op, left, right) => format!("({} {} {})", shown(left), op.as_str(), shown(right)),
        ExprKind::Call(call) => shown_call(call),
        ExprKind::Pipe { source, stages } => {
            let mut text = shown(source);
            for stage in stages {
                text += &format!(" -> {}", shown_call(&stage.call));
                if let Some(label) = &stage.label {
                    text += &format!(" as {}", label.name.text);
                    for index in &label.indices {
                        text += &format!("[{}]", shown(index));
                    }
                }
            }
            format!("({text})")
        }
        ExprKind::Hole => "_".to_owned(),
        ExprKind::Error => "<error>".to_owned(),
    }
}

fn shown_call(call: &super::ast::Call) -> String {
    let args = call.args.iter().map(|arg| match &arg.name {
        Some(name) => format!("{}: {}", name.text, shown(&arg.value)),
        None => shown(&arg.value),
    });
    let args = args.collect::<Vec<_>>().join(", ");
    if call.has_parens { format!("{}({args})", call.name.text) } else { call.name.text.clone() }
}

#[test]
fn lenet_parses() {
    let file = parse_good(LENET);
    let network = &file.networks[0];
    assert_eq!(network.name.text, "LeNet");
    assert_eq!(network.docs, ["LeNet as in the tutorial.", "Two convolutions."]);
    assert_eq!(network.params[0].ty, ParamType::Int);
    assert_eq!(network.items.len(), 4);
    let Item::Output(output) = &network.items[2] else { panic!("{:?}", network.items[2]) };
    assert_eq!(output.docs, ["One probability per class."]);
    assert_eq!(output.annotation.as_ref().unwrap().dims.len(), 1);
    let Item::Train(train) = &network.items[3] else { panic!("{:?}", network.items[3]) };
    assert_eq!(train.entries.len(), 3);
    assert_eq!(&LENET[network.span.range()][..13], "network LeNet");
    assert!(LENET[network.span.range()].ends_with('}'));
}

#[test]
fn operators_rank_as_the_grammar_says() {
    for (text, tree) in [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("-a * b", "((-a) * b)"),
        ("--a", "(-(-a))"),
        ("not a == b", "(not (a == b))"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("a + b -> relu", "((a + b) -> relu)"),
        ("a -> relu -> dense(2,) as d", "(a -> relu -> dense(2) as d)"),
        ("(a -> relu) + a", "((a -> relu) + a)"),
        ("a-b", "(a - b)"),
        ("a->b", "(a -> b)"),
        ("a < -b", "(a < (-b))"),
        ("f(a, k: [3, 3], s: \"x\\\"y\",)", "f(a, k: [3, 3], s: \"x\\\"y\")"),
        ("1_300_000", "1300000"),
        ("2.5e-3 + 1e3", "(0.0025 + 1000.0)"),
        ("f() / g / 2", "((f() / g) / 2)"),
        ("[]", "[]"),
    ] {
        assert_eq!(shown(&expression(text)), tree, "{text}");
    }
}

#[test]
fn parentheses_belong_to_the_span() {
    let text = "network N { x = (a + b) * c; }";
    let file = parse_good(text);
    let Item::Binding(binding) = &file.networks[0].items[0] else { panic!() };
    let ExprKind::Binary(BinaryOp::Multiply, left, _) = &binding.value.kind else { panic!() };
    assert_eq!(&text[left.span.range()], "(a + b)");
    assert_eq!(&text[binding.value.span.range()], "(a + b) * c");
    assert_eq!(&text[binding.span.range()], "x = (a + b) * c");
}

#[test]
fn parameters_have_types_and_defaults() {
    let text = "network N(\n    /// How many.\n    a: int,\n    b: float = -0.5,\n    c: bool = true,\n    \
                /// Which.\n    version: \"1.0\" | \"1.\\\"1\" = \"1.0\",\n) {}";
    let file = parse_good(text);
    let params = &file.networks[0].params;
    assert_eq!(params[0].docs, ["How many."]);
    assert_eq!((&params[0].ty, &params[0].default), (&ParamType::Int, &None));
    assert_eq!(params[1].ty, ParamType::Float);
    assert_eq!(shown(params[1].default.as_ref().unwrap()), "(-0.5)");
    assert_eq!(params[2].ty, ParamType::Bool);
    let ParamType::Choice(choices) = &params[3].ty else { panic!("{:?}", params[3]) };
    assert_eq!(choices.iter().map(|choice| choice.text.as_str()).collect::<Vec<_>>(), ["1.0", "1.\"1"]);
    assert_eq!(&text[choices[1].span.range()], "\"1.\\\"1\"");
    assert_eq!(params[3].docs, ["Which."]);
    assert_eq!(&text[params[1].span.range()], "b: float = -0.5");
    assert_eq!(&text[params[0].span.range()], "a: int");
}

#[test]
fn stages_and_arguments_have_spans() {
    let text = "network N { y = x /* c */ -> conv(32, kernel: [5, 3]) as c1 // c\n -> relu ; }";
    let file = parse_good(text);
    let Item::Binding(binding) = &file.networks[0].items[0] else { panic!() };
    let ExprKind::Pipe { source, stages } = &binding.value.kind else { panic!() };
    assert_eq!(&text[source.span.range()], "x");
    assert_eq!(&text[stages[0].span.range()], "conv(32, kernel: [5, 3]) as c1");
    assert_eq!(&text[stages[0].call.span.range()], "conv(32, kernel: [5, 3])");
    assert_eq!(&text[stages[0].call.name.span.range()], "conv");
    assert_eq!(&text[stages[0].call.args[1].span.range()], "kernel: [5, 3]");
    assert_eq!(&text[stages[0].call.args[1].value.span.range()], "[5, 3]");
    assert_eq!(&text[stages[0].label.as_ref().unwrap().name.span.range()], "c1");
    assert!(stages[0].call.has_parens && !stages[1].call.has_parens);
    assert_eq!(&text[stages[1].span.range()], "relu");
}

#[test]
fn annotations_stand_in_either_place() {
    let file = parse_good("network N { a: [2] = x; b = x: [2]; output c: [2] = x; output d = x: [2]; e = x; }");
    let annotated = file.networks[0].items.iter().map(|item| match item {
        Item::Binding(binding) => binding.annotation.as_ref().map(|annotation| annotation.dims.len()),
        Item::Output(output) => output.annotation.as_ref().map(|annotation| annotation.dims.len()),
        other => panic!("{other:?}"),
    });
    assert_eq!(annotated.collect::<Vec<_>>(), [Some(1), Some(1), Some(1), Some(1), None]);
}

#[test]
fn line_ends_and_marks_do_not_change_the_tree() {
    let marked = format!("\u{feff}{}", LENET.replace('\n', "\r\n"));
    let (plain, strange) = (parse_good(LENET), parse_good(&marked));
    assert_eq!(strange.networks[0].docs, plain.networks[0].docs);
    let slice = |text: &str, file: &File| text[file.networks[0].name.span.range()].to_owned();
    assert_eq!(slice(&marked, &strange), slice(LENET, &plain));
}

/// The names that a network defines, with `?` where the value is unknown.
fn defined(file: &File) -> Vec<String> {
    let mark = |name: &super::ast::Ident, value: &Expr| {
        format!("{}{}", name.text, if value.kind == ExprKind::Error { "?" } else { "" })
    };
    let items = file.networks.iter().flat_map(|network| &network.items).map(|item| match item {
        Item::Input(input) => input.name.text.clone(),
        Item::Binding(binding) => mark(&binding.names[0], &binding.value),
        Item::Output(output) => mark(&output.name, &output.value),
        Item::Train(train) => {
            let entries: Vec<_> = train.entries.iter().map(|entry| mark(&entry.key, &entry.value)).collect();
            format!("train({})", entries.join(" "))
        }
        other => format!("{other:?}").split('(').next().unwrap_or_default().to_owned(),
    });
    items.collect()
}

#[test]
fn what_is_right_is_kept() {
    let (file, messages) = parse_text(
        "network A(n: int = 3) {\n  input x: [4;\n  a = x -> ;\n  b = a +;\n  c = b\n  /// Kept.\n  output d = c -> f(;\n  \
         train { loss: ; batch: 3; lr 3; }\n  output = x;\n  output e = x: [4];\n}\nnetwork B { output y = 3; }\n\
         network 3 { z = 3; w = ; }",
    );
    assert_eq!(messages.matches("error[").count(), 10, "{messages}");
    assert_eq!(file.networks.len(), 2);
    assert_eq!(file.networks[0].params.len(), 1);
    assert_eq!(defined(&file), ["x?", "a?", "b?", "c", "d?", "train(batch)", "e", "y"]);
    let Item::Output(output) = &file.networks[0].items[4] else { panic!() };
    assert_eq!(output.docs, ["Kept."]);
}

#[test]
fn networks_with_coming_constructs_are_left_out() {
    let text = "network A { compress { x: y; } output z = w; }\nnetwork B { output y = ; }";
    let (file, messages) = parse_text(text);
    assert_eq!(file.networks.iter().map(|network| network.name.text.as_str()).collect::<Vec<_>>(), ["B"]);
    assert_eq!(messages.matches("error[").count(), 2, "{messages}");
    let (file, _) = parse_text(&format!("compress {{ a: 3; }}\n{text}"));
    assert_eq!(file.networks, []);
}

#[test]
fn blocks_and_control_parse() {
    let file = parse_good(BLOCKS);
    assert_eq!((file.uses.len(), file.constants.len(), file.blocks.len()), (2, 1, 1));
    let (block, network) = (&file.blocks[0], &file.networks[0]);
    assert_eq!(block.docs, ["Squeezes, then expands."]);
    assert_eq!((block.params.len(), block.results.len(), block.items.len()), (3, 1, 3));
    let kinds: Vec<String> = defined(&file);
    assert_eq!(kinds, ["image", "x", "For", "For", "If", "y", "Freeze", "Levels", "train(loss lr)", "Budget"],);
    let Item::If(branches) = &network.items[4] else { panic!("expected `if`") };
    assert_eq!((branches.arms.len(), branches.otherwise.as_ref().map(|braces| braces.items.len())), (2, Some(2)));
    for braces in branches.branches() {
        let text = &BLOCKS[braces.span.range()];
        assert!(text.starts_with('{') && text.ends_with('}') && !braces.items.is_empty(), "{text}");
    }
    assert_eq!(&BLOCKS[branches.span.range()][..2], "if");
    assert!(BLOCKS[branches.span.range()].ends_with('}'));
}
