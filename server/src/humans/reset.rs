//! A forgotten passphrase.
//!
//! No call resets one: whoever could would decide as that human. It takes the
//! data itself, and leaves a trace in the log and in the list of humans. The
//! new passphrase is random and valid at once, so that no moment is left in
//! which another could set the first one.

use coro_api::humans::Passphrase;
use serde_json::json;

use super::{passphrase, store};
use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::{Result, internal, not_found};
use crate::ids::{Secret, TenantId};

/// Makes another passphrase for a human, and ends their sessions.
pub async fn reset_passphrase(db: &Db, tenant: &TenantId, name: &str) -> Result<Secret> {
    let secret = Secret::generate_bare().map_err(internal)?;
    let hash = passphrase::hash(&Passphrase::new(secret.reveal())).await?;
    let (of, name) = (tenant.clone(), name.to_owned());
    let job = move |tx: &mut Tx<'_>| {
        if !store::reset(tx, &of, &name, &hash)? {
            return Err(not_found("human", &name).hint(known(tx, &of)?));
        }
        store::delete_sessions_of(tx, &of, &name)?;
        let entry = NewEntry::new("coro.human.reset", SYSTEM, &name, "").audit_only();
        tx.emit(
            &of,
            entry.note(json!({ "by": "whoever has the server's data" })),
        )?;
        Ok(())
    };
    db.write(tenant, job).await?;
    Ok(secret)
}

fn known(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<String> {
    let all = store::list(tx, tenant)?;
    let names: Vec<&str> = all.iter().map(|human| human.name.as_str()).collect();
    Ok(match names.as_slice() {
        [] => "there is no human yet".to_owned(),
        names => format!("there is {}", names.join(", ")),
    })
}
