//! Challenges that wait for an authenticator's answer.

use coro_api::humans::PasskeyOptions;

use super::ceremony::{Begun, RelyingParty};
use super::store;
use crate::app::Ctx;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Result, forbidden};

/// How long a challenge waits for an answer: long enough to look for a key.
pub(super) const CHALLENGE_SECONDS: u32 = 120;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Add,
    Unlock,
}

impl Purpose {
    pub(super) fn word(self) -> &'static str {
        match self {
            Purpose::Add => "add",
            Purpose::Unlock => "unlock",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Purpose> {
        let all = [Purpose::Add, Purpose::Unlock];
        all.into_iter().find(|one| one.word() == word)
    }
}

/// A challenge as it is stored, of one session of the page.
#[derive(Clone, Debug)]
pub(super) struct ChallengeRow {
    /// SHA-256 of the session's cookie, in hexadecimal.
    pub(super) session: String,
    pub(super) token_id: String,
    pub(super) purpose: Purpose,
    pub(super) human: String,
    pub(super) relying_party: String,
    pub(super) state: Vec<u8>,
    pub(super) expires_at: Time,
}

/// Stores the challenge of a ceremony, instead of the one that the page's
/// session has waiting.
pub(super) async fn save_challenge(
    ctx: &Ctx,
    page: String,
    party: &RelyingParty,
    purpose: Purpose,
    human: String,
    begun: Begun,
) -> Result<PasskeyOptions> {
    let token_id = ctx.caller.token_id.clone();
    let (tenant, relying_party) = (ctx.caller.tenant.clone(), party.id().to_owned());
    let job = move |tx: &mut Tx<'_>| {
        let challenge = ChallengeRow {
            session: page.clone(),
            token_id: token_id.clone(),
            purpose,
            human: human.clone(),
            relying_party: relying_party.clone(),
            state: begun.state.clone(),
            expires_at: tx.now().plus_seconds(CHALLENGE_SECONDS.into()),
        };
        store::save_challenge(tx, &tenant, &challenge)?;
        Ok(challenge.expires_at)
    };
    let expires_at = ctx.app.db.write(&ctx.caller.tenant, job).await?;
    Ok(PasskeyOptions {
        options: begun.options,
        expires_at: expires_at.to_string(),
    })
}

/// Uses up the challenge that the page's session has waiting.
pub(super) async fn take_challenge(
    ctx: &Ctx,
    page: String,
    party: &RelyingParty,
    purpose: Purpose,
) -> Result<ChallengeRow> {
    let tenant = ctx.caller.tenant.clone();
    let job = move |tx: &mut Tx<'_>| {
        let Some(found) = store::find_challenge(tx, &tenant, &page)? else {
            return Ok(None);
        };
        let is_good = store::delete_challenge(tx, &tenant, &found)? && found.expires_at > tx.now();
        Ok(is_good.then_some(found))
    };
    let found = ctx.app.db.write(&ctx.caller.tenant, job).await?;
    let is_meant = |challenge: &ChallengeRow| {
        challenge.purpose == purpose
            && challenge.token_id == ctx.caller.token_id
            && challenge.relying_party == party.id()
    };
    found.filter(is_meant).ok_or_else(|| {
        forbidden("no challenge waits for this: it was used, its time is over, or it was another's")
            .hint("begin once more")
    })
}
