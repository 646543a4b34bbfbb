use std::path::{Path, PathBuf};

use clap::Args;
use coro_api::agents::{NewAgent, RegisteredAgent};

use crate::commands::Run;
use crate::commands::once::Once;
use crate::config::{FileSettings, Token, local_file, write_file};
use crate::error::{Result, failed};
use crate::http::{Method, Request, Response};
use crate::session::{Session, unexpected};

/// Register an agent, or continue it, and print its token
///
/// Nothing but the token goes to standard output, so that this works:
/// export CORO_TOKEN=$(coro-cli register frontend). It is shown this once.
/// An agent that calls with its own token keeps it, and nothing is printed.
/// What is left out stays as it was.
#[derive(Args)]
pub(crate) struct Register {
    /// The agent's name, by which the project knows it
    name: String,
    /// Its project; by default `CORO_PROJECT`, else the token's, else "default"
    #[arg(long)]
    project: Option<String>,
    /// Where it works, such as "$PWD" or a repository; by default nothing is said
    #[arg(long)]
    workspace: Option<String>,
    /// What it is about to do
    #[arg(long)]
    intent: Option<String>,
    /// What it works with, such as rust
    #[arg(long)]
    stack: Option<String>,
    /// What it can do, in a word that others search for; may be given more than once
    #[arg(long = "capability", value_name = "CAPABILITY")]
    capabilities: Vec<String>,
    /// The program that it runs in, such as claude-code
    #[arg(long)]
    client: Option<String>,
    /// Continue the agent of this name though it seems to be alive
    #[arg(long)]
    takeover: bool,
    /// Write the token to .coro/local/cli.json, which git ignores, and don't print it
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    once: Once,
}

impl Run for Register {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        // Before the call: a token that can't be saved would be lost.
        let saved_in = match self.save {
            true => Some(prepare_file(session)?),
            false => None,
        };
        let response = session.call(self.request(session.environment_project())?)?;
        let registered: RegisteredAgent =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let next = match (&registered.token, &saved_in) {
            (Some(token), Some(path)) => save(session, path, token)?,
            (Some(_), None) => "call with its token, as CORO_TOKEN: coro-cli activate".to_owned(),
            (None, _) => "its token stays; next: coro-cli activate".to_owned(),
        };
        show(session, &response, &registered, saved_in.is_some())?;
        let agent = &registered.agent;
        session.talk(&format!(
            "{} is {} in project {}, generation {} ({next})",
            agent.name, agent.id, agent.project, agent.generation
        ));
        Ok(())
    }
}

impl Register {
    fn request(self, usual_project: Option<String>) -> Result<Request> {
        let new = NewAgent {
            name: self.name,
            project: self.project.or(usual_project),
            workspace: self.workspace.unwrap_or_default(),
            intent: self.intent.unwrap_or_default(),
            stack: self.stack.unwrap_or_default(),
            capabilities: self.capabilities,
            client: self.client.unwrap_or_default(),
            client_version: String::new(),
            takeover: self.takeover,
        };
        let body = serde_json::to_vec(&new).map_err(|error| failed(error.to_string()))?;
        let request = Request::new(Method::Post, "/api/instances/register");
        Ok(self.once.put_on(request).body("application/json", body))
    }
}

/// Where the token will be.
fn prepare_file(session: &mut Session<'_>) -> Result<PathBuf> {
    let machine = session
        .machine()
        .map_err(|error| error.hint("leave out --save, and keep the token yourself"))?;
    local_file(&machine.environment)
}

/// Writes the token where the next command finds it, and says what is next.
fn save(session: &mut Session<'_>, path: &Path, token: &str) -> Result<String> {
    let value = Token::parse(token).map_err(|fault| failed(format!("the token {fault}")))?;
    let change = FileSettings {
        token: Some(value),
        ..FileSettings::default()
    };
    write_file(path, change)?;
    let goes_before = session.machine()?.environment.token.is_some();
    let is_in = format!("its token is in {}", path.display());
    Ok(match goes_before {
        true => format!("{is_in}; unset CORO_TOKEN, which goes before it, then: coro-cli activate"),
        false => format!("{is_in}; next: coro-cli activate"),
    })
}

/// Prints the token, or the answer; a token that was saved is in neither.
fn show(
    session: &mut Session<'_>,
    response: &Response,
    registered: &RegisteredAgent,
    is_saved: bool,
) -> Result<()> {
    if session.options.wants_json() && is_saved {
        let body = serde_json::to_vec(&registered.agent);
        return session.show_json(&body.map_err(|error| failed(error.to_string()))?);
    }
    if session.options.wants_json() {
        return session.show_json(&response.body);
    }
    match &registered.token {
        Some(token) if !is_saved => session.line(token),
        _ => Ok(()),
    }
}
