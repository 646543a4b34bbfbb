use std::time::Duration;

use clap::Args;
use coro_api::messages::{self, Message};

use crate::commands::Run;
use crate::commands::messages::shown;
use crate::durations::parse_duration;
use crate::error::{Result, timed_out};
use crate::http::{Request, Response};
use crate::polling::poll;
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
        let mut response = self.look(session)?;
        // To read is done once: where its answer is lost, the user is told, and
        // no second call comes too late for what the first has read.
        let is_to_read = self.wait.is_some() && !self.peek;
        if is_to_read && has_any(&response)? {
            response = session.call(Request::get("/api/inbox"))?;
        }
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
    /// Looks into the inbox; a look that waits may be taken twice.
    fn look(&self, session: &mut Session<'_>) -> Result<Response> {
        let mut request = Request::get("/api/inbox");
        if self.peek || self.wait.is_some() {
            request = request.flag("peek");
        }
        poll(session, self.wait, &request, has_any)
    }
}

fn has_any(response: &Response) -> Result<bool> {
    Ok(!inbox_of(&response.body)?.messages.is_empty())
}

fn inbox_of(body: &[u8]) -> Result<messages::Inbox> {
    serde_json::from_slice(body).map_err(|error| unexpected(&error))
}
