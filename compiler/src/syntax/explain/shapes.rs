//! Shapes that are nearly right: promised without a `:`, in parentheses, or in the midst of a pipeline.

use super::operands::{is_name, opener_of};
use super::{Failure, Part, innermost, innermost_index, previous, report, report_fix, report_guess, short, usual};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;
use crate::source::Span;
use crate::syntax::keywords::is_keyword;
use crate::syntax::scan::TokenKind;

/// What is meant for a shape, or stands where only another statement can.
pub(super) fn explain_shape(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    explain_result(failure, sink)
        || explain_input(failure, sink)
        || explain_parentheses(failure, sink)
        || explain_promise(failure, sink)
        || explain_behind(failure, sink)
}

/// A result in the header of a network, and several in parentheses in that of a block.
fn explain_result(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, at, part, end, .. } = *failure;
    if part == Part::Header && words.text(at) == "->" && innermost(failure).is_none() {
        let (title, span) = usual(failure);
        let help = "a network declares no result: it has outputs among its statements, `output name = …;`";
        return report(sink, N0013, title, span, Some(help.to_owned()));
    }
    if part != Part::BlockHeader || previous(failure) != "->" || words.text(at) != "(" {
        return false;
    }
    let Some((_, closer)) = closed(failure, at).filter(|(_, closer)| closer + 1 == end) else { return false };
    let whole = words.span(at).to(words.span(closer));
    let inside = words.slice(words.span(at + 1).to(words.span(closer - 1))).trim_end_matches(',');
    if words.text(at + 1) == "[" {
        let help = format!("results have no parentheses: `-> {}`", short(inside));
        return report_fix(sink, N0013, usual(failure), help, whole, inside);
    }
    in_brackets(failure, sink, whole, inside)
}

/// `input x [8, 8, 3];`, `input [8, 8, 3];`, `input: x [8, 8, 3];` and `input x: float32[8, 8, 3];`
fn explain_input(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    if part != Part::Statement || words.text(start) != "input" {
        return false;
    }
    let (title, place) = usual(failure);
    let (word, next) = (words.text(at), words.text(at + 1));
    let shown = |opener: usize| {
        let shape = closed(failure, opener).map(|(_, closer)| words.slice(words.span(opener).to(words.span(closer))));
        shape.map_or("[28, 28, 1]", short).to_owned()
    };
    match (at - start, word) {
        (1, "[") => {
            let help = format!("an input has a name: `input x: {}`", shown(at));
            report(sink, N0013, title, place, Some(help))
        }
        (1, ":") if is_name(failure, at + 1) && words.text(at + 2) == "[" => {
            let help = format!("the name stands before the `:`: `input {}: {}`", short(next), shown(at + 2));
            let mended = place.to(words.span(at + 1));
            report_fix(sink, N0013, (title, place), help, mended, &format!(" {next}:"))
        }
        (1, ":") if is_name(failure, at + 1) && words.text(at + 2) == ":" => {
            let help = format!("the name stands before the `:`: `input {}: …`", short(next));
            report_fix(sink, N0013, (title, place), help, place, "")
        }
        (1, ":") => {
            let help = format!("an input has a name and a shape: `input x: {}`", shown(at + 1));
            report(sink, N0013, title, place, Some(help))
        }
        (2, "[") => {
            let help = format!("write `input {}: {}`", short(previous(failure)), shown(at));
            report_fix(sink, N0013, (title, place), help, words.span(at - 1).after(), ":")
        }
        (2, ",") => {
            let help = "each input is a statement of its own: `input a: […]; input b: […];`";
            report(sink, N0013, title, place, Some(help.to_owned()))
        }
        (3, _) if previous(failure) == ":" && is_name(failure, at) && next == "[" => {
            let opener = at + 1;
            let is_shape = closed(failure, opener).is_some_and(|(_, closer)| closer + 1 == end);
            let help = format!("an input is described by its shape alone: `{}`", shown(opener));
            let mended = Span { end: words.span(opener).start, ..place };
            match is_shape {
                true => report_fix(sink, N0013, (title, place), help, mended, ""),
                false => report(sink, N0013, title, place, Some(help)),
            }
        }
        _ => false,
    }
}

/// `input x: (32, 32, 3);`
fn explain_parentheses(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    if words.text(at) != "(" || previous(failure) != ":" {
        return false;
    }
    let Some((_, closer)) = closed(failure, at) else { return false };
    let is_shape = match part {
        Part::BlockHeader => innermost_index(failure) == Some(start + 2),
        Part::Statement if innermost(failure).is_some() => false,
        Part::Statement if words.text(start) == "input" => at == start + 3,
        Part::Statement => {
            let is_value = (start..at).any(|index| words.text(index) == "=");
            words.text(closer + 1) == "=" || is_value && closer + 1 == end
        }
        _ => false,
    };
    let inside = words.slice(words.span(at + 1).to(words.span(closer - 1)));
    is_shape && in_brackets(failure, sink, words.span(at).to(words.span(closer)), inside)
}

/// Reports a shape that stands in parentheses.
fn in_brackets(failure: &Failure<'_>, sink: &mut Sink, whole: Span, inside: &str) -> bool {
    let help = format!("a shape stands in square brackets: `[{}]`", short(inside));
    report_fix(sink, N0013, usual(failure), help, whole, &format!("[{inside}]"))
}

/// A shape behind a value without its `:`, as in `x -> softmax [size, size, 4];`.
fn explain_promise(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    let name = start + usize::from(words.text(start) == "output");
    let is_binding =
        part == Part::Statement && words.kind(name) == Some(TokenKind::Word) && words.text(name + 1) == "=";
    if !is_binding || is_keyword(words.text(name)) {
        return false;
    }
    // Behind a name that follows `as`, the first size is read as an index.
    let opener = match (words.text(at), innermost_index(failure)) {
        ("[", None) => at,
        (",", Some(index)) if index >= 2 && words.text(index) == "[" && words.text(index - 2) == "as" => index,
        _ => return false,
    };
    let Some(before) = opener.checked_sub(1).filter(|before| *before > name + 1) else { return false };
    let Some((n_commas, closer)) = closed(failure, opener).filter(|(_, closer)| closer + 1 == end) else {
        return false;
    };
    let is_call = words.text(before) == ")";
    let is_name = words.kind(before) == Some(TokenKind::Word) && !is_keyword(words.text(before));
    let touches = words.span(before).end == words.span(opener).start;
    if !is_name && !is_call || touches && (is_name && opener == at || n_commas == 0) {
        return false;
    }
    let place = words.span(before).after();
    let colon = if touches { ": " } else { ":" };
    let shape = short(words.slice(words.span(opener).to(words.span(closer))));
    let title = format!("expected `:` or `;`, found {}", words.found(opener));
    let title = (title, words.span(opener));
    let help = format!("the shape that is promised follows `:`: write `: {shape}`");
    if is_name && n_commas == 0 {
        // `dense [10]` may as well be a layer with its argument.
        let is_stage = words.text(before - 1) == "->";
        let other = if is_stage { "arguments stand in parentheses" } else { "nothing has an index" };
        let help = format!("{help}; {other}");
        return report_guess(sink, N0013, title, help, place, colon);
    }
    report_fix(sink, N0013, title, help, place, colon)
}

/// A pipeline that goes on behind the shape that is promised.
fn explain_behind(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    if part != Part::Statement || words.text(at) != "->" || previous(failure) != "]" || innermost(failure).is_some() {
        return false;
    }
    let is_promised = opener_of(failure, at - 1).is_some_and(|opener| {
        words.text(opener.saturating_sub(1)) == ":" && (start..opener).any(|index| words.text(index) == "=")
    });
    let (title, span) = usual(failure);
    let help = "the shape that is promised ends the statement: name the value, and go on from the name in the next one";
    is_promised && report(sink, N0013, title, span, Some(help.to_owned()))
}

/// The number of commas in the bracket at an index, and its partner, where that is in the same part and something between.
fn closed(failure: &Failure<'_>, opener: usize) -> Option<(usize, usize)> {
    let commas = failure.words.commas(opener, failure.end)?;
    let closer = commas.last().copied()?;
    (closer > opener + 1).then_some((commas.len() - 1, closer))
}
