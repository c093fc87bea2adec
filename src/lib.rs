//! Neural networks inside of your own program: described in a small language, checked and compiled to plain Rust.
//!
//! ```
//! netwright::model! {
//!     network Tiny {
//!         input x: [4];
//!         logits = x -> dense(8) -> relu -> dense(3);
//!         output probabilities = softmax(logits);
//!         train { loss: cross_entropy(logits); }
//!     }
//! }
//!
//! let net = Tiny::new(42);
//! let x = netwright::ndarray::Array2::zeros((5, 4));
//! assert_eq!(net.predict(x.view()).unwrap().shape(), [5, 3]);
//! ```
//!
//! [`model!`] takes a path to a `.net` file, the name of a bundled network, or a description in place. The rest is the
//! runtime: [`train`] and `dataset` for training, `data` for files of images.

#![forbid(unsafe_code)]

// Generated code says `netwright::…` in this package's own documentation, too.
extern crate self as netwright;

pub use netwright_runtime::*;

pub use netwright_runtime::generated::ndarray;

#[doc(hidden)]
pub use netwright_macros::__model;

#[cfg(feature = "expand")]
mod expand;
#[cfg(feature = "expand")]
pub use expand::expand;

/// Compiles a network description to a struct with methods to predict and to train.
///
/// Three forms:
///
/// - `model!("nets/lenet.net")`: a file, by a path that starts at the folder of this source file.
/// - `model!(<lenet>)`: a network that comes with Netwright.
/// - `model! { network Tiny { … } }`: a description in place.
///
/// The first two take `as Name` for the struct's name, and values for the network's parameters:
///
/// ```
/// netwright::model!(<lenet> as FourDigits, classes = 4);
/// assert_eq!(FourDigits::spec().outputs[0].shape, [4]);
/// ```
///
/// and `weights`, a file that `netwright compress` has written: `model!("lenet.net", weights = "lenet.nwz")` checks it
/// against the network, makes it part of the program, and gives `LeNet::pretrained()`. Its path starts at the folder of
/// this source file, too. `cache = 262_144` plans for processors whose cores have that many bytes of cache each, where it is not
/// about half a megabyte: how many images a core takes at a time, and how many rows of an image that is larger. Predictions do not
/// depend on it, to the bit; training sums in another order.
///
/// A mistake in the description is an error of the compiler, with the description's own line. Editing the file rebuilds
/// the crate.
#[macro_export]
macro_rules! model {
    ($($description:tt)*) => {
        $crate::__model! { ($crate) $($description)* }
    };
}
