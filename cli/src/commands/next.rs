use std::time::Duration;

use clap::Args;
use coro_api::tasks::{NextRequest, NextTask};

use crate::commands::Run;
use crate::commands::once::Once;
use crate::commands::tasks::{brief, with_json};
use crate::durations::parse_duration;
use crate::error::{Result, not_found, timed_out};
use crate::http::{Method, Request, Response};
use crate::polling::Wait;
use crate::session::{Session, unexpected};

/// Take the next task, or the one that you have already, and print it
///
/// What is printed: number and title, body, paths, what the tasks before it
/// came to, and which attempt it is with the notes on it. Hand it in with
/// coro-cli done, or give it up with coro-cli fail. Where nothing is ready, one
/// line says why, and the exit code is 3, or 8 after --wait.
#[derive(Args)]
pub(crate) struct Next {
    /// Wait so long for a task, such as 90 or 10m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    once: Once,
}

impl Run for Next {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut wait = Wait::begin(session, self.wait);
        loop {
            // Only an answer with a task is kept for the key. Without one it
            // does no harm either to ask twice: who has a task gets that one.
            let request = |seconds| Ok(self.once.clone().put_on(ask(seconds)?));
            let response = wait.call(session, request)?;
            let next: NextTask =
                serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
            if next.task.is_some() {
                return show(session, &response, &next);
            }
            if !wait.is_over() {
                continue;
            }
            let why = next.why.unwrap_or_else(|| "nothing is ready".to_owned());
            return Err(match self.wait {
                Some(_) => timed_out(why),
                None => not_found(why),
            });
        }
    }
}

fn ask(wait_seconds: u64) -> Result<Request> {
    let body = NextRequest { wait_seconds };
    with_json(Request::new(Method::Post, "/api/tasks/next"), &body)
}

fn show(session: &mut Session<'_>, response: &Response, next: &NextTask) -> Result<()> {
    match &next.task {
        Some(task) if !session.options.wants_json() => session.line(&brief(task, next.resumed)),
        _ => session.show_json(&response.body),
    }
}
