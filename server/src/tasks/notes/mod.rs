//! Notes on tasks: what whoever takes a task next should know.

mod store;

use coro_api::limits::{TASK_NOTE_BYTES_MAX, TASK_NOTES_MAX};
use coro_api::names::check_prose;
use coro_api::tasks::TaskNote;

use super::TaskRow;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, conflict, invalid};
use crate::ids::TenantId;

pub(super) struct NoteRow {
    at: Time,
    actor: String,
    attempt: i64,
    text: String,
}

impl NoteRow {
    fn shown(self) -> TaskNote {
        TaskNote {
            at: self.at.to_string(),
            actor: self.actor,
            attempt: self.attempt,
            text: self.text,
        }
    }
}

/// The notes on a task, the oldest first.
pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<TaskNote>> {
    let notes = store::list(tx, tenant, task)?;
    Ok(notes.into_iter().map(NoteRow::shown).collect())
}

/// Checks a text that may be empty.
pub(super) fn check(what: &str, text: &str) -> Result<()> {
    Ok(check_prose(what, text, TASK_NOTE_BYTES_MAX)?)
}

pub(super) fn check_given(what: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(invalid(format!("the {what} is empty")).hint("say it in a sentence"));
    }
    check(what, text)
}

/// Refuses one note of a caller too many.
pub(super) fn check_room(tx: &mut Tx<'_>, tenant: &TenantId, task: &TaskRow) -> Result<()> {
    if store::count(tx, tenant, task.number)? < TASK_NOTES_MAX {
        return Ok(());
    }
    Err(
        conflict(format!("{} has {TASK_NOTES_MAX} notes already", task.id()))
            .hint("put long findings into state, and name the key in the result"),
    )
}

/// Adds a note that the log row of this revision tells. An empty text is none.
pub(super) fn add(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    task: &TaskRow,
    revision: i64,
    actor: &str,
    text: &str,
) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let note = NoteRow {
        at: tx.now(),
        actor: actor.to_owned(),
        attempt: task.attempt,
        text: text.to_owned(),
    };
    store::insert(tx, tenant, task.number, revision, &note)
}

/// Forgets the notes on a task.
pub(super) fn forget(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<()> {
    store::delete_of(tx, tenant, task)
}
