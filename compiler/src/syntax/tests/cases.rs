//! Examples with the messages they give: the annotated cases, and the examples on the pages of the codes.

use super::{BLOCKS, LENET, parse_text};
use crate::diagnostic::{Sink, codes, testing};
use crate::source::{SourceId, SourceMap};
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
    // Limits cannot be shown in a readable file; the tests of hostile texts show them.
    for code in
        codes::all().filter(|code| code.id() < "N0100" && !["N0001", "N0002", "N0003", "N0005"].contains(&code.id()))
    {
        assert!(texts.contains(&format!("error[{code}]")), "no case for {code}");
    }
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
