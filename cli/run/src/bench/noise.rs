//! What else used the processors: a measurement with much of it is to be taken again.

use std::fs;

use serde::Serialize;

use super::measure::round;

/// Shares of the machine's processor time, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Noise {
    /// What a hypervisor gave to other machines.
    pub(super) steal_pct: f64,
    /// What other processes used.
    pub(super) other_cpu_pct: f64,
}

/// Processor time since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    busy: f64,
    idle: f64,
    steal: f64,
    /// This process's part.
    own: f64,
}

/// The usage up to now; `None` where the system does not tell.
pub(super) fn usage() -> Option<Usage> {
    parse(&fs::read_to_string("/proc/stat").ok()?, &fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads `/proc/stat` and `/proc/self/stat` (proc(5)).
fn parse(machine: &str, process: &str) -> Option<Usage> {
    let fields: Vec<f64> =
        machine.lines().next()?.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    let &[user, nice, system, idle, iowait, irq, softirq, steal, ..] = fields.as_slice() else { return None };
    // The second field is the program's name in parentheses, which may hold anything.
    let rest = process.rsplit_once(')')?.1;
    let times = rest.split_whitespace().skip(11).take(4).map(|field| field.parse::<f64>().ok());
    let own = times.sum::<Option<f64>>()?;
    Some(Usage { busy: user + nice + system + irq + softirq, idle: idle + iowait, steal, own })
}

impl Noise {
    /// What happened between two readings.
    pub(super) fn between(before: &Usage, after: &Usage) -> Self {
        let busy = after.busy - before.busy;
        let steal = after.steal - before.steal;
        let total = (busy + after.idle - before.idle + steal).max(1e-9);
        let others = (busy - (after.own - before.own)).max(0.0);
        Self { steal_pct: round(100.0 * steal / total, 1), other_cpu_pct: round(100.0 * others / total, 1) }
    }
}

/// The most memory that the process has had, in MiB; `None` where the system does not tell.
pub(super) fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_taken_apart() {
        let machine = "cpu  100 2 30 400 5 6 7 80 0 0\ncpu0 1 2 3\n";
        let process = "42 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 0 0 0 0\n";
        let usage = parse(machine, process).unwrap();
        assert_eq!(usage, Usage { busy: 145.0, idle: 405.0, steal: 80.0, own: 11.0 + 12.0 + 13.0 + 14.0 });
        assert_eq!(parse("cpu 1 2", process), None);
        assert_eq!(parse(machine, "42 a"), None);
    }

    #[test]
    fn others_are_what_is_not_ours() {
        let before = Usage { busy: 100.0, idle: 100.0, steal: 0.0, own: 0.0 };
        let after = Usage { busy: 150.0, idle: 140.0, steal: 10.0, own: 30.0 };
        assert_eq!(Noise::between(&before, &after), Noise { steal_pct: 10.0, other_cpu_pct: 20.0 });
    }
}
