//! Which channels go: those with the smallest filters.

use std::collections::{HashMap, HashSet};

use netwright::Parameters;
use netwright_compiler::Compiled;
use netwright_compiler::channels::{ChannelId, Channels};
use netwright_run::Failure;
use netwright_run::prune::Shares;

/// Chooses the channels to remove: of every group of tied layers the fraction that is not kept, smallest norms first. A
/// layer keeps at least one.
pub(super) fn channels(
    channels: &Channels,
    compiled: &Compiled,
    weights: &Parameters,
    shares: &Shares,
) -> Result<HashSet<ChannelId>, Failure> {
    let known = || channels.layers().iter().map(|layer| layer.name.as_str());
    for (name, _) in &shares.layers {
        if !known().any(|layer| shares.names(name, layer)) {
            return Err(Failure::usage(format!("no layer with channels is called `{}`", name.escape_debug()))
                .help(format!("the layers are {}", known().collect::<Vec<_>>().join(", "))));
        }
    }
    let mut gone = HashSet::new();
    for group in channels.tied_layers() {
        let layers: Vec<_> = group.iter().filter_map(|&idx| channels.layers().get(idx)).collect();
        let own = layers.iter().find_map(|layer| shares.of_layer(&layer.name));
        let Some(keep) = own.or(shares.common) else { continue };
        // A channel of several layers counts with the mean of its filters, each compared with its layer's.
        let mut scores: HashMap<ChannelId, (f64, u32)> = HashMap::new();
        for layer in &layers {
            let norms = norms(compiled, layer, weights)?;
            let mean = norms.iter().sum::<f64>() / norms.len().max(1) as f64;
            for (channel, norm) in channels.of_layer(layer).zip(norms) {
                if let Some(channel) = channel {
                    let score = scores.entry(channel).or_insert((0.0, 0));
                    *score = (score.0 + norm / mean.max(f64::MIN_POSITIVE), score.1 + 1);
                }
            }
        }
        let mut ranked: Vec<(f64, ChannelId)> =
            scores.into_iter().map(|(channel, (sum, n))| (sum / f64::from(n), channel)).collect();
        ranked.sort_by(|(a, first), (b, second)| a.total_cmp(b).then(first.cmp(second)));
        let n_kept = shares.kept(keep, ranked.len());
        let mut left: Vec<HashMap<ChannelId, usize>> =
            layers.iter().map(|layer| counts(channels.of_layer(layer).flatten())).collect();
        let mut spare: Vec<usize> = layers.iter().map(|layer| channels.of_layer(layer).count()).collect();
        let mut wanted = ranked.len().saturating_sub(n_kept);
        for (_, channel) in ranked {
            let takes: Vec<usize> = left.iter().map(|own| own.get(&channel).copied().unwrap_or(0)).collect();
            if wanted > 0 && spare.iter().zip(&takes).all(|(spare, takes)| spare > takes) {
                spare.iter_mut().zip(&takes).for_each(|(spare, takes)| *spare -= takes);
                left.iter_mut().for_each(|own| {
                    own.remove(&channel);
                });
                gone.insert(channel);
                wanted -= 1;
            }
        }
    }
    Ok(gone)
}

fn counts(channels: impl Iterator<Item = ChannelId>) -> HashMap<ChannelId, usize> {
    let mut counts = HashMap::new();
    channels.for_each(|channel| *counts.entry(channel).or_insert(0) += 1);
    counts
}

/// The Euclidean norm of every filter of a layer, its bias not counted.
fn norms(
    compiled: &Compiled,
    layer: &netwright_compiler::channels::Layer,
    weights: &Parameters,
) -> Result<Vec<f64>, Failure> {
    let weight = weights.get(&compiled.graph.parameter(layer.weight).name)?;
    // The last axis counts the channels.
    let n = weight.shape().last().copied().unwrap_or(0);
    let mut sums = vec![0.0; n];
    for (idx, value) in weight.iter().enumerate() {
        if let Some(sum) = sums.get_mut(idx % n.max(1)) {
            *sum += f64::from(*value).powi(2);
        }
    }
    Ok(sums.into_iter().map(f64::sqrt).collect())
}
