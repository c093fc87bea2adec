//! Layout of files, bodies and statements.

use super::INDENT;
use super::expression::At;
use super::output::{Blank, Output};
use super::tokens::{Bracket, Role};

impl Output<'_> {
    /// Writes everything.
    pub(super) fn file(&mut self) {
        let end = self.tokens.end();
        let mut at = 0;
        while at < end {
            let blank = match at.checked_sub(1).map(|before| self.tokens.get(before).text) {
                None => Blank::KeepInside,
                // What stands before networks and blocks may stand together.
                Some(";") if self.is_file_statement(at) => Blank::Keep,
                Some(_) => Blank::First,
            };
            at = self.statement(at, 0, blank);
        }
        self.below(end, 0, if end == 0 { Blank::KeepInside } else { Blank::Keep });
    }

    fn is_file_statement(&self, start: usize) -> bool {
        let end = self.tokens.end();
        let first = self.tokens.find(start, end, |word| word.role != Role::Doc);
        !matches!(self.tokens.get(first).text, "network" | "block")
    }

    /// Writes the statement that starts at `start`, with its documentation; returns the index after it.
    fn statement(&mut self, start: usize, indent: usize, blank: Blank) -> usize {
        let tokens = self.tokens;
        self.below(start, indent, blank);
        let mut start = self.docs(start, indent);
        let first = tokens.get(start).text;
        loop {
            let ends = |role| matches!(role, Role::Semicolon | Role::End | Role::Open(Bracket::Brace));
            let opener = tokens.find(start, tokens.end(), |word| ends(word.role));
            let word = tokens.get(opener);
            if !matches!(word.role, Role::Open(_)) {
                self.parts(start, opener, At::new(indent), 1);
                self.within(opener, indent + INDENT);
                self.token(opener);
                return opener + 1;
            }
            let closer = word.partner;
            if matches!(first, "train" | "prune" | "budget")
                && self.has_at_most_one(opener + 1, closer)
                && self.fits(start, closer + 1, 0)
            {
                self.line(start, closer + 1);
                return closer + 1;
            }
            // The lines of a header are set off from those of its body; the result of a block begins with its arrow.
            let more = if first == "block" { INDENT } else { 2 * INDENT };
            self.parts(start, opener, At { base: indent, more: indent + more }, 2);
            self.within(opener, indent + more);
            self.token(opener);
            self.body(opener + 1, closer, indent);
            let next = closer + 1;
            if tokens.get(next).text != "else" {
                return next;
            }
            if tokens.get(next).hard {
                self.below(next, indent, Blank::None);
            } else {
                self.within(next, indent);
            }
            start = next;
        }
    }

    /// Writes doc comments that start at `start`, each with what leads to the next line; returns the index after them.
    pub(super) fn docs(&mut self, start: usize, indent: usize) -> usize {
        let mut at = start;
        while self.tokens.get(at).role == Role::Doc {
            self.token(at);
            at += 1;
            self.below(at, indent, Blank::None);
        }
        at
    }

    /// Writes the statements from `start` to the closing brace, and the brace.
    fn body(&mut self, start: usize, closer: usize, indent: usize) {
        if start == closer && self.tokens.get(closer).gap.comments.is_empty() {
            return self.token(closer);
        }
        let mut at = start;
        while at < closer {
            let blank = if at == start { Blank::KeepInside } else { Blank::Keep };
            at = self.statement(at, indent + INDENT, blank);
        }
        let blank = if start == closer { Blank::KeepInside } else { Blank::Keep };
        self.closing(closer, indent + INDENT, indent, blank);
        self.token(closer);
    }

    /// Whether a section has one entry or none.
    fn has_at_most_one(&self, start: usize, closer: usize) -> bool {
        self.tokens.find(start, closer, |word| word.role == Role::Semicolon) + 1 >= closer
    }
}
