//! Which folder a run writes to: `runs/lenet`, then `runs/lenet-2` and so on, so that no run replaces another.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder with the runs of the current directory.
const RUNS: &str = "runs";

/// What makes a folder a run's.
const FILES: [&str; 4] = [MANIFEST, WEIGHTS, METRICS, LATEST];

/// What the run follows from.
pub(crate) const MANIFEST: &str = "run.toml";
/// The last epoch's weights.
pub(crate) const WEIGHTS: &str = "weights.safetensors";
/// A line of JSON for each epoch.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// The picture of loss and accuracy.
pub(crate) const CURVE: &str = "curve.svg";
/// The trainer's checkpoint.
pub(crate) const LATEST: &str = "latest.ckpt";

/// Whether a run has left files in a folder.
pub(crate) fn is_taken(folder: &Path) -> bool {
    FILES.iter().any(|file| folder.join(file).exists())
}

/// The first folder of the network's that no run has taken.
pub(crate) fn next(network: &str) -> PathBuf {
    let runs = Path::new(RUNS);
    let last = numbers(runs, network).filter(|number| is_taken(&numbered(runs, network, *number))).max();
    numbered(runs, network, last.map_or(1, |last| last.saturating_add(1)))
}

/// The network's last folder with a file of that name.
pub(crate) fn latest_with(network: &str, file: &str) -> Option<PathBuf> {
    let runs = Path::new(RUNS);
    let folders = numbers(runs, network).map(|number| (number, numbered(runs, network, number)));
    folders.filter(|(_, folder)| folder.join(file).is_file()).max().map(|(_, folder)| folder)
}

/// `runs/lenet` for 1, `runs/lenet-2` for 2.
fn numbered(runs: &Path, network: &str, number: u32) -> PathBuf {
    runs.join(if number == 1 { network.to_owned() } else { format!("{network}-{number}") })
}

/// The numbers of the network's folders.
fn numbers(runs: &Path, network: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(runs).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(move |entry| number(entry.file_name().to_str()?, network))
}

/// The number in a folder's name, if it is one of the network's.
fn number(name: &str, network: &str) -> Option<u32> {
    match name.strip_prefix(network)? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok().filter(|number| *number > 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_numbered_from_the_second_on() {
        let numbers = ["lenet", "lenet-2", "lenet-17", "lenet5", "lenet-", "lenet-1", "lenet-x", "le"];
        assert_eq!(
            numbers.map(|name| number(name, "lenet")),
            [Some(1), Some(2), Some(17), None, None, None, None, None]
        );
        assert_eq!(numbered(Path::new("runs"), "lenet", 3), Path::new("runs/lenet-3"));
    }
}
