//! How long this thread had a processor: what other processes do does not lengthen it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Time of this thread on a processor; since the first call on any, where the system does not tell it.
#[must_use]
pub fn processor_time() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    // The system brings it up to date when a thread rests.
    std::thread::sleep(Duration::from_micros(50));
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse().ok()) {
        Some(nanoseconds) if nanoseconds > 0 => Duration::from_nanos(nanoseconds),
        _ => START.get_or_init(Instant::now).elapsed(),
    }
}
