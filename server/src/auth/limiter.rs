//! Counting attempts, so that nobody can try without end.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::clock::{Clock, Time};

/// How long attempts are counted together where nothing else is said.
const WINDOW_SECONDS: i64 = 60;

/// The most keys that are counted; beyond it old ones are forgotten first.
const KEYS_MAX: usize = 10_000;

/// Allows a number of attempts a minute for each key.
pub struct Limiter {
    clock: Clock,
    attempts_max: u32,
    window_seconds: i64,
    windows: Mutex<HashMap<String, Window>>,
}

struct Window {
    ends_at: Time,
    attempts: u32,
}

impl Limiter {
    pub fn new(clock: Clock, attempts_max: u32) -> Self {
        Limiter::with_window(clock, attempts_max, WINDOW_SECONDS)
    }

    /// As [`Limiter::new`], with another time than a minute.
    pub fn with_window(clock: Clock, attempts_max: u32, window_seconds: i64) -> Self {
        Limiter {
            clock,
            attempts_max,
            window_seconds,
            windows: Mutex::default(),
        }
    }

    /// Whether another attempt is allowed, without counting one. `Err` has the
    /// seconds until it is.
    pub fn check(&self, key: &str) -> Result<(), u64> {
        let now = self.clock.now();
        let windows = self.windows.lock().expect("no panic while held");
        match windows.get(key) {
            Some(window) if window.ends_at > now && window.attempts >= self.attempts_max => {
                Err(now.seconds_until(window.ends_at) + 1)
            }
            _ => Ok(()),
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
            ends_at: now.plus_seconds(self.window_seconds),
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

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;

    #[test]
    fn looking_does_not_count_and_the_window_is_its_own() {
        let clock = Clock::default();
        let limiter = Limiter::with_window(clock.clone(), 2, 300);
        for _ in 0..2 {
            assert_eq!(limiter.check("a"), Ok(()));
            assert_eq!(limiter.count("a"), Ok(()));
        }
        assert!(limiter.check("a").is_err_and(|seconds| seconds > 290));
        assert_eq!(limiter.check("b"), Ok(()));
        clock.advance_ms(301_000);
        assert_eq!(limiter.check("a"), Ok(()));
    }
}
