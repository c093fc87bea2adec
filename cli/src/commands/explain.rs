//! `netwright explain`: what the codes of the compiler mean.

use netwright_compiler::diagnostic::{Code, codes, suggest};
use netwright_compiler::lint::LINTS;
use netwright_run::{Failure, output};

use crate::markdown;

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The codes in brackets of messages, such as N0302, or names of lints; without one, all codes are listed
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
}

/// Prints the explanations, a blank line between them.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.codes.is_empty() {
        return output::print(&list());
    }
    let found = args.codes.iter().map(|code| find(code)).collect::<Result<Vec<_>, _>>()?;
    let pages: Vec<String> = found.into_iter().map(page).collect();
    output::print(&pages.join("\n"))
}

/// All codes with their titles, by range.
fn list() -> String {
    let strong = output::STRONG;
    let mut text = String::new();
    for range in codes::RANGES {
        let prefix = range.codes.first().and_then(|code| code.id().get(..3)).unwrap_or_default();
        text.push_str(&format!("{strong}{prefix}xx: {}{strong:#}\n", range.title));
        text.extend(range.codes.iter().map(|code| format!("  {code}  {}\n", code.title())));
        text.push('\n');
    }
    text + "netwright explain CODE says more about one of them\n"
}

/// The code that is meant by `N0302`, `n0302`, `error[N0302]` or the name of a lint.
fn find(text: &str) -> Result<Code, Failure> {
    let id = text.trim_start_matches("error").trim_start_matches("warning").trim_matches(['[', ']']);
    let lint = LINTS.iter().find(|lint| lint.name == id);
    codes::find(id).or(lint.map(|lint| lint.code)).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no message with the code {}", text.escape_debug()));
        let lints = LINTS.iter().map(|lint| lint.name);
        match suggest(&id.to_uppercase(), codes::all().map(Code::id)).or_else(|| suggest(id, lints)) {
            Some(near) => failure.help(format!("did you mean {near}? `netwright explain` lists all codes")),
            None => failure.help("`netwright explain` lists all codes"),
        }
    })
}

/// A code's page: for a terminal, or its Markdown as it is.
fn page(code: Code) -> String {
    let strong = output::STRONG;
    let page = code.page().trim();
    let body = if output::is_styled() { markdown::styled(page) } else { format!("{page}\n") };
    format!("{strong}{code}: {}{strong:#}\n\n{body}", code.title())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may")]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_by_id_and_by_lint() {
        for text in ["N0603", "n0603", "warning[N0603]", "padded_1x1"] {
            assert_eq!(find(text).unwrap().id(), "N0603", "{text}");
        }
        assert!(find("padded").is_err());
    }
}
