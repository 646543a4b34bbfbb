//! The agents, which Koor calls instances: who is there, on what, since when.

mod capabilities;
mod check;
mod deregister;
mod get;
mod heartbeat;
mod list;
mod stale;
mod which;

use coro_api::agents::Agent;

use crate::commands::{Node, check_name, leaf};
use crate::error::Result;
use crate::http::{Method, Request};
use crate::print::row;

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<list::List>("list"),
    leaf::<get::Get>("get"),
    leaf::<stale::Stale>("stale"),
    leaf::<heartbeat::Heartbeat>("heartbeat"),
    leaf::<capabilities::Capabilities>("capabilities"),
    leaf::<deregister::Deregister>("deregister"),
    leaf::<check::Check>("check"),
];

/// A request about one agent; `action` is what follows its id in the path.
pub(crate) fn request(method: Method, id: &str, action: &str) -> Result<Request> {
    check_name("instance", id)?;
    let mut request = Request::new(method, "/api/instances").name(id);
    request.path_and_query.push_str(action);
    Ok(request)
}

/// A line for each agent.
fn agent_rows(agents: &[Agent]) -> String {
    agents.iter().map(agent_row).collect::<Vec<_>>().join("\n")
}

/// Name, status, id, project, workspace, stack, capabilities, when it was last
/// heard of, and its intent, which is last since it may be long.
fn agent_row(agent: &Agent) -> String {
    row(&[
        &agent.name,
        agent.status.word(),
        &agent.id,
        &agent.project,
        &agent.workspace,
        &agent.stack,
        &agent.capabilities.join(","),
        &agent.last_seen,
        &agent.intent,
    ])
}
