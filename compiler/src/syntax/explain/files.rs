//! Files that are used otherwise than by a bundled name or a path in quotes.

use super::{Failure, expected, report_fix, report_guess, short};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;
use crate::syntax::scan::TokenKind;

/// How a file of that name is used.
pub(in crate::syntax) fn use_of(name: &str) -> String {
    let name = short(name);
    format!("write `use <{name}>;` for a bundled file, `use \"{name}.net\";` for one of your own")
}

/// `use fire;`, `use blocks/fire.net;`, `use <fire.net>;` and `use <fire>, <se>;`.
pub(super) fn explain_use(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    if words.text(start) != "use" || at == start {
        return false;
    }
    let usual = |found: &str| format!("expected {}, found {found}", expected(failure));
    let (found, span) = (words.found(at), words.span(at));
    if words.text(at) == "," && matches!(words.text(at + 1), "<") | (words.kind(at + 1) == Some(TokenKind::Text)) {
        let help = "each file has a `use` of its own".to_owned();
        return report_fix(sink, N0013, (usual(&found), span), help, span, "; use");
    }
    if at != start + 1 {
        return false;
    }
    if words.text(at) == "<" {
        let Some(closer) = (at..end).find(|index| words.text(*index) == ">") else { return false };
        let whole = span.to(words.span(closer));
        let inside = words.slice(words.span(at + 1).to(words.span(closer - 1)));
        let Some(name) = inside.strip_suffix(".net") else { return false };
        let title = (usual(&format!("`{}`", short(words.slice(whole)))), whole);
        if name.contains('/') {
            let help = format!("the path of a file of your own stands in quotes: `use \"{}\";`", short(inside));
            return report_fix(sink, N0013, title, help, whole, &format!("\"{inside}\""));
        }
        let help = format!("a bundled file is used by its name: `use <{}>;`", short(name));
        return report_fix(sink, N0013, title, help, whole, &format!("<{name}>"));
    }
    if words.kind(at) != Some(TokenKind::Word) {
        return false;
    }
    let whole = span.to(words.span(end.saturating_sub(1)));
    let path = words.slice(whole);
    if path.contains('/') || path.contains('.') {
        let help = format!("a path stands in quotes: `use \"{}\";`", short(path));
        return report_guess(sink, N0013, (usual(&found), span), help, whole, &format!("\"{path}\""));
    }
    let name = words.text(at);
    report_guess(sink, N0013, (usual(&found), span), use_of(name), whole, &format!("<{name}>"))
}
