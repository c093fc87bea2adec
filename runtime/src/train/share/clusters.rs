//! k-means in one dimension: over sorted numbers clusters are intervals, so that each round looks for their ends alone.

/// Numbers that become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// Their mean.
    pub value: f32,
    /// The largest of them.
    pub last: f32,
}

/// Most rounds; numbers settle in far fewer.
const MAX_ROUNDS: usize = 10_000;

/// Sorts `values`, which are finite, into at most `most` clusters, in their order, and each number into the cluster whose
/// mean is nearest (Lloyd, 1982), until nothing changes. Where there are no more different numbers than that, each is a
/// cluster of its own.
///
/// The means start in equal steps from the smallest number to the largest, which leaves some for the few large weights
/// that matter most (Han et al., 2016, section 3.2). Clusters that no number is nearest to are left out.
#[must_use]
pub fn clusters(values: &mut [f32], most: usize) -> Vec<Cluster> {
    values.sort_unstable_by(f32::total_cmp);
    let (Some(&smallest), Some(&largest)) = (values.first(), values.last()) else { return Vec::new() };
    let mut distinct: Vec<f32> = Vec::new();
    for &value in values.iter() {
        // One more than fits is enough to know.
        if distinct.last() != Some(&value) && distinct.len() <= most {
            distinct.push(value);
        }
    }
    if distinct.len() <= most {
        return distinct.into_iter().map(|value| Cluster { value, last: value }).collect();
    }

    let (smallest, largest) = (f64::from(smallest), f64::from(largest));
    let steps = most.saturating_sub(1).max(1) as f64;
    let mut means: Vec<f64> = (0..most).map(|nth| smallest + (largest - smallest) * nth as f64 / steps).collect();
    // The sum of the numbers before each place.
    let mut sums = vec![0.0];
    for &value in values.iter() {
        sums.push(sums[sums.len() - 1] + f64::from(value));
    }
    let mut ends = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let found = ends_of(&means, values);
        if found == ends {
            break;
        }
        ends = found;
        let mut start = 0;
        for (mean, &end) in means.iter_mut().zip(&ends) {
            if start < end {
                *mean = (sums[end] - sums[start]) / (end - start) as f64;
            }
            start = end;
        }
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let clusters = means.iter().zip(starts.zip(&ends)).filter(|(_, (start, end))| start < *end);
    clusters.map(|(&mean, (_, &end))| Cluster { value: mean as f32, last: values[end - 1] }).collect()
}

/// For each mean, the place behind the last number that is nearest to it. Of two means equally near it is the larger.
fn ends_of(means: &[f64], values: &[f32]) -> Vec<usize> {
    let borders = means.array_windows().map(|&[a, b]| f64::midpoint(a, b));
    let ends = borders.map(|border| values.partition_point(|&value| f64::from(value) < border));
    ends.chain([values.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn normal(seed: u64, len: usize) -> Vec<f32> {
        let mut random = Stream::new(seed, "clusters");
        (0..len).map(|_| random.normal() as f32).collect()
    }

    /// The sum of the squared distances of the numbers to their clusters' values.
    fn error(values: &[f32], clusters: &[Cluster]) -> f64 {
        let square = |value: &f32| {
            let cluster = clusters[clusters.partition_point(|cluster| cluster.last < *value)];
            f64::from(cluster.value - value).powi(2)
        };
        values.iter().map(square).sum()
    }

    /// Lloyd's rounds as they are defined, number by number.
    fn naive(values: &[f32], most: usize) -> Vec<f64> {
        let (low, high) = (f64::from(values[0]), f64::from(values[values.len() - 1]));
        let mut means: Vec<f64> = (0..most).map(|nth| low + (high - low) * nth as f64 / (most as f64 - 1.0)).collect();
        for _ in 0..500 {
            let mut of_means = vec![(0.0, 0); most];
            for &value in values {
                let distance = |mean: usize| (means[mean] - f64::from(value)).abs();
                let nearest = (0..most).rev().min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap();
                of_means[nearest].0 += f64::from(value);
                of_means[nearest].1 += 1;
            }
            for (mean, (sum, count)) in means.iter_mut().zip(of_means) {
                if count > 0 {
                    *mean = sum / f64::from(count);
                }
            }
        }
        means
    }

    #[test]
    fn it_is_lloyds_algorithm() {
        for (seed, most) in [(1, 2), (2, 7), (3, 16)] {
            let mut values = normal(seed, 300);
            let found = clusters(&mut values, most);
            let expected = naive(&values, most);
            assert_eq!(found.len(), most);
            for (found, expected) in found.iter().zip(expected) {
                assert!((f64::from(found.value) - expected).abs() < 1e-6, "{found:?} {expected}");
            }
        }
    }

    #[test]
    fn each_number_is_nearest_to_its_own_cluster() {
        let mut values = normal(4, 20_000);
        let found = clusters(&mut values, 31);
        assert!(found.len() == 31 && found.is_sorted_by(|a, b| a.value < b.value && a.last < b.last));
        for value in &values {
            let own = found[found.partition_point(|cluster| cluster.last < *value)];
            let nearest = found.iter().map(|cluster| (cluster.value - value).abs()).min_by(f32::total_cmp).unwrap();
            assert!((own.value - value).abs() <= nearest + 1e-6);
        }
        // More values are closer, and the same numbers in another order give the same clusters.
        assert!(error(&values, &found) > error(&values, &clusters(&mut values.clone(), 63)));
        values.reverse();
        assert_eq!(clusters(&mut values, 31), found);
    }

    #[test]
    fn few_numbers_stay_as_they_are() {
        let own = |value: f32| Cluster { value, last: value };
        assert_eq!(clusters(&mut [3.0, -1.0, 3.0, 0.5], 3), [own(-1.0), own(0.5), own(3.0)]);
        assert_eq!(clusters(&mut [], 3), []);
        assert_eq!(clusters(&mut [2.0, 4.0, 6.0], 1), [Cluster { value: 4.0, last: 6.0 }]);
        // The middle has no numbers: its clusters are left out.
        let mut humps = [-1.0, -1.1, -1.2, -0.9, 1.0, 1.1, 1.2, 0.9];
        assert!(clusters(&mut humps, 7).len() < 7);
    }
}
