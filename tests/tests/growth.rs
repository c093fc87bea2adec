//! Time grows with the text: what is four times as large takes no more than seven times as long, wherever the compiler
//! goes through it. What grew with the square would take sixteen times as long.
//!
//! Measured is the time that this thread had a processor, which other processes do not lengthen; the least of several
//! runs counts. Sizes are such that a run takes some milliseconds at least.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use netwright_compiler::diagnostic::{Sink, Style, render_all};
use netwright_compiler::driver::{Settings, check};
use netwright_compiler::emit::{Target, emit};
use netwright_compiler::format::format;
use netwright_compiler::source::SourceMap;
use netwright_compiler::{compile, syntax};
use netwright_files::Disk;
use netwright_tests::time::processor_time;

/// How much larger the second text is.
const TIMES: usize = 4;

/// How much longer it may take.
const MOST: f64 = 7.0;

/// What is done with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Parse,
    Format,
    Check,
    Compile,
}

impl Work {
    /// Does it; messages are rendered, as the command does.
    fn run(self, text: &str) -> String {
        let mut map = SourceMap::new();
        let source = map.add("large.net", text);
        let mut sink = Sink::new();
        let settings = Settings { library: true, ..Settings::default() };
        match self {
            Self::Parse => drop(syntax::parse(source, &map, &mut sink)),
            Self::Format => drop(format(source, &map, &mut sink)),
            Self::Check => drop(check(source, &mut map, &settings, &mut Disk::bundled(), &mut sink)),
            Self::Compile => {
                let compiled = compile(source, &mut map, &settings, &mut Disk::bundled(), &mut sink);
                if let Some(compiled) = compiled {
                    assert!(!emit(&compiled, &Target::text()).is_empty());
                }
            }
        }
        render_all(&sink, &map, Style::Plain)
    }

    fn time(self, text: &str) -> f64 {
        let once = || {
            let before = processor_time();
            self.run(text);
            (processor_time() - before).as_secs_f64()
        };
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    }
}

/// Holds the growth of a text of `n` parts against the limit, `what` names it.
fn grows(what: &str, work: Work, n: usize, text: impl Fn(usize) -> String) -> Result<f64, String> {
    let (small, large) = (text(n), text(TIMES * n));
    // A ratio is measured again where it is too large: other work on the machine empties the caches.
    let mut ratio = f64::INFINITY;
    for _ in 0..3 {
        let (before, after) = (work.time(&small), work.time(&large));
        ratio = ratio.min(after / before);
        println!("{work:?} of {what}: {:.1} ms, {:.1} ms for {TIMES} times as much", before * 1e3, after * 1e3);
        if ratio <= MOST {
            return Ok(ratio);
        }
    }
    Err(format!("{work:?} of {what}: {ratio:.1} times as long for {TIMES} times as much\n"))
}

/// A network of so many statements, each made with its number.
fn network(n: usize, statement: impl Fn(usize) -> String) -> String {
    let statements: String = (0..n).map(|i| statement(i) + "\n").collect();
    format!("network N {{ input x: [4];\n{statements}output y = x; }}")
}

/// Texts that one thing makes large: what it is, how many of it are measured first, and the text.
type Family = (&'static str, usize, fn(usize) -> String);

/// Texts without mistakes of syntax.
const TEXTS: &[Family] = &[
    ("a pipeline", 3000, |n| network(1, |_| format!("z = x{};", " -> relu".repeat(n)))),
    ("a pipeline over lines", 2000, |n| network(1, |_| format!("z = x{};", "\n -> relu /* c */".repeat(n)))),
    ("bindings", 2000, |n| network(n, |i| format!("a{i} = {i} + 1;"))),
    ("bindings of one name", 2000, |n| network(n, |i| format!("a = {i};"))),
    ("a list", 4000, |n| network(1, |_| format!("a = [{}];", "1, ".repeat(n)))),
    ("lists", 1500, |n| network(1, |_| format!("a = [{}];", "[1, 2], ".repeat(n)))),
    ("constants that use each other", 1000, |n| {
        (0..n).map(|i| format!("const k{i} = k{} + 1;\n", i + 1)).collect::<String>() + &format!("const k{n} = 1;")
    }),
    ("blocks", 300, |n| {
        (0..n).map(|i| format!("/// Doc.\nblock B{i}(x: [H, W, C]) -> [H, W, C] {{ return x -> relu; }}\n")).collect()
    }),
    ("blocks that are all used", 100, |n| {
        let block = |i: usize| format!("block B{i}(x: [N]) -> [N] {{ return x -> relu; }}\n");
        (0..n).map(block).collect::<String>() + &network(n, |i| format!("x = x -> B{i};"))
    }),
    ("conditions", 800, |n| network(n, |i| format!("if {i} == 1 {{ a = 1; }} else {{ a = 2; }}"))),
    ("an else-if chain", 500, |n| {
        network(1, |_| format!("a = 1; if a == 0 {{ b = 1; }} {}", "else if a == 2 { b = 2; } ".repeat(n)))
    }),
    ("comments", 8000, |n| network(1, |_| "// c\n".repeat(n))),
    ("one comment", 100_000, |n| network(1, |_| format!("/* {} */", "c".repeat(n)))),
    ("doc comments", 3000, |n| "/// d\n".repeat(n) + &network(1, |_| String::new())),
    ("one string", 50_000, |n| network(1, |_| format!("a = \"{}\";", "s".repeat(n)))),
    ("parameters", 1000, |n| {
        let parameters: String = (0..n).map(|i| format!("p{i}: int = {i}, ")).collect();
        format!("network N({parameters}) {{ input x: [4]; output y = x; }}")
    }),
    ("lints that are allowed", 2000, |n| network(n, |_| "allow(no_activation);".to_owned())),
    ("budgets", 1000, |n| network(n, |i| format!("budget {{ parameters <= {i}; }}"))),
    ("long sums", 100, |n| network(n, |_| format!("a = 1{};", " + 1".repeat(60)))),
];

/// Texts with a mistake in every part.
const MISTAKES: &[Family] = &[
    ("values that are missing", 1500, |n| network(n, |_| "a = ;".to_owned())),
    ("semicolons that are missing", 1500, |n| network(n, |i| format!("a{i} = 1"))),
    ("brackets that are not closed", 300, |n| network(n, |_| "a = f(;".to_owned())),
    ("braces that are not closed", 60, |n| network(n, |_| "if x {".to_owned())),
    ("networks that are not closed", 1000, |n| "network N { input x: [4];\n".repeat(n)),
    ("strings that are not closed", 1500, |n| network(n, |_| "a = \"s".to_owned())),
    ("strange characters", 3000, |n| "é ".repeat(n)),
    ("words", 4000, |n| "word ".repeat(n)),
    ("words in a network", 4000, |n| network(1, |_| "word ".repeat(n))),
    ("headers", 1500, |n| "block B(x\n".repeat(n)),
    ("names that nobody knows", 1500, |n| network(n, |i| format!("a{i} = nobody{i} + 1;"))),
    ("names that are nearly right", 500, |n| network(n, |i| format!("name_{i} = nmae_{i} + 1;"))),
    ("layers that nobody knows", 1000, |n| network(n, |i| format!("a{i} = x -> nobody{i};"))),
    ("shapes that do not fit", 700, |n| network(n, |i| format!("a{i}: [5] = x -> dense(4);"))),
    ("names of layers that nobody knows", 500, |n| network(n, |i| format!("a{i} = x -> dense(2); freeze nobody{i};"))),
    ("a name that is taken", 1000, |n| network(n, |_| "a = x -> dense(2) as same;".to_owned())),
];

/// Networks of so many layers.
const NETWORKS: &[Family] = &[
    ("layers in a row", 250, |n| network(1, |_| format!("for i in 0..{n} {{ x = x -> dense(4) -> relu; }}"))),
    ("layers in a text", 250, |n| network(n, |_| "x = x -> dense(4) -> relu;".to_owned())),
    ("layers to one sum", 250, |n| {
        network(n, |i| format!("a{i} = x -> dense(4);")).replace("output y = x", "output y = a0")
    }),
    ("layers that are all read at the end", 150, |n| {
        let sum: String = (0..n).map(|i| format!("z = z + a{i};\n")).collect();
        network(n, |i| format!("a{i} = x -> dense(4) -> tanh;"))
            .replace("output y = x", &format!("z = x;\n{sum}output y = z"))
    }),
    ("operands of one layer", 300, |n| {
        let all: Vec<String> = (0..n).map(|i| format!("a{i}")).collect();
        network(n, |i| format!("a{i} = x -> relu;"))
            .replace("output y = x", &format!("output y = concat({})", all.join(", ")))
    }),
    ("instances of a block", 150, |n| {
        "block B(x: [N]) -> [N] { return x + (x -> dense(N) -> relu); }\n".to_owned()
            + &network(1, |_| format!("for i in 0..{n} {{ x = x -> B as b[i]; }}"))
    }),
    ("layers that are frozen one by one", 250, |n| {
        network(n, |i| format!("x = x -> dense(4) as d{i} -> relu; freeze d{i};"))
    }),
    ("rates of layers", 250, |n| {
        let rates: String = (0..n).map(|i| format!("lr(d{i}): 0.5;")).collect();
        let train = format!("train {{ loss: cross_entropy(x); {rates} }} output y = x");
        network(n, |i| format!("x = x -> dense(4) as d{i} -> relu;")).replace("output y = x", &train)
    }),
    ("layers to train", 150, |n| {
        network(1, |_| format!("for i in 0..{n} {{ x = x -> dense(4) -> relu; }}"))
            .replace("output y = x", "train { loss: cross_entropy(x); } output y = x")
    }),
    ("branches to train", 100, |n| {
        network(n, |_| "x = x + (x -> dense(4) -> tanh);".to_owned())
            .replace("output y = x", "train { loss: cross_entropy(x); } output y = x")
    }),
    ("whole-batch statistics", 60, |n| {
        network(1, |_| format!("for i in 0..{n} {{ x = x -> dense(4) -> batch_norm; }}"))
            .replace("output y = x", "train { loss: cross_entropy(x); } output y = x")
    }),
    ("outputs", 100, |n| network(n, |i| format!("output y{i} = x -> dense(2);"))),
    ("inputs", 100, |n| network(n, |i| format!("input x{i}: [4]; x = x + x{i};"))),
];

fn all(families: &[Family], works: &[Work]) {
    let mut wrong = String::new();
    for (what, n, text) in families {
        for &work in works {
            if let Err(report) = grows(what, work, *n, text) {
                wrong += &report;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
#[ignore = "takes a minute of one processor"]
fn texts_take_time_by_their_size() {
    all(TEXTS, &[Work::Parse, Work::Format, Work::Check]);
}

#[test]
#[ignore = "takes a minute of one processor"]
fn mistakes_take_time_by_their_number() {
    all(MISTAKES, &[Work::Parse, Work::Check]);
}

#[test]
#[ignore = "takes a minute of one processor"]
fn networks_take_time_by_their_layers() {
    all(NETWORKS, &[Work::Check, Work::Compile]);
}
