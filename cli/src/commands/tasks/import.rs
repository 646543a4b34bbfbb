use std::path::PathBuf;

use clap::Args;
use coro_api::tasks::CreatedTasks;
use serde::Deserialize;

use crate::commands::Run;
use crate::commands::once::Once;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::input::read_named;
use crate::print::row;
use crate::repository::check_patterns;
use crate::session::Session;

/// Put many tasks into the queue and print their numbers and refs, a line each
///
/// All, or none. The file is JSON: an array of tasks such as
/// [{"title": "Build it", "ref": "build", "paths": ["src/"]}]. Each has a
/// title, and what else it needs of: body, project, priority (0 to 4),
/// assignee, capabilities (what tasks add calls --needs), paths (--path),
/// labels (--label), `depends_on` (--after), `attempts_max` (--attempts) and
/// ref. Capabilities, paths, labels and `depends_on` are arrays; `depends_on`
/// takes numbers such as T-3, and refs of the same file.
#[derive(Args)]
pub(crate) struct Import {
    /// A file, at most 1000 tasks; - reads standard input
    file: PathBuf,
    #[command(flatten)]
    once: Once,
}

impl Run for Import {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let text = read_named(session, &self.file)?;
        // As the API takes it, or only the array.
        let body = match text.trim_ascii_start().first() {
            Some(b'[') => [b"{\"tasks\":", &text[..], b"}"].concat(),
            _ => text,
        };
        check_patterns(session, &paths_in(&body))?;
        let request = Request::new(Method::Post, "/api/tasks/bulk").body("application/json", body);
        let response = session.call(self.once.put_on(request))?;
        session.show(&response, |made: CreatedTasks| {
            let rows = made.tasks.iter().map(|one| {
                let id = one.id.to_string();
                row(&[&id, one.reference.as_deref().unwrap_or_default()])
            });
            rows.collect::<Vec<_>>().join("\n")
        })
    }
}

/// The patterns that the tasks name. What makes no sense is the server's to tell.
fn paths_in(body: &[u8]) -> Vec<String> {
    #[derive(Default, Deserialize)]
    struct Many {
        tasks: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        paths: Vec<String>,
    }
    let many: Many = serde_json::from_slice(body).unwrap_or_default();
    many.tasks.into_iter().flat_map(|one| one.paths).collect()
}
