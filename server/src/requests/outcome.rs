//! Telling the agent that asked what became of its request: not every one waits
//! for it.

use coro_api::requests::RequestStatus;

use super::RequestRow;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, TenantId};
use crate::messages::tell_agent;
use crate::said::as_said;

/// How much of a title is told, in characters.
const TITLE_CHARS_MAX: usize = 80;

/// How much of a reason is told, in characters.
const WHY_CHARS_MAX: usize = 300;

/// Where an agent finds what it is told no more.
const ELSEWHERE: &str = "coro-cli requests get tells what became of a request";

/// Writes to the agent that asked, in the transaction of what happened. A
/// person hears nothing: they look at requests.
pub(super) fn tell_asker(tx: &mut Tx<'_>, tenant: &TenantId, request: &RequestRow) -> Result<()> {
    let (Some(agent), Some(text)) = (&request.asked_agent, in_words(request)) else {
        return Ok(());
    };
    tell_agent(tx, tenant, &AgentId::from_text(agent), text, ELSEWHERE)
}

/// What has become of a request; `None` where it is still being decided, or
/// whoever asked took it back.
fn in_words(request: &RequestRow) -> Option<String> {
    let (number, title) = (request.number, as_said(&request.title, TITLE_CHARS_MAX));
    let outcome = match request.status {
        RequestStatus::Decided => {
            let option = as_said(request.decision.as_deref()?, TITLE_CHARS_MAX);
            let by = as_said(request.decided_by.as_deref()?, TITLE_CHARS_MAX);
            let why = request
                .why
                .as_deref()
                .map(|why| as_said(why, WHY_CHARS_MAX));
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            format!("decided {option} by {by}{why}")
        }
        RequestStatus::Expired => "nobody decided in time, so it is no".to_owned(),
        RequestStatus::Parked => "nobody decided in time, and it waits on without end".to_owned(),
        RequestStatus::Open | RequestStatus::Escalated | RequestStatus::Withdrawn => return None,
    };
    Some(format!("about {number} {title}: {outcome}"))
}
