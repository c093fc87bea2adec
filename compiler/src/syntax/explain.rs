//! Why the grammar stopped, in words: from the token where it did, the one before, and the bracket around them.

mod calls;
mod commas;
mod files;
mod habits;
mod headers;
mod operands;
mod shapes;
mod stages;
mod starts;

use super::keywords::{is_keyword, is_level, reserved_for};
use super::scan::TokenKind;
use super::words::Words;
use crate::diagnostic::codes::{N0013, N0015, N0016, N0019, N0020, N0022};
use crate::diagnostic::{Code, Sink, quote, suggest};
use crate::source::Span;
use calls::explain_call;
use commas::explain_comma;
use files::explain_use;
pub(super) use files::use_of;
use habits::explain_habit;
use headers::explain_header;
use operands::explain_operand;
use shapes::explain_shape;
use stages::explain_stage;
use starts::explain_start;

/// What is told of a `//` that has what is missing behind it.
pub(super) const COMMENT: &str = "`//` starts a comment; `/` divides, and rounds whole numbers down";

/// What was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A network's name and parameters.
    Header,
    /// A block's name, parameters and results.
    BlockHeader,
    /// The names and values of a loop.
    Repetition,
    /// The condition of an `if`.
    Condition,
    /// An input, value or output.
    Statement,
    /// An entry of a train section.
    Entry,
    /// A limit of a budget.
    Limit,
}

impl Part {
    /// For "expected …".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Header => "`network`",
            Self::BlockHeader => "`block`",
            Self::Repetition => "`for`",
            Self::Condition => "`if`",
            Self::Statement => "a statement",
            Self::Entry => "an entry such as `batch: 64`",
            Self::Limit => "a limit such as `parameters <= 1_000_000`",
        }
    }

    /// For "this …".
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Header => "header of the network",
            Self::BlockHeader => "header of the block",
            Self::Repetition => "header of the loop",
            Self::Condition => "condition",
            Self::Statement => "statement",
            Self::Entry => "entry",
            Self::Limit => "limit",
        }
    }

    /// What stands in the braces after it.
    pub(super) fn body(self) -> &'static str {
        match self {
            Self::Header => "network",
            Self::BlockHeader => "block",
            Self::Repetition => "loop",
            Self::Condition => "branch",
            Self::Statement | Self::Entry | Self::Limit => "section",
        }
    }

    /// Whether it has parameters in parentheses.
    fn is_header(self) -> bool {
        matches!(self, Self::Header | Self::BlockHeader)
    }

    /// Whether it stands among statements.
    pub(super) fn is_nested(self) -> bool {
        !self.is_header()
    }
}

/// Where the grammar stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'a> {
    /// The text.
    pub(super) words: Words<'a>,
    /// The first token of what was being read.
    pub(super) start: usize,
    /// The token that does not fit; `end` where something is missing at the end.
    pub(super) at: usize,
    /// The token after what was being read.
    pub(super) end: usize,
    /// What was being read.
    pub(super) part: Part,
}

/// Says that a word is kept for the coming version.
pub(super) fn not_yet(span: Span, word: &str, sink: &mut Sink) {
    let report = sink.error(N0015, format!("{} is not in this version of the language", quote(word))).primary(span, "");
    if let Some(what) = reserved_for(word) {
        report.note(format!("the word is kept for {what}"));
    }
}

/// Reports a failure: one message.
pub(super) fn explain(failure: &Failure<'_>, sink: &mut Sink) {
    // A bracket that closes what is open fits, and what follows does not: the grammar went no further than into it.
    let is_over = failure.at + 1 >= failure.end || failure.words.text(failure.at + 1) == ";";
    let closes = matches!((innermost(failure), failure.words.text(failure.at)), (Some("["), "]") | (Some("("), ")"));
    let behind = Failure { at: failure.at + 1, ..*failure };
    let is_behind = failure.part == Part::Statement && closes && is_over && !wants_operand(previous(failure));
    let failure = if is_behind { &behind } else { failure };
    let _ = explain_word(failure, sink)
        || explain_use(failure, sink)
        || explain_header(failure, sink)
        || explain_shape(failure, sink)
        || explain_stage(failure, sink)
        || explain_sign(failure, sink)
        || explain_habit(failure, sink)
        || explain_comma(failure, sink)
        || explain_call(failure, sink)
        || explain_operand(failure, sink)
        || explain_start(failure, sink)
        || {
            let (title, place) = usual(failure);
            report(sink, N0013, title, place, help(failure))
        };
}

/// The usual title, with the place.
fn usual(failure: &Failure<'_>) -> (String, Span) {
    let Failure { words, at, .. } = *failure;
    (format!("expected {}, found {}", expected(failure), words.found(at)), words.span(at))
}

/// Records a message; always true, for chains of attempts.
fn report(sink: &mut Sink, code: Code, title: String, span: Span, help: Option<String>) -> bool {
    let report = sink.error(code, title).primary(span, "");
    if let Some(help) = help {
        report.help(help);
    }
    true
}

/// Records a message with the one edit that mends it: `replacement` in place of `mended`; always true.
fn report_fix(
    sink: &mut Sink,
    code: Code,
    (title, at): (String, Span),
    help: String,
    mended: Span,
    replacement: &str,
) -> bool {
    sink.error(code, title).primary(at, "").fix(help, mended, replacement);
    true
}

/// As [`report_fix`], where something else may be meant as well.
fn report_guess(
    sink: &mut Sink,
    code: Code,
    (title, at): (String, Span),
    help: String,
    mended: Span,
    replacement: &str,
) -> bool {
    sink.error(code, title).primary(at, "").may_fix(help, mended, replacement);
    true
}

/// Reports a doc comment where there is nothing that it could document; always true.
pub(super) fn lost_doc(span: Span, sink: &mut Sink) -> bool {
    let slashes = Span { end: span.start.saturating_add(3), ..span };
    let help = "write `//` for an ordinary comment".to_owned();
    report_fix(sink, N0022, ("this doc comment documents nothing".to_owned(), span), help, slashes, "//")
}

/// The span of a sign with the blanks before it.
fn with_blanks(failure: &Failure<'_>) -> Span {
    let span = failure.words.span(failure.at);
    let start = failure.at.checked_sub(1).map_or(span.start, |before| failure.words.span(before).end);
    let wide = Span::new(span.source, start, span.end);
    let blanks = failure.words.slice(Span::new(span.source, start, span.start));
    if blanks.chars().all(|blank| blank == ' ') { wide } else { span }
}

/// Keywords and doc comments where they cannot stand.
fn explain_word(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let (word, span) = (words.text(at), words.span(at));
    // A doc comment may be read as the start of a part that then does not follow.
    let before_sign = at.checked_sub(1).filter(|_| words.kind(at) != Some(TokenKind::Word));
    let doc = [Some(at), before_sign].into_iter().flatten().find(|index| words.kind(*index) == Some(TokenKind::Doc));
    if let Some(doc) = doc {
        return lost_doc(words.span(doc), sink);
    }
    if words.kind(at) != Some(TokenKind::Word) || !is_keyword(word) {
        return false;
    }
    let before = previous(failure);
    let names = matches!(before, "input" | "output" | "network" | "block" | "as" | "for" | "const")
        || matches!(words.text(at + 1), ":" | "=") && (at == start || matches!(before, "(" | ","));
    let starts = !matches!(word, "and" | "or" | "not" | "true" | "false");
    let is_used = !names && starts && wants_operand(before);
    // Where it was told that the word is no name, its use is no second mistake. A look back for each of many would take long.
    let is_told = |place: usize| words.text(place) == word && matches!(words.text(place + 1), "=" | ":");
    if is_used && !sink.is_full() && (0..at).any(is_told) {
        return true;
    }
    let is_value = matches!(before, "=" | "(" | "," | ":" | "->" | "return");
    if matches!(word, "if" | "for") && !names && (is_value || follows_value(failure)) {
        let title = format!("`{word}` is a statement, not a value");
        let help = match word {
            "if" => "bind the name in each branch: `if … { x = …; } else { x = …; }`",
            _ => "bind the name in the loop, and before it: `x = …; for … { x = …; }`",
        };
        return report(sink, N0013, title, span, Some(help.to_owned()));
    }
    let ends_use = words.text(start) == "use" && at > start + 1;
    if (names || is_used) && !ends_use {
        let title = format!("{} is a keyword and cannot be a name", quote(word));
        let help = match word {
            "_" if is_used && part != Part::Header => {
                "it stands for any size only in a shape that is promised, `y: [_, _, 16] = …`; elsewhere sizes are written out"
            }
            "_" => "it stands for any size in a shape that is promised: `y: [_, _, 16] = …`",
            "freeze" if part == Part::Entry => "it is a statement of the network: `freeze conv1;`",
            "prune" if part == Part::Entry => "it is a section of the network: `prune { keep: 0.1; }`",
            _ => "choose another name",
        };
        return report(sink, N0016, title, span, Some(help.to_owned()));
    }
    if reserved_for(word).is_some() {
        not_yet(span, word, sink);
        return true;
    }
    false
}

/// Whether a keyword stands behind a value on its line: `8 if n > 3 else 4`, `[f(i) for i in 0..3]`.
fn follows_value(failure: &Failure<'_>) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    if !matches!(part, Part::Statement | Part::Entry) || at <= start + 1 || words.on_new_line(at) {
        return false;
    }
    match words.text(at) {
        "if" => (at..end).map(|index| words.text(index)).find(|word| matches!(*word, "else" | "{")) == Some("else"),
        _ => innermost(failure) == Some("["),
    }
}

/// `=` for `:` and the other way round, a `:` too many, comparisons in a row, a torn arrow, the end of no comment.
fn explain_sign(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let (word, before, span) = (words.text(at), previous(failure), words.span(at));
    let end = match (before, word) {
        (_, "*") if words.text(at + 1) == "/" => Some((span, words.span(at + 1))),
        ("*", "/") => Some((words.span(at - 1), span)),
        _ => None,
    };
    if let Some((star, slash)) = end.filter(|(star, slash)| star.end == slash.start) {
        let title = ("no comment is open that `*/` could end".to_owned(), star.to(slash));
        return report_fix(sink, N0013, title, "leave it out".to_owned(), star.to(slash), "");
    }
    // Nothing but a shape follows a `:` behind a stage.
    if part == Part::Statement && before == ":" && at > start + 2 && words.text(at - 2) == ")" {
        let (colon, title) = (words.span(at - 1), "expected `;`, found `:`".to_owned());
        let (help, instead) = if word == "->" { ("leave out the `:`", "") } else { ("write `;`", ";") };
        let is_over = word == "->" || words.slice(colon.to(span)).contains('\n');
        return is_over && report_fix(sink, N0013, (title, colon), help.to_owned(), colon, instead);
    }
    let bracket = innermost(failure);
    let name = at.checked_sub(1).filter(|index| *index >= start && words.kind(*index) == Some(TokenKind::Word));
    let name = name.map_or("name", |index| words.text(index));
    if word == "=" && part == Part::Entry && at == start + 1 {
        let title = "an entry takes `:`, not `=`".to_owned();
        return report_fix(sink, N0019, (title, span), format!("write `{name}: …`"), with_blanks(failure), ":");
    }
    if word == "=" && bracket == Some("(") && !part.is_header() && is_argument_name(failure) {
        let title = "a named argument takes `:`, not `=`".to_owned();
        return report_fix(sink, N0019, (title, span), format!("write `{name}: …`"), with_blanks(failure), ":");
    }
    if word == "=" && words.text(start) == "input" && at == start + 2 {
        let title = "the shape of an input follows `:`, not `=`".to_owned();
        return report_fix(sink, N0019, (title, span), format!("write `input {name}: […]`"), with_blanks(failure), ":");
    }
    if part == Part::Statement && words.text(start) == "labels" && words.text(start + 1) == ":" && words.text(at) == ";"
    {
        let title = "expected the name of an output, found `:`".to_owned();
        return report(sink, N0013, title, words.span(start + 1), Some("write `labels name: […]`".to_owned()));
    }
    if word == "=" && words.text(start) == "labels" && at == start + 2 {
        let title = "the names of classes follow `:`, not `=`".to_owned();
        return report_fix(
            sink,
            N0019,
            (title, span),
            format!("write `labels {name}: […]`"),
            with_blanks(failure),
            ":",
        );
    }
    let name_at = start + usize::from(words.text(start) == "output");
    if before == ":" && part == Part::Statement && at == name_at + 2 && words.text(start) != "input" {
        let name = words.text(name_at);
        if word == "=" && words.span(at - 1).end == span.start {
            let title = "`:=` is not in the language".to_owned();
            let sign = words.span(at - 1).to(span);
            return report_fix(sink, N0019, (title, sign), "write `=`".to_owned(), sign, "=");
        }
        let help = Some(format!("write `{name} = …`; `:` is followed by a shape in brackets"));
        let title = "a statement gives a value with `=`, not `:`".to_owned();
        return report(sink, N0019, title, words.span(at - 1), help);
    }
    if is_comparison(word) && !wants_operand(before) && compared_already(failure) {
        let help = Some("compare twice: `a < b and b < c`".to_owned());
        return report(sink, N0020, "comparisons do not chain".to_owned(), span, help);
    }
    // After a pipeline, which takes no further operand, the grammar stops at the `-` already.
    let torn = match (before, word, words.text(at + 1)) {
        ("-", ">", _) => Some(words.span(at - 1).to(span)),
        (_, "-", ">") => Some(span.to(words.span(at + 1))),
        _ => None,
    };
    if let Some(arrow) = torn {
        let title = "`->` is written without a blank".to_owned();
        return report_fix(sink, N0013, (title, arrow), "write `->`".to_owned(), arrow, "->");
    }
    false
}

/// What could stand at the failure.
fn expected(failure: &Failure<'_>) -> String {
    let Failure { words, start, at, part, .. } = *failure;
    let before = previous(failure);
    let in_parameter_list = part.is_header() && innermost(failure) == Some("(");
    let shape = "a shape such as `[28, 28, 1]`";
    match before {
        "network" | "block" | "input" | "output" | "as" | "for" | "freeze" | "const" if at > start => {
            "a name".to_owned()
        }
        "use" => "a name or a path: `<fire>` or `\"blocks/fire.net\"`".to_owned(),
        "from" if words.text(start) == "input" => "`photo`, with its settings".to_owned(),
        ":" if words.text(start) == "labels" && at == start + 3 => {
            "names: a list such as `[\"cat\", \"dog\"]`, or the path of a text".to_owned()
        }
        "->" if part == Part::BlockHeader => "the shape of the result, such as `[H, W, C]`".to_owned(),
        "if" | "assert" if at > start => "a condition".to_owned(),
        "return" | "in" | ".." => "an expression".to_owned(),
        "train" | "prune" if at == start + 1 => "`{`".to_owned(),
        ":" if in_parameter_list && part == Part::BlockHeader => {
            "a type: a shape such as `[H, W, C]`, `int`, `float`, `bool`, or strings such as `\"a\" | \"b\"`".to_owned()
        }
        ":" if in_parameter_list => "a type: `int`, `float`, `bool`, or strings such as `\"a\" | \"b\"`".to_owned(),
        ":" if part == Part::Statement && innermost(failure).is_none() => shape.to_owned(),
        "|" => "a string".to_owned(),
        "(" | "," if in_parameter_list => "a parameter such as `classes: int = 10`".to_owned(),
        _ if in_parameter_list && is_argument_name(failure) => "`:` and a type".to_owned(),
        "(" | "," if is_level(words.text(start)) || part == Part::Entry && words.text(start) == "lr" => {
            "a name".to_owned()
        }
        "," if words.text(start) == "assert" && innermost(failure).is_none() => "a string".to_owned(),
        _ if words.text(start) == "use" && at > start + 1 && innermost(failure).is_none() && before != "<" => {
            "`;`".to_owned()
        }
        _ if wants_operand(before) => "an expression".to_owned(),
        _ if words.text(start) == "input" && at == start + 2 => format!("`:` and {shape}"),
        _ if words.text(start) == "output" && at == start + 2 => "`=`".to_owned(),
        _ if part == Part::Statement && lacks_value(failure) => "`=` and a value".to_owned(),
        _ if part == Part::Entry && at == start + 1 => "`:`".to_owned(),
        _ if part == Part::Entry && words.text(at) == ";" && innermost(failure).is_none() => {
            "an entry such as `batch: 64`".to_owned()
        }
        _ if words.text(start) == "labels" && at == start + 2 => "`:` and names".to_owned(),
        _ => match (innermost(failure), part) {
            (Some("["), _) => "`,` or `]`".to_owned(),
            (Some(_), _) if is_group(failure) => "`)`".to_owned(),
            (Some(_), _) => "`,` or `)`".to_owned(),
            (None, Part::BlockHeader) if at == start + 2 => "`(` and the parameters".to_owned(),
            (None, Part::BlockHeader) if before == ")" => "`->` and the shape of the result".to_owned(),
            (None, Part::Statement) if words.text(start) == "const" => "`=`".to_owned(),
            (None, Part::Statement) if is_level(words.text(start)) => "`(`".to_owned(),
            (None, Part::Repetition) if !(start..at).any(|index| words.text(index) == "in") => "`in`".to_owned(),
            (None, Part::Header | Part::BlockHeader | Part::Repetition | Part::Condition) => "`{`".to_owned(),
            (None, Part::Statement | Part::Entry | Part::Limit) => "`;`".to_owned(),
        },
    }
}

/// Whether a shape is promised and no value follows: `output y: [10];`.
fn lacks_value(failure: &Failure<'_>) -> bool {
    let Failure { words, start, at, .. } = *failure;
    let name = start + usize::from(words.text(start) == "output");
    let is_named = words.kind(name) == Some(TokenKind::Word) && words.text(name + 1) == ":";
    is_named
        && words.text(start) != "input"
        && at > name + 2
        && words.text(at - 1) == "]"
        && innermost(failure).is_none()
}

/// What to do about a failure without a message of its own.
fn help(failure: &Failure<'_>) -> Option<String> {
    let Failure { words, start, at, part, .. } = *failure;
    let before = previous(failure);
    let word = words.text(at);
    if part.is_header() && at.checked_sub(1).is_some_and(|last| words.is_commented_out(words.span(last), '{')) {
        return Some(COMMENT.to_owned());
    }
    if before == ":" && part.is_header() {
        let types = ["int", "float", "bool"];
        let meant = match word {
            "i32" | "i64" | "u32" | "u64" | "usize" | "integer" => Some("int"),
            "f32" | "f64" | "double" | "real" | "number" => Some("float"),
            "boolean" => Some("bool"),
            "str" | "string" | "String" | "text" => {
                return Some("the texts that a parameter may have are its type: `\"a\" | \"b\"`".to_owned());
            }
            "tensor" | "Tensor" | "image" | "array" if part == Part::BlockHeader => {
                return Some("the shape of a tensor is its type: `[H, W, C]`".to_owned());
            }
            _ => suggest(word, types),
        };
        return meant.map(|meant| format!("did you mean `{meant}`?"));
    }
    if words.text(start) == "input" && before == "]" && suggest(word, ["from"]).is_some() {
        return Some("did you mean `from`?".to_owned());
    }
    let after_name = at > start && words.kind(at - 1) == Some(TokenKind::Word) && !is_keyword(before);
    let key = part != Part::Statement && at == start + 1;
    if word == ":" && matches!(part, Part::Repetition | Part::Condition) && innermost(failure).is_none() {
        return Some("the statements stand in braces: `{ … }`".to_owned());
    }
    if before == "from" && words.text(start) == "input" {
        return Some("a photograph is described by its preparation: `from photo(resize: 256)`".to_owned());
    }
    if after_name && !key && matches!(words.kind(at), Some(TokenKind::Number | TokenKind::Text)) {
        return Some(format!("arguments stand in parentheses: `{}({})`", short(before), short(word)));
    }
    if word == "=" && innermost(failure).is_none() && !wants_operand(before) && !is_keyword(before) {
        return Some("a statement has one `=`; values are compared with `==`".to_owned());
    }
    None
}

/// The word before the failure, within what was being read.
fn previous<'a>(failure: &Failure<'a>) -> &'a str {
    let index = failure.at.checked_sub(1).filter(|index| *index >= failure.start);
    index.map_or("", |index| failure.words.text(index))
}

/// Whether an operand must follow a word.
fn wants_operand(before: &str) -> bool {
    matches!(before, "(" | "[" | "," | "=" | ":" | "+" | "-" | "*" | "/" | "and" | "or" | "not")
        || is_comparison(before)
}

fn is_comparison(word: &str) -> bool {
    matches!(word, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

/// The index of the bracket around the failure.
fn innermost_index(failure: &Failure<'_>) -> Option<usize> {
    let mut open = Vec::new();
    for index in failure.start..failure.at {
        match failure.words.kind(index) {
            Some(TokenKind::Open) => open.push(index),
            Some(TokenKind::Close) => {
                open.pop();
            }
            _ => {}
        }
    }
    open.last().copied()
}

fn innermost<'a>(failure: &Failure<'a>) -> Option<&'a str> {
    innermost_index(failure).map(|index| failure.words.text(index))
}

/// Whether the parentheses around the failure group an expression, rather than holding arguments.
fn is_group(failure: &Failure<'_>) -> bool {
    innermost_index(failure).is_some_and(|index| {
        let before = index.checked_sub(1).filter(|before| *before >= failure.start);
        before.is_none_or(|before| {
            let word = failure.words.text(before);
            failure.words.kind(before) != Some(TokenKind::Word) || is_keyword(word) && !is_level(word)
        })
    })
}

/// Whether the token before the failure is a name right after `(` or `,`.
fn is_argument_name(failure: &Failure<'_>) -> bool {
    let Some(name) = failure.at.checked_sub(1).filter(|index| *index > failure.start) else { return false };
    failure.words.kind(name) == Some(TokenKind::Word) && {
        let before = name - 1;
        matches!(failure.words.text(before), "(" | ",") || failure.words.kind(before) == Some(TokenKind::Doc)
    }
}

/// Whether a comparison stands before the failure in the same operand.
fn compared_already(failure: &Failure<'_>) -> bool {
    let mut depth = 0_usize;
    for index in (failure.start..failure.at).rev() {
        match (failure.words.kind(index), failure.words.text(index)) {
            (Some(TokenKind::Close), _) => depth += 1,
            (Some(TokenKind::Open), _) => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            (_, "," | "=" | ":" | "and" | "or" | "->") if depth == 0 => return false,
            (_, word) if depth == 0 && is_comparison(word) => return true,
            _ => {}
        }
    }
    false
}

/// A text for a help, left out where it is long.
fn short(text: &str) -> &str {
    if text.len() <= 40 && !text.contains('\n') { text } else { "…" }
}
