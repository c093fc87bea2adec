//! Annotated cases: `.net` texts whose comments say which diagnostics they give, and where.
//!
//! ```text
//! output y = image -> dense(120);
//! //                  ^^^^^^^^^^ error[N0302]: `dense` takes a flat input, found [24, 24, 6]
//! ```
//!
//! An annotation is a line comment that holds only carets, level, code and title. It speaks of the nearest line above
//! that is no annotation, and its carets stand under the primary span there (the part of it on that line; an empty
//! span is one caret). Several annotations may follow one line. A span that would start under the slashes is annotated
//! with `/* ^^ … */` pushed anywhere, since only columns matter.

use super::{Sink, short};
use crate::source::{SourceId, SourceMap};

/// Runs a front end over an annotated text and compares its diagnostics with the annotations, both ways.
///
/// # Errors
///
/// A report that shows every difference, and the annotations that would make the case pass.
pub fn check(name: &str, text: &str, front_end: impl FnOnce(SourceId, &SourceMap, &mut Sink)) -> Result<(), String> {
    let mut map = SourceMap::new();
    let source = map.add(name, text);
    let mut sink = Sink::new();
    front_end(source, &map, &mut sink);
    let mut found: Vec<Annotation> = sink
        .diagnostics()
        .into_iter()
        .map(|diagnostic| {
            let (start, end) = (map.start(diagnostic.primary.span), map.end(diagnostic.primary.span));
            let line_len = text.lines().nth(start.line - 1).map_or(0, |line| line.chars().count());
            let end_column = if end.line == start.line { end.column } else { line_len + 1 };
            Annotation {
                line: start.line,
                column: start.column,
                len: end_column.saturating_sub(start.column).max(1),
                text: format!("{}[{}]: {}", diagnostic.level.as_str(), diagnostic.code, diagnostic.title),
            }
        })
        .collect();
    let mut expected = annotations(text);
    found.sort();
    expected.sort();
    if found == expected {
        return Ok(());
    }
    let mut report = format!("{name}: the diagnostics are not those annotated\n");
    for annotation in expected.iter().filter(|annotation| !found.contains(annotation)) {
        report += &format!("  missing: {}:{annotation}\n", annotation.line);
    }
    for annotation in found.iter().filter(|annotation| !expected.contains(annotation)) {
        report += &format!("  unexpected, under line {}:\n{annotation}\n", annotation.line);
    }
    for diagnostic in sink.diagnostics() {
        report += &format!("  got {}\n", short(diagnostic, &map));
    }
    Err(report)
}

/// One expected or found diagnostic; columns in characters, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Annotation {
    line: usize,
    column: usize,
    len: usize,
    text: String,
}

impl std::fmt::Display for Annotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let carets = "^".repeat(self.len);
        match self.column {
            0..3 => write!(f, "/*{carets} {} */ (column {})", self.text, self.column),
            column => write!(f, "//{}{carets} {}", " ".repeat(column - 3), self.text),
        }
    }
}

/// The annotations of a text.
fn annotations(text: &str) -> Vec<Annotation> {
    let mut line_of_code = 0;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match annotation(line) {
            Some((column, len, text)) => found.push(Annotation { line: line_of_code, column, len, text }),
            None => line_of_code = index + 1,
        }
    }
    found
}

/// Column, number of carets and message of an annotation line.
fn annotation(line: &str) -> Option<(usize, usize, String)> {
    let comment = line.trim_start().strip_prefix("//")?;
    let marks = comment.trim_start();
    let len = marks.chars().take_while(|next| *next == '^').count();
    let message = marks.trim_start_matches('^').trim();
    if len == 0 || !(message.starts_with("error[") || message.starts_with("warning[")) {
        return None;
    }
    let column = line.chars().take_while(|next| *next != '^').count() + 1;
    Some((column, len, message.to_owned()))
}
