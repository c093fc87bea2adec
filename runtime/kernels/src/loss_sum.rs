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

#[cfg(test)]
mod tests {
    use crate::tests::{Random, cases, most};

    #[test]
    fn terms_are_added_in_their_order() {
        let mut random = Random::new(87);
        for _ in 0..cases(1000) {
            let n = random.within(1, most(30));
            let (a, b, c) = (random.floats(n), random.floats(n), random.floats(n));
            let mut losses = vec![f32::NAN; n];
            super::forward([1.0, 0.3, -2.0], [&a, &b, &c], &mut losses);
            for (index, loss) in losses.iter().enumerate() {
                assert_eq!(loss.to_bits(), (a[index] + 0.3 * b[index] + -2.0 * c[index]).to_bits());
            }
        }
    }
}
