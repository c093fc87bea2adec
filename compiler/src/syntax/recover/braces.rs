//! What stands in braces, and braces that are missing.

use pest::iterators::Pair;

use super::Recovery;
use crate::diagnostic::codes::{N0012, N0013};
use crate::diagnostic::{quote, suggest};
use crate::source::Span;
use crate::syntax::ast::{Binding, Braces, Budget, ExprKind, Item, Output, Section};
use crate::syntax::explain::{COMMENT, Failure, Part, explain};
use crate::syntax::grammar::Rule;
use crate::syntax::keywords::{is_keyword, reserved_for};
use crate::syntax::limits::MAX_BRACKETS;
use crate::syntax::scan::TokenKind;
use crate::syntax::words::{Words, is_deeper};

/// What to write for `i = 0; i < 3; i++`, which starts at a token.
fn c_loop(words: Words<'_>, start: usize) -> String {
    // A type may stand before the name.
    let start = start + usize::from(words.text(start + 1) != "=");
    let [name, is, from, _, _, less, to, end] = std::array::from_fn(|offset| words.text(start + offset));
    if (is, less, end) == ("=", "<", ";") && [name, from, to].iter().all(|word| word.len() <= 20) {
        return format!("a loop runs over a range or a list: `for {name} in {from}..{to} {{ … }}`");
    }
    "a loop runs over a range or a list: `for i in 0..3 { … }`, `for width in [64, 128] { … }`".to_owned()
}

/// What stands in a section.
fn section_items(keyword: &str) -> &'static str {
    if keyword == "budget" { "limits" } else { "entries" }
}

/// The start of a section.
struct Opened<'a> {
    /// Its name.
    start: Span,
    /// What opens it, or stands where that is missing.
    span: Span,
    /// What closes it; `None` where nothing opens it.
    closer: Option<&'a str>,
}

/// A brace that may be the one that is not closed.
pub(super) struct Suspect {
    opener: Span,
    /// What stands in it.
    what: &'static str,
    /// The brace that closed it.
    closer: Span,
}

impl<'a> Recovery<'a> {
    /// A header and the items in the braces after it; each, if it could be read.
    #[allow(clippy::type_complexity, reason = "the two halves of a construct")]
    pub(super) fn braced(&mut self, rule: Rule, part: Part) -> (Option<(Pair<'a, Rule>, u32)>, Option<Braces>) {
        let start = self.at;
        let ends_header = |word| matches!(word, "{" | "}" | ";" | "network" | "block" | "train" | "prune");
        self.at += 1;
        let mut depth = 0_usize;
        while self.at < self.words.len() && !ends_header(self.word()) {
            // A brace that is missing before the statements in it.
            let begins = match part.is_nested() || depth == 0 {
                true => self.words.begins(self.at, Part::Statement),
                false => self.words.starts_statement(self.at),
            };
            if begins && self.words.on_new_line(self.at) {
                break;
            }
            match self.words.kind(self.at) {
                Some(TokenKind::Open) => depth += 1,
                Some(TokenKind::Close) => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        let header = if self.words.has_bad(start, self.at) {
            Err(())
        } else {
            let is_rest = matches!(rule, Rule::lone_rest | Rule::lone_block_rest) && self.at > start + 1;
            self.parse(rule, start + usize::from(is_rest), self.at, part).map_err(|failure| {
                let failure = Failure { start, ..failure };
                explain(&failure, self.sink);
                self.later_parameters(&failure);
            })
        };
        let opener = self.words.span(self.at);
        if self.word() == "{" {
            self.at += 1;
            let braces = self.items(opener, part.body());
            return (header.ok(), Some(braces));
        }
        if header.is_ok() {
            let title = format!("expected `{{` after the {}, found {}", part.noun(), self.words.found(self.at));
            let place = self.words.span(self.at - 1).after();
            let report = self.sink.error(N0013, title).primary(place, "expected `{`");
            if self.words.is_commented_out(place, '{') {
                report.help(COMMENT);
            }
        }
        if part.is_nested() && self.word() != ";" {
            self.opener_lost = true;
            let braces = self.items(opener, part.body());
            return (header.ok(), Some(braces));
        }
        self.braces_lost = true;
        if part.is_nested() {
            self.at += 1;
        } else {
            while self.at < self.words.len() && !matches!(self.word(), "network" | "block") {
                self.at += 1;
            }
        }
        (header.ok(), None)
    }

    /// Reads the parameters behind one that cannot be read, each by itself: every mistake of a header is told at once.
    fn later_parameters(&mut self, failure: &Failure<'a>) {
        let Failure { words, start, at, end, part } = *failure;
        let opener = start + 2;
        if part.is_nested() || words.text(opener) != "(" || at <= opener {
            return;
        }
        let Some(commas) = words.commas(opener, end) else { return };
        let later = commas.iter().skip_while(|comma| **comma < at);
        for (comma, next) in later.clone().zip(later.clone().skip(1)) {
            if self.sink.n_recorded() >= self.limit {
                return;
            }
            let first = comma + 1;
            if first < *next
                && let Err(failure) = self.parse(Rule::lone_parameter, first, *next, part)
            {
                explain(&Failure { start, end, ..failure }, self.sink);
            }
        }
    }

    /// Reads a loop whose names and values stand in parentheses, as in other languages; `false` where they do not.
    pub(super) fn loop_in_parentheses(&mut self) -> bool {
        let (words, opener) = (self.words, self.at + 1);
        if words.text(opener) != "(" {
            return false;
        }
        let mut depth = 0_usize;
        let closer = (opener..words.len()).take_while(|index| !matches!(words.text(*index), "{" | "}")).find(|index| {
            match words.text(*index) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some(closer) = closer.filter(|closer| words.text(closer + 1) == "{") else { return false };
        let span = words.span(opener).to(words.span(closer));
        if !words.has_bad(opener, closer) {
            let inside = Span { start: words.span(opener).end, end: words.span(closer).start, ..span };
            let has_in = (opener..closer).any(|index| words.text(index) == "in");
            let report = self
                .sink
                .error(N0013, format!("expected a name, found {}", words.found(opener)))
                .primary(words.span(opener), "");
            if has_in {
                let inside = words.slice(inside).trim();
                let shown = if inside.len() <= 40 { inside } else { "…" };
                report.fix(format!("a loop has no parentheses: `for {shown} {{ … }}`"), span, inside);
            } else {
                report.help(c_loop(words, opener + 1));
            }
        }
        self.at = closer + 2;
        self.items(words.span(closer + 1), Part::Repetition.body());
        true
    }

    /// The items up to the closing brace, with both braces.
    pub(super) fn items(&mut self, opener: Span, what: &'static str) -> Braces {
        // Braces that are missing count too, so that headers without them do not nest without end.
        if self.open.len() >= MAX_BRACKETS {
            self.at = self.words.len();
            self.braces_lost = true;
            return Braces { items: Vec::new(), span: opener };
        }
        self.open.push(self.words.indentation(opener));
        let (items, end) = self.items_inside(opener, what);
        self.open.pop();
        Braces { items, span: opener.to(end) }
    }

    /// Whether the next token begins a line that is indented more than that of the innermost open brace.
    fn stands_deeper(&self) -> bool {
        let own = self.words.indentation(self.words.span(self.at));
        self.words.on_new_line(self.at) && is_deeper(own, self.open.last().copied().flatten())
    }

    /// The items up to the closing brace, and the span of that brace.
    fn items_inside(&mut self, opener: Span, what: &'static str) -> (Vec<Item>, Span) {
        let mut items = Vec::new();
        loop {
            self.gives_up();
            let (docs, docs_span) = self.docs();
            let span = self.words.span(self.at);
            match self.word() {
                _ if self.is_misnamed() => items.extend(self.statement(docs)),
                "block" if self.stands_deeper() => {
                    self.sink
                        .error(N0013, "a block stands in the braces of another, or of a network")
                        .primary(span, "")
                        .help("blocks stand at the level of the file");
                    let block = self.block(docs);
                    self.inner.extend(block);
                }
                "}" | "" | "network" | "block" => {
                    self.lost_docs(docs_span.filter(|_| !matches!(self.word(), "network" | "block")));
                    self.close(opener, what);
                    return (items, span);
                }
                _ if self.is_closed_otherwise(self.open.last().copied().flatten()) => {
                    self.close_otherwise(opener);
                    return (items, span);
                }
                // The brace before it is missing.
                "else" if what == "branch" => {
                    self.close(opener, what);
                    return (items, span);
                }
                "train" if self.starts_section() => items.push(Item::Train(self.section("train", docs))),
                "prune" if self.starts_section() => items.push(Item::Prune(self.section("prune", docs))),
                "budget" if self.starts_budget() => items.push(Item::Budget(self.budget())),
                "for" => items.extend(self.repetition()),
                "if" => items.extend(self.condition()),
                "else" => {
                    if !self.braces_lost {
                        self.sink.error(N0013, "`else` without `if`").primary(span, "");
                    }
                    self.at += 1;
                    let opener = self.words.span(self.at);
                    if self.word() == "{" {
                        self.at += 1;
                        self.items(opener, "branch");
                    }
                }
                word if self.starts_reserved(word) => self.reserved_construct(),
                _ if self.words.is_train_entry(self.at) => self.lost_section(),
                _ => {
                    if let Some(section) = self.misspelt_section(&docs) {
                        items.push(section);
                        continue;
                    }
                    // What goes on behind a `;` is lost, and with it the value before.
                    if self.words.goes_on(self.at)
                        && let Some(Item::Binding(Binding { value, .. }) | Item::Output(Output { value, .. })) =
                            items.last_mut()
                    {
                        value.kind = ExprKind::Error;
                    }
                    items.extend(self.statement(docs));
                }
            }
        }
    }

    /// Whether a keyword that starts something in braces is meant to be a name: it is given a value.
    fn is_misnamed(&self) -> bool {
        let is_starter = matches!(self.word(), "network" | "block" | "for" | "if" | "else");
        is_starter && self.words.text(self.at + 1) == "="
    }

    /// A section whose name is misspelt: that is told, and the section read.
    fn misspelt_section(&mut self, docs: &[String]) -> Option<Item> {
        let (word, span) = (self.word(), self.words.span(self.at));
        let is_word = self.words.kind(self.at) == Some(TokenKind::Word) && !is_keyword(word);
        if !is_word || self.words.text(self.at + 1) != "{" {
            return None;
        }
        let meant = match word {
            "training" => "train",
            "pruning" => "prune",
            _ => suggest(word, ["train", "prune", "budget"])?,
        };
        let title = format!("expected {}, found {}", Part::Statement.name(), quote(word));
        self.sink.error(N0013, title).primary(span, "").did_you_mean(meant, span);
        Some(match meant {
            "train" => Item::Train(self.section("train", docs.to_vec())),
            "prune" => Item::Prune(self.section("prune", docs.to_vec())),
            _ => Item::Budget(self.budget()),
        })
    }

    /// Whether a word starts a construct of the coming version, rather than being misused as a name.
    fn starts_reserved(&self, word: &str) -> bool {
        reserved_for(word).is_some() && !matches!(self.words.text(self.at + 1), "=" | ":")
    }

    /// Whether a section has entries, be its brace there or not.
    fn starts_section(&self) -> bool {
        let next = self.at + 1;
        let has_entry = |at: usize| self.words.kind(at) == Some(TokenKind::Word) && self.words.text(at + 1) == ":";
        // A section on lines of its own, not `train(loss: …)`.
        let is_bracket = matches!(self.words.text(next), "(" | "[") && self.words.on_new_line(next + 1);
        let opens = |at: usize| has_entry(at) || self.words.text(at) == "{";
        opens(next) || self.words.text(next) == ":" && opens(next + 1) || is_bracket && has_entry(next + 1)
    }

    /// Whether a budget starts, rather than a value that is named like it.
    fn starts_budget(&self) -> bool {
        match self.words.text(self.at + 1) {
            "=" => false,
            ":" => self.words.text(self.at + 2) != "[",
            _ => true,
        }
    }

    /// Whether the next token stands where a brace closes what is open, in line with the blanks `around`, and is another end:
    /// `)`, `]` or a word of other languages.
    fn is_closed_otherwise(&self, around: Option<&str>) -> bool {
        let (words, at) = (self.words, self.at);
        let is_end = match words.text(at) {
            ")" | "]" => true,
            "end" | "endif" | "endfor" | "fi" | "done" => words.kind(at + 1).is_none() || words.on_new_line(at + 1),
            _ => false,
        };
        let own = words.indentation(words.span(at));
        // Where the brace follows, this is one too many.
        is_end
            && words.on_new_line(at)
            && own.is_some()
            && own == around
            && !(words.text(at + 1) == "}" && words.indentation(words.span(at + 1)) == own)
    }

    /// Passes what closes `opener` and is no brace.
    fn close_otherwise(&mut self, opener: Span) {
        let (found, span) = (quote(self.word()), self.words.span(self.at));
        self.sink
            .error(N0012, format!("expected `}}`, found {found}"))
            .primary(span, "")
            .secondary(opener, "opened here")
            .fix("write `}`", span, "}");
        self.at += 1;
    }

    /// Reads a section's name and what opens it, which is told where it is no brace.
    fn open_section(&mut self, keyword: &str) -> Opened<'a> {
        let start = self.words.span(self.at);
        self.at += 1;
        let span = self.words.span(self.at);
        let mut opened = Opened { start, span, closer: Some("}") };
        if self.word() == "{" {
            self.at += 1;
            return opened;
        }
        if self.word() == ":" && self.words.text(self.at + 1) == "{" {
            let title = format!("there is no `:` after `{keyword}`");
            self.sink.error(N0013, title).primary(span, "").fix(format!("write `{keyword} {{`"), span, "");
            opened.span = self.words.span(self.at + 1);
            self.at += 2;
            return opened;
        }
        let title = format!("expected `{{` after `{keyword}`, found {}", self.words.found(self.at));
        let help = format!("a section has its {} in braces: `{keyword} {{ … }}`", section_items(keyword));
        self.sink.error(N0013, title).primary(span, "").help(help);
        opened.closer = match self.word() {
            "(" => Some(")"),
            "[" => Some("]"),
            _ => None,
        };
        let bracket = self.at;
        self.at += usize::from(matches!(self.word(), "(" | "[" | ":"));
        // What is written as arguments has a last one without a `;`.
        let partner = opened.closer.and_then(|_| self.words.commas(bracket, self.words.len())?.pop());
        if let Some(partner) = partner.filter(|partner| self.words.text(partner - 1) != ";") {
            self.at = partner;
        }
        opened
    }

    /// Passes the end of a section, where it stands here.
    fn ends_section(&mut self, opened: &Opened<'_>, starts_item: bool) -> bool {
        let word = self.word();
        match opened.closer {
            Some("}") if matches!(word, "}" | "") || starts_item => self.close(opened.span, "section"),
            Some("}") if self.is_closed_otherwise(self.words.indentation(opened.start)) => {
                self.close_otherwise(opened.span)
            }
            Some("}") => return false,
            Some(closer) if word == closer || word == "}" => {
                self.at += 1;
                // `budget (…);`
                self.at += usize::from(self.word() == ";");
            }
            None if matches!(word, "train" | "prune" | "budget") => {}
            None if word == "}" => {
                // On a line of its own it is the section's where it stands in line with that.
                let own = self.words.indentation(self.words.span(self.at));
                let is_own = !self.words.on_new_line(self.at) || own == self.words.indentation(opened.start);
                self.at += usize::from(is_own);
            }
            _ if word.is_empty() || starts_item => {}
            _ => return false,
        }
        true
    }

    /// Whether a statement stands in the braces of a section by its place: on the line of its brace, or deeper than its line.
    fn stands_inside(&self, opened: &Opened<'_>) -> bool {
        let (words, place) = (self.words, self.words.span(self.at));
        let between = Span { start: opened.span.end, end: place.start, ..place };
        is_deeper(words.indentation(place), words.indentation(opened.start)) || !words.slice(between).contains('\n')
    }

    /// Reports a statement among the entries of a section, and passes it.
    fn misplaced(&mut self) {
        let found = self.words.found(self.at);
        self.sink
            .error(N0013, format!("expected {}, found {found}", Part::Entry.name()))
            .primary(self.words.span(self.at), "")
            .help("this is a statement of the network: it stands outside of the section");
        let mut open = 0_usize;
        while self.at < self.words.len() {
            match self.word() {
                "{" => open += 1,
                "}" if open == 0 => return,
                "}" => open -= 1,
                _ => {}
            }
            let is_end =
                open == 0 && (self.word() == ";" || self.word() == "}" && self.words.text(self.at + 1) != "else");
            self.at += 1;
            if is_end {
                return;
            }
        }
    }

    fn section(&mut self, keyword: &str, docs: Vec<String>) -> Section {
        let opened = self.open_section(keyword);
        let mut entries = Vec::new();
        loop {
            let (_, docs_span) = self.docs();
            self.lost_docs(docs_span);
            let end = self.words.span(self.at);
            let word = self.word();
            let starts_item = is_keyword(word)
                && !matches!(self.words.text(self.at + 1), "=" | ":")
                && reserved_for(word).is_none()
                && self.words.begins(self.at, Part::Statement);
            if starts_item && opened.closer == Some("}") && self.stands_inside(&opened) {
                self.misplaced();
                continue;
            }
            if self.ends_section(&opened, starts_item) {
                return Section { docs, entries, span: opened.start.to(end) };
            }
            if self.starts_reserved(word) {
                self.reserved_construct();
            } else if let Ok((pair, base)) = self.piece(Rule::lone_entry, Part::Entry) {
                entries.extend(self.builder(base).entry(pair));
            }
        }
    }

    /// Entries of `train` among statements: one message, and the brace that closes what is not opened is passed.
    fn lost_section(&mut self) {
        let title = format!("expected a statement, found the entry {}", quote(self.word()));
        self.sink
            .error(N0013, title)
            .primary(self.words.span(self.at), "")
            .help("entries of `train` stand in its braces: `train { loss: …; batch: 64; }`");
        while self.words.is_train_entry(self.at) || self.word() == "lr" && self.words.text(self.at + 1) == "(" {
            let _ = self.piece(Rule::lone_entry, Part::Entry);
        }
        if self.word() != "}" {
            return;
        }
        let mut next = self.at + 1;
        while self.words.kind(next) == Some(TokenKind::Doc) {
            next += 1;
        }
        let is_last = matches!(self.words.text(next), "" | "network" | "block" | "use");
        let own = self.words.indentation(self.words.span(self.at));
        let is_own = match self.open.len() {
            1 => !is_last,
            _ => is_deeper(own, self.open.last().copied().flatten()),
        };
        self.at += usize::from(is_own);
    }

    fn budget(&mut self) -> Budget {
        let opened = self.open_section("budget");
        let mut limits = Vec::new();
        loop {
            let (_, docs_span) = self.docs();
            self.lost_docs(docs_span);
            let end = self.words.span(self.at);
            if self.ends_section(&opened, self.words.starts_statement(self.at)) {
                return Budget { limits, span: opened.start.to(end) };
            }
            if let Ok((pair, base)) = self.piece(Rule::lone_limit, Part::Limit) {
                limits.extend(self.builder(base).limit(pair));
            }
        }
    }

    /// Passes the closing brace of `opener`, or reports that it is missing.
    fn close(&mut self, opener: Span, what: &'static str) {
        if self.word() == "}" {
            self.suspect(opener, what);
            self.at += 1;
            return;
        }
        if std::mem::replace(&mut self.braces_lost, true) || self.opener_lost {
            return;
        }
        let title = if self.at < self.words.len() {
            format!("this `{{` is not closed before {}", self.words.found(self.at))
        } else {
            "this `{` is never closed".to_owned()
        };
        let suspect = self.suspect.take();
        let (opener, what) = suspect.as_ref().map_or((opener, what), |suspect| (suspect.opener, suspect.what));
        let mut report = self.sink.error(N0012, title).primary(opener, "");
        if let Some(Suspect { closer, .. }) = suspect {
            report = report.secondary(closer, "by its indentation, this closes another");
        }
        report.help(format!("end the {what} with `}}`"));
    }

    /// Notes that the brace here closes `opener`, though it stands in line with one further out.
    fn suspect(&mut self, opener: Span, what: &'static str) {
        let (words, closer) = (self.words, self.words.span(self.at));
        if self.suspect.is_some() || !words.on_new_line(self.at) || words.slice(opener) != "{" {
            return;
        }
        let (own, found) = (words.indentation(opener), words.indentation(closer));
        if is_deeper(own, found) && self.open.contains(&found) {
            self.suspect = Some(Suspect { opener, what, closer });
        }
    }
}
