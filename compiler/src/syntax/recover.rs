//! Reading a text that does not follow the grammar: network by network, statement by statement, each by the grammar on
//! its own, so that every mistake gets its message and what is right is kept.
//!
//! A statement ends at `;`, at a closing brace, or before a word that only starts statements.

mod braces;
mod strays;

use pest::Parser;
use pest::error::InputLocation;
use pest::iterators::Pair;

use super::ast::{Binding, Block, Braces, Expr, ExprKind, File, For, Ident, If, Item, Network, Output};
use super::build::{Builder, doc_line};
use super::explain::{self, COMMENT, Failure, Part, explain, not_yet};
use super::extent::{Extent, extent};
use super::grammar::{Grammar, Rule};
use super::keywords::{is_keyword, is_level, reserved_for};
use super::scan::TokenKind;
use super::words::Words;
use crate::diagnostic::codes::{N0012, N0013, N0014};
use crate::diagnostic::{Sink, suggest};
use crate::source::Span;
use braces::Suspect;

/// A text, as far as it can be read. What has a header that cannot be read is left out; so is what may depend on a
/// construct of the coming version, because its names are not known.
pub(super) fn recover(words: Words<'_>, span: Span, sink: &mut Sink) -> File {
    let limit = sink.n_recorded() + MAX_MESSAGES;
    let mut recovery = Recovery {
        words,
        at: 0,
        sink,
        limit,
        braces_lost: words.has_swallowed_braces(),
        derailed: false,
        incomplete: false,
        open: Vec::new(),
        suspect: None,
        ended: None,
        opener_lost: false,
        inner: Vec::new(),
    };
    let mut file = File::empty(span);
    let mut all_incomplete = false;
    while recovery.at < words.len() {
        let (docs, docs_span) = recovery.docs();
        let word = words.text(recovery.at);
        recovery.incomplete = false;
        let meant = recovery.header_behind();
        if let Some(meant) = meant {
            recovery.told_header(meant);
        }
        if word == "network" || meant == Some("network") {
            let network = recovery.network(docs);
            file.networks.extend(network.filter(|_| !recovery.incomplete));
        } else if word == "block" || meant == Some("block") {
            let block = recovery.block(docs);
            file.blocks.extend(block.filter(|_| !recovery.incomplete));
        } else if recovery.gives_up() {
            break;
        } else if matches!(word, "use" | "const") || is_level(word) {
            if let Ok((pair, base)) = recovery.piece(Rule::lone_file_statement, Part::Statement) {
                recovery.builder(base).file_statement(pair, docs, &mut file);
            }
        } else if let (true, Some(span)) = (recovery.at >= words.len(), docs_span) {
            recovery.lost_docs(Some(span));
        } else if reserved_for(word).is_some() {
            recovery.reserved_construct();
            all_incomplete = true;
        } else {
            recovery.stray();
        }
    }
    file.blocks.append(&mut recovery.inner);
    if all_incomplete {
        file.networks.clear();
    }
    file
}

/// Most messages of one text: each may have cost a look at the whole text.
const MAX_MESSAGES: usize = 100;

struct Recovery<'a> {
    words: Words<'a>,
    /// Index of the next token.
    at: usize,
    sink: &'a mut Sink,
    /// Number of messages in the sink at which reading ends.
    limit: usize,
    /// Whether braces were passed over, so that one that seems to be missing may not be.
    braces_lost: bool,
    /// Whether an opening brace is missing, so that its partner may be, too.
    opener_lost: bool,
    /// Blocks that stand in others, or in networks.
    inner: Vec<Block>,
    /// Whether the statement before was torn at its end, so that its rest may follow.
    derailed: bool,
    /// Whether a construct of the coming version was passed over.
    incomplete: bool,
    /// Braces around the next token, missing ones too: the blanks before the lines that they are in.
    open: Vec<Option<&'a str>>,
    /// The brace that closed the network or block before, and which of the two that was.
    ended: Option<(usize, &'static str)>,
    /// The first brace whose partner seems, by its indentation, to have been meant for another.
    suspect: Option<Suspect>,
}

impl<'a> Recovery<'a> {
    fn word(&self) -> &'a str {
        self.words.text(self.at)
    }

    /// Reads doc comments: their lines, and the span of the first.
    fn docs(&mut self) -> (Vec<String>, Option<Span>) {
        let first = self.at;
        while self.words.kind(self.at) == Some(TokenKind::Doc) {
            self.at += 1;
        }
        let lines = (first..self.at).map(|index| doc_line(self.words.text(index))).collect();
        (lines, (first < self.at).then(|| self.words.span(first)))
    }

    fn lost_docs(&mut self, first: Option<Span>) {
        if let Some(span) = first {
            explain::lost_doc(span, self.sink);
        }
    }

    /// Passes over a construct of the coming version, to its `;` or closing brace.
    fn reserved_construct(&mut self) {
        not_yet(self.words.span(self.at), self.word(), self.sink);
        self.incomplete = true;
        self.at += 1;
        let mut open = 0_usize;
        while self.at < self.words.len() {
            match self.word() {
                "{" => open += 1,
                "}" if open == 0 => return,
                "}" => {
                    open -= 1;
                    if open == 0 && self.words.text(self.at + 1) != "else" {
                        self.at += 1;
                        return;
                    }
                }
                ";" if open == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.braces_lost = true;
    }

    fn network(&mut self, docs: Vec<String>) -> Option<Network> {
        self.suspect = None;
        let rule = if self.word() == "network" { Rule::lone_header } else { Rule::lone_rest };
        let (header, braces) = self.braced(rule, Part::Header);
        self.ended = self.at.checked_sub(1).map(|brace| (brace, "network"));
        let Braces { items, span } = braces?;
        let (pair, base) = header?;
        let mut network = self.builder(base).header(pair)?;
        network.docs = docs;
        network.items = items;
        network.span = network.span.to(span);
        Some(network)
    }

    fn block(&mut self, docs: Vec<String>) -> Option<Block> {
        self.suspect = None;
        let rule = if self.word() == "block" { Rule::lone_block_header } else { Rule::lone_block_rest };
        let (header, braces) = self.braced(rule, Part::BlockHeader);
        self.ended = self.at.checked_sub(1).map(|brace| (brace, "block"));
        let Braces { items, span } = braces?;
        let (pair, base) = header?;
        let mut block = self.builder(base).block_header(pair)?;
        block.docs = docs;
        block.items = items;
        block.span = block.span.to(span);
        Some(block)
    }

    /// A loop; without its header, nothing, for its names are not known.
    fn repetition(&mut self) -> Option<Item> {
        if self.loop_in_parentheses() {
            return None;
        }
        let start = self.words.span(self.at);
        let (header, braces) = self.braced(Rule::lone_repetition_header, Part::Repetition);
        let ((pair, base), Braces { items, span }) = (header?, braces?);
        let (names, over) = self.builder(base).repetition_header(pair)?;
        Some(Item::For(For { names, over, items, span: start.to(span) }))
    }

    /// A condition with all its arms.
    fn condition(&mut self) -> Option<Item> {
        let start = self.words.span(self.at);
        let (mut arms, mut otherwise) = (Vec::new(), None);
        let (mut last, mut is_over, mut is_told) = (start, false, false);
        loop {
            let (header, braces) = self.braced(Rule::lone_condition_header, Part::Condition);
            let condition = header.and_then(|(pair, base)| self.builder(base).condition_header(pair));
            let braces = braces?;
            last = last.to(braces.span);
            let unread = Expr { kind: ExprKind::Error, span: start };
            arms.push((condition.unwrap_or(unread), braces));
            let mut is_nested = false;
            while self.goes_on_with_else() {
                // Where the brace before it is missing, that is the mistake.
                if is_over && !is_told && self.words.text(self.at - 1) == "}" && !self.braces_lost {
                    is_told = true;
                    self.sink
                        .error(N0013, "a second `else` of one condition")
                        .primary(self.words.span(self.at), "")
                        .help("a condition has one `else`, behind every `else if`");
                }
                self.at += 1;
                if self.word() == "if" {
                    is_nested = true;
                    break;
                }
                is_over = self.word() == "{";
                let braces = self.otherwise();
                last = last.to(braces.span);
                otherwise = Some(braces);
            }
            if !is_nested {
                break;
            }
        }
        Some(Item::If(If { arms, otherwise, span: last }))
    }

    /// Whether another branch follows; a `;` before it is told and passed.
    fn goes_on_with_else(&mut self) -> bool {
        if self.word() == ";" && self.words.text(self.at + 1) == "else" {
            let span = self.words.span(self.at);
            let title = "expected `else`, found `;`";
            self.sink.error(N0013, title).primary(span, "").fix("remove it", span, "");
            self.at += 1;
        }
        self.word() == "else"
    }

    /// What stands after `else`.
    fn otherwise(&mut self) -> Braces {
        let opener = self.words.span(self.at);
        if self.word() == "{" {
            self.at += 1;
            return self.items(opener, "branch");
        }
        let title = format!("expected `{{` or `if` after `else`, found {}", self.words.found(self.at));
        self.sink.error(N0013, title).primary(opener, "");
        // A condition without its `if`: its braces are found at the end of the line.
        let mut brace = self.at;
        while brace < self.words.len() && !matches!(self.words.text(brace), "{" | "}" | ";") {
            brace += 1;
        }
        match self.words.text(brace) {
            "{" => {
                self.at = brace + 1;
                self.items(opener, "branch")
            }
            // A statement alone.
            ";" if !self.words.on_new_line(self.at) && !self.is_closed_behind(brace) => {
                let items = self.statement(Vec::new()).into_iter().collect();
                Braces { items, span: opener }
            }
            _ => self.items(opener, "branch"),
        }
    }

    /// Whether a brace behind a `;`, on a line of its own, closes what would be opened on the line of the token before the next one.
    fn is_closed_behind(&self, semicolon: usize) -> bool {
        let indentation = |index: usize| self.words.indentation(self.words.span(index));
        let (around, close) = (indentation(self.at - 1), semicolon + 1);
        let is_close = self.words.text(close) == "}" && self.words.on_new_line(close);
        is_close && around.is_some() && indentation(close) == around && self.open.last() != Some(&around)
    }

    /// One statement with its `;`. A value that cannot be read becomes an error value, so that its name is known.
    fn statement(&mut self, docs: Vec<String>) -> Option<Item> {
        let start = self.at;
        match self.piece(Rule::lone_statement, Part::Statement) {
            Ok((pair, base)) => self.builder(base).statement(pair, docs),
            Err(()) => self.stand_in(start, self.at, docs),
        }
    }

    /// Passes over the rest of a text with too many mistakes.
    fn gives_up(&mut self) -> bool {
        let is_over = self.sink.n_recorded() >= self.limit;
        if is_over {
            self.at = self.words.len();
            self.braces_lost = true;
        }
        is_over
    }

    /// The part of the grammar that starts here, with its `;`: the pair and its place, or an error that was reported.
    fn piece(&mut self, rule: Rule, part: Part) -> Result<(Pair<'a, Rule>, u32), ()> {
        if self.gives_up() {
            return Err(());
        }
        let (words, start) = (self.words, self.at);
        if std::mem::take(&mut self.derailed) && words.continues(start, part) {
            // The rest of a statement that a `;` in its midst has torn.
            let end = extent(words, start, part, &mut Sink::new()).end;
            self.pass(start, end);
            return Err(());
        }
        let Extent { mut end, reported, has_braces } = extent(words, start, part, self.sink);
        self.braces_lost |= has_braces;
        self.derailed = reported;
        let mut result = Err(());
        if start == end && self.words.text(end) == ";" {
            self.sink
                .error(N0013, format!("expected {}, found `;`", part.name()))
                .primary(self.words.span(end), "")
                .fix("remove it", self.words.span(end), "");
        } else if !reported && !self.words.has_bad(start, end) {
            result = match self.parse(rule, start, end, part) {
                Ok(pair) => Ok(pair),
                Err(failure) => match self.without_semicolon(rule, start, &failure) {
                    Some(pair) => {
                        end = failure.at;
                        Ok(pair)
                    }
                    None => {
                        explain(&failure, self.sink);
                        self.derailed = failure.at == end;
                        Err(())
                    }
                },
            };
        }
        if result.is_ok() && self.is_brace_too_many(start, end) {
            let span = words.span(end);
            self.sink.error(N0012, "`}` closes nothing").primary(span, "").fix("leave it out", span, "");
            self.pass(start, end + 1);
            return result;
        }
        // Where a text ends in a network, what is missing is its brace.
        let is_inside = rule != Rule::lone_file_statement;
        if result.is_ok() && words.text(end) != ";" && !(is_inside && end >= words.len()) {
            let place = words.span(end.saturating_sub(1)).after();
            let title = format!("expected `;` after this {}", part.noun());
            let report = self.sink.error(N0014, title).primary(place, "expected `;`");
            // What `16 // 2;` lacks is in the comment.
            if words.is_commented_out(place, ';') {
                report.help(COMMENT);
            } else {
                report.fix("end it with `;`", place, ";");
            }
        }
        self.pass(start, end);
        result
    }

    /// Whether a brace between a statement and its `;` closes nothing: the next statement is in line with this one.
    fn is_brace_too_many(&self, start: usize, end: usize) -> bool {
        let (words, next) = (self.words, end + 2);
        let is_torn = words.text(end) == "}" && words.text(end + 1) == ";" && !words.on_new_line(end);
        let is_line = |index: usize| words.on_new_line(index) && words.text(index) != "}";
        let indentation = |index: usize| words.indentation(words.span(index));
        is_torn && is_line(start) && is_line(next) && next < words.len() && indentation(start) == indentation(next)
    }

    /// Goes on after the statement `start..end` and its `;`. Something is passed over even where nothing could be
    /// read, so that every loop ends; closing braces are left for the sections they close.
    fn pass(&mut self, start: usize, end: usize) {
        let terminated = self.words.text(end) == ";";
        let at_brace = self.words.text(start) == "}";
        self.at = (end + usize::from(terminated)).max(start + usize::from(!at_brace));
    }

    /// What stands before a failure, where that is a whole statement and what follows looks like the next.
    fn without_semicolon(&self, rule: Rule, start: usize, failure: &Failure<'a>) -> Option<(Pair<'a, Rule>, u32)> {
        let words = self.words;
        let at = failure.at;
        let mut next = at;
        while words.kind(next) == Some(TokenKind::Doc) {
            next += 1;
        }
        if !words.begins(next, failure.part) || at <= start || at >= failure.end {
            return None;
        }
        // `x -> conv(8) relu: [6, 6, 8];` is one statement without an arrow.
        if words.text(next + 1) == ":" && failure.part == Part::Statement && words.kind(next) == Some(TokenKind::Word) {
            let closer = words.commas(next + 2, failure.end).and_then(|commas| commas.last().copied());
            if closer.is_none_or(|closer| words.text(closer + 1) != "=") {
                return None;
            }
        }
        // `8 if n > 3 else 4` is no statement and a condition.
        if matches!(words.text(next), "if" | "for") && !words.on_new_line(at) {
            return None;
        }
        self.parse(rule, start, at, failure.part).ok()
    }

    /// The name that an unreadable statement defines, with an unknown value.
    fn stand_in(&self, start: usize, end: usize, docs: Vec<String>) -> Option<Item> {
        let words = self.words;
        let keyword = words.text(start);
        // `inptu x: [4];` has been told of.
        let is_pair = !is_keyword(keyword) && words.kind(start + 1) == Some(TokenKind::Word);
        let meant = if is_pair { suggest(keyword, ["input", "output"]) } else { None };
        let keyword = meant.unwrap_or(keyword);
        let name_at = start + usize::from(matches!(keyword, "input" | "output"));
        let text = words.text(name_at);
        let defines = name_at > start || matches!(words.text(name_at + 1), "=" | ":");
        if !defines || name_at >= end || words.kind(name_at) != Some(TokenKind::Word) || is_keyword(text) {
            return None;
        }
        let name = Ident { text: text.to_owned(), span: words.span(name_at) };
        let span = words.span(start).to(words.span(end.saturating_sub(1)));
        let value = Expr { kind: ExprKind::Error, span };
        Some(match keyword {
            "output" => Item::Output(Output { docs, name, annotation: None, value, span }),
            // An input of unknown shape is a value of unknown shape.
            _ => Item::Binding(Binding { docs, names: vec![name], annotation: None, value, span }),
        })
    }

    fn builder(&mut self, base: u32) -> Builder<'_> {
        Builder { source: self.words.source, base, sink: self.sink, too_deep: false }
    }

    /// Reads the tokens `start..end` by one of the grammar's `lone_…` rules: the pair inside and where its text starts.
    fn parse(&self, rule: Rule, start: usize, end: usize, part: Part) -> Result<(Pair<'a, Rule>, u32), Failure<'a>> {
        let words = self.words;
        let failure = |at| Failure { words, start, at, end, part };
        let (first, last) = (words.span(start), words.span(end.saturating_sub(1)));
        let text: &'a str = words.slice(first.to(last));
        let mut pairs = Grammar::parse(rule, text).map_err(|error| {
            let offset = match error.location {
                InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
            };
            failure(words.index_at(first.start as usize + offset, start, end))
        })?;
        let inner = pairs.next().and_then(|lone| lone.into_inner().next());
        inner.map(|pair| (pair, first.start)).ok_or_else(|| failure(start))
    }
}
