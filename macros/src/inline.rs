//! Inline descriptions: tokens printed as text, with a table that leads from the text back to the tokens.

use proc_macro2::{Delimiter, Group, Literal, Spacing, Span, TokenStream, TokenTree};

/// Printed tokens.
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) table: Table,
}

/// For each token in order, the bytes it takes in the text, and its span.
#[derive(Default)]
pub(crate) struct Table(Vec<(usize, usize, Span)>);

impl Table {
    /// The spans of the first and the last token that some bytes of the text touch; of the token before them if they
    /// touch none, as the end of the text does.
    pub(crate) fn spans(&self, start: usize, end: usize) -> (Span, Span) {
        let touched = || self.0.iter().filter(|&&(from, to, _)| from < end.max(start + 1) && to > start);
        let first = touched().next();
        let last = touched().next_back();
        if let (Some(&(_, _, first)), Some(&(_, _, last))) = (first, last) {
            return (first, last);
        }
        let before = self.0.iter().rev().find(|&&(_, to, _)| to <= start).or_else(|| self.0.first());
        before.map_or_else(|| (Span::call_site(), Span::call_site()), |&(_, _, span)| (span, span))
    }
}

/// Prints the tokens of a description.
pub(crate) fn print(tokens: TokenStream) -> Printed {
    let mut printed = Printed { text: String::new(), table: Table::default() };
    stream(tokens, &mut printed);
    printed
}

fn stream(tokens: TokenStream, printed: &mut Printed) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(hash) if hash.as_char() == '#' => {
                let doc = match tokens.peek() {
                    Some(TokenTree::Group(group)) => doc_comment(group),
                    _ => None,
                };
                match doc {
                    Some(text) => {
                        tokens.next();
                        for line in text.lines() {
                            push(printed, &format!("\n///{line}\n"), hash.span());
                        }
                    }
                    None => push(printed, "#", hash.span()),
                }
            }
            TokenTree::Punct(punct) => {
                push(printed, &punct.as_char().to_string(), punct.span());
                if punct.spacing() == Spacing::Alone {
                    printed.text.push(' ');
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{\n", "}\n"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(printed, open, group.span_open());
                stream(group.stream(), printed);
                push(printed, close, group.span_close());
                printed.text.push(' ');
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                push(printed, &token.to_string(), token.span());
                printed.text.push(' ');
            }
        }
    }
}

fn push(printed: &mut Printed, text: &str, span: Span) {
    let start = printed.text.len();
    printed.text.push_str(text);
    printed.table.0.push((start, printed.text.len(), span));
}

/// The text of `[doc = "…"]`.
fn doc_comment(group: &Group) -> Option<String> {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(doc), TokenTree::Punct(_), TokenTree::Literal(text)] if doc == "doc" => Some(unquote(text)),
        _ => None,
    }
}

fn unquote(literal: &Literal) -> String {
    let text = literal.to_string();
    let raw = text.strip_prefix('r').map(|raw| raw.trim_matches('#'));
    let inner = raw.unwrap_or(&text).trim_start_matches('"').trim_end_matches('"');
    if raw.is_some() { inner.to_owned() } else { inner.replace("\\\"", "\"").replace("\\\\", "\\").replace("\\'", "'") }
}
