//! The reference of the layers, made from their signatures: `docs/layers.md`, which a test keeps true.

use super::{Kind, Operands, SIGNATURES, Signature};

/// The page, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Layers\n\n\
         Every layer of the language, from the compiler's own table. Shapes are without the batch axis. A layer's tensor \
         stands left of `->`, or is its first argument: `x -> dense(10)` and `dense(x, 10)` are the same. Arguments come in \
         the order of the tables, or by name.\n\n\
         Initialisers: `zeros`, `ones`, `glorot_uniform`, `glorot_normal`, `he_uniform`, `he_normal`, `constant(x)`, \
         `normal(std)`, `uniform(limit)`.\n",
    );
    for signature in SIGNATURES {
        page.push_str(&section(signature));
    }
    page
}

fn section(signature: &Signature) -> String {
    let required = signature.arguments.iter().filter(|argument| argument.default == super::Default::Required);
    let names: Vec<String> = required
        .map(|argument| {
            if matches!(argument.kind, Kind::Count | Kind::Shape | Kind::Parts | Kind::Padding) {
                argument.name.to_owned()
            } else {
                format!("{0}: {0}", argument.name)
            }
        })
        .collect();
    let call = match (signature.operands, names.is_empty()) {
        (Operands::Several, _) => format!("{}(a, b, …)", signature.name),
        (Operands::One, true) => format!("x -> {}", signature.name),
        (Operands::One, false) => format!("x -> {}({})", signature.name, names.join(", ")),
    };
    let mut text = format!("\n## {}\n\n```text\n{call}\n```\n\n{}\n", signature.name, signature.docs);
    if !signature.arguments.is_empty() {
        text.push_str("\n| argument | is | default | |\n|---|---|---|---|\n");
        for argument in signature.arguments {
            let kind = argument.kind.describe();
            let default = match argument.default {
                super::Default::Required => "required".to_owned(),
                super::Default::Layer => String::new(),
                other => format!("`{other}`"),
            };
            text.push_str(&format!("| `{}` | {kind} | {default} | {} |\n", argument.name, argument.docs));
        }
    }
    if signature.weighted {
        text.push_str("\nIt has parameters, and so a name: `as NAME`, or its binding's, or its kind and a counter.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{SIGNATURES, reference};

    /// `NETWRIGHT_BLESS=1 cargo test -p netwright-compiler reference` writes the page anew.
    #[test]
    fn the_page_is_the_table() {
        let page = crate::diagnostic::codes::N0102.page();
        for signature in SIGNATURES {
            assert!(page.contains(&format!("`{}`", signature.name)), "the page of N0102 lacks `{}`", signature.name);
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/layers.md");
        if std::env::var_os("NETWRIGHT_BLESS").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), reference(), "docs/layers.md is out of date");
    }
}
