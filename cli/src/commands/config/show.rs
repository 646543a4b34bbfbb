use clap::Args;

use crate::commands::Run;
use crate::config::Target;
use crate::error::Result;
use crate::http::Address;
use crate::print::row;
use crate::session::Session;

/// Print the settings in effect, a line each: name, value, where it comes from
///
/// Of a token only its presence is shown.
#[derive(Args)]
pub(crate) struct Show {}

impl Run for Show {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let target = session.target()?;
        let places = shown_places(target);
        let (url_from, is_trusted) = (target.places_from.to_string(), target.is_trusted);
        // A token that is kept back says so; all else is shown all the same.
        let (token_from, kept_back) = match target.token() {
            Ok(token) => (token.map(|token| token.origin.to_string()), None),
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        if session.options.wants_json() {
            let value = serde_json::json!({"url": places, "url_from": url_from, "trusted": is_trusted, "token_from": token_from});
            session.show_json(value.to_string().as_bytes())?;
        } else {
            session.line(&row(&["url", &places, &url_from]))?;
            let token = match &token_from {
                Some(origin) => row(&["token", "set", origin]),
                None => row(&["token", "-", "-"]),
            };
            session.line(&token)?;
        }
        if let Some(refusal) = kept_back {
            session.talk(&refusal);
        } else if !is_trusted {
            session.talk(&format!(
                "{places} has neither your token nor your passphrase, since only the repository \
                 names it; where it is yours: coro-cli config trust {places}"
            ));
        }
        Ok(())
    }
}

/// All places, in the order in which they are tried.
pub(super) fn shown_places(target: &Target) -> String {
    target
        .places
        .iter()
        .map(Address::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
