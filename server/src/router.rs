//! Every route of the server: one line for each domain.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use coro_api::Reason;
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::{Error, invalid};
use crate::http::gate::Door;
use crate::http::in_process::InProcess;
use crate::http::{gate, openapi};
use crate::{
    a2a, agents, audit, backup, consumers, dashboard, events, hooks, humans, leases, mcp, messages,
    overview, pauses, requests, state, system, tasks, tokens, txn,
};

/// Answers below this are sent as they are, in bytes.
const COMPRESS_ABOVE: u64 = 1024;

/// The routes of all domains, and their document.
pub fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .merge(system::routes::routes())
        .merge(overview::routes::routes())
        .merge(state::routes::routes())
        .merge(txn::routes::routes())
        .merge(events::routes::routes())
        .merge(consumers::routes::routes())
        .merge(agents::routes::routes())
        .merge(tasks::routes::routes())
        .merge(leases::routes::routes())
        .merge(messages::routes::routes())
        .merge(requests::routes::routes())
        .merge(humans::routes::routes())
        .merge(pauses::routes::routes())
        .merge(hooks::routes::routes())
        .merge(tokens::routes::routes())
        .merge(dashboard::routes::routes())
        .merge(audit::routes::routes())
        .merge(backup::routes::routes())
}

pub fn router(app: App) -> Router {
    let (routes, document) = documented().split_for_parts();
    let routes = routes.merge(openapi::routes(document));
    #[cfg(feature = "testing")]
    let routes = routes.merge(crate::testing::routes::routes());
    let routes = routes
        .merge(a2a::routes::routes(&app))
        .route("/api/state/", axum::routing::any(empty_key))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method);
    let inside = routes
        .clone()
        .layer(from_fn_with_state((app.clone(), Door::Api), gate::pass))
        .with_state(app.clone());
    routes
        .merge(mcp::routes::routes(&app, InProcess::new(inside)))
        .layer(CompressionLayer::new().compress_when(what_pays()))
        .layer(from_fn_with_state((app.clone(), Door::Api), gate::pass))
        .with_state(app)
}

/// The dashboard's listener: the page's files, and the API that it calls.
pub fn dashboard(app: App) -> Router {
    let (routes, _) = documented().split_for_parts();
    let api = routes
        .merge(dashboard::routes::session())
        .route("/api/state/", axum::routing::any(empty_key))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(app.clone());
    // Not by routes of the router: a page has any path that the API has not.
    let serve = move |req: Request| {
        let api = api.clone();
        async move {
            match dashboard::routes::is_api(req.uri().path()) {
                true => api.oneshot(req).await.into_response(),
                false => dashboard::routes::serve_file(req).await,
            }
        }
    };
    Router::new()
        .fallback(serve)
        .layer(CompressionLayer::new().compress_when(what_pays()))
        .layer(from_fn_with_state((app, Door::Dashboard), gate::pass))
        .layer(from_fn(dashboard::routes::protect))
}

/// Which answers are compressed.
fn what_pays() -> impl Predicate {
    SizeAbove::new(COMPRESS_ABOVE)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("application/gzip"))
        .and(NotForContentType::IMAGES)
}

async fn empty_key() -> Error {
    invalid("the key is empty").hint("name it in the path: /api/state/shop/plan")
}

async fn unknown_path(uri: axum::http::Uri) -> axum::response::Response {
    Error::new(Reason::NotFound, format!("there is no path {}", uri.path()))
        .hint("see /openapi.json for the paths")
        .into_response()
}

async fn unknown_method(
    method: axum::http::Method,
    uri: axum::http::Uri,
) -> axum::response::Response {
    let message = format!("{} does not take {method}", uri.path());
    Error::new(Reason::MethodNotAllowed, message).into_response()
}
