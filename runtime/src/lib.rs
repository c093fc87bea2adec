//! What Netwright's generated code calls, and what a user trains and predicts with: parameters, engines, weights,
//! optimisers, the trainer and data.
//!
//! Data flows one way: [`spec`] describes a compiled network, [`parameters`] holds its numbers, [`engine`] runs the
//! generated steps over chunks of images, [`train`] (feature `train`) turns gradients into better parameters, and
//! `data` (feature `data`) supplies the images. [`generated`] lists every name that generated code may use.

#![cfg_attr(not(test), forbid(unsafe_code))]
// ndarray's `s!`, which tests use, allows it in its expansion and cannot stand under `forbid`.
#![cfg_attr(test, deny(unsafe_code))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod atomic;
#[cfg(feature = "data")]
pub mod data;
#[cfg(any(feature = "train", feature = "data"))]
pub mod dataset;
pub mod engine;
pub mod error;
pub mod generated;
#[cfg(feature = "image")]
pub mod image;
pub mod init;
pub mod int8;
pub mod network;
pub mod parameters;
pub mod random;
pub mod spec;
#[cfg(test)]
mod testing;
#[cfg(feature = "train")]
pub mod train;
pub mod weights;
pub mod whole_batch;

pub use error::Error;
pub use network::Network;
#[cfg(feature = "train")]
pub use network::Trainable;
pub use parameters::Parameters;
pub use spec::Spec;
