//! Timing a step again and again.

use std::time::{Duration, Instant};

use super::noise::{self, Noise};
use crate::failure::Failure;

/// How long and how often a step runs before it counts.
const WARM_UP: Duration = Duration::from_millis(1500);
const WARM_UP_STEPS: usize = 5;
/// When a slow warm-up ends all the same.
const WARM_UP_MOST: Duration = Duration::from_secs(90);
/// The fewest steps that are measured.
const FEWEST: usize = 5;
/// The most steps that are measured: memory for their times is bounded.
const MOST: usize = 10_000_000;

/// The times of a step, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    pub(super) median: f64,
    pub(super) p10: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) min: f64,
    /// How many steps were measured.
    pub(super) count: usize,
}

/// Warms up, then measures steps for so many seconds, and what else the processors did meanwhile.
pub(super) fn measure(
    seconds: f64,
    mut step: impl FnMut() -> Result<(), Failure>,
) -> Result<(Times, Option<Noise>), Failure> {
    let start = Instant::now();
    let mut warm = 0;
    while (warm < WARM_UP_STEPS || start.elapsed() < WARM_UP) && start.elapsed() < WARM_UP_MOST {
        step()?;
        warm += 1;
    }
    let mut times = Vec::new();
    let before = noise::usage();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    loop {
        let start = Instant::now();
        step()?;
        let now = Instant::now();
        times.push((now - start).as_secs_f64());
        if (now >= end && times.len() >= FEWEST) || times.len() >= MOST {
            break;
        }
    }
    let noise = before.zip(noise::usage()).map(|(before, after)| Noise::between(&before, &after));
    Ok((statistics(times), noise))
}

/// Sorts the times out; there is at least one.
fn statistics(mut times: Vec<f64>) -> Times {
    times.sort_by(f64::total_cmp);
    let count = times.len();
    let at = |idx: usize| times.get(idx.min(count.saturating_sub(1))).copied().unwrap_or(f64::NAN);
    let quantile = |part: f64| at((part * count as f64) as usize);
    let median = match count % 2 {
        0 => 0.5 * (at((count / 2).saturating_sub(1)) + at(count / 2)),
        _ => at(count / 2),
    };
    Times { median, p10: quantile(0.1), p90: quantile(0.9), p99: quantile(0.99), min: at(0), count }
}

/// A number with so many digits after the dot.
pub(super) fn round(number: f64, digits: i32) -> f64 {
    let power = 10_f64.powi(digits);
    (number * power).round() / power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let times = statistics((0..200).rev().map(f64::from).collect());
        let Times { median, p10, p90, p99, min, count } = times;
        assert_eq!((median, p10, p90, p99, min, count), (99.5, 20.0, 180.0, 198.0, 0.0, 200));
        assert_eq!(statistics(vec![3.0, 1.0, 2.0]).median, 2.0);
        assert_eq!(round(1.234_567_89, 5), 1.234_57);
    }

    #[test]
    fn steps_are_counted_and_failures_end_it() {
        let mut steps = 0;
        let result = measure(0.01, || {
            steps += 1;
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        });
        let (times, _) = result.unwrap();
        assert!(times.count == FEWEST && steps > WARM_UP_STEPS + FEWEST && times.min >= 0.02, "{times:?} {steps}");
        assert!(measure(0.01, || Err(Failure::failed("no"))).is_err());
    }
}
