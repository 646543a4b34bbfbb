use clap::Args;
use coro_api::messages::Message;
use coro_api::numbers::MessageNumber;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::paging;
use crate::print::row;
use crate::session::Session;

/// Print messages that you sent or got, the newest first
///
/// The fields are number, time, kind (of an ask what became of it), from, to,
/// and the beginning of the text. Owner and controllers see all.
#[derive(Args)]
pub(crate) struct List {
    /// Only this thread, by its first message
    #[arg(long, value_name = "NUMBER")]
    thread: Option<MessageNumber>,
    /// Only those of this project
    #[arg(long)]
    project: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Only numbers below this
    #[arg(long, value_name = "N")]
    before: Option<i64>,
}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = Request::get("/api/messages")
            .query_if("thread", self.thread)
            .query_if("project", self.project)
            .query_if("limit", self.limit)
            .query_if("before", self.before);
        let response = session.call(request)?;
        session.show(&response, |messages: Vec<Message>| {
            messages
                .iter()
                .map(message_row)
                .collect::<Vec<_>>()
                .join("\n")
        })?;
        paging::tell_what_follows(session, &response, "before");
        Ok(())
    }
}

fn message_row(message: &Message) -> String {
    let shown = i64::try_from(message.text.chars().count()).unwrap_or(i64::MAX);
    let text = match shown < message.chars {
        true => format!("{}…", message.text),
        false => message.text.clone(),
    };
    let kind = match &message.ask {
        Some(ask) => format!("ask {}", ask.state.word()),
        None => message.kind.word().to_owned(),
    };
    row(&[
        &message.number.to_string(),
        &message.created_at,
        &kind,
        &message.from,
        &message.to,
        &text,
    ])
}
