//! Tests of the form, of what it keeps, and of its being reached in one step.

use std::path::{Path, PathBuf};

use super::tokens::Tokens;
use super::{format, read};
use crate::diagnostic::{Sink, Style, render_all};
use crate::source::SourceMap;
use crate::syntax::limits::{MAX_TEXT_BYTES, MAX_TOKENS};
use crate::syntax::{Token, TokenKind, parse, scan};

mod form;
mod hostile;

/// The formatted text, or the messages.
fn try_format(text: &str) -> Result<String, String> {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    let mut sink = Sink::new();
    format(source, &map, &mut sink).ok_or_else(|| render_all(&sink, &map, Style::Plain))
}

/// The formatted text, checked for what always holds.
fn formatted(text: &str) -> String {
    let formatted = try_format(text).unwrap_or_else(|messages| panic!("{messages}\n{text}"));
    assert_eq!(tree(&formatted), tree(text), "the tree of\n{text}\nis not that of\n{formatted}");
    assert_eq!(comments(&formatted), comments(text), "{text}\n{formatted}");
    let again = try_format(&formatted).unwrap_or_else(|messages| panic!("{messages}\n{formatted}"));
    assert_eq!(again, formatted, "not stable; from\n{text}");
    for line in formatted.lines() {
        assert_eq!(line, line.trim_end_matches([' ', '\t', '\r']), "{formatted}");
    }
    assert!(formatted.is_empty() || formatted.ends_with('\n') && !formatted.ends_with("\n\n"), "{formatted:?}");
    assert!(!formatted.contains("\n\n\n") && !formatted.starts_with('\n'), "{formatted}");
    formatted
}

/// The syntax tree as text, without spans.
fn tree(text: &str) -> String {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    let mut sink = Sink::new();
    let tree = format!("{:?}", parse(source, &map, &mut sink));
    assert!(sink.is_empty(), "{}", render_all(&sink, &map, Style::Plain));
    let mut spanless = String::new();
    for (index, part) in tree.split("Span {").enumerate() {
        let part = if index == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) };
        spanless.push_str(part);
    }
    spanless
}

/// With the tokens of a text, done what needs both.
fn with_tokens<T>(text: &str, done: impl FnOnce(&[Token], &Tokens<'_>) -> T) -> T {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    done(&scan(source, text, &mut Sink::new()), &read(source, text))
}

/// The comments of a text, in order, without blanks at their ends.
fn comments(text: &str) -> Vec<String> {
    with_tokens(text, |_, tokens| {
        let gaps = (0..=tokens.end()).map(|index| &tokens.get(index).gap);
        gaps.flat_map(|gap| gap.comments.iter().map(|comment| comment.text.to_string())).collect()
    })
}

/// Every `.net` file below a folder of the repository.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "net") {
                // One is not UTF-8 on purpose.
                if let Ok(text) = std::fs::read_to_string(&path) {
                    found.push((path, text));
                }
            }
        }
    }
    found.sort();
    found
}
