//! SQL of humans and their sessions.

use super::{HumanRow, SessionRow};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::ids::{Hash, TenantId};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT name, passphrase, created_at, created_by, changed_at, reset_at FROM human \
             WHERE tenant_id = $1",
            $rest
        )
    };
}

fn row_from(row: &dyn Row) -> Result<HumanRow> {
    Ok(HumanRow {
        name: row.text(0)?.to_owned(),
        passphrase: Some(row.text(1)?.to_owned()).filter(|stored| !stored.is_empty()),
        created_at: Time(row.int(2)?),
        created_by: row.text(3)?.to_owned(),
        changed_at: Time(row.int(4)?),
        reset_at: row.opt_int(5)?.map(Time),
    })
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<Option<HumanRow>> {
    tx.query_one(
        select!(" AND name = $2"),
        &[tenant.into(), name.into()],
        row_from,
    )
}

pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<HumanRow>> {
    tx.query_all(select!(" ORDER BY name"), &[tenant.into()], row_from)
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM human WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn save(tx: &mut Tx<'_>, tenant: &TenantId, human: &HumanRow) -> Result<()> {
    tx.execute(
        "INSERT INTO human (tenant_id, name, passphrase, created_at, created_by, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, name) DO UPDATE \
         SET passphrase = excluded.passphrase, changed_at = excluded.changed_at",
        &[
            tenant.into(),
            (&human.name).into(),
            human.passphrase.as_deref().unwrap_or_default().into(),
            human.created_at.into(),
            (&human.created_by).into(),
            human.changed_at.into(),
        ],
    )?;
    Ok(())
}

/// Stores a passphrase that nobody chose. Tells whether the human is there.
pub(super) fn reset(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    name: &str,
    passphrase: &str,
) -> Result<bool> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE human SET passphrase = $3, changed_at = $4, reset_at = $4 \
         WHERE tenant_id = $1 AND name = $2",
        &[tenant.into(), name.into(), passphrase.into(), now.into()],
    )?;
    Ok(changed > 0)
}

pub(super) fn find_session(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    hash: &Hash,
) -> Result<Option<SessionRow>> {
    tx.query_one(
        "SELECT human, token_id, expires_at FROM human_session WHERE tenant_id = $1 AND hash = $2",
        &[tenant.into(), hash.into()],
        |row| {
            Ok(SessionRow {
                human: row.text(0)?.to_owned(),
                token_id: row.text(1)?.to_owned(),
                expires_at: Time(row.int(2)?),
            })
        },
    )
}

pub(super) fn insert_session(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    hash: &Hash,
    session: &SessionRow,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO human_session (tenant_id, hash, human, token_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            tenant.into(),
            hash.into(),
            (&session.human).into(),
            (&session.token_id).into(),
            now.into(),
            session.expires_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn count_sessions(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM human_session WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn delete_session(tx: &mut Tx<'_>, tenant: &TenantId, hash: &Hash) -> Result<()> {
    tx.execute(
        "DELETE FROM human_session WHERE tenant_id = $1 AND hash = $2",
        &[tenant.into(), hash.into()],
    )?;
    Ok(())
}

pub(super) fn delete_sessions_of(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM human_session WHERE tenant_id = $1 AND human = $2",
        &[tenant.into(), name.into()],
    )?;
    Ok(())
}

/// As [`delete_sessions_of`], but for one.
pub(super) fn delete_other_sessions_of(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    name: &str,
    kept: &Hash,
) -> Result<()> {
    tx.execute(
        "DELETE FROM human_session WHERE tenant_id = $1 AND human = $2 AND hash <> $3",
        &[tenant.into(), name.into(), kept.into()],
    )?;
    Ok(())
}

pub(super) fn any_expired(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<bool> {
    let now = tx.now();
    let found = tx.query_one(
        "SELECT 1 FROM human_session WHERE tenant_id = $1 AND expires_at <= $2 LIMIT 1",
        &[tenant.into(), now.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn delete_expired_sessions(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "DELETE FROM human_session WHERE tenant_id = $1 AND expires_at <= $2",
        &[tenant.into(), now.into()],
    )?;
    Ok(())
}
