//! Tenants: made once, with an id that is stored and an owner token.

mod store;

use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::{Result, conflict, internal};
use crate::ids::{Hash, Secret, TenantId, token_id};
use crate::tokens;

/// A tenant that was just made, and its owner's token.
pub struct NewTenant {
    pub id: TenantId,
    pub owner_token: Secret,
}

/// The tenant of a name, if there is one.
pub async fn find_tenant(db: &Db, name: &str) -> Result<Option<TenantId>> {
    let name = name.to_owned();
    db.read(move |tx| store::find(tx, &name)).await
}

pub async fn list_tenants(db: &Db) -> Result<Vec<TenantId>> {
    db.read(store::list).await
}

/// Makes a tenant with its owner token.
pub async fn create_tenant(db: &Db, name: &str) -> Result<NewTenant> {
    coro_api::names::check_name("name", name)?;
    let id = TenantId::generate();
    let owner_token = Secret::generate().map_err(internal)?;
    let (of, hash, token, name) = (id.clone(), owner_token.hash(), token_id(), name.to_owned());
    db.write(&id, move |tx| {
        if store::find(tx, &name)?.is_some() {
            return Err(conflict(format!("the tenant {name:?} exists already")));
        }
        insert_tenant(tx, &of, &name, &token, &hash)
    })
    .await?;
    Ok(NewTenant { id, owner_token })
}

/// Makes the first tenant, where there is none. Of several servers that start
/// at once on one database one makes it.
pub async fn create_first_tenant(db: &Db, name: &str) -> Result<Option<NewTenant>> {
    coro_api::names::check_name("name", name)?;
    let id = TenantId::generate();
    let owner_token = Secret::generate().map_err(internal)?;
    let (of, hash, token, name) = (id.clone(), owner_token.hash(), token_id(), name.to_owned());
    // Writes of one tenant take turns over all servers; these take turns as if
    // they were of one.
    let turn = TenantId::from_stored("first");
    let made = db
        .write(&turn, move |tx| {
            if !store::list(tx)?.is_empty() {
                return Ok(false);
            }
            insert_tenant(tx, &of, &name, &token, &hash)?;
            Ok(true)
        })
        .await?;
    Ok(made.then_some(NewTenant { id, owner_token }))
}

/// Makes another owner token, where the one in the data folder is gone.
pub async fn renew_owner_token(db: &Db, tenant: &TenantId) -> Result<Secret> {
    let secret = Secret::generate().map_err(internal)?;
    let (of, hash, id) = (tenant.clone(), secret.hash(), token_id());
    db.write(tenant, move |tx| {
        tokens::create_owner_token(tx, &of, &id, &hash)
    })
    .await?;
    Ok(secret)
}

fn insert_tenant(
    tx: &mut Tx<'_>,
    id: &TenantId,
    name: &str,
    token: &str,
    hash: &Hash,
) -> Result<()> {
    store::insert(tx, id, name)?;
    tx.emit(id, created_entry(name))?;
    tokens::create_owner_token(tx, id, token, hash)
}

fn created_entry(name: &str) -> NewEntry {
    NewEntry::new("coro.tenant.created", SYSTEM, name, "").audit_only()
}
