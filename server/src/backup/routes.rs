//! HTTP of backups.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::take_backup;
use crate::app::App;
use crate::auth::Admin;
use crate::error::Result;
use crate::http::extract::NoQuery;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download))
}

/// Take a backup
///
/// Everything of the tenant at one moment, while the server runs. The last
/// line has the hash of the rest: a file without it is incomplete.
#[utoipa::path(get, path = "/api/backup", operation_id = "take_backup", tag = "server",
    responses((status = 200, description = "gzip of JSON lines", body = String, content_type = "application/gzip")))]
async fn download(Admin(ctx): Admin, _: NoQuery) -> Result<Response> {
    let body = Body::from_stream(ReceiverStream::new(take_backup(&ctx).await?));
    Ok(([(header::CONTENT_TYPE, "application/gzip")], body).into_response())
}
