use clap::Args;
use coro_api::agents::Agent;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{NewTask, Task, TaskItem};

use super::fields::Fields;
use super::with_json;
use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::session::{Session, unexpected};

/// Put a task into the queue and print its number, such as T-9
#[derive(Args)]
pub(crate) struct Add {
    /// What is to be done, in a line
    title: String,
    /// Its project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    once: Once,
}

impl Run for Add {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let said = self.fields.read(session, None)?;
        let after = said.depends_on.unwrap_or_default();
        let new = NewTask {
            title: self.title,
            body: said.body.unwrap_or_default(),
            project: self.project.or_else(|| session.environment_project()),
            priority: said.priority,
            assignee: said.assignee.unwrap_or_default(),
            capabilities: said.capabilities.unwrap_or_default(),
            paths: said.paths.unwrap_or_default(),
            labels: said.labels.unwrap_or_default(),
            depends_on: after.iter().map(TaskNumber::to_string).collect(),
            attempts_max: said.attempts_max,
            reference: None,
        };
        let request = with_json(Request::new(Method::Post, "/api/tasks"), &new)?;
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |task: Task| task.item.id.to_string())?;
        let task: Task =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        tell_unknown(session, &task.item);
        Ok(())
    }
}

/// Says where nobody has the name that a task is for. The task is made already:
/// what hinders to know it is not worth an error.
fn tell_unknown(session: &mut Session<'_>, task: &TaskItem) {
    let (name, project) = (&task.assignee, &task.project);
    if name.is_empty() {
        return;
    }
    let request = Request::get("/api/instances")
        .query("name", name)
        .query("project", project);
    let Ok(response) = session.call(request) else {
        return;
    };
    let agents = serde_json::from_slice::<Vec<Agent>>(&response.body);
    if agents.is_ok_and(|agents| agents.is_empty()) {
        session.talk(&format!(
            "no agent {name:?} is registered in the project {project:?} yet"
        ));
    }
}
