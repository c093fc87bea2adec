//! Generated code as text: formatted, with its comments.

use proc_macro2::TokenStream;

/// Formats emitted code and turns its comment markers into comments.
///
/// # Errors
///
/// If the code does not parse, which is a bug of the emitter; the message says where.
pub fn to_text(tokens: TokenStream) -> Result<String, String> {
    let file = syn::parse2(tokens).map_err(|error| format!("the generated code does not parse: {error}"))?;
    let mut text = String::new();
    for line in prettyplease::unparse(&file).lines() {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        match rest.strip_prefix("__comment!(\"").and_then(|rest| rest.strip_suffix("\");")) {
            Some(comment) => text.push_str(&format!("{indent}// {}", comment.replace("\\\"", "\""))),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}
