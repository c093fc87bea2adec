//! Netwright's SIMD kernels behind safe, checked entry points.
//!
//! Everything here works on `f32` slices in channels-last order, `[N, H, W, C]`, on the calling thread and without
//! allocating, but for [`conv::infer`] and [`int8`], which work in memory of their own. A call takes `n`, the number of images its
//! slices hold; whoever calls splits a batch into chunks of images and spreads the chunks over threads. Only where that thread leads a crew ([`crew`]) are large steps cut into parts
//! that several threads compute. Geometries ([`conv::Conv`], [`max_pool::Pool`], …) are plain constants.
//!
//! Every entry point checks the lengths of its slices against the geometry and panics where they differ: the callers
//! are generated, so a difference is a broken contract and no input of a user's can cause it.
//!
//! The instruction set is chosen once per process, see [`isa()`]. Results depend on it in the last bits (those of
//! [`optimizer`], [`reduce`], [`random`] and [`dropout`] do not), and never on the thread: a kernel adds in one fixed order.
//! What a forward pass or an input gradient yields for an image has the same bits whatever other images the call holds.
//! Sums over images (gradients of weights, statistics) depend on how a batch is cut into calls, so cut it by fixed sizes
//! and add the parts in order ([`reduce::sum_in_order`]).
//!
//! ```
//! use netwright_kernels::conv::{self, Activation, Conv};
//!
//! const CONV1: Conv = Conv {
//!     h: 28, w: 28, c: 1, kh: 5, kw: 5, f: 32, stride: [1, 1], pad: [0, 0], dilation: [1, 1], groups: 1,
//! };
//! const WEIGHTS: usize = CONV1.weight_layout().len();
//! let (x, w, b) = (vec![0.5; 2 * 28 * 28], [0.1; WEIGHTS], [1.0; 32]);
//! let mut y = vec![0.0; 2 * CONV1.output_len()];
//! conv::forward(&CONV1, Activation::Relu, 2, &x, &w, &b, &mut y);
//! assert!((y[0] - 2.25).abs() < 1e-5);
//! ```

#![allow(clippy::too_many_arguments, reason = "a kernel's arguments are its tensors and their sizes")]
#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed by constants, several in step")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod affine;
pub mod aligned;
pub mod arena;
pub mod avg_pool;
pub mod batch_norm;
pub mod binary;
pub mod binary_cross_entropy;
pub mod concat;
pub mod conv;
pub mod conv_transpose;
pub mod crew;
pub mod cross_entropy;
pub mod dense;
pub mod dropout;
pub mod global_avg_pool;
pub mod global_max_pool;
pub mod group_norm;
pub mod huber;
pub mod int8;
pub mod isa;
pub mod l1;
pub mod layout;
pub mod log_softmax;
pub mod loss_sum;
pub mod lrn;
pub mod max_pool;
pub mod mean;
pub mod mse;
pub mod optimizer;
pub mod pad;
pub mod prelu;
pub mod random;
pub mod reduce;
pub mod rows;
pub mod softmax;
pub mod sparse;
pub mod unary;
pub mod upsample;

mod check;
mod columns;
mod correlate;
mod map;
mod math;
mod pool;
mod simd;
mod tile;
mod value_loss;
mod window;

#[cfg(test)]
mod tests;

pub use aligned::AlignedVec;
pub use arena::{Arena, Slot};
pub use isa::{Isa, isa, isa_problem};
pub use layout::{Layout, PANEL};
