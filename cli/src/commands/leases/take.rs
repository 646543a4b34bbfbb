use std::time::Duration;

use clap::Args;
use coro_api::leases::{Lease, LeaseMode, LeaseStatus, NewLease, how_to_ask};

use super::{modes, request, with_body};
use crate::commands::Run;
use crate::durations::parse_duration;
use crate::error::{CliError, Result, timed_out};
use crate::http::{Method, Request};
use crate::polling::Wait;
use crate::repository::check_patterns;
use crate::session::{Session, unexpected, whole_seconds};

/// Lease files, or a name, and print the lease's number
///
/// Nobody else gets what overlaps it until it is released or its time is over.
/// Exit code 4 means that another agent is in the way, 8 that it still was after
/// the time of --wait. Taking again what one has renews it. It lets nobody edit a
/// protected path; a line says so where it overlaps one.
#[derive(Args)]
pub(crate) struct Take {
    /// Files, as a line of .gitignore without ! names them, such as /src/api/
    #[arg(required_unless_present = "name", conflicts_with = "name")]
    pattern: Option<String>,
    /// Anything else that only one may have, in place of files
    #[arg(long)]
    name: Option<String>,
    /// What another's edit meets; by default block
    #[arg(long, value_parser = modes())]
    mode: Option<LeaseMode>,
    /// Shown to whoever is in the way
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// When it ends where it is not renewed; by default 30m, at most 24h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Stand in line for so long, where another is in the way
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Its project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long)]
    project: Option<String>,
    /// Nobody's, without an end, and for edits only; for owner and controllers
    #[arg(long, conflicts_with_all = ["ttl", "wait"])]
    protected: bool,
}

impl Run for Take {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        check_patterns(session, self.pattern.as_slice())?;
        let mut wait = Wait::begin(session, self.wait);
        let new = self.asked(session.environment_project());
        loop {
            // Who asks twice for the same stands in line once.
            let response = wait.call(session, |wait_seconds| {
                let request = Request::new(Method::Post, "/api/leases");
                let new = new.clone();
                with_body(
                    request,
                    &NewLease {
                        wait_seconds,
                        ..new
                    },
                )
            })?;
            let lease: Lease =
                serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
            if lease.status == LeaseStatus::Held {
                session.show(&response, |lease: Lease| lease.id.to_string())?;
                tell_protection(session, &lease);
                return Ok(());
            }
            if wait.is_over() {
                return Err(give_up(session, &lease));
            }
        }
    }
}

impl Take {
    fn asked(self, usual_project: Option<String>) -> NewLease {
        let seconds = |ttl| i64::try_from(whole_seconds(ttl)).unwrap_or(i64::MAX);
        NewLease {
            pattern: self.pattern,
            name: self.name,
            project: self.project.or(usual_project),
            mode: self.mode.unwrap_or_default(),
            reason: self.reason.unwrap_or_default(),
            ttl_seconds: self.ttl.map(seconds),
            wait_seconds: 0,
            protected: self.protected,
        }
    }
}

/// Says where a lease does not let its holder edit what it is on.
fn tell_protection(session: &mut Session<'_>, lease: &Lease) {
    if let Some(protected) = lease.protected_by {
        session.talk(&format!(
            "{} keeps other agents away, and lets nobody edit what {protected} protects ({})",
            lease.id,
            how_to_ask(protected)
        ));
    }
}

/// Leaves the queue: nobody would use what it still gave.
fn give_up(session: &mut Session<'_>, lease: &Lease) -> CliError {
    let _ = session.call(request(Method::Delete, lease.id, ""));
    timed_out(format!("{:?} was not free in time", lease.pattern))
        .hint("see who has it with coro-cli leases list")
}
