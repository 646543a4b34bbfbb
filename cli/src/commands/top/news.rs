//! The log as it grows, read by a thread with a connection of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use coro_api::limits::WAIT_SECONDS_MAX;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::GlobalOptions;
use crate::commands::events::EventLine;
use crate::config::Environment;
use crate::error::{CliError, Result};
use crate::http::{Patience, Request};
use crate::machine::Machine;
use crate::session::{Place, Session, unexpected};

/// How many pieces of news may wait to be shown.
const NEWS_MAX: usize = 16;

/// The most entries of one answer.
const PAGE: usize = 200;

/// How much longer than asked for the server may take to answer.
const GRACE: Duration = Duration::from_secs(10);

/// The pause before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) enum News {
    /// The oldest first.
    Entries(Vec<Entry>),
    /// The server can't be asked, and why.
    Lost(String),
}

/// An entry of the log.
pub(super) struct Entry {
    pub(super) revision: i64,
    /// Escaped, with tabs between its fields.
    pub(super) line: String,
    pub(super) json: String,
}

/// The newest entries, the newest first.
pub(super) fn latest(session: &mut Session<'_>, count: usize) -> Result<Vec<Entry>> {
    let request = Request::get("/api/events/history").query("last", count);
    let response = session.call(request)?;
    let events: Vec<&RawValue> =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    events.into_iter().map(entry).collect()
}

/// Follows the log after a revision, until nobody listens any more.
pub(super) fn follow(session: &mut Session<'_>, from: i64) -> Result<Receiver<News>> {
    let options = GlobalOptions {
        url: session.options.url.clone(),
        token_file: session.options.token_file.clone(),
        json: false,
        pretty: false,
        timeout: None,
    };
    let environment = session.machine()?.environment.clone();
    let (tell, news) = sync_channel(NEWS_MAX);
    // It ends with the process: nothing it does needs to be completed.
    thread::spawn(move || read_on(options, environment, from, &tell));
    Ok(news)
}

fn read_on(options: GlobalOptions, environment: Environment, from: i64, tell: &SyncSender<News>) {
    let (mut nothing, mut out, mut err) = (io::empty(), io::sink(), io::sink());
    let machine = Machine::new(environment, &mut nothing, false);
    let place = Place::Machine(Box::new(machine));
    let mut session = Session::new(options, "top".to_owned(), place, &mut out, &mut err);
    let mut from = Some(from);
    loop {
        let news = match page(&mut session, from) {
            Ok((_, next)) if Some(next) == from => continue,
            Ok((entries, next)) => {
                from = Some(next);
                News::Entries(entries)
            }
            Err(error) => {
                // What is no longer kept is not shown either.
                if error.status == Some(410) {
                    from = None;
                }
                thread::sleep(PAUSE);
                News::Lost(error.message)
            }
        };
        if tell.send(news).is_err() {
            return;
        }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    next: i64,
}

fn page(session: &mut Session<'_>, from: Option<i64>) -> Result<(Vec<Entry>, i64)> {
    let request = Request::get("/api/events")
        .query_if("from", from)
        .query("limit", PAGE)
        .query("wait", WAIT_SECONDS_MAX)
        .patience(Patience::whole(
            Duration::from_secs(WAIT_SECONDS_MAX) + GRACE,
        ));
    let response = session.call(request)?;
    let page: Page<'_> =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    let entries = page.events.into_iter().map(entry);
    Ok((entries.collect::<Result<_>>()?, page.next))
}

fn entry(json: &RawValue) -> Result<Entry> {
    let read = |error: serde_json::Error| -> CliError { unexpected(&error) };
    let event: EventLine<'_> = serde_json::from_str(json.get()).map_err(read)?;
    Ok(Entry {
        revision: event.revision,
        line: event.row(),
        json: json.get().to_owned(),
    })
}
