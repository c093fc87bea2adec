//! Making the edits that helps carry.

use super::{Diagnostic, Fix, is_slip};
use crate::source::SourceId;

/// The text of `source` with the edits of these diagnostics, and how many were made.
///
/// Of two edits that overlap, or that insert at the same place, the one that starts first is made, then the one that
/// was given first; the other needs another look at the new text. The same edit twice is made once. An edit that does
/// not lie in the text, at whole characters, is left out.
#[must_use]
pub fn apply(source: SourceId, text: &str, diagnostics: &[&Diagnostic]) -> (String, usize) {
    let helps = diagnostics.iter().flat_map(|diagnostic| &diagnostic.helps);
    let mut fixes: Vec<&Fix> = helps.filter_map(|help| help.fix.as_ref()).collect();
    let is_right = |fix: &Fix| text.get(fix.span.range()).is_some_and(|found| fix.is_sure(found));
    fixes.retain(|fix| fix.span.source == source && is_right(fix));
    fixes.sort_by_key(|fix| fix.span);
    let mut fixed = String::with_capacity(text.len());
    let (mut done, mut n_made) = (0, 0);
    let mut last: Option<&Fix> = None;
    for fix in fixes {
        let range = fix.span.range();
        // Two insertions at one place have no order that is right.
        if last.is_some_and(|last| range.start < last.span.range().end || range.start == last.span.range().start) {
            continue;
        }
        fixed.push_str(text.get(done..range.start).unwrap_or_default());
        fixed.push_str(&fix.replacement);
        (done, last) = (range.end, Some(fix));
        n_made += 1;
    }
    fixed.push_str(text.get(done..).unwrap_or_default());
    (fixed, n_made)
}

impl Fix {
    /// Whether it can be made without asking, where `found` is what goes.
    #[must_use]
    pub fn is_sure(&self, found: &str) -> bool {
        !self.is_guess || is_slip(found, &self.replacement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Sink, codes::N0013};
    use crate::source::Span;

    /// What comes of edits of `text`: byte ranges and replacements.
    fn edit(text: &str, edits: &[(u32, u32, &str)]) -> (String, usize) {
        let mut sink = Sink::new();
        for (number, &(start, end, replacement)) in edits.iter().enumerate() {
            let place = Span::new(SourceId(0), number as u32, number as u32);
            sink.error(N0013, "wrong").primary(place, "").fix(
                "mend it",
                Span::new(SourceId(0), start, end),
                replacement,
            );
        }
        apply(SourceId(0), text, &sink.diagnostics())
    }

    #[test]
    fn edits_are_made_from_the_first_to_the_last() {
        assert_eq!(edit("abcdef", &[(5, 6, "z"), (0, 1, "AA"), (3, 3, "-")]), ("AAbc-dez".to_owned(), 3));
        assert_eq!(edit("ab", &[(2, 2, ";")]), ("ab;".to_owned(), 1));
        assert_eq!(edit("ab", &[]), ("ab".to_owned(), 0));
    }

    #[test]
    fn of_edits_that_meet_one_is_made() {
        assert_eq!(edit("abcdef", &[(1, 4, "x"), (3, 5, "y")]), ("axef".to_owned(), 1));
        assert_eq!(edit("abc", &[(1, 1, "x"), (1, 1, "x")]), ("axbc".to_owned(), 1));
        assert_eq!(edit("abc", &[(0, 1, "x"), (1, 2, "y")]), ("xyc".to_owned(), 2));
    }

    #[test]
    fn edits_of_other_texts_and_of_halves_of_characters_are_left_out() {
        assert_eq!(edit("aé", &[(2, 3, "x"), (9, 9, "y"), (0, 1, "b")]), ("bé".to_owned(), 1));
        let mut sink = Sink::new();
        let other = Span::new(SourceId(1), 0, 1);
        sink.error(N0013, "wrong").primary(other, "").fix("mend it", other, "x");
        assert_eq!(apply(SourceId(0), "abc", &sink.diagnostics()), ("abc".to_owned(), 0));
    }

    #[test]
    fn a_name_that_may_have_been_meant_is_put_only_for_a_slip() {
        let text = "cnov lrelu";
        let mut sink = Sink::new();
        for (start, end, meant) in [(0, 4, "conv"), (5, 10, "leaky_relu")] {
            let place = Span::new(SourceId(0), start, end);
            sink.error(N0013, "wrong").primary(place, "").did_you_mean(meant, place);
        }
        assert_eq!(apply(SourceId(0), text, &sink.diagnostics()), ("conv lrelu".to_owned(), 1));
    }
}
