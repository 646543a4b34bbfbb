//! Events: what clients publish and what the server says, read from the log.
//!
//! Publishing appends to the log; everything else reads it ([`crate::log`]).
//! Topics that begin with `coro.` are the server's own.

pub mod routes;

use coro_api::events::{Event, PublishRequest};
use coro_api::names::{check_text, project_of_topic};

use crate::app::Ctx;
use crate::db::{Entry, Hints, Payload};
use crate::error::{Result, internal};
use crate::log::{Filter, Kept, Page, data_of, read_before, source_of};

/// Appends an event to the log.
pub async fn publish_event(ctx: &Ctx, request: PublishRequest) -> Result<Event> {
    ctx.caller.check_topic(&request.topic)?;
    if let Some(subject) = &request.subject {
        check_text("subject", subject)?;
    }
    let data = serde_json::to_string(&request.data).map_err(internal)?;
    let payload = Payload::event(data);
    let job_ctx = ctx.clone();
    let hints = Hints {
        bytes: payload.bytes.len(),
        prefetch: None,
        refuses_first: true,
    };
    ctx.write_hinted(hints, move |tx| {
        let subject = request.subject.as_deref().unwrap_or_default();
        let mut entry = job_ctx.entry("", subject, project_of_topic(&request.topic));
        entry.topic = request.topic.clone().into();
        let now = tx.now();
        let revision = tx.emit(&job_ctx.caller.tenant, entry.payload(payload.clone()))?;
        Ok(Event {
            id: revision,
            revision,
            topic: request.topic.clone(),
            subject: subject.to_owned(),
            data: request.data.clone(),
            source: job_ctx.caller.name.clone(),
            actor: job_ctx.caller.actor.clone(),
            created_at: now.to_string(),
            traceparent: job_ctx.request.traceparent.clone(),
        })
    })
    .await
}

/// Events before `before` and after `after`, the newest first.
pub async fn list_event_history(
    ctx: &Ctx,
    filter: Filter,
    after: i64,
    before: i64,
    limit: usize,
) -> Result<Page> {
    let tenant = ctx.caller.tenant.clone();
    ctx.app
        .db
        .scan(move |tx| read_before(tx, &tenant, &filter, after, before, limit, Kept::Events))
        .await
}

/// An entry as Koor's event and more.
pub fn event_of(entry: &Entry) -> Event {
    Event {
        id: entry.revision,
        revision: entry.revision,
        topic: entry.topic.to_string(),
        subject: entry.subject.clone(),
        data: serde_json::from_str(&data_of(entry)).unwrap_or_default(),
        source: source_of(entry).to_owned(),
        actor: entry.actor.clone(),
        created_at: entry.at.to_string(),
        traceparent: entry.traceparent.clone(),
    }
}

/// The same as JSON text. The data is copied as it is stored, not parsed.
pub fn json_of(entry: &Entry) -> String {
    let data = data_of(entry);
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let mut json = format!(
        "{{\"id\":{0},\"revision\":{0},\"topic\":{1},\"subject\":{2},\"data\":{3},\"source\":{4},\
         \"actor\":{5},\"created_at\":\"{6}\"",
        entry.revision,
        text(&entry.topic),
        text(&entry.subject),
        data,
        text(source_of(entry)),
        text(&entry.actor),
        entry.at,
    );
    if let Some(traceparent) = &entry.traceparent {
        json.push_str(&format!(",\"traceparent\":{}", text(traceparent)));
    }
    json.push('}');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::db::{Outcome, Scope};

    #[test]
    fn both_ways_to_write_an_event_say_the_same() {
        let mut entry = Entry {
            revision: 7,
            at: Time(1_771_252_200_000_000),
            actor: "agent:front\"end".to_owned(),
            topic: "shop.api".into(),
            subject: "a\\b".to_owned(),
            project: "shop".to_owned(),
            scope: Scope::Project,
            outcome: Outcome::Success,
            version: None,
            hash: None,
            size: 0,
            content_type: String::new(),
            note: None,
            traceparent: None,
            data: Some(r#"{"a":[1,null]}"#.into()),
        };
        let check = |entry: &Entry| {
            let parsed: Event = serde_json::from_str(&json_of(entry)).expect("valid JSON");
            assert_eq!(parsed, event_of(entry));
        };
        check(&entry);
        entry.data = None;
        entry.traceparent = Some("00-x".to_owned());
        check(&entry);
        entry.version = Some(3);
        entry.note = Some(r#"{"rolled_back":1}"#.to_owned());
        check(&entry);
    }
}
