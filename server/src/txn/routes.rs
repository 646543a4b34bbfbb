//! HTTP of transactions.

use axum::response::Response;
use coro_api::txn::{TxnRequest, TxnResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::write_txn;
use crate::app::App;
use crate::auth::Writer;
use crate::error::Result;
use crate::http::extract::{Json, NoQuery};
use crate::http::page::json_at;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(post))
}

/// Compare and write several keys
///
/// All comparisons hold and all writes happen, or nothing does and the answer
/// is 412 with the first key that differs.
#[utoipa::path(post, path = "/api/txn", operation_id = "write_txn", tag = "state",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TxnRequest, example = json!({"compare": [{"key": "shop/lock", "version": 0}],
        "writes": [{"op": "put", "key": "shop/lock", "value": "frontend", "ttl": 60}]})),
    responses((status = 200, description = "What was written", body = TxnResponse)))]
async fn post(Writer(ctx): Writer, _: NoQuery, Json(body): Json<TxnRequest>) -> Result<Response> {
    let done = write_txn(&ctx, body).await?;
    Ok(json_at(done.revision, &done))
}
