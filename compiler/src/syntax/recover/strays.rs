//! What stands at the level of a file and starts nothing, and headers that begin with another word than their keyword.

use super::Recovery;
use crate::diagnostic::codes::{N0012, N0013, N0023};
use crate::diagnostic::{Report, quote, suggest};
use crate::source::Span;
use crate::syntax::explain::{self, Part};
use crate::syntax::grammar::Rule;
use crate::syntax::keywords::{is_keyword, is_level};
use crate::syntax::scan::TokenKind;

/// What programs in Python import, where this language has layers.
const LIBRARIES: &[&str] = &["torch", "torchvision", "tensorflow", "tf", "keras", "numpy", "jax", "flax"];

/// What a word is meant for that starts nothing at the level of the file.
fn meant_at_the_top(word: &str) -> Option<&'static str> {
    match word {
        "net" | "nn" | "model" | "module" | "class" | "struct" => Some("network"),
        "fn" | "fun" | "func" | "function" | "def" | "layer" => Some("block"),
        "import" | "include" | "require" => Some("use"),
        _ => suggest(word, ["network", "block", "use", "const", "allow", "warn", "deny"]),
    }
}

/// Says what a word is meant for.
fn report_meant(report: Report<'_>, word: &str, meant: &str, span: Span) {
    if matches!(word, "net" | "nn" | "model" | "module") {
        report.fix(format!("write `{meant}`"), span, meant);
    } else {
        report.did_you_mean(meant, span);
    }
}

impl Recovery<'_> {
    /// What stands outside of networks, up to the next one: one message.
    pub(super) fn stray(&mut self) {
        let start = self.at;
        let mut open = usize::from(self.word() == "{");
        let is_import = matches!(self.word(), "import" | "include" | "require" | "from");
        self.at += 1;
        while self.at < self.words.len() {
            // Each line of imports is a mistake of its own.
            if is_import && open == 0 && (self.words.text(self.at - 1) == ";" || self.words.on_new_line(self.at)) {
                break;
            }
            match self.word() {
                "network" | "block" => break,
                "(" if is_import => open += 1,
                ")" if is_import => open = open.saturating_sub(1),
                // `from fire use Fire;`
                "use" if is_import && !self.words.on_new_line(self.at) => {}
                "use" | "const" if open == 0 => break,
                word if open == 0 && is_level(word) => break,
                "{" => open += 1,
                "}" => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        // Doc comments before the next network are that network's.
        let end = self.at;
        while self.at > start + 1 && end < self.words.len() && self.words.kind(self.at - 1) == Some(TokenKind::Doc) {
            self.at -= 1;
        }
        // What follows braces that were lost is not blamed for them.
        if self.braces_lost || self.words.has_bad(start, self.at) {
            return;
        }
        let (word, span) = (self.words.text(start), self.words.span(start));
        if word == ";" {
            let title = format!("expected `network`, found {}", self.words.found(start));
            self.sink.error(N0013, title).primary(span, "").fix("remove it", span, "");
        } else if self.words.kind(start) == Some(TokenKind::Close) {
            let report = self.sink.error(N0012, format!("{} closes nothing", quote(word))).primary(span, "");
            if (start..self.at).all(|index| self.words.text(index) == "}") {
                report.fix("remove it", span.to(self.words.span(self.at - 1)), "");
            }
        } else if is_keyword(word) && self.words.begins(start, Part::Statement)
            || matches!(word, "train" | "prune")
            || matches!(self.words.text(start + 1), "=" | ":")
        {
            let report = self.sink.error(N0023, "this statement stands outside of a network").primary(span, "");
            match self.ended {
                Some((brace, what)) if brace + 1 == start => report
                    .secondary(self.words.span(brace), format!("the {what} ends here"))
                    .help(format!("statements stand before the brace that closes the {what}")),
                _ => report.help("statements stand in the braces of a network: `network Name { … }`"),
            };
        } else {
            self.stray_word(start);
        }
    }

    /// A word that starts nothing at the level of the file: what it is meant for.
    fn stray_word(&mut self, start: usize) {
        let (word, span) = (self.words.text(start), self.words.span(start));
        let is_import = matches!(word, "import" | "include" | "require" | "from");
        let title = format!("expected `network`, found {}", self.words.found(start));
        let report = self.sink.error(N0013, title).primary(span, "");
        let (file, kind) = (self.words.text(start + 1), self.words.kind(start + 1));
        if is_import && word != "from" && (file == "<" || kind == Some(TokenKind::Text)) {
            report.fix("write `use`", span, "use");
            return;
        }
        if is_import && LIBRARIES.contains(&file) {
            let line = span.to(self.words.span(self.at.saturating_sub(1)));
            report.fix("the layers are a part of the language: leave the line out", line, "");
            return;
        }
        if is_import && kind == Some(TokenKind::Word) {
            let end = (start..self.at).find(|index| matches!(self.words.text(*index), ";" | "{" | "}"));
            let end = end.filter(|end| self.words.text(*end) == ";");
            let help = explain::use_of(file);
            match end {
                Some(end) => report.may_fix(help, span.to(self.words.span(end)), format!("use <{file}>;")),
                None => report.help(help),
            };
            return;
        }
        if word == "from" && kind == Some(TokenKind::Text) && file.len() <= 40 {
            report.help(format!("write `use {file};`"));
            return;
        }
        if is_import && kind.is_none() {
            report.help(explain::use_of("fire"));
            return;
        }
        let meant = meant_at_the_top(word);
        let is_header = matches!(meant, Some("network" | "block")) && suggest(word, ["network", "block"]).is_none();
        match meant {
            // `class N(nn.Module):`, `def forward(self, x):`
            Some("network") if is_header && matches!(self.words.text(start + 2), "(" | ":") => {
                let name = if file.len() <= 40 { file } else { "Name" };
                report.help(format!(
                    "a network begins with its name, and has its statements in braces: `network {name} {{ … }}`"
                ));
            }
            Some("block") if is_header && self.words.text(start + 2) == "(" => {
                report.help(
                    "a block begins with its name and what it reads: `block Name(x: [H, W, C]) -> [H, W, C] { … }`",
                );
            }
            Some(meant) => {
                report_meant(report, word, meant, span);
            }
            None => {}
        }
    }

    /// What the header that stands here begins with, where its keyword is another word, or is missing.
    pub(super) fn header_behind(&self) -> Option<&'static str> {
        /// Most words and signs of parameters that are looked at.
        const FAR: usize = 256;
        let (words, at) = (self.words, self.at);
        let is_name = |index: usize| words.kind(index) == Some(TokenKind::Word) && !is_keyword(words.text(index));
        if !is_name(at) || matches!(self.word(), "train" | "prune") {
            return None;
        }
        let Some(meant) = meant_at_the_top(self.word()) else {
            let is_bare = words.text(at + 1) == "{" && words.text(at + 2) == "input";
            return is_bare.then_some("network");
        };
        let rule = match meant {
            "network" => Rule::lone_rest,
            "block" => Rule::lone_block_rest,
            _ => return None,
        };
        let brace = (at + 2..words.len().min(at + FAR)).find(|index| matches!(words.text(*index), "{" | "}" | ";"))?;
        let is_read = is_name(at + 1) && words.text(brace) == "{" && !words.has_bad(at, brace);
        (is_read && self.parse(rule, at + 1, brace, Part::Header).is_ok()).then_some(meant)
    }

    /// Tells of the word that stands in place of a header's keyword.
    pub(super) fn told_header(&mut self, meant: &'static str) {
        let (word, span) = (self.word(), self.words.span(self.at));
        let title = format!("expected `network`, found {}", self.words.found(self.at));
        let report = self.sink.error(N0013, title).primary(span, "");
        if self.words.text(self.at + 1) == "{" {
            report.fix("a network begins with its keyword: write `network`", span.before(), "network ");
        } else {
            report_meant(report, word, meant, span);
        }
    }
}
