//! How many images a worker takes at a time.

use super::place::{Map, Memory, map};
use super::stage::Stage;
use crate::ir::Graph;
use crate::passes::Mode;

/// What a chunk's arena should fit into, in bytes: a second-level cache of 512 KiB, or half of one of 1 MiB.
pub const CACHE: usize = 512 * 1024;

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

/// Chooses the largest power of two whose arena stays in the cache and that leaves enough chunks; 1 where none does, and then in
/// bands.
pub(super) fn choose(graph: &Graph, stages: &[Stage], macs: u64, mode: Mode, cache: usize) -> Result<Choice, String> {
    let cache = cache / size_of::<f32>();
    let memory = Memory::of(graph, stages, mode, cache);
    let mut chunk = MOST;
    while chunk > 1 && memory.least(chunk) > cache {
        chunk /= 2;
    }
    loop {
        let has_little_work = macs.saturating_mul(chunk as u64) <= LITTLE_WORK;
        let whole = map(&memory, chunk, false).filter(|map| map.arena <= LARGEST);
        let is_large = whole.as_ref().is_none_or(|map| map.arena > cache);
        let in_bands = chunk == 1 && is_large && stages.len() == 1;
        let banded = if in_bands { map(&memory, 1, true) } else { None };
        match banded.filter(|map| map.arena <= LARGEST).or(whole) {
            Some(map) if chunk == 1 || (map.arena <= cache && (chunk <= MANY || has_little_work)) => {
                return Ok(Choice { chunk, map });
            }
            None if chunk == 1 => return Err(format!("one image needs more than {LARGEST} numbers of working memory")),
            _ => chunk /= 2,
        }
    }
}
