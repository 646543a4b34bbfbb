//! Named consumers: cursors over the log that the server keeps.
//!
//! A consumer belongs to the agent that made it, whatever token it has now,
//! else to the token that made it, and sees what that token could see then.
//! Fetching does not move it, acknowledging does: what was fetched and not
//! acknowledged comes again. The cursor is bookkeeping and is no change of the
//! log; making and deleting one is.

pub mod routes;
mod store;

use coro_api::consumers::{Consumer, NewConsumer};
use coro_api::names::check_name;
use coro_api::state::Deleted;
use coro_api::tokens::Role;

use crate::app::Ctx;
use crate::auth::Caller;
use crate::clock::Time;
use crate::db::glob::Glob;
use crate::db::{NewEntry, SYSTEM, Tx};
use crate::error::{Error, Result, conflict, invalid, not_found};
use crate::ids::{AgentId, TenantId};
use crate::log::poll::{EventPage, Poll, poll};
use crate::log::{Filter, Sight, check_cursor};

/// How many revisions without a match a fetch leaves unacknowledged.
const EMPTY_MAX: i64 = 1_000;

/// The most consumers of an agent or a token, so that no one takes all.
const CONSUMERS_OF_OWNER_MAX: i64 = 1_000;

/// The most consumers of a tenant.
const CONSUMERS_MAX: i64 = 10_000;

/// A consumer as it is stored.
#[derive(Clone, Debug)]
struct Stored {
    name: String,
    pattern: String,
    acknowledged: i64,
    /// The agent or the token that made it, and its actor.
    owner: String,
    actor: String,
    sight: Sight,
    created_at: Time,
    updated_at: Time,
}

impl Stored {
    fn shown(&self) -> Consumer {
        Consumer {
            name: self.name.clone(),
            pattern: self.pattern.clone(),
            acknowledged: self.acknowledged,
            owner: self.actor.clone(),
            created_at: self.created_at.to_string(),
            updated_at: self.updated_at.to_string(),
        }
    }

    fn is_open_to(&self, ctx: &Ctx) -> bool {
        self.is_of(&ctx.caller) || ctx.caller.role == Role::Owner
    }

    fn is_of(&self, caller: &Caller) -> bool {
        // The token may be older than its agent.
        self.owner == owner_id(caller) || self.owner == caller.token_id
    }
}

/// Whose a consumer is that the caller makes. An agent that registers again has
/// another token, and goes on where it was.
fn owner_id(caller: &Caller) -> &str {
    match &caller.agent {
        Some(agent) => agent.id.as_str(),
        None => &caller.token_id,
    }
}

/// Makes a consumer; says so again where the same one exists.
pub async fn create_consumer(ctx: &Ctx, new: NewConsumer) -> Result<Consumer> {
    check_name("name", &new.name)?;
    Glob::parse("pattern", &new.pattern)?;
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let caller = &job_ctx.caller;
        if let Some(existing) = store::find(tx, &caller.tenant, &new.name)? {
            if existing.is_of(caller) && existing.pattern == new.pattern {
                return Ok(existing.shown());
            }
            return Err(
                conflict(format!("the consumer {:?} exists already", new.name))
                    .hint("take another name, or delete that consumer"),
            );
        }
        if store::count_of(tx, &caller.tenant, owner_id(caller))? >= CONSUMERS_OF_OWNER_MAX {
            return Err(conflict(format!(
                "you have {CONSUMERS_OF_OWNER_MAX} consumers already"
            ))
            .hint("delete those that nobody reads"));
        }
        if store::count(tx, &caller.tenant)? >= CONSUMERS_MAX {
            return Err(conflict(format!(
                "there are {CONSUMERS_MAX} consumers already"
            )));
        }
        let head = tx.head(&caller.tenant)?.revision;
        if let Some(from) = new.from {
            check_cursor(tx, &caller.tenant, from, head)?;
        }
        let project = caller.project.as_deref().unwrap_or_default();
        let entry = job_ctx
            .entry("coro.consumer.created", &new.name, project)
            .note(serde_json::json!({ "pattern": new.pattern }));
        // The present is after the consumer itself.
        let present = tx.emit(&caller.tenant, entry)?;
        let now = tx.now();
        let consumer = Stored {
            name: new.name.clone(),
            pattern: new.pattern.clone(),
            acknowledged: new.from.unwrap_or(present),
            owner: owner_id(caller).to_owned(),
            actor: caller.actor.clone(),
            sight: caller.sight(),
            created_at: now,
            updated_at: now,
        };
        store::insert(tx, &caller.tenant, &consumer)?;
        Ok(consumer.shown())
    })
    .await
}

/// The consumers of the caller; for the owner all.
pub async fn list_consumers(ctx: &Ctx) -> Result<Vec<Consumer>> {
    let (tenant, ctx) = (ctx.caller.tenant.clone(), ctx.clone());
    let db = ctx.app.db.clone();
    let all = db.read(move |tx| store::list(tx, &tenant)).await?;
    Ok(all
        .iter()
        .filter(|one| one.is_open_to(&ctx))
        .map(Stored::shown)
        .collect())
}

pub async fn get_consumer(ctx: &Ctx, name: &str) -> Result<Consumer> {
    Ok(find(ctx, name).await?.shown())
}

/// The events after what was acknowledged. Does not move the cursor.
pub async fn fetch_events(
    ctx: &Ctx,
    name: &str,
    limit: Option<i64>,
    wait: Option<u64>,
) -> Result<EventPage> {
    let consumer = find(ctx, name).await?;
    let filter = Filter::new(consumer.sight, Glob::parse("pattern", &consumer.pattern)?);
    let request = Poll {
        from: Some(consumer.acknowledged),
        wait,
        limit,
    };
    let page = poll(ctx, filter, request)
        .await
        .map_err(|error| past_cursor(error, name))?;
    // Nothing of it was for this consumer: it need not look there again, and
    // does not lose its place to compaction.
    if page.events.is_empty() && page.next > consumer.acknowledged + EMPTY_MAX {
        acknowledge_events(ctx, name, page.next).await?;
    }
    Ok(page)
}

/// Says that everything up to a revision was dealt with.
pub async fn acknowledge_events(ctx: &Ctx, name: &str, revision: i64) -> Result<Consumer> {
    let (job_ctx, job_name) = (ctx.clone(), name.to_owned());
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let mut consumer = find_in(tx, &job_ctx, &job_name)?;
        let head = tx.head(tenant)?.revision;
        if !(0..=head).contains(&revision) {
            return Err(invalid(format!(
                "revision {revision} is not between 0 and {head}"
            )));
        }
        if revision > consumer.acknowledged {
            consumer.acknowledged = revision;
            consumer.updated_at = tx.now();
            store::acknowledge(tx, tenant, &job_name, revision)?;
        }
        Ok(consumer.shown())
    })
    .await
}

pub async fn delete_consumer(ctx: &Ctx, name: &str) -> Result<Deleted> {
    let (job_ctx, job_name) = (ctx.clone(), name.to_owned());
    ctx.write(move |tx| {
        let tenant = &job_ctx.caller.tenant;
        let consumer = find_in(tx, &job_ctx, &job_name)?;
        store::delete(tx, tenant, &job_name)?;
        let project = consumer.sight.project.as_deref().unwrap_or_default();
        let revision = tx.emit(
            tenant,
            job_ctx.entry("coro.consumer.deleted", &job_name, project),
        )?;
        Ok(Deleted {
            deleted: job_name.clone(),
            revision,
        })
    })
    .await
}

/// Deletes the consumers of an agent that will not come back.
pub fn agent_forgotten(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    for consumer in store::list_of(tx, tenant, agent.as_str())? {
        store::delete(tx, tenant, &consumer.name)?;
        let project = consumer.sight.project.as_deref().unwrap_or_default();
        let entry = NewEntry::new("coro.consumer.deleted", SYSTEM, &consumer.name, project);
        tx.emit(tenant, entry)?;
    }
    Ok(())
}

async fn find(ctx: &Ctx, name: &str) -> Result<Stored> {
    let (job_ctx, job_name) = (ctx.clone(), name.to_owned());
    ctx.app
        .db
        .read(move |tx| find_in(tx, &job_ctx, &job_name))
        .await
}

/// Another's consumer is as if it were not there.
fn find_in(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<Stored> {
    store::find(tx, &ctx.caller.tenant, name)?
        .filter(|consumer| consumer.is_open_to(ctx))
        .ok_or_else(|| not_found("consumer", name).hint("list yours with GET /api/consumers"))
}

/// Where the cursor is older than what is kept, acknowledging moves it.
fn past_cursor(error: Error, name: &str) -> Error {
    match error.revision {
        Some(oldest) if error.reason == coro_api::Reason::Compacted => error.hint(format!(
            "list what you need, then acknowledge revision {} with POST /api/consumers/{name}/ack",
            oldest - 1
        )),
        _ => error,
    }
}
