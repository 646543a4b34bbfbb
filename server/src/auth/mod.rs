//! Who calls, and what they may do.
//!
//! Every request but those for health and documents brings a token, or to the
//! dashboard's listener a session of its page ([`Credential`]). The gate
//! (`http/gate.rs`) finds its [`Caller`] here; a handler says in its
//! parameters what it takes: [`Anyone`], [`Reader`], [`Writer`], [`Leader`],
//! [`Registrar`], [`Auditor`] or [`Admin`], each of which holds the
//! [`Ctx`](crate::app::Ctx) that operations get. A route without one of them
//! does not compile to anything useful: there is no other way to a `Ctx`.

mod cache;
mod caller;
pub mod limiter;
mod permission;
mod refusals;

use std::sync::Arc;

use crate::app::App;
use crate::dashboard::sessions;
use crate::error::{Error, Reason, Result};
use crate::ids::Hash;
use crate::tokens;

pub use cache::TokenCache;
pub use caller::{Caller, CallerAgent, Credential};
pub use permission::{
    Admin, Anyone, Auditor, Leader, Permission, Reader, Registrar, Writer, require,
};
pub use refusals::{record_forbidden, record_protected, record_unknown, write_refusal};
use refusals::{record_refusal, refusal_entry};

/// Finds who a token or a session belongs to.
pub async fn authenticate(app: &App, credential: Credential) -> Result<Arc<Caller>> {
    let caller = find_caller(app, credential).await?;
    match check_valid(app, &caller) {
        Ok(()) => {
            note_life(app, &caller);
            begin_generation(app, &caller).await;
            Ok(caller)
        }
        Err(error) => {
            let entry = refusal_entry(&caller, "coro.token.refused", &caller.token_id);
            let note = serde_json::json!({ "name": caller.name, "why": error.message });
            record_refusal(app, &caller, entry.note(note)).await;
            Err(error)
        }
    }
}

/// Whether a caller who is listening still may: a token can end meanwhile.
pub async fn check_again(app: &App, caller: &Caller) -> Result<()> {
    let caller = find_caller(app, caller.credential()).await?;
    check_valid(app, &caller)?;
    note_life(app, &caller);
    Ok(())
}

/// Who a token belongs to that someone has shown before.
pub async fn caller_of_token(app: &App, hash: Hash) -> Result<Arc<Caller>> {
    let caller = find_caller(app, Credential::Token(hash)).await?;
    check_valid(app, &caller)?;
    Ok(caller)
}

/// The caller as it is after its token has changed hands.
pub async fn known_again(app: &App, caller: &Caller) -> Result<Arc<Caller>> {
    find_caller(app, caller.credential()).await
}

/// Whatever an agent does proves that it lives.
fn note_life(app: &App, caller: &Caller) {
    if let Some(alive) = &caller.alive {
        alive.heard(app.clock.now());
    }
}

/// With the first use of an agent's new token its old one ends. Where that
/// can't be written now, the next call tries again.
async fn begin_generation(app: &App, caller: &Caller) {
    if !caller
        .agent
        .as_ref()
        .is_some_and(|agent| agent.is_first_use)
    {
        return;
    }
    if let Err(error) = tokens::begin_generation(app, caller).await {
        tracing::warn!(%error, agent = caller.name, "earlier tokens of an agent are still valid");
    }
}

async fn find_caller(app: &App, credential: Credential) -> Result<Arc<Caller>> {
    let hash = match credential {
        Credential::Token(hash) => hash,
        Credential::Session(proof) => return sessions::find_caller(app, proof).await,
    };
    let now = app.clock.now();
    if let Some(caller) = app.tokens.get(&hash, now) {
        return Ok(caller);
    }
    let found = app
        .db
        .read(move |tx| tokens::find_caller(tx, &hash))
        .await?;
    let mut caller = found.ok_or_else(unknown_token)?;
    let agent = caller.agent.as_ref();
    caller.alive = agent.map(|agent| app.liveness.of(&caller.tenant, &agent.id));
    let caller = Arc::new(caller);
    app.tokens.put(hash, caller.clone(), now);
    Ok(caller)
}

fn check_valid(app: &App, caller: &Caller) -> Result<()> {
    if caller.revoked_at.is_some() {
        return Err(revoked(caller));
    }
    if caller
        .expires_at
        .is_some_and(|expires_at| expires_at <= app.clock.now())
    {
        return Err(unauthenticated(format!(
            "the token {:?} has expired",
            caller.name
        )));
    }
    Ok(())
}

/// The token of a caller is no longer valid.
pub fn revoked(caller: &Caller) -> Error {
    let error = unauthenticated(format!("the token {:?} was revoked", caller.name));
    match &caller.agent {
        Some(_) => error.hint(
            "the agent was registered again, or ended; ask who started you for its present token, \
             or for one to register with",
        ),
        None => error,
    }
}

pub fn unknown_token() -> Error {
    unauthenticated("the token is not known here".to_owned())
}

pub fn unauthenticated(message: String) -> Error {
    Error::new(Reason::Unauthenticated, message).hint(
        "send 'Authorization: Bearer …' with the token in the server's data folder (owner.token) \
         or one that its owner made with 'coro-cli tokens create'",
    )
}
