//! The way from text to tree: limits first, then the grammar, then, where the text does not follow it, recovery.

use pest::Parser;
use pest::error::{Error, ErrorVariant};

use super::ast::File;
use super::build::Builder;
use super::grammar::{Grammar, Rule};
use super::limits::{MAX_BRACKETS, MAX_TEXT_BYTES, MAX_TOKENS};
use super::recover::recover;
use super::scan::{Token, TokenKind, scan};
use super::words::Words;
use crate::diagnostic::Sink;
use crate::diagnostic::codes::{N0001, N0002, N0003, N0013};
use crate::source::{SourceId, SourceMap, Span};

/// Reads one text. Mistakes go to `sink`; the tree holds what could be read, with [`ExprKind::Error`] for values that
/// could not, so that later passes can find further mistakes. A text beyond the [limits](super::limits) gives an
/// empty tree.
///
/// [`ExprKind::Error`]: super::ast::ExprKind::Error
pub fn parse(source: SourceId, map: &SourceMap, sink: &mut Sink) -> File {
    let text = map.text(source);
    let span = map.span(source);
    let empty = File::empty(span);
    if text.len() > MAX_TEXT_BYTES {
        sink.error(N0001, format!("the text has {} bytes, more than the limit of {MAX_TEXT_BYTES}", text.len()))
            .primary(span.before(), "");
        return empty;
    }
    let mut scan_sink = Sink::new();
    let tokens = scan(source, text, &mut scan_sink);
    let scanned_clean = scan_sink.is_empty();
    sink.append(scan_sink);
    if !within_limits(&tokens, text, sink) {
        return empty;
    }
    // The grammar calls itself for every bracket: it gets the stack for as many as there may be, whatever the thread has.
    stacker::maybe_grow(STACK, STACK, || read(source, text, &tokens, span, scanned_clean, sink))
}

/// Stack for texts at the limits of nesting, in a build without optimisation too.
const STACK: usize = 32 << 20;

/// Reads a text within the limits: by the grammar, else statement by statement.
fn read(source: SourceId, text: &str, tokens: &[Token], span: Span, scanned_clean: bool, sink: &mut Sink) -> File {
    let empty = File::empty(span);
    if scanned_clean {
        match Grammar::parse(Rule::file, text) {
            Ok(mut pairs) => {
                let mut builder = Builder { source, base: 0, sink, too_deep: false };
                return pairs.next().map_or(empty, |file| builder.file(file, span));
            }
            // pest's only errors of its own kind are its limits, and no number of calls is set.
            Err(Error { variant: ErrorVariant::CustomError { .. }, .. }) => {
                sink.error(N0002, "brackets are nested too deeply for the stack of this thread")
                    .primary(span.before(), "");
                return empty;
            }
            Err(_) => {}
        }
    }
    let n_before = sink.n_recorded();
    let file = recover(Words::new(source, text, tokens), span, sink);
    if scanned_clean && sink.n_recorded() == n_before {
        // The grammar refused what recovery accepts: no message would mean an unnoticed mistake.
        sink.error(N0013, "the text does not follow the grammar").primary(span.before(), "");
    }
    file
}

/// Reports more tokens or open brackets than the limits allow.
fn within_limits(tokens: &[Token], text: &str, sink: &mut Sink) -> bool {
    if let Some(token) = tokens.get(MAX_TOKENS) {
        sink.error(
            N0003,
            format!("the text has {} words and signs, more than the limit of {MAX_TOKENS}", tokens.len()),
        )
        .primary(token.span, "the first beyond the limit");
        return false;
    }
    let mut open: Vec<Span> = Vec::new();
    for token in tokens {
        match token.kind {
            TokenKind::Open => open.push(token.span),
            TokenKind::Close => {
                open.pop();
            }
            // Brackets other than braces end with their statement at the latest, so a missing one does not add up.
            TokenKind::Sign if text.get(token.span.range()) == Some(";") => {
                while open.last().is_some_and(|bracket| text.get(bracket.range()) != Some("{")) {
                    open.pop();
                }
            }
            _ => {}
        }
        if open.len() > MAX_BRACKETS {
            sink.error(N0002, format!("brackets are nested more than {MAX_BRACKETS} deep"))
                .primary(token.span, "")
                .help("name a part of the expression and use the name");
            return false;
        }
    }
    true
}
