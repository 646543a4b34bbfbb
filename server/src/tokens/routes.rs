//! HTTP of tokens.

use axum::response::Response;
use coro_api::state::Deleted;
use coro_api::tokens::{IssuedToken, NewToken, Token};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{create_token, list_tokens, revoke_token};
use crate::app::App;
use crate::auth::Admin;
use crate::error::Result;
use crate::http::extract::{Json, NoQuery, Path};
use crate::http::page::json_at;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// List tokens
///
/// Without their secrets, which are stored nowhere.
#[utoipa::path(get, path = "/api/tokens", operation_id = "list_tokens", tag = "tokens",
    responses((status = 200, description = "The tokens that are not revoked", body = Vec<Token>)))]
async fn list(Admin(ctx): Admin, _: NoQuery) -> Result<axum::Json<Vec<Token>>> {
    Ok(axum::Json(list_tokens(&ctx).await?))
}

/// Make a token
///
/// The answer is the only place where its secret is shown.
#[utoipa::path(post, path = "/api/tokens", operation_id = "create_token", tag = "tokens",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewToken, example = json!({"name": "frontend", "role": "agent", "project": "shop"})),
    responses((status = 200, description = "The token with its secret", body = IssuedToken)))]
async fn create(
    Admin(ctx): Admin,
    _: NoQuery,
    Json(body): Json<NewToken>,
) -> Result<axum::Json<IssuedToken>> {
    Ok(axum::Json(create_token(&ctx, body).await?))
}

/// Revoke a token
#[utoipa::path(delete, path = "/api/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    params(("id" = String, Path, description = "The token's id", example = "0197a3c0-0000-7000-8000-000000000000"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The token is revoked", body = Deleted)))]
async fn revoke(Admin(ctx): Admin, _: NoQuery, Path(id): Path<String>) -> Result<Response> {
    let deleted = revoke_token(&ctx, &id).await?;
    Ok(json_at(deleted.revision, &deleted))
}
