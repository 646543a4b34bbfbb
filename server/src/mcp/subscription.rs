//! `subscriptions/listen`: a client hears when a resource has changed. It
//! reads the log from the present on, as every stream does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coro_api::names::check_key;
use rmcp::ErrorData;
use rmcp::model::{
    ResourceUpdatedNotification, ResourceUpdatedNotificationParam, ServerNotification,
    SubscriptionFilter,
};
use rmcp::service::SubscriptionContext;
use tokio::time::timeout;

use super::resources::{AGENTS, key_of};
use crate::app::Ctx;
use crate::auth::check_again;
use crate::db::glob::Glob;
use crate::error::Error;
use crate::log::Filter;
use crate::log::feed::{BATCH_MAX, Cursor};
use crate::slots::Slots;

/// Subscriptions at once: so many in all, and so many of one token.
pub(super) const AT_ONCE_MAX: (usize, usize) = (2_000, 128);

/// How often a quiet subscription looks whether its token is still valid.
const LOOK: Duration = Duration::from_secs(15);

/// The most resources of one subscription.
const RESOURCES_MAX: usize = 100;

/// What of a request is heard: resources that there can be. Tools, prompts and
/// the list of resources never change while the server runs.
pub(super) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let uris = requested.resource_subscriptions.iter().flatten();
    let known = uris.filter(|uri| can_be(uri)).take(RESOURCES_MAX);
    let known: Vec<String> = known.cloned().collect();
    let mut accepted = SubscriptionFilter::new();
    accepted.resource_subscriptions = Some(known).filter(|known| !known.is_empty());
    accepted
}

fn can_be(uri: &str) -> bool {
    uri == AGENTS || key_of(uri).is_some_and(|key| check_key(&key).is_ok())
}

/// Tells of changes after a revision until the client leaves, the server stops,
/// or the token ends.
pub(super) async fn follow(
    ctx: &Ctx,
    subscription: &SubscriptionContext,
    from: Option<i64>,
    slots: &Arc<Slots>,
) -> Result<(), ErrorData> {
    let uris = subscription.accepted().resource_subscriptions.iter();
    // Who names one twice hears of it once.
    let uris: BTreeSet<&String> = uris.flatten().collect();
    let watched: Vec<Watched> = uris
        .into_iter()
        .map(|uri| Watched {
            key: key_of(uri),
            uri: uri.clone(),
        })
        .collect();
    let _slot = slots
        .take(&ctx.caller.token_id)
        .map_err(|error| ended(&error))?;
    let _open = ctx.app.metrics.stream();
    let mut filter = Filter::new(ctx.caller.sight(), Glob::own("coro.state.*"));
    filter.or_topic = Some(Glob::own("coro.agent.*"));
    let tenant = &ctx.caller.tenant;
    let opened = Cursor::open(&ctx.app.feeds, &ctx.app.db, tenant, filter, from).await;
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
            // Now and then to see whether the token is still valid.
            _ = timeout(LOOK, cursor.wait()) => {}
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
