//! The log's rows: how a change becomes the next entry.
//!
//! An entry is event and audit at once. Entries of a tenant form a hash
//! chain: each holds SHA-256 over the hash of the one before and its own
//! fields, so a row that was changed, dropped or put in between shows
//! ([`chain_of`] says how). The payload (a state value, or the data of a
//! published event) takes part by its hash only: it may be dropped when it is
//! no longer kept, and the chain still holds.

use std::borrow::Cow;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::connection::{Connection, Row, Val};
use super::tx::{Tx, corrupt};
use crate::clock::Time;
use crate::error::Result;
use crate::ids::{Hash, TenantId};

/// What an entry takes in storage beside its payload and texts, about.
const ROW_BYTES: i64 = 200;

/// Who does what nobody asked for: the server itself.
pub const SYSTEM: &str = "system:coro";

/// Who may see an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everyone who may read the project.
    Project = 0,
    /// Those who may read the audit.
    Audit = 1,
}

/// Whether what was attempted was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Refused,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Refused => "refused",
        }
    }
}

/// What an operation says happened. Revision, time and hash are added.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub topic: Cow<'static, str>,
    /// Such as `agent:frontend`; never empty.
    pub actor: String,
    /// What it is about; empty where nothing is.
    pub subject: String,
    /// Empty for what concerns the whole tenant.
    pub project: String,
    pub scope: Scope,
    pub outcome: Outcome,
    pub payload: Option<Payload>,
    /// Details in JSON that are kept as long as the entry.
    pub note: Option<String>,
    pub traceparent: Option<String>,
}

impl NewEntry {
    /// Something that succeeded and that everyone in the project may see.
    pub fn new(topic: &'static str, actor: &str, subject: &str, project: &str) -> Self {
        NewEntry {
            topic: topic.into(),
            actor: actor.to_owned(),
            subject: subject.to_owned(),
            project: project.to_owned(),
            scope: Scope::Project,
            outcome: Outcome::Success,
            payload: None,
            note: None,
            traceparent: None,
        }
    }

    /// Only those who may read the audit see it.
    pub fn audit_only(mut self) -> Self {
        self.scope = Scope::Audit;
        self
    }

    /// It was attempted, and not allowed.
    pub fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }

    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }

    pub fn note(mut self, note: serde_json::Value) -> Self {
        self.note = Some(note.to_string());
        self
    }
}

/// Bytes that are stored with an entry, once.
#[derive(Clone, Debug)]
pub struct Payload {
    pub bytes: Bytes,
    pub hash: Hash,
    /// Which value of its key it is; `None` for the data of an event.
    pub version: Option<i64>,
    pub content_type: String,
}

impl Payload {
    /// The data of an event.
    pub fn event(json: String) -> Self {
        let bytes = Bytes::from(json);
        Payload {
            hash: Hash::of(&bytes),
            bytes,
            version: None,
            content_type: String::new(),
        }
    }
}

/// A row of the log, without a state value's bytes.
#[derive(Clone, Debug)]
pub struct Entry {
    pub revision: i64,
    pub at: Time,
    pub actor: String,
    pub topic: Cow<'static, str>,
    pub subject: String,
    pub project: String,
    pub scope: Scope,
    pub outcome: Outcome,
    /// For state: which value of the key.
    pub version: Option<i64>,
    /// Hash of the payload, also after that was dropped.
    pub hash: Option<Hash>,
    /// Length of the payload in bytes.
    pub size: i64,
    pub content_type: String,
    pub note: Option<String>,
    pub traceparent: Option<String>,
    /// The data of a published event, JSON.
    pub data: Option<Bytes>,
}

/// Where a log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub revision: i64,
    pub at: Time,
    pub chain: Hash,
    /// Bytes that all entries so far took, about; only grows.
    pub total_bytes: i64,
}

impl Head {
    /// The head of a log without entries.
    pub fn start() -> Self {
        Head {
            revision: 0,
            at: Time(0),
            chain: Hash([0; 32]),
            total_bytes: 0,
        }
    }
}

/// The hash of an entry, given the hash of the one before.
///
/// SHA-256 over `coro-log-1`, the hash before, and the fields in the order
/// written here: integers as eight bytes, big-endian; texts and bytes as their
/// length (eight bytes) and themselves; an absent field as the length −1.
pub fn chain_of(before: &Hash, entry: &Entry) -> Hash {
    let mut sha = Sha256::new();
    sha.update(b"coro-log-1");
    sha.update(before.0);
    sha.update(entry.revision.to_be_bytes());
    sha.update(entry.at.0.to_be_bytes());
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            sha.update((bytes.len() as i64).to_be_bytes());
            sha.update(bytes);
        }
        None => sha.update((-1i64).to_be_bytes()),
    };
    field(Some(entry.actor.as_bytes()));
    field(Some(entry.topic.as_bytes()));
    field(Some(entry.subject.as_bytes()));
    field(Some(entry.project.as_bytes()));
    field(Some(&[entry.scope as u8]));
    field(Some(entry.outcome.word().as_bytes()));
    field(entry.version.map(i64::to_be_bytes).as_ref().map(|v| &v[..]));
    field(entry.hash.as_ref().map(|h| &h.0[..]));
    field(Some(&entry.size.to_be_bytes()));
    field(Some(entry.content_type.as_bytes()));
    field(entry.note.as_ref().map(|n| n.as_bytes()));
    field(entry.traceparent.as_ref().map(|t| t.as_bytes()));
    Hash(sha.finalize().into())
}

/// Makes the entry that follows `before`, and the head after it.
pub(super) fn link(before: &Head, now: Time, new: NewEntry) -> (Entry, Head, Option<Bytes>) {
    debug_assert!(!new.actor.is_empty(), "an entry without an actor");
    let (hash, size, version, content_type, bytes) = match new.payload {
        Some(p) => (
            Some(p.hash),
            p.bytes.len() as i64,
            p.version,
            p.content_type,
            Some(p.bytes),
        ),
        None => (None, 0, None, String::new(), None),
    };
    let entry = Entry {
        revision: before.revision + 1,
        at: now,
        actor: new.actor,
        topic: new.topic,
        subject: new.subject,
        project: new.project,
        scope: new.scope,
        outcome: new.outcome,
        version,
        hash,
        size,
        content_type,
        note: new.note,
        traceparent: new.traceparent,
        data: if version.is_none() {
            bytes.clone()
        } else {
            None
        },
    };
    let texts = entry.subject.len() + entry.note.as_ref().map_or(0, String::len);
    let head = Head {
        revision: entry.revision,
        at: entry.at,
        chain: chain_of(&before.chain, &entry),
        total_bytes: before.total_bytes + entry.size + texts as i64 + ROW_BYTES,
    };
    (entry, head, bytes)
}

pub(super) fn insert(
    conn: &mut dyn Connection,
    tenant: &TenantId,
    entry: &Entry,
    head: &Head,
    payload: Option<&[u8]>,
) -> Result<()> {
    conn.queue(
        "INSERT INTO log (tenant_id, revision, at, actor, topic, subject, project, scope, refused, \
         version, hash, size, content_type, note, traceparent, total_bytes, chain, payload) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        &[
            tenant.into(),
            entry.revision.into(),
            entry.at.into(),
            (&entry.actor).into(),
            (&*entry.topic).into(),
            (&entry.subject).into(),
            (&entry.project).into(),
            (entry.scope as i64).into(),
            (entry.outcome == Outcome::Refused).into(),
            entry.version.into(),
            entry.hash.as_ref().map(|h| &h.0[..]).into(),
            entry.size.into(),
            (&entry.content_type).into(),
            entry.note.as_ref().into(),
            entry.traceparent.as_ref().into(),
            head.total_bytes.into(),
            (&head.chain.0[..]).into(),
            payload.into(),
        ],
    )
}

/// Reads where a tenant's log stands.
const SELECT_HEAD: &str = "SELECT revision, at, chain, total_bytes FROM log \
     WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1";

pub(super) fn read_head(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Head> {
    Ok(tx
        .query_one(SELECT_HEAD, &[tenant.into()], head_of)?
        .unwrap_or_else(Head::start))
}

pub(super) fn head_of(row: &dyn Row) -> Result<Head> {
    Ok(Head {
        revision: row.int(0)?,
        at: Time(row.int(1)?),
        chain: Hash::from_stored(row.blob(2)?).ok_or_else(|| corrupt("chain"))?,
        total_bytes: row.int(3)?,
    })
}

/// The columns of an [`Entry`], in the order that [`Entry::from_row`] reads.
/// Not a state value's bytes: they may be large, and nobody asked for them.
#[macro_export]
macro_rules! entry_columns {
    () => {
        "revision, at, actor, topic, subject, project, scope, refused, version, hash, size, \
         content_type, note, traceparent, CASE WHEN version IS NULL THEN payload END"
    };
}

impl Entry {
    pub fn from_row(row: &dyn Row) -> Result<Entry> {
        Ok(Entry {
            revision: row.int(0)?,
            at: Time(row.int(1)?),
            actor: row.text(2)?.to_owned(),
            topic: Cow::Owned(row.text(3)?.to_owned()),
            subject: row.text(4)?.to_owned(),
            project: row.text(5)?.to_owned(),
            scope: if row.int(6)? == 0 {
                Scope::Project
            } else {
                Scope::Audit
            },
            outcome: if row.int(7)? == 0 {
                Outcome::Success
            } else {
                Outcome::Refused
            },
            version: row.opt_int(8)?,
            hash: row.opt_blob(9)?.and_then(Hash::from_stored),
            size: row.int(10)?,
            content_type: row.text(11)?.to_owned(),
            note: row.opt_text(12)?.map(str::to_owned),
            traceparent: row.opt_text(13)?.map(str::to_owned),
            data: row.opt_blob(14)?.map(Bytes::copy_from_slice),
        })
    }
}

impl<'a> From<&'a Hash> for Val<'a> {
    fn from(hash: &'a Hash) -> Self {
        Val::Blob(&hash.0)
    }
}
