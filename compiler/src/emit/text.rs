//! Generated code as text: formatted, with its comments.

use proc_macro2::TokenStream;

/// How the formatter writes the start and the end of a comment marker.
const MARKER: (&str, &str) = ("__comment!(", ");");

/// Formats emitted code, turns its comment markers into comments and sets its parts apart.
///
/// # Errors
///
/// If the code does not parse, which is a bug of the emitter; the message says where.
pub fn to_text(tokens: TokenStream) -> Result<String, String> {
    let file = syn::parse2(tokens).map_err(|error| format!("the generated code does not parse: {error}"))?;
    let formatted = prettyplease::unparse(&file);
    let mut lines = formatted.lines();
    let mut text = String::new();
    let mut before = "";
    while let Some(line) = lines.next() {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        let comment = rest.strip_prefix(MARKER.0).and_then(|rest| match rest.strip_suffix(MARKER.1) {
            Some(literal) => Some(literal),
            // A long marker takes three lines; the literal is on the second.
            None => {
                let literal = lines.next().map(str::trim);
                lines.next();
                literal
            }
        });
        if is_apart(before, rest, comment.is_some()) {
            text.push('\n');
        }
        match comment {
            Some(literal) => {
                let words = literal.trim_start_matches('"').trim_end_matches('"').replace("\\\"", "\"");
                text.push_str(&format!("{indent}// {words}\n"));
                before = "//";
            }
            None => {
                text.push_str(&format!("{line}\n"));
                before = rest;
            }
        }
    }
    Ok(text)
}

/// Whether a blank line stands between two lines: before a commented step, and after each item of several lines.
fn is_apart(before: &str, line: &str, is_comment: bool) -> bool {
    let starts = ["fn ", "pub fn ", "impl ", "static ", "const ", "///", "#[", "struct ", "pub struct "];
    let ends_item = before == "}" || before == "};";
    match is_comment {
        true => !before.is_empty() && !before.ends_with('{'),
        false => ends_item && starts.iter().any(|start| line.starts_with(start)),
    }
}
