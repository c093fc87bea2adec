//! Writing tokens, and what stands between them.

use super::tokens::{Comment, Role, Tokens, characters};

/// Where blank lines may stand before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// Nowhere.
    None,
    /// Where the author has one.
    Keep,
    /// Where the author has one, but not before the first line.
    KeepInside,
    /// Before the first line, and where the author has one.
    First,
}

/// The text as far as it is written.
pub(super) struct Output<'a> {
    pub(super) tokens: &'a Tokens<'a>,
    text: String,
    /// Characters of the last line.
    pub(super) column: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(tokens: &'a Tokens<'a>) -> Self {
        Self { tokens, text: String::new(), column: 0 }
    }

    /// The text with one end of line at its end.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end_matches('\n').len());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }

    /// Whether `start..end` fits in the rest of the line with `tail` characters after it.
    pub(super) fn fits(&self, start: usize, end: usize, tail: usize) -> bool {
        self.tokens.fits(start, end, self.column, tail)
    }

    /// Writes what has no end of line in it, or a comment.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = characters(last),
            None => self.column += characters(text),
        }
    }

    /// Writes the token at an index, without what stands before it.
    pub(super) fn token(&mut self, index: usize) {
        let text = self.tokens.get(index).text;
        self.push(text);
    }

    /// Writes `start..end` in one line, without what stands before the first.
    pub(super) fn line(&mut self, start: usize, end: usize) {
        for index in start..end {
            if index > start {
                self.within(index, 0);
            }
            self.token(index);
        }
    }

    /// Begins a line.
    fn newline(&mut self, indent: usize, blank: bool) {
        if !self.text.is_empty() {
            self.text.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Goes on within a line before the token at `index`. What cannot stand within a line goes on at `indent`.
    pub(super) fn within(&mut self, index: usize, indent: usize) {
        let tokens = self.tokens;
        let word = tokens.get(index);
        let Some(last) = word.gap.comments.last() else {
            return if word.spaced {
                self.push(" ")
            };
        };
        let hard = word.gap.is_hard();
        for (at, comment) in word.gap.comments.iter().enumerate() {
            if hard && comment.newlines > 0 {
                self.newline(indent, false);
            } else if at > 0 || comment.is_line || !tokens.hugs_comments(index) {
                self.push(" ");
            }
            self.push(&comment.text);
        }
        if hard && (last.is_line || word.gap.newlines > 0) {
            self.newline(indent, false);
        } else if tokens.leaves_comments(index) {
            self.push(" ");
        }
    }

    /// Begins a line at `indent` for the token at `index`. Comments that the author wrote at the end of the line before
    /// stay there; those right before the token stay with it.
    pub(super) fn below(&mut self, index: usize, indent: usize, blank: Blank) {
        let word = self.tokens.get(index);
        let gap = &word.gap;
        let joins = |at: &usize| !gap.comments[*at].is_line && gap.newlines_after(*at) == 0;
        let n_joined = match word.role {
            Role::End => 0,
            _ => (0..gap.comments.len()).rev().take_while(joins).count(),
        };
        let own_line = gap.comments.len() - n_joined;
        let mut first = !self.text.is_empty();
        let mut is_blank = |newlines: usize| {
            let first = std::mem::take(&mut first);
            match blank {
                Blank::None => false,
                Blank::Keep => newlines > 1,
                Blank::KeepInside => newlines > 1 && !first,
                Blank::First => newlines > 1 || first,
            }
        };
        for (at, Comment { text, newlines, .. }) in gap.comments.iter().enumerate() {
            if at == own_line || at < own_line && *newlines > 0 {
                self.newline(indent, is_blank(*newlines));
            } else if !self.text.is_empty() {
                self.push(" ");
            }
            self.push(text);
        }
        if n_joined == 0 {
            self.newline(indent, is_blank(gap.newlines));
        } else {
            self.push(" ");
        }
    }

    /// Begins a line at `outer` for the closing bracket at `index`; comments before it stand at `inner`.
    pub(super) fn closing(&mut self, index: usize, inner: usize, outer: usize, blank: Blank) {
        for (at, comment) in self.tokens.get(index).gap.comments.iter().enumerate() {
            if comment.newlines == 0 {
                self.push(" ");
            } else {
                let keep = match blank {
                    Blank::Keep => true,
                    Blank::KeepInside => at > 0,
                    Blank::None | Blank::First => false,
                };
                self.newline(inner, keep && comment.newlines > 1);
            }
            self.push(&comment.text);
        }
        self.newline(outer, false);
    }
}
