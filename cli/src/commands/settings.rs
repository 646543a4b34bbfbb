use clap::Args;
use coro_api::settings;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

/// Print what the server keeps and bounds, a line each: name and value
///
/// The names are those of its own file; it reads that at its start.
#[derive(Args)]
pub(crate) struct Settings {}

impl Run for Settings {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/settings"))?;
        session.show(&response, |settings: settings::Settings| {
            let (kept, liveness) = (&settings.retention, &settings.liveness);
            let numbers = [
                ("limits.body_bytes", i128::from(settings.body_bytes)),
                ("retention.events_days", kept.events_days.into()),
                ("retention.events_bytes", kept.events_bytes.into()),
                ("retention.audit_days", kept.audit_days.into()),
                ("retention.history_versions", kept.history_versions.into()),
                ("retention.history_days", kept.history_days.into()),
                ("liveness.sweep_seconds", liveness.sweep_seconds.into()),
                (
                    "liveness.stale_after_seconds",
                    liveness.stale_after_seconds.into(),
                ),
                (
                    "liveness.ended_after_seconds",
                    liveness.ended_after_seconds.into(),
                ),
                (
                    "liveness.forgotten_after_days",
                    liveness.forgotten_after_days.into(),
                ),
                ("hooks.continuations_max", settings.continuations_max.into()),
                (
                    "tasks.silent_after_seconds",
                    settings.claim_silent_after_seconds.into(),
                ),
            ];
            let mut rows = vec![row(&["database", &settings.database])];
            rows.extend(numbers.map(|(name, value)| row(&[name, &value.to_string()])));
            rows.join("\n")
        })
    }
}
