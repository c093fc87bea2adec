//! Where the nodes of a layer stand: as near as can be to where their edges want them, without touching.

/// A node of a layer, from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Where its middle should be.
    pub(super) at: f64,
    /// How much it counts; positive.
    pub(super) weight: f64,
    pub(super) width: f64,
}

/// The middles that are nearest to the wishes in weighted least squares, with at least `gap` between neighbours.
///
/// With the distances taken off this is isotonic regression, solved by pooling adjacent violators (Barlow et al.,
/// "Statistical Inference under Order Restrictions", 1972).
pub(super) fn straighten(wishes: &[Wish], gap: f64) -> Vec<f64> {
    // How far each middle is from the first one's, at least.
    let mut least = Vec::with_capacity(wishes.len());
    let mut sum = 0.0;
    for (idx, wish) in wishes.iter().enumerate() {
        if let Some(left) = idx.checked_sub(1).and_then(|idx| wishes.get(idx)) {
            sum += 0.5 * (left.width + wish.width) + gap;
        }
        least.push(sum);
    }
    // Pools of neighbours that touch: their mean, weight and number.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (wish, least) in wishes.iter().zip(&least) {
        let mut pool = (wish.at - least, wish.weight, 1);
        while let Some(&(mean, weight, n)) = pools.last()
            && mean >= pool.0
        {
            pools.pop();
            let both = weight + pool.1;
            pool = ((mean * weight + pool.0 * pool.1) / both, both, n + pool.2);
        }
        pools.push(pool);
    }
    let means = pools.into_iter().flat_map(|(mean, _, n)| std::iter::repeat_n(mean, n));
    means.zip(least).map(|(mean, least)| mean + least).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(wishes: &[(f64, f64)]) -> Vec<f64> {
        let wishes: Vec<Wish> = wishes.iter().map(|&(at, weight)| Wish { at, weight, width: 10.0 }).collect();
        straighten(&wishes, 2.0)
    }

    #[test]
    fn wishes_that_can_be_are_met() {
        assert_eq!(places(&[(0.0, 1.0), (50.0, 1.0)]), [0.0, 50.0]);
        assert_eq!(places(&[]), [0.0; 0]);
    }

    #[test]
    fn neighbours_that_would_touch_share_the_way() {
        assert_eq!(places(&[(0.0, 1.0), (0.0, 1.0)]), [-6.0, 6.0]);
        assert_eq!(places(&[(10.0, 1.0), (0.0, 1.0), (100.0, 1.0)]), [-1.0, 11.0, 100.0]);
        assert_eq!(places(&[(0.0, 3.0), (0.0, 1.0)]), [-3.0, 9.0]);
    }
}
