//! Diagnostics in the form of rustc's JSON, which editors and other tools read.

use netwright_compiler::diagnostic::{Data, Diagnostic, FixData, HelpData, LabelData, LineData, Style, data, render};
use netwright_compiler::source::{Location, SourceMap};
use serde::Serialize;

/// A message; a child has neither code, children nor a rendered form.
#[derive(Serialize)]
pub(super) struct Message {
    #[serde(rename = "$message_type", skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    message: String,
    code: Option<Code>,
    level: &'static str,
    spans: Vec<Span>,
    children: Vec<Message>,
    rendered: Option<String>,
}

#[derive(Serialize)]
struct Code {
    code: &'static str,
    /// The code's page, in Markdown.
    explanation: &'static str,
}

/// A place; lines and columns count from 1, columns in characters, and the last column is past the end.
#[derive(Serialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    line_start: usize,
    line_end: usize,
    column_start: usize,
    column_end: usize,
    is_primary: bool,
    text: Vec<Line>,
    label: Option<String>,
    suggested_replacement: Option<String>,
    suggestion_applicability: Option<&'static str>,
    /// Rust's macros; there are none.
    expansion: Option<()>,
}

#[derive(Serialize)]
struct Line {
    text: String,
    highlight_start: usize,
    highlight_end: usize,
}

/// A diagnostic.
pub(super) fn line(diagnostic: &Diagnostic, map: &SourceMap) -> Message {
    let Data { code, level, title, primary, secondary, notes, helps } = data(diagnostic, map);
    let spans = std::iter::once(span(primary, true)).chain(secondary.into_iter().map(|label| span(label, false)));
    let notes = notes.into_iter().map(|note| child("note", note, None));
    let helps = helps.into_iter().map(|HelpData { text, fix }| child("help", text, fix));
    Message {
        message_type: Some("diagnostic"),
        message: title,
        code: Some(Code { code, explanation: diagnostic.code.page() }),
        level,
        spans: spans.collect(),
        children: notes.chain(helps).collect(),
        rendered: Some(render(diagnostic, map, Style::Plain) + "\n\n"),
    }
}

/// An error without a place.
pub(super) fn plain_error(message: &str) -> Message {
    Message {
        message_type: Some("diagnostic"),
        rendered: Some(format!("error: {message}\n\n")),
        ..child("error", message.to_owned(), None)
    }
}

fn child(level: &'static str, message: String, fix: Option<FixData>) -> Message {
    let suggested = |FixData { place, replacement, is_sure }| Span {
        suggested_replacement: Some(replacement),
        suggestion_applicability: Some(if is_sure { "MachineApplicable" } else { "MaybeIncorrect" }),
        ..span(place, true)
    };
    let spans = fix.map(suggested).into_iter().collect();
    Message { message_type: None, message, code: None, level, spans, children: Vec::new(), rendered: None }
}

fn span(label: LabelData, is_primary: bool) -> Span {
    let LabelData { file, byte_start, byte_end, start, end, text, lines } = label;
    let Location { line: line_start, column: column_start } = start;
    let Location { line: line_end, column: column_end } = end;
    let line = |LineData { text, start, end }| Line { text, highlight_start: start, highlight_end: end };
    Span {
        file_name: file,
        byte_start,
        byte_end,
        line_start,
        line_end,
        column_start,
        column_end,
        is_primary,
        text: lines.into_iter().map(line).collect(),
        label: (!text.is_empty()).then_some(text),
        suggested_replacement: None,
        suggestion_applicability: None,
        expansion: None,
    }
}
