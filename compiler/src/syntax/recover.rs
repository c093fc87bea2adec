//! What to say where a text does not follow the grammar.

use pest::Parser;
use pest::error::InputLocation;

use super::ast::Network;
use super::grammar::{Grammar, Rule};
use super::scan::Token;
use crate::diagnostic::codes::N0013;
use crate::diagnostic::{Sink, quote};
use crate::source::{SourceId, Span};

/// The networks of a text, as far as they can be read.
pub(super) fn recover(source: SourceId, text: &str, tokens: &[Token], sink: &mut Sink) -> Vec<Network> {
    if let Err(error) = Grammar::parse(Rule::file, text) {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let token = tokens.iter().find(|token| token.span.start as usize >= at);
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let span = token.map_or(Span::new(source, end, end), |token| token.span);
        let found = text.get(span.range()).filter(|found| !found.is_empty()).map_or("the end".to_owned(), quote);
        sink.error(N0013, format!("unexpected {found}")).primary(span, "");
    }
    Vec::new()
}
