//! What the compiler has to say: [`Diagnostic`]s with stable [`Code`]s, collected in a [`Sink`], shown by [`render`].
//!
//! A message says what was expected, what was found, where each came from, and the fix. Its title has no final full
//! stop; names from the source stand in backquotes ([`quote()`]).

mod code;
pub mod codes;
mod data;
mod fix;
mod render;
mod sink;
mod suggest;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;

use crate::source::Span;

pub use code::Code;
pub use data::{Data, FixData, HelpData, LabelData, LineData, data};
pub use fix::apply;
pub use render::{Style, explanations, render, render_all, short};
pub use sink::{Draft, MAX_SHOWN, Report, Sink};
pub(crate) use suggest::{count, is_unprintable};
pub use suggest::{escape, is_slip, nearest, quote, suggest};

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No code is generated.
    Error,
    /// Code is generated; the author should look.
    Warning,
}

impl Level {
    /// The word that messages print.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what to say about it; the text may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What, in a few words.
    pub text: String,
}

/// What to do about a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// In words.
    pub text: String,
    /// As an edit, where exactly one is right.
    pub fix: Option<Fix>,
}

impl std::fmt::Display for Help {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// An edit of the source: other bytes in place of a span's, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Whether it is another name that may have been meant: to be made without asking only where it mends a slip.
    pub is_guess: bool,
    /// What goes.
    pub span: Span,
    /// What comes; as it is to stand in the file.
    pub replacement: String,
}

/// One message to the author of a `.net` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of this kind of mistake; [`Code::page`] explains it.
    pub code: Code,
    /// Error or warning.
    pub level: Level,
    /// One line without a final full stop.
    pub title: String,
    /// The smallest place that is wrong.
    pub primary: Label,
    /// Where else to look: where the expectation or the operand comes from.
    pub secondary: Vec<Label>,
    /// Facts that the labels do not show.
    pub notes: Vec<String>,
    /// What to do about it.
    pub helps: Vec<Help>,
    /// The value from outside of the description that it is about, by the name that it was given under: whoever gave it
    /// knows a better place than [`primary`](Self::primary), which is in the description.
    pub given: Option<String>,
}
