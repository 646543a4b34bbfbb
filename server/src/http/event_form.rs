//! Events on the wire: Koor's form, or CloudEvents 1.0 where a client asks.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::extract::accepts;
use super::page::REVISION;
use crate::app::Ctx;
use crate::db::Entry;
use crate::events::json_of;
use crate::ids::TenantId;
use crate::log::data_of;
use crate::log::poll::EventPage;

/// How a client wants events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Koor,
    /// With the tenant, which is where the events come from.
    CloudEvents(TenantId),
}

impl Form {
    pub fn of(ctx: &Ctx, headers: &HeaderMap) -> Self {
        let wanted = [
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
        ];
        if wanted.into_iter().any(|media| accepts(headers, media)) {
            Form::CloudEvents(ctx.caller.tenant.clone())
        } else {
            Form::Koor
        }
    }

    /// A page of events, with the place to go on.
    pub fn page(&self, page: &EventPage) -> Response {
        let body = match self {
            Form::Koor => {
                let mut body = String::from("{\"events\":[");
                for (at, published) in page.events.iter().enumerate() {
                    if at > 0 {
                        body.push(',');
                    }
                    body.push_str(&String::from_utf8_lossy(published.json()));
                }
                body.push_str(&format!(
                    "],\"next\":{},\"more\":{}}}",
                    page.next, page.more
                ));
                body
            }
            Form::CloudEvents(tenant) => {
                batch(tenant, page.events.iter().map(|published| &published.entry))
            }
        };
        let mut response = self.response(body, "application/cloudevents-batch+json");
        response
            .headers_mut()
            .insert(REVISION, HeaderValue::from(page.next));
        response
    }

    /// A bare list of events.
    pub fn list(&self, entries: &[Entry]) -> Response {
        let body = match self {
            Form::Koor => {
                let events: Vec<String> = entries.iter().map(json_of).collect();
                format!("[{}]", events.join(","))
            }
            Form::CloudEvents(tenant) => batch(tenant, entries.iter()),
        };
        self.response(body, "application/cloudevents-batch+json")
    }

    fn response(&self, body: String, cloud_events: &'static str) -> Response {
        let media = match self {
            Form::Koor => "application/json",
            Form::CloudEvents(_) => cloud_events,
        };
        ([(header::CONTENT_TYPE, media)], body).into_response()
    }
}

fn batch<'a>(tenant: &TenantId, entries: impl Iterator<Item = &'a Entry>) -> String {
    let events: Vec<String> = entries
        .map(|entry| cloud_event(tenant, entry).to_string())
        .collect();
    format!("[{}]", events.join(","))
}

/// CloudEvents 1.0, structured. Source and id together name one event.
fn cloud_event(tenant: &TenantId, entry: &Entry) -> serde_json::Value {
    let data: serde_json::Value = serde_json::from_str(&data_of(entry)).unwrap_or_default();
    let mut event = json!({
        "specversion": "1.0",
        "id": entry.revision.to_string(),
        "source": format!("/coro/{tenant}"),
        "type": event_type(&entry.topic),
        "time": entry.at.to_string(),
        "datacontenttype": "application/json",
        "data": data,
        "revision": entry.revision,
        "actor": entry.actor,
    });
    if !entry.subject.is_empty() {
        event["subject"] = json!(entry.subject);
    }
    if let Some(traceparent) = &entry.traceparent {
        event["traceparent"] = json!(traceparent);
    }
    event
}

/// The server's own events have types of ours; no client can publish one.
fn event_type(topic: &str) -> String {
    match topic.strip_prefix("coro.") {
        Some(own) => format!("dev.coro.{own}.v1"),
        None => format!("published.{topic}"),
    }
}
