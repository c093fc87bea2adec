//! Where statements end, found without the grammar, and the brackets in them that have no partner.

use super::explain::{COMMENT, Part};
use super::scan::TokenKind;
use super::words::Words;
use crate::diagnostic::codes::{N0012, N0013};
use crate::diagnostic::{Sink, quote};
use crate::source::Span;

/// The tokens of one statement or entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Index after its last token; a `;` there belongs to it.
    pub(super) end: usize,
    /// Whether a bracket without partner was reported.
    pub(super) reported: bool,
    /// Whether there are braces in it, which do not belong there.
    pub(super) has_braces: bool,
}

/// Finds the end of the statement or entry that starts at token `start`: before its `;`, before a closing brace, or
/// where the next one starts. Reports at most one bracket without partner.
pub(super) fn extent(words: Words<'_>, start: usize, part: Part, sink: &mut Sink) -> Extent {
    let mut open: Vec<usize> = Vec::new();
    let mut reported = false;
    let mut at = start;
    while at < words.len() {
        match words.text(at) {
            "(" | "[" | "{" => open.push(at),
            close @ (")" | "]" | "}") => match open.last().copied() {
                Some(opener) if words.closes(opener, at) => {
                    open.pop();
                }
                _ if close == "}"
                    && !open.iter().any(|opener| words.closes(*opener, at))
                    && (open.is_empty() || !goes_on(words, at + 1)) =>
                {
                    break;
                }
                opener => {
                    open.pop();
                    if !std::mem::replace(&mut reported, true) && !words.has_bad(start, at) {
                        mismatch(words, opener, at, sink);
                    }
                }
            },
            ";" if open.last().is_some_and(|opener| closes_behind(words, *opener, at)) => {
                let is_told = std::mem::replace(&mut reported, true);
                if !is_told {
                    let span = words.span(at);
                    // `kernel; 3`
                    let is_name = at >= 2
                        && words.kind(at - 1) == Some(TokenKind::Word)
                        && matches!(words.text(at - 2), "(" | ",")
                        && words.text(at + 2) != ":"
                        && open.last().is_some_and(|opener| words.text(*opener) == "(");
                    if is_name {
                        let help = "a named argument is written with `:`, and two arguments have a `,` between them";
                        sink.error(N0013, "expected `:` or `,`, found `;`").primary(span, "").help(help);
                    } else {
                        sink.error(N0013, "expected `,`, found `;`").primary(span, "").fix("write `,`", span, ",");
                    }
                }
            }
            ";" if !open.iter().any(|opener| words.text(*opener) == "{") => break,
            _ if at > start && ends_before(words, start, at, part, open.is_empty()) => {
                // Doc comments before the next statement are that statement's.
                while at > start + 1 && words.kind(at - 1) == Some(TokenKind::Doc) {
                    at -= 1;
                }
                break;
            }
            _ => {}
        }
        at += 1;
    }
    if let (Some(opener), false) = (open.last(), reported || words.has_bad(start, at)) {
        reported = true;
        let report = sink
            .error(N0012, format!("this {} is not closed", quote(words.text(*opener))))
            .primary(words.span(*opener), "")
            .secondary(words.span(at), format!("the {} ends here", part.noun()));
        let rest = words.slice(Span { start: words.span(*opener).end, ..words.span(at) });
        let comment = rest.lines().next().and_then(|line| line.split_once("//"));
        if comment.is_some_and(|(_, comment)| comment.contains([')', ']', '}'])) {
            report.help(COMMENT);
        }
    }
    let has_braces = (start..at).any(|index| words.text(index) == "{");
    Extent { end: at, reported, has_braces }
}

/// Whether a token on the line of the one before it goes on with a statement, so that a brace before it is no end of one.
fn goes_on(words: Words<'_>, at: usize) -> bool {
    matches!(words.text(at), "->" | ";" | "," | ")" | "]") && !words.on_new_line(at)
}

/// Whether the partner of a bracket other than a brace stands behind a `;` in it on the same line: then the `;` is a `,`.
fn closes_behind(words: Words<'_>, opener: usize, semicolon: usize) -> bool {
    const FAR: usize = 64;
    let mut depth = 0_usize;
    for at in semicolon + 1..words.len().min(semicolon + FAR) {
        match (words.kind(at), words.text(at)) {
            _ if words.on_new_line(at) => return false,
            (_, "=" | "{" | "}") => return false,
            (Some(TokenKind::Open), _) => depth += 1,
            (Some(TokenKind::Close), _) if depth == 0 => {
                return words.text(opener) != "{" && words.closes(opener, at);
            }
            (Some(TokenKind::Close), _) => depth -= 1,
            _ => {}
        }
    }
    false
}

/// Whether what starts at token `start` must have ended before token `at`, though no `;` says so.
fn ends_before(words: Words<'_>, start: usize, at: usize, part: Part, outside_brackets: bool) -> bool {
    if words.starts_statement(at) {
        return true;
    }
    if !words.on_new_line(at) {
        return false;
    }
    if at == start + 1 && words.is_attribute(start) {
        return true;
    }
    // A value has no `=` outside of brackets, and an entry's has no `:` either.
    let sign = if part == Part::Entry { ":" } else { "=" };
    let named = outside_brackets && words.kind(at) == Some(TokenKind::Word) && words.text(at + 1) == sign;
    // A string that is not closed has swallowed the rest of its line, and perhaps the `;`.
    let in_string = words.is_bad(at - 1) && words.text(at - 1).starts_with('"');
    (named && at > start + 1) || (in_string && words.begins(at, part))
}

/// Reports a closing bracket that is not its opener's, or has none.
fn mismatch(words: Words<'_>, opener: Option<usize>, close: usize, sink: &mut Sink) {
    let found = quote(words.text(close));
    let span = words.span(close);
    match opener {
        Some(opener) => {
            let title = format!("{} is closed by {found}", quote(words.text(opener)));
            sink.error(N0012, title).primary(span, "").secondary(words.span(opener), "opened here");
        }
        None => {
            let report = sink.error(N0012, format!("{found} closes nothing")).primary(span, "");
            // Elsewhere its partner may be missing instead.
            let is_second = close.checked_sub(1).is_some_and(|before| words.text(before) == words.text(close));
            if is_second && words.text(close + 1) == ";" {
                report.fix("leave it out", span, "");
            }
        }
    }
}
