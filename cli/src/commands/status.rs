use clap::Args;
use coro_api::overview::Overview;
use coro_api::system::{Health, Whoami};
use coro_api::tokens::Role;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::{Session, unexpected};

pub(super) mod screen;

/// Print how things stand: the server, you, agents, tasks, and what waits for a decision
///
/// A line each for the server, who you are to it, and where its log stands;
/// then what there is of agents, tasks, requests, unread messages, leases and
/// pauses. Without a token only the server.
#[derive(Args)]
pub(crate) struct Status {
    /// The project; by default that of the token, else all
    #[arg(long)]
    pub(super) project: Option<String>,
}

impl Run for Status {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let health = session.call(Request::get("/health"))?.body;
        if !session.has_token()? {
            show(session, &[("health", &health)])?;
            session.talk("no token is set, so the server does not know you");
            return Ok(());
        }
        // What is known is shown before an error is.
        let whoami = match session.call(Request::get("/api/whoami")) {
            Ok(response) => response.body,
            Err(error) => {
                show(session, &[("health", &health)])?;
                return Err(error);
            }
        };
        let known = [("health", health.as_slice()), ("whoami", &whoami)];
        if whoami_of(&whoami)?.role == Role::Enrol {
            // It may register, and look at nothing.
            return show(session, &known);
        }
        let request = Request::get("/api/overview").query_if("project", self.project);
        match session.call(request) {
            Ok(response) => {
                let [health, whoami] = known;
                show(session, &[health, whoami, ("overview", &response.body)])
            }
            Err(error) => {
                show(session, &known)?;
                Err(error)
            }
        }
    }
}

/// Shows the answers that there are, each under its name.
fn show(session: &mut Session<'_>, answers: &[(&str, &[u8])]) -> Result<()> {
    if session.options.wants_json() {
        let mut json = Vec::new();
        for (name, answer) in answers {
            json.push(if json.is_empty() { b'{' } else { b',' });
            json.extend_from_slice(format!("\"{name}\":").as_bytes());
            json.extend_from_slice(answer);
        }
        json.push(b'}');
        return session.show_json(&json);
    }
    for (name, answer) in answers {
        match *name {
            "health" => {
                let health: Health = parsed(answer)?;
                session.line(&row(&["server", &health.status, &health.uptime]))?;
            }
            "whoami" => {
                let whoami = whoami_of(answer)?;
                let actor = format!("{}:{}", whoami.kind.word(), whoami.name);
                session.line(&row(&["you", &actor, whoami.role.word(), &whoami.tenant]))?;
                session.line(&row(&["revision", &whoami.revision.to_string()]))?;
            }
            _ => {
                let overview: Overview = parsed(answer)?;
                for line in screen::lines(&overview) {
                    session.line(&line)?;
                }
            }
        }
    }
    Ok(())
}

fn whoami_of(answer: &[u8]) -> Result<Whoami> {
    parsed(answer)
}

fn parsed<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer).map_err(|error| unexpected(&error))
}
