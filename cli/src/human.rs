//! Acting as a human: at a terminal, with a passphrase, for a few calls.

use coro_api::humans::{Human, SESSION_HEADER, Unlock, Unlocked};
use coro_api::system::Whoami;
use coro_api::tokens::Role;

use crate::error::{Result, conflict, not_found, refused, usage};
use crate::http::{Address, Method, Request};
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
    check_may_know(session)?;
    let whoami = session.call(Request::get("/api/whoami"))?;
    let whoami: Whoami = serde_json::from_slice(&whoami.body).map_err(|e| unexpected(&e))?;
    let is_person =
        whoami.instance_id.is_none() && matches!(whoami.role, Role::Owner | Role::Controller);
    Ok(is_person.then_some(terminal))
}

/// A passphrase goes to a server that the user named, and not in the clear.
fn check_may_know(session: &mut Session<'_>) -> Result<()> {
    let target = session.target()?;
    let place = &target.places[0];
    if !target.is_trusted {
        return Err(target.untrusted("your passphrase"));
    }
    if target.places.iter().any(Address::is_in_the_clear) {
        return Err(usage(format!(
            "your passphrase is not sent to {place} in the clear"
        ))
        .hint("name the server by an address with https"));
    }
    Ok(())
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

/// Which human acts: the one who is named, or the only one. On a terminal
/// that takes a passphrase.
pub(crate) fn who(humans: &[Human], named: Option<String>) -> Result<String> {
    let name = match (named, humans) {
        (_, []) => {
            return Err(conflict("there is no human yet")
                .hint("be the first: coro-cli humans set YOUR-NAME, or coro-cli dashboard"));
        }
        (Some(name), all) if all.iter().any(|human| human.name == name) => name,
        (Some(name), _) => {
            return Err(not_found(format!("there is no human {name:?}"))
                .hint("list them with coro-cli humans list"));
        }
        (None, [only]) => only.name.clone(),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|human| human.name.as_str()).collect();
            return Err(
                usage(format!("who are you: {}?", names.join(", "))).hint("say so with --as NAME")
            );
        }
    };
    check_has_passphrase(humans, &name)?;
    Ok(name)
}

/// A browser has passkeys, a terminal has not.
pub(crate) fn check_has_passphrase(humans: &[Human], name: &str) -> Result<()> {
    let has_none = |human: &Human| human.name == name && !human.has_passphrase;
    if !humans.iter().any(has_none) {
        return Ok(());
    }
    let message = format!("{name} has passkeys and no passphrase, which a terminal takes");
    Err(conflict(message).hint(
        "use the page: coro-cli dashboard; or set a passphrase there first, under Settings, Humans",
    ))
}

/// Asks for the passphrase, and makes calls with a session that ends after
/// them.
pub(crate) fn act_as<T>(
    session: &mut Session<'_>,
    terminal: &mut Terminal,
    name: String,
    calls: impl FnOnce(&mut Session<'_>, &str) -> Result<T>,
) -> Result<T> {
    act_together(session, terminal, vec![name], calls)
}

/// As [`act_as`], of several humans who are here; their sessions are joined as
/// the header takes them.
pub(crate) fn act_together<T>(
    session: &mut Session<'_>,
    terminal: &mut Terminal,
    names: Vec<String>,
    calls: impl FnOnce(&mut Session<'_>, &str) -> Result<T>,
) -> Result<T> {
    let mut secrets = Vec::with_capacity(names.len());
    let mut all_unlocked = Ok(());
    for name in names {
        match unlock(session, terminal, name) {
            Ok(secret) => secrets.push(secret),
            Err(error) => {
                all_unlocked = Err(error);
                break;
            }
        }
    }
    let result = all_unlocked.and_then(|()| calls(session, &secrets.join(", ")));
    for secret in secrets {
        let lock = Request::new(Method::Delete, "/api/humans/session");
        // Without this the session ends by itself after some minutes.
        let _ = session.call(lock.header(SESSION_HEADER, secret));
    }
    result
}

fn unlock(session: &mut Session<'_>, terminal: &mut Terminal, name: String) -> Result<String> {
    let passphrase = terminal.ask_passphrase(&format!("Passphrase of {name}"))?;
    let unlock = Unlock {
        name: Some(name),
        passphrase,
    };
    let request = Request::new(Method::Post, "/api/humans/unlock");
    let response = session.call(json_body(request, &unlock)?)?;
    let unlocked: Unlocked =
        serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
    Ok(unlocked.session)
}
