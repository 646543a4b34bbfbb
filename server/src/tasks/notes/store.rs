//! SQL of notes on tasks.

use super::NoteRow;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::TenantId;

/// Adds a note under the revision of the log row that tells it.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    task: i64,
    revision: i64,
    note: &NoteRow,
) -> Result<()> {
    tx.queue(
        "INSERT INTO task_note (tenant_id, revision, task, at, actor, attempt, text) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            tenant.into(),
            revision.into(),
            task.into(),
            note.at.into(),
            (&note.actor).into(),
            note.attempt.into(),
            (&note.text).into(),
        ],
    )
}

/// The notes on a task, the oldest first.
pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<Vec<NoteRow>> {
    tx.query_all(
        "SELECT at, actor, attempt, text FROM task_note WHERE tenant_id = $1 AND task = $2 \
         ORDER BY revision",
        &[tenant.into(), task.into()],
        |row| {
            Ok(NoteRow {
                at: Time(row.int(0)?),
                actor: row.text(1)?.to_owned(),
                attempt: row.int(2)?,
                text: row.text(3)?.to_owned(),
            })
        },
    )
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM task_note WHERE tenant_id = $1 AND task = $2",
        &[tenant.into(), task.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn delete_of(tx: &mut Tx<'_>, tenant: &TenantId, task: i64) -> Result<()> {
    tx.queue(
        "DELETE FROM task_note WHERE tenant_id = $1 AND task = $2",
        &[tenant.into(), task.into()],
    )
}
