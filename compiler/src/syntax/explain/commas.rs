//! Signs between values, statements and layers that stand for others: `,,`, a `,` for `;` or `->`, `|` for `->`.

use super::operands::is_name;
use super::stages::is_bound;
use super::{Failure, Part, innermost, previous, report, report_fix, usual};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;

/// A `,` or `|` that is meant for another sign, or for none.
pub(super) fn explain_comma(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    let (word, before, span) = (words.text(at), previous(failure), words.span(at));
    let title = || usual(failure);
    if word == "," && at > start + 1 && matches!(before, "," | "(") && innermost(failure) == Some("(") {
        let mended = if before == "," { words.span(at - 1).after().to(span) } else { span };
        return report_fix(sink, N0013, title(), "leave out one `,`".to_owned(), mended, "");
    }
    if part != Part::Statement || innermost(failure).is_some() || !matches!(word, "," | "|") || at <= start + 1 {
        return false;
    }
    let is_pipeline = (start..at).any(|index| words.text(index) == "->");
    let is_layer = is_name(failure, at + 1)
        && (at + 2 == end || matches!(words.text(at + 2), "(" | ";" | "->" | "," | "|" | "as"));
    if word == "," && (at + 1 == end || words.begins(at + 1, Part::Statement)) {
        let (help, instead) = if words.text(at + 1) == ";" { ("leave it out", "") } else { ("write `;`", ";") };
        return report_fix(sink, N0013, title(), help.to_owned(), span, instead);
    }
    if is_layer && (word == "|" || is_pipeline) && !is_bound(failure, sink, at + 1) {
        let touches = words.span(at - 1).end == span.start;
        let arrow = if touches && word == "," { " ->" } else { "->" };
        return report_fix(sink, N0013, title(), "layers follow each other with `->`".to_owned(), span, arrow);
    }
    if word == "|" {
        let help = "layers follow each other with `->`, conditions with `or`";
        return report(sink, N0013, title().0, span, Some(help.to_owned()));
    }
    false
}
