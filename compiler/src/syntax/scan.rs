//! The text as a flat list of tokens, found without the grammar's recursion: for the limits and for messages.
//!
//! The lexical rules are those of `grammar.pest`; a test holds the two together. Mistakes inside a token (a string
//! that is not closed, a malformed number, a letter that names cannot have) are reported here.

use std::collections::HashSet;

use super::limits::MAX_COMMENTS;
use crate::diagnostic::codes::{N0004, N0006, N0007, N0008, N0009, N0011, N0013};
use crate::diagnostic::{Sink, escape, is_unprintable, quote};
use crate::source::{SourceId, Span};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or keyword.
    Word,
    /// A whole or other number.
    Number,
    /// A string.
    Text,
    /// `///` and the rest of the line.
    Doc,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Any other sign.
    Sign,
    /// Something wrong, reported already.
    Bad,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Where it is.
    pub(crate) span: Span,
}

/// The signs of more than one character; the longest match wins.
const LONG_SIGNS: &[&str] = &["->", "==", "!=", "<=", ">=", ".."];

/// The signs of one character, without brackets.
const SIGNS: &str = ",;:=+-*/<>|.";

/// Splits a text of at most `u32::MAX` bytes into tokens and reports what cannot be one.
pub(crate) fn scan(source: SourceId, text: &str, sink: &mut Sink) -> Vec<Token> {
    let mut scanner = Scanner { source, text, at: 0, sink, tokens: Vec::new(), misnamed: HashSet::new() };
    if text.starts_with('\u{feff}') {
        scanner.at = '\u{feff}'.len_utf8();
    }
    while let Some(first) = scanner.rest().chars().next() {
        scanner.token(first);
    }
    scanner.tokens
}

struct Scanner<'a> {
    source: SourceId,
    text: &'a str,
    /// Byte offset of what comes next, on a character boundary.
    at: usize,
    sink: &'a mut Sink,
    tokens: Vec<Token>,
    /// Names that start with a digit: each is told of once.
    misnamed: HashSet<&'a str>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Reads what starts with `first`, the next character.
    fn token(&mut self, first: char) {
        let rest = self.rest();
        match first {
            ' ' | '\t' | '\r' | '\n' => self.at += 1,
            '/' if rest.starts_with("/*") => self.block_comment(),
            '/' if rest.starts_with("//") => self.line_comment(),
            '"' => self.string(),
            '\'' | '“' | '„' if self.other_quotes(first) => {}
            '0'..='9' => self.number(),
            '.' if rest.starts_with("...") && rest[3..].starts_with(|next: char| next.is_ascii_digit()) => {
                self.long_range()
            }
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                if self.is_behind_name() {
                    self.index()
                } else {
                    self.number()
                }
            }
            '(' | '[' | '{' => self.push(TokenKind::Open, 1),
            ')' | ']' | '}' => self.push(TokenKind::Close, 1),
            _ if first == '_' || first.is_alphanumeric() => self.word(),
            _ => {
                let long = LONG_SIGNS.iter().find(|sign| rest.starts_with(**sign));
                if let Some(sign) = long {
                    self.push(TokenKind::Sign, sign.len());
                } else if SIGNS.contains(first) {
                    self.push(TokenKind::Sign, 1);
                } else {
                    self.unexpected(first);
                }
            }
        }
    }

    /// The span of the next `len` bytes.
    fn span(&self, len: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(self.source, offset(self.at), offset(self.at + len))
    }

    /// The next `len` bytes are a token.
    fn push(&mut self, kind: TokenKind, len: usize) {
        self.tokens.push(Token { kind, span: self.span(len) });
        self.at += len;
    }

    fn word(&mut self) {
        let rest = self.rest();
        let len = rest.find(|next: char| next != '_' && !next.is_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..len];
        if rest[len..].starts_with('"') {
            if self.is_odd(len) {
                // The string that begins there is told of.
                return self.push(TokenKind::Bad, len);
            }
            self.inside(len, 1, N0013, format!("expected a blank between {} and the string", quote(word)), "");
            return self.push(TokenKind::Bad, len);
        }
        if word.is_ascii() {
            return self.push(TokenKind::Word, len);
        }
        let span = self.span(len);
        self.sink
            .error(N0011, format!("names are made of the letters a to z, digits and `_`, found {}", quote(word)))
            .primary(span, "");
        self.push(TokenKind::Bad, len);
    }

    fn number(&mut self) {
        let rest = self.rest();
        // Everything that looks like one number is one token, so that a mistake in it is one message.
        let mut len = 0;
        let mut previous = ' ';
        for next in rest.chars() {
            let signed_exponent =
                matches!(next, '+' | '-') && matches!(previous, 'e' | 'E') && is_decimal(&rest[..len]);
            let dot = next == '.' && previous != '.' && !rest[len..].starts_with("..");
            if !(next == '_' || next.is_alphanumeric() || signed_exponent || dot) {
                break;
            }
            len += next.len_utf8();
            previous = next;
        }
        let number = &rest[..len];
        if is_number(number) {
            return self.push(TokenKind::Number, len);
        }
        let span = self.span(len);
        if self.names_something(len) {
            if self.misnamed.insert(number) {
                let title = format!("a name does not start with a digit, found {}", quote(number));
                self.sink.error(N0011, title).primary(span, "").help("begin it with a letter");
            }
            return self.push(TokenKind::Bad, len);
        }
        let whole = number.strip_suffix('.').filter(|whole| is_number(whole));
        let torn = whole.filter(|whole| self.is_torn(whole, len));
        let last = self.tokens.last().and_then(|token| self.text.get(token.span.range()));
        let is_list = last == Some("[") && rest[len..].trim_start().starts_with(']');
        let report = self.sink.error(N0009, format!("{} is not a number", quote(number))).primary(span, "");
        if let Some(fraction) = number.strip_prefix('.').filter(|fraction| is_number(fraction)) {
            let text = format!("write a digit before the dot: `0.{}`", escape(fraction));
            report.fix(text, span, format!("0.{fraction}"));
        } else if let Some(whole) = torn {
            let dot = Span { start: span.end - 1, ..span };
            report.may_fix(format!("write `,` after `{}`, or nothing", escape(whole)), dot, ",");
        } else if let Some(whole) = whole {
            let text = format!("write a digit after the dot: `{}.0`", escape(whole));
            report.fix(text, span, format!("{whole}.0"));
        } else if let Some(sizes) = sizes(number) {
            let list = format!("[{}]", sizes.join(", "));
            let count = if sizes.len() == 2 { "two" } else { "several" };
            let instead = if is_list { sizes.join(", ") } else { list.clone() };
            report.may_fix(format!("{count} sizes are a list: `{list}`"), span, instead);
        } else {
            report.help("numbers are decimal and have no suffix: `42`, `1_300_000`, `0.5`, `1e-3`");
        }
        self.push(TokenKind::Bad, len);
    }

    /// Whether a number with a dot behind it is not one that lacks its last digit: it has a fraction, or something follows.
    fn is_torn(&self, whole: &str, len: usize) -> bool {
        let after = self.rest().get(len..).unwrap_or_default();
        let follows = after.trim_start_matches([' ', '\t']);
        let is_value = follows.starts_with(|next: char| next == '_' || next == '[' || next.is_alphanumeric());
        whole.contains(['.', 'e', 'E']) || is_value && follows.len() < after.len()
    }

    /// Whether the next `len` bytes, which start with a digit, are meant to be a name: they stand where one is defined, or did
    /// so before.
    fn names_something(&self, len: usize) -> bool {
        let word = self.rest().get(..len).unwrap_or_default();
        if !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        let before = self.tokens.last().and_then(|token| self.text.get(token.span.range())).unwrap_or_default();
        let after = self.rest().get(len..).unwrap_or_default().trim_start();
        let is_statement = matches!(before, ";" | "{" | "}") && after.starts_with('=') && !after.starts_with("==");
        let is_defined = matches!(before, "network" | "block" | "input" | "output" | "as" | "const");
        is_statement || is_defined || self.misnamed.contains(word)
    }

    /// Whether the number of double quotes on the rest of the line, `from` bytes from here, is odd: then one of them is
    /// missing. In long lines that is not known.
    fn is_odd(&self, from: usize) -> bool {
        const FAR: usize = 256;
        let rest = self.rest().as_bytes().get(from..).unwrap_or_default();
        let near = &rest[..rest.len().min(FAR)];
        let end = near.iter().position(|byte| *byte == b'\n').or((near.len() < FAR).then_some(near.len()));
        end.is_some_and(|end| near[..end].iter().filter(|byte| **byte == b'"').count() % 2 == 1)
    }

    /// Whether a list was begun, or a `,` was the last.
    fn is_in_list(&self) -> bool {
        let last = self.tokens.last().and_then(|token| self.text.get(token.span.range()));
        matches!(last, Some("[" | ","))
    }

    /// Whether the last character belongs to a name, or to an index of one.
    fn is_behind_name(&self) -> bool {
        let last = self.tokens.last();
        last.is_some_and(|token| {
            let word = self.text.get(token.span.range()).unwrap_or_default();
            token.span.end as usize == self.at && (token.kind == TokenKind::Word || word == "]")
        })
    }

    /// `.0` for `[0]`.
    fn index(&mut self) {
        let rest = self.rest();
        let digits = rest[1..].find(|next: char| !next.is_ascii_digit()).map_or(&rest[1..], |end| &rest[1..=end]);
        let (len, instead) = (digits.len() + 1, format!("[{digits}]"));
        let span = self.span(len);
        let title = format!("the index of a name stands in brackets, found {}", quote(rest.get(..len).unwrap_or("")));
        // `dropout0.5)` lacks its opening bracket.
        let name = self.tokens.last().and_then(|token| self.text.get(token.span.range())).unwrap_or_default();
        let stem = name.trim_end_matches(|last: char| last.is_ascii_digit());
        if stem.len() < name.len() && matches!(rest.as_bytes().get(len), Some(b')' | b',')) {
            let value = format!("{}.{digits}", &name[stem.len()..]);
            self.sink
                .error(N0013, format!("expected `(` after {}", quote(stem)))
                .primary(span, "")
                .help(format!("arguments stand in parentheses: {}", quote(&format!("{stem}({value})"))));
            return self.push(TokenKind::Bad, len);
        }
        self.sink.error(N0013, title).primary(span, "").fix(format!("write `{}`", escape(&instead)), span, instead);
        self.push(TokenKind::Bad, len);
    }

    /// Three dots, before a number.
    fn long_range(&mut self) {
        let span = self.span(3);
        self.sink.error(N0013, "a range is written with two dots").primary(span, "").fix(
            "write `..`; the end of a range is not included",
            span,
            "..",
        );
        self.push(TokenKind::Bad, 3);
    }

    fn string(&mut self) {
        let rest = self.rest();
        let mut inside = rest.char_indices().skip(1);
        let mut good = true;
        while let Some((at, next)) = inside.next() {
            match next {
                '"' => {
                    let next = rest[at + 1..].chars().next();
                    let joined = next.filter(|next| *next == '_' || next.is_alphabetic());
                    // What ends the string here was meant to begin another.
                    let is_joined = joined.is_some() || next.is_some_and(|next| next.is_ascii_digit());
                    if is_joined && self.is_odd(at + 1) {
                        break;
                    }
                    if let Some(next) = joined {
                        self.inside(at + 1, next.len_utf8(), N0013, "expected a blank after the string".to_owned(), "");
                    }
                    return self.push(if good && joined.is_none() { TokenKind::Text } else { TokenKind::Bad }, at + 1);
                }
                '\n' | '\r' => break,
                '\\' => match inside.next() {
                    Some((_, '"' | '\\' | 'n' | 't')) => {}
                    None | Some((_, '\n' | '\r')) => break,
                    Some((_, other)) => {
                        good = false;
                        self.inside(
                            at,
                            1 + other.len_utf8(),
                            N0008,
                            format!("unknown escape {}", quote(&format!("\\{other}"))),
                            "a string knows `\\\"`, `\\\\`, `\\n` and `\\t`",
                        );
                    }
                },
                '\t' => {}
                _ if is_unprintable(next) => {
                    good = false;
                    self.invisible(at, next);
                }
                _ => {}
            }
        }
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let span = self.span(len);
        self.sink.error(N0006, "this string is not closed").primary(span, "").help("end it with `\"` on the same line");
        self.push(TokenKind::Bad, len);
    }

    /// Reads a word or two in other quotes as one mistake; false where there is none that closes them, or one stands for something
    /// else.
    fn other_quotes(&mut self, open: char) -> bool {
        let rest = self.rest();
        let is_single = open == '\'';
        let is_close = |next: char| if is_single { next == open } else { matches!(next, '“' | '”') };
        // No further than to the next one that opens: many of them would each look at the rest of the line.
        let ends = |next: char| is_close(next) || next == open || next == '\n';
        let inside = rest.get(open.len_utf8()..).and_then(|rest| rest.split_once(ends));
        let Some((inside, _)) = inside else { return false };
        let close = rest[open.len_utf8() + inside.len()..].chars().next();
        let Some(close) = close.filter(|close| is_close(*close)) else { return false };
        let len = open.len_utf8() + inside.len() + close.len_utf8();
        let is_prime = self.text.get(..self.at).is_some_and(|text| text.ends_with(|last: char| last.is_alphanumeric()));
        let is_text = |next: char| !is_unprintable(next) && !"\"\\;(){}[]".contains(next);
        if is_single && is_prime || !inside.chars().all(is_text) {
            return false;
        }
        let span = self.span(len);
        self.sink
            .error(N0004, format!("unexpected character {}", quote(open.encode_utf8(&mut [0; 4]))))
            .primary(span, "")
            .fix("text stands in double quotes", span, format!("\"{inside}\""));
        self.push(TokenKind::Bad, len);
        true
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let len = rest.find('\n').unwrap_or(rest.len());
        let line = &rest[..len];
        self.check_printable(line);
        if line.starts_with("///") && !line.starts_with("////") {
            self.push(TokenKind::Doc, line.trim_end_matches('\r').len());
        } else {
            self.at += len;
        }
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        let (mut open, mut len) = (0_usize, 0_usize);
        let opener = self.span(2);
        loop {
            let Some(next) = rest[len..].chars().next() else {
                self.sink
                    .error(N0007, "this comment is not closed")
                    .primary(opener, if open > 1 { "comments nest, and each needs its `*/`" } else { "" })
                    .help("close it with `*/`, or write `//` for a comment to the end of the line");
                return self.push(TokenKind::Bad, rest.len());
            };
            if rest[len..].starts_with("/*") {
                open += 1;
                len += 2;
                if open > MAX_COMMENTS {
                    self.sink
                        .error(N0007, format!("comments are nested more than {MAX_COMMENTS} deep"))
                        .primary(opener, "");
                    return self.push(TokenKind::Bad, rest.len());
                }
            } else if rest[len..].starts_with("*/") {
                open -= 1;
                len += 2;
                if open == 0 {
                    break;
                }
            } else {
                len += next.len_utf8();
            }
        }
        self.check_printable(&rest[..len]);
        self.at += len;
    }

    /// Reports what cannot be seen in the comment that comes next.
    fn check_printable(&mut self, comment: &str) {
        for (at, next) in comment.char_indices() {
            if !matches!(next, '\n' | '\r' | '\t') && is_unprintable(next) {
                self.invisible(at, next);
            }
        }
    }

    /// Reports a character that acts instead of showing, `at` bytes from here.
    fn invisible(&mut self, at: usize, character: char) {
        let title = format!("the character U+{:04X} cannot stand in a text", u32::from(character));
        self.inside(
            at,
            character.len_utf8(),
            N0004,
            title,
            "remove it; it cannot be seen, but acts on what shows the text",
        );
    }

    /// Reports `len` bytes that start `at` bytes from here; the help may be empty.
    fn inside(&mut self, at: usize, len: usize, code: crate::diagnostic::Code, title: String, help: &str) {
        let start = self.at;
        self.at += at;
        let span = self.span(len);
        self.at = start;
        let report = self.sink.error(code, title).primary(span, "");
        if !help.is_empty() {
            report.help(help);
        }
    }

    /// Whether a `!` here stands between a name and a bracket.
    fn is_macro(&self) -> bool {
        let is_name = |last: char| last.is_alphanumeric() || last == '_';
        let after = self.rest()[1..].trim_start();
        self.text[..self.at].ends_with(is_name) && after.starts_with(['(', '{', '['])
    }

    /// `#[allow(unused_value)]`
    fn attribute(&mut self) {
        let rest = self.rest();
        let line = rest.lines().next().unwrap_or_default();
        let (len, inside) = match line.split_once(']') {
            Some((before, _)) => (before.len() + 1, before.trim_start_matches(['#', '!', '['])),
            None => (line.trim_end().len(), ""),
        };
        let span = self.span(len);
        let report = self.sink.error(N0004, "unexpected character `#`").primary(span, "");
        let is_level = ["allow(", "warn(", "deny("].iter().any(|level| inside.starts_with(level));
        if is_level && inside.ends_with(')') {
            let statement = format!("{inside};");
            report.fix(format!("lints are set by statements: `{}`", escape(&statement)), span, statement);
        } else {
            report.help("lints are set by statements: `allow(unused_value);`");
        }
        self.push(TokenKind::Bad, len);
    }

    /// Whether a `#` here starts a comment as in Python: it is the first of its line, stands behind what ends something, or has a
    /// blank behind it.
    fn is_comment(&self) -> bool {
        let before = self.text[..self.at].trim_end_matches([' ', '\t']);
        let is_first = before.is_empty() || before.ends_with(['\n', ';', ',', '{', '}']);
        is_first || !self.rest()[1..].starts_with(|next: char| next.is_alphanumeric())
    }

    /// A comment that starts with `#`: one mistake, whatever stands in it.
    fn other_comment(&mut self) {
        let rest = self.rest();
        let len = rest.find('\n').unwrap_or(rest.len());
        let after = rest.trim_start_matches('#');
        let (sign, span) = (self.span(1), self.span(rest.len() - after.len()));
        // A third slash would make it a documentation.
        let instead = if after.starts_with('/') { "// " } else { "//" };
        let title = "unexpected character `#`";
        self.sink.error(N0004, title).primary(sign, "").fix("comments start with `//`", span, instead);
        // Between statements it is passed; in one, the grammar stops at it.
        let last = self.tokens.last();
        let is_between = last.is_none_or(|last| {
            last.kind == TokenKind::Doc || matches!(self.text.get(last.span.range()), Some(";" | "{" | "}"))
        });
        if is_between {
            self.at += len;
        } else {
            self.push(TokenKind::Bad, len);
        }
    }

    fn unexpected(&mut self, first: char) {
        if is_unprintable(first) {
            self.invisible(0, first);
            return self.push(TokenKind::Bad, first.len_utf8());
        }
        let rest = self.rest();
        // What to do, and what to write instead where that is all.
        let (len, help, instead) = match first {
            '&' => (if rest.starts_with("&&") { 2 } else { 1 }, Some("write `and`"), Some("and")),
            '!' if self.text[..self.at].ends_with("assert") => {
                (1, Some("`assert` takes no `!` and no parentheses: `assert size > 28, \"why\";`"), None)
            }
            '!' if self.is_macro() => (1, Some("there are no macros here; leave out the name and the `!`"), None),
            '!' => (1, Some("write `not`"), Some("not")),
            '\'' => (1, Some("text stands in double quotes"), None),
            '%' => (1, Some("the remainder is written with a quotient, which rounds down: `a - a / b * b`"), None),
            '^' => (1, Some("there are no powers; multiply instead: `x * x`"), None),
            '#' if rest.starts_with("#[") || rest.starts_with("#![") => return self.attribute(),
            '#' if ["#include", "#import"].iter().any(|word| rest.starts_with(word)) => {
                let line = rest.lines().next().unwrap_or_default();
                let len = line.split_once("//").map_or(line, |(code, _)| code).trim_end().len();
                (len, Some("a bundled file is used by its name, `use <fire>;`, one of your own by its path"), None)
            }
            '#' if self.is_comment() => return self.other_comment(),
            '#' => (1, Some("comments start with `//`"), Some("//")),
            '@' => (
                1,
                Some("tensors are multiplied element by element, `a * b`; by trained weights, `dense` or a 1x1 `conv`"),
                None,
            ),
            '\u{a0}' | '\u{2003}' | '\u{3000}' => {
                (first.len_utf8(), Some("this is a special blank; write an ordinary one"), Some(" "))
            }
            '“' | '”' | '„' => (first.len_utf8(), Some("write `\"`"), Some("\"")),
            '×' => (first.len_utf8(), Some("write `*`"), Some("*")),
            '→' => (first.len_utf8(), Some("write `->`"), Some("->")),
            '–' | '—' | '−' if rest[first.len_utf8()..].starts_with('>') => {
                (first.len_utf8() + 1, Some("write `->`"), Some("->"))
            }
            '−' => (first.len_utf8(), Some("write `-`"), Some("-")),
            '?' if self.is_in_list() => {
                (1, Some("a size that may be anything is `_`, in a shape that is promised"), Some("_"))
            }
            '?' => (1, Some("a name gets its value in the branches of an `if`: there is no `? :`"), None),
            _ => (first.len_utf8(), None, None),
        };
        // A word needs blanks around it, where there are none.
        let instead = instead.map(|instead| {
            let is_word = instead.starts_with(char::is_alphabetic);
            let is_tight = |next: Option<char>| is_word && next.is_some_and(|next| !next.is_whitespace());
            let before = self.text.get(..self.at).and_then(|text| text.chars().next_back());
            let after = rest.get(len..).and_then(|text| text.chars().next());
            let before = if is_tight(before) && !matches!(before, Some('(' | '[')) { " " } else { "" };
            format!("{before}{instead}{}", if is_tight(after) { " " } else { "" })
        });
        let found = quote(rest.get(..len).unwrap_or(""));
        let span = self.span(len);
        let report = self.sink.error(N0004, format!("unexpected character {found}")).primary(span, "");
        match (help, instead) {
            (Some(help), Some(instead)) => {
                report.fix(help, span, instead);
            }
            (Some(help), None) => {
                report.help(help);
            }
            (None, _) => {}
        }
        self.push(TokenKind::Bad, len);
    }
}

/// Whether a word that starts with a digit can be the part of a number before the sign of its exponent.
fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'e' | b'E'))
}

/// The numbers of `3x3` or `8x8x3`.
fn sizes(text: &str) -> Option<Vec<&str>> {
    /// Most axes of a shape that somebody writes so.
    const MOST: usize = 4;
    let is_size =
        |size: &str| !size.is_empty() && !size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit());
    let sizes: Vec<&str> = text.split('x').take(MOST + 1).collect();
    ((2..=MOST).contains(&sizes.len()) && sizes.iter().all(|size| is_size(size))).then_some(sizes)
}

/// The rules `integer` and `float` of the grammar.
fn is_number(text: &str) -> bool {
    let is_digits = |digits: &str| {
        digits.starts_with(|first: char| first.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let mantissa_good = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(mantissa),
    };
    mantissa_good && exponent.is_none_or(is_digits)
}
