use clap::Args;
use coro_api::agents::{Agent, OWN};

use crate::commands::check_name;
use crate::error::{Result, not_found, usage};
use crate::http::Request;
use crate::session::{Session, unexpected};

/// Which agent is meant.
#[derive(Args)]
pub(super) struct Which {
    /// The agent's id or its name; self is the one whose token calls
    #[arg(value_name = "AGENT", default_value = OWN)]
    agent: String,
    /// The project of the name; by default `CORO_PROJECT`, else any that has it
    #[arg(long)]
    project: Option<String>,
}

impl Which {
    /// The agent's id. A name is looked up.
    pub(super) fn id(self, session: &mut Session<'_>) -> Result<String> {
        if self.agent == OWN || is_id(&self.agent) {
            return Ok(self.agent);
        }
        check_name("instance", &self.agent)?;
        let project = self.project.or_else(|| session.environment_project());
        let request = Request::get("/api/instances")
            .query("name", &self.agent)
            .query_if("project", project);
        let response = session.call(request)?;
        let agents: Vec<Agent> =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        match agents.as_slice() {
            [agent] => Ok(agent.id.clone()),
            [] => Err(not_found(format!("agent not found: {}", self.agent))
                .hint("list them with coro-cli instances list; those that ended, with their id")),
            several => {
                let projects: Vec<&str> = several.iter().map(|one| one.project.as_str()).collect();
                let name = &self.agent;
                Err(usage(format!("several agents are called {name}"))
                    .hint(format!("name one with --project: {}", projects.join(", "))))
            }
        }
    }
}

/// Ids are UUIDs; a name that looks like one is taken for one.
fn is_id(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let is_at_place = |(index, c): (usize, char)| match dashes.contains(&index) {
        true => c == '-',
        false => c.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.char_indices().all(is_at_place)
}
