//! Events on the wire: Koor's form, or CloudEvents 1.0 where a client asks.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use coro_api::events::Event;
use serde_json::json;

use super::extract::accepts;
use super::page::REVISION;
use crate::app::Ctx;
use crate::db::Entry;
use crate::events::{event_of, json_of};
use crate::ids::TenantId;
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

    /// One event.
    pub fn one(&self, event: &Event) -> Response {
        let body = match self {
            Form::Koor => json!(event).to_string(),
            Form::CloudEvents(tenant) => cloud_event(tenant, event).to_string(),
        };
        let mut response = self.response(body, "application/cloudevents+json");
        response
            .headers_mut()
            .insert(REVISION, HeaderValue::from(event.revision));
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
        .map(|entry| cloud_event(tenant, &event_of(entry)).to_string())
        .collect();
    format!("[{}]", events.join(","))
}

/// CloudEvents 1.0, structured. Source and id together name one event.
fn cloud_event(tenant: &TenantId, event: &Event) -> serde_json::Value {
    let mut cloud = json!({
        "specversion": "1.0",
        "id": event.revision.to_string(),
        "source": format!("/coro/{tenant}"),
        "type": event_type(&event.topic),
        "time": event.created_at,
        "datacontenttype": "application/json",
        "data": event.data,
        "revision": event.revision,
        "actor": event.actor,
    });
    if !event.subject.is_empty() {
        cloud["subject"] = json!(event.subject);
    }
    if let Some(traceparent) = &event.traceparent {
        cloud["traceparent"] = json!(traceparent);
    }
    cloud
}

/// The server's own events have types of ours; no client can publish one.
fn event_type(topic: &str) -> String {
    match topic.strip_prefix("coro.") {
        Some(own) => format!("dev.coro.{own}.v1"),
        None => format!("published.{topic}"),
    }
}
