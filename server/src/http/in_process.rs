//! Requests that the server sends itself, the way that every request takes.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The router, for callers in this process. Cheap to clone.
#[derive(Clone)]
pub struct InProcess {
    router: Router,
}

impl InProcess {
    pub fn new(router: Router) -> InProcess {
        InProcess { router }
    }

    /// Sends a request and waits for the whole answer.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, axum::Error> {
        let request = request.map(Body::from);
        let answered: Result<_, Infallible> = self.router.clone().oneshot(request).await;
        let (parts, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}
