//! `gelu`: each element times the normal distribution function of it.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature = signature(
    "gelu",
    "Gaussian error linear unit (Hendrycks and Gimpel, 2016): `x Phi(x)` of each element, `Phi` being the distribution function of the standard normal distribution, `(1 + erf(x / sqrt(2))) / 2`, computed as such and not by the hyperbolic tangent; the shape stays.",
    &[],
    |call| node(call, Function::Gelu),
);
