//! What `yes` and `no` share.
//!
//! What is read is what is decided: the digest of the request that was shown
//! goes with the decision. What is protected is shown on the terminal and takes
//! a passphrase there. Where there is no such terminal it is sent without one:
//! the server refuses it, and writes down who tried.

use coro_api::humans::SESSION_HEADER;
use coro_api::numbers::RequestNumber;
use coro_api::requests::{Decision, NO, Request};

use super::{described, request_of};
use crate::error::{Result, invalid, usage};
use crate::http::{Method, Response};
use crate::human::{act_as, list, terminal_for, who};
use crate::print::{escape, row};
use crate::session::{Session, json_body, unexpected};

/// What someone decides.
pub(crate) struct Answer {
    pub(crate) number: RequestNumber,
    pub(crate) option: String,
    pub(crate) why: String,
    /// Who decides, as a human; needed where there are several.
    pub(crate) human: Option<String>,
}

pub(crate) fn decide(session: &mut Session<'_>, answer: Answer) -> Result<()> {
    if answer.option == NO && answer.why.trim().is_empty() {
        return Err(usage("the reason is empty")
            .hint("whoever asked reads it: say in a line what speaks against it"));
    }
    let response = session.call(request_of(Method::Get, answer.number, ""))?;
    let request: Request =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    let terminal = match request.status.waits() {
        true => terminal_for(session, answer.human.as_deref(), request.protected)?,
        false => None,
    };
    let response = match terminal {
        Some(mut terminal) => {
            check_option(&request, &answer.option)?;
            for line in described(&request) {
                terminal.say(&line)?;
            }
            let name = who(&list(session)?, answer.human.clone())?;
            terminal.say(&format!("{name} decides: {}", answer.option))?;
            act_as(session, &mut terminal, name, |session, secret| {
                send(session, &request, &answer, Some(secret))
            })?
        }
        None => send(session, &request, &answer, None)?,
    };
    session.show(&response, |request: Request| {
        let decision = request.decision.unwrap_or_default();
        row(&[
            &request.number.to_string(),
            request.status.word(),
            &decision,
        ])
    })
}

/// Nobody is asked for a passphrase for what the server would refuse.
fn check_option(request: &Request, option: &str) -> Result<()> {
    if option == NO || request.options.iter().any(|one| one == option) {
        return Ok(());
    }
    let options = escape(&request.options.join(", "));
    let message = format!(
        "{} has no option {option:?}; it takes {options}",
        request.number
    );
    Err(invalid(message).hint("name one of them with --option, or say no"))
}

fn send(
    session: &mut Session<'_>,
    request: &Request,
    answer: &Answer,
    secret: Option<&str>,
) -> Result<Response> {
    let decision = Decision {
        option: answer.option.clone(),
        digest: request.digest.clone(),
        why: answer.why.clone(),
    };
    let mut call = json_body(
        request_of(Method::Post, request.number, "/decide"),
        &decision,
    )?;
    if let Some(secret) = secret {
        call = call.header(SESSION_HEADER, secret);
    }
    session.call(call)
}
