//! SqueezeNet: the numbers of the paper, and what torchvision's models compute and learn from the same weights.
//!
//! `tests/parity/squeezenets.py` computes the references; weights and images are a formula on both sides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, where a panic is a finding"
)]

mod facts;
#[path = "../parity/formula.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod formula;
#[path = "../parity/reference.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod reference;
#[path = "../parity/steps.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod steps;
mod values;
