//! Arguments and lists that are nearly right, with what would be.

use super::stages::is_bound;
use super::{
    Failure, Part, innermost, innermost_index, is_argument_name, is_group, previous, report, report_fix, short, usual,
};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;
use crate::source::Span;
use crate::syntax::keywords::{is_keyword, is_level};
use crate::syntax::scan::TokenKind;

/// A missing `,` or `:`, and brackets or dots in place of others.
pub(super) fn explain_operand(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    if failure.part.is_header() {
        return false;
    }
    explain_frozen(failure, sink)
        || explain_level(failure, sink)
        || explain_missing(failure, sink)
        || explain_brackets(failure, sink)
}

/// Two operands of a call or a list without a `,` or `:` between them.
fn explain_missing(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, at, .. } = *failure;
    let Some(before) = at.checked_sub(1).filter(|before| *before > failure.start) else { return false };
    let place = words.span(before).after();
    // A bracket right behind a name is no value of its own.
    let begins = is_name(failure, at) || is_value(failure, at) && place.start < words.span(at).start;
    let ends = is_name(failure, before) || is_value(failure, before) || words.kind(before) == Some(TokenKind::Close);
    let is_list = innermost(failure) == Some("[");
    let is_row = words.text(failure.start) == "freeze" && innermost(failure).is_none();
    let is_single = !is_row && innermost(failure).is_none() || !is_list && is_group(failure);
    if !begins || !ends || is_single || words.text(before - 1) == "->" {
        return false;
    }
    let (title, _) = usual(failure);
    let name = short(words.text(before));
    let value = if words.text(at) == "[" { "[…]" } else { short(words.text(at)) };
    // `lr(a, b): 3` holds names without values.
    let is_key = is_level(words.text(failure.start))
        || failure.part == Part::Entry && innermost_index(failure) == Some(failure.start + 1);
    let after_argument_name = !is_list && !is_key && is_argument_name(failure);
    if after_argument_name && is_bound(failure, sink, before) {
        // It is the name of a value: what is missing is a sign, and which one is not known.
        return report(
            sink,
            N0013,
            title,
            words.span(at),
            Some("two values have a `,` or a sign between them".to_owned()),
        );
    }
    if after_argument_name && !is_name(failure, at) {
        let help = format!("write `{name}: {value}`");
        return report_fix(sink, N0013, (title, words.span(at)), help, place, ":");
    }
    if !is_list && words.kind(before) == Some(TokenKind::Number) && is_name(failure, at) && words.text(at + 1) != ":" {
        let help = format!("write `,` between two arguments, or `{name} * {value}` for their product");
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    if after_argument_name && words.text(at + 1) != ":" {
        let help = format!("write `{name}: {value}` for a named argument, or `,` between two");
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    let help = format!("write `,` between {} and {}", words.found(before), words.found(at));
    report_fix(sink, N0013, (title, words.span(at)), help, place, ",")
}

/// `freeze(stem);`, `freeze: stem;`, `freeze { stem; }` and `freeze "stem";`
fn explain_frozen(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    if words.text(start) != "freeze" || at != start + 1 || at >= end {
        return false;
    }
    let title = usual(failure);
    let Some(names) = names_within(failure) else {
        return report(sink, N0013, title.0, title.1, Some("the names follow: `freeze stem, head;`".to_owned()));
    };
    let help = format!("the names follow: `freeze {};`", short(&names));
    let apart = if words.span(start).end == words.span(at).start { " " } else { "" };
    let ends = if words.text(end) == ";" { "" } else { ";" };
    let mended = words.span(at).to(words.span(end - 1));
    report_fix(sink, N0013, title, help, mended, &format!("{apart}{names}{ends}"))
}

/// `allow unused_value;` and `deny: no_activation;`
fn explain_level(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    if !is_level(words.text(start)) || at != start + 1 || at >= end {
        return false;
    }
    let level = words.text(start);
    let title = usual(failure);
    let Some(names) = names_within(failure) else {
        let help = format!("lints stand in parentheses: `{level}(unused_value);`");
        return report(sink, N0013, title.0, title.1, Some(help));
    };
    let help = format!("lints stand in parentheses: `{level}({});`", short(&names));
    let mended = words.span(start).after().to(words.span(end - 1));
    report_fix(sink, N0013, title, help, mended, &format!("({names})"))
}

/// The names that remain of what follows `freeze` without `:`, brackets around all and quotes.
fn names_within(failure: &Failure<'_>) -> Option<String> {
    let Failure { words, at, end, .. } = *failure;
    let (mut first, mut last) = (at + usize::from(words.text(at) == ":"), end);
    if words.kind(first) == Some(TokenKind::Open) {
        last = words.commas(first, end)?.pop().filter(|closer| closer + 1 == end)?;
        first += 1;
    }
    while last > first && matches!(words.text(last - 1), ";" | ",") {
        last -= 1;
    }
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_path = |text: &str| {
        let goes_on = |next: char| is_letter(next) || next.is_ascii_digit() || matches!(next, '.' | '[' | ']');
        text.starts_with(is_letter) && text.chars().all(goes_on)
    };
    let mut names = String::new();
    for index in first..last {
        let word = words.text(index);
        let starts_name = names.is_empty() || names.ends_with([' ', '.']);
        names += match (words.kind(index)?, word) {
            (_, "," | ";") if !starts_name => ", ",
            (_, "." | "[") if !starts_name => word,
            (_, "]") => word,
            (TokenKind::Number, _) if names.ends_with('[') => word,
            (TokenKind::Word, _) if !is_keyword(word) && (starts_name || names.ends_with('[')) => word,
            (TokenKind::Text, _) if starts_name && is_path(word.trim_matches('"')) => word.trim_matches('"'),
            _ => return None,
        };
    }
    (!names.is_empty()).then_some(names)
}

/// `(3, 3)` for a list, `conv[8]` for a call.
fn explain_brackets(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let (word, before) = (words.text(at), previous(failure));
    let (title, _) = usual(failure);
    if word == "," && innermost(failure) == Some("(") && is_group(failure) {
        let Some(opener) = innermost_index(failure) else { return false };
        let Some((inside, span)) = bracketed(failure, opener) else { return false };
        let close = (opener..failure.end).find(|index| words.span(*index).end == span.end);
        if matches!(words.text(start), "return" | "assert") && opener == start + 1 {
            let inside = inside.trim().trim_end_matches(',');
            let help = format!("write `{} {}`", words.text(start), short(inside));
            if close.is_some_and(|close| close + 1 == failure.end) {
                let apart = if words.span(start).end == span.start { " " } else { "" };
                return report_fix(sink, N0013, (title, words.span(at)), help, span, &format!("{apart}{inside}"));
            }
            return report(sink, N0013, title, words.span(at), Some(help));
        }
        if close.is_some_and(|close| words.text(close + 1) == "->") {
            let help = format!("tensors are joined by a layer: `concat({}) -> …`", short(inside));
            return report(sink, N0013, title, words.span(at), Some(help));
        }
        let help = format!("a list stands in square brackets: `[{}]`", short(inside));
        return report_fix(sink, N0013, (title, words.span(at)), help, span, &format!("[{inside}]"));
    }
    let is_stage = at >= start + 2 && words.text(at - 2) == "->" && is_name(failure, at - 1);
    if word == "[" && is_stage {
        let Some((inside, span)) = bracketed(failure, at) else { return false };
        let help = format!("arguments stand in parentheses: `{}({})`", short(before), short(inside));
        return report_fix(sink, N0013, (title, words.span(at)), help, span, &format!("({inside})"));
    }
    let is_touching = at > start + 1 && words.span(at - 1).end == words.span(at).start;
    if word == "[" && is_touching && before == "]" {
        let help = "a list has no index: bind the name in each branch of an `if`, or go through the list with a loop";
        return report(sink, N0013, title, words.span(at), Some(help.to_owned()));
    }
    if word == "[" && is_touching && (is_name(failure, at - 1) || before == ")") {
        let help = "nothing has an index: `slice` and `split` take parts of a tensor, and a loop goes through a list";
        return report(sink, N0013, title, words.span(at), Some(help.to_owned()));
    }
    false
}

/// The bracket whose partner stands at an index, where it is in the same part.
pub(super) fn opener_of(failure: &Failure<'_>, closer: usize) -> Option<usize> {
    let mut open = 0_usize;
    (failure.start..=closer).rev().find(|index| {
        match failure.words.kind(*index) {
            Some(TokenKind::Close) => open += 1,
            Some(TokenKind::Open) => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0
    })
}

/// Whether a token is a word that is no keyword.
pub(super) fn is_name(failure: &Failure<'_>, index: usize) -> bool {
    failure.words.kind(index) == Some(TokenKind::Word) && !is_keyword(failure.words.text(index))
}

/// Whether a token is a value by itself, or begins a list.
fn is_value(failure: &Failure<'_>, index: usize) -> bool {
    let word = failure.words.text(index);
    matches!(failure.words.kind(index), Some(TokenKind::Number | TokenKind::Text))
        || matches!(word, "true" | "false" | "[")
}

/// What stands in the bracket at an index, and the bracket with its partner, where that is in the same part.
pub(super) fn bracketed<'a>(failure: &Failure<'a>, opener: usize) -> Option<(&'a str, Span)> {
    let Failure { words, end, .. } = *failure;
    let mut open = 0_usize;
    let closer = (opener..end).find(|index| {
        match words.kind(*index) {
            Some(TokenKind::Open) => open += 1,
            Some(TokenKind::Close) => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0
    })?;
    let (from, to) = (words.span(opener), words.span(closer));
    Some((words.slice(Span::new(words.source, from.end, to.start)), from.to(to)))
}
