//! The dashboard: a page on a listener of its own.
//!
//! The page is the folder `dashboard/`, in the program itself ([`files`]). On
//! its listener stand those files and the API that it calls; every answer
//! carries headers that let the page load from here only, and let no other
//! page show or read it ([`routes`]).
//!
//! An owner or a controller asks for a code with their token, and the page
//! signs in with it: once, within a minute. A session has two halves, a cookie
//! that scripts can't read and a key in the page's own storage, and each
//! request needs both ([`sessions`]). The cookie alone would be sent by pages
//! on other ports of the same host, for cookies know no ports; the key alone
//! could be taken by a script. The session may do what its token may, and ends
//! with it.

pub mod files;
pub mod routes;
pub mod sessions;
mod store;

use coro_api::dashboard::{DashboardCode, DashboardSession, SignedOut};
use coro_api::tokens::Role;

use crate::app::{App, Ctx};
use crate::auth;
use crate::clock::Time;
use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::{Error, Result, conflict, forbidden, internal};
use crate::humans::passkeys::relying_party;
use crate::ids::{Hash, Secret, TenantId};
use crate::{tenants, tokens};

/// How long a code is good for, in seconds.
const CODE_SECONDS: i64 = 60;

/// The most codes of a tenant that are good at a time.
const CODES_MAX: i64 = 100;

/// The most sessions of a tenant.
const SESSIONS_MAX: i64 = 1_000;

/// How long a session lasts that is not used, in seconds.
const IDLE_SECONDS: i64 = 12 * 3600;

/// How long a session lasts however much it is used, in seconds.
const SESSION_SECONDS: i64 = 7 * 24 * 3600;

/// How often it is noted that a session is in use, in seconds.
const NOTE_SECONDS: i64 = 600;

/// A code as it is stored.
#[derive(Clone, Debug)]
struct CodeRow {
    tenant: TenantId,
    hash: Hash,
    token_id: String,
    token_hash: Hash,
    expires_at: Time,
    used_at: Option<Time>,
}

/// A session as it is stored.
#[derive(Clone, Debug)]
struct SessionRow {
    tenant: TenantId,
    /// Of the cookie.
    hash: Hash,
    /// Of the page's key.
    key_hash: Hash,
    token_id: String,
    token_hash: Hash,
    created_at: Time,
    /// When it was last noted that it is in use.
    used_at: Time,
}

impl SessionRow {
    fn expires_at(&self) -> Time {
        let idle = self.used_at.plus_seconds(IDLE_SECONDS);
        idle.min(self.created_at.plus_seconds(SESSION_SECONDS))
    }
}

/// A session that was just made, with its secrets.
pub struct NewSession {
    pub cookie: Secret,
    pub key: Secret,
    pub expires_at: Time,
}

/// Makes a code with which the page signs in as the caller.
pub async fn create_code(ctx: &Ctx) -> Result<DashboardCode> {
    let caller = &ctx.caller;
    if caller.agent.is_some() {
        return Err(forbidden("an agent does not sign in to the dashboard")
            .hint("let the person who owns the server run 'coro-cli dashboard'"));
    }
    if caller.session.is_some() {
        return Err(forbidden("a session of the dashboard makes no other")
            .hint("run 'coro-cli dashboard' on the machine where the token is"));
    }
    let Some(page) = &ctx.app.dashboard else {
        return Err(conflict("this server has no dashboard")
            .hint("start coro-server without '--dashboard-bind off'"));
    };
    let code = Secret::generate_bare().map_err(internal)?;
    let (job_ctx, hash) = (ctx.clone(), code.hash());
    // Without the idempotency key: a repetition makes another code.
    let expires_at = ctx
        .app
        .db
        .write(&caller.tenant, move |tx| insert_code(tx, &job_ctx, hash))
        .await?;
    Ok(DashboardCode {
        url: format!("{page}/#code={}", code.reveal()),
        expires_at: expires_at.to_string(),
    })
}

fn insert_code(tx: &mut Tx<'_>, ctx: &Ctx, hash: Hash) -> Result<Time> {
    let caller = &ctx.caller;
    if store::count_codes(tx, &caller.tenant)? >= CODES_MAX {
        return Err(conflict(format!("{CODES_MAX} codes wait to be used"))
            .hint("wait a minute, and make one code for each sign-in"));
    }
    if store::count_sessions(tx, &caller.tenant)? >= SESSIONS_MAX {
        return Err(conflict(format!("there are {SESSIONS_MAX} sessions"))
            .hint("end them with 'coro-cli dashboard --sign-out-all'"));
    }
    let expires_at = tx.now().plus_seconds(CODE_SECONDS);
    let code = CodeRow {
        tenant: caller.tenant.clone(),
        hash,
        token_id: caller.token_id.clone(),
        token_hash: caller.token_hash,
        expires_at,
        used_at: None,
    };
    store::insert_code(tx, &caller.tenant, &code)?;
    let entry = ctx.audit_entry("coro.dashboard.code_created", &caller.token_id);
    tx.emit(&caller.tenant, entry)?;
    Ok(expires_at)
}

/// Signs the page in with a code. `peer` is from where.
pub async fn sign_in(app: &App, code: &str, peer: &str) -> Result<NewSession> {
    let hash = Hash::of(code.as_bytes());
    let found = app.db.read(move |tx| store::find_code(tx, &hash)).await?;
    let Some(code) = found else {
        record_unknown_code(app, peer).await;
        return Err(refused_code("the code is not known here"));
    };
    let made = make_session(app, &code).await;
    if let Err(error) = &made
        && error.reason == coro_api::Reason::Unauthenticated
    {
        let entry = NewEntry::new("coro.dashboard.refused", SYSTEM, &code.token_id, "")
            .audit_only()
            .refused();
        record(app, &code.tenant, entry, peer, &error.message).await;
    }
    made
}

/// Uses the code up and makes a session, where its token is still good.
async fn make_session(app: &App, code: &CodeRow) -> Result<NewSession> {
    if code.used_at.is_some() {
        return Err(refused_code("the code was used before").hint(
            "run 'coro-cli dashboard' for another; if it was not you who used it, run \
             'coro-cli dashboard --sign-out-all' first",
        ));
    }
    if code.expires_at <= app.clock.now() {
        return Err(refused_code("the code has expired"));
    }
    let caller = auth::caller_of_token(app, code.token_hash).await?;
    let cookie = Secret::generate_bare().map_err(internal)?;
    let key = Secret::generate_bare().map_err(internal)?;
    let (code, hash, key_hash) = (code.clone(), cookie.hash(), key.hash());
    let tenant = code.tenant.clone();
    let made = app.db.write(&tenant, move |tx| {
        if !store::use_code(tx, &code.tenant, &code.hash)? {
            return Err(refused_code("the code was used before, or has expired"));
        }
        let now = tx.now();
        let session = SessionRow {
            tenant: code.tenant.clone(),
            hash,
            key_hash,
            token_id: code.token_id.clone(),
            token_hash: code.token_hash,
            created_at: now,
            used_at: now,
        };
        store::insert_session(tx, &code.tenant, &session)?;
        let entry = NewEntry::new(
            "coro.dashboard.signed_in",
            &caller.actor,
            &code.token_id,
            "",
        );
        tx.emit(&code.tenant, entry.audit_only())?;
        Ok(session.expires_at())
    });
    Ok(NewSession {
        expires_at: made.await?,
        cookie,
        key,
    })
}

fn refused_code(message: &str) -> Error {
    auth::unauthenticated(message.to_owned()).hint("run 'coro-cli dashboard' for another")
}

/// A code that nobody made is nobody's; where there is one tenant, its owner
/// is told.
async fn record_unknown_code(app: &App, peer: &str) {
    let tenants = tenants::list_tenants(&app.db).await.unwrap_or_default();
    let [tenant] = &tenants[..] else {
        tracing::warn!(peer, "a sign-in to the dashboard with an unknown code");
        return;
    };
    let entry = NewEntry::new("coro.dashboard.refused", SYSTEM, "", "")
        .audit_only()
        .refused();
    record(app, tenant, entry, peer, "the code is not known here").await;
}

/// Writes a refused sign-in to the log; a few a minute from each address.
async fn record(app: &App, tenant: &TenantId, entry: NewEntry, peer: &str, why: &str) {
    let peer: String = peer.chars().take(100).collect();
    if app.refusals.count(&format!("dashboard {peer}")).is_err() {
        return;
    }
    let entry = entry.note(serde_json::json!({ "from": peer, "why": why }));
    auth::write_refusal(app, tenant, entry).await;
}

/// Who the caller's session is.
pub async fn get_session(ctx: &Ctx) -> Result<DashboardSession> {
    let caller = &ctx.caller;
    let session = sessions::of(caller)?;
    let tenant = caller.tenant.clone();
    let revision = ctx.app.db.read(move |tx| tx.head(&tenant)).await?.revision;
    Ok(DashboardSession {
        name: caller.name.clone(),
        role: caller.role,
        tenant: caller.tenant_name.clone(),
        project: caller.project.clone(),
        expires_at: session.expires_at.to_string(),
        demo: ctx.app.config.demo,
        passkeys_at: relying_party(&ctx.app).map(|party| party.origin),
        revision,
    })
}

/// Ends the caller's session.
pub async fn sign_out(ctx: &Ctx) -> Result<SignedOut> {
    let hash = sessions::of(&ctx.caller)?.proof.cookie;
    let job_ctx = ctx.clone();
    let tenant = ctx.caller.tenant.clone();
    let ended = ctx.app.db.write(&tenant, move |tx| {
        let caller = &job_ctx.caller;
        if !store::delete_session(tx, &caller.tenant, &hash)? {
            return Ok(0);
        }
        let entry = job_ctx.audit_entry("coro.dashboard.signed_out", &caller.token_id);
        tx.emit(&caller.tenant, entry)?;
        Ok(1)
    });
    let ended = ended.await?;
    ctx.app.tokens.clear();
    Ok(SignedOut { ended })
}

/// Ends every session, and the codes that wait: an owner those of the tenant,
/// a controller those of the own token.
pub async fn sign_out_all(ctx: &Ctx) -> Result<SignedOut> {
    let job_ctx = ctx.clone();
    let ended = ctx
        .write(move |tx| {
            let caller = &job_ctx.caller;
            let of_token = (caller.role != Role::Owner).then_some(&caller.token_id);
            let ended = store::delete_of_token(tx, &caller.tenant, of_token)?;
            let entry = job_ctx.audit_entry("coro.dashboard.signed_out", &caller.token_id);
            let note = serde_json::json!({ "ended": ended });
            tx.emit(&caller.tenant, entry.note(note))?;
            Ok(SignedOut { ended })
        })
        .await?;
    ctx.app.tokens.clear();
    Ok(ended)
}

/// Forgets codes and sessions that are over.
pub async fn sweep(db: &Db, tenant: &TenantId, now: Time) -> Result<()> {
    let over = store::Over {
        codes: now,
        created: now.plus_seconds(-SESSION_SECONDS),
        used: now.plus_seconds(-IDLE_SECONDS),
    };
    let (of_read, of) = (tenant.clone(), tenant.clone());
    if db
        .read(move |tx| store::any_over(tx, &of_read, over))
        .await?
    {
        db.write(tenant, move |tx| store::delete_over(tx, &of, over))
            .await?;
    }
    Ok(())
}
