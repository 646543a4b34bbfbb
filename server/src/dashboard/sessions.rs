//! The page's sessions: the second way, beside tokens, to be known.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};
use subtle::ConstantTimeEq as _;

use super::{NOTE_SECONDS, SessionRow, store, tokens};
use crate::app::App;
use crate::auth::{Caller, unauthenticated};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::Hash;

/// The header with the page's half of a session.
const KEY: HeaderName = HeaderName::from_static("coro-session-key");

/// What a WebSocket's protocol begins with that is the page's key: a browser
/// lets a page send no header there.
const KEY_PROTOCOL: &str = "key.";

/// How the cookie's name begins; the rest belongs to the session's key.
const COOKIE: &str = "coro_session_";

/// Both halves of a session, as hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    pub cookie: Hash,
    pub key: Hash,
}

/// The session of a caller who came by one.
#[derive(Clone, Debug)]
pub struct Session {
    pub proof: Proof,
    pub expires_at: Time,
}

/// The cookie's name, one for each session: a page on another port of this
/// host, another Coro's or a hostile one, can't overwrite what it can't name.
pub fn cookie_name(key: &Hash) -> String {
    format!("{COOKIE}{}", &key.hex()[..16])
}

/// Finds both halves in a request.
pub fn proof_of(headers: &HeaderMap) -> Result<Proof> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(
            unauthenticated("the dashboard's port takes no tokens".to_owned())
                .hint("use the API port"),
        );
    }
    let key = key_of(headers).ok_or_else(|| signed_out("the page's key is missing"))?;
    let key = Hash::of(key.as_bytes());
    let cookie = cookie_of(headers, &cookie_name(&key))
        .ok_or_else(|| signed_out("the session's cookie is missing"))?;
    Ok(Proof {
        cookie: Hash::of(cookie.as_bytes()),
        key,
    })
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get(KEY) {
        return key.to_str().ok();
    }
    let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    protocols
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(KEY_PROTOCOL))
}

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE);
    cookies
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The session by which a caller came.
pub fn of(caller: &Caller) -> Result<&Session> {
    let session = caller.session.as_ref();
    session.ok_or_else(|| signed_out("the caller has no session"))
}

/// Who a session is, whose token nobody has looked at yet.
pub async fn find_caller(app: &App, proof: Proof) -> Result<Arc<Caller>> {
    let now = app.clock.now();
    let known_as = Hash::of(&[proof.cookie.0, proof.key.0].concat());
    let caller = match app.tokens.get(&known_as, now) {
        Some(caller) => caller,
        None => {
            let caller = Arc::new(read_caller(app, proof, now).await?);
            app.tokens.put(known_as, caller.clone(), now);
            caller
        }
    };
    if of(&caller)?.expires_at <= now {
        return Err(signed_out("the session has ended"));
    }
    Ok(caller)
}

async fn read_caller(app: &App, proof: Proof, now: Time) -> Result<Caller> {
    let read = move |tx: &mut Tx<'_>| {
        let Some(session) = store::find_session(tx, &proof.cookie)? else {
            return Ok(None);
        };
        let caller = tokens::find_caller(tx, &session.token_hash)?;
        Ok(caller.map(|caller| (caller, session)))
    };
    let found = app.db.read(read).await?;
    let known = found.filter(|(_, session)| bool::from(session.key_hash.0.ct_eq(&proof.key.0)));
    let Some((mut caller, mut session)) = known else {
        return Err(signed_out("the session is not known here, or has ended"));
    };
    if session.expires_at() > now {
        note_use(app, &mut session, now).await;
    }
    caller.session = Some(Session {
        proof,
        expires_at: session.expires_at(),
    });
    Ok(caller)
}

/// Notes now and then that a session is in use, so that it lasts. Where that
/// can't be written now, the next call tries again.
async fn note_use(app: &App, session: &mut SessionRow, now: Time) {
    if session.used_at.plus_seconds(NOTE_SECONDS) > now {
        return;
    }
    let (of, hash) = (session.tenant.clone(), session.hash);
    let noted = app
        .db
        .write(&session.tenant, move |tx| {
            store::touch_session(tx, &of, &hash)
        })
        .await;
    match noted {
        Ok(()) => session.used_at = now,
        Err(error) => tracing::warn!(%error, "that a session is in use could not be noted"),
    }
}

fn signed_out(message: &str) -> Error {
    unauthenticated(message.to_owned()).hint("sign in with 'coro-cli dashboard'")
}
