use clap::Args;
use coro_api::humans::Human;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

/// Print the humans, a line each: name, since when, made by, passphrase set when
/// (or -), how many passkeys, reset when
///
/// A passphrase that was forgotten is reset on the server's machine.
#[derive(Args)]
pub(crate) struct List {}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/humans"))?;
        let mut is_empty = false;
        session.show(&response, |humans: Vec<Human>| {
            is_empty = humans.is_empty();
            let rows = humans.iter().map(|human| {
                let passphrase = match human.has_passphrase {
                    true => human.changed_at.as_str(),
                    false => "-",
                };
                row(&[
                    &human.name,
                    &human.created_at,
                    &human.created_by,
                    passphrase,
                    &human.passkeys.len().to_string(),
                    human.reset_at.as_deref().unwrap_or_default(),
                ])
            });
            rows.collect::<Vec<_>>().join("\n")
        })?;
        if is_empty {
            session.talk(
                "there is no human yet; be the first: coro-cli humans set YOUR-NAME, or coro-cli \
                 dashboard",
            );
        }
        Ok(())
    }
}
