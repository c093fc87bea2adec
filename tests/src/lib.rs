//! Netwright's cross-crate tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

pub mod agreement;
pub mod allocator;
pub mod generator;
pub mod interpreter;
pub mod time;
