//! What the figures were measured on, and how much CPU others took meanwhile.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// How much the machine had done at a moment, in clock ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    /// All processes together, and what the hypervisor took away.
    busy: u64,
    /// This process and all that descend from it.
    own: u64,
    /// Busy or not, all cores.
    all: u64,
}

impl Ticks {
    pub(crate) fn now() -> Ticks {
        let (busy, all) = machine_ticks();
        Ticks {
            busy,
            own: own_ticks(),
            all,
        }
    }

    /// The share of the machine that others had since `self`, 0 to 1.
    pub(crate) fn foreign_since(self) -> f64 {
        let now = Ticks::now();
        let busy = now.busy.saturating_sub(self.busy);
        let own = now.own.saturating_sub(self.own);
        let all = now.all.saturating_sub(self.all).max(1);
        busy.saturating_sub(own) as f64 / all as f64
    }
}

/// Interrupts are left out: nobody can say whose they were, and with loopback
/// traffic most are our own.
fn machine_ticks() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let (user, nice, system, steal) = (at(0), at(1), at(2), at(7));
    (user + nice + system + steal, numbers.iter().take(8).sum())
}

/// Sums what this process, its descendants and their ended children used.
fn own_ticks() -> u64 {
    let mut processes: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if let Some(found) = parent_and_ticks(pid) {
            processes.insert(pid, found);
        }
    }
    let this = std::process::id();
    let descends = |mut pid: u32| {
        while pid > 1 {
            if pid == this {
                return true;
            }
            pid = processes.get(&pid).map_or(0, |(parent, _)| *parent);
        }
        false
    };
    processes
        .iter()
        .filter(|(pid, _)| descends(**pid))
        .map(|(_, (_, ticks))| ticks)
        .sum()
}

fn parent_and_ticks(pid: u32) -> Option<(u32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and brackets; what follows the last one is safe.
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields.get(11..15)?;
    Some((
        parent,
        times
            .iter()
            .filter_map(|field| field.parse::<u64>().ok())
            .sum(),
    ))
}

/// How many ticks a second has in `/proc`: Linux has never shown another
/// number on the processors that this runs on.
const TICKS_A_SECOND: u64 = 100;

/// The processor time that a process has used.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let ticks = parent_and_ticks(pid).map_or(0, |(_, ticks)| ticks);
    Duration::from_millis(ticks * 1000 / TICKS_A_SECOND)
}

/// Cores, processor, kernel, memory, in one line.
pub(crate) fn facts() -> String {
    let cores = cores();
    let processor = first_value("/proc/cpuinfo", "model name");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = first_value("/proc/meminfo", "MemTotal");
    let kib: u64 = memory
        .split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    format!(
        "{cores} cores, {processor}, {} GiB, Linux {}",
        kib >> 20,
        kernel.trim()
    )
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn first_value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map_or(String::new(), |(_, v)| v.trim().to_owned())
}
