//! What a network may come to once it is unrolled: at each limit all is well, and one past it there is one message.
//! The limits of texts are tested by the parser, those of files by `compiler/files`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::time::Duration;

use netwright_compiler::ir::MAX_ELEMENTS;
use netwright_compiler::lower::{MAX_INSTANCES, MAX_LAYERS, MAX_LIST, MAX_STEPS};
use netwright_compiler::ops::{MAX_PARTS, MAX_WINDOW};
use netwright_tests::interpreter;
use netwright_tests::time::processor_time;

fn holds(at_the_limit: &str, past_it: &str, code: &str) {
    assert_eq!(interpreter::compile(at_the_limit).map(drop), Ok(()));
    let messages = interpreter::compile(past_it).map(drop).unwrap_err();
    assert!(messages.lines().count() == 1 && messages.contains(code), "{messages}");
}

#[test]
fn layers() {
    let text = |n: usize| format!("network N {{ input x: [4]; for i in 0..{n} {{ x = x -> relu; }} output y = x; }}");
    holds(&text(MAX_LAYERS), &text(MAX_LAYERS + 1), "N0112");
}

/// A round of a loop is a statement, and so is each in it.
#[test]
fn statements() {
    let (rounds, rest) = ((MAX_STEPS - 3) / 2, (MAX_STEPS - 3) % 2);
    let text = |n: usize| {
        let more = "b = 1; ".repeat(n);
        format!("network N {{ input x: [4]; for i in 0..{rounds} {{ a = 1; }} {more}output y = x; }}")
    };
    holds(&text(rest), &text(rest + 1), "N0112");
}

#[test]
fn instances_inside_of_each_other() {
    let text = |n: usize| {
        let block = |i: usize| match i {
            0 => "block B0(x: [N]) -> [N] { return x -> relu; }\n".to_owned(),
            _ => format!("block B{i}(x: [N]) -> [N] {{ return x -> B{}; }}\n", i - 1),
        };
        let blocks: String = (0..n).map(block).collect();
        format!("{blocks}network N {{ input x: [4]; output y = x -> B{}; }}", n - 1)
    };
    holds(&text(MAX_INSTANCES), &text(MAX_INSTANCES + 1), "N0112");
}

#[test]
fn elements() {
    let text = |n: usize| format!("network N {{ input x: [{n}]; output y = x -> relu; }}");
    holds(&text(MAX_ELEMENTS), &text(MAX_ELEMENTS + 1), "N0309");
}

/// A list counts as one value itself.
#[test]
fn values_of_a_list() {
    let row = format!("row = [{}];", "1, ".repeat(999));
    let text = |more: &str| {
        let rows = "row, ".repeat(MAX_LIST / 1000);
        format!("network N {{ input x: [4]; {row} _rows = [{rows}{more}]; output y = x -> relu; }}")
    };
    holds(&text(""), &text("1"), "N0112");
}

#[test]
fn parts_of_a_split() {
    let text = |n: usize, parts: &str| {
        let names: Vec<String> = (0..n).map(|i| format!("p{i}")).collect();
        format!("network N {{ input x: [{n}]; {} = split(x, {parts}); output y = p0; }}", names.join(", "))
    };
    let equal = |n: usize| text(n, &n.to_string());
    holds(&equal(MAX_PARTS), &equal(MAX_PARTS + 1), "N0204");
    let listed = |n: usize| text(n, &format!("[{}]", "1, ".repeat(n)));
    holds(&listed(MAX_PARTS), &listed(MAX_PARTS + 1), "N0204");
}

#[test]
fn elements_of_a_window() {
    let text =
        |n: usize| format!("network N {{ input x: [1, 300, 1]; output y = x -> max_pool([1, {n}], stride: 1); }}");
    holds(&text(MAX_WINDOW), &text(MAX_WINDOW + 1), "N0204");
}

/// A name may be bound in loops as deep as brackets allow: twice as often for each.
#[test]
fn loops_inside_of_each_other() {
    let n = 120;
    let text = format!(
        "network N {{ input x: [4]; {}x = x -> dense(4);{} x = x -> dense(4); output y = x; }}",
        "for i in 0..1 { ".repeat(n),
        " }".repeat(n)
    );
    let lowered = interpreter::compile(&text).unwrap();
    assert_eq!(lowered.graph.parameters.len(), 4);
}

/// Blocks that use each other twice are as large as a network may be, each of them; the checks of their definitions
/// together are not.
#[test]
fn definitions_are_checked_soon() {
    let block = |i: usize| match i {
        0 => "block B0(x: [N]) -> [N] { return x -> relu; }\n".to_owned(),
        _ => format!("block B{i}(x: [N]) -> [N] {{ return x -> B{0} -> B{0}; }}\n", i - 1),
    };
    let blocks: String = (0..13).map(block).collect();
    // Many more of the largest that is no mistake.
    let more: String = (0..500).map(|i| format!("block C{i}(x: [N]) -> [N] {{ return x -> B12 -> B11; }}\n")).collect();
    let before = processor_time();
    let text = format!("{blocks}{more}network N {{ input x: [4]; output y = x -> C7; }}");
    assert_eq!(interpreter::compile(&text).map(drop), Ok(()));
    // Five hundred times six thousand layers would take minutes.
    let taken = processor_time() - before;
    assert!(taken < Duration::from_secs(60), "{taken:?}");
}

/// A statement of many values counts as many, and mistakes that come back in every round end it.
#[test]
fn rounds_of_long_statements_end_soon() {
    // Names to search for one that may be meant.
    let blocks: String = (0..2000).map(|i| format!("block B{i}(x: [N]) -> [N] {{ return x -> relu; }}\n")).collect();
    let text = |statement: String| {
        format!("{blocks}network N {{ input x: [4]; for i in 0..90_000 {{ a = {statement}; }} output y = x; }}")
    };
    for (statement, code) in [
        (format!("[{}]", "1 + 1, ".repeat(2000)), "N0112"),
        (format!("[{}]", "1 + true, ".repeat(2000)), "N0203"),
        (format!("x{}", " -> unknown(3)".repeat(300)), "N0102"),
        (format!("x{}", " -> relu(3)".repeat(300)), "N0207"),
    ] {
        let before = processor_time();
        let messages = interpreter::compile(&text(statement)).map(drop).unwrap_err();
        let took = processor_time() - before;
        assert!(messages.contains(code) && took < Duration::from_secs(20), "{code} after {took:?}");
        println!("{code} after {took:?}");
    }
}
