//! Text to syntax tree: [`parse`] reads a source with the grammar of `grammar.pest` into an [`ast::File`].
//!
//! ```text
//! text -> limits (size, brackets, tokens) -> pest (grammar.pest) -> build (pairs to ast)
//!              \-> where the text does not follow the grammar: recover (statement by statement)
//! ```

pub mod ast;
mod build;
mod explain;
mod extent;
mod grammar;
pub mod keywords;
pub mod limits;
pub(crate) mod names;
mod operators;
mod parse;
mod recover;
mod scan;
mod words;

pub use parse::parse;
pub(crate) use scan::{Token, TokenKind, scan};

#[cfg(test)]
mod tests;
