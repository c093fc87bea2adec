//! What a text may cost, checked before the grammar reads it.
//!
//! The grammar's functions call each other once per open bracket, and every later pass recurses over the tree: these
//! limits bound their stacks, and time and memory with them.

/// Largest text in bytes: 1 MiB.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Most brackets open at one place, of all kinds together.
pub const MAX_BRACKETS: usize = 128;

/// Most block comments open at one place.
pub const MAX_COMMENTS: usize = 64;

/// Most tokens of a text; comments other than doc comments are none.
pub const MAX_TOKENS: usize = 100_000;

/// Most expressions inside each other, along operators and brackets.
pub const MAX_DEPTH: usize = 256;
