//! The tokens of a text without mistakes, each with the comments before it and what it takes in a line.
//!
//! Here everything is decided that does not depend on the layout: what is a sign of arithmetic and what is not, where
//! blanks stand within a line, which brackets take a comma after their last item, and where a line must end.

use std::borrow::Cow;

use super::MAX_WIDTH;
use crate::syntax::keywords::is_keyword;
use crate::syntax::{Token, TokenKind};

/// What a token is to the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `///` and the rest of the line.
    Doc,
    /// An opening bracket.
    Open(Bracket),
    /// A closing bracket.
    Close,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `=`, `:`, `..` and `in`: what is on both sides is laid out by itself.
    Joint,
    /// A sign or word between operands, with its rank: the lower, the looser.
    Infix(u8),
    /// The end of the text.
    End,
    /// Anything else.
    Plain,
}

/// The rank of `->`.
pub(super) const ARROW: u8 = 0;

/// What a pair of brackets holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    /// Arguments or parameters: one on a line where they do not fit.
    Items,
    /// Values or sizes: in the author's rows where they do not fit.
    List,
    /// One expression, without a comma after it.
    Single,
    /// Statements.
    Brace,
}

/// A comment.
#[derive(Debug)]
pub(super) struct Comment<'a> {
    /// With its slashes, without blanks at the ends of its lines.
    pub(super) text: Cow<'a, str>,
    /// Ends of lines since what stands before it.
    pub(super) newlines: usize,
    /// Whether it reaches to the end of its line.
    pub(super) is_line: bool,
}

/// What stands between two tokens.
#[derive(Debug, Default)]
pub(super) struct Gap<'a> {
    /// The comments.
    pub(super) comments: Vec<Comment<'a>>,
    /// Ends of lines after the last comment.
    pub(super) newlines: usize,
}

impl<'a> Gap<'a> {
    /// Reads a text of blanks and comments.
    fn read(text: &'a str) -> Self {
        let mut gap = Gap::default();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let len = match next {
                '/' => {
                    let is_line = rest.starts_with("//");
                    let len = if is_line { rest.find('\n').unwrap_or(rest.len()) } else { block_comment(rest) };
                    let text = trim_lines(rest.get(..len).unwrap_or(rest));
                    gap.comments.push(Comment { text, newlines: std::mem::take(&mut gap.newlines), is_line });
                    len
                }
                '\n' => {
                    gap.newlines += 1;
                    1
                }
                _ => next.len_utf8(),
            };
            rest = rest.get(len..).unwrap_or("");
        }
        gap
    }

    /// This and then the other.
    fn then(mut self, mut other: Self) -> Self {
        match other.comments.first_mut() {
            Some(first) => {
                first.newlines += self.newlines;
                self.newlines = other.newlines;
                self.comments.append(&mut other.comments);
            }
            None => self.newlines += other.newlines,
        }
        self
    }

    /// Ends of lines after the comment at `index`.
    pub(super) fn newlines_after(&self, index: usize) -> usize {
        self.comments.get(index + 1).map_or(self.newlines, |next| next.newlines)
    }

    /// Whether the author ended a line here.
    pub(super) fn has_newline(&self) -> bool {
        self.newlines > 0 || self.comments.iter().any(|comment| comment.newlines > 0)
    }

    /// Whether this cannot stand within a line: a comment to a line's end, on several lines, or on a line of its own.
    pub(super) fn is_hard(&self) -> bool {
        self.comments.iter().enumerate().any(|(index, comment)| {
            comment.is_line || comment.text.contains('\n') || comment.newlines > 0 && self.newlines_after(index) > 0
        })
    }
}

/// The bytes of the block comment that comes first; comments nest.
fn block_comment(text: &str) -> usize {
    let (mut open, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            open += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            open = open.saturating_sub(1);
            at += 2;
            if open == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// A comment without blanks at the ends of its lines.
fn trim_lines(text: &str) -> Cow<'_, str> {
    const BLANKS: [char; 3] = [' ', '\t', '\r'];
    if !text.contains('\n') {
        return Cow::Borrowed(text.trim_end_matches(BLANKS));
    }
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches(BLANKS)).collect();
    Cow::Owned(lines.join("\n"))
}

/// A token in its surroundings.
#[derive(Debug)]
pub(super) struct Word<'a> {
    /// The token.
    pub(super) text: &'a str,
    /// What it is.
    pub(super) role: Role,
    /// What stands before it.
    pub(super) gap: Gap<'a>,
    /// Whether a blank stands before it within a line.
    pub(super) spaced: bool,
    /// Whether what stands before it cannot stand in one line with it.
    pub(super) hard: bool,
    /// For a bracket, the index of the other of the pair.
    pub(super) partner: usize,
}

/// The tokens of a text, the last being its end. The comma before a closing bracket is left out.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    words: Vec<Word<'a>>,
    /// For each index, the characters of the tokens before it and of what is between them, written in one line.
    widths: Vec<usize>,
    /// For each index, how many of the tokens before it are hard.
    hards: Vec<usize>,
    /// How many commas were left out.
    n_commas: usize,
}

impl<'a> Tokens<'a> {
    /// Puts together a text without mistakes and what [`scan`](crate::syntax::scan) made of it.
    pub(super) fn new(text: &'a str, scanned: &[Token]) -> Self {
        let mut reader = Reader::default();
        let mut pending = Gap::default();
        let mut end = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut n_commas = 0;
        for (index, token) in scanned.iter().enumerate() {
            let range = token.span.range();
            let mut gap = std::mem::take(&mut pending).then(Gap::read(text.get(end..range.start).unwrap_or_default()));
            end = range.end;
            let word = text.get(range).unwrap_or_default();
            let closes_next = scanned.get(index + 1).is_some_and(|next| next.kind == TokenKind::Close);
            if word == "," && closes_next {
                if gap.comments.is_empty() {
                    gap.newlines = 0;
                }
                n_commas += 1;
                pending = gap;
            } else if matches!(word, "," | ";" | "{") && gap.is_hard() {
                // The sign goes where it belongs, the comment after it.
                pending = gap;
                reader.push(word, token.kind, Gap::default());
            } else {
                reader.push(word, token.kind, gap);
            }
        }
        let gap = pending.then(Gap::read(text.get(end..).unwrap_or_default()));
        reader.words.push(Word { text: "", role: Role::End, gap, spaced: false, hard: true, partner: 0 });

        let mut tokens = Self { words: reader.words, widths: vec![0], hards: vec![0], n_commas };
        let (mut width, mut hards) = (0, 0);
        for (index, word) in tokens.words.iter().enumerate() {
            width += tokens.gap_width(index) + characters(word.text);
            hards += usize::from(word.hard);
            tokens.widths.push(width);
            tokens.hards.push(hards);
        }
        tokens
    }

    /// The token at an index; the end for any after it.
    pub(super) fn get(&self, index: usize) -> &Word<'a> {
        &self.words[index.min(self.words.len() - 1)]
    }

    /// The index of the end.
    pub(super) fn end(&self) -> usize {
        self.words.len() - 1
    }

    /// The number of tokens that are written, with the commas that were left out, without the end.
    pub(super) fn len_with_commas(&self) -> usize {
        self.end() + self.n_commas
    }

    /// The characters of `start..end` in one line, without what stands before the first.
    pub(super) fn width(&self, start: usize, end: usize) -> usize {
        (self.widths[end] - self.widths[start]).saturating_sub(self.gap_width(start))
    }

    /// Whether `start..end` can stand in one line that has `column` characters already, with `tail` more after it.
    pub(super) fn fits(&self, start: usize, end: usize, column: usize, tail: usize) -> bool {
        self.hards[end] == self.hards[end.min(start + 1)] && column + self.width(start, end) + tail <= MAX_WIDTH
    }

    /// The characters between the token at `index` and the one before it, in one line.
    fn gap_width(&self, index: usize) -> usize {
        let word = self.get(index);
        if word.gap.comments.is_empty() {
            return usize::from(word.spaced);
        }
        let comments: usize = word.gap.comments.iter().map(|comment| 1 + characters(&comment.text)).sum();
        comments - usize::from(self.hugs_comments(index)) + usize::from(self.leaves_comments(index))
    }

    /// Whether comments before the token at `index` stand close to the token before it.
    pub(super) fn hugs_comments(&self, index: usize) -> bool {
        index.checked_sub(1).is_some_and(|before| matches!(self.get(before).text, "(" | "["))
    }

    /// Whether a blank stands between the token at `index` and comments before it.
    pub(super) fn leaves_comments(&self, index: usize) -> bool {
        !matches!(self.get(index).text, ")" | "]" | "," | ";")
    }

    /// The index after the token at `index`, or after its partner where it opens a bracket.
    pub(super) fn after(&self, index: usize) -> usize {
        let word = self.get(index);
        if matches!(word.role, Role::Open(_)) { word.partner.max(index) + 1 } else { index + 1 }
    }

    /// The first token of `start..end` outside of brackets that `is`; else `end`.
    pub(super) fn find(&self, start: usize, end: usize, is: impl Fn(&Word<'a>) -> bool) -> usize {
        let mut at = start;
        while at < end && !is(self.get(at)) {
            at = self.after(at);
        }
        at.min(end)
    }

    /// Whether the other has the same words and comments in the same order.
    pub(super) fn says_the_same(&self, other: &Tokens<'_>) -> bool {
        let words = |word: &Word<'_>| word.text.trim_end().to_owned();
        let comments = |word: &Word<'_>| {
            word.gap.comments.iter().map(|comment| comment.text.clone().into_owned()).collect::<Vec<_>>()
        };
        self.words.iter().map(words).eq(other.words.iter().map(words))
            && self.words.iter().flat_map(comments).eq(other.words.iter().flat_map(comments))
    }
}

/// The number of characters: what an editor shows as columns, for most scripts.
pub(super) fn characters(text: &str) -> usize {
    text.chars().count()
}

/// Finds the roles of tokens, one after the other.
#[derive(Default)]
struct Reader<'a> {
    words: Vec<Word<'a>>,
    /// The brackets that are open.
    open: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn push(&mut self, text: &'a str, kind: TokenKind, gap: Gap<'a>) {
        let index = self.words.len();
        let before = self.words.last();
        let previous = before.map_or("", |before| before.text);
        let after_doc = before.is_some_and(|before| before.role == Role::Doc);
        let role = self.role(text, kind);
        // `use <name>` and `labels y: <name>` have the only signs that look like comparisons and are none.
        let in_angles = previous == "<" && self.is_bundled(index - 1) || text == ">" && self.is_bundled(index);
        let spaced = before.is_some() && !in_angles && self.is_spaced(text, role);
        let breaks = role == Role::Infix(ARROW) && !self.open.is_empty() && gap.has_newline();
        let hard = gap.is_hard() || breaks || after_doc || role == Role::Doc;
        let mut partner = 0;
        match role {
            Role::Open(_) => self.open.push(index),
            Role::Close => {
                partner = self.open.pop().unwrap_or(index);
                if let Some(opener) = self.words.get_mut(partner) {
                    opener.partner = index;
                }
            }
            _ => {}
        }
        let text = if role == Role::Doc { text.trim_end_matches([' ', '\t', '\r']) } else { text };
        self.words.push(Word { text, role, gap, spaced, hard, partner });
    }

    fn role(&self, text: &str, kind: TokenKind) -> Role {
        let index = self.words.len();
        match (kind, text) {
            (TokenKind::Doc, _) => Role::Doc,
            (TokenKind::Open, "{") => Role::Open(Bracket::Brace),
            (TokenKind::Open, "(") if self.after_name() || self.previous() == "allow" => Role::Open(Bracket::Items),
            (TokenKind::Open, "[") if !(self.after_name() || self.previous() == "]") => Role::Open(Bracket::List),
            (TokenKind::Open, _) => Role::Open(Bracket::Single),
            (TokenKind::Close, _) => Role::Close,
            (_, ",") => Role::Comma,
            (_, ";") => Role::Semicolon,
            (_, "=" | ":" | ".." | "in") => Role::Joint,
            (_, "->") => Role::Infix(ARROW),
            (_, "|") => Role::Infix(1),
            (_, "or") => Role::Infix(2),
            (_, "and") => Role::Infix(3),
            (_, "<") if matches!(self.previous(), "use" | ":") => Role::Plain,
            (_, ">") if self.is_bundled(index) => Role::Plain,
            (_, "==" | "!=" | "<=" | ">=" | "<" | ">") => Role::Infix(4),
            (_, "-") if !self.after_operand() => Role::Plain,
            (_, "+" | "-") => Role::Infix(5),
            (_, "*" | "/") => Role::Infix(6),
            _ => Role::Plain,
        }
    }

    /// The token before the next.
    fn previous(&self) -> &'a str {
        self.words.last().map_or("", |word| word.text)
    }

    /// Whether the next token comes after a word that is no keyword.
    fn after_name(&self) -> bool {
        let previous = self.previous();
        previous.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic()) && !is_keyword(previous)
    }

    /// Whether an operand ends before the next token.
    fn after_operand(&self) -> bool {
        let previous = self.previous();
        self.after_name()
            || matches!(previous, "true" | "false" | "_" | ")" | "]")
            || previous.starts_with(|first: char| first == '"' || first.is_ascii_digit())
    }

    /// Whether the token at an index, or the next, is a bracket of `use <name>` or `labels y: <name>`.
    fn is_bundled(&self, index: usize) -> bool {
        let at = |back: usize| index.checked_sub(back).and_then(|at| self.words.get(at)).map_or("", |word| word.text);
        let leads = |word| matches!(word, "use" | ":");
        leads(at(1)) || at(2) == "<" && leads(at(3))
    }

    /// Whether a blank stands before the next token within a line. There is one before it.
    fn is_spaced(&self, text: &str, role: Role) -> bool {
        let tight_after = match self.words.last() {
            Some(word) => match word.role {
                Role::Open(bracket) => bracket != Bracket::Brace || role == Role::Close,
                Role::Plain => matches!(word.text, "-" | "."),
                Role::Joint => word.text == "..",
                _ => false,
            },
            None => true,
        };
        let tight_before = match role {
            Role::Open(Bracket::Items) => true,
            Role::Open(Bracket::Single) => text == "[",
            Role::Close => text != "}",
            Role::Comma | Role::Semicolon | Role::End => true,
            Role::Joint => matches!(text, ":" | ".."),
            Role::Plain => text == ".",
            _ => false,
        };
        !(tight_after || tight_before)
    }
}
