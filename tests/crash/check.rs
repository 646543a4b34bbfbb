//! Whether a server holds what it acknowledged, and nothing that it refused.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use coro_api::audit::AuditVerification;
use coro_api::events::{Event, EventPage};
use coro_api::state::StateItem;
use coro_tests::{Client, key_path};
use serde::de::DeserializeOwned;

use crate::load::{Entry, Fate, Told};

const DELETED: &str = "coro.state.deleted";

/// What is wrong, for the message of the test.
pub(crate) type Fault = String;

/// Compares the log after `from`, and the values under `prefix`, with what the
/// writers were told. Gives where the log stands.
pub(crate) fn check(
    client: &Client,
    from: i64,
    prefix: &str,
    told: &[Vec<Told>],
) -> Result<i64, Fault> {
    let log = read_log(client, from)?;
    let head = log.last().map_or(from, |event| event.revision);
    let by_revision: HashMap<i64, &Event> =
        log.iter().map(|event| (event.revision, event)).collect();
    for writer in told {
        check_acknowledged(&by_revision, writer)?;
    }
    check_refused(&log, told)?;
    check_values(client, prefix, &log)?;
    Ok(head)
}

/// The hash chain of the whole log.
pub(crate) fn verify_chain(client: &Client) -> Result<(), Fault> {
    let verification: AuditVerification = get(client, "/api/audit/verify")?;
    if verification.ok {
        Ok(())
    } else {
        Err(format!("the hash chain: {verification:?}"))
    }
}

/// What SQLite finds in the files of a server that does not run. Looks at a
/// copy: opening a database repairs it.
pub(crate) fn integrity(data_dir: &Path) -> Result<(), Fault> {
    let copy = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    for name in ["coro.db", "coro.db-wal"] {
        let file = data_dir.join(name);
        if file.exists() {
            std::fs::copy(file, copy.path().join(name)).map_err(|error| error.to_string())?;
        }
    }
    let path = copy.path().join("coro.db");
    let connection = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    let found: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| format!("integrity_check: {error}"))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(format!("integrity_check: {found}"))
    }
}

/// The events after `from`, which must have every revision once, in order.
fn read_log(client: &Client, from: i64) -> Result<Vec<Event>, Fault> {
    let mut log: Vec<Event> = Vec::new();
    let mut next = from;
    loop {
        let page: EventPage = get(client, &format!("/api/events?from={next}&limit=1000"))?;
        for event in page.events {
            let before = log.last().map_or(from, |event| event.revision);
            if event.revision != before + 1 {
                return Err(format!("revision {} follows {before}", event.revision));
            }
            if log
                .last()
                .is_some_and(|last| last.created_at > event.created_at)
            {
                return Err(format!(
                    "revision {} is older than the one before",
                    event.revision
                ));
            }
            log.push(event);
        }
        if !page.more {
            return Ok(log);
        }
        next = page.next;
    }
}

fn check_acknowledged(log: &HashMap<i64, &Event>, writer: &[Told]) -> Result<(), Fault> {
    let mut last = 0;
    for told in writer {
        let Fate::Acknowledged {
            revisions,
            versions,
            ..
        } = &told.fate
        else {
            continue;
        };
        if revisions.len() != told.entries.len() {
            return Err(format!("{told:?} was answered in part"));
        }
        for (index, (entry, revision)) in told.entries.iter().zip(revisions).enumerate() {
            let Some(event) = log.get(revision) else {
                return Err(format!("lost: revision {revision} of {told:?}"));
            };
            if entry_of(event) != *entry {
                return Err(format!(
                    "revision {revision} is {event:?}, acknowledged was {entry:?}"
                ));
            }
            if versions
                .get(index)
                .is_some_and(|version| version_of(event) != Some(*version))
            {
                return Err(format!(
                    "another version than acknowledged: {event:?}, {told:?}"
                ));
            }
            // One client's requests came after each other.
            if *revision <= last {
                return Err(format!("revision {revision} was acknowledged after {last}"));
            }
            last = *revision;
        }
    }
    Ok(())
}

/// Nothing that was refused is there, and of what had no answer all or
/// nothing.
fn check_refused(log: &[Event], told: &[Vec<Told>]) -> Result<(), Fault> {
    check_deletes(log, told)?;
    let there: HashSet<Entry> = log.iter().map(entry_of).collect();
    for told in told.iter().flatten() {
        let marked = told.entries.iter().filter(|entry| entry.topic != DELETED);
        let found = marked.filter(|entry| there.contains(*entry)).count();
        match told.fate {
            Fate::Refused(status) if found > 0 => {
                return Err(format!("answered {status}, and yet it is there: {told:?}"));
            }
            Fate::Unsure | Fate::Unanswered if found > 0 && found < told.entries.len() => {
                return Err(format!("half a transaction is there: {told:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A delete has no mark of its own: of each key as many were done as may have
/// been.
fn check_deletes(log: &[Event], told: &[Vec<Told>]) -> Result<(), Fault> {
    let mut possible: HashMap<Entry, usize> = HashMap::new();
    for told in told.iter().flatten() {
        if !matches!(told.fate, Fate::Refused(_)) {
            for entry in &told.entries {
                *possible.entry(entry.clone()).or_default() += 1;
            }
        }
    }
    for event in log.iter().filter(|event| event.topic == DELETED) {
        match possible.get_mut(&entry_of(event)) {
            Some(left @ 1..) => *left -= 1,
            _ => return Err(format!("nobody was told of this delete: {event:?}")),
        }
    }
    Ok(())
}

/// The keys hold what the log says of them.
fn check_values(client: &Client, prefix: &str, log: &[Event]) -> Result<(), Fault> {
    let mut expected: BTreeMap<&str, &Event> = BTreeMap::new();
    let mut versions: HashMap<&str, i64> = HashMap::new();
    for event in log.iter().filter(|event| event.subject.starts_with(prefix)) {
        if event.topic == DELETED {
            expected.remove(event.subject.as_str());
            continue;
        }
        let version = version_of(event).ok_or_else(|| format!("no version: {event:?}"))?;
        let before = versions.insert(&event.subject, version).unwrap_or(0);
        // A delete may have a version of its own.
        if version <= before {
            return Err(format!("version {version} follows {before}: {event:?}"));
        }
        expected.insert(&event.subject, event);
    }
    let items: Vec<StateItem> = get(client, &format!("/api/state?prefix={prefix}"))?;
    let found: Vec<(&str, i64, i64)> = items
        .iter()
        .map(|item| (item.key.as_str(), item.version, item.revision))
        .collect();
    let wanted: Vec<(&str, i64, i64)> = expected
        .iter()
        .map(|(key, event)| (*key, version_of(event).unwrap_or(0), event.revision))
        .collect();
    if found != wanted {
        return Err(format!("the keys are {found:?}, the log says {wanted:?}"));
    }
    for item in &items {
        let answer = client
            .get(&key_path(&item.key))
            .try_send()
            .map_err(|e| e.to_string())?;
        let value = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 200 || crate::load::hash_of(&value) != item.hash {
            return Err(format!(
                "the value of {} is not its own: {answer}",
                item.key
            ));
        }
    }
    Ok(())
}

fn entry_of(event: &Event) -> Entry {
    let text = |name: &str| {
        event
            .data
            .get(name)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
    };
    let is_state = event.topic.starts_with("coro.state.");
    Entry {
        topic: event.topic.clone(),
        subject: if is_state {
            event.subject.clone()
        } else {
            event.data.as_str().unwrap_or_default().to_owned()
        },
        hash: if event.topic == "coro.state.put" {
            text("hash").to_owned()
        } else {
            String::new()
        },
    }
}

fn version_of(event: &Event) -> Option<i64> {
    event.data.get("version")?.as_i64()
}

fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, Fault> {
    let answer = client
        .get(path)
        .try_send()
        .map_err(|error| format!("{path}: {error}"))?;
    if answer.status != 200 {
        return Err(answer.to_string());
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("{error}: {answer}"))
}
