//! Every command, in the order in which help shows them.
//!
//! A command is a struct of options in a file named as the user names it. Its
//! doc comment is its help text, and `Run` is what it does.

mod ack;
mod activate;
mod answer;
mod ask;
mod audit;
mod backup;
mod clients;
mod completions;
mod config;
mod consumers;
mod dashboard;
mod done;
mod events;
mod fail;
mod git_hook;
mod hook;
mod humans;
mod inbox;
mod instances;
mod intent;
mod leases;
mod man;
mod mcp;
mod messages;
mod metrics;
mod next;
mod no;
mod once;
mod pause;
mod register;
mod reply;
mod request;
mod requests;
mod resume;
mod send;
mod settings;
mod state;
mod status;
mod tasks;
mod tokens;
mod top;
mod txn;
mod version;
mod whoami;
mod why;
mod yes;

use clap::{ArgMatches, Args};

use crate::arguments::mistake;
use crate::error::Result;
use crate::session::Session;

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<status::Status>("status"),
    leaf::<top::Top>("top"),
    leaf::<whoami::Whoami>("whoami"),
    leaf::<register::Register>("register"),
    leaf::<activate::Activate>("activate"),
    leaf::<intent::Intent>("intent"),
    group(
        "instances",
        "The agents: who is there, on what, since when",
        instances::COMMANDS,
    ),
    leaf::<pause::Pause>("pause"),
    leaf::<resume::Resume>("resume"),
    leaf::<next::Next>("next"),
    leaf::<done::Done>("done"),
    leaf::<fail::Fail>("fail"),
    leaf::<why::Why>("why"),
    group(
        "tasks",
        "The queue of work that agents take from",
        tasks::COMMANDS,
    ),
    group(
        "leases",
        "Claims on files and names, so that no two agents change the same",
        leases::COMMANDS,
    ),
    leaf::<send::Send>("send"),
    leaf::<inbox::Inbox>("inbox"),
    leaf::<ack::Ack>("ack"),
    leaf::<reply::Reply>("reply"),
    leaf::<ask::Ask>("ask"),
    leaf::<answer::Answer>("answer"),
    group(
        "messages",
        "The messages of agents, and how far they are",
        messages::COMMANDS,
    ),
    leaf::<request::Request>("request"),
    leaf::<requests::Requests>("requests").with(requests::COMMANDS),
    leaf::<yes::Yes>("yes"),
    leaf::<no::No>("no"),
    group("humans", "Who decides what is protected", humans::COMMANDS),
    group("state", "Versioned values under keys", state::COMMANDS),
    leaf::<txn::Txn>("txn"),
    group(
        "events",
        "The log of everything that happens",
        events::COMMANDS,
    ),
    group(
        "consumers",
        "Cursors over the log that the server keeps",
        consumers::COMMANDS,
    ),
    group(
        "tokens",
        "Who may call, and what they may do",
        tokens::COMMANDS,
    ),
    leaf::<audit::Audit>("audit").with(audit::COMMANDS),
    leaf::<metrics::Metrics>("metrics").with(metrics::COMMANDS),
    leaf::<settings::Settings>("settings"),
    leaf::<backup::Backup>("backup"),
    leaf::<dashboard::Dashboard>("dashboard"),
    group(
        "config",
        "Which server is called, and as whom",
        config::COMMANDS,
    ),
    leaf::<hook::Hook>("hook"),
    leaf::<mcp::Mcp>("mcp"),
    leaf::<clients::Clients>("clients"),
    group(
        "git-hook",
        "What hooks of git ask before a commit or a push",
        git_hook::COMMANDS,
    ),
    leaf::<completions::Completions>("completions"),
    leaf::<man::Man>("man"),
    leaf::<version::Version>("version"),
];

/// What a command does.
pub(crate) trait Run: Args {
    fn run(self, session: &mut Session<'_>) -> Result<()>;
}

/// A place in the tree of commands: a command, a group, or both.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    /// The help text of a group; a command has it as its doc comment.
    pub(crate) about: Option<&'static str>,
    pub(crate) augment: fn(clap::Command) -> clap::Command,
    pub(crate) run: Option<fn(&ArgMatches, &mut Session<'_>) -> Result<()>>,
    pub(crate) children: &'static [Node],
}

impl Node {
    /// Adds commands below a command.
    const fn with(mut self, children: &'static [Node]) -> Node {
        self.children = children;
        self
    }
}

const fn leaf<C: Run>(name: &'static str) -> Node {
    Node {
        name,
        about: None,
        augment: C::augment_args,
        run: Some(run::<C>),
        children: &[],
    }
}

const fn group(name: &'static str, about: &'static str, children: &'static [Node]) -> Node {
    Node {
        name,
        about: Some(about),
        augment: std::convert::identity,
        run: None,
        children,
    }
}

fn run<C: Run>(matches: &ArgMatches, session: &mut Session<'_>) -> Result<()> {
    C::from_arg_matches(matches)
        .map_err(|error| mistake(&error))?
        .run(session)
}

/// Text that a header takes: visible characters on one line.
fn parse_header(text: &str) -> std::result::Result<String, String> {
    let is_plain = |byte| matches!(byte, b' '..=b'~');
    match !text.trim().is_empty() && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("is empty, or has a character that a header does not take".to_owned()),
    }
}

/// Checks the name of a thing that becomes one segment of a path.
fn check_name(what: &str, name: &str) -> Result<()> {
    coro_api::names::check_name(what, name)
        .map_err(|error| crate::error::invalid(error.to_string()))
}
