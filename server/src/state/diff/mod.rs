//! The difference of two values: in Koor's form, as JSON patch (RFC 6902), or
//! as a unified diff of text.

mod koor;
mod patch;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coro_api::state::StateDiff;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Value, get_state_version};
use crate::app::Ctx;
use crate::error::{Error, Result, internal, invalid, unavailable};

/// How many differences are computed at the same time. Each holds two values
/// and may take a while.
const DIFFS_MAX: usize = 4;

/// From how many bytes on two values together are large: parsed they take many
/// times that, so they are compared one pair at a time.
const LARGE_BYTES: i64 = 1024 * 1024;

/// The most entries that a difference has.
const ENTRIES_MAX: usize = 100_000;

/// The most lines of two texts that are compared.
const LINES_MAX: usize = 1_000_000;

/// How long a small text diff is looked for.
const TEXT_DIFF_TIMEOUT: Duration = Duration::from_secs(2);

/// In which form the difference is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    #[default]
    Koor,
    JsonPatch,
    Text,
}

/// A difference in one of the forms, as it is answered.
pub struct Diff {
    pub content_type: &'static str,
    pub body: Bytes,
}

/// Who may compute a difference now.
pub struct Turns {
    all: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns {
            all: Arc::new(Semaphore::new(DIFFS_MAX)),
            large: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Turns {
    fn take(&self) -> Result<OwnedSemaphorePermit> {
        let turn = self.all.clone().try_acquire_owned();
        turn.map_err(|_| busy(format!("{DIFFS_MAX} differences are computed already")))
    }

    /// The turn of large values; none where they are small.
    fn take_large(&self, bytes: i64) -> Result<Option<OwnedSemaphorePermit>> {
        if bytes < LARGE_BYTES {
            return Ok(None);
        }
        let turn = self.large.clone().try_acquire_owned();
        turn.map(Some)
            .map_err(|_| busy("a difference of large values is computed already".to_owned()))
    }
}

fn busy(message: String) -> Error {
    unavailable(message).hint("repeat it after the seconds that Retry-After names")
}

pub async fn diff_state(ctx: &Ctx, key: &str, v1: i64, v2: i64, format: Format) -> Result<Diff> {
    let turn = ctx.app.diffs.take()?;
    let (old, _) = get_state_version(ctx, key, v1).await?;
    let (new, _) = get_state_version(ctx, key, v2).await?;
    let large = ctx.app.diffs.take_large(old.size + new.size)?;
    let key = key.to_owned();
    // The whole of both, as Koor's form may have it, and what numbers grow by.
    let bytes_max = 3 * ctx.app.config.limits.body_bytes;
    // Two large values take a while, and the threads that serve are few. The
    // turns end with the work, also where the client has left.
    tokio::task::spawn_blocking(move || {
        let _turns = (turn, large);
        compute(&key, &old, &new, format, bytes_max)
    })
    .await
    .unwrap_or_else(|error| Err(internal(error)))
}

fn compute(key: &str, old: &Value, new: &Value, format: Format, bytes_max: usize) -> Result<Diff> {
    let room = Room {
        entries: ENTRIES_MAX,
        bytes: bytes_max,
    };
    let (content_type, body) = match format {
        Format::Koor => {
            let diffs = koor::difference(json(key, old)?, json(key, new)?, room)?;
            let (key, v1, v2) = (key.to_owned(), old.version, new.version);
            let diff = StateDiff { key, v1, v2, diffs };
            ("application/json", serde_json::to_vec(&diff))
        }
        Format::JsonPatch => {
            let patch = patch::difference(&json(key, old)?, json(key, new)?, room)?;
            ("application/json-patch+json", serde_json::to_vec(&patch))
        }
        Format::Text => {
            let diff = text_difference(key, old, new)?;
            ("text/plain; charset=utf-8", Ok(diff.into_bytes()))
        }
    };
    let body = Bytes::from(body.map_err(internal)?);
    Ok(Diff { content_type, body })
}

fn text_difference(key: &str, old: &Value, new: &Value) -> Result<String> {
    let lines = |value: &Value| value.bytes.iter().filter(|byte| **byte == b'\n').count();
    let count = lines(old) + lines(new);
    if count > LINES_MAX {
        return Err(invalid(format!(
            "the two versions have {count} lines; at most {LINES_MAX} are compared"
        ))
        .hint(READ_BOTH));
    }
    // After the deadline the rest is shown as replaced: right, and long.
    let diff = similar::TextDiff::configure()
        .timeout(TEXT_DIFF_TIMEOUT)
        .diff_lines(text(key, old)?, text(key, new)?);
    let from = format!("{key} v{}", old.version);
    let to = format!("{key} v{}", new.version);
    Ok(diff.unified_diff().header(&from, &to).to_string())
}

/// The next step where a difference is too large.
const READ_BOTH: &str = "read both versions with ?version= and compare them where you are";

/// What a difference may still have: it can be many times the values, since
/// each entry names its path.
pub(super) struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// Counts an entry before it is made.
    pub(super) fn take(&mut self, path: &str, values: &[&Json]) -> Result<()> {
        let values: usize = values.iter().map(|value| bytes_of(value)).sum();
        let (Some(entries), Some(bytes)) = (
            self.entries.checked_sub(1),
            self.bytes.checked_sub(path.len() + values),
        ) else {
            return Err(invalid(format!(
                "the two versions differ too much: in more than {ENTRIES_MAX} places, or by \
                 more than an answer holds"
            ))
            .hint(READ_BOTH));
        };
        *self = Room { entries, bytes };
        Ok(())
    }
}

/// How long a value is as text.
fn bytes_of(value: &Json) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // It only counts: nothing fails.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

fn json(key: &str, value: &Value) -> Result<Json> {
    serde_json::from_slice(&value.bytes).map_err(|error| {
        invalid(format!(
            "version {} of {key:?} is not JSON: {error}",
            value.version
        ))
        .hint("compare text with format=text")
    })
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str> {
    std::str::from_utf8(&value.bytes).map_err(|_| {
        invalid(format!(
            "version {} of {key:?} is not UTF-8 text",
            value.version
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_beyond_the_most_are_refused_until_one_has_ended() {
        let turns = Turns::default();
        let mut taken: Vec<_> = (0..DIFFS_MAX).map(|_| turns.take()).collect();
        assert!(taken.iter().all(Result::is_ok));
        let refused = turns.take().expect_err("all are taken");
        assert_eq!(refused.reason, coro_api::Reason::Unavailable);
        taken.pop();
        assert!(turns.take().is_ok());
        let large = turns.take_large(LARGE_BYTES).expect("it is the first");
        assert!(turns.take_large(LARGE_BYTES).is_err());
        assert!(turns.take_large(LARGE_BYTES - 1).is_ok());
        drop(large);
        assert!(turns.take_large(LARGE_BYTES).is_ok());
    }
}
