//! Datasets from outside: IDX files, folders of them, the cache, datasets known by name, and the embedded digits.
//!
//! ```no_run
//! use netwright_runtime::data::{self, Options};
//!
//! let splits = data::load("mnist", &Options::default())?;
//! let (train, validation) = splits.train.split(0.1, 42)?;
//! # Ok::<(), netwright_runtime::dataset::DataError>(())
//! ```

pub mod cache;
pub mod digits;
#[cfg(feature = "fetch")]
mod fetch;
pub mod folder;
pub mod idx;
pub mod named;

pub use folder::Splits;
pub use named::{Options, Progress, load};
