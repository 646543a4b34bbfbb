//! Time. Everything that needs the present asks a [`Clock`] that was handed
//! in, so that a test can move it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A moment, in microseconds since 1970 in UTC. Stored as BIGINT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Reads RFC 3339, such as `2026-02-16T14:30:00Z`.
    pub fn parse(text: &str) -> Option<Time> {
        text.parse::<Timestamp>()
            .ok()
            .map(|t| Time(t.as_microsecond()))
    }

    /// The moment some seconds later; stays in range.
    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(
            self.0
                .saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)),
        )
    }

    /// Whole seconds from here to a later moment; 0 where it is not later.
    pub fn seconds_until(self, later: Time) -> u64 {
        u64::try_from((later.0 - self.0) / MICROS_PER_SECOND).unwrap_or(0)
    }
}

/// RFC 3339 in UTC with six decimals, so that texts sort as times do.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Where the present comes from. Clones share one offset.
#[derive(Clone, Default)]
pub struct Clock {
    /// Microseconds that tests have moved the present by.
    offset: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> Time {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the clock"
        )]
        let now = Timestamp::now().as_microsecond();
        self.shift(Time(now))
    }

    /// The present as the machine has it, whatever tests have moved: to find
    /// that the machine itself has slept.
    pub fn of_the_machine(&self) -> Time {
        Time(
            self.now()
                .0
                .saturating_sub(self.offset.load(Ordering::Relaxed)),
        )
    }

    /// A moment read elsewhere, such as from PostgreSQL, moved as ours is.
    pub fn shift(&self, time: Time) -> Time {
        Time(time.0.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Moves the present of every clone.
    #[cfg(feature = "testing")]
    pub fn advance_ms(&self, ms: i64) {
        self.offset
            .fetch_add(ms.saturating_mul(1000), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_so_that_texts_sort_as_times_do() {
        let early = Time::parse("2026-02-16T14:30:00Z").expect("valid");
        let late = Time(early.0 + 5);
        assert_eq!(early.to_string(), "2026-02-16T14:30:00.000000Z");
        assert_eq!(late.to_string(), "2026-02-16T14:30:00.000005Z");
        assert_eq!(Time::parse(&late.to_string()), Some(late));
        assert_eq!(Time::parse("2026-02-16T15:30:00+01:00"), Some(early));
        assert_eq!(Time::parse("yesterday"), None);
    }
}
