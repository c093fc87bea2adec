//! Diagnostics as plain data with resolved places, for programs that read them (`--json`, editors).

use super::{Diagnostic, Label};
use crate::source::{Location, SourceMap};

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
    pub helps: Vec<String>,
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
    };
    Data {
        code: diagnostic.code.id(),
        level: diagnostic.level.as_str(),
        title: diagnostic.title.clone(),
        primary: label(&diagnostic.primary),
        secondary: diagnostic.secondary.iter().map(label).collect(),
        notes: diagnostic.notes.clone(),
        helps: diagnostic.helps.clone(),
    }
}
