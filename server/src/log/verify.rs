//! Checking the hash chain: whether the log is what was written.

use coro_api::audit::AuditVerification;

use super::store;
use crate::db::{Tx, chain_of};
use crate::error::Result;
use crate::ids::{Hash, TenantId};

/// How many entries are read at a time. Values are read too, so not many.
const STEP: i64 = 16;

/// Walks the kept log from its oldest entry. Call it in a snapshot.
pub fn verify(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<AuditVerification> {
    let first = store::floors(tx, tenant)?.audit + 1;
    let mut before = store::anchor_chain(tx, tenant)?.unwrap_or(Hash([0; 32]));
    let mut last = first - 1;
    loop {
        let links = store::links_after(tx, tenant, last, STEP)?;
        if links.is_empty() {
            return Ok(report(first, last, &before, None));
        }
        for link in links {
            if let Some(fault) = fault_of(&link, last, &before) {
                return Ok(report(first, last, &before, Some(fault)));
            }
            before = link.chain.expect("a link without a hash is a fault");
            last = link.entry.revision;
        }
    }
}

fn fault_of(link: &store::Link, last: i64, before: &Hash) -> Option<String> {
    let revision = link.entry.revision;
    if revision != last + 1 {
        return Some(format!("revision {} is missing", last + 1));
    }
    if link.chain != Some(chain_of(before, &link.entry)) {
        return Some(format!(
            "revision {revision} does not fit the one before it"
        ));
    }
    if link.payload.is_some() && link.payload != link.entry.hash {
        return Some(format!(
            "the content of revision {revision} is not what was written"
        ));
    }
    None
}

fn report(first: i64, last: i64, head: &Hash, fault: Option<String>) -> AuditVerification {
    AuditVerification {
        ok: fault.is_none(),
        first,
        last,
        checked: last - first + 1,
        head: head.hex(),
        fault,
    }
}
