//! Examples with the messages they give: the annotated cases, and the examples on the pages of the codes.

use super::{BLOCKS, LENET, parse_text};
use crate::diagnostic::{Sink, codes, testing};
use crate::source::{SourceId, SourceMap};
use crate::syntax::limits::{MAX_TEXT_BYTES, MAX_TOKENS};
use crate::syntax::parse;
use crate::syntax::scan::scan;

fn front_end(source: SourceId, map: &mut SourceMap, sink: &mut Sink) {
    parse(source, map, sink);
}

/// Every `.net` file of `tests/cases/syntax` gives exactly the messages annotated in it. With `NETWRIGHT_BLESS` set the
/// annotations are written instead, for review.
#[test]
fn annotated_cases() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/syntax");
    let bless = std::env::var_os("NETWRIGHT_BLESS").is_some();
    let mut texts = String::new();
    let mut reports = String::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        if bless {
            std::fs::write(&path, testing::annotate(name, &text, front_end)).unwrap();
        } else if let Err(report) = testing::check(name, &text, front_end) {
            reports += &report;
        }
        texts += &text;
    }
    assert!(reports.is_empty(), "{reports}");
    for (code, text) in beyond_limits() {
        assert_eq!(testing::check(code, &text, front_end), Ok(()));
        texts += &format!("error[{code}]");
    }
    for code in codes::all().filter(|code| code.id() < "N0100") {
        assert!(texts.contains(&format!("error[{code}]")), "no case for {code}");
    }
}

/// Annotated texts that are too large to be looked at in a file.
fn beyond_limits() -> [(&'static str, String); 2] {
    let head = "network N { input x: [4]; output y = x; }";
    // One word or sign on a line after the network's fourteen, up to one beyond the limit.
    let n_tokens = scan(SourceId(0), head, &mut Sink::new()).len();
    let words = format!("{head}\n{}", ";\n".repeat(MAX_TOKENS - n_tokens));
    let words = format!(
        "{words};\n//@1 ^ error[N0003]: the text has {} words and signs, more than the limit of {MAX_TOKENS}\n",
        MAX_TOKENS + 1
    );
    let message = |n_bytes: usize| {
        format!("//@1 ^ error[N0001]: the text has {n_bytes} bytes, more than the limit of {MAX_TEXT_BYTES}\n")
    };
    let n_bytes = MAX_TEXT_BYTES + 1;
    let start = format!("{head}\n{}", message(n_bytes));
    let bytes = format!("{start}{}", " ".repeat(n_bytes - start.len()));
    [("N0001", bytes), ("N0003", words)]
}

/// The examples on the pages of the codes do what the pages say.
#[test]
fn pages_of_codes_are_right() {
    for code in codes::all().filter(|code| code.id() < "N0100") {
        assert_eq!(testing::check_page(code, front_end), Ok(()));
    }
}

/// Leaving out any one word or sign of a text gives at most one message: some texts without it are right, and what
/// follows a mistake is not blamed for it.
#[test]
fn one_mistake_gives_one_message() {
    for whole in [LENET, BLOCKS] {
        one_message_each(whole);
    }
}

fn one_message_each(whole: &str) {
    let mut reports = String::new();
    for token in scan(SourceId(0), whole, &mut Sink::new()) {
        let mut text = whole.to_owned();
        text.replace_range(token.span.range(), "");
        let (_, messages) = parse_text(&text);
        let n_messages = messages.matches("error[").count();
        if n_messages > 1 {
            reports += &format!("without {} at {}:\n{messages}\n", &whole[token.span.range()], token.span.start);
        }
    }
    assert!(reports.is_empty(), "{reports}");
}
