//! SQL of the log's readings.

use super::{Filter, Floors};
use crate::clock::Time;
use crate::db::{Entry, Tx};
use crate::entry_columns;
use crate::error::Result;
use crate::ids::{Hash, TenantId};

#[derive(Clone, Copy)]
pub(super) enum Order {
    Oldest,
    Newest,
}

/// Entries with `low < revision <= high` that may match the filter. The
/// database narrows by what it can compare; the filter itself decides.
pub(super) fn entries_between(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    filter: &Filter,
    low: i64,
    high: i64,
    order: Order,
    mut each: impl FnMut(Entry),
) -> Result<()> {
    let (topic_from, topic_to) = filter.topic_range();
    let sql = match order {
        Order::Oldest => concat!(
            "SELECT ",
            entry_columns!(),
            " FROM log WHERE tenant_id = $1 \
             AND revision > $2 AND revision <= $3 AND topic >= $4 AND topic <= $5 \
             AND (CAST($6 AS TEXT) IS NULL OR project = $6) ORDER BY revision"
        ),
        Order::Newest => concat!(
            "SELECT ",
            entry_columns!(),
            " FROM log WHERE tenant_id = $1 \
             AND revision > $2 AND revision <= $3 AND topic >= $4 AND topic <= $5 \
             AND (CAST($6 AS TEXT) IS NULL OR project = $6) ORDER BY revision DESC"
        ),
    };
    let project = filter.sight.project.as_deref();
    tx.query(
        sql,
        &[
            tenant.into(),
            low.into(),
            high.into(),
            (&topic_from).into(),
            (&topic_to).into(),
            project.into(),
        ],
        |row| {
            each(Entry::from_row(row)?);
            Ok(())
        },
    )
}

pub(super) fn floors(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Floors> {
    let row = tx.query_one(
        "SELECT compacted, anchor FROM tenant WHERE tenant_id = $1",
        &[tenant.into()],
        |row| {
            Ok(Floors {
                events: row.int(0)?,
                audit: row.int(1)?,
            })
        },
    )?;
    Ok(row.unwrap_or(Floors {
        events: 0,
        audit: 0,
    }))
}

/// The hash of the last entry that is no longer in the audit.
pub(super) fn anchor_chain(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Option<Hash>> {
    let row = tx.query_one(
        "SELECT anchor_chain FROM tenant WHERE tenant_id = $1",
        &[tenant.into()],
        |row| Ok(row.opt_blob(0)?.and_then(Hash::from_stored)),
    )?;
    Ok(row.flatten())
}

/// An entry as stored, for checking the chain.
pub(super) struct Link {
    pub(super) entry: Entry,
    pub(super) chain: Option<Hash>,
    /// Hash of the payload as it stands, if it is still there.
    pub(super) payload: Option<Hash>,
}

pub(super) fn links_after(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    after: i64,
    limit: i64,
) -> Result<Vec<Link>> {
    tx.query_all(
        concat!(
            "SELECT ",
            entry_columns!(),
            ", chain, payload FROM log \
             WHERE tenant_id = $1 AND revision > $2 ORDER BY revision LIMIT $3"
        ),
        &[tenant.into(), after.into(), limit.into()],
        |row| {
            Ok(Link {
                entry: Entry::from_row(row)?,
                chain: Hash::from_stored(row.blob(15)?),
                payload: row.opt_blob(16)?.map(Hash::of),
            })
        },
    )
}

/// `(revision, total_bytes)` of the first entry from `revision` on.
pub(super) fn bytes_from(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    revision: i64,
) -> Result<Option<(i64, i64)>> {
    tx.query_one(
        "SELECT revision, total_bytes FROM log WHERE tenant_id = $1 AND revision >= $2 \
         ORDER BY revision LIMIT 1",
        &[tenant.into(), revision.into()],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )
}

/// The first entry after `floor` that was written between two moments.
pub(super) fn first_of_times(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    floor: i64,
    from: Time,
    to: Time,
) -> Result<Option<i64>> {
    tx.query_one(
        "SELECT revision FROM log \
         WHERE tenant_id = $1 AND revision > $2 AND at >= $3 AND at <= $4 \
         ORDER BY revision LIMIT 1",
        &[tenant.into(), floor.into(), from.into(), to.into()],
        |row| row.int(0),
    )
}

/// The last entry after `floor` and before `below` that was written before a
/// moment.
pub(super) fn last_before_time(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    floor: i64,
    below: i64,
    moment: Time,
) -> Result<Option<i64>> {
    tx.query_one(
        "SELECT revision FROM log \
         WHERE tenant_id = $1 AND revision > $2 AND revision < $3 AND at < $4 \
         ORDER BY revision DESC LIMIT 1",
        &[tenant.into(), floor.into(), below.into(), moment.into()],
        |row| row.int(0),
    )
}

pub(super) fn set_compacted(tx: &mut Tx<'_>, tenant: &TenantId, through: i64) -> Result<()> {
    tx.execute(
        "UPDATE tenant SET compacted = $2 WHERE tenant_id = $1 AND compacted < $2",
        &[tenant.into(), through.into()],
    )?;
    Ok(())
}

/// How far retention has come with dropping.
pub(super) struct Dropped {
    /// Events' data, up to this revision.
    pub(super) data: i64,
    /// Values that something up to this revision has replaced.
    pub(super) values: i64,
}

pub(super) fn dropped(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Dropped> {
    let row = tx.query_one(
        "SELECT data_dropped, values_dropped FROM tenant WHERE tenant_id = $1",
        &[tenant.into()],
        |row| {
            Ok(Dropped {
                data: row.int(0)?,
                values: row.int(1)?,
            })
        },
    )?;
    Ok(row.unwrap_or(Dropped { data: 0, values: 0 }))
}

/// Drops the data of events in a range that streams no longer give.
pub(super) fn drop_event_data(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    low: i64,
    high: i64,
) -> Result<()> {
    tx.execute(
        "UPDATE log SET payload = NULL WHERE tenant_id = $1 AND revision > $2 AND revision <= $3 \
         AND version IS NULL AND payload IS NOT NULL",
        &[tenant.into(), low.into(), high.into()],
    )?;
    tx.execute(
        "UPDATE tenant SET data_dropped = $2 WHERE tenant_id = $1",
        &[tenant.into(), high.into()],
    )?;
    Ok(())
}

/// Drops the values that a write or delete in a range has replaced.
pub(super) fn drop_replaced_values(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    low: i64,
    high: i64,
) -> Result<()> {
    let ends = tx.query_all(
        "SELECT subject, max(revision) FROM log WHERE tenant_id = $1 AND revision > $2 \
         AND revision <= $3 AND topic IN ('coro.state.put', 'coro.state.rolled_back', \
         'coro.state.deleted', 'coro.state.expired') GROUP BY subject",
        &[tenant.into(), low.into(), high.into()],
        |row| Ok((row.text(0)?.to_owned(), row.int(1)?)),
    )?;
    for (key, revision) in ends {
        tx.queue(
            "UPDATE log SET payload = NULL WHERE tenant_id = $1 AND subject = $2 \
             AND revision < $3 AND version IS NOT NULL AND payload IS NOT NULL \
             AND topic IN ('coro.state.put', 'coro.state.rolled_back')",
            &[tenant.into(), (&key).into(), revision.into()],
        )?;
    }
    tx.execute(
        "UPDATE tenant SET values_dropped = $2 WHERE tenant_id = $1",
        &[tenant.into(), high.into()],
    )?;
    Ok(())
}

/// Removes the entries of a range from the audit; those that still hold a
/// kept value stay as that value's place.
pub(super) fn remove_entries(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    low: i64,
    high: i64,
) -> Result<u64> {
    tx.execute(
        "UPDATE tenant SET anchor = $2, anchor_chain = (SELECT chain FROM log \
         WHERE tenant_id = $1 AND revision = $2) WHERE tenant_id = $1 AND anchor < $2",
        &[tenant.into(), high.into()],
    )?;
    tx.execute(
        "DELETE FROM log WHERE tenant_id = $1 AND revision > $2 AND revision <= $3 \
         AND payload IS NULL",
        &[tenant.into(), low.into(), high.into()],
    )
}

/// Removes entries left behind in the range that the audit no longer has,
/// once their value is no longer kept either.
pub(super) fn remove_leftovers(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<u64> {
    tx.execute(
        "DELETE FROM log WHERE tenant_id = $1 AND payload IS NULL AND revision <= \
         (SELECT anchor FROM tenant WHERE tenant_id = $1)",
        &[tenant.into()],
    )
}
