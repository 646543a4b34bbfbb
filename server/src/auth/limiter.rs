//! Counting attempts, so that nobody can try without end.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::clock::{Clock, Time};

/// How long attempts are counted together.
const WINDOW_SECONDS: i64 = 60;

/// The most keys that are counted; beyond it old ones are forgotten first.
const KEYS_MAX: usize = 10_000;

/// Allows a number of attempts a minute for each key.
pub struct Limiter {
    clock: Clock,
    attempts_max: u32,
    windows: Mutex<HashMap<String, Window>>,
}

struct Window {
    ends_at: Time,
    attempts: u32,
}

impl Limiter {
    pub fn new(clock: Clock, attempts_max: u32) -> Self {
        Limiter {
            clock,
            attempts_max,
            windows: Mutex::default(),
        }
    }

    /// Counts an attempt. `Err` has the seconds until the next is allowed.
    pub fn count(&self, key: &str) -> Result<(), u64> {
        let now = self.clock.now();
        let mut windows = self.windows.lock().expect("no panic while held");
        if windows.len() >= KEYS_MAX {
            windows.retain(|_, window| window.ends_at > now);
        }
        if windows.len() >= KEYS_MAX {
            windows.clear();
        }
        let fresh = || Window {
            ends_at: now.plus_seconds(WINDOW_SECONDS),
            attempts: 0,
        };
        let window = windows.entry(key.to_owned()).or_insert_with(fresh);
        if window.ends_at <= now {
            *window = fresh();
        }
        window.attempts = window.attempts.saturating_add(1);
        if window.attempts > self.attempts_max {
            return Err(now.seconds_until(window.ends_at) + 1);
        }
        Ok(())
    }
}
