//! Messages for rustc: `compile_error!` at the tokens that are to blame.

use netwright_compiler::diagnostic::{Diagnostic, Sink, Style, quote as quote_text, render};
use netwright_compiler::source::{SourceId, SourceMap};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::inline::Table;
use crate::invocation::Override;

/// Where a description's mistakes are shown.
pub(crate) enum Place {
    /// At the path of its file; the message brings the file's own line.
    Literal(Span),
    /// At the tokens that name it, between these two.
    Tokens(Span, Span),
    /// At its own tokens.
    Inline(Table),
}

/// A mistake in the invocation itself.
pub(crate) struct Error {
    first: Span,
    last: Span,
    message: String,
}

impl Error {
    /// A mistake at one token.
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { first: span, last: span, message: message.into() }
    }

    /// A mistake from one token to another.
    pub(crate) fn between(first: Span, last: Span, message: impl Into<String>) -> Self {
        Self { first, last, message: message.into() }
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        compile_error(self.first, self.last, &self.message)
    }
}

/// One `compile_error!` for each error of the sink.
pub(crate) fn diagnostics(
    sink: &Sink,
    map: &SourceMap,
    main: SourceId,
    place: &Place,
    overrides: &[Override],
) -> TokenStream {
    let errors = sink.diagnostics();
    let errors = errors.iter().filter(|d| d.level == netwright_compiler::diagnostic::Level::Error);
    let mut tokens: TokenStream = errors.map(|diagnostic| one(diagnostic, map, main, place, overrides)).collect();
    let omitted = sink.n_omitted();
    if omitted > 0 {
        let (first, last) = match place {
            Place::Literal(span) => (*span, *span),
            Place::Tokens(first, last) => (*first, *last),
            Place::Inline(_) => (Span::call_site(), Span::call_site()),
        };
        tokens.extend(compile_error(first, last, &format!("and {omitted} more errors")));
    }
    tokens
}

fn one(diagnostic: &Diagnostic, map: &SourceMap, main: SourceId, place: &Place, overrides: &[Override]) -> TokenStream {
    if let Some(given) = overrides.iter().find(|given| diagnostic.given.as_ref() == Some(&given.name)) {
        return compile_error(given.first, given.last, &rendered(diagnostic, map));
    }
    match place {
        Place::Literal(span) => compile_error(*span, *span, &rendered(diagnostic, map)),
        Place::Tokens(first, last) => compile_error(*first, *last, &rendered(diagnostic, map)),
        // In a file that the description uses: the message brings that file's own line.
        Place::Inline(_) if diagnostic.primary.span.source != main => {
            compile_error(Span::call_site(), Span::call_site(), &rendered(diagnostic, map))
        }
        Place::Inline(table) => {
            let range = diagnostic.primary.span.range();
            let (first, last) = table.spans(range.start, range.end);
            compile_error(first, last, &in_words(diagnostic, map))
        }
    }
}

/// The message with the file's own line; rustc prints `error: ` before it.
fn rendered(diagnostic: &Diagnostic, map: &SourceMap) -> String {
    let text = render(diagnostic, map, Style::Plain);
    let text = text.trim_end();
    text.strip_prefix("error").map_or_else(|| text.to_owned(), |rest| rest.replacen("]: ", "] ", 1))
}

/// A message about a file with paths as they are in the package.
pub(crate) fn in_package(message: &str, root: Option<&std::path::Path>) -> String {
    let Some(root) = root.map(|root| root.display().to_string()) else { return message.to_owned() };
    message.replace(&format!("`{root}`"), "this package").replace(&format!("{root}/"), "")
}

/// Most characters of a description that a note quotes.
const MAX_QUOTED: usize = 60;

/// The message without a picture of the source, which rustc draws itself.
fn in_words(diagnostic: &Diagnostic, map: &SourceMap) -> String {
    let mut text = format!("[{}] {}", diagnostic.code, diagnostic.title);
    if !diagnostic.primary.text.is_empty() {
        text.push_str(&format!("\n{}", diagnostic.primary.text));
    }
    for label in diagnostic.secondary.iter().filter(|label| !label.text.is_empty()) {
        let place = map.slice(label.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let place: String = place.chars().take(MAX_QUOTED).collect();
        text.push_str(&format!("\nnote: {}: {}", quote_text(&place), label.text));
    }
    let notes = diagnostic.notes.iter().map(|note| format!("\nnote: {note}"));
    let helps = diagnostic.helps.iter().map(|help| format!("\nhelp: {help}"));
    text.extend(notes.chain(helps));
    text
}

/// `compile_error!` that rustc underlines from one span to another.
fn compile_error(first: Span, last: Span, message: &str) -> TokenStream {
    let mut tokens = quote_spanned!(first=> ::core::compile_error!);
    tokens.extend(quote_spanned!(last=> { #message }));
    tokens
}
