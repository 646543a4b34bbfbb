//! `subscriptions/listen`: a client hears when a resource has changed. It
//! reads the log from the present on, as every stream does.

use rmcp::ErrorData;
use rmcp::model::{
    ResourceUpdatedNotification, ResourceUpdatedNotificationParam, ServerNotification,
    SubscriptionFilter,
};
use rmcp::service::SubscriptionContext;

use super::resources::{AGENTS, key_of};
use crate::app::Ctx;
use crate::auth::check_again;
use crate::db::glob::Glob;
use crate::error::Error;
use crate::log::Filter;
use crate::log::feed::{BATCH_MAX, Cursor};

/// The most resources of one subscription.
const RESOURCES_MAX: usize = 100;

/// What of a request is heard: resources that there can be. Tools, prompts and
/// the list of resources never change while the server runs.
pub(super) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let uris = requested.resource_subscriptions.iter().flatten();
    let known = uris.filter(|uri| *uri == AGENTS || key_of(uri).is_some());
    let known: Vec<String> = known.take(RESOURCES_MAX).cloned().collect();
    let mut accepted = SubscriptionFilter::new();
    accepted.resource_subscriptions = Some(known).filter(|known| !known.is_empty());
    accepted
}

/// Tells of changes until the client leaves, the server stops, or the token
/// ends.
pub(super) async fn follow(ctx: &Ctx, subscription: &SubscriptionContext) -> Result<(), ErrorData> {
    let watched: Vec<Watched> = subscription
        .accepted()
        .resource_subscriptions
        .iter()
        .flatten()
        .map(|uri| Watched {
            key: key_of(uri),
            uri: uri.clone(),
        })
        .collect();
    let _open = ctx.app.metrics.stream();
    let mut filter = Filter::new(ctx.caller.sight(), "coro.state.*");
    filter.or_topic = Some(Glob::new("coro.agent.*"));
    let tenant = &ctx.caller.tenant;
    let opened = Cursor::open(&ctx.app.feeds, &ctx.app.db, tenant, filter, None).await;
    let mut cursor = opened.map_err(|error| ended(&error))?;
    loop {
        check_again(&ctx.app, &ctx.caller)
            .await
            .map_err(|error| ended(&error))?;
        let before = cursor.at();
        let batch = cursor
            .read(BATCH_MAX)
            .await
            .map_err(|error| ended(&error))?;
        for one in &watched {
            let changed = batch.entries.iter().any(|published| {
                let entry = &published.entry;
                one.is_changed_by(&entry.topic, &entry.subject)
            });
            if changed && !tell(subscription, &one.uri).await {
                return Ok(());
            }
        }
        if batch.next > before {
            continue;
        }
        tokio::select! {
            () = subscription.cancelled() => return Ok(()),
            () = ctx.app.stop.cancelled() => return Ok(()),
            () = cursor.wait() => {}
        }
    }
}

/// A resource that a client wants to hear of.
struct Watched {
    uri: String,
    /// The state key; `None` for the agents.
    key: Option<String>,
}

impl Watched {
    fn is_changed_by(&self, topic: &str, subject: &str) -> bool {
        match &self.key {
            Some(key) => topic.starts_with("coro.state.") && subject == key,
            None => topic.starts_with("coro.agent."),
        }
    }
}

async fn tell(subscription: &SubscriptionContext, uri: &str) -> bool {
    let params = ResourceUpdatedNotificationParam::new(uri);
    let updated = ResourceUpdatedNotification::new(params);
    let updated = ServerNotification::ResourceUpdatedNotification(updated);
    subscription.sink().send(updated).await.is_ok()
}

fn ended(error: &Error) -> ErrorData {
    ErrorData::internal_error(error.message.clone(), None)
}
