//! Netwright's cross-crate tests.

pub mod interpreter;
