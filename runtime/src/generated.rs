//! Every name that generated code may use. Nothing else of the runtime is known to the compiler.
//!
//! [`check_contract`] ties the two together: it refuses, at compile time, code that another version has generated.

pub use core::convert::AsRef;
pub use core::option::Option;
pub use core::result::Result;
pub use std::path::Path;

pub use ndarray;
pub use netwright_kernels::{
    Layout, Slot, affine, avg_pool, binary, binary_cross_entropy, concat, conv, conv_transpose, cross_entropy, dense,
    dropout, global_avg_pool, global_max_pool, group_norm, huber, l1, log_softmax, loss_sum, lrn, mean, mse, pad,
    prelu, softmax, sparse, unary, upsample,
};

pub use netwright_kernels::rows::{Band, bands};

pub use crate::engine::{Core, Inference, InferenceChunk, forward, forward_all, predict, predict_all, with_rank};
pub use crate::error::Error;
pub use crate::network::Network;
pub use crate::spec::{ChannelOrder, Init, LayerSpec, ParameterSpec, Photo, Rate, Spec, TensorSpec};
pub use crate::{images, training, weights, whole_batch};

#[cfg(feature = "train")]
pub use crate::{
    engine::{
        Barrier, BatchLoss, EvaluationChunk, Gradients, Targets, Training, TrainingChunk, batch_gradients,
        batch_gradients_all,
    },
    network::Trainable,
    train,
};

#[cfg(feature = "image")]
pub use crate::image::{ImageError, decode_batch, read_batch};

/// Inference in integers.
pub mod int8 {
    pub use netwright_kernels::int8::{
        avg_pool, concat, conv, conv_among, conv_floats, dense, dense_floats, dequantize, global_avg_pool, max_pool,
        max_pool_among, quantize, relu,
    };

    pub use crate::int8::{LayerSpec, Observer, Point, Spec};
}

/// Max pooling, and the sizes that both poolings take.
pub mod max_pool {
    pub use netwright_kernels::max_pool::{
        Pool, forward, forward_band, gradient, gradient_band, infer, infer_among, infer_band,
    };
}

/// Where a parameter stands in the stored vector.
pub type Range = core::ops::Range<usize>;

/// What generated code and runtime have agreed on; changes with every change of this file that old code would not
/// survive.
pub const CONTRACT: u32 = 1;

/// Refuses generated code of another contract.
///
/// # Panics
///
/// At compile time, where the versions differ.
pub const fn check_contract(version: u32) {
    assert!(version == CONTRACT, "netwright's macro and runtime are of different versions: run `cargo update`");
}

/// The parts of a lane's gradients that a step adds to.
///
/// # Panics
///
/// If the ranges overlap or lie outside, which the layout of parameters rules out.
#[allow(clippy::panic, reason = "a contract with generated code, not an answer to input")]
pub fn parts<const N: usize>(gradients: &mut [f32], ranges: [Range; N]) -> [&mut [f32]; N] {
    match gradients.get_disjoint_mut(ranges) {
        Ok(parts) => parts,
        Err(error) => panic!("parameters overlap or lie outside of the gradients: {error}"),
    }
}

/// Wraps generated code that reads images: kept where the runtime has its feature `image`.
#[cfg(feature = "image")]
#[doc(hidden)]
#[macro_export]
macro_rules! images {
    ($($code:tt)*) => { $($code)* };
}

/// Wraps generated code that reads images: left out where the runtime lacks its feature `image`.
#[cfg(not(feature = "image"))]
#[doc(hidden)]
#[macro_export]
macro_rules! images {
    ($($code:tt)*) => {};
}

/// Wraps generated code that trains: kept where the runtime has its feature `train`.
#[cfg(feature = "train")]
#[doc(hidden)]
#[macro_export]
macro_rules! training {
    ($($code:tt)*) => { $($code)* };
}

/// Wraps generated code that trains: left out where the runtime lacks its feature `train`.
#[cfg(not(feature = "train"))]
#[doc(hidden)]
#[macro_export]
macro_rules! training {
    ($($code:tt)*) => {};
}
