//! Tokens: made by the owner, shown once, stored as a hash.

mod of_agents;
pub mod routes;
mod store;

pub use of_agents::{
    AgentToken, agent_of_caller, begin_generation, bind_to_agent, delete_tokens_of_agent,
    is_generation_used, issue_to_agent, revoke_tokens_of_agent, roles_of_agents,
};

use coro_api::names::check_name;
use coro_api::state::Deleted;
use coro_api::tokens::{IssuedToken, NewToken, PrincipalKind, Role, Token};

use crate::app::Ctx;
use crate::auth::Caller;
use crate::clock::Time;
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::{Result, conflict, internal, invalid, not_found};
use crate::humans::is_human;
use crate::ids::{Hash, Secret, TenantId, token_id};

/// The longest life of a token that has an end: ten years.
const EXPIRES_IN_MAX: i64 = 10 * 366 * 24 * 3600;

/// The most tokens of a tenant that are not revoked and no agent's: a list shows
/// them all.
const TOKENS_MAX: i64 = 10_000;

/// The most key prefixes of one token.
const KEY_PREFIXES_MAX: usize = 64;

/// Who a token belongs to, found by the hash of its secret. The one look-up
/// that crosses tenants: before it nobody knows the tenant.
pub fn find_caller(tx: &mut Tx<'_>, hash: &Hash) -> Result<Option<Caller>> {
    store::find_caller(tx, hash)
}

pub async fn create_token(ctx: &Ctx, new: NewToken) -> Result<IssuedToken> {
    check(&new)?;
    let secret = Secret::generate().map_err(internal)?;
    let (job_ctx, hash, id) = (ctx.clone(), secret.hash(), token_id());
    let info = ctx
        .write(move |tx| {
            if store::count(tx, &job_ctx.caller.tenant)? >= TOKENS_MAX {
                return Err(conflict(format!("there are {TOKENS_MAX} tokens already"))
                    .hint("revoke those that nobody uses"));
            }
            check_is_nobody(tx, &job_ctx.caller.tenant, &new)?;
            let by = job_ctx.caller.actor.clone();
            let info = insert(tx, &job_ctx.caller.tenant, &new, &id, &hash, by)?;
            let entry = job_ctx.audit_entry("coro.token.created", &info.id).note(
                serde_json::json!({ "name": info.name, "role": info.role, "project": info.project }),
            );
            tx.emit(&job_ctx.caller.tenant, entry)?;
            Ok(info)
        })
        .await?;
    if ctx
        .request
        .replayed
        .load(std::sync::atomic::Ordering::Relaxed)
    {
        return Err(conflict(format!(
            "this request made the token {:?} before; its secret is shown once only",
            info.id
        ))
        .hint("revoke that token and make another with a new idempotency key"));
    }
    Ok(IssuedToken {
        info,
        token: secret.reveal().to_owned(),
    })
}

/// The tokens that are not revoked, the newest last.
pub async fn list_tokens(ctx: &Ctx) -> Result<Vec<Token>> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app.db.read(move |tx| store::list(tx, &tenant)).await
}

pub async fn revoke_token(ctx: &Ctx, id: &str) -> Result<Deleted> {
    let (job_ctx, job_id) = (ctx.clone(), id.to_owned());
    let deleted = ctx
        .write(move |tx| {
            let tenant = &job_ctx.caller.tenant;
            if job_id == job_ctx.caller.token_id {
                return Err(conflict("a token can't revoke itself")
                    .hint("make another owner token and revoke this one with it"));
            }
            let Some(name) = store::revoke(tx, tenant, &job_id)? else {
                return Err(not_found("token", &job_id).hint("list them with GET /api/tokens"));
            };
            let entry = job_ctx
                .audit_entry("coro.token.revoked", &job_id)
                .note(serde_json::json!({ "name": name }));
            let revision = tx.emit(tenant, entry)?;
            Ok(Deleted {
                deleted: job_id.clone(),
                revision,
            })
        })
        .await?;
    ctx.app.tokens.clear();
    Ok(deleted)
}

/// Makes the tenant's owner token, at its first start.
pub fn create_owner_token(tx: &mut Tx<'_>, tenant: &TenantId, id: &str, hash: &Hash) -> Result<()> {
    let new = NewToken {
        name: "owner".to_owned(),
        role: Role::Owner,
        kind: Some(PrincipalKind::Human),
        project: None,
        key_prefixes: Vec::new(),
        expires_in: None,
    };
    insert(tx, tenant, &new, id, hash, SYSTEM.to_owned())?;
    let note = serde_json::json!({ "name": "owner", "role": "owner" });
    let entry = NewEntry::new("coro.token.created", SYSTEM, id, "").audit_only();
    tx.emit(tenant, entry.note(note))?;
    Ok(())
}

/// What kind of principal a new token makes.
fn kind_of(new: &NewToken) -> PrincipalKind {
    new.kind.unwrap_or(new.role.usual_kind())
}

/// Refuses the name of a human for a human's token: in the log both would be
/// `human:NAME`, and who reads it could not tell a passphrase from a token.
fn check_is_nobody(tx: &mut Tx<'_>, tenant: &TenantId, new: &NewToken) -> Result<()> {
    let name = &new.name;
    if kind_of(new) == PrincipalKind::Human && is_human(tx, tenant, name)? {
        return Err(conflict(format!(
            "{name:?} is a human, and both would be human:{name} in the log"
        ))
        .hint("name the token otherwise, such as by its machine"));
    }
    Ok(())
}

/// Whether a token of a human has or had this name: the log keeps it.
pub fn is_token_of_human(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<bool> {
    store::is_token_of_human(tx, tenant, name)
}

fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    new: &NewToken,
    id: &str,
    hash: &Hash,
    created_by: String,
) -> Result<Token> {
    let now = tx.now();
    let expires_at: Option<Time> = new.expires_in.map(|seconds| now.plus_seconds(seconds));
    let token = Token {
        id: id.to_owned(),
        name: new.name.clone(),
        kind: kind_of(new),
        role: new.role,
        project: new.project.clone(),
        key_prefixes: new.key_prefixes.clone(),
        created_at: now.to_string(),
        created_by,
        expires_at: expires_at.map(|at| at.to_string()),
    };
    store::insert(tx, tenant, &token, hash, now, expires_at)?;
    Ok(token)
}

fn check(new: &NewToken) -> Result<()> {
    check_name("name", &new.name)?;
    if new.name == "coro" {
        return Err(invalid("the name \"coro\" is the server's own"));
    }
    if let Some(project) = &new.project {
        check_project_name(project)?;
    }
    if new.key_prefixes.len() > KEY_PREFIXES_MAX {
        return Err(invalid(format!(
            "a token takes at most {KEY_PREFIXES_MAX} key prefixes"
        )));
    }
    for prefix in &new.key_prefixes {
        coro_api::names::check_text("key prefix", prefix)?;
        let project = coro_api::names::project_of_key(prefix);
        if new.project.as_ref().is_some_and(|own| own != project) {
            return Err(invalid(format!(
                "the key prefix {prefix:?} is outside of the project"
            )));
        }
    }
    if new.role == Role::Owner && (new.project.is_some() || !new.key_prefixes.is_empty()) {
        return Err(invalid("an owner token is for the whole tenant")
            .hint("take the role controller for one project"));
    }
    match new.expires_in {
        Some(seconds) if !(1..=EXPIRES_IN_MAX).contains(&seconds) => Err(invalid(format!(
            "expires_in is {seconds}; it takes 1 to {EXPIRES_IN_MAX} seconds"
        ))),
        _ => Ok(()),
    }
}

/// A project is the first segment of keys and of topics.
pub fn check_project_name(project: &str) -> Result<()> {
    check_name("project", project)?;
    if project.contains('.') {
        return Err(invalid(format!(
            "the project {project:?} contains '.', which separates the segments of topics"
        )));
    }
    Ok(())
}
