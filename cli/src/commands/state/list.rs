use clap::Args;
use coro_api::state::StateItem;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::paging;
use crate::print::row;
use crate::session::Session;

/// Print keys with their versions, a line each
#[derive(Args)]
pub(crate) struct List {
    /// Only keys that begin so
    prefix: Option<String>,
    /// At most so many keys
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on where an earlier list ended
    #[arg(long, value_name = "CURSOR", requires = "limit")]
    cursor: Option<String>,
}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/state")
            .query_if("prefix", self.prefix)
            .query_if("limit", self.limit)
            .query_if("cursor", self.cursor);
        let response = session.call(request)?;
        session.show(&response, |items: Vec<StateItem>| {
            let rows = items
                .iter()
                .map(|item| row(&[&item.key, &format!("v{}", item.version)]));
            rows.collect::<Vec<_>>().join("\n")
        })?;
        paging::tell_what_follows(session, &response, "cursor");
        Ok(())
    }
}
