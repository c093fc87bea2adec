//! Checks of contracts between callers and kernels.

/// Asserts that a slice holds `n` images of `per_image` floats.
#[track_caller]
#[inline]
pub(crate) fn images(what: &str, slice: &[f32], n: usize, per_image: usize) {
    assert!(
        n.checked_mul(per_image) == Some(slice.len()),
        "`{what}` must hold {n} times {per_image} floats and holds {}",
        slice.len()
    );
}

/// Asserts that a slice holds `len` floats.
#[track_caller]
#[inline]
pub(crate) fn len(what: &str, slice: &[f32], len: usize) {
    assert!(slice.len() == len, "`{what}` must hold {len} floats and holds {}", slice.len());
}

/// The product of sizes.
///
/// # Panics
/// Where it does not fit a signed offset.
#[track_caller]
#[expect(clippy::panic, reason = "sizes come from generated constants, where this stops compilation")]
pub(crate) const fn product(factors: &[usize]) -> usize {
    let mut product: usize = 1;
    let mut i = 0;
    while i < factors.len() {
        product = match product.checked_mul(factors[i]) {
            Some(product) if product <= isize::MAX as usize / 8 => product,
            _ => panic!("the size of a tensor does not fit the address space"),
        };
        i += 1;
    }
    product
}
