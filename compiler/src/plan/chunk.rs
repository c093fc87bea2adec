//! How many images a worker takes at a time.

use super::place::{Map, map};
use super::stage::Stage;
use crate::ir::Graph;

/// What a chunk's arena should fit into, in floats: half of a second-level cache of 1 MiB.
const CACHE: usize = 512 * 1024 / 4;

/// The most images of a chunk whose work is worth a thread; more would leave too few chunks for the threads.
const MANY: usize = 8;

/// The most images of a chunk of any network.
const MOST: usize = 64;

/// Multiply-adds of a chunk below which its overhead would count.
const LITTLE_WORK: u64 = 2_000_000;

/// The largest arena, in floats.
const LARGEST: usize = 1 << 32;

/// A chunk size with its memory map.
pub(super) struct Choice {
    pub(super) chunk: usize,
    pub(super) map: Map,
}

/// Chooses the largest power of two whose arena stays in the cache and that leaves enough chunks; 1 where none does.
pub(super) fn choose(graph: &Graph, stages: &[Stage], macs: u64) -> Result<Choice, String> {
    let mut chunk = MOST;
    loop {
        let has_little_work = macs.saturating_mul(chunk as u64) <= LITTLE_WORK;
        let map = map(graph, stages, chunk).filter(|map| map.arena <= LARGEST);
        match map {
            Some(map) if chunk == 1 || (map.arena <= CACHE && (chunk <= MANY || has_little_work)) => {
                return Ok(Choice { chunk, map });
            }
            None if chunk == 1 => return Err(format!("one image needs more than {LARGEST} numbers of working memory")),
            _ => chunk /= 2,
        }
    }
}
