//! Events: the log as a feed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client says to publish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// Segments with dots; the first is the project. `coro.` is refused.
    #[cfg_attr(feature = "openapi", schema(example = "shop.api.done"))]
    pub topic: String,
    /// What the event is about, such as a key or a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop/plan"))]
    pub subject: Option<String>,
    /// Any JSON; absent is the same as `null`. A number beyond 64 bits becomes
    /// the nearest double; send such as text.
    #[serde(default)]
    pub data: Value,
}

/// One entry of the log, in the form of Koor's event and more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// The same number as `revision`, where Koor's clients look for it.
    pub id: i64,
    /// The place in the tenant's log: grows by one with each event.
    pub revision: i64,
    #[cfg_attr(feature = "openapi", schema(example = "shop.api.done"))]
    pub topic: String,
    /// What the event is about: for state its key; empty where nothing is.
    pub subject: String,
    pub data: Value,
    /// `coro` for the server's own events, else the name of who published.
    pub source: String,
    /// Who caused it, such as `agent:frontend`.
    #[cfg_attr(feature = "openapi", schema(example = "agent:frontend"))]
    pub actor: String,
    pub created_at: String,
    /// W3C trace context of the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What a long poll or a consumer's fetch answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventPage {
    /// In order, the oldest first.
    pub events: Vec<Event>,
    /// Where to go on: `from` of the next call, what a consumer acknowledges.
    pub next: i64,
    /// Whether more events wait already.
    pub more: bool,
}
