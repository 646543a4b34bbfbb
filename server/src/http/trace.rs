//! The span of a request, a child of the caller's where it sent a trace
//! context. Names follow OpenTelemetry's conventions for HTTP.

use axum::extract::Request;
use tracing::Span;

pub(super) fn span_of(req: &Request, id: &str) -> Span {
    let span = tracing::debug_span!(
        "request",
        otel.kind = "server",
        request.id = id,
        http.request.method = %req.method(),
        url.path = req.uri().path(),
        http.response.status_code = tracing::field::Empty,
    );
    #[cfg(feature = "otlp")]
    adopt(&span, req);
    span
}

#[cfg(feature = "otlp")]
fn adopt(span: &Span, req: &Request) {
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    struct Headers<'a>(&'a axum::http::HeaderMap);

    impl opentelemetry::propagation::Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key).and_then(|value| value.to_str().ok())
        }

        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(axum::http::HeaderName::as_str).collect()
        }
    }

    if !span.is_disabled() {
        let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&Headers(req.headers()))
        });
        let _ = span.set_parent(parent);
    }
}
