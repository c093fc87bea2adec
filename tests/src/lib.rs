//! Netwright's cross-crate tests.
