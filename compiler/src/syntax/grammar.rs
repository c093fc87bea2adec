//! The parser that pest makes of `grammar.pest`.
#![allow(missing_docs, reason = "pest generates the rules without documentation; grammar.pest describes them")]

use pest_derive::Parser;

/// The grammar as a parser; its rules are `Rule`.
#[derive(Parser)]
#[grammar = "syntax/grammar.pest"]
pub(super) struct Grammar;
