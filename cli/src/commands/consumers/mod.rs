//! Cursors over the log that the server keeps.

mod ack;
mod create;
mod delete;
mod fetch;
mod get;
mod list;

use coro_api::consumers::Consumer;

use crate::commands::{Node, check_name, leaf};
use crate::error::Result;
use crate::http::{Method, Request};
use crate::print::row;

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<create::Create>("create"),
    leaf::<list::List>("list"),
    leaf::<get::Get>("get"),
    leaf::<fetch::Fetch>("fetch"),
    leaf::<ack::Ack>("ack"),
    leaf::<delete::Delete>("delete"),
];

/// A request about one consumer.
fn request(method: Method, name: &str) -> Result<Request> {
    check_name("consumer", name)?;
    Ok(Request::new(method, "/api/consumers").name(name))
}

/// Name, pattern, and the last revision that was acknowledged.
fn consumer_row(consumer: &Consumer) -> String {
    row(&[
        &consumer.name,
        &consumer.pattern,
        &consumer.acknowledged.to_string(),
    ])
}
