//! Annotated cases: `.net` texts whose comments say which diagnostics they give, and where.
//!
//! ```text
//! output y = image -> dense(120);
//! //                  ^^^^^^^^^^ error[N0302]: `dense` takes a flat input, found [24, 24, 6]
//! ```
//!
//! An annotation is a comment of its own that holds carets, level, code and title. It speaks of the nearest line above
//! that is no annotation; its carets stand under the primary span there, as far as that is on the line, and an empty
//! span has one caret. Several annotations may follow one line. Where the comment's slashes are in the way, `//@1 ^^`
//! names the column.

use super::{Code, Diagnostic, Sink};
use crate::source::{SourceId, SourceMap};

/// Runs a front end over an annotated text and compares its diagnostics with the annotations, both ways.
///
/// # Errors
///
/// A report of every difference, in the form of annotations.
pub fn check(
    name: &str,
    text: &str,
    front_end: impl FnOnce(SourceId, &mut SourceMap, &mut Sink),
) -> Result<(), String> {
    let found = run(name, text, front_end);
    let expected = annotations(text);
    if found == expected {
        return Ok(());
    }
    let mut report = format!("{name}: the diagnostics are not those annotated\n");
    for (what, these, others) in [("missing", &expected, &found), ("unexpected", &found, &expected)] {
        for annotation in these.iter().filter(|annotation| !others.contains(annotation)) {
            report += &format!("{what} under line {}:\n{}\n", annotation.line, annotation.comment());
        }
    }
    Err(report)
}

/// The text with the annotations that its diagnostics ask for, in place of those it has.
pub fn annotate(name: &str, text: &str, front_end: impl FnOnce(SourceId, &mut SourceMap, &mut Sink)) -> String {
    let found = run(name, text, front_end);
    let mut annotated = String::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if annotation(line).is_some() {
            continue;
        }
        annotated += line;
        for annotation in found.iter().filter(|annotation| annotation.line == index + 1) {
            if !annotated.ends_with('\n') {
                annotated.push('\n');
            }
            annotated += &annotation.comment();
            annotated.push('\n');
        }
    }
    annotated
}

/// Checks the examples on a code's page, its fenced blocks of language `net`: the first fails with that code and no
/// other, the second is its repair. A page without examples is right.
///
/// # Errors
///
/// What an example gives instead.
pub fn check_page(code: Code, front_end: impl Fn(SourceId, &mut SourceMap, &mut Sink)) -> Result<(), String> {
    let examples: Vec<&str> =
        code.page().split("```net\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let messages = |text: &str| -> Vec<String> {
        run(code.id(), text, &front_end).into_iter().map(|annotation| annotation.message).collect()
    };
    let (bad, good) = match examples.as_slice() {
        [] => return Ok(()),
        [bad, good] => (messages(bad), messages(good)),
        _ => return Err(format!("{code}: a page has two examples, or none")),
    };
    let expected = format!("[{code}]");
    // Lints are strict with small examples; what they say of wrong ones is not the point.
    let is_beside = |message: &String| message.starts_with("warning[N06") && !message.contains(&expected);
    let bad: Vec<String> = bad.into_iter().filter(|message| !is_beside(message)).collect();
    if bad.is_empty() || !bad.iter().all(|message| message.contains(&expected)) {
        return Err(format!("{code}: the first example gives {bad:?}"));
    }
    if good.is_empty() { Ok(()) } else { Err(format!("{code}: the repaired example gives {good:?}")) }
}

/// One expected or found diagnostic; columns in characters, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Annotation {
    line: usize,
    column: usize,
    n_carets: usize,
    message: String,
}

impl Annotation {
    fn of(diagnostic: &Diagnostic, map: &SourceMap) -> Self {
        let span = diagnostic.primary.span;
        let (start, end) = (map.start(span), map.end(span));
        let line_end = || map.text(span.source).lines().nth(start.line - 1).map_or(0, |line| line.chars().count()) + 1;
        let end_column = if end.line == start.line { end.column } else { line_end() };
        Self {
            line: start.line,
            column: start.column,
            n_carets: end_column.saturating_sub(start.column).max(1),
            message: format!("{}[{}]: {}", diagnostic.level.as_str(), diagnostic.code, diagnostic.title),
        }
    }

    /// The annotation as it is written.
    fn comment(&self) -> String {
        let carets = "^".repeat(self.n_carets);
        match self.column.checked_sub(3) {
            Some(n_blanks) => format!("//{}{carets} {}", " ".repeat(n_blanks), self.message),
            None => format!("//@{} {carets} {}", self.column, self.message),
        }
    }
}

/// What a front end finds, in order.
fn run(name: &str, text: &str, front_end: impl FnOnce(SourceId, &mut SourceMap, &mut Sink)) -> Vec<Annotation> {
    let mut map = SourceMap::new();
    let source = map.add(name, text);
    let mut sink = Sink::new();
    front_end(source, &mut map, &mut sink);
    // What is wrong in a file that the text uses cannot be annotated in the text.
    let diagnostics = sink.diagnostics().into_iter().filter(|diagnostic| diagnostic.primary.span.source == source);
    let mut found: Vec<Annotation> = diagnostics.map(|diagnostic| Annotation::of(diagnostic, &map)).collect();
    found.sort();
    found
}

/// The annotations of a text, in order.
fn annotations(text: &str) -> Vec<Annotation> {
    let mut line_above = 0;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match annotation(line) {
            Some((column, n_carets, message)) => {
                found.push(Annotation { line: line_above, column, n_carets, message });
            }
            // Annotations move the lines of the text; diagnostics count them too.
            None => line_above = index + 1,
        }
    }
    found.sort();
    found
}

/// Column, number of carets and message of an annotation's line.
fn annotation(line: &str) -> Option<(usize, usize, String)> {
    let comment = line.trim().strip_prefix("//")?;
    let (column, marks) = match comment.strip_prefix('@') {
        Some(place) => {
            let (column, marks) = place.split_once(' ')?;
            (column.parse().ok()?, marks)
        }
        None => (line.chars().take_while(|next| *next != '^').count() + 1, comment.trim_start()),
    };
    let n_carets = marks.chars().take_while(|next| *next == '^').count();
    let message = marks.trim_start_matches('^').trim();
    let is_message = message.starts_with("error[") || message.starts_with("warning[");
    (n_carets > 0 && is_message).then(|| (column, n_carets, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes::{N0013, N0014};
    use crate::source::Span;

    /// Reports bytes 4..6 and the empty span at 0.
    fn front_end(source: SourceId, _: &mut SourceMap, sink: &mut Sink) {
        sink.error(N0013, "wrong").primary(Span::new(source, 4, 6), "");
        sink.warning(N0014, "look").primary(Span::new(source, 0, 0), "");
    }

    #[test]
    fn annotations_are_written_and_read() {
        let annotated = annotate("a.net", "abcdefg\nnext", front_end);
        assert_eq!(annotated, "abcdefg\n//@1 ^ warning[N0014]: look\n//  ^^ error[N0013]: wrong\nnext");
        assert_eq!(check("a.net", &annotated, front_end), Ok(()));
    }

    #[test]
    fn differences_are_reported_both_ways() {
        let text = "abcdefg\n//@1 ^ warning[N0014]: look\n//   ^ error[N0013]: wrong\n";
        let report = check("a.net", text, front_end).err().unwrap_or_default();
        assert_eq!(
            report,
            "a.net: the diagnostics are not those annotated\nmissing under line 1:\n//   ^ error[N0013]: wrong\n\
             unexpected under line 1:\n//  ^^ error[N0013]: wrong\n"
        );
    }
}
