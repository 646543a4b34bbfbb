//! What happens to a request that nobody decides in time.
//!
//! Whoever looks at requests settles those whose time is over first, so that
//! nobody sees one as open that is not; the sweep does so for those at which
//! nobody looks.

use coro_api::requests::{NO, RequestStatus, Silence};
use serde_json::json;

use super::outcome::tell_asker;
use super::{RequestRow, store};
use crate::clock::Time;
use crate::db::{Db, NewEntry, SYSTEM, Tx};
use crate::error::Result;
use crate::ids::TenantId;

/// How many requests one transaction settles or forgets.
const STEP: i64 = 200;

/// How long a request is kept after its end: 90 days.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Applies silence to all requests whose time is over.
pub async fn settle(db: &Db, tenant: &TenantId) -> Result<()> {
    loop {
        let of = tenant.clone();
        if !db.read(move |tx| store::any_due(tx, &of)).await? {
            return Ok(());
        }
        let of = tenant.clone();
        let settled = db.write(tenant, move |tx| {
            let due = store::due(tx, &of, STEP)?;
            let count = due.len();
            for mut request in due {
                settle_one(tx, &of, &mut request)?;
            }
            Ok(count)
        });
        // The writer's clock may be behind the reader's; the next look goes on.
        if settled.await? == 0 {
            return Ok(());
        }
    }
}

/// Applies silence to a request, where its time is over.
pub(super) fn settle_one(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    request: &mut RequestRow,
) -> Result<()> {
    let now = tx.now();
    let Some(topic) = settled(request, now) else {
        return Ok(());
    };
    store::update(tx, tenant, request)?;
    let note = json!({
        "title": request.title,
        "asked_by": request.asked_by,
        "decision": request.decision,
        "expires_at": request.expires_at.to_string(),
    });
    let subject = request.number.to_string();
    let entry = NewEntry::new(topic, SYSTEM, &subject, &request.project);
    tx.emit(tenant, entry.note(note))?;
    tell_asker(tx, tenant, request)
}

/// What silence makes of a request at a moment, and the topic that says so.
fn settled(request: &mut RequestRow, now: Time) -> Option<&'static str> {
    let is_timed = matches!(
        request.status,
        RequestStatus::Open | RequestStatus::Escalated
    );
    if !is_timed || request.expires_at > now {
        return None;
    }
    match (request.status, request.on_silence) {
        (RequestStatus::Open, Silence::Park) => {
            request.status = RequestStatus::Parked;
            Some("coro.request.parked")
        }
        (RequestStatus::Open, Silence::Escalate) => {
            // The same time once more, from now: a server that stood still
            // takes nothing from those who may decide next.
            let seconds = request.asked_at.seconds_until(request.expires_at);
            request.status = RequestStatus::Escalated;
            request.expires_at = now.plus_seconds(i64::try_from(seconds).unwrap_or(0).max(1));
            Some("coro.request.escalated")
        }
        _ => {
            request.status = RequestStatus::Expired;
            request.decision = Some(NO.to_owned());
            request.closed_at = Some(now);
            Some("coro.request.expired")
        }
    }
}

/// Settles what is due, for those at which nobody looks.
pub async fn sweep(db: &Db, tenant: &TenantId) -> Result<()> {
    settle(db, tenant).await
}

/// Forgets requests that ended long ago; the log has them as long as it is kept.
pub async fn forget(db: &Db, tenant: &TenantId, now: Time) -> Result<()> {
    let before = now.plus_seconds(-KEPT_SECONDS);
    loop {
        let of = tenant.clone();
        let old = db.read(move |tx| store::ended_before(tx, &of, before, STEP));
        let old = old.await?;
        if old.is_empty() {
            return Ok(());
        }
        let of = tenant.clone();
        let job =
            move |tx: &mut Tx<'_>| old.iter().try_for_each(|one| store::delete(tx, &of, *one));
        db.write(tenant, job).await?;
    }
}

#[cfg(test)]
mod tests {
    use coro_api::numbers::RequestNumber;
    use coro_api::requests::RequestKind;

    use super::*;

    fn request(on_silence: Silence) -> RequestRow {
        RequestRow {
            number: RequestNumber(1),
            project: "shop".to_owned(),
            kind: RequestKind::Question,
            title: "?".to_owned(),
            body: String::new(),
            detail: None,
            options: vec!["yes".to_owned(), "no".to_owned()],
            effect: None,
            digest: String::new(),
            asked_by: "agent:a".to_owned(),
            asked_agent: None,
            asked_token: "t".to_owned(),
            asked_at: Time(0),
            expires_at: Time(0).plus_seconds(60),
            on_silence,
            status: RequestStatus::Open,
            decision: None,
            decided_by: None,
            decided_how: None,
            decided_at: None,
            why: None,
            closed_at: None,
        }
    }

    #[test]
    fn silence_never_allows() {
        let at = |seconds| Time(0).plus_seconds(seconds);
        for (on_silence, first, last) in [
            (
                Silence::Deny,
                RequestStatus::Expired,
                RequestStatus::Expired,
            ),
            (Silence::Park, RequestStatus::Parked, RequestStatus::Parked),
            (
                Silence::Escalate,
                RequestStatus::Escalated,
                RequestStatus::Expired,
            ),
        ] {
            let mut request = request(on_silence);
            assert_eq!(settled(&mut request, at(59)), None);
            settled(&mut request, at(1_000));
            assert_eq!(request.status, first);
            assert_eq!(settled(&mut request, at(1_059)), None);
            settled(&mut request, at(1_060));
            assert_eq!(request.status, last);
            let decision = request.decision.as_deref();
            assert!(matches!(decision, None | Some("no")), "{decision:?}");
        }
    }
}
