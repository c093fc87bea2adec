//! Headers of networks, blocks and branches that are nearly right.

use super::{Failure, Part, expected, innermost, is_argument_name, previous, report, report_fix, short, usual};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;
use crate::syntax::keywords::{self, is_keyword};
use crate::syntax::scan::TokenKind;

/// What a header lacks, or has too much.
pub(super) fn explain_header(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    match failure.part {
        Part::Header | Part::BlockHeader => {
            explain_untyped(failure, sink) || explain_name(failure, sink) || explain_colon(failure, sink)
        }
        Part::Repetition | Part::Condition => explain_single(failure, sink),
        Part::Statement => explain_function(failure, sink),
        Part::Entry | Part::Limit => false,
    }
}

/// A parameter without its type: `classes = 10`, `filters`.
fn explain_untyped(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let word = words.text(at);
    if innermost(failure) != Some("(") || !is_argument_name(failure) || !matches!(word, "=" | "," | ")") {
        return false;
    }
    let (title, place) = usual(failure);
    let name = short(previous(failure));
    if word != "=" {
        let help = match part {
            Part::BlockHeader if at == start + 4 => {
                format!("the type of a tensor is its shape: `{name}: [H, W, C]`")
            }
            Part::BlockHeader => {
                format!("a parameter has a type: `{name}: int`, or a shape where it is a tensor: `{name}: [H, W, C]`")
            }
            _ => format!("a parameter has a type: `{name}: int`"),
        };
        return report(sink, N0013, title, place, Some(help));
    }
    let value = at + 1 + usize::from(words.text(at + 1) == "-");
    let ty = match (words.kind(value), words.text(value)) {
        (Some(TokenKind::Number), number) if number.contains(['.', 'e', 'E']) => "float",
        (Some(TokenKind::Number), _) => "int",
        (_, "true" | "false") => "bool",
        (Some(TokenKind::Text), text) => {
            let text = short(text);
            let help = format!("the texts that a parameter may have are its type: `{name}: {text} | \"…\" = {text}`");
            return report(sink, N0013, title, place, Some(help));
        }
        _ => return report(sink, N0013, title, place, Some(format!("a parameter has a type: `{name}: int = …`"))),
    };
    let shown = short(words.slice(words.span(at + 1).to(words.span(value))));
    let help = format!("a parameter has a type: `{name}: {ty} = {shown}`");
    if matches!(words.text(value + 1), "," | ")") {
        return report_fix(sink, N0013, (title, place), help, words.span(at - 1).after(), &format!(": {ty}"));
    }
    report(sink, N0013, title, place, Some(help))
}

/// `network my-net { … }`, `network my net { … }` and `network "Net" { … }`
fn explain_name(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    if at == start + 1 && words.kind(at) == Some(TokenKind::Text) {
        let name = words.text(at).trim_matches('"');
        if !keywords::is_name(name) {
            return false;
        }
        let help = format!("a name has no quotes: `{} {}`", words.text(start), short(name));
        return report_fix(sink, N0013, usual(failure), help, words.span(at), name);
    }
    if at != start + 2 {
        return false;
    }
    let is_part = |index: usize| matches!(words.kind(index), Some(TokenKind::Word | TokenKind::Number));
    let mut last = at - 1;
    let mut name = words.text(last).to_owned();
    while last + 2 < end && words.text(last + 1) == "-" && is_part(last + 2) {
        name += &format!("_{}", words.text(last + 2));
        last += 2;
    }
    let is_single = last > at - 1 || words.kind(at) == Some(TokenKind::Word);
    if last < at {
        last = at;
        name += &format!("_{}", words.text(at));
    }
    // `network N extends M`
    let is_over = last + 1 == end || words.text(last + 1) == "(";
    if !is_single || !is_over || !keywords::is_name(&name) {
        return false;
    }
    let mended = words.span(at - 1).to(words.span(last));
    let help = format!("a name is made of letters, digits and `_`: `{}`", short(&name));
    report_fix(sink, N0013, usual(failure), help, mended, &name)
}

/// A `:` where a brace or an arrow stands, and a block without its result.
fn explain_colon(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    if innermost(failure).is_some() || at < start + 2 {
        return false;
    }
    let (title, place) = usual(failure);
    let word = words.text(at);
    let is_block = part == Part::BlockHeader;
    if word == ":" && is_block && words.text(at + 1) == "[" {
        let help = "the shape of the result follows `->`".to_owned();
        return report_fix(
            sink,
            N0013,
            (title, place),
            help,
            place,
            if words.span(at - 1).end == place.start { " ->" } else { "->" },
        );
    }
    if word == ":" && !is_block && at + 1 == end && words.text(end) == "{" {
        return report_fix(sink, N0013, (title, place), "leave out the `:`".to_owned(), place, "");
    }
    if word == ":" && !is_block {
        return report(sink, N0013, title, place, Some("the statements stand in braces: `{ … }`".to_owned()));
    }
    if is_block && previous(failure) == ")" && at == end {
        let help = "a block tells the shape of what it returns: `block Name(x: [H, W, C]) -> [H, W, C] { … }`";
        return report(sink, N0013, title, place, Some(help.to_owned()));
    }
    let is_word = words.kind(at) == Some(TokenKind::Word) && !is_keyword(word);
    if is_block && previous(failure) == "->" && is_word && at + 1 == end {
        let shape = format!("[{word}]");
        return report_fix(
            sink,
            N0013,
            (title, place),
            format!("a shape stands in square brackets: `{}`", short(&shape)),
            place,
            &shape,
        );
    }
    false
}

/// A statement alone, without braces: `if (big) x = x -> relu;`
fn explain_single(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    let is_statement = words.kind(at) == Some(TokenKind::Word) && words.begins(at, Part::Statement);
    let is_end = at > start + 1 && !matches!(previous(failure), "in" | "..") && expected(failure) == "`{`";
    if !is_statement || !is_end || innermost(failure).is_some() {
        return false;
    }
    let statement = words.slice(words.span(at).to(words.span(end)));
    let help = format!("statements stand in braces: `{{ {} }}`", short(statement));
    let (title, place) = usual(failure);
    if words.text(end) == ";" && words.text(end + 1) != "else" && !is_keyword(words.text(at)) {
        let mended = place.to(words.span(end));
        return report_fix(sink, N0013, (title, place), help, mended, &format!("{{ {statement} }}"));
    }
    report(sink, N0013, title, place, Some(help))
}

/// `f = lambda x: x;`
fn explain_function(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let index = [at.checked_sub(1), at.checked_sub(2)].into_iter().flatten();
    let lambda = index.into_iter().find(|index| *index > start && words.text(*index) == "lambda");
    let Some(lambda) = lambda else { return false };
    let help = "what is used several times is a block: `block Name(x: [H, W, C]) -> [H, W, C] { return …; }`";
    report(sink, N0013, "`lambda` is not in the language".to_owned(), words.span(lambda), Some(help.to_owned()))
}
