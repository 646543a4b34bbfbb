//! SQL of the dashboard's codes and sessions.

use super::{CodeRow, SessionRow};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, internal};
use crate::ids::{Hash, TenantId};

pub(super) fn insert_code(tx: &mut Tx<'_>, tenant: &TenantId, code: &CodeRow) -> Result<()> {
    tx.execute(
        "INSERT INTO dashboard_code (tenant_id, hash, token_id, token_hash, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            tenant.into(),
            (&code.hash.hex()).into(),
            (&code.token_id).into(),
            (&code.token_hash).into(),
            code.expires_at.into(),
        ],
    )?;
    Ok(())
}

/// A code of any tenant: before it is found nobody knows whose it is.
pub(super) fn find_code(tx: &mut Tx<'_>, hash: &Hash) -> Result<Option<CodeRow>> {
    tx.query_one(
        "SELECT tenant_id, token_id, token_hash, expires_at, used_at FROM dashboard_code \
         WHERE hash = $1",
        &[(&hash.hex()).into()],
        |row| {
            Ok(CodeRow {
                tenant: TenantId::from_stored(row.text(0)?),
                hash: *hash,
                token_id: row.text(1)?.to_owned(),
                token_hash: hash_from(row.blob(2)?)?,
                expires_at: Time(row.int(3)?),
                used_at: row.opt_int(4)?.map(Time),
            })
        },
    )
}

/// Uses a code up; tells whether that was its first use.
pub(super) fn use_code(tx: &mut Tx<'_>, tenant: &TenantId, hash: &Hash) -> Result<bool> {
    let now = tx.now();
    let used = tx.execute(
        "UPDATE dashboard_code SET used_at = $3 \
         WHERE tenant_id = $1 AND hash = $2 AND used_at IS NULL AND expires_at > $3",
        &[tenant.into(), (&hash.hex()).into(), now.into()],
    )?;
    Ok(used > 0)
}

pub(super) fn count_codes(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let now = tx.now();
    let count = tx.query_one(
        "SELECT count(*) FROM dashboard_code WHERE tenant_id = $1 AND expires_at > $2",
        &[tenant.into(), now.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn insert_session(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    session: &SessionRow,
) -> Result<()> {
    tx.execute(
        "INSERT INTO dashboard_session (tenant_id, hash, key_hash, token_id, token_hash, \
         created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            tenant.into(),
            (&session.hash.hex()).into(),
            (&session.key_hash).into(),
            (&session.token_id).into(),
            (&session.token_hash).into(),
            session.created_at.into(),
            session.used_at.into(),
        ],
    )?;
    Ok(())
}

/// A session of any tenant: before it is found nobody knows whose it is.
pub(super) fn find_session(tx: &mut Tx<'_>, hash: &Hash) -> Result<Option<SessionRow>> {
    tx.query_one(
        "SELECT tenant_id, key_hash, token_id, token_hash, created_at, used_at \
         FROM dashboard_session WHERE hash = $1",
        &[(&hash.hex()).into()],
        |row| {
            Ok(SessionRow {
                tenant: TenantId::from_stored(row.text(0)?),
                hash: *hash,
                key_hash: hash_from(row.blob(1)?)?,
                token_id: row.text(2)?.to_owned(),
                token_hash: hash_from(row.blob(3)?)?,
                created_at: Time(row.int(4)?),
                used_at: Time(row.int(5)?),
            })
        },
    )
}

pub(super) fn count_sessions(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM dashboard_session WHERE tenant_id = $1",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Notes that a session is in use.
pub(super) fn touch_session(tx: &mut Tx<'_>, tenant: &TenantId, hash: &Hash) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE dashboard_session SET used_at = $3 WHERE tenant_id = $1 AND hash = $2",
        &[tenant.into(), (&hash.hex()).into(), now.into()],
    )?;
    Ok(())
}

/// Tells whether there was one.
pub(super) fn delete_session(tx: &mut Tx<'_>, tenant: &TenantId, hash: &Hash) -> Result<bool> {
    let deleted = tx.execute(
        "DELETE FROM dashboard_session WHERE tenant_id = $1 AND hash = $2",
        &[tenant.into(), (&hash.hex()).into()],
    )?;
    Ok(deleted > 0)
}

/// Ends the codes and sessions of a token, or all; tells how many sessions.
pub(super) fn delete_of_token(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    token_id: Option<&String>,
) -> Result<u64> {
    tx.execute(
        "DELETE FROM dashboard_code WHERE tenant_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR token_id = $2)",
        &[tenant.into(), token_id.into()],
    )?;
    tx.execute(
        "DELETE FROM dashboard_session WHERE tenant_id = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR token_id = $2)",
        &[tenant.into(), token_id.into()],
    )
}

/// What is over: codes from before a moment, sessions made or used last
/// before two others.
#[derive(Clone, Copy)]
pub(super) struct Over {
    pub(super) codes: Time,
    pub(super) created: Time,
    pub(super) used: Time,
}

pub(super) fn any_over(tx: &mut Tx<'_>, tenant: &TenantId, over: Over) -> Result<bool> {
    let found = tx.query_one(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM dashboard_code \
         WHERE tenant_id = $1 AND expires_at <= $2) OR EXISTS (SELECT 1 FROM dashboard_session \
         WHERE tenant_id = $1 AND (created_at <= $3 OR used_at <= $4))",
        &[
            tenant.into(),
            over.codes.into(),
            over.created.into(),
            over.used.into(),
        ],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn delete_over(tx: &mut Tx<'_>, tenant: &TenantId, over: Over) -> Result<()> {
    tx.execute(
        "DELETE FROM dashboard_code WHERE tenant_id = $1 AND expires_at <= $2",
        &[tenant.into(), over.codes.into()],
    )?;
    tx.execute(
        "DELETE FROM dashboard_session WHERE tenant_id = $1 \
         AND (created_at <= $2 OR used_at <= $3)",
        &[tenant.into(), over.created.into(), over.used.into()],
    )?;
    Ok(())
}

fn hash_from(bytes: &[u8]) -> Result<Hash> {
    Hash::from_stored(bytes)
        .ok_or_else(|| internal(anyhow::anyhow!("the database holds a broken hash")))
}
