//! Reading the log: what a caller sees of it, from where, and what is kept.
//!
//! Tables are the truth, the log is the change feed and the audit. Everyone
//! who reads it goes on from a cursor, the last revision that they have seen:
//! forward in [`read_after`] and [`feed`], backward in [`read_before`]. What a
//! caller may not see is left out before any limit counts. A cursor that is
//! older than what is kept is an error that names the oldest revision: nobody
//! is moved on silently.

pub mod feed;
pub mod poll;
pub mod retention;
mod store;
pub mod verify;
pub mod wait;

use std::borrow::Cow;

use crate::clock::Time;
use crate::db::glob::Glob;
use crate::db::{Entry, Scope, Tx};
use crate::error::{Result, compacted, invalid};
use crate::ids::TenantId;

/// How many rows one call scans before it answers with a cursor to go on.
const SCAN_ROWS_MAX: i64 = 500_000;

/// About how many bytes of events one call gives, so that a page of large ones
/// is short. At least one event is given, however large.
pub const PAGE_BYTES_MAX: i64 = 8 * 1024 * 1024;

/// How many revisions are read at a time while scanning: small at first, since
/// what is asked for is mostly near.
const WINDOW_START: i64 = 512;
const WINDOW_MAX: i64 = 32_768;

/// What a caller may see of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The one project; `None` for all.
    pub project: Option<String>,
    /// State keys begin with one of these; none means all.
    pub key_prefixes: Vec<String>,
    /// Whether entries for the audit are seen too.
    pub audit: bool,
}

impl Sight {
    /// What the server itself sees.
    pub fn everything() -> Self {
        Sight {
            project: None,
            key_prefixes: Vec::new(),
            audit: true,
        }
    }

    fn covers(&self, entry: &Entry) -> bool {
        if entry.scope == Scope::Audit && !self.audit {
            return false;
        }
        if self
            .project
            .as_ref()
            .is_some_and(|project| *project != entry.project)
        {
            return false;
        }
        self.key_prefixes.is_empty()
            || !entry.topic.starts_with("coro.state.")
            || self
                .key_prefixes
                .iter()
                .any(|prefix| entry.subject.starts_with(prefix))
    }
}

/// Which subjects are asked for.
#[derive(Clone, Debug, Default)]
pub enum Subject {
    #[default]
    Any,
    Is(String),
    StartsWith(String),
}

/// Which entries are asked for, by whom.
#[derive(Clone, Debug)]
pub struct Filter {
    pub sight: Sight,
    pub topic: Glob,
    /// Topics that are asked for besides.
    pub or_topic: Option<Glob>,
    pub subject: Subject,
    /// The actor in full, such as `agent:frontend`.
    pub actor: Option<String>,
    /// The actor's name, or `coro` for the server's own topics.
    pub source: Option<String>,
    /// From this moment on.
    pub from: Option<Time>,
    /// Up to this moment, itself included.
    pub to: Option<Time>,
}

impl Filter {
    pub fn new(sight: Sight, topic: Glob) -> Self {
        Filter {
            sight,
            topic,
            or_topic: None,
            subject: Subject::Any,
            actor: None,
            source: None,
            from: None,
            to: None,
        }
    }

    /// The smallest and the largest topic that can match, for SQL.
    fn topic_range(&self) -> (String, String) {
        let (from, to) = self.topic.range();
        match &self.or_topic {
            Some(other) => {
                let (other_from, other_to) = other.range();
                (from.min(other_from), to.max(other_to))
            }
            None => (from, to),
        }
    }

    pub fn matches(&self, entry: &Entry) -> bool {
        (self.topic.matches(&entry.topic)
            || self
                .or_topic
                .as_ref()
                .is_some_and(|topic| topic.matches(&entry.topic)))
            && self.sight.covers(entry)
            && match &self.subject {
                Subject::Any => true,
                Subject::Is(subject) => entry.subject == *subject,
                Subject::StartsWith(prefix) => entry.subject.starts_with(prefix.as_str()),
            }
            && self
                .actor
                .as_ref()
                .is_none_or(|actor| entry.actor == *actor)
            && self
                .source
                .as_ref()
                .is_none_or(|source| source_of(entry) == source)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at <= to)
    }
}

/// Koor's `source`: `coro` for the server's own events, else who published.
pub fn source_of(entry: &Entry) -> &str {
    if coro_api::names::is_reserved_topic(&entry.topic) {
        return "coro";
    }
    entry
        .actor
        .split_once(':')
        .map_or(entry.actor.as_str(), |(_, name)| name)
}

/// The entry's data as JSON text, as events show it. For state the key, the
/// version, hash and size, never the value.
pub fn data_of(entry: &Entry) -> Cow<'_, str> {
    if let Some(data) = &entry.data {
        return String::from_utf8_lossy(data);
    }
    let Some(version) = entry.version else {
        return Cow::Borrowed(entry.note.as_deref().unwrap_or("null"));
    };
    let mut data = serde_json::json!({
        "key": entry.subject,
        "version": version,
        "hash": entry.hash.map(|hash| hash.hex()),
        "size": entry.size,
        "content_type": entry.content_type,
    });
    let note = entry
        .note
        .as_deref()
        .and_then(|note| serde_json::from_str(note).ok());
    if let (Some(data), Some(serde_json::Value::Object(note))) = (data.as_object_mut(), note) {
        data.extend(note);
    }
    Cow::Owned(data.to_string())
}

/// Entries in order, and where to go on.
#[derive(Debug)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// The last revision that was looked at.
    pub next: i64,
    /// Whether there is more to look at.
    pub more: bool,
}

/// The entries after `from`, the oldest first, at most `limit`, and none after
/// those that reach `bytes_max`.
pub fn read_after(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &Filter,
    from: i64,
    limit: usize,
    bytes_max: i64,
) -> Result<Page> {
    let head = tx.head(tenant)?.revision;
    check_cursor(tx, tenant, from, head)?;
    let scan_to = head.min(from.saturating_add(SCAN_ROWS_MAX));
    let mut page = Page {
        entries: Vec::new(),
        next: from,
        more: false,
    };
    let mut window = WINDOW_START;
    let mut bytes = 0;
    while page.next < scan_to && page.entries.len() < limit && bytes < bytes_max {
        let to = scan_to.min(page.next + window);
        let mut last = to;
        let (entries, bytes) = (&mut page.entries, &mut bytes);
        store::entries_between(
            tx,
            tenant,
            filter,
            page.next,
            to,
            store::Order::Oldest,
            |entry| {
                if entries.len() < limit && *bytes < bytes_max {
                    if filter.matches(&entry) {
                        *bytes += entry.size;
                        entries.push(entry);
                    }
                } else {
                    last = last.min(entry.revision - 1);
                }
            },
        )?;
        // The floor is moved before anything is dropped: what was read above it
        // is whole.
        let floor = store::floors(tx, tenant)?.events;
        if page.next < floor {
            return Err(compacted(page.next, floor + 1));
        }
        page.next = last;
        window = (window * 4).min(WINDOW_MAX);
    }
    page.more = page.next < head;
    Ok(page)
}

/// The entries before `before`, the newest first, at most `limit`. `next` is
/// the `before` of the following page.
pub fn read_before(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &Filter,
    after: i64,
    before: i64,
    limit: usize,
    kept: Kept,
) -> Result<Page> {
    let head = tx.head(tenant)?.revision;
    let floor = after.max(store::floors(tx, tenant)?.of(kept)).min(head);
    let mut page = Page {
        entries: Vec::new(),
        next: before.min(head + 1),
        more: false,
    };
    let scan_to = floor.max(page.next.saturating_sub(SCAN_ROWS_MAX));
    let mut window = WINDOW_START;
    let mut bytes = 0;
    while page.next > scan_to + 1 && page.entries.len() < limit && bytes < PAGE_BYTES_MAX {
        let low = scan_to.max(page.next - 1 - window);
        let mut last = low + 1;
        let (entries, bytes) = (&mut page.entries, &mut bytes);
        let high = page.next - 1;
        store::entries_between(
            tx,
            tenant,
            filter,
            low,
            high,
            store::Order::Newest,
            |entry| {
                if entries.len() < limit && *bytes < PAGE_BYTES_MAX {
                    if filter.matches(&entry) {
                        *bytes += entry.size;
                        entries.push(entry);
                    }
                } else {
                    last = last.max(entry.revision + 1);
                }
            },
        )?;
        page.next = last;
        window = (window * 4).min(WINDOW_MAX);
    }
    // What the floor has passed meanwhile may have been dropped half-way.
    let floor = floor.max(store::floors(tx, tenant)?.of(kept));
    page.entries.retain(|entry| entry.revision > floor);
    page.more = page.next > floor + 1;
    Ok(page)
}

/// Which reading of the log, since the two are kept for different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Events,
    Audit,
}

/// Up to where the log is no longer kept.
#[derive(Clone, Copy, Debug)]
pub struct Floors {
    /// The last revision that is no longer given as an event.
    pub events: i64,
    /// The last revision that is no longer in the audit.
    pub audit: i64,
}

impl Floors {
    fn of(self, kept: Kept) -> i64 {
        match kept {
            Kept::Events => self.events,
            Kept::Audit => self.audit,
        }
    }
}

/// Checks that a reader can go on after `from` without missing anything.
pub fn check_cursor(tx: &mut Tx<'_>, tenant: &TenantId, from: i64, head: i64) -> Result<()> {
    if from < 0 {
        return Err(invalid(format!("revision {from} is negative")));
    }
    if from > head {
        return Err(invalid(format!(
            "revision {from} is in the future: the newest is {head}"
        ))
        .revision(head)
        .hint(format!("go on with from={head}")));
    }
    let floor = store::floors(tx, tenant)?.events;
    if from < floor {
        return Err(compacted(from, floor + 1));
    }
    Ok(())
}
