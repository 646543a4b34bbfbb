use clap::Args;

use crate::commands::Run;
use crate::commands::events::show_event;
use crate::error::Result;
use crate::follow::{Follow, follow};
use crate::http::Request;
use crate::session::Session;

/// Print events as they happen: revision, topic, data
///
/// Of a changed key, its name and version stand in place of the data.
/// A lost connection is made again from the last revision, so that no event is
/// missed and none comes twice.
#[derive(Args)]
pub(crate) struct Subscribe {
    /// Only these topics; * stands for anything
    #[arg(default_value = "*")]
    pattern: String,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// Begin after this revision; by default with what happens from now on
    #[arg(long, value_name = "REV")]
    from: Option<i64>,
    /// End after so many events
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Run for Subscribe {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/events")
            .query("pattern", self.pattern)
            .query_if("project", self.project);
        let what = Follow {
            from: self.from,
            limit: self.limit,
        };
        follow(session, what, request, show_event)
    }
}
