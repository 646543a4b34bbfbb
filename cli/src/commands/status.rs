use clap::Args;
use coro_api::system::{Health, Whoami};

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::{Session, unexpected};

/// Say whether the server lives, who you are to it, and where its log stands
#[derive(Args)]
pub(crate) struct Status {}

impl Run for Status {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let health = session.call(Request::get("/health"))?.body;
        if !session.has_token()? {
            show_health(session, &health)?;
            session.talk("no token is set, so the server does not know you");
            return Ok(());
        }
        let whoami = match session.call(Request::get("/api/whoami")) {
            Ok(response) => response.body,
            Err(error) => {
                show_health(session, &health)?;
                return Err(error);
            }
        };
        if session.options.wants_json() {
            let both = [
                b"{\"health\":",
                health.as_slice(),
                b",\"whoami\":",
                &whoami,
                b"}",
            ]
            .concat();
            return session.show_json(&both);
        }
        show_health(session, &health)?;
        let whoami: Whoami = serde_json::from_slice(&whoami).map_err(|error| unexpected(&error))?;
        let actor = format!("{}:{}", whoami.kind.word(), whoami.name);
        session.line(&row(&["you", &actor, whoami.role.word(), &whoami.tenant]))?;
        session.line(&row(&["revision", &whoami.revision.to_string()]))
    }
}

fn show_health(session: &mut Session<'_>, body: &[u8]) -> Result<()> {
    if session.options.wants_json() {
        return session.show_json(&[b"{\"health\":", body, b"}"].concat());
    }
    let health: Health = serde_json::from_slice(body).map_err(|error| unexpected(&error))?;
    session.line(&row(&["server", &health.status, &health.uptime]))
}
