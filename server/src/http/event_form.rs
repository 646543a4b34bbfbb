//! Events on the wire: Koor's form, or CloudEvents 1.0 where a client asks.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::extract::accepts;
use super::page::REVISION;
use crate::db::Entry;
use crate::events::json_of;
use crate::log::data_of;
use crate::log::poll::EventPage;

/// How a client wants events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Koor,
    CloudEvents,
}

impl Form {
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = [
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
        ];
        if wanted.into_iter().any(|media| accepts(headers, media)) {
            Form::CloudEvents
        } else {
            Form::Koor
        }
    }

    /// A page of events, with the place to go on.
    pub fn page(self, page: &EventPage) -> Response {
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
            Form::CloudEvents => batch(page.events.iter().map(|published| &published.entry)),
        };
        let mut response = self.response(body, "application/cloudevents-batch+json");
        response
            .headers_mut()
            .insert(REVISION, HeaderValue::from(page.next));
        response
    }

    /// A bare list of events.
    pub fn list(self, entries: &[Entry]) -> Response {
        let body = match self {
            Form::Koor => {
                let events: Vec<String> = entries.iter().map(json_of).collect();
                format!("[{}]", events.join(","))
            }
            Form::CloudEvents => batch(entries.iter()),
        };
        self.response(body, "application/cloudevents-batch+json")
    }

    fn response(self, body: String, cloud_events: &'static str) -> Response {
        let media = match self {
            Form::Koor => "application/json",
            Form::CloudEvents => cloud_events,
        };
        ([(header::CONTENT_TYPE, media)], body).into_response()
    }
}

fn batch<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let events: Vec<String> = entries
        .map(|entry| cloud_event(entry).to_string())
        .collect();
    format!("[{}]", events.join(","))
}

/// CloudEvents 1.0, structured. Source and id together name one event.
fn cloud_event(entry: &Entry) -> serde_json::Value {
    let data: serde_json::Value = serde_json::from_str(&data_of(entry)).unwrap_or_default();
    let mut event = json!({
        "specversion": "1.0",
        "id": entry.revision.to_string(),
        "source": format!("/coro/{}", entry.actor),
        "type": format!("dev.coro.{}.v1", entry.topic.trim_start_matches("coro.")),
        "time": entry.at.to_string(),
        "datacontenttype": "application/json",
        "data": data,
        "revision": entry.revision,
    });
    if !entry.subject.is_empty() {
        event["subject"] = json!(entry.subject);
    }
    if let Some(traceparent) = &entry.traceparent {
        event["traceparent"] = json!(traceparent);
    }
    event
}
