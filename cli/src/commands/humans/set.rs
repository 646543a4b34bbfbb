use clap::Args;
use coro_api::humans::{Human, NewHuman, Passphrase, SESSION_HEADER};
use coro_api::limits::PASSPHRASE_CHARS;

use crate::commands::{Run, check_name};
use crate::error::{Result, invalid, refused};
use crate::http::{Method, Request, Response};
use crate::human::{act_as, check_has_passphrase, list, terminal_of, who};
use crate::session::{Session, json_body};
use crate::terminal::Terminal;

/// Set a human's passphrase, typed on the terminal
///
/// The first human needs nothing but the owner's token: set it right after the
/// first start. Another one is added by a human who is there already, and a
/// passphrase is changed by whoever knows the old one. Passkeys are added on the
/// dashboard's page.
#[derive(Args)]
pub(crate) struct Set {
    /// Whose: appears with what they decide, as human:NAME
    name: String,
    /// Who you are, where there are several humans
    #[arg(long = "as", value_name = "NAME")]
    human: Option<String>,
}

impl Run for Set {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        check_name("human", &self.name)?;
        let Some(mut terminal) = terminal_of(session)? else {
            return Err(refused("a passphrase is typed by a person on a terminal")
                .hint("run this in a terminal of yours, with a token that is no agent's"));
        };
        let humans = list(session)?;
        let response = if humans.is_empty() {
            let new = ask_new(&mut terminal, self.name, None)?;
            send(session, &new, None)?
        } else if humans.iter().any(|human| human.name == self.name) {
            check_has_passphrase(&humans, &self.name)?;
            let old = terminal.ask_passphrase(&format!("Old passphrase of {}", self.name))?;
            let new = ask_new(&mut terminal, self.name, Some(old))?;
            send(session, &new, None)?
        } else {
            let name = who(&humans, self.human)?;
            terminal.say(&format!("{name} adds {}", self.name))?;
            let new = ask_new(&mut terminal, self.name, None)?;
            act_as(session, &mut terminal, name, |session, secret| {
                send(session, &new, Some(secret))
            })?
        };
        session.show(&response, |human: Human| crate::print::escape(&human.name))
    }
}

/// Asks twice, as nobody sees what they type.
fn ask_new(terminal: &mut Terminal, name: String, old: Option<Passphrase>) -> Result<NewHuman> {
    let passphrase = terminal.ask_passphrase(&format!("New passphrase of {name}"))?;
    let length = passphrase.reveal().chars().count();
    if !PASSPHRASE_CHARS.contains(&length) {
        return Err(invalid(format!(
            "the passphrase has {length} characters; it takes {} to {}",
            PASSPHRASE_CHARS.start(),
            PASSPHRASE_CHARS.end()
        )));
    }
    if terminal.ask_passphrase("The same again")? != passphrase {
        return Err(invalid("the two differ").hint("nothing was changed"));
    }
    Ok(NewHuman {
        name,
        passphrase,
        old_passphrase: old,
    })
}

fn send(session: &mut Session<'_>, new: &NewHuman, secret: Option<&str>) -> Result<Response> {
    let mut request = json_body(Request::new(Method::Post, "/api/humans"), new)?;
    if let Some(secret) = secret {
        request = request.header(SESSION_HEADER, secret);
    }
    session.call(request)
}
