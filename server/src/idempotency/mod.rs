//! Writes that are carried out once, however often they are sent.
//!
//! A request names an `Idempotency-Key`. Its answer is stored in the same
//! transaction as its changes, so there is no moment in which one is there
//! without the other. A repetition is answered with what was stored; the same
//! key with another request is refused. Only success is stored: a refused
//! write may be tried again.

mod store;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Time;
use crate::db::{Db, Tx};
use crate::error::{Error, Reason, Result, internal};
use crate::ids::{Hash, TenantId};

/// A request that is carried out once.
#[derive(Clone)]
pub struct Once {
    pub key: String,
    /// Hash of method, path, conditions and body.
    pub fingerprint: Hash,
}

/// An answer, and whether it is that of an earlier request.
pub struct Answer<T> {
    pub value: T,
    pub replayed: bool,
}

pub fn once<T: Serialize + DeserializeOwned>(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    principal: &str,
    once: &Once,
    job: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>,
) -> Result<Answer<T>> {
    if let Some(stored) = store::find(tx, tenant, principal, &once.key)? {
        if stored.fingerprint != Some(once.fingerprint) {
            return Err(Error::new(
                Reason::IdempotencyMismatch,
                format!(
                    "the idempotency key {:?} was used for another request",
                    once.key
                ),
            )
            .hint("use a new key for a new request"));
        }
        let value = serde_json::from_str(&stored.answer).map_err(internal)?;
        return Ok(Answer {
            value,
            replayed: true,
        });
    }
    let value = job(tx)?;
    let answer = serde_json::to_string(&value).map_err(internal)?;
    store::insert(tx, tenant, principal, once, &answer)?;
    Ok(Answer {
        value,
        replayed: false,
    })
}

/// Forgets keys that are older than the API promises.
pub async fn sweep(db: &Db, tenant: &TenantId, now: Time) -> Result<()> {
    let (of, before) = (
        tenant.clone(),
        now.plus_seconds(-coro_api::limits::IDEMPOTENCY_SECONDS),
    );
    let of_read = of.clone();
    if db
        .read(move |tx| store::any_before(tx, &of_read, before))
        .await?
    {
        db.write(tenant, move |tx| store::remove_before(tx, &of, before))
            .await?;
    }
    Ok(())
}
