//! Diagnostics as plain data with resolved places, for programs that read them (`--message-format json`, editors).

use super::{Diagnostic, Fix, Help, Label};
use crate::source::{Location, SourceMap, Span};

/// A diagnostic without references to a [`SourceMap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Such as `N0302`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub level: &'static str,
    /// One line.
    pub title: String,
    /// Where it is.
    pub primary: LabelData,
    /// Where else to look.
    pub secondary: Vec<LabelData>,
    /// Facts.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<HelpData>,
}

/// A help with a resolved edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpData {
    /// In words.
    pub text: String,
    /// The edit.
    pub fix: Option<FixData>,
}

/// An edit with resolved places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixData {
    /// What goes; without a text.
    pub place: LabelData,
    /// What comes.
    pub replacement: String,
    /// Whether it can be made without asking.
    pub is_sure: bool,
}

/// A label with resolved places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelData {
    /// Name of the source.
    pub file: String,
    /// First byte.
    pub byte_start: usize,
    /// One past the last byte.
    pub byte_end: usize,
    /// Place of the first character.
    pub start: Location,
    /// Place just past the last character.
    pub end: Location,
    /// What the label says; may be empty.
    pub text: String,
    /// The lines it touches, at least one.
    pub lines: Vec<LineData>,
}

/// A line of source with the part of it that a label speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineData {
    /// The line, without its end.
    pub text: String,
    /// Column of the part's first character, from 1.
    pub start: usize,
    /// Column just past the part's last character, from 1.
    pub end: usize,
}

/// The plain form of a diagnostic.
pub fn data(diagnostic: &Diagnostic, map: &SourceMap) -> Data {
    let label = |label: &Label| LabelData {
        file: map.name(label.span.source).to_owned(),
        byte_start: label.span.start as usize,
        byte_end: label.span.end as usize,
        start: map.start(label.span),
        end: map.end(label.span),
        text: label.text.clone(),
        lines: lines(label.span, map),
    };
    let fix = |fix: &Fix| FixData {
        place: label(&Label { span: fix.span, text: String::new() }),
        replacement: fix.replacement.clone(),
        is_sure: fix.is_sure(map.slice(fix.span)),
    };
    let help = |help: &Help| HelpData { text: help.text.clone(), fix: help.fix.as_ref().map(fix) };
    Data {
        code: diagnostic.code.id(),
        level: diagnostic.level.as_str(),
        title: diagnostic.title.clone(),
        primary: label(&diagnostic.primary),
        secondary: diagnostic.secondary.iter().map(label).collect(),
        notes: diagnostic.notes.clone(),
        helps: diagnostic.helps.iter().map(help).collect(),
    }
}

/// The lines that a span touches.
fn lines(span: Span, map: &SourceMap) -> Vec<LineData> {
    let (start, end) = (map.start(span), map.end(span));
    // The text after the last line end is a line, too.
    let all = map.text(span.source).split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let touched = all.enumerate().skip(start.line.saturating_sub(1)).take(end.line.saturating_sub(start.line) + 1);
    let line = |(index, line): (usize, &str)| {
        // A span may start in the line's end.
        let last = line.chars().count() + 1;
        LineData {
            text: line.to_owned(),
            start: if index + 1 == start.line { start.column.min(last) } else { 1 },
            end: if index + 1 == end.line { end.column.min(last) } else { last },
        }
    };
    touched.map(line).collect()
}
