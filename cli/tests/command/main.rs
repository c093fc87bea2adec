//! The real `netwright` program from end to end, on the embedded digits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod compress;
mod create;
mod describe;
mod evaluate;
mod files;
mod format;
mod import;
mod messages;
mod predict;
mod program;
mod prune;
mod quantize;
mod resume;
mod train;
mod usage;
