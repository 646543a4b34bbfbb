//! Logs, and with the feature `otlp` traces.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, ConfigError, LogFormat};

/// Sends logs to stderr in the form that was asked for.
pub(super) fn init(config: &Config) -> Result<(), ConfigError> {
    // The MCP library tells of each request several times.
    let filter = EnvFilter::try_new(format!("rmcp=off,{}", config.log_level))
        .map_err(|error| ConfigError(format!("--log-level {:?}: {error}", config.log_level)))?;
    let logs = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let logs = match config.log_format {
        LogFormat::Text => logs.boxed(),
        LogFormat::Json => logs.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(logs.with_filter(filter));
    #[cfg(feature = "otlp")]
    let subscriber = subscriber.with(otlp::layer(config)?);
    subscriber.init();
    Ok(())
}

/// Sends what has not been sent.
pub(super) fn flush() {
    #[cfg(feature = "otlp")]
    otlp::flush();
}

#[cfg(feature = "otlp")]
mod otlp {
    use std::sync::OnceLock;

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::WithExportConfig as _;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::Subscriber;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::registry::LookupSpan;

    use crate::config::{Config, ConfigError};

    static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

    /// Spans of requests, sent in batches by a thread of their own.
    pub(super) fn layer<S>(config: &Config) -> Result<Option<impl Layer<S>>, ConfigError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(endpoint) = &config.otlp_endpoint else {
            return Ok(None);
        };
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| ConfigError(format!("--otlp-endpoint {endpoint}: {error}")))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("coro-server").build())
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("coro-server");
        let _ = PROVIDER.set(provider);
        let requests = Targets::new().with_target("coro_server::http", LevelFilter::DEBUG);
        Ok(Some(
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_filter(requests),
        ))
    }

    pub(super) fn flush() {
        if let Some(provider) = PROVIDER.get() {
            let _ = provider.shutdown();
        }
    }
}
