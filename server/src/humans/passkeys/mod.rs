//! Passkeys: what a human has, beside or instead of what they know.
//!
//! A passkey is made and used in a browser, so all of this belongs to the
//! dashboard's page and takes its session. The page asks for options with a
//! challenge, the browser has the authenticator answer, and the page sends the
//! answer. A challenge is stored, for any replica may get the answer. It is
//! good once, for the page's session, the token and the purpose that it was
//! made for: the first answer uses it up, right or wrong ([`challenge`]).
//! What is signed is checked in [`ceremony`].
//!
//! With no human yet the owner's token suffices, as with a passphrase, and the
//! human is made; after that it takes a session of the human whose passkey it
//! shall be. So whoever has the owner's token alone adds none.

mod ceremony;
mod challenge;
mod store;

use coro_api::humans::{
    AddedPasskey, BeginPasskey, BeginUnlock, Human, NewPasskey, Passkey, PasskeyOptions,
    UnlockWithPasskey, Unlocked,
};
use coro_api::limits::PASSKEYS_MAX;
use coro_api::names::check_text;
use serde_json::json;

pub use ceremony::RelyingParty;
use ceremony::Signed;
use challenge::{ChallengeRow, Purpose, save_challenge, take_challenge};

use super::passphrase::blocking;
use super::{
    HumanRow, begin_session, check_human_name, check_may_be_human, check_no_token, find_meant,
    noted, own_session, require_session,
};
use crate::app::{App, Ctx};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, conflict, forbidden, internal, not_found};
use crate::ids::{Hash, Secret, TenantId};

/// A passkey as it is stored.
#[derive(Clone, Debug)]
struct PasskeyRow {
    /// SHA-256 of the credential's id, in hexadecimal.
    id: String,
    human: String,
    name: String,
    relying_party: String,
    credential_id: Vec<u8>,
    /// What its authenticator knows the human by.
    user_handle: Vec<u8>,
    /// How browsers reach its authenticator, as bits.
    transports: i64,
    key_state: Vec<u8>,
    use_state: Vec<u8>,
    made_at: Time,
    last_used_at: Option<Time>,
}

impl PasskeyRow {
    fn shown(&self) -> Passkey {
        Passkey {
            id: self.id.clone(),
            name: self.name.clone(),
            relying_party: self.relying_party.clone(),
            made_at: self.made_at.to_string(),
            last_used_at: self.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// For whom passkeys are on this server; none where browsers have none.
pub fn relying_party(app: &App) -> Option<RelyingParty> {
    app.dashboard.as_deref().and_then(RelyingParty::of)
}

/// Begins to add a passkey to a human, or to make the first human with one.
pub async fn begin_passkey(
    ctx: &Ctx,
    session: Option<Hash>,
    begin: BeginPasskey,
) -> Result<PasskeyOptions> {
    let name = begin.human.clone();
    let begun = try_begin_passkey(ctx, session, begin.human).await;
    noted(ctx, &name, "begin_passkey", begun).await
}

async fn try_begin_passkey(
    ctx: &Ctx,
    session: Option<Hash>,
    human: String,
) -> Result<PasskeyOptions> {
    check_may_be_human(ctx)?;
    let (page, party) = page_of(ctx)?;
    check_human_name(&human)?;
    let (read_ctx, name) = (ctx.clone(), human.clone());
    let read = ctx.app.db.read(move |tx| {
        check_may_add(tx, &read_ctx, session.as_ref(), &name)?;
        store::list_of(tx, &read_ctx.caller.tenant, &name)
    });
    let known = read.await?;
    let begun = ceremony::begin_adding(&party, &human, &known)?;
    save_challenge(ctx, page, &party, Purpose::Add, human, begun).await
}

/// Adds the passkey that a browser has made.
pub async fn add_passkey(
    ctx: &Ctx,
    session: Option<Hash>,
    new: NewPasskey,
) -> Result<AddedPasskey> {
    let taken = take_challenge_to_add(ctx, &new.name).await;
    let (party, challenge) = noted(ctx, "", "add_passkey", taken).await?;
    let human = challenge.human.clone();
    let added = try_add_passkey(ctx, session, party, challenge, new).await;
    noted(ctx, &human, "add_passkey", added).await
}

async fn take_challenge_to_add(ctx: &Ctx, name: &str) -> Result<(RelyingParty, ChallengeRow)> {
    check_may_be_human(ctx)?;
    let (page, party) = page_of(ctx)?;
    check_text("passkey's name", name)?;
    let challenge = take_challenge(ctx, page, &party, Purpose::Add).await?;
    Ok((party, challenge))
}

async fn try_add_passkey(
    ctx: &Ctx,
    session: Option<Hash>,
    party: RelyingParty,
    challenge: ChallengeRow,
    new: NewPasskey,
) -> Result<AddedPasskey> {
    let (state, credential) = (challenge.state.clone(), new.credential);
    let made = blocking(move || ceremony::finish_adding(&party, &state, &credential)).await?;
    let secret = Secret::generate_session().map_err(internal)?;
    let (job_ctx, hash) = (ctx.clone(), secret.hash());
    let job = move |tx: &mut Tx<'_>| {
        let passkey = PasskeyRow {
            id: Hash::of(&made.credential_id).hex(),
            human: challenge.human.clone(),
            name: new.name.clone(),
            relying_party: challenge.relying_party.clone(),
            credential_id: made.credential_id.clone(),
            user_handle: made.user_handle.clone(),
            transports: made.transports.into(),
            key_state: made.key_state.clone(),
            use_state: made.use_state.clone(),
            made_at: tx.now(),
            last_used_at: None,
        };
        insert_passkey(tx, &job_ctx, session.as_ref(), &hash, &passkey)
    };
    let (human, expires_at) = ctx.app.db.write(&ctx.caller.tenant, job).await?;
    let unlocked = expires_at.map(|expires_at| Unlocked {
        name: human.name.clone(),
        session: secret.reveal().to_owned(),
        expires_at: expires_at.to_string(),
    });
    Ok(AddedPasskey { human, unlocked })
}

/// Stores it, with its human and a session where that is the first one.
fn insert_passkey(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    session: Option<&Hash>,
    new_session: &Hash,
    passkey: &PasskeyRow,
) -> Result<(Human, Option<Time>)> {
    let (tenant, name) = (&ctx.caller.tenant, &passkey.human);
    // The proof must still hold where the change is written.
    check_may_add(tx, ctx, session, name)?;
    if store::find(tx, tenant, &passkey.id)?.is_some() {
        return Err(conflict("this passkey is known already"));
    }
    let known = super::store::find(tx, tenant, name)?;
    let is_first = known.is_none();
    let human = match known {
        Some(human) => human,
        None => make_human(tx, ctx, passkey)?,
    };
    store::insert(tx, tenant, passkey)?;
    let note = json!({
        "passkey": passkey.name, "relying_party": passkey.relying_party, "new": is_first,
    });
    let entry = ctx.audit_entry("coro.human.passkey_added", name);
    tx.emit(tenant, entry.note(note))?;
    let expires_at = match is_first {
        // Whoever has just made it was verified by it.
        true => Some(begin_session(tx, ctx, new_session, name, how(passkey))?),
        false => None,
    };
    let passkeys = store::list_of(tx, tenant, name)?;
    Ok((human.shown(shown(&passkeys)), expires_at))
}

/// Makes the human of a passkey, who has no passphrase.
fn make_human(tx: &mut Tx<'_>, ctx: &Ctx, passkey: &PasskeyRow) -> Result<HumanRow> {
    let human = HumanRow {
        name: passkey.human.clone(),
        passphrase: None,
        created_at: passkey.made_at,
        created_by: ctx.caller.actor.clone(),
        changed_at: passkey.made_at,
        reset_at: None,
    };
    super::store::save(tx, &ctx.caller.tenant, &human)?;
    Ok(human)
}

/// Removes a passkey of the human who has unlocked. Their other sessions end:
/// it may have made them.
pub async fn remove_passkey(ctx: &Ctx, session: Option<Hash>, id: String) -> Result<Human> {
    let by = human_of(ctx, session).await?;
    let removed = try_remove_passkey(ctx, session, id).await;
    noted(ctx, &by.unwrap_or_default(), "remove_passkey", removed).await
}

/// Whose session it is, where it is valid.
async fn human_of(ctx: &Ctx, session: Option<Hash>) -> Result<Option<String>> {
    let Some(session) = session else {
        return Ok(None);
    };
    let read_ctx = ctx.clone();
    let read = move |tx: &mut Tx<'_>| own_session(tx, &read_ctx, &session);
    let found = ctx.app.db.read(read).await?;
    Ok(found.map(|session| session.human))
}

async fn try_remove_passkey(ctx: &Ctx, session: Option<Hash>, id: String) -> Result<Human> {
    check_may_be_human(ctx)?;
    page_session(ctx)?;
    let session = session.ok_or_else(|| takes_session("removing a passkey"))?;
    let job_ctx = ctx.clone();
    let job = move |tx: &mut Tx<'_>| {
        let tenant = &job_ctx.caller.tenant;
        let by = require_session(tx, &job_ctx, &session)?;
        let passkey = store::find(tx, tenant, &id)?.ok_or_else(|| not_found("passkey", &id))?;
        if passkey.human != by {
            return Err(forbidden(format!(
                "{by:?} may not remove a passkey of {:?}",
                passkey.human
            )));
        }
        let human = super::store::find(tx, tenant, &by)?.ok_or_else(|| not_found("human", &by))?;
        store::delete(tx, tenant, &id)?;
        let left = store::list_of(tx, tenant, &by)?;
        if left.is_empty() && human.passphrase.is_none() {
            return Err(
                conflict(format!("it is the only way in which {by:?} can unlock"))
                    .hint("add another passkey, or set a passphrase, before"),
            );
        }
        super::store::delete_other_sessions_of(tx, tenant, &by, &session)?;
        let entry = job_ctx.audit_entry("coro.human.passkey_removed", &by);
        let note = json!({ "passkey": passkey.name, "relying_party": passkey.relying_party });
        tx.emit(tenant, entry.note(note))?;
        Ok(human.shown(shown(&left)))
    };
    ctx.app.db.write(&ctx.caller.tenant, job).await
}

/// Begins to unlock with a passkey.
pub async fn begin_unlock(ctx: &Ctx, begin: BeginUnlock) -> Result<PasskeyOptions> {
    let name = begin.name.clone().unwrap_or_default();
    let begun = try_begin_unlock(ctx, begin.name).await;
    noted(ctx, &name, "begin_unlock", begun).await
}

async fn try_begin_unlock(ctx: &Ctx, name: Option<String>) -> Result<PasskeyOptions> {
    check_may_be_human(ctx)?;
    let (page, party) = page_of(ctx)?;
    let human = find_meant(ctx, name).await?;
    let (tenant, of) = (ctx.caller.tenant.clone(), human.name.clone());
    let read = ctx.app.db.read(move |tx| store::list_of(tx, &tenant, &of));
    let (here, elsewhere): (Vec<_>, Vec<_>) = read
        .await?
        .into_iter()
        .partition(|passkey| passkey.relying_party == party.id());
    if here.is_empty() {
        return Err(conflict(format!(
            "{:?} has no passkey for {}",
            human.name,
            party.id()
        ))
        .hint(way_without_passkey(&human, &elsewhere)));
    }
    let begun = ceremony::begin_unlocking(&party, &here)?;
    save_challenge(ctx, page, &party, Purpose::Unlock, human.name, begun).await
}

/// How a human unlocks whose passkeys were all made for other hosts.
fn way_without_passkey(human: &HumanRow, elsewhere: &[PasskeyRow]) -> String {
    if human.passphrase.is_some() {
        return "unlock with the passphrase".to_owned();
    }
    let mut hosts: Vec<&str> = elsewhere
        .iter()
        .map(|passkey| passkey.relying_party.as_str())
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    format!(
        "open the dashboard under the address that their passkeys were made for ({}), or have a \
         passphrase made on the server's machine: coro-server human reset-passphrase {}",
        hosts.join(", "),
        human.name
    )
}

/// Begins a session of a human whose authenticator has signed the challenge.
pub async fn unlock_with_passkey(ctx: &Ctx, unlock: UnlockWithPasskey) -> Result<Unlocked> {
    let taken = take_challenge_to_unlock(ctx).await;
    let (party, challenge) = noted(ctx, "", "unlock_with_passkey", taken).await?;
    let human = challenge.human.clone();
    let unlocked = try_unlock_with_passkey(ctx, party, challenge, unlock).await;
    noted(ctx, &human, "unlock_with_passkey", unlocked).await
}

async fn take_challenge_to_unlock(ctx: &Ctx) -> Result<(RelyingParty, ChallengeRow)> {
    check_may_be_human(ctx)?;
    let (page, party) = page_of(ctx)?;
    ctx.app.humans.check(&ctx.caller)?;
    let challenge = take_challenge(ctx, page, &party, Purpose::Unlock).await?;
    Ok((party, challenge))
}

async fn try_unlock_with_passkey(
    ctx: &Ctx,
    party: RelyingParty,
    challenge: ChallengeRow,
    unlock: UnlockWithPasskey,
) -> Result<Unlocked> {
    let signed = Signed::of(&unlock.credential)?;
    let checked = check_signed(ctx, party, challenge, signed).await;
    if checked
        .as_ref()
        .is_err_and(|error| error.reason == Reason::Forbidden)
    {
        ctx.app.humans.count_wrong(&ctx.caller);
    }
    let (passkey, use_state) = checked?;
    let secret = Secret::generate_session().map_err(internal)?;
    let (job_ctx, hash, of) = (ctx.clone(), secret.hash(), passkey.clone());
    let job = move |tx: &mut Tx<'_>| {
        // Where its counter grew or it was removed meanwhile, this signature is
        // not taken.
        if !store::note_use(tx, &job_ctx.caller.tenant, &of, &use_state)? {
            return Err(conflict("the passkey was used or removed at the same time")
                .hint("unlock once more"));
        }
        begin_session(tx, &job_ctx, &hash, &of.human, how(&of))
    };
    let expires_at = ctx.app.db.write(&ctx.caller.tenant, job).await?;
    Ok(Unlocked {
        name: passkey.human,
        session: secret.reveal().to_owned(),
        expires_at: expires_at.to_string(),
    })
}

/// Finds the passkey that has signed, and what is to be stored of its use.
async fn check_signed(
    ctx: &Ctx,
    party: RelyingParty,
    challenge: ChallengeRow,
    signed: Signed,
) -> Result<(PasskeyRow, Vec<u8>)> {
    let tenant = ctx.caller.tenant.clone();
    let id = Hash::of(&signed.credential_id()).hex();
    let read = ctx.app.db.read(move |tx| store::find(tx, &tenant, &id));
    let (human, state) = (challenge.human, challenge.state);
    let Some(passkey) = read.await?.filter(|passkey| passkey.human == human) else {
        return Err(forbidden(format!("this is no passkey of {human:?}")));
    };
    let before = passkey.clone();
    let checked =
        blocking(move || ceremony::finish_unlocking(&party, &state, &signed, &before)).await;
    Ok((passkey, checked?))
}

/// The passkeys of all humans, by human.
pub(super) fn list_all(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<(String, Passkey)>> {
    let all = store::list(tx, tenant)?;
    Ok(all
        .iter()
        .map(|one| (one.human.clone(), one.shown()))
        .collect())
}

/// The passkeys of a human.
pub(super) fn list_of(tx: &mut Tx<'_>, tenant: &TenantId, human: &str) -> Result<Vec<Passkey>> {
    Ok(shown(&store::list_of(tx, tenant, human)?))
}

/// Whether there are challenges that nobody has answered in time.
pub(super) fn any_expired(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<bool> {
    store::any_expired(tx, tenant)
}

/// Forgets challenges that nobody has answered.
pub(super) fn delete_expired(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<()> {
    store::delete_expired(tx, tenant)
}

fn shown(passkeys: &[PasskeyRow]) -> Vec<Passkey> {
    passkeys.iter().map(PasskeyRow::shown).collect()
}

fn how(passkey: &PasskeyRow) -> serde_json::Value {
    json!({ "how": "passkey", "passkey": passkey.name })
}

/// The page's session and for whom passkeys are, where there can be any.
fn page_of(ctx: &Ctx) -> Result<(String, RelyingParty)> {
    let session = page_session(ctx)?;
    let party = relying_party(&ctx.app).ok_or_else(|| {
        let page = ctx.app.dashboard.as_deref().unwrap_or_default();
        conflict(format!("browsers have no passkeys for {page}")).hint(
            "give the dashboard a name: start coro-server with --dashboard-url \
             http://localhost:PORT, or HTTPS",
        )
    })?;
    Ok((session, party))
}

fn page_session(ctx: &Ctx) -> Result<String> {
    let Some(session) = &ctx.caller.session else {
        return Err(
            conflict("passkeys are made and used on the dashboard's page")
                .hint("open it with coro-cli dashboard"),
        );
    };
    Ok(session.proof.cookie.hex())
}

/// At first use the owner's token suffices; after that a passkey is added by
/// whose it shall be, unlocked.
fn check_may_add(tx: &mut Tx<'_>, ctx: &Ctx, session: Option<&Hash>, name: &str) -> Result<()> {
    let tenant = &ctx.caller.tenant;
    if super::store::count(tx, tenant)? == 0 {
        return check_no_token(tx, tenant, name);
    }
    let session = session.ok_or_else(|| takes_session("adding a passkey"))?;
    let by = require_session(tx, ctx, session)?;
    if by != name {
        return Err(
            forbidden(format!("{by:?} may not add a passkey of {name:?}"))
                .hint("each human adds their own; a new one is added with a passphrase"),
        );
    }
    if store::list_of(tx, tenant, name)?.len() as i64 >= PASSKEYS_MAX {
        return Err(
            conflict(format!("{name:?} has {PASSKEYS_MAX} passkeys already"))
                .hint("remove one that is not used any more"),
        );
    }
    Ok(())
}

fn takes_session(what: &str) -> Error {
    forbidden(format!("{what} takes a human who has unlocked"))
        .hint("unlock on the page, with the passphrase or with another passkey")
}
