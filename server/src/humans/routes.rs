//! HTTP of humans.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coro_api::humans::{
    AddedPasskey, BeginPasskey, BeginUnlock, Human, Locked, NewHuman, NewPasskey, PasskeyOptions,
    SESSION_HEADER, Unlock, UnlockWithPasskey, Unlocked,
};
use coro_api::limits::DECIDERS_MAX;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::passkeys::{
    add_passkey, begin_passkey, begin_unlock, remove_passkey, unlock_with_passkey,
};
use super::{list_humans, lock, set_human, unlock};
use crate::app::App;
use crate::auth::{Admin, Anyone, Leader, Reader};
use crate::error::{Error, Result, invalid};
use crate::http::extract::{Json, NoQuery, Path};
use crate::ids::Hash;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, set))
        .routes(routes!(begin))
        .routes(routes!(end))
        .routes(routes!(begin_add))
        .routes(routes!(add))
        .routes(routes!(remove))
        .routes(routes!(begin_with_passkey))
        .routes(routes!(with_passkey))
}

/// The hash of the session's secret that a request brings, if it brings one.
pub struct SessionKey(pub Option<Hash>);

impl FromRequestParts<App> for SessionKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let secret = parts.headers.get(SESSION_HEADER);
        Ok(SessionKey(secret.map(|text| Hash::of(text.as_bytes()))))
    }
}

/// As [`SessionKey`], of several humans who act together: as many as a policy
/// can ask for.
pub struct SessionKeys(pub Vec<Hash>);

impl FromRequestParts<App> for SessionKeys {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let headers = parts.headers.get_all(SESSION_HEADER);
        let secrets = headers
            .iter()
            .flat_map(|text| text.as_bytes().split(|byte| *byte == b','))
            .map(|secret| Hash::of(secret.trim_ascii()));
        let hashes: Vec<Hash> = secrets.take(DECIDERS_MAX + 1).collect();
        if hashes.len() > DECIDERS_MAX {
            return Err(invalid(format!(
                "{SESSION_HEADER} names more than {DECIDERS_MAX} sessions"
            )));
        }
        Ok(SessionKeys(hashes))
    }
}

/// List humans
#[utoipa::path(get, path = "/api/humans", operation_id = "list_humans", tag = "humans",
    responses((status = 200, description = "Who decides what is protected", body = Vec<Human>)))]
async fn list(Reader(ctx): Reader, _: NoQuery) -> Result<axum::Json<Vec<Human>>> {
    Ok(axum::Json(list_humans(&ctx).await?))
}

/// Set a human's passphrase
///
/// Makes the human where there is none of this name. The first needs the
/// owner's token only; after that it takes a human's session, or the old
/// passphrase. A human changes their own only.
#[utoipa::path(post, path = "/api/humans", operation_id = "set_human", tag = "humans",
    params(("Coro-Human" = Option<String>, Header, description = "A human's session")),
    request_body(content = NewHuman, example = json!({"name": "ada", "passphrase": "correct horse battery staple"})),
    responses((status = 200, description = "The human", body = Human)))]
async fn set(
    Admin(ctx): Admin,
    _: NoQuery,
    SessionKey(session): SessionKey,
    Json(body): Json<NewHuman>,
) -> Result<axum::Json<Human>> {
    Ok(axum::Json(set_human(&ctx, session, body).await?))
}

/// Begin a human's session
///
/// For ten minutes, with this token only. A token that sends five wrong
/// passphrases or passkeys in five minutes may not try for the rest of them,
/// and after 25 in a tenant nobody may. For the owner and controllers that are
/// no agents.
#[utoipa::path(post, path = "/api/humans/unlock", operation_id = "unlock_human", tag = "humans",
    request_body(content = Unlock, example = json!({"passphrase": "correct horse battery staple"})),
    responses((status = 200, description = "The session", body = Unlocked)))]
async fn begin(
    Anyone(ctx): Anyone,
    _: NoQuery,
    Json(body): Json<Unlock>,
) -> Result<axum::Json<Unlocked>> {
    Ok(axum::Json(unlock(&ctx, body).await?))
}

/// End a human's session
#[utoipa::path(delete, path = "/api/humans/session", operation_id = "lock_human", tag = "humans",
    params(("Coro-Human" = Option<String>, Header, description = "The session")),
    responses((status = 200, description = "Whose session is over", body = Locked)))]
async fn end(
    Leader(ctx): Leader,
    _: NoQuery,
    SessionKey(session): SessionKey,
) -> Result<axum::Json<Locked>> {
    Ok(axum::Json(lock(&ctx, session).await?))
}

/// Begin to add a passkey
///
/// On the dashboard's port only, as everything of passkeys, and where the
/// dashboard's address has a name. The first human is made with it; after that
/// it takes the session of whose it shall be. The challenge is good once, for
/// two minutes, in this session of the page, whose next one replaces it.
#[utoipa::path(post, path = "/api/humans/passkeys/options", operation_id = "begin_passkey", tag = "humans",
    params(("Coro-Human" = Option<String>, Header, description = "The human's session")),
    request_body(content = BeginPasskey, example = json!({"human": "ada"})),
    responses((status = 200, description = "For the browser", body = PasskeyOptions)))]
async fn begin_add(
    Admin(ctx): Admin,
    _: NoQuery,
    SessionKey(session): SessionKey,
    Json(body): Json<BeginPasskey>,
) -> Result<axum::Json<PasskeyOptions>> {
    Ok(axum::Json(begin_passkey(&ctx, session, body).await?))
}

/// Add a passkey
///
/// That a browser has made with the options. The authenticator must have
/// verified the human. The first human has unlocked with it.
#[utoipa::path(post, path = "/api/humans/passkeys", operation_id = "add_passkey", tag = "humans",
    params(("Coro-Human" = Option<String>, Header, description = "The human's session")),
    request_body(content = NewPasskey, example = json!({"name": "laptop", "credential": {}})),
    responses((status = 200, description = "The human", body = AddedPasskey)))]
async fn add(
    Admin(ctx): Admin,
    _: NoQuery,
    SessionKey(session): SessionKey,
    Json(body): Json<NewPasskey>,
) -> Result<axum::Json<AddedPasskey>> {
    Ok(axum::Json(add_passkey(&ctx, session, body).await?))
}

/// Remove a passkey
///
/// Of the human who has unlocked; not the last way in which they can. Their
/// other sessions end.
#[utoipa::path(delete, path = "/api/humans/passkeys/{id}", operation_id = "remove_passkey", tag = "humans",
    params(("id" = String, Path, description = "The passkey's id", example = "0b6f"),
        ("Coro-Human" = Option<String>, Header, description = "The human's session")),
    responses((status = 200, description = "The human", body = Human)))]
async fn remove(
    Admin(ctx): Admin,
    Path(id): Path<String>,
    _: NoQuery,
    SessionKey(session): SessionKey,
) -> Result<axum::Json<Human>> {
    Ok(axum::Json(remove_passkey(&ctx, session, id).await?))
}

/// Begin to unlock with a passkey
///
/// As `begin_passkey`, of a human who has one for this address.
#[utoipa::path(post, path = "/api/humans/unlock/options", operation_id = "begin_unlock", tag = "humans",
    request_body(content = BeginUnlock, example = json!({"name": "ada"})),
    responses((status = 200, description = "For the browser", body = PasskeyOptions)))]
async fn begin_with_passkey(
    Anyone(ctx): Anyone,
    _: NoQuery,
    Json(body): Json<BeginUnlock>,
) -> Result<axum::Json<PasskeyOptions>> {
    Ok(axum::Json(begin_unlock(&ctx, body).await?))
}

/// Begin a human's session with a passkey
///
/// As with a passphrase: for ten minutes, with this token only. Wrong passkeys
/// and wrong passphrases are counted together.
#[utoipa::path(post, path = "/api/humans/unlock/passkey", operation_id = "unlock_human_with_passkey", tag = "humans",
    request_body(content = UnlockWithPasskey, example = json!({"credential": {}})),
    responses((status = 200, description = "The session", body = Unlocked)))]
async fn with_passkey(
    Anyone(ctx): Anyone,
    _: NoQuery,
    Json(body): Json<UnlockWithPasskey>,
) -> Result<axum::Json<Unlocked>> {
    Ok(axum::Json(unlock_with_passkey(&ctx, body).await?))
}
