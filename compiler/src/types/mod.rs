//! Symbolic sizes: what the checker knows of a tensor inside of a block's definition, where sizes are not numbers yet.
//!
//! A [`Dim`] is an integer polynomial in normal form, with divisions that round down as atoms; a number is the simplest
//! of them. A [`TensorType`] is a list of them. [`Facts`] answers what can be decided of them and keeps what cannot, so
//! that nothing is guessed. Shape rules are written once, over these, and serve definitions and instances alike.

mod bounds;
mod dim;
mod facts;
mod tensor;
#[cfg(test)]
mod tests;
mod witness;

pub use dim::Dim;
pub use facts::{Demand, Facts, Truth};
pub use tensor::TensorType;
pub use witness::Witness;
