//! Netwright's SIMD kernels behind safe, checked entry points.
//!
//! Everything here works on `f32` slices in channels-last order, `[N, H, W, C]`, on the calling thread and without
//! allocating. A call takes `n`, the number of images its slices hold; whoever calls splits a batch into chunks of
//! images and spreads the chunks over threads. Geometries ([`conv::Conv`], [`max_pool::Pool`], …) are plain constants.
//!
//! Every entry point checks the lengths of its slices against the geometry and panics where they differ: the callers
//! are generated, so a difference is a broken contract and no input of a user's can cause it.
//!
//! The instruction set is chosen once per process, see [`isa()`]. Results depend on it in the last bits, and on nothing
//! else: a kernel adds in one fixed order, whatever thread it runs on.

#![allow(clippy::too_many_arguments, reason = "a kernel's arguments are its tensors and their sizes")]
#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed by constants, several in step")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod aligned;
pub mod arena;
pub mod avg_pool;
pub mod batch_norm;
pub mod binary;
pub mod concat;
pub mod conv;
pub mod cross_entropy;
pub mod dense;
pub mod dropout;
pub mod global_avg_pool;
pub mod isa;
pub mod layout;
pub mod max_pool;
pub mod mse;
pub mod optimizer;
pub mod random;
pub mod reduce;
pub mod softmax;
pub mod unary;

mod check;
mod columns;
mod correlate;
mod map;
mod math;
mod pool;
mod simd;
mod tile;
mod window;

#[cfg(test)]
mod tests;

pub use aligned::AlignedVec;
pub use arena::{Arena, Slot};
pub use isa::{Isa, isa, isa_problem};
pub use layout::{Layout, PANEL};
