//! The difference of two values: in Koor's form, as JSON patch (RFC 6902), or
//! as a unified diff of text.

use std::sync::Arc;
use std::time::Duration;

use coro_api::state::{DiffEntry, DiffKind, StateDiff};
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Value, get_state_version};
use crate::app::Ctx;
use crate::error::{Result, internal, invalid, unavailable};

/// How many differences are computed at the same time. Each holds two values
/// and may take a while.
const DIFFS_MAX: usize = 4;

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

/// A difference in one of the forms.
pub enum Diff {
    Koor(StateDiff),
    JsonPatch(json_patch::Patch),
    Text(String),
}

/// Who may compute a difference now.
pub struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Turns(Arc::new(Semaphore::new(DIFFS_MAX)))
    }
}

impl Turns {
    fn take(&self) -> Result<OwnedSemaphorePermit> {
        let turn = self.0.clone().try_acquire_owned();
        turn.map_err(|_| {
            unavailable(format!("{DIFFS_MAX} differences are computed already"))
                .hint("repeat it after the seconds that Retry-After names")
        })
    }
}

pub async fn diff_state(ctx: &Ctx, key: &str, v1: i64, v2: i64, format: Format) -> Result<Diff> {
    let turn = ctx.app.diffs.take()?;
    let (old, _) = get_state_version(ctx, key, v1).await?;
    let (new, _) = get_state_version(ctx, key, v2).await?;
    let key = key.to_owned();
    // Two large values take a while, and the threads that serve are few. The
    // turn ends with the work, also where the client has left.
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        compute(&key, &old, &new, format)
    })
    .await
    .unwrap_or_else(|error| Err(internal(error)))
}

fn compute(key: &str, old: &Value, new: &Value, format: Format) -> Result<Diff> {
    Ok(match format {
        Format::Koor => {
            let mut diffs = Vec::new();
            compare(
                "",
                Some(&json(key, old)?),
                Some(&json(key, new)?),
                &mut diffs,
            );
            let (key, v1, v2) = (key.to_owned(), old.version, new.version);
            Diff::Koor(StateDiff { key, v1, v2, diffs })
        }
        Format::JsonPatch => Diff::JsonPatch(json_patch::diff(&json(key, old)?, &json(key, new)?)),
        Format::Text => {
            // After the deadline the rest is shown as replaced: right, and long.
            let diff = similar::TextDiff::configure()
                .timeout(TEXT_DIFF_TIMEOUT)
                .diff_lines(text(key, old)?, text(key, new)?);
            let from = format!("{key} v{}", old.version);
            let to = format!("{key} v{}", new.version);
            Diff::Text(diff.unified_diff().header(&from, &to).to_string())
        }
    })
}

/// Koor's form: members joined with dots, arrays and scalars compared whole.
fn compare(path: &str, old: Option<&Json>, new: Option<&Json>, diffs: &mut Vec<DiffEntry>) {
    if let (Some(Json::Object(old)), Some(Json::Object(new))) = (old, new) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            compare(&path, old.get(name), new.get(name), diffs);
        }
        return;
    }
    let kind = match (old, new) {
        (old, new) if old == new => return,
        (None, _) => DiffKind::Added,
        (_, None) => DiffKind::Removed,
        _ => DiffKind::Changed,
    };
    diffs.push(DiffEntry {
        path: path.to_owned(),
        old: old.cloned(),
        new: new.cloned(),
        kind,
    });
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
    }

    #[test]
    fn differences_are_found_in_objects_and_in_anything_else() {
        let compare_all = |old: Json, new: Json| {
            let mut diffs = Vec::new();
            compare("", Some(&old), Some(&new), &mut diffs);
            serde_json::to_value(diffs).expect("serializable")
        };
        let old = serde_json::json!({"a": 1, "b": {"c": [1], "d": null}, "e": 0});
        let new = serde_json::json!({"a": 1, "b": {"c": [2]}, "f": 0});
        assert_eq!(
            compare_all(old, new),
            serde_json::json!([
                {"path": "b.c", "old": [1], "new": [2], "kind": "changed"},
                {"path": "b.d", "old": null, "kind": "removed"},
                {"path": "e", "old": 0, "kind": "removed"},
                {"path": "f", "new": 0, "kind": "added"},
            ])
        );
        assert_eq!(
            compare_all(serde_json::json!([1]), serde_json::json!("x")),
            serde_json::json!([{"path": "", "old": [1], "new": "x", "kind": "changed"}])
        );
    }
}
