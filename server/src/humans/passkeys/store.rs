//! SQL of passkeys and of challenges that wait.

use super::PasskeyRow;
use super::challenge::{ChallengeRow, Purpose};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::ids::TenantId;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, human, name, relying_party, credential_id, user_handle, transports, \
             key_state, use_state, made_at, last_used_at FROM passkey WHERE tenant_id = $1",
            $rest
        )
    };
}

fn row_from(row: &dyn Row) -> Result<PasskeyRow> {
    Ok(PasskeyRow {
        id: row.text(0)?.to_owned(),
        human: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        relying_party: row.text(3)?.to_owned(),
        credential_id: row.blob(4)?.to_vec(),
        user_handle: row.blob(5)?.to_vec(),
        transports: row.int(6)?,
        key_state: row.blob(7)?.to_vec(),
        use_state: row.blob(8)?.to_vec(),
        made_at: Time(row.int(9)?),
        last_used_at: row.opt_int(10)?.map(Time),
    })
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> Result<Option<PasskeyRow>> {
    tx.query_one(
        select!(" AND id = $2"),
        &[tenant.into(), id.into()],
        row_from,
    )
}

pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<PasskeyRow>> {
    tx.query_all(
        select!(" ORDER BY human, made_at, id"),
        &[tenant.into()],
        row_from,
    )
}

pub(super) fn list_of(tx: &mut Tx<'_>, tenant: &TenantId, human: &str) -> Result<Vec<PasskeyRow>> {
    tx.query_all(
        select!(" AND human = $2 ORDER BY made_at, id"),
        &[tenant.into(), human.into()],
        row_from,
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, passkey: &PasskeyRow) -> Result<()> {
    tx.execute(
        "INSERT INTO passkey (tenant_id, id, human, name, relying_party, credential_id, \
         user_handle, transports, key_state, use_state, made_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            tenant.into(),
            (&passkey.id).into(),
            (&passkey.human).into(),
            (&passkey.name).into(),
            (&passkey.relying_party).into(),
            passkey.credential_id.as_slice().into(),
            passkey.user_handle.as_slice().into(),
            passkey.transports.into(),
            passkey.key_state.as_slice().into(),
            passkey.use_state.as_slice().into(),
            passkey.made_at.into(),
            passkey.last_used_at.into(),
        ],
    )?;
    Ok(())
}

/// Notes a use of a passkey; tells whether it is still as it was when the use
/// was checked.
pub(super) fn note_use(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    before: &PasskeyRow,
    use_state: &[u8],
) -> Result<bool> {
    let now = tx.now();
    let noted = tx.execute(
        "UPDATE passkey SET use_state = $4, last_used_at = $5 \
         WHERE tenant_id = $1 AND id = $2 AND use_state = $3",
        &[
            tenant.into(),
            (&before.id).into(),
            before.use_state.as_slice().into(),
            use_state.into(),
            now.into(),
        ],
    )?;
    Ok(noted > 0)
}

pub(super) fn delete(tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM passkey WHERE tenant_id = $1 AND id = $2",
        &[tenant.into(), id.into()],
    )?;
    Ok(())
}

/// Instead of the one that the session has waiting, if it has one.
pub(super) fn save_challenge(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    challenge: &ChallengeRow,
) -> Result<()> {
    tx.execute(
        "INSERT INTO passkey_challenge (tenant_id, session, token_id, purpose, human, \
         relying_party, state, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (tenant_id, session) DO UPDATE SET token_id = excluded.token_id, \
         purpose = excluded.purpose, human = excluded.human, \
         relying_party = excluded.relying_party, state = excluded.state, \
         expires_at = excluded.expires_at",
        &[
            tenant.into(),
            (&challenge.session).into(),
            (&challenge.token_id).into(),
            challenge.purpose.word().into(),
            (&challenge.human).into(),
            (&challenge.relying_party).into(),
            challenge.state.as_slice().into(),
            challenge.expires_at.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn find_challenge(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    session: &str,
) -> Result<Option<ChallengeRow>> {
    let found = tx.query_one(
        "SELECT token_id, purpose, human, relying_party, state, expires_at \
         FROM passkey_challenge WHERE tenant_id = $1 AND session = $2",
        &[tenant.into(), session.into()],
        |row| {
            let Some(purpose) = Purpose::from_word(row.text(1)?) else {
                return Ok(None);
            };
            Ok(Some(ChallengeRow {
                session: session.to_owned(),
                token_id: row.text(0)?.to_owned(),
                purpose,
                human: row.text(2)?.to_owned(),
                relying_party: row.text(3)?.to_owned(),
                state: row.blob(4)?.to_vec(),
                expires_at: Time(row.int(5)?),
            }))
        },
    )?;
    Ok(found.flatten())
}

/// Tells whether it was there: of two who take it one gets it.
pub(super) fn delete_challenge(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    challenge: &ChallengeRow,
) -> Result<bool> {
    let deleted = tx.execute(
        "DELETE FROM passkey_challenge WHERE tenant_id = $1 AND session = $2 AND state = $3",
        &[
            tenant.into(),
            (&challenge.session).into(),
            challenge.state.as_slice().into(),
        ],
    )?;
    Ok(deleted > 0)
}

pub(super) fn any_expired(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<bool> {
    let now = tx.now();
    let found = tx.query_one(
        "SELECT 1 FROM passkey_challenge WHERE tenant_id = $1 AND expires_at <= $2 LIMIT 1",
        &[tenant.into(), now.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn delete_expired(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "DELETE FROM passkey_challenge WHERE tenant_id = $1 AND expires_at <= $2",
        &[tenant.into(), now.into()],
    )?;
    Ok(())
}
