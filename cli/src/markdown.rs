//! The Markdown of explanations on a terminal: code is indented and coloured, its marks are left out.

use anstyle::{AnsiColor, Style};

const CODE: Style = AnsiColor::Cyan.on_default();

/// A page with escapes for a terminal. It knows paragraphs, fenced blocks and code in backquotes.
pub(crate) fn styled(page: &str) -> String {
    let mut text = String::with_capacity(2 * page.len());
    let mut in_block = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            text.push_str(&format!("    {CODE}{line}{CODE:#}\n"));
        } else {
            text.push_str(&spans(line));
            text.push('\n');
        }
    }
    text
}

/// A line with its code coloured; a backquote without a second one stays.
fn spans(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, (code, after))) =
        rest.split_once('`').and_then(|(before, from)| Some((before, from.split_once('`')?)))
    {
        text.push_str(&format!("{before}{CODE}{code}{CODE:#}"));
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_loses_its_marks_and_gains_a_colour() {
        let code = |text: &str| format!("{CODE}{text}{CODE:#}");
        assert_eq!(
            styled("Insert `flatten`, a `b:\n\n```net\nx -> `y`\n```\n\nend"),
            format!("Insert {}, a `b:\n\n    {}\n\nend\n", code("flatten"), code("x -> `y`"))
        );
        assert_eq!(styled("```net\nnot closed"), format!("    {}\n", code("not closed")));
    }
}
