//! Arguments, lists and calls that are nearly right, with what would be.

use super::{
    Failure, Part, expected, innermost, innermost_index, is_argument_name, is_group, previous, report, report_fix,
    short,
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
    explain_missing(failure, sink) || explain_brackets(failure, sink) || explain_method(failure, sink)
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
    let title = format!("expected {}, found {}", expected(failure), words.found(at));
    let name = short(words.text(before));
    let value = if words.text(at) == "[" { "[…]" } else { short(words.text(at)) };
    // `lr(a, b): 3` holds names without values.
    let is_key = is_level(words.text(failure.start))
        || failure.part == Part::Entry && innermost_index(failure) == Some(failure.start + 1);
    let after_argument_name = !is_list && !is_key && is_argument_name(failure);
    let is_bound = |index: usize| {
        words.text(index) == words.text(before)
            && matches!(words.text(index + 1), "=" | ":")
            && index + 1 < failure.start
    };
    if after_argument_name && !sink.is_full() && (0..failure.start).any(is_bound) {
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

/// `(3, 3)` for a list, `conv[8]` for a call.
fn explain_brackets(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let (word, before) = (words.text(at), previous(failure));
    let title = format!("expected {}, found {}", expected(failure), words.found(at));
    if word == "," && innermost(failure) == Some("(") && is_group(failure) {
        let Some(opener) = innermost_index(failure) else { return false };
        let Some((inside, span)) = bracketed(failure, opener) else { return false };
        if matches!(words.text(start), "return" | "assert") && opener == start + 1 {
            let help = format!("write `{} {}`", words.text(start), short(inside));
            return report(sink, N0013, title, words.span(at), Some(help));
        }
        let close = (opener..failure.end).find(|index| words.span(*index).end == span.end);
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
    if word == "[" && is_touching && is_name(failure, at - 1) {
        let help = "nothing has an index: `slice` and `split` take parts of a tensor, and a loop goes through a list";
        return report(sink, N0013, title, words.span(at), Some(help.to_owned()));
    }
    false
}

/// `x.relu()` for `x -> relu()`.
fn explain_method(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let is_call = words.text(at) == "." && is_name(failure, at + 1) && words.text(at + 2) == "(";
    if !is_call || part == Part::Limit {
        return false;
    }
    let title = format!("expected {}, found `.`", expected(failure));
    let layer = short(words.text(at + 1));
    if at >= start + 2 && words.text(at - 2) == "->" {
        let help = format!("layers have no module before them: `-> {layer}(…)`");
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    // A module of PyTorch's or of Keras's, with the tensor among the arguments.
    if is_name(failure, at - 1)
        && matches!(words.text(at - 1), "F" | "nn" | "torch" | "tf" | "keras" | "layers" | "self")
    {
        let help = format!("layers have no module before them, and stand right of an arrow: `x -> {layer}(…)`");
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    let help = format!("a layer stands right of an arrow: `x -> {layer}(…)`");
    // Where the operand is all that stands left of the dot, an arrow means the same.
    let mut first = at.saturating_sub(1);
    if words.text(first) == ")" {
        let mut open = 0_usize;
        while first > start {
            match words.kind(first) {
                Some(TokenKind::Close) => open += 1,
                Some(TokenKind::Open) => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            first -= 1;
        }
        if first > start && is_name(failure, first - 1) {
            first -= 1;
        }
    }
    let is_whole = first > start && matches!(words.text(first - 1), "=" | "(" | "," | ":" | "->" | "return");
    if !is_whole {
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    report_fix(sink, N0013, (title, words.span(at)), help, words.span(at), " -> ")
}

/// Whether a token is a word that is no keyword.
fn is_name(failure: &Failure<'_>, index: usize) -> bool {
    failure.words.kind(index) == Some(TokenKind::Word) && !is_keyword(failure.words.text(index))
}

/// Whether a token is a value by itself, or begins a list.
fn is_value(failure: &Failure<'_>, index: usize) -> bool {
    let word = failure.words.text(index);
    matches!(failure.words.kind(index), Some(TokenKind::Number | TokenKind::Text))
        || matches!(word, "true" | "false" | "[")
}

/// What stands in the bracket at an index, and the bracket with its partner, where that is in the same part.
fn bracketed<'a>(failure: &Failure<'a>, opener: usize) -> Option<(&'a str, Span)> {
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
