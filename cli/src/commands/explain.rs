//! `netwright explain`: what a code of the compiler means.

use netwright_compiler::diagnostic::codes;

use crate::failure::Failure;
use crate::output;

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code in brackets of a message, such as N0302; without one, all codes are listed
    code: Option<String>,
}

/// Prints the explanation.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let strong = output::STRONG;
    let Some(code) = &args.code else {
        let lines: String = codes::all().map(|code| format!("{strong}{code}{strong:#}  {}\n", code.title())).collect();
        return output::print(&lines);
    };
    let id = code.trim_start_matches("error").trim_matches(['[', ']']);
    let Some(found) = codes::find(id) else {
        return Err(Failure::usage(format!("there is no message with the code {}", code.escape_debug()))
            .help("`netwright explain` lists all codes"));
    };
    output::print(&format!("{strong}{found}: {}{strong:#}\n\n{}\n", found.title(), found.page().trim()))
}
