use clap::Args;
use coro_api::system;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

/// Print who the token says that you are: actor, role, tenant, project, agent's id
#[derive(Args)]
pub(crate) struct Whoami {}

impl Run for Whoami {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/whoami"))?;
        session.show(&response, |whoami: system::Whoami| {
            let actor = format!("{}:{}", whoami.kind.word(), whoami.name);
            let project = whoami.project.unwrap_or_default();
            let id = whoami.instance_id.unwrap_or_default();
            row(&[&actor, whoami.role.word(), &whoami.tenant, &project, &id])
        })
    }
}
