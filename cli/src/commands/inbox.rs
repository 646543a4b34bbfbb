use std::time::Duration;

use clap::Args;
use coro_api::messages::{self, Message};

use crate::commands::Run;
use crate::commands::messages::shown;
use crate::durations::parse_duration;
use crate::error::{Result, timed_out};
use crate::http::{Request, Response};
use crate::polling::Wait;
use crate::session::{Session, unexpected};

/// Print the messages that you have not read, the oldest first
///
/// Each has a line that says who wrote it and what it wants, then its text, of
/// which each line begins with >. Of a long one the beginning is printed, and
/// the command that shows the rest; --json has all. With --wait, exit code 8
/// means that none came.
#[derive(Args)]
pub(crate) struct Inbox {
    /// Wait so long for a message where there is none, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Look without having read them
    #[arg(long)]
    peek: bool,
    /// Print long ones whole too
    #[arg(long)]
    full: bool,
}

impl Run for Inbox {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = match (self.wait, self.peek) {
            (None, false) => read(session)?,
            (None, true) => session.call(look())?,
            (Some(time), _) => self.wait_for_any(session, time)?,
        };
        let inbox = inbox_of(&response.body)?;
        if inbox.messages.is_empty() && self.wait.is_some() {
            return Err(timed_out("no message came in time"));
        }
        let shown = if self.full { shown } else { Message::brief };
        session.show(&response, |inbox: messages::Inbox| {
            let all: Vec<String> = inbox.messages.iter().map(shown).collect();
            all.join("\n")
        })?;
        if inbox.more > 0 {
            session.talk(&format!("there are {} more; call it again", inbox.more));
        }
        Ok(())
    }
}

impl Inbox {
    /// Looks until there is something, and then reads it: a look does no harm
    /// when it is taken twice. Where another process of the agent was faster, it
    /// goes on waiting.
    fn wait_for_any(&self, session: &mut Session<'_>, time: Duration) -> Result<Response> {
        let mut wait = Wait::begin(session, Some(time));
        loop {
            let looked = wait.poll(session, &look(), has_any)?;
            if self.peek || !has_any(&looked)? {
                return Ok(looked);
            }
            let response = read(session)?;
            if wait.is_over() || has_any(&response)? {
                return Ok(response);
            }
        }
    }
}

fn look() -> Request {
    Request::get("/api/inbox").flag("peek")
}

/// Reads once: a second call would come too late for what the first has read.
fn read(session: &mut Session<'_>) -> Result<Response> {
    let read = session.call(Request::get("/api/inbox"));
    read.map_err(|error| match error.server_is_away {
        true => error.hint("what it may have read is in coro-cli messages list"),
        false => error,
    })
}

fn has_any(response: &Response) -> Result<bool> {
    Ok(!inbox_of(&response.body)?.messages.is_empty())
}

fn inbox_of(body: &[u8]) -> Result<messages::Inbox> {
    serde_json::from_slice(body).map_err(|error| unexpected(&error))
}
