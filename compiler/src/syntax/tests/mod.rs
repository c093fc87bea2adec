//! Tests of the parser on whole texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod cases;
mod hostile;
mod lexical;

use super::ast::{BinaryOp, Expr, ExprKind, File, Item, ParamType, UnaryOp};
use super::parse;
use crate::diagnostic::{Sink, Style, render_all};
use crate::source::SourceMap;

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
                    text += &format!(" as {}", label.text);
                }
            }
            format!("({text})")
        }
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
