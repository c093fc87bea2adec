//! Clipping by the global norm.

/// Scales gradients down to a Euclidean norm of `limit` where theirs is larger; returns the norm that they had.
///
/// Squares are summed in f64 in the order of the elements; padding is zero and adds nothing. A norm that is not finite
/// changes nothing.
pub(super) fn clip(gradients: &mut [f32], limit: f32) -> f64 {
    let norm = gradients.chunks(LANES).fold([0.0; LANES], add_squares).iter().sum::<f64>().sqrt();
    let limit = f64::from(limit);
    if norm.is_finite() && norm > limit {
        let scale = (limit / norm) as f32;
        gradients.iter_mut().for_each(|gradient| *gradient *= scale);
    }
    norm
}

/// Sums that run side by side, so that the additions need not wait for one another.
const LANES: usize = 8;

fn add_squares(mut sums: [f64; LANES], chunk: &[f32]) -> [f64; LANES] {
    for (sum, &gradient) in sums.iter_mut().zip(chunk) {
        *sum += f64::from(gradient) * f64::from(gradient);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_gradients_are_scaled() {
        let mut gradients: Vec<f32> = (1..=19).map(|i| i as f32).collect();
        let before = gradients.clone();
        let norm = 2470_f64.sqrt();
        assert_eq!(clip(&mut gradients, 50.0), norm);
        assert_eq!(gradients, before);
        assert_eq!(clip(&mut gradients, 5.0), norm);
        let scale = (5.0 / norm) as f32;
        assert!(gradients.iter().zip(&before).all(|(after, before)| *after == before * scale));
        assert!((clip(&mut gradients, 1e9) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_finite_is_left_to_be_found() {
        let mut gradients = [1.0, f32::INFINITY];
        assert_eq!(clip(&mut gradients, 1.0), f64::INFINITY);
        assert_eq!(gradients, [1.0, f32::INFINITY]);
        assert!(clip(&mut [f32::NAN, 1.0], 1.0).is_nan());
    }
}
