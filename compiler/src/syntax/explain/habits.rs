//! Signs and words of other languages, with what this one writes instead.

use super::operands::is_name;
use super::starts::usual_start;
use super::{Failure, Part, expected, innermost, previous, report, report_fix, short, usual, wants_operand};
use crate::diagnostic::codes::N0013;
use crate::diagnostic::{Sink, quote};
use crate::source::Span;
use crate::syntax::keywords::is_keyword;
use crate::syntax::scan::TokenKind;

/// What other languages write otherwise.
pub(super) fn explain_habit(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    explain_sign(failure, sink)
        || explain_change(failure, sink)
        || explain_choice(failure, sink)
        || explain_word(failure, sink)
}

/// Signs that are not in the language.
fn explain_sign(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    // The grammar stops at the first sign that does not fit, or between two that each would.
    let pair = |at: usize| {
        let span = words.span(at).to(words.span(at + 1));
        (words.slice(span), span)
    };
    let pairs = [at.checked_sub(1).filter(|before| *before >= start).map(pair), Some(pair(at))];
    let Some((sign, span)) = pairs
        .into_iter()
        .flatten()
        .find(|(sign, _)| matches!(*sign, "=>" | "||" | "|>" | "**" | "..=" | ":=" | ">>" | "-->"))
    else {
        return false;
    };
    let title = format!("`{sign}` is not in the language");
    match sign {
        "||" if part.is_header() && previous(failure) == "|" => {
            report_fix(sink, N0013, (title, span), "write `|` between the strings".to_owned(), span, "|")
        }
        "||" => report_fix(sink, N0013, (title, span), "write `or`".to_owned(), span, &apart(failure, span, "or")),
        ":=" if part.is_header() => {
            report(sink, N0013, title, span, Some("a type stands before the default: `classes: int = 10`".to_owned()))
        }
        ">>" if !is_name(failure, words.index_at(span.end as usize, start, end)) => {
            report(sink, N0013, title, span, Some("layers follow each other with `->`; there are no shifts".to_owned()))
        }
        ":=" => report_fix(sink, N0013, (title, span), "write `=`".to_owned(), span, "="),
        "**" => report(sink, N0013, title, span, Some("there are no powers; multiply instead: `x * x`".to_owned())),
        "..=" => {
            let last = at + usize::from(words.text(at) != "=");
            let number: Option<u64> = words.text(last + 1).replace('_', "").parse().ok();
            let is_single = last >= 3 && words.text(last - 3) == "in";
            let from = if is_single { short(words.text(last - 2)) } else { "" };
            match number.and_then(|number| number.checked_add(1)) {
                Some(number) if last + 2 == end => {
                    let help = format!("write `{from}..{number}`; the end of a range is not included");
                    let mended = span.to(words.span(last + 1));
                    report_fix(sink, N0013, (title, span), help, mended, &format!("..{number}"))
                }
                _ => {
                    let help = "write `..`; the end of a range is not included: `0..4` are 0, 1, 2 and 3";
                    report(sink, N0013, title, span, Some(help.to_owned()))
                }
            }
        }
        _ => report_fix(sink, N0013, (title, span), "write `->`".to_owned(), span, "->"),
    }
}

/// A number whose digits are grouped by commas, the first of which is here, as it is written in this language, and its place.
fn grouped(failure: &Failure<'_>) -> Option<(String, Span)> {
    let Failure { words, start, at, end, .. } = *failure;
    let is_digits = |index: usize| {
        let word = words.text(index);
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let first =
        at.checked_sub(1).filter(|first| *first > start && is_digits(*first) && words.text(*first).len() <= 3)?;
    let mut last = first;
    let touches = |index: usize| words.span(index).end == words.span(index + 1).start;
    while last + 2 < end
        && words.text(last + 1) == ","
        && is_digits(last + 2)
        && words.text(last + 2).len() == 3
        && touches(last)
        && touches(last + 1)
    {
        last += 2;
    }
    let span = words.span(first).to(words.span(last));
    (last > first).then(|| (words.slice(span).replace(',', "_"), span))
}

/// A word in place of a sign or word, with blanks around it where there are none.
fn apart(failure: &Failure<'_>, sign: Span, word: &str) -> String {
    let touches = |index: usize| {
        let span = failure.words.span(index);
        span.end == sign.start || span.start == sign.end
    };
    let index_at = |offset: u32| failure.words.index_at(offset as usize, failure.start, failure.end);
    let (first, last) = (index_at(sign.start), index_at(sign.end.saturating_sub(1)));
    let before = if first.checked_sub(1).is_some_and(touches) { " " } else { "" };
    let after = if touches(last + 1) { " " } else { "" };
    format!("{before}{word}{after}")
}

/// `x += 1` and `x++`
fn explain_change(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    let (sign, name) = (words.text(at), words.text(start));
    let span = words.span(at).to(words.span(at + 1));
    let is_first = part == Part::Statement && at == start + 1 && matches!(sign, "+" | "-" | "*" | "/");
    if !is_first || words.kind(start) != Some(TokenKind::Word) || is_keyword(name) {
        return false;
    }
    // More than one word would need parentheses, and may be a pipeline.
    let shown = short(name);
    let written = words.slice(span);
    if matches!(written, "++" | "--") && end == at + 2 {
        let (title, help) =
            (format!("`{written}` is not in the language"), format!("write `{shown} = {shown} {sign} 1`"));
        return report_fix(sink, N0013, (title, span), help, span, &format!(" = {name} {sign} 1"));
    }
    if written != format!("{sign}=") {
        return false;
    }
    let title = format!("`{sign}=` is not in the language");
    if end == at + 3 {
        let help = format!("write `{shown} = {shown} {sign} {}`", short(words.text(at + 2)));
        return report_fix(sink, N0013, (title, span), help, span, &format!("= {name} {sign}"));
    }
    report(sink, N0013, title, span, Some(format!("write `{shown} = {shown} {sign} (…)`")))
}

/// `version in ["a", "b"]` and `match version { … }`
fn explain_choice(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    let before = previous(failure);
    if part == Part::Statement && matches!(before, "match" | "switch") && at > start + 2 && is_name(failure, at) {
        let title = format!("`{before}` is not in the language");
        let help = "bind the name in each branch: `if … { x = …; } else if … { x = …; } else { x = …; }`";
        return report(sink, N0013, title, words.span(at - 1), Some(help.to_owned()));
    }
    if words.text(at) != "in" || matches!(part, Part::Repetition | Part::Header | Part::BlockHeader) {
        return false;
    }
    let Some(name) = at.checked_sub(1).filter(|name| *name > start && is_name(failure, *name)) else { return false };
    let title = (format!("expected {}, found the keyword `in`", expected(failure)), words.span(at));
    let stops = words.commas(at + 1, end).filter(|stops| words.text(at + 1) == "[" && stops.len() <= 8);
    let starts_operand = matches!(words.text(name - 1), "if" | "assert" | "and" | "or" | "not" | "(" | "=");
    let (Some(stops), true) = (stops, starts_operand) else {
        let help = "compare with each: `a == \"x\" or a == \"y\"`".to_owned();
        return report(sink, N0013, title.0, title.1, Some(help));
    };
    let mut each = Vec::new();
    let mut from = at + 2;
    for stop in &stops {
        if from < *stop {
            each.push(format!("{before} == {}", words.slice(words.span(from).to(words.span(stop - 1)))));
        }
        from = stop + 1;
    }
    let is_alone = matches!(words.text(name - 1), "if" | "assert" | "=")
        && stops.last().is_some_and(|last| last + 1 == end || words.text(last + 1) == ",");
    let mut text = each.join(" or ");
    let help = format!("compare with each: `{}`", short(&text));
    if !is_alone {
        text = format!("({text})");
    }
    let mended = words.span(name).to(words.span(stops.last().copied().unwrap_or(at)));
    if each.is_empty() {
        report(sink, N0013, title.0, title.1, None)
    } else {
        report_fix(sink, N0013, title, help, mended, &text)
    }
}

/// Where the value of a statement starts that is no row of several.
fn value_start(failure: &Failure<'_>) -> Option<usize> {
    let Failure { words, start, at, .. } = *failure;
    let mut depth = 0_usize;
    let mut first = (words.text(start) == "return").then_some(start + 1);
    for index in start..at {
        match (words.kind(index), words.text(index)) {
            (Some(TokenKind::Open), _) => depth += 1,
            (Some(TokenKind::Close), _) => depth = depth.saturating_sub(1),
            (_, "=") if depth == 0 && first.is_none() => first = Some(index + 1),
            (_, ",") if depth == 0 && first.is_some() => return None,
            _ => {}
        }
    }
    first.filter(|first| *first < at)
}

/// Words and signs that stand for others of this language.
fn explain_word(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let (word, before, span) = (words.text(at), previous(failure), words.span(at));
    let usual = || usual(failure).0;
    if part == Part::Entry && words.text(start) == "augment" && innermost(failure).is_none() && before == ")" {
        let help = "changes of the images follow each other with `->`".to_owned();
        return match words.kind(at) {
            _ if word == "," => report_fix(sink, N0013, (usual(), span), help, span, " ->"),
            Some(TokenKind::Word) => report_fix(sink, N0013, (usual(), span), help, span.before(), "-> "),
            _ => report(sink, N0013, usual(), span, Some(help)),
        };
    }
    if word == ":" && part == Part::Limit && innermost(failure).is_none() {
        let help = "a limit is a comparison: `parameters <= 1_000_000`".to_owned();
        return report_fix(sink, N0013, (usual(), span), help, span, &apart(failure, span, "<="));
    }
    let has_in = (start..at).any(|index| words.text(index) == "in");
    let is_over = matches!(words.kind(at), Some(TokenKind::Number | TokenKind::Word)) || word == "[";
    let is_name = words.kind(at) == Some(TokenKind::Word);
    if part == Part::Repetition && !has_in && is_name && word.eq_ignore_ascii_case("in") && at > start + 1 {
        let title = format!("expected `in`, found {}", words.found(at));
        return report_fix(sink, N0013, (title, span), "write `in`".to_owned(), span, "in");
    }
    if part == Part::Repetition && !has_in && is_name && words.text(at + 1) == "in" && at == start + 2 {
        let title = format!("expected `,` or `in`, found {}", words.found(at));
        let help = format!("write `,` between {} and {}", words.found(at - 1), words.found(at));
        return report_fix(sink, N0013, (title, span), help, words.span(at - 1).after(), ",");
    }
    if part == Part::Repetition && !has_in && is_over && word != "of" && at > start + 1 && !wants_operand(before) {
        let title = format!("expected `in`, found {}", words.found(at));
        return report_fix(sink, N0013, (title, span), "write `in`".to_owned(), span.before(), "in ");
    }
    if word == "," && matches!(part, Part::Entry | Part::Limit) && innermost(failure).is_none() && at > start {
        if let Some((number, span)) = grouped(failure) {
            let help = format!("digits are grouped with `_`: `{number}`");
            return report_fix(sink, N0013, (usual(), words.span(at)), help, span, &number);
        }
        if words.text(start) == "loss" && words.text(at + 2) != ":" {
            let help = "losses are added, with weights or without: `loss: cross_entropy(a) + 0.3 * cross_entropy(b);`";
            return report(sink, N0013, usual(), span, Some(help.to_owned()));
        }
        return report_fix(sink, N0013, (usual(), span), "write `;`".to_owned(), span, ";");
    }
    let is_value = matches!(words.kind(at), Some(TokenKind::Word | TokenKind::Number | TokenKind::Text)) || word == "[";
    if part == Part::Entry && at == start + 1 && is_value {
        let help = format!("write `{}: …`", short(before));
        return report_fix(sink, N0013, (usual(), span), help, words.span(start).after(), ":");
    }
    if word == "=" && part == Part::Condition && innermost(failure).is_none() && !wants_operand(before) {
        return report_fix(sink, N0013, (usual(), span), "values are compared with `==`".to_owned(), span, "==");
    }
    if word == "(" && part == Part::Repetition && at == start + 1 {
        let closer = (at..failure.end).find(|index| words.text(*index) == ")");
        if let Some(closer) = closer.filter(|closer| words.text(closer + 1) == "in") {
            let names = Span { start: span.end, end: words.span(closer).start, ..span };
            let (whole, names) = (span.to(words.span(closer)), words.slice(names).trim());
            let help = format!("the names of a loop have no parentheses: `for {} in …`", short(names));
            return report_fix(sink, N0013, (usual(), span), help, whole, names);
        }
    }
    if part == Part::Repetition && matches!(word, "=" | "of" | ":") && !wants_operand(before) && at > start + 1 {
        let has_in = (start..at).any(|index| words.text(index) == "in");
        if !has_in {
            return report_fix(
                sink,
                N0013,
                (usual(), span),
                "write `in`".to_owned(),
                span,
                &apart(failure, span, "in"),
            );
        }
    }
    if before == ":" && words.text(start) == "input" && at == start + 3 && words.kind(at) == Some(TokenKind::Number) {
        let shape = format!("[{word}]");
        return report_fix(sink, N0013, (usual(), span), format!("write `{shape}`"), span, &shape);
    }
    if part == Part::Statement && word == "as" && before == ")" {
        let help = Some("`as` names a stage of a pipeline: `x -> dense(10) as name`".to_owned());
        return report(sink, N0013, usual(), span, help);
    }
    let is_sign = matches!(word, "+" | "-" | "*" | "/") && innermost(failure).is_none();
    if part == Part::Statement && is_sign && (start..at).any(|index| words.text(index) == "->") {
        let help = format!("put the pipeline in parentheses: `(x -> relu) {word} x`");
        // With another arrow behind the sign, the parentheses may stand there as well.
        let (first, is_last) = (value_start(failure), (at..failure.end).all(|index| words.text(index) != "->"));
        if let (Some(first), true) = (first, is_last) {
            let value = words.span(first).to(words.span(at - 1));
            return report_fix(sink, N0013, (usual(), span), help, value, &format!("({})", words.slice(value)));
        }
        return report(sink, N0013, usual(), span, Some(help));
    }
    if part == Part::Statement && at == start && matches!(word, "use" | "block" | "network") {
        let help = Some(format!("`{word}` stands outside of networks and blocks, at the level of the file"));
        return report(sink, N0013, usual_start(failure), span, help);
    }
    if part == Part::Statement && at == start + 1 {
        let help = match words.text(start) {
            "elif" | "elsif" | "elseif" => "write `else if`, after the closing brace of the branch before",
            "match" | "switch" if word != "->" => "choose with `if`: `if a == \"x\" { … } else if a == \"y\" { … }`",
            "break" | "continue" if word == ";" => {
                "a loop goes through all of its values; what is left out for some stands in an `if`"
            }
            "while" | "loop" | "repeat" => "a loop runs over a range or a list: `for i in 0..3 { … }`",
            _ => return false,
        };
        let title = format!("there is no statement {}", quote(words.text(start)));
        return report(sink, N0013, title, words.span(start), Some(help.to_owned()));
    }
    false
}
