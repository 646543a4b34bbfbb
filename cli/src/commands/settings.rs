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
            let rows = [
                row(&["database", &settings.database]),
                row(&["limits.body_bytes", &settings.body_bytes.to_string()]),
                row(&["retention.events_days", &kept.events_days.to_string()]),
                row(&["retention.events_bytes", &kept.events_bytes.to_string()]),
                row(&["retention.audit_days", &kept.audit_days.to_string()]),
                row(&[
                    "retention.history_versions",
                    &kept.history_versions.to_string(),
                ]),
                row(&["retention.history_days", &kept.history_days.to_string()]),
                row(&[
                    "liveness.sweep_seconds",
                    &liveness.sweep_seconds.to_string(),
                ]),
                row(&[
                    "liveness.stale_after_seconds",
                    &liveness.stale_after_seconds.to_string(),
                ]),
                row(&[
                    "liveness.ended_after_seconds",
                    &liveness.ended_after_seconds.to_string(),
                ]),
                row(&[
                    "liveness.forgotten_after_days",
                    &liveness.forgotten_after_days.to_string(),
                ]),
                row(&[
                    "hooks.continuations_max",
                    &settings.continuations_max.to_string(),
                ]),
                row(&[
                    "tasks.silent_after_seconds",
                    &settings.claim_silent_after_seconds.to_string(),
                ]),
            ];
            rows.join("\n")
        })
    }
}
