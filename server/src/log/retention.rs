//! What of the log is kept, and for how long.
//!
//! Three readings have settings of their own: events (by age and bytes), the
//! audit (by age), and the values of a key (by count and age). A row goes when
//! none of them needs it, and all before it. Bytes grow with the revision, so
//! the place where they are too many is found by halving. Times nearly do: a
//! row that was written while the clock was wrong tells nothing about others,
//! so rows are looked at from the oldest on, up to the first that is kept.

use serde::Deserialize;

use super::store;
use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::Result;
use crate::ids::TenantId;

const SECONDS_PER_DAY: i64 = 24 * 3600;

/// How many revisions one transaction deals with, so that writers don't wait.
const STEP: i64 = 2_000;

/// The settings, `[retention]` in the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days for which events can be read and resumed from.
    pub events_days: i64,
    /// Bytes that the log may take before the oldest events go, about.
    pub events_bytes: i64,
    /// Days for which the audit is kept; at least as long as events.
    pub audit_days: i64,
    /// Values that are kept of each key, the present one included.
    pub history_versions: i64,
    /// Days for which a value is kept after it was replaced or deleted.
    pub history_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            events_days: 30,
            events_bytes: 1 << 30,
            audit_days: 365,
            history_versions: 100,
            history_days: 365,
        }
    }
}

/// Removes what is no longer kept, of every tenant.
pub async fn sweep(db: &Db, retention: &Retention) -> Result<()> {
    for tenant in crate::tenants::list_tenants(db).await? {
        let (of, settings) = (tenant.clone(), retention.clone());
        let plan = db.scan(move |tx| Plan::make(tx, &of, &settings)).await?;
        compact(db, &tenant, plan.events).await?;
        drop_values(db, &tenant, plan.history).await?;
        remove_audit(db, &tenant, plan.audit.min(plan.events)).await?;
    }
    Ok(())
}

/// Ends the events up to `through`: readers that are older get `410`.
pub async fn compact(db: &Db, tenant: &TenantId, through: i64) -> Result<()> {
    let of = tenant.clone();
    let (mut low, through) = db
        .write(tenant, move |tx| {
            let before = store::floors(tx, &of)?.events;
            // The newest entry stays: it is where the log stands.
            let through = through.min(tx.head(&of)?.revision - 1).max(before);
            if through > before {
                store::set_compacted(tx, &of, through)?;
                tx.emit(&of, compacted_entry(through))?;
            }
            // An earlier round may have ended between the floor and the data.
            Ok((store::dropped(tx, &of)?.data, through))
        })
        .await?;
    while low < through {
        let (of, high) = (tenant.clone(), through.min(low + STEP));
        db.write(tenant, move |tx| store::drop_event_data(tx, &of, low, high))
            .await?;
        low = high;
    }
    Ok(())
}

/// Drops the values that were replaced up to `through`.
async fn drop_values(db: &Db, tenant: &TenantId, through: i64) -> Result<()> {
    let of = tenant.clone();
    let mut low = db.scan(move |tx| store::dropped(tx, &of)).await?.values;
    while low < through {
        let (of, high) = (tenant.clone(), through.min(low + STEP));
        db.write(tenant, move |tx| {
            store::drop_replaced_values(tx, &of, low, high)
        })
        .await?;
        low = high;
    }
    Ok(())
}

async fn remove_audit(db: &Db, tenant: &TenantId, through: i64) -> Result<()> {
    let of = tenant.clone();
    let mut low = db.scan(move |tx| store::floors(tx, &of)).await?.audit;
    while low < through {
        let (of, high) = (tenant.clone(), through.min(low + STEP));
        db.write(tenant, move |tx| store::remove_entries(tx, &of, low, high))
            .await?;
        low = high;
    }
    let of = tenant.clone();
    db.write(tenant, move |tx| store::remove_leftovers(tx, &of))
        .await?;
    Ok(())
}

/// The last revisions that are no longer kept.
#[derive(Debug)]
struct Plan {
    events: i64,
    audit: i64,
    history: i64,
}

impl Plan {
    fn make(tx: &mut Tx<'_>, tenant: &TenantId, retention: &Retention) -> Result<Plan> {
        let head = tx.head(tenant)?;
        let (floors, dropped) = (store::floors(tx, tenant)?, store::dropped(tx, tenant)?);
        let too_many = head.total_bytes - retention.events_bytes;
        let too_large = last_below(tx, tenant, head.revision - 1, too_many)?;
        let mut too_old = |floor, days| last_older(tx, tenant, floor, head.revision, days);
        Ok(Plan {
            events: too_large.max(too_old(floors.events, retention.events_days)?),
            audit: too_old(floors.audit, retention.audit_days)?,
            history: too_old(dropped.values, retention.history_days)?,
        })
    }
}

/// The last revision above `floor` and below `head` that is older than some
/// days, as all before it are that have a time that can be; `floor` where there
/// is none.
fn last_older(tx: &mut Tx<'_>, tenant: &TenantId, floor: i64, head: i64, days: i64) -> Result<i64> {
    let now = tx.now();
    let oldest = now.plus_seconds(-days.saturating_mul(SECONDS_PER_DAY));
    let kept = store::first_of_times(tx, tenant, floor, oldest, now)?;
    let below = kept.map_or(head, |kept| kept.min(head));
    let last = store::last_before_time(tx, tenant, floor, below, oldest)?;
    Ok(last.unwrap_or(floor))
}

/// The last revision up to `high` at which the log had fewer bytes than some;
/// 0 where there is none.
fn last_below(tx: &mut Tx<'_>, tenant: &TenantId, high: i64, bytes: i64) -> Result<i64> {
    let (mut low, mut high) = (0, high);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let Some((revision, total_bytes)) = store::bytes_from(tx, tenant, middle)? else {
            high = middle - 1;
            continue;
        };
        if revision <= high && total_bytes < bytes {
            low = revision;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

fn compacted_entry(through: i64) -> NewEntry {
    let note = serde_json::json!({ "through": through });
    NewEntry::new("coro.log.compacted", SYSTEM, "", "").note(note)
}
