//! Who calls, and what they may do.
//!
//! Every request but those for health and documents brings a token, or to the
//! dashboard's listener a session of its page ([`Credential`]). The gate
//! (`http/gate.rs`) finds its [`Caller`] here; a handler says in its
//! parameters what it takes: [`Anyone`], [`Reader`], [`Writer`], [`Leader`],
//! [`Registrar`], [`Auditor`] or [`Admin`], each of which holds the [`Ctx`] that operations get. A route
//! without one of them does not compile to anything useful: there is no other
//! way to a `Ctx`.

pub mod limiter;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coro_api::names::{project_of_key, project_of_topic};
use coro_api::tokens::{PrincipalKind, Role};
use subtle::ConstantTimeEq;

use crate::agents::liveness::SignOfLife;
use crate::app::{App, Ctx, RequestInfo};
use crate::clock::Time;
use crate::dashboard::sessions::{self, Proof, Session};
use crate::db::NewEntry;
use crate::error::{Error, Reason, Result, forbidden, internal};
use crate::ids::{AgentId, Hash, TenantId};
use crate::log::Sight;
use crate::{tenants, tokens};

/// How long a token that was found is believed without asking again: how long
/// a token that another replica revoked may still be used.
const CACHE_SECONDS: i64 = 2;

/// The project where neither a token nor its call names one.
const DEFAULT_PROJECT: &str = "default";

/// The most tokens that are remembered.
const CACHE_MAX: usize = 10_000;

/// The principal behind a token.
#[derive(Clone, Debug)]
pub struct Caller {
    pub tenant: TenantId,
    pub tenant_name: String,
    pub token_id: String,
    pub token_hash: Hash,
    pub name: String,
    pub kind: PrincipalKind,
    pub role: Role,
    /// `kind:name`, as log rows have it.
    pub actor: String,
    pub project: Option<String>,
    pub key_prefixes: Vec<String>,
    pub expires_at: Option<Time>,
    pub revoked_at: Option<Time>,
    /// The agent that the token was issued to, where one has registered.
    pub agent: Option<CallerAgent>,
    /// Where that agent's signs of life are noted.
    pub alive: Option<Arc<SignOfLife>>,
    /// The dashboard's session that calls for the token, where one does.
    pub session: Option<Session>,
}

/// By what a request is known: a token on the API's listener, a session on
/// the dashboard's. Neither takes the other's.
#[derive(Clone, Copy, Debug)]
pub enum Credential {
    /// The hash of a token's secret.
    Token(Hash),
    Session(Proof),
}

/// Which registration of an agent a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerAgent {
    pub id: AgentId,
    pub generation: i64,
    /// Whether nobody has called with the token before.
    pub is_first_use: bool,
}

/// What a handler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To be known at all.
    Known,
    Read,
    Write,
    /// To read what others attempted.
    Audit,
    /// To lead a project: to pause, to reassign.
    Lead,
    /// To register an agent.
    Register,
    /// To administer the tenant.
    Admin,
}

impl Permission {
    fn allows(self, role: Role) -> bool {
        match self {
            Permission::Known => true,
            Permission::Read => role != Role::Enrol,
            Permission::Write => !matches!(role, Role::Enrol | Role::Viewer),
            Permission::Audit | Permission::Lead => {
                matches!(role, Role::Owner | Role::Controller)
            }
            Permission::Register => role != Role::Viewer,
            Permission::Admin => role == Role::Owner,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Permission::Known => "call",
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Audit => "read the audit",
            Permission::Lead => "lead a project",
            Permission::Register => "register an agent",
            Permission::Admin => "administer",
        }
    }
}

impl Caller {
    /// By what the caller is known.
    fn credential(&self) -> Credential {
        match &self.session {
            None => Credential::Token(self.token_hash),
            Some(session) => Credential::Session(session.proof),
        }
    }

    /// What the caller may see of the log.
    pub fn sight(&self) -> Sight {
        Sight {
            project: self.project.clone(),
            key_prefixes: self.key_prefixes.clone(),
            audit: Permission::Audit.allows(self.role),
        }
    }

    /// Whether the caller may touch a state key.
    pub fn check_key(&self, key: &str) -> Result<()> {
        coro_api::names::check_key(key)?;
        self.check_project("key", key, project_of_key(key))?;
        if self.key_prefixes.is_empty()
            || self
                .key_prefixes
                .iter()
                .any(|prefix| key.starts_with(prefix.as_str()))
        {
            return Ok(());
        }
        Err(forbidden(format!(
            "the key {key:?} begins with none of this token's prefixes"
        ))
        .hint(format!(
            "use a key that begins with {:?}",
            self.key_prefixes[0]
        )))
    }

    /// Whether the caller may publish to a topic.
    pub fn check_topic(&self, topic: &str) -> Result<()> {
        coro_api::names::check_topic(topic)?;
        if coro_api::names::is_reserved_topic(topic) {
            return Err(
                forbidden(format!("the topic {topic:?} is the server's own"))
                    .hint("publish to a topic that does not begin with \"coro.\""),
            );
        }
        self.check_project("topic", topic, project_of_topic(topic))
    }

    /// Whether the caller may know what is in a project.
    pub fn sees_project(&self, project: &str) -> bool {
        self.project.as_ref().is_none_or(|own| own == project)
    }

    /// The project that a call is about: that of the token, else the one that
    /// it names, else `default`.
    pub fn project_for(&self, named: Option<String>) -> Result<String> {
        let named = named.filter(|project| !project.is_empty());
        match (&self.project, named) {
            (Some(own), Some(named)) if *own != named => Err(forbidden(format!(
                "the project {named:?} is not this token's"
            ))
            .hint(format!("leave the project out: it is {own:?}"))),
            (Some(own), _) => Ok(own.clone()),
            (None, Some(named)) => {
                tokens::check_project_name(&named)?;
                Ok(named)
            }
            (None, None) => Ok(DEFAULT_PROJECT.to_owned()),
        }
    }

    fn check_project(&self, what: &str, name: &str, project: &str) -> Result<()> {
        match &self.project {
            Some(own) if own != project => Err(forbidden(format!(
                "the {what} {name:?} is outside of this token's project"
            ))
            .hint(format!("use a {what} of the project {own:?}"))),
            _ => Ok(()),
        }
    }

    /// Whether the caller may see what is not of one project.
    pub fn check_whole_tenant(&self) -> Result<()> {
        match (&self.project, self.key_prefixes.first()) {
            (Some(own), _) => Err(forbidden(format!(
                "this token sees the project {own:?} only"
            ))),
            (None, Some(prefix)) => Err(forbidden(format!(
                "this token sees keys such as {prefix:?} only"
            ))),
            (None, None) => Ok(()),
        }
    }
}

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

/// Tokens and sessions that were found a moment ago.
#[derive(Default)]
pub struct TokenCache {
    found: Mutex<HashMap<Hash, (Arc<Caller>, Time)>>,
}

impl TokenCache {
    pub fn get(&self, hash: &Hash, now: Time) -> Option<Arc<Caller>> {
        let found = self.found.lock().expect("no panic while held");
        let (key, (caller, until)) = found.get_key_value(hash)?;
        // The map compares as it likes; this comparison tells nothing by the
        // time that it takes.
        let equal = bool::from(key.0.ct_eq(&hash.0));
        (equal && *until > now).then(|| caller.clone())
    }

    pub fn put(&self, hash: Hash, caller: Arc<Caller>, now: Time) {
        let mut found = self.found.lock().expect("no panic while held");
        if found.len() >= CACHE_MAX {
            found.clear();
        }
        found.insert(hash, (caller, now.plus_seconds(CACHE_SECONDS)));
    }

    /// Forgets everything, after a token changed.
    pub fn clear(&self) {
        self.found.lock().expect("no panic while held").clear();
    }
}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $permission:expr) => {
        $(#[$doc])*
        pub struct $name(pub Ctx);

        impl FromRequestParts<App> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
                context(parts, app, $permission).await.map($name)
            }
        }
    };
}

permission!(
    /// The caller is known; nothing more is asked.
    Anyone,
    Permission::Known
);
permission!(
    /// The caller may read state and events.
    Reader,
    Permission::Read
);
permission!(
    /// The caller may write state and events.
    Writer,
    Permission::Write
);
permission!(
    /// The caller may read the audit.
    Auditor,
    Permission::Audit
);
permission!(
    /// The caller leads a project, or all.
    Leader,
    Permission::Lead
);
permission!(
    /// The caller may register an agent.
    Registrar,
    Permission::Register
);
permission!(
    /// The caller administers the tenant.
    Admin,
    Permission::Admin
);

async fn context(parts: &Parts, app: &App, permission: Permission) -> Result<Ctx> {
    let missing = || internal(anyhow::anyhow!("a route without the gate before it"));
    let caller = parts
        .extensions
        .get::<Arc<Caller>>()
        .ok_or_else(missing)?
        .clone();
    let request = parts
        .extensions
        .get::<Arc<RequestInfo>>()
        .ok_or_else(missing)?
        .clone();
    require(&caller, permission)?;
    Ok(Ctx {
        app: app.clone(),
        caller,
        request,
    })
}

/// Refuses a caller whose role does not allow something.
pub fn require(caller: &Caller, permission: Permission) -> Result<()> {
    let role = caller.role;
    if permission.allows(role) {
        return Ok(());
    }
    Err(forbidden(format!(
        "a token of role {} may not {}",
        role.word(),
        permission.verb()
    ))
    .hint(match role {
        Role::Enrol => "call with the token that the registration returned",
        _ => "ask the owner for a token that may",
    }))
}

/// Writes to the log that a caller was refused a request.
pub async fn record_forbidden(app: &App, caller: &Caller, method: &str, path: &str) {
    let path: String = path.chars().take(200).collect();
    let entry = refusal_entry(caller, "coro.access.refused", &path);
    let note = serde_json::json!({ "method": method });
    record_refusal(app, caller, entry.note(note)).await;
}

fn refusal_entry(caller: &Caller, topic: &'static str, subject: &str) -> NewEntry {
    // So that who leads the project sees it.
    let project = caller.project.as_deref().unwrap_or_default();
    NewEntry::new(topic, &caller.actor, subject, project)
        .audit_only()
        .refused()
}

/// Writes to the log that a caller was refused something protected. Counted
/// apart, so that other refusals don't hide it.
pub async fn record_protected(
    ctx: &Ctx,
    topic: &'static str,
    subject: &str,
    project: &str,
    note: serde_json::Value,
) {
    let (app, caller) = (&ctx.app, &ctx.caller);
    let mut entry = refusal_entry(caller, topic, subject).note(note);
    if !project.is_empty() {
        project.clone_into(&mut entry.project);
    }
    entry.traceparent.clone_from(&ctx.request.traceparent);
    if app.protected.count(&caller.token_id).is_ok() {
        write_refusal(app, &caller.tenant, entry).await;
    }
}

/// Writes to the log that somebody without a valid token tried something
/// protected. Nobody knows whose tenant is meant, where there are several.
pub async fn record_unknown(app: &App, method: &str, path: &str) {
    const ACTOR: &str = "unknown:nobody";
    if app.protected.count(ACTOR).is_err() {
        return;
    }
    tracing::warn!(method, path, "a protected call without a valid token");
    let Ok(tenants) = tenants::list_tenants(&app.db).await else {
        return;
    };
    let [tenant] = tenants.as_slice() else {
        return;
    };
    let subject: String = path.chars().take(200).collect();
    let entry = NewEntry::new("coro.access.refused", ACTOR, &subject, "")
        .audit_only()
        .refused();
    let note = serde_json::json!({ "method": method, "why": "no valid token" });
    write_refusal(app, tenant, entry.note(note)).await;
}

/// A few a minute for each principal: the log is not for filling.
async fn record_refusal(app: &App, caller: &Caller, entry: NewEntry) {
    if app.refusals.count(&caller.token_id).is_ok() {
        write_refusal(app, &caller.tenant, entry).await;
    }
}

/// Writes a refused attempt to the log, however many there were.
pub async fn write_refusal(app: &App, tenant: &TenantId, entry: NewEntry) {
    let of = tenant.clone();
    let written = app
        .db
        .write(tenant, move |tx| tx.emit(&of, entry.clone()))
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, "a refused attempt could not be written to the log");
    }
}
