//! Clipping by the global norm.

use netwright_kernels::reduce;

/// Scales gradients down to a Euclidean norm of `limit` where theirs is larger; returns the norm that they had.
///
/// Squares are summed in f64 in a fixed order; padding is zero and adds nothing. A norm that is not finite
/// changes nothing.
pub(super) fn clip(gradients: &mut [f32], limit: f32) -> f64 {
    let norm = reduce::sum_squares(gradients).sqrt();
    let limit = f64::from(limit);
    if norm.is_finite() && norm > limit {
        let scale = (limit / norm) as f32;
        gradients.iter_mut().for_each(|gradient| *gradient *= scale);
    }
    norm
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
