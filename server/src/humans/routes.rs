//! HTTP of humans.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coro_api::humans::{Human, Locked, NewHuman, SESSION_HEADER, Unlock, Unlocked};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{list_humans, lock, set_human, unlock};
use crate::app::App;
use crate::auth::{Admin, Anyone, Leader, Reader};
use crate::error::{Error, Result, invalid};
use crate::http::extract::{Json, NoQuery};
use crate::ids::Hash;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, set))
        .routes(routes!(begin))
        .routes(routes!(end))
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

/// As [`SessionKey`], of several humans who act together.
pub struct SessionKeys(pub Vec<Hash>);

/// The most humans who act together: as many as a policy can ask for.
const TOGETHER_MAX: usize = 16;

impl FromRequestParts<App> for SessionKeys {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let headers = parts.headers.get_all(SESSION_HEADER);
        let secrets = headers
            .iter()
            .flat_map(|text| text.as_bytes().split(|byte| *byte == b','))
            .map(|secret| Hash::of(secret.trim_ascii()));
        let hashes: Vec<Hash> = secrets.take(TOGETHER_MAX + 1).collect();
        if hashes.len() > TOGETHER_MAX {
            return Err(invalid(format!(
                "{SESSION_HEADER} names more than {TOGETHER_MAX} sessions"
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
/// For ten minutes, with this token only. Five wrong passphrases of a tenant
/// in five minutes, and nobody may try for the rest of them. For the owner and
/// controllers that are no agents.
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
