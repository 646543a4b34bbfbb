//! Settings of tasks.

use serde::Deserialize;

/// The settings, `[tasks]` in the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// Seconds of silence of an agent after which the tasks that it has claimed
    /// go back into the queue.
    pub silent_after_seconds: u64,
}

impl Default for TaskSettings {
    fn default() -> Self {
        TaskSettings {
            silent_after_seconds: 900,
        }
    }
}

impl TaskSettings {
    /// The default, longer where sweeps are rare.
    pub fn usual_with(sweep_seconds: u64) -> Self {
        let usual = TaskSettings::default().silent_after_seconds;
        TaskSettings {
            silent_after_seconds: usual.max(least(sweep_seconds)),
        }
    }

    /// Refuses a silence that can't be told from a late sweep.
    pub fn check(&self, sweep_seconds: u64) -> Result<(), String> {
        /// A year: more is a slip of the pen.
        const SECONDS_MAX: u64 = 366 * 24 * 3600;
        let least = least(sweep_seconds);
        if (least..=SECONDS_MAX).contains(&self.silent_after_seconds) {
            return Ok(());
        }
        Err(format!(
            "tasks.silent_after_seconds is {}; it takes at least three times \
             liveness.sweep_seconds, {least}, and at most a year",
            self.silent_after_seconds
        ))
    }
}

/// Each server may be a sweep behind, and one may be missed.
fn least(sweep_seconds: u64) -> u64 {
    sweep_seconds.saturating_mul(3)
}
