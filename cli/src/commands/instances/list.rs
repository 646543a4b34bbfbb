use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::agents::{Agent, AgentStatus};

use super::agent_rows;
use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::session::Session;

/// Print agents, a line each, the one heard of last first
///
/// The fields are name, status, id, project, workspace, stack, capabilities,
/// the time when it was last heard of, and intent. Agents that have ended are
/// listed with --status ended only.
#[derive(Args)]
pub(crate) struct List {
    /// Only the agent of this name, of each project
    #[arg(long)]
    name: Option<String>,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Only those that work there
    #[arg(long)]
    workspace: Option<String>,
    /// Only those that work with this
    #[arg(long)]
    stack: Option<String>,
    /// Only those that can do this
    #[arg(long)]
    capability: Option<String>,
    /// Only those of this status
    #[arg(long, value_parser = statuses())]
    status: Option<AgentStatus>,
    /// Only those whose intent contains this, in any case
    #[arg(long, value_name = "TEXT")]
    intent: Option<String>,
}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/instances")
            .query_if("name", self.name)
            .query_if("project", self.project)
            .query_if("workspace", self.workspace)
            .query_if("stack", self.stack)
            .query_if("capability", self.capability)
            .query_if("status", self.status.map(AgentStatus::word))
            .query_if("intent", self.intent);
        let response = session.call(request)?;
        session.show(&response, |agents: Vec<Agent>| agent_rows(&agents))
    }
}

fn statuses() -> impl TypedValueParser<Value = AgentStatus> {
    let words = AgentStatus::ALL.map(AgentStatus::word);
    PossibleValuesParser::new(words)
        .try_map(|word| AgentStatus::from_word(&word).ok_or("is no status"))
}
