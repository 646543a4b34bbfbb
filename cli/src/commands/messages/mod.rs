//! Messages between agents: those that were sent, and how far they are.

mod get;
mod list;

use coro_api::messages::Message;
use coro_api::numbers::MessageNumber;
use serde::Serialize;

use crate::commands::{Node, leaf};
use crate::error::{Result, failed, invalid};
use crate::http::{Method, Request};
use crate::input::Data;

pub(crate) static COMMANDS: &[Node] = &[leaf::<list::List>("list"), leaf::<get::Get>("get")];

/// A request about one message; `action` is what follows its number in the
/// path.
pub(crate) fn request(method: Method, number: MessageNumber, action: &str) -> Request {
    let mut request = Request::new(method, "/api/messages").name(&number.to_string());
    request.path_and_query.push_str(action);
    request
}

pub(crate) fn with_json(request: Request, body: &impl Serialize) -> Result<Request> {
    let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
    Ok(request.body("application/json", body))
}

/// The text of a message, without the line's end that a pipe adds.
pub(crate) fn text_of(data: Data) -> Result<String> {
    let text = String::from_utf8(data.bytes).map_err(|_| invalid("the text is not UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// A message as its reader sees it: who wrote it, and what.
pub(crate) fn shown(message: &Message) -> String {
    format!("{}\n{}", message.label(), message.quoted())
}
