//! Requests: what waits for a decision, and how one is decided.

pub(crate) mod decide;
mod get;
mod policy;
mod withdraw;

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::numbers::RequestNumber;
use coro_api::requests::{NO, Request, RequestKind, RequestStatus};

use crate::commands::{Node, Run, leaf};
use crate::error::{CliError, Result, conflict, refused, timed_out};
use crate::http;
use crate::polling::poll;
use crate::print::{escape, row};
use crate::session::{Session, unexpected};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<get::Get>("get"),
    leaf::<withdraw::Withdraw>("withdraw"),
    leaf::<policy::Policy>("policy"),
];

/// Print what waits for a decision, the newest first, a line each: number, kind, status, project, who asks, title
#[derive(Args)]
pub(crate) struct Requests {
    /// Those that are over too
    #[arg(long)]
    all: bool,
    /// Only of this project
    #[arg(long)]
    project: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<RequestKind>,
    /// Only those that this actor asked, such as agent:frontend
    #[arg(long, value_name = "ACTOR")]
    asked_by: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Only those with a number below this
    #[arg(long, value_name = "N")]
    before: Option<i64>,
}

impl Run for Requests {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request = http::Request::get("/api/requests")
            .query_if("status", (!self.all).then_some("waiting"))
            .query_if("project", self.project)
            .query_if("kind", self.kind.map(RequestKind::word))
            .query_if("asked_by", self.asked_by)
            .query_if("limit", self.limit)
            .query_if("before", self.before);
        let response = session.call(request)?;
        session.show(&response, |all: Vec<Request>| {
            all.iter().map(request_row).collect::<Vec<_>>().join("\n")
        })?;
        crate::paging::tell_what_follows(session, &response, "before");
        Ok(())
    }
}

fn request_row(request: &Request) -> String {
    row(&[
        &request.number.to_string(),
        request.kind.word(),
        request.status.word(),
        &request.project,
        &request.asked_by,
        &request.title,
    ])
}

/// A request about one request; `action` is what follows its number.
fn request_of(method: http::Method, number: RequestNumber, action: &str) -> http::Request {
    http::Request::new(method, &format!("/api/requests/{number}{action}"))
}

pub(crate) fn kinds() -> impl TypedValueParser<Value = RequestKind> {
    PossibleValuesParser::new(RequestKind::ALL.iter().map(|kind| kind.word()))
        .try_map(|word| RequestKind::from_word(&word).ok_or("is no kind"))
}

/// All that is decided, a line each. A line of the body begins with a bar, so
/// that none passes for one of ours.
fn described(request: &Request) -> Vec<String> {
    let kind = match request.protected {
        true => format!("{}, protected", request.kind.word()),
        false => request.kind.word().to_owned(),
    };
    let mut lines = vec![
        format!("{}: {}", request.number, escape(&request.title)),
        format!(
            "{kind}, {} in {}, asked by {} at {}, until {}, then {}",
            request.status.word(),
            escape(&request.project),
            escape(&request.asked_by),
            request.asked_at,
            request.expires_at,
            request.on_silence.word()
        ),
    ];
    lines.extend(
        request
            .body
            .lines()
            .map(|line| format!("| {}", escape(line))),
    );
    if let Some(detail) = &request.detail {
        lines.push(format!("detail: {}", escape(&detail.to_string())));
    }
    if let Some(lease) = request.lease {
        let on = escape(request.lease_pattern.as_deref().unwrap_or_default());
        lines.push(format!("lets the agent that asks edit under {lease}: {on}"));
    }
    lines.push(format!("options: {}", escape(&request.options.join(", "))));
    for vote in &request.votes {
        let (decider, option) = (escape(&vote.decider), escape(&vote.option));
        lines.push(format!("{decider} said {option}: {}", escape(&vote.why)));
    }
    if let Some(decision) = &request.decision {
        let who = request.decided_by.as_deref().unwrap_or("nobody in time");
        lines.push(format!("decision: {} by {}", escape(decision), escape(who)));
    }
    lines.push(format!("digest: {:.12}", request.digest));
    lines
}

/// Waits until a request is over, and prints the decision alone.
pub(crate) fn wait_for_decision(
    session: &mut Session<'_>,
    number: RequestNumber,
    wait: Duration,
) -> Result<()> {
    let request = request_of(http::Method::Get, number, "");
    let response = poll(session, Some(wait), &request, |response| {
        Ok(!request_in(response)?.status.waits())
    })?;
    let request = request_in(&response)?;
    if request.status.waits() {
        return Err(
            timed_out(format!("{number} is not decided yet")).hint(format!(
                "go on with coro-cli requests get {number} --wait 10m"
            )),
        );
    }
    if session.options.wants_json() {
        session.show_json(&response.body)?;
    } else if let Some(decision) = &request.decision {
        session.line(&escape(decision))?;
    }
    ending(&request)
}

fn request_in(response: &http::Response) -> Result<Request> {
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

/// A refusal is an error, so that a script can't take it for a permission.
fn ending(request: &Request) -> Result<()> {
    let number = request.number;
    let error: CliError = match (request.status, request.decision.as_deref()) {
        (RequestStatus::Withdrawn, _) => conflict(format!("{number} was withdrawn")),
        (RequestStatus::Expired, _) => refused(format!("{number} expired: nobody decided in time")),
        (_, Some(NO)) => {
            let who = request.decided_by.as_deref().unwrap_or_default();
            let why = request.why.as_deref().unwrap_or("no reason is given");
            refused(format!("{number} was refused by {who}: {why}"))
        }
        _ => return Ok(()),
    };
    Err(error)
}
