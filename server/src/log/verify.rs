//! Checking the hash chain: whether the log is what was written.

use coro_api::audit::AuditVerification;

use super::store;
use crate::db::{Tx, chain_of};
use crate::error::Result;
use crate::ids::{Hash, TenantId};

/// How many entries are read at a time. Values are read too, so not many.
const STEP: i64 = 16;

/// A head that somebody has kept elsewhere.
pub struct Noted {
    pub revision: i64,
    /// In lower-case hexadecimal.
    pub hash: String,
}

/// Walks the kept log from its oldest entry. Call it in a snapshot.
pub fn verify(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<AuditVerification> {
    verify_noted(tx, tenant, None)
}

/// As [`verify`], and looks for a head that was noted earlier.
pub fn verify_noted(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    noted: Option<&Noted>,
) -> Result<AuditVerification> {
    let first = store::floors(tx, tenant)?.audit + 1;
    let mut before = store::anchor_chain(tx, tenant)?.unwrap_or(Hash([0; 32]));
    let mut last = first - 1;
    // The hash before the first entry is known too.
    let is_noted = |revision| noted.is_some_and(|noted| noted.revision == revision);
    let mut then = is_noted(last).then_some(before);
    loop {
        let links = store::links_after(tx, tenant, last, STEP)?;
        if links.is_empty() {
            let mut report = report(first, last, &before, None);
            report.head_fault = noted.and_then(|noted| noted.fault(then, first, last));
            report.ok = report.head_fault.is_none();
            return Ok(report);
        }
        for link in links {
            if let Some(fault) = fault_of(&link, last, &before) {
                return Ok(report(first, last, &before, Some(fault)));
            }
            before = link.chain.expect("a link without a hash is a fault");
            last = link.entry.revision;
            if is_noted(last) {
                then = Some(before);
            }
        }
    }
}

impl Noted {
    /// What follows from the hash that its revision has now.
    fn fault(&self, then: Option<Hash>, first: i64, last: i64) -> Option<String> {
        let revision = self.revision;
        match then {
            Some(hash) if hash.hex() == self.hash => None,
            Some(_) => Some(format!(
                "revision {revision} has another hash than the one that was noted: the log was \
                 rewritten"
            )),
            None if revision > last => Some(format!(
                "the log ends at revision {last}, before the noted {revision}: its end was \
                 removed, or an older backup restored"
            )),
            None => Some(format!(
                "revision {revision} can't be compared: the kept log begins with {first}"
            )),
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
        head_fault: None,
    }
}
