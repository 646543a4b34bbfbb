//! Acting as a human: at a terminal, with a passphrase, for a few calls.

use coro_api::humans::{Human, SESSION_HEADER, Unlock, Unlocked};
use coro_api::system::Whoami;
use coro_api::tokens::Role;

use crate::error::{Result, conflict, not_found, refused, usage};
use crate::http::{Method, Request};
use crate::session::{Session, json_body, unexpected};
use crate::terminal::Terminal;

/// The terminal of a person who may unlock. `None` where nobody is there who
/// could: in the server, without a terminal, for an agent. Then the server
/// refuses what is protected, and writes it down.
pub(crate) fn terminal_of(session: &mut Session<'_>) -> Result<Option<Terminal>> {
    let Ok(machine) = session.machine() else {
        return Ok(None);
    };
    if machine.environment.is_agent {
        return Ok(None);
    }
    let Some(terminal) = Terminal::open() else {
        return Ok(None);
    };
    let whoami = session.call(Request::get("/api/whoami"))?;
    let whoami: Whoami = serde_json::from_slice(&whoami.body).map_err(|e| unexpected(&e))?;
    let is_person =
        whoami.instance_id.is_none() && matches!(whoami.role, Role::Owner | Role::Controller);
    Ok(is_person.then_some(terminal))
}

/// The terminal on which a human decides, where one has to or is named. One who
/// is named decides nothing by a token instead; what is protected is left to the
/// server, which refuses it.
pub(crate) fn terminal_for(
    session: &mut Session<'_>,
    named: Option<&str>,
    is_protected: bool,
) -> Result<Option<Terminal>> {
    if !is_protected && named.is_none() {
        return Ok(None);
    }
    let terminal = terminal_of(session)?;
    match (&terminal, named) {
        (None, Some(name)) if !is_protected => Err(refused(format!(
            "{name} decides with a passphrase, typed on a terminal, and here is none"
        ))
        .hint("run this in a terminal of yours, or leave out --as: the token decides then")),
        _ => Ok(terminal),
    }
}

/// The humans of the tenant.
pub(crate) fn list(session: &mut Session<'_>) -> Result<Vec<Human>> {
    let response = session.call(Request::get("/api/humans"))?;
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

/// Which human acts: the one who is named, or the only one.
pub(crate) fn who(humans: &[Human], named: Option<String>) -> Result<String> {
    match (named, humans) {
        (_, []) => Err(conflict("no human has set a passphrase yet")
            .hint("a person does so on a terminal: coro-cli humans set NAME")),
        (Some(name), all) if all.iter().any(|human| human.name == name) => Ok(name),
        (Some(name), _) => Err(not_found(format!("there is no human {name:?}"))
            .hint("list them with coro-cli humans list")),
        (None, [only]) => Ok(only.name.clone()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|human| human.name.as_str()).collect();
            Err(usage(format!("who are you: {}?", names.join(", "))).hint("say so with --as NAME"))
        }
    }
}

/// Asks for the passphrase, and makes calls with a session that ends after
/// them.
pub(crate) fn act_as<T>(
    session: &mut Session<'_>,
    terminal: &mut Terminal,
    name: String,
    calls: impl FnOnce(&mut Session<'_>, &str) -> Result<T>,
) -> Result<T> {
    let passphrase = terminal.ask_passphrase(&format!("Passphrase of {name}"))?;
    let unlock = Unlock {
        name: Some(name),
        passphrase,
    };
    let request = Request::new(Method::Post, "/api/humans/unlock");
    let response = session.call(json_body(request, &unlock)?)?;
    let unlocked: Unlocked =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    let result = calls(session, &unlocked.session);
    let lock = Request::new(Method::Delete, "/api/humans/session");
    // Without this the session ends by itself after some minutes.
    let _ = session.call(lock.header(SESSION_HEADER, unlocked.session));
    result
}
