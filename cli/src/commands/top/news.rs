//! The log as it grows, read by a thread with a connection of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::GlobalOptions;
use crate::commands::events::EventLine;
use crate::error::{CliError, Result};
use crate::http::Request;
use crate::machine::Machine;
use crate::polling::{WAIT_DURATION, patience};
use crate::session::{Place, Session, unexpected, whole_seconds};

/// How many pieces of news may wait to be shown.
const NEWS_MAX: usize = 16;

/// The most entries of one answer.
const PAGE: usize = 200;

/// The pause before a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) enum News {
    /// The oldest first.
    Entries(Vec<Entry>),
    /// The server can't be asked, and why.
    Lost(CliError),
}

/// An entry of the log.
pub(super) struct Entry {
    pub(super) revision: i64,
    /// Escaped, with tabs between its fields.
    pub(super) line: String,
    pub(super) json: String,
}

/// The newest entries of a project, or of all, the newest first.
pub(super) fn latest(
    session: &mut Session<'_>,
    project: Option<&str>,
    count: usize,
) -> Result<Vec<Entry>> {
    let request = Request::get("/api/events/history")
        .query("last", count)
        .query_if("project", project);
    let response = session.call(request)?;
    let events: Vec<&RawValue> =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    events.into_iter().map(entry).collect()
}

/// Follows the log after a revision, until nobody listens any more or the
/// server refuses the caller.
pub(super) fn follow(
    session: &mut Session<'_>,
    project: Option<&str>,
    from: i64,
) -> Result<Receiver<News>> {
    let options = GlobalOptions {
        json: false,
        pretty: false,
        timeout: None,
        ..session.options.clone()
    };
    let environment = session.machine()?.environment.clone();
    let (tell, news) = sync_channel(NEWS_MAX);
    let project = project.map(str::to_owned);
    // It ends with the process: nothing it does needs to be completed.
    thread::spawn(move || {
        let (mut nothing, mut out, mut err) = (io::empty(), io::sink(), io::sink());
        let machine = Machine::new(environment, &mut nothing, false);
        let place = Place::Machine(Box::new(machine));
        let mut session = Session::new(options, "top".to_owned(), place, &mut out, &mut err);
        read_on(&mut session, project.as_deref(), from, &tell);
    });
    Ok(news)
}

fn read_on(session: &mut Session<'_>, project: Option<&str>, from: i64, tell: &SyncSender<News>) {
    let mut from = Some(from);
    loop {
        match page(session, project, from) {
            Ok((_, next)) if Some(next) == from => {}
            Ok((entries, next)) => {
                from = Some(next);
                if tell.send(News::Entries(entries)).is_err() {
                    return;
                }
            }
            // What is no longer kept is not shown either.
            Err(error) if error.status == Some(410) && from.is_some() => from = None,
            Err(error) => {
                let may_pass = error.may_pass();
                if tell.send(News::Lost(error)).is_err() || !may_pass {
                    return;
                }
                thread::sleep(PAUSE);
            }
        }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    next: i64,
}

fn page(
    session: &mut Session<'_>,
    project: Option<&str>,
    from: Option<i64>,
) -> Result<(Vec<Entry>, i64)> {
    let request = Request::get("/api/events")
        .query_if("project", project)
        .query_if("from", from)
        .query("limit", PAGE)
        .query("wait", whole_seconds(WAIT_DURATION))
        .patience(patience(WAIT_DURATION));
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
