//! A weighted sum of losses, for each image.

/// Writes `losses[i] = weights[0] * terms[0][i] + weights[1] * terms[1][i] + …`, added in this order.
///
/// # Panics
/// Where a term has another length than `losses`.
pub fn forward<const N: usize>(weights: [f32; N], terms: [&[f32]; N], losses: &mut [f32]) {
    terms.iter().for_each(|term| crate::check::len("a loss", term, losses.len()));
    for (index, loss) in losses.iter_mut().enumerate() {
        *loss = weights.iter().zip(terms).map(|(weight, term)| weight * term[index]).sum();
    }
}
