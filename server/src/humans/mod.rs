//! Humans, who decide what is protected.
//!
//! A token can be read by whatever runs as the same user; a passphrase can't.
//! So the owner's token administers, but what is protected takes a human who
//! has unlocked: who has sent their passphrase, or used a passkey on the
//! dashboard's page ([`passkeys`]), and got a session of some minutes, valid
//! with the token that unlocked it only. The first human is set with the
//! owner's token; from then on a human adds others, and each changes their own
//! passphrase and passkeys, of which they always have one. Agents, runners and
//! whoever enrols them may not even try. Every set, unlock and refusal is in
//! the audit.

pub mod passkeys;
mod passphrase;
mod reset;
pub mod routes;
mod store;

use std::collections::HashMap;

use coro_api::humans::{Human, Locked, NewHuman, Passkey, Passphrase, Unlock, Unlocked};
use coro_api::limits::HUMANS_MAX;
use coro_api::names::check_name;
use coro_api::tokens::{PrincipalKind, Role};
use serde_json::{Value, json};

pub use passphrase::Tries;
pub use reset::reset_passphrase;

use crate::app::Ctx;
use crate::auth::record_protected;
use crate::clock::Time;
use crate::db::{Db, Tx};
use crate::error::{Error, Reason, Result, conflict, forbidden, internal, invalid, not_found};
use crate::ids::{Hash, Secret, TenantId};
use crate::tokens::is_token_of_human;

/// How long a session lasts.
const SESSION_SECONDS: i64 = 10 * 60;

/// Ends a hint that names a terminal, where no passkey works.
pub const OR_ON_THE_PAGE: &str = ", or on the page: coro-cli dashboard";

/// The most sessions of a tenant at once.
const SESSIONS_MAX: i64 = 1_000;

/// A human as they are stored.
#[derive(Clone, Debug)]
struct HumanRow {
    name: String,
    /// A PHC string of Argon2id; none of a human who has passkeys only.
    passphrase: Option<String>,
    created_at: Time,
    created_by: String,
    changed_at: Time,
    /// When it was last made anew, by whoever has the data.
    reset_at: Option<Time>,
}

impl HumanRow {
    fn shown(&self, passkeys: Vec<Passkey>) -> Human {
        Human {
            name: self.name.clone(),
            created_at: self.created_at.to_string(),
            created_by: self.created_by.clone(),
            changed_at: self.changed_at.to_string(),
            has_passphrase: self.passphrase.is_some(),
            passkeys,
            reset_at: self.reset_at.map(|at| at.to_string()),
        }
    }
}

/// A session as it is stored, under the hash of its secret.
#[derive(Clone, Debug)]
struct SessionRow {
    human: String,
    token_id: String,
    expires_at: Time,
}

/// What allows to set a passphrase.
#[derive(Clone, Debug)]
enum Proof {
    /// There is no human yet.
    First,
    /// The old passphrase, as it was stored when it was checked.
    Old(String),
    Session(Hash),
}

/// Makes a human, or changes their passphrase.
///
/// Not through [`Ctx::write`]: with an idempotency key, a fast hash of the
/// passphrase would be stored.
pub async fn set_human(ctx: &Ctx, session: Option<Hash>, new: NewHuman) -> Result<Human> {
    let name = new.name.clone();
    let set = try_set(ctx, session, new).await;
    noted(ctx, &name, "set", set).await
}

async fn try_set(ctx: &Ctx, session: Option<Hash>, new: NewHuman) -> Result<Human> {
    check_may_be_human(ctx)?;
    check_human_name(&new.name)?;
    passphrase::check_new(&new.passphrase)?;
    let proof = proof_for(ctx, session, &new).await?;
    let hash = ctx.app.humans.hash(&new.passphrase).await?;
    let (job_ctx, name) = (ctx.clone(), new.name);
    let job = move |tx: &mut Tx<'_>| {
        let tenant = &job_ctx.caller.tenant;
        let before = store::find(tx, tenant, &name)?;
        check_proof(tx, &job_ctx, &proof, before.as_ref())?;
        if before.is_none() {
            check_no_token(tx, tenant, &name)?;
        }
        let now = tx.now();
        let human = HumanRow {
            name: name.clone(),
            passphrase: Some(hash.clone()),
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            created_by: match &before {
                Some(before) => before.created_by.clone(),
                None => job_ctx.caller.actor.clone(),
            },
            changed_at: now,
            reset_at: before.as_ref().and_then(|before| before.reset_at),
        };
        store::save(tx, tenant, &human)?;
        store::delete_sessions_of(tx, tenant, &name)?;
        let note = json!({ "new": before.is_none() });
        let entry = job_ctx.audit_entry("coro.human.set", &name);
        tx.emit(tenant, entry.note(note))?;
        let passkeys = passkeys::list_of(tx, tenant, &name)?;
        Ok(human.shown(passkeys))
    };
    ctx.app.db.write(&ctx.caller.tenant, job).await
}

/// Refuses the name of a human's token for a new human.
fn check_no_token(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<()> {
    if is_token_of_human(tx, tenant, name)? {
        return Err(conflict(format!(
            "a token is named {name:?} already, and both would be human:{name} in the log"
        ))
        .hint("take another name for the human"));
    }
    Ok(())
}

async fn proof_for(ctx: &Ctx, session: Option<Hash>, new: &NewHuman) -> Result<Proof> {
    let (tenant, name) = (ctx.caller.tenant.clone(), new.name.clone());
    let read = ctx.app.db.read(move |tx| {
        let count = store::count(tx, &tenant)?;
        Ok((count, store::find(tx, &tenant, &name)?))
    });
    let (count, human) = read.await?;
    match (human, &new.old_passphrase) {
        _ if count == 0 => Ok(Proof::First),
        (Some(human), Some(old)) => Ok(Proof::Old(check_passphrase(ctx, old, &human).await?)),
        _ => match session {
            Some(session) => Ok(Proof::Session(session)),
            None => Err(forbidden(format!(
                "setting the passphrase of {:?} takes their old one, or a human who has unlocked",
                new.name
            ))
            .hint(format!(
                "do it on a terminal: coro-cli humans set NAME{OR_ON_THE_PAGE}"
            ))),
        },
    }
}

/// The proof must still hold where the change is written.
fn check_proof(tx: &mut Tx<'_>, ctx: &Ctx, proof: &Proof, before: Option<&HumanRow>) -> Result<()> {
    let count = store::count(tx, &ctx.caller.tenant)?;
    if before.is_none() && count >= HUMANS_MAX {
        return Err(conflict(format!("there are {HUMANS_MAX} humans already")));
    }
    let by = match proof {
        Proof::First if count == 0 => return Ok(()),
        Proof::Old(old) if before.is_some_and(|human| human.passphrase.as_ref() == Some(old)) => {
            return Ok(());
        }
        Proof::First | Proof::Old(_) => {
            return Err(conflict("another passphrase was set at the same time")
                .hint("list the humans with coro-cli humans list"));
        }
        Proof::Session(session) => require_session(tx, ctx, session)?,
    };
    match before {
        Some(human) if human.name != by => Err(forbidden(format!(
            "{by:?} may not change the passphrase of {:?}",
            human.name
        ))
        .hint("it takes their own old passphrase")),
        _ => Ok(()),
    }
}

/// The humans, by name.
pub async fn list_humans(ctx: &Ctx) -> Result<Vec<Human>> {
    let tenant = ctx.caller.tenant.clone();
    let read = ctx.app.db.read(move |tx| {
        let passkeys = passkeys::list_all(tx, &tenant)?;
        Ok((store::list(tx, &tenant)?, passkeys))
    });
    let (all, passkeys) = read.await?;
    let mut by_human: HashMap<String, Vec<Passkey>> = HashMap::new();
    for (human, passkey) in passkeys {
        by_human.entry(human).or_default().push(passkey);
    }
    let shown = |human: &HumanRow| human.shown(by_human.remove(&human.name).unwrap_or_default());
    Ok(all.iter().map(shown).collect())
}

/// Begins a session of a human who knows the passphrase.
pub async fn unlock(ctx: &Ctx, unlock: Unlock) -> Result<Unlocked> {
    let named = unlock.name.clone().unwrap_or_default();
    let human = find_to_unlock(ctx, unlock.name).await;
    let human = noted(ctx, &named, "unlock", human).await?;
    let unlocked = try_unlock(ctx, &human, &unlock.passphrase).await;
    noted(ctx, &human.name, "unlock", unlocked).await
}

async fn find_to_unlock(ctx: &Ctx, name: Option<String>) -> Result<HumanRow> {
    check_may_be_human(ctx)?;
    find_meant(ctx, name).await
}

async fn try_unlock(ctx: &Ctx, human: &HumanRow, tried: &Passphrase) -> Result<Unlocked> {
    check_passphrase(ctx, tried, human).await?;
    let secret = Secret::generate_session().map_err(internal)?;
    let (job_ctx, hash, name) = (ctx.clone(), secret.hash(), human.name.clone());
    let job = move |tx: &mut Tx<'_>| {
        begin_session(tx, &job_ctx, &hash, &name, json!({ "how": "passphrase" }))
    };
    let expires_at = ctx.app.db.write(&ctx.caller.tenant, job).await?;
    Ok(Unlocked {
        name: human.name.clone(),
        session: secret.reveal().to_owned(),
        expires_at: expires_at.to_string(),
    })
}

/// Begins a session under the hash of its secret, noting how the human proved
/// to be it.
fn begin_session(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    hash: &Hash,
    human: &str,
    mut how: Value,
) -> Result<Time> {
    let tenant = &ctx.caller.tenant;
    store::delete_expired_sessions(tx, tenant)?;
    if store::count_sessions(tx, tenant)? >= SESSIONS_MAX {
        return Err(conflict(format!(
            "there are {SESSIONS_MAX} sessions already"
        )));
    }
    let session = SessionRow {
        human: human.to_owned(),
        token_id: ctx.caller.token_id.clone(),
        expires_at: tx.now().plus_seconds(SESSION_SECONDS),
    };
    store::insert_session(tx, tenant, hash, &session)?;
    how["token"] = Value::from(session.token_id);
    let entry = ctx.audit_entry("coro.human.unlocked", human);
    tx.emit(tenant, entry.note(how))?;
    Ok(session.expires_at)
}

/// The human of a name, or the only one.
async fn find_meant(ctx: &Ctx, name: Option<String>) -> Result<HumanRow> {
    let tenant = ctx.caller.tenant.clone();
    let mut all = ctx.app.db.read(move |tx| store::list(tx, &tenant)).await?;
    let at = match name {
        _ if all.is_empty() => {
            return Err(
                conflict("no human has set a passphrase or passkey yet").hint(format!(
                    "a person does so on a terminal: coro-cli humans set NAME{OR_ON_THE_PAGE}"
                )),
            );
        }
        None if all.len() == 1 => 0,
        None => {
            return Err(invalid("there are several humans, and none is named")
                .hint("name one; list them with coro-cli humans list"));
        }
        Some(name) => {
            let at = all.iter().position(|human| human.name == name);
            at.ok_or_else(|| not_found("human", &name).hint("list them with coro-cli humans list"))?
        }
    };
    Ok(all.swap_remove(at))
}

/// Gives the passphrase as it is stored, where it is the one that was tried.
async fn check_passphrase(ctx: &Ctx, tried: &Passphrase, human: &HumanRow) -> Result<String> {
    let Some(stored) = &human.passphrase else {
        return Err(conflict(format!(
            "{:?} has passkeys and no passphrase",
            human.name
        ))
        .hint(
            "unlock on the page, with coro-cli dashboard; under Settings, Humans a passphrase can \
             be set",
        ));
    };
    if ctx.app.humans.matches(&ctx.caller, tried, stored).await? {
        return Ok(stored.clone());
    }
    Err(forbidden(format!(
        "the passphrase of {:?} is wrong",
        human.name
    )))
}

/// Ends a session.
pub async fn lock(ctx: &Ctx, session: Option<Hash>) -> Result<Locked> {
    let Some(hash) = session else {
        return Ok(Locked { locked: None });
    };
    let job_ctx = ctx.clone();
    let job = move |tx: &mut Tx<'_>| {
        let tenant = &job_ctx.caller.tenant;
        let Some(session) = own_session(tx, &job_ctx, &hash)? else {
            return Ok(Locked { locked: None });
        };
        store::delete_session(tx, tenant, &hash)?;
        let entry = job_ctx.audit_entry("coro.human.locked", &session.human);
        tx.emit(tenant, entry)?;
        Ok(Locked {
            locked: Some(session.human),
        })
    };
    ctx.app.db.write(&ctx.caller.tenant, job).await
}

/// The human whose session comes with a request. One that is not valid is
/// refused: whoever sends it believes to be known.
pub fn session_human(tx: &mut Tx<'_>, ctx: &Ctx, session: Option<&Hash>) -> Result<Option<String>> {
    session
        .map(|hash| require_session(tx, ctx, hash))
        .transpose()
}

/// The humans of some sessions, each once. All must be good.
pub fn session_humans(tx: &mut Tx<'_>, ctx: &Ctx, sessions: &[Hash]) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(sessions.len());
    for hash in sessions {
        let name = require_session(tx, ctx, hash)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Which of some names are no humans.
pub fn unknown_humans(tx: &mut Tx<'_>, tenant: &TenantId, names: &[String]) -> Result<Vec<String>> {
    let all = store::list(tx, tenant)?;
    let is_unknown = |name: &&String| !all.iter().any(|human| human.name == **name);
    Ok(names.iter().filter(is_unknown).cloned().collect())
}

/// Whether somebody decides under this name.
pub fn is_human(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<bool> {
    Ok(store::find(tx, tenant, name)?.is_some())
}

/// How many humans there are.
pub fn count_humans(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    store::count(tx, tenant)
}

/// Forgets sessions and challenges that are over.
pub async fn sweep(db: &Db, tenant: &TenantId) -> Result<()> {
    let of = tenant.clone();
    let look =
        move |tx: &mut Tx<'_>| Ok(store::any_expired(tx, &of)? || passkeys::any_expired(tx, &of)?);
    if db.read(look).await? {
        let of = tenant.clone();
        let job = move |tx: &mut Tx<'_>| {
            store::delete_expired_sessions(tx, &of)?;
            passkeys::delete_expired(tx, &of)
        };
        db.write(tenant, job).await?;
    }
    Ok(())
}

fn require_session(tx: &mut Tx<'_>, ctx: &Ctx, hash: &Hash) -> Result<String> {
    let found = own_session(tx, ctx, hash)?;
    found.map(|session| session.human).ok_or_else(|| {
        let over = "the human's session is over, or is another token's";
        Error::new(Reason::SessionOver, over).hint(format!(
            "unlock again: coro-cli yes and no do so on a terminal{OR_ON_THE_PAGE}"
        ))
    })
}

/// The session of a secret, where it is valid with the caller's token.
fn own_session(tx: &mut Tx<'_>, ctx: &Ctx, hash: &Hash) -> Result<Option<SessionRow>> {
    let now = tx.now();
    let found = store::find_session(tx, &ctx.caller.tenant, hash)?;
    let is_valid =
        |session: &SessionRow| session.token_id == ctx.caller.token_id && session.expires_at > now;
    Ok(found.filter(is_valid))
}

fn check_human_name(name: &str) -> Result<()> {
    check_name("human", name)?;
    if name.contains(':') {
        return Err(invalid(format!("the human {name:?} contains ':'")));
    }
    Ok(())
}

/// An agent is no human, whatever its token allows, and who leads nothing has
/// nothing to decide.
fn check_may_be_human(ctx: &Ctx) -> Result<()> {
    let caller = &ctx.caller;
    let leads = matches!(caller.role, Role::Owner | Role::Controller);
    // An agent that leads may have a token before it has registered with it.
    let is_agent = caller.agent.is_some() || caller.kind == PrincipalKind::Agent;
    if leads && !is_agent {
        return Ok(());
    }
    let whose = match is_agent {
        true => "an agent's token".to_owned(),
        false => format!("a token of role {}", caller.role.word()),
    };
    Err(
        forbidden(format!("{whose} may not act as a human")).hint(format!(
            "a person does this with a token that is no agent's, on a terminal{OR_ON_THE_PAGE}"
        )),
    )
}

/// Writes to the audit that someone tried to be a human, or to make one, and
/// was refused.
async fn noted<T>(ctx: &Ctx, name: &str, tried: &str, done: Result<T>) -> Result<T> {
    if let Err(error) = &done
        && (error.is_refusal() || error.reason == Reason::RateLimited)
    {
        let name: String = name.chars().take(100).collect();
        let note: Value = json!({ "tried": tried, "why": error.message });
        record_protected(ctx, "coro.human.refused", &name, "", note).await;
    }
    done
}
