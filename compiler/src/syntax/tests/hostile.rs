//! Texts made to break the parser: it answers each with a tree and messages, soon, on a small stack.

use std::time::Duration;

use super::{LENET, parse_text};
use crate::diagnostic::{MAX_SHOWN, Sink};
use crate::source::SourceMap;
use crate::syntax::limits::{MAX_BRACKETS, MAX_COMMENTS, MAX_DEPTH, MAX_TEXT_BYTES, MAX_TOKENS};
use crate::syntax::parse;
use crate::time::processor_time;

/// Slower machines and builds without optimisation included.
const SOON: Duration = Duration::from_secs(10);

/// The codes that a text gives, in order; parsed on a stack of 2 MiB, what a Rust thread has.
fn codes(text: &str) -> Vec<&'static str> {
    let text = text.to_owned();
    let run = move || {
        let start = processor_time();
        let mut map = SourceMap::new();
        let source = map.add("hostile.net", text);
        let mut sink = Sink::new();
        let tree = parse(source, &map, &mut sink);
        let taken = processor_time() - start;
        assert!(taken < SOON, "{taken:?}");
        // Later passes recurse over the tree as `Debug` and `Clone` do.
        drop(format!("{:?}", tree.clone()));
        sink.diagnostics().into_iter().map(|diagnostic| diagnostic.code.id()).collect()
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

/// A statement in a network.
fn network(value: &str) -> String {
    format!("network N {{ input x: [4]; y = {value}; output z = x; }}")
}

#[test]
fn large_texts_are_refused() {
    assert_eq!(codes(&" ".repeat(MAX_TEXT_BYTES)), [""; 0]);
    assert_eq!(codes(&" ".repeat(MAX_TEXT_BYTES + 1)), ["N0001"]);
    assert_eq!(codes(&"x ".repeat(MAX_TOKENS + 1)), ["N0003"]);
    assert_eq!(codes(&"x ".repeat(MAX_TOKENS)), ["N0013"]);
    assert_eq!(codes(&format!("// {}", "x ".repeat(MAX_TOKENS + 1))), [""; 0]);
}

#[test]
fn deep_brackets_are_refused() {
    // The network's brace is one bracket.
    let nested = |n: usize, open: &str, close: &str| network(&format!("{}x{}", open.repeat(n), close.repeat(n)));
    for (open, close) in
        [("(", ")"), ("[", "]"), ("f(", ")"), ("f(a: ", ")"), ("-(", ")"), ("x -> f(", ")"), ("[(", ")]")]
    {
        let per_repeat = open.matches(['(', '[']).count();
        let most = (MAX_BRACKETS - 1) / per_repeat;
        assert_eq!(codes(&nested(most, open, close)), [""; 0], "{open}");
        assert_eq!(codes(&nested(most + 1, open, close)), ["N0002"], "{open}");
        assert_eq!(codes(&nested(100_000 / open.len(), open, "")), if open.len() > 3 { ["N0002"] } else { ["N0003"] });
    }
    assert_eq!(codes(&"(".repeat(90_000)), ["N0002"]);
    assert_eq!(codes(&"{".repeat(90_000)), ["N0002"]);
    assert_eq!(codes(&")".repeat(90_000)), ["N0012"]);
    assert_eq!(codes(&"/*".repeat(400_000)), ["N0007"]);
}

#[test]
fn comments_stand_inside_of_each_other_up_to_a_limit() {
    let text = |n: usize| format!("{}{} {}", "/*".repeat(n), "*/".repeat(n), network("x"));
    assert_eq!(codes(&text(MAX_COMMENTS)), [""; 0]);
    assert_eq!(codes(&text(MAX_COMMENTS + 1)), ["N0007"]);
}

#[test]
fn long_chains_are_refused() {
    // `x` itself is one deep.
    for (first, link) in [("x", " + x"), ("x", " * x"), ("x", " and x"), ("x", " or x")] {
        assert_eq!(codes(&network(&(first.to_owned() + &link.repeat(MAX_DEPTH - 1)))), [""; 0], "{link}");
        assert_eq!(codes(&network(&(first.to_owned() + &link.repeat(MAX_DEPTH)))), ["N0005"], "{link}");
        assert_eq!(codes(&network(&(first.to_owned() + &link.repeat(40_000)))), ["N0005"], "{link}");
    }
    for sign in ["-", "not "] {
        assert_eq!(codes(&network(&(sign.repeat(MAX_DEPTH - 1) + "x"))), [""; 0], "{sign}");
        assert_eq!(codes(&network(&(sign.repeat(MAX_DEPTH) + "x"))), ["N0005"], "{sign}");
        assert_eq!(codes(&network(&(sign.repeat(90_000) + "x"))), ["N0005"], "{sign}");
    }
    // Chains inside brackets inside chains.
    let mut value = "x".to_owned();
    for _ in 0..MAX_BRACKETS - 1 {
        value = format!("({value}){}", " + x".repeat(200));
    }
    assert_eq!(codes(&network(&value)), ["N0005"]);
    // A pipeline is a list, not a chain.
    assert_eq!(codes(&network(&("x".to_owned() + &" -> relu".repeat(40_000)))), [""; 0]);
    assert_eq!(codes(&network(&"-> ".repeat(90_000))), ["N0013"]);
    assert_eq!(codes(&network(&format!("f({})", "x, ".repeat(40_000)))), [""; 0]);
}

#[test]
fn many_mistakes_are_soon_counted() {
    for statement in [
        "x = ;",
        "x: [4] = 3\n",
        "x\n",
        "input ",
        "f f\n",
        ";",
        "}{",
        "x = (",
        "/// doc\n",
        "train {",
        "for ",
        "for i in 0..3 {",
        "for i in 0..3\n",
        "if x { ",
        "if x { } else ",
        "if x { } else else ",
        "else ",
        "budget (\nbudget {}\n",
        "„",
        "block B(x: [N",
        "block B(x: [N]) -> [N] { ",
        "use \"a\" ",
        "const a = ",
        "budget {",
        "freeze a[",
        "return ",
        "allow(",
        "\"",
        "$",
    ] {
        let n_statements = 90_000 / statement.split_whitespace().count().max(1) / 3;
        let found = codes(&format!("network N {{ {} }}", statement.repeat(n_statements)));
        assert!(!found.is_empty() && found.len() <= MAX_SHOWN, "{statement}: {found:?}");
    }
    assert_eq!(codes(&"network ".repeat(50_000)).len(), MAX_SHOWN);
    assert_eq!(codes(&"network N { ".repeat(20_000)), ["N0002"]);
}

#[test]
fn strange_characters_are_named() {
    assert_eq!(codes("\u{feff}network N {}"), [""; 0]);
    assert_eq!(codes("network\u{feff} N {}"), ["N0004"]);
    assert_eq!(codes("network N {\0}"), ["N0004"]);
    assert_eq!(codes("network N {} // \0"), ["N0004"]);
    assert_eq!(codes("network N {} /* \u{202e} */"), ["N0004"]);
    assert_eq!(codes("network N {\u{a0}}"), ["N0004"]);
    assert_eq!(codes("/// \u{1b}[31m\nnetwork N {}"), ["N0004"]);
    assert_eq!(codes(&LENET.replace('\n', "\r\n").replace("    ", "\t")), [""; 0]);
    assert_eq!(codes(""), [""; 0]);
}

/// xorshift64*: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }
}

/// Words to make texts of.
const SOUP: &[&str] = &[
    "network", "N", "{", "}", "(", ")", "[", "]", "input", "output", "train", "x", "=", ":", ";", ",", "->", "conv",
    "3", "0.5", ".", "..", "as", "and", "or", "not", "true", "-", "+", "*", "/", "<", "==", "\"s\"", "\"", "|", "int",
    "///d\n", "//c\n", "/*", "*/", "\n", "for", "const", "é", "\0", "\\", "1e", "\u{feff}", "->->", "block", "if",
];

#[test]
fn random_mutations_are_survived() {
    let mut random = Random(42);
    let lenet: Vec<char> = LENET.chars().collect();
    for _ in 0..1000 {
        let mut text = lenet.clone();
        for _ in 0..=random.below(4) {
            if text.is_empty() {
                break;
            }
            let at = random.below(text.len());
            match random.below(5) {
                0 => drop(text.remove(at)),
                1 => text.truncate(at + 1),
                2 => text.splice(at..at, SOUP[random.below(SOUP.len())].chars()).for_each(drop),
                3 => text.splice(at..(at + 20).min(text.len()), []).for_each(drop),
                _ => {
                    let from = random.below(text.len());
                    let piece: Vec<char> = text[from..(from + 30).min(text.len())].to_vec();
                    text.splice(at..at, piece).for_each(drop);
                }
            }
        }
        survive(&text.into_iter().collect::<String>());
    }
}

#[test]
fn random_words_are_survived() {
    let mut random = Random(7);
    for _ in 0..1000 {
        let mut text = String::from(["", "network N { ", "network N { x = ", "network N("][random.below(4)]);
        for _ in 0..random.below(60) {
            text += SOUP[random.below(SOUP.len())];
            text += ["", " "][random.below(2)];
        }
        survive(&text);
    }
}

/// Parses and renders; a text that the grammar refuses has a message, and recovery knows why.
fn survive(text: &str) {
    use crate::syntax::grammar::{Grammar, Rule};
    use pest::Parser as _;
    let (_, messages) = parse_text(text);
    if Grammar::parse(Rule::file, text).is_err() {
        assert!(messages.contains("error["), "{text}");
    } else {
        // What the grammar accepts can stand in a Rust macro.
        assert!(text.parse::<proc_macro2::TokenStream>().is_ok(), "{text}");
    }
    assert!(!messages.contains("the text does not follow the grammar"), "{text}\n{messages}");
}

/// A thread with little stack reads what one with much does.
#[test]
fn a_small_stack_is_enough() {
    let text = network(&format!("{}x{}", "f(".repeat(MAX_BRACKETS - 2), ")".repeat(MAX_BRACKETS - 2)));
    let run = move || parse_text(&text).1;
    let messages = std::thread::Builder::new().stack_size(192 << 10).spawn(run).unwrap().join().unwrap();
    assert_eq!(messages, "");
}
