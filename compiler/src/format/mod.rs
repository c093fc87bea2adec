//! The one form of a text: [`format()`] lays out what was written anew and changes nothing else.
//!
//! ```text
//! text -> parse (mistakes are reported, nothing is formatted) -> tokens with the comments before each
//!      -> layout (what fits in a line stands in one; else broken at the loosest place) -> text -> compared with the first
//! ```
//!
//! The form: four blanks for each level, lines of at most [`MAX_WIDTH`] characters where their words allow it. Statements
//! stand on lines of their own, with at most one blank line between them; networks and blocks have one around them.
//! Calls and parameters that do not fit have one item on a line and a comma after the last. Two things are the author's:
//! the line breaks before `->` in a pipeline, and the rows of a list that does not fit in a line.

mod expression;
mod output;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;

use crate::diagnostic::Sink;
use crate::diagnostic::codes::{N0001, N0003, N0109};
use crate::source::{SourceId, SourceMap};
use crate::syntax::limits::{MAX_TEXT_BYTES, MAX_TOKENS};
use crate::syntax::{parse, scan};
use output::Output;
use tokens::Tokens;

/// Most characters of a line.
pub const MAX_WIDTH: usize = 120;

/// Blanks of a level.
const INDENT: usize = 4;

/// The text in its one form: the same words and comments in the same order, but for the comma before a closing bracket.
/// Formatting the result gives the same text again. Time and memory grow linearly with the text.
///
/// `None` if the text has mistakes of syntax, or would be larger than a text may be: `sink` says so.
#[must_use]
pub fn format(source: SourceId, map: &SourceMap, sink: &mut Sink) -> Option<String> {
    let mut mistakes = Sink::new();
    drop(parse(source, map, &mut mistakes));
    let wrong = mistakes.has_errors();
    sink.append(mistakes);
    if wrong {
        return None;
    }
    let text = map.text(source);
    let before = read(source, text);
    let mut output = Output::new(&before);
    output.file();
    let formatted = output.finish();

    let start = map.span(source).before();
    let after = read(source, &formatted);
    if formatted.len() > MAX_TEXT_BYTES {
        let title = format!("the formatted text would have {} bytes", formatted.len());
        sink.error(N0001, title).primary(start, format!("the limit is {MAX_TEXT_BYTES}"));
        return None;
    }
    if after.len_with_commas() > MAX_TOKENS {
        let title = format!("the formatted text would have {} words and signs", after.len_with_commas());
        sink.error(N0003, title).primary(start, format!("the limit is {MAX_TOKENS}"));
        return None;
    }
    if !before.says_the_same(&after) {
        sink.error(N0109, "the formatter would change what the text says")
            .primary(start, "the text stays as it is")
            .help("this is a bug of netwright: please report it with the description");
        return None;
    }
    Some(formatted)
}

/// The tokens of a text.
fn read(source: SourceId, text: &str) -> Tokens<'_> {
    Tokens::new(text, &scan(source, text, &mut Sink::new()))
}
