//! Netwright's compiler: .net text to checked graph to plan to Rust.

pub mod diagnostic;
pub mod source;
pub mod syntax;
