//! The order of nodes within layers, so that few edges cross.

/// How often all layers are gone through, down and up in turn.
const SWEEPS: usize = 16;

/// Orders each layer: `layers` has the nodes of each, `above` and `below` the neighbours of each node in the layer before
/// and after it.
pub(super) fn order(layers: &mut [Vec<usize>], above: &[Vec<usize>], below: &[Vec<usize>]) {
    let mut best = layers.to_vec();
    let mut fewest = crossings(layers, below);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        if sweep % 2 == 0 {
            (1..layers.len()).for_each(|idx| sort(layers, idx, idx - 1, above));
        } else {
            (1..layers.len()).rev().for_each(|idx| sort(layers, idx - 1, idx, below));
        }
        let found = crossings(layers, below);
        if found < fewest {
            (best, fewest) = (layers.to_vec(), found);
        }
    }
    layers.clone_from_slice(&best);
}

/// Sorts a layer by the mean place of each node's neighbours in a fixed layer; nodes without any keep their places.
fn sort(layers: &mut [Vec<usize>], layer: usize, fixed: usize, neighbours: &[Vec<usize>]) {
    let places = places(&layers[fixed], neighbours.len());
    let mut keyed: Vec<(f64, usize)> = layers[layer]
        .iter()
        .enumerate()
        .map(|(place, &node)| {
            let around = &neighbours[node];
            let sum: f64 = around.iter().map(|&other| places[other] as f64).sum();
            (if around.is_empty() { place as f64 } else { sum / around.len() as f64 }, node)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    layers[layer] = keyed.into_iter().map(|(_, node)| node).collect();
}

/// The place of each node of a layer, by node.
fn places(layer: &[usize], n_nodes: usize) -> Vec<usize> {
    let mut places = vec![0; n_nodes];
    for (place, &node) in layer.iter().enumerate() {
        places[node] = place;
    }
    places
}

/// How many pairs of edges cross.
pub(super) fn crossings(layers: &[Vec<usize>], below: &[Vec<usize>]) -> usize {
    let mut sum = 0;
    for pair in layers.windows(2) {
        let places = places(&pair[1], below.len());
        // Lower ends in the order of the upper ones: each inversion is a crossing. A Fenwick tree counts them.
        let mut tree = vec![0_usize; pair[1].len() + 1];
        let mut n_seen = 0;
        for &node in &pair[0] {
            let mut ends: Vec<usize> = below[node].iter().map(|&other| places[other]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let mut not_right = 0;
                let mut idx = end + 1;
                while idx > 0 {
                    not_right += tree[idx];
                    idx &= idx - 1;
                }
                sum += n_seen - not_right;
            }
            for end in ends {
                let mut idx = end + 1;
                while idx < tree.len() {
                    tree[idx] += 1;
                    idx += idx & idx.wrapping_neg();
                }
                n_seen += 1;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_are_counted_and_undone() {
        // 0 and 1 above 2 and 3, crossed; 4 below both.
        let below = vec![vec![3], vec![2], vec![4], vec![4], vec![]];
        let above = vec![vec![], vec![], vec![1], vec![0], vec![2, 3]];
        let mut layers = vec![vec![0, 1], vec![2, 3], vec![4]];
        assert_eq!(crossings(&layers, &below), 1);
        order(&mut layers, &above, &below);
        assert_eq!(crossings(&layers, &below), 0);
        assert_eq!(layers, [vec![0, 1], vec![3, 2], vec![4]]);
        // All of two by all of three: 3 crossings whatever the order.
        let full = vec![vec![2, 3, 4], vec![2, 3, 4], vec![], vec![], vec![]];
        assert_eq!(crossings(&[vec![0, 1], vec![2, 3, 4]], &full), 3);
    }
}
