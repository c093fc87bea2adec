//! The tokens of a text as words to look at: safe lookups for recovery and its messages.

use super::explain::Part;
use super::keywords::{TRAIN_ENTRIES, is_keyword, is_level, reserved_for};
use super::scan::{Token, TokenKind};
use crate::diagnostic::quote;
use crate::source::{SourceId, Span};

/// A text and its tokens. Indices past the last token are the text's end, an empty word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    /// The source of the text.
    pub(super) source: SourceId,
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Words<'a> {
    /// The tokens of `text`, the text of `source`.
    pub(super) fn new(source: SourceId, text: &'a str, tokens: &'a [Token]) -> Self {
        Self { source, text, tokens }
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The text of a token; empty at the end.
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| self.slice(token.span))
    }

    /// What a token is; `None` at the end.
    pub(super) fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Where a token is; at the end, the empty span after the last one.
    pub(super) fn span(&self, index: usize) -> Span {
        match (self.tokens.get(index), self.tokens.last()) {
            (Some(token), _) => token.span,
            (None, Some(last)) => last.span.after(),
            (None, None) => Span::new(self.source, 0, 0),
        }
    }

    /// The text of a span.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The first of the tokens `start..end` that ends after `offset`; else `end`.
    pub(super) fn index_at(&self, offset: usize, start: usize, end: usize) -> usize {
        let tokens = self.tokens.get(start..end).unwrap_or(&[]);
        start + tokens.partition_point(|token| (token.span.end as usize) <= offset)
    }

    /// Whether a token is wrong in itself, and reported.
    pub(super) fn is_bad(&self, index: usize) -> bool {
        self.kind(index) == Some(TokenKind::Bad)
    }

    /// Whether a token is an attribute as Rust has them, which is wrong in itself.
    pub(super) fn is_attribute(&self, index: usize) -> bool {
        self.is_bad(index) && self.text(index).starts_with('#')
    }

    /// Whether one of the tokens `start..end` is wrong in itself.
    pub(super) fn has_bad(&self, start: usize, end: usize) -> bool {
        (start..end).any(|index| self.is_bad(index))
    }

    /// Whether a comment or string that is not closed may have swallowed a brace.
    pub(super) fn has_swallowed_braces(&self) -> bool {
        self.tokens.iter().filter(|token| token.kind == TokenKind::Bad).any(|token| {
            let word = self.slice(token.span);
            word.starts_with("/*") || (word.starts_with('"') && word.contains(['{', '}']))
        })
    }

    /// Whether a token stands on a later line than the one before it.
    pub(super) fn on_new_line(&self, index: usize) -> bool {
        let before = index.checked_sub(1).map_or(0, |previous| self.span(previous).end as usize);
        self.text.get(before..self.span(index).start as usize).is_some_and(|between| between.contains('\n'))
    }

    /// The blanks that the line of a place begins with; `None` in lines so long that they cannot show anything.
    pub(super) fn indentation(&self, place: Span) -> Option<&'a str> {
        const FAR: usize = 256;
        let end = place.start as usize;
        let before = self.text.as_bytes().get(end.saturating_sub(FAR)..end)?;
        let start = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => end - before.len() + newline + 1,
            None if before.len() == end => 0,
            None => return None,
        };
        let line = self.text.get(start..end)?;
        Some(&line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
    }

    /// Whether the line of a token is indented as that of another, and more.
    pub(super) fn is_deeper(&self, index: usize, than: usize) -> bool {
        is_deeper(self.indentation(self.span(index)), self.indentation(self.span(than)))
    }

    /// Whether two brackets are of one kind.
    pub(super) fn closes(&self, opener: usize, close: usize) -> bool {
        matches!((self.text(opener), self.text(close)), ("(", ")") | ("[", "]") | ("{", "}"))
    }

    /// Whether a comment follows on the line of a place, with a sign in it that is missing.
    pub(super) fn is_commented_out(&self, place: Span, sign: char) -> bool {
        let line = self.text.get(place.end as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.trim_start().strip_prefix("//").is_some_and(|comment| comment.contains(sign))
    }

    /// The commas in the bracket at `opener`, not those of brackets in it, and at the end its partner; `None` where brackets up to
    /// there do not fit, or it has none before `end`.
    pub(super) fn commas(&self, opener: usize, end: usize) -> Option<Vec<usize>> {
        let (mut open, mut commas) = (Vec::new(), Vec::new());
        for index in opener..end {
            match (self.kind(index), self.text(index)) {
                (Some(TokenKind::Open), _) => open.push(index),
                (Some(TokenKind::Close), _) if !self.closes(open.pop()?, index) => return None,
                (Some(TokenKind::Close), _) if open.is_empty() => {
                    commas.push(index);
                    return Some(commas);
                }
                (_, ",") if open.len() == 1 => commas.push(index),
                _ => {}
            }
        }
        None
    }

    /// Whether a word stands where only a statement, section or network starts.
    pub(super) fn starts_statement(&self, index: usize) -> bool {
        let next = self.text(index + 1);
        match self.text(index) {
            "input" | "output" | "network" => {
                self.kind(index + 1) == Some(TokenKind::Word)
                    && !matches!(next, "as" | "and" | "or")
                    && (self.on_new_line(index) || matches!(self.text(index + 2), ":" | "="))
            }
            "train" | "prune" | "budget" => next == "{",
            "labels" => self.kind(index + 1) == Some(TokenKind::Word) && self.text(index + 2) == ":",
            "return" | "const" | "assert" | "freeze" | "for" | "if" | "use" | "block" => {
                self.on_new_line(index) && !matches!(next, ":" | "=")
            }
            word => is_level(word) && self.on_new_line(index) && !matches!(next, ":" | "="),
        }
    }

    /// Whether an entry of a section `train` stands here, rather than a name with the shape that is promised.
    pub(super) fn is_train_entry(&self, index: usize) -> bool {
        self.text(index + 1) == ":" && self.text(index + 2) != "[" && TRAIN_ENTRIES.contains(&self.text(index))
    }

    /// Whether an operator goes on behind a `;` with the value that ends there.
    pub(super) fn goes_on(&self, index: usize) -> bool {
        let ends = |last: usize| self.kind(last) == Some(TokenKind::Word) || self.text(last) == ")";
        matches!(self.text(index), "->" | "+" | "-" | "*" | "/")
            && index >= 2
            && self.text(index - 1) == ";"
            && ends(index - 2)
    }

    /// Whether a statement or entry may start with a token: an entry `name:`, else a keyword, `name =` or `name: [`.
    pub(super) fn begins(&self, index: usize, part: Part) -> bool {
        let is_word = self.kind(index) == Some(TokenKind::Word);
        let (word, next) = (self.text(index), self.text(index + 1));
        match part {
            Part::Entry => is_word && (next == ":" || next == "(" && matches!(word, "lr" | "keep")),
            Part::Limit => is_word,
            Part::Statement | Part::Header | Part::BlockHeader | Part::Repetition | Part::Condition => {
                self.starts_statement(index)
                    || is_word && (next == "=" || (next == ":" && self.text(index + 2) == "["))
                    || matches!(word, "return" | "assert" | "freeze" | "for" | "if" | "const")
                    || is_level(word)
                    || reserved_for(word).is_some()
            }
        }
    }

    /// Whether a token rather continues the statement before than starts one: it stands on the same line, or is a sign
    /// that starts nothing.
    pub(super) fn continues(&self, index: usize, part: Part) -> bool {
        let is_sign = matches!(self.kind(index), Some(TokenKind::Sign | TokenKind::Close)) && self.text(index) != ";";
        !self.begins(index, part) && (is_sign || !self.on_new_line(index))
    }

    /// A token for the `found` of a message.
    pub(super) fn found(&self, index: usize) -> String {
        match self.kind(index) {
            None => "the end of the text".to_owned(),
            Some(TokenKind::Word) if is_keyword(self.text(index)) => format!("the keyword {}", quote(self.text(index))),
            Some(TokenKind::Doc) => "a doc comment".to_owned(),
            Some(_) => quote(self.text(index)),
        }
    }
}

/// Whether the blanks before a line are those before another, and more.
pub(super) fn is_deeper(own: Option<&str>, around: Option<&str>) -> bool {
    own.zip(around).is_some_and(|(own, around)| own.len() > around.len() && own.starts_with(around))
}
