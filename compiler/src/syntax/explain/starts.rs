//! The first words of a statement, and what ends the one before.

use super::{Failure, Part, report, report_fix, short};
use crate::diagnostic::codes::N0013;
use crate::diagnostic::{Sink, suggest};
use crate::source::Span;
use crate::syntax::keywords::{KEYWORDS, is_keyword};
use crate::syntax::scan::TokenKind;

/// The title where a statement was expected.
pub(super) fn usual_start(failure: &Failure<'_>) -> String {
    format!("expected {}, found {}", failure.part.name(), failure.words.found(failure.at))
}

/// The first words of a statement.
pub(super) fn explain_start(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    let found = words.found(at);
    if at == start && matches!(words.text(start), "train" | "prune") {
        let title = format!("expected `{{` after `{}`, found {}", words.text(start), words.found(start + 1));
        return report(sink, N0013, title, words.span(start + 1), None);
    }
    if at == start && !part.is_header() {
        let after_semicolon = at.checked_sub(1).is_some_and(|before| words.text(before) == ";");
        let is_sign = words.kind(at) == Some(TokenKind::Sign);
        if words.goes_on(at) {
            let semicolon = words.span(at - 1);
            sink.error(N0013, format!("this `;` ends a statement that goes on with {found}"))
                .primary(semicolon, "")
                .secondary(words.span(at), "expected a statement here")
                .fix("leave it out", semicolon, "");
            return true;
        }
        if words.text(at) == "{" && words.is_train_entry(at + 1) {
            let title = format!("expected {}, found {found}", part.name());
            let (help, place) = ("the section starts with its name: `train { … }`".to_owned(), words.span(at));
            return report_fix(sink, N0013, (title, place), help, place.before(), "train ");
        }
        let help = match words.text(at) {
            "(" | "[" => Some("several results are named without brackets: `a, b = …`".to_owned()),
            _ if after_semicolon && is_sign && words.continues(at, part) => {
                Some("the `;` before it ends the statement; remove that to go on".to_owned())
            }
            _ => None,
        };
        return report(sink, N0013, format!("expected {}, found {found}", part.name()), words.span(at), help);
    }
    if words.text(start) == "output" && at == start + 1 && words.text(at) == ":" {
        let value = Some(words.text(at + 1)).filter(|_| words.text(at + 2) == ";").map_or("…", short);
        let name = if value == "…" { "name" } else { value };
        let help = format!("an output has a name and a value: `output {name} = {value};`");
        let (given, after) = (words.text(at + 1), words.span(at + 1));
        let is_bound =
            !sink.is_full() && (0..start).any(|place| words.text(place) == given && words.text(place + 1) == "=");
        if value == given && is_bound {
            let title = (format!("expected a name, found {found}"), words.span(at));
            return report_fix(sink, N0013, title, help, words.span(at).to(after), &format!(" {given} = {given}"));
        }
        return report(sink, N0013, format!("expected a name, found {found}"), words.span(at), Some(help));
    }
    if part == Part::Statement && at == start + 1 && words.kind(start) == Some(TokenKind::Word) {
        let help = match words.text(start) {
            word if is_keyword(word) => return false,
            word @ ("let" | "var" | "val" | "def") if words.text(at + 1) == "=" => {
                let span = words.span(start);
                let mended = Span { end: words.span(at).start, ..span };
                let (title, help) = (format!("expected `=`, found {found}"), format!("leave out `{word}`"));
                return report_fix(sink, N0013, (title, words.span(at)), help, mended, "");
            }
            "let" | "var" | "val" | "def" => Some("a statement starts with the name: `name = …`".to_owned()),
            word @ ("lr" | "keep") if words.text(at) == "(" => {
                let section = if word == "lr" { "train" } else { "prune" };
                Some(format!("it is an entry of `{section}`: `{section} {{ {word}(…): …; }}`"))
            }
            _ if matches!(words.text(at), "->" | "(" | "+" | "-" | "*" | "/") => {
                Some("give the value a name, `name = …`; a block gives it back by `return …`, a network by `output name = …`".to_owned())
            }
            word => {
                let keywords = KEYWORDS.iter().copied().filter(|word| word.len() > 2);
                let keywords = keywords.chain(["labels", "train", "prune"]);
                let meant = if word == "training" { Some("train") } else { suggest(word, keywords) };
                if let Some(meant) = meant {
                    let title = format!("expected {}, found {}", part.name(), words.found(start));
                    let typo = words.span(start);
                    sink.error(N0013, title).primary(typo, "").did_you_mean(meant, typo);
                    return true;
                }
                None
            }
        };
        return report(sink, N0013, format!("expected `=`, found {found}"), words.span(at), help);
    }
    if words.text(start) == "output" && at == start + 2 && matches!(words.text(at), ";" | ",") && !sink.is_full() {
        let name = words.text(at - 1);
        let title = format!("expected `=`, found {found}");
        let is_bound = (0..start).any(|place| words.text(place) == name && words.text(place + 1) == "=");
        if words.text(at) == ";" && is_bound {
            let help = format!("an output is given its value: `output {name} = {name};`");
            return report_fix(
                sink,
                N0013,
                (title, words.span(at)),
                help,
                words.span(at).before(),
                &format!(" = {name}"),
            );
        }
        let help = match words.text(at) {
            "," => "each output is a statement of its own: `output a = …; output b = …;`".to_owned(),
            _ => format!("an output is given its value: `output {name} = …;`"),
        };
        return report(sink, N0013, title, words.span(at), Some(help));
    }
    false
}
