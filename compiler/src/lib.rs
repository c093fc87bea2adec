//! Netwright's compiler: `.net` text to checked graph to plan to Rust.
//!
//! A pure library: no files, no unsafe code, no panic on any input. [`driver`] reads as the list of its parts:
//!
//! ```text
//! text -> syntax (tree with spans) -> lower (names, shapes: a Graph) -> passes (one Graph for each mode)
//!      -> plan (steps, stages, memory) -> emit (Rust)
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod channels;
mod cost;
pub mod diagnostic;
pub mod driver;
pub mod emit;
pub mod format;
pub mod int8;
pub mod ir;
pub mod lint;
pub mod lower;
pub mod ops;
pub mod passes;
pub mod photo;
pub mod picture;
pub mod plan;
pub mod program;
pub mod recipe;
pub mod source;
pub mod summary;
pub mod syntax;
#[cfg(test)]
#[path = "../../tests/src/time.rs"]
#[allow(unreachable_pub, reason = "the workspace's tests share it")]
mod time;
pub mod types;
#[cfg(test)]
mod verifiers;

pub use driver::{Compiled, Settings, Training, check, compile};
pub use lower::Constant;
pub use program::{NoSources, Sources};
