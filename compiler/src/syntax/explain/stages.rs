//! What follows `->` and `as`, arrows that are missing, and ranges.

use super::operands::{bracketed, is_name, opener_of};
use super::{Failure, Part, expected, innermost, is_group, previous, report, report_fix, report_guess, short, usual};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::{N0013, N0017};
use crate::syntax::keywords::{self, is_keyword};
use crate::syntax::scan::TokenKind;

/// What follows `->` and `as`, arrows that are missing, and ranges.
pub(super) fn explain_stage(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    explain_layer(failure, sink)
        || explain_range(failure, sink)
        || explain_label(failure, sink)
        || explain_arrow(failure, sink)
}

/// What follows `->` and is no layer.
fn explain_layer(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, at, .. } = *failure;
    if previous(failure) != "->" || failure.part == Part::BlockHeader {
        return false;
    }
    let title = format!("expected a layer after `->`, found {}", words.found(at));
    let help = match words.kind(at) {
        Some(TokenKind::Number | TokenKind::Text | TokenKind::Open) => {
            "right of `->` stands a layer with its arguments, such as `dense(10)`; further operands are arguments"
        }
        _ => "a layer is written as its name with its arguments, such as `dense(10)`",
    };
    report(sink, N0017, title, words.span(at), Some(help.to_owned()))
}

/// A range that stands elsewhere than in a loop, and one with a step.
fn explain_range(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let span = words.span(at);
    if words.text(at) == ".." && words.text(start) == "use" {
        let title = format!("expected {}, found `..`", expected(failure));
        let help =
            "a file of your own stands in quotation marks, below the folder of this one: `use \"blocks/fire.net\";`";
        return report(sink, N0013, title, span, Some(help.to_owned()));
    }
    if words.text(at) == ".." {
        if failure.part == Part::Repetition && (start..at).any(|index| words.text(index) == "..") {
            let help = "it goes up by one; compute with the number in the loop, or write a list: `for i in [0, 2, 4]`";
            return report(sink, N0013, "a range has no step".to_owned(), span, Some(help.to_owned()));
        }
        let help = Some("a range is written after `in` of a loop: `for i in 0..3 { … }`".to_owned());
        return report(sink, N0013, "a range stands only in a loop".to_owned(), span, help);
    }
    false
}

/// What follows a name after `as` and is no index in brackets.
fn explain_label(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let word = words.text(at);
    if words.kind(at) == Some(TokenKind::Text) && previous(failure) == "as" {
        let name = word.trim_matches('"');
        let title = usual(failure);
        if keywords::is_name(name) {
            let apart = if words.span(at - 1).end == words.span(at).start { " " } else { "" };
            let help = format!("a name has no quotes: `as {}`", short(name));
            return report_fix(sink, N0013, title, help, words.span(at), &format!("{apart}{name}"));
        }
        let help = "a name is made of letters, digits and `_`, and has no quotes: `as stem`".to_owned();
        return report(sink, N0013, title.0, title.1, Some(help));
    }
    if !matches!(word, "(" | "{" | ".") || at < start + 2 || words.text(at - 2) != "as" {
        return false;
    }
    let title = usual(failure);
    let label = previous(failure);
    let is_bare = at >= start + 4 && words.text(at - 4) == "->" && is_name(failure, at - 3);
    if let (true, "(", Some((inside, span))) = (is_bare, word, bracketed(failure, at)) {
        let layer = words.text(at - 3);
        let help = format!("a name follows the arguments: `{}({}) as {}`", short(layer), short(inside), short(label));
        let mended = words.span(at - 3).after().to(span);
        let replacement = format!("({inside}) as {label}");
        if inside.contains([',', ':']) {
            return report_fix(sink, N0013, title, help, mended, &replacement);
        }
        // It may be an index.
        return report_guess(sink, N0013, title, help, mended, &replacement);
    }
    let help = Some(format!("an index stands in brackets: `as {}[i]`", short(label)));
    report(sink, N0013, title.0, title.1, help)
}

/// What stands before a layer that lacks its arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A stage of a pipeline with its name, `conv(8, kernel: 3) as stem`.
    Named,
    /// A stage without a name.
    Stage,
    /// Another value.
    Value,
}

/// What ends at a token: `None` where no value does.
fn before_arrow(failure: &Failure<'_>, last: usize) -> Option<Before> {
    let Failure { words, start, .. } = *failure;
    let mut first = last;
    while words.text(first) == "]" {
        first = opener_of(failure, first)?.checked_sub(1).filter(|first| *first > start)?;
    }
    let is_after = |index: usize, word: &str| index > start && words.text(index - 1) == word;
    if is_name(failure, first) && is_after(first, "as") {
        return Some(Before::Named);
    }
    if words.text(last) == ")" {
        first = opener_of(failure, last)?;
        let is_call = first > start && is_name(failure, first - 1);
        return Some(if is_call && is_after(first - 1, "->") { Before::Stage } else { Before::Value });
    }
    if first != last || !is_name(failure, last) {
        return None;
    }
    Some(if is_after(last, "->") { Before::Stage } else { Before::Value })
}

/// A layer behind a value without an arrow, as in `x -> conv(8, kernel: 3) relu -> max_pool(2)`.
fn explain_arrow(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let is_value = match words.text(start) {
        "return" => true,
        word => (word == "output" || !is_keyword(word)) && (start..at).any(|index| words.text(index) == "="),
    };
    let in_call = innermost(failure) == Some("(") && !is_group(failure);
    let next = words.text(at + 1);
    let is_end = matches!(next, "->" | "(" | ")" | "," | ";" | "as" | "") || next == ":" && !in_call;
    if part != Part::Statement || !is_value || !is_end || !is_name(failure, at) || innermost(failure) == Some("[") {
        return false;
    }
    // On a line of its own, what starts no statement goes on where it is indented, or where an arrow follows.
    let goes_on = !words.on_new_line(at) || next == "->" || words.is_deeper(at, start);
    let Some(before) = at.checked_sub(1).filter(|last| *last > start && goes_on) else { return false };
    let Some(before) = before_arrow(failure, before) else { return false };
    let is_bare = next != "(";
    let title = usual(failure);
    if is_bare && is_bound(failure, sink, at) {
        // A name, not a layer.
        if before != Before::Named || in_call {
            return false;
        }
        let index = format!("[{}]", words.text(at));
        let mended = words.span(at - 1).after().to(words.span(at));
        let help = format!("an index stands in brackets: `{}`", short(&index));
        return report_guess(sink, N0013, title, help, mended, &index);
    }
    if in_call && is_bare && before == Before::Value {
        return false;
    }
    let is_sure = match before {
        Before::Named => is_bare || !in_call,
        Before::Stage => !is_bare && !in_call,
        Before::Value => false,
    };
    let place = words.span(at).before();
    if is_sure {
        return report_fix(sink, N0013, title, "write `->`".to_owned(), place, "-> ");
    }
    let help = match before {
        Before::Stage if is_bare => {
            format!("write `->` before a layer, `as {}` to name the one before it", short(words.text(at)))
        }
        _ if in_call => "write `->` before a layer, `,` before another argument".to_owned(),
        _ => "write `->` before a layer".to_owned(),
    };
    report_guess(sink, N0013, title, help, place, "-> ")
}

/// Whether the word at an index is given a meaning before what was being read: by `=`, by `in`, or by a type.
pub(super) fn is_bound(failure: &Failure<'_>, sink: &Sink, index: usize) -> bool {
    /// Most names of one statement that are looked at.
    const FAR: usize = 8;
    let Failure { words, start, .. } = *failure;
    let binds = |place: usize| {
        let last = (place..place + 2 * FAR).step_by(2).find(|last| words.text(last + 1) != ",");
        let (is_several, sign) = (last != Some(place), last.map_or("", |last| words.text(last + 1)));
        match sign {
            "=" | "in" => true,
            ":" if !is_several => {
                matches!(words.text(place + 2), "[" | "int" | "float" | "bool")
                    || words.kind(place + 2) == Some(TokenKind::Text)
            }
            _ => false,
        }
    };
    let word = words.text(index);
    // A look back for each of many would take long.
    !sink.is_full() && (0..start).any(|place| words.text(place) == word && binds(place))
}
