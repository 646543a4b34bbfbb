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
        let places = shown_places(&target);
        let url_from = target.places_from.to_string();
        if session.options.wants_json() {
            let token_from = target.token.map(|token| token.origin.to_string());
            let value = serde_json::json!({"url": places, "url_from": url_from, "trusted": target.is_trusted, "token_from": token_from});
            return session.show_json(value.to_string().as_bytes());
        }
        session.line(&row(&["url", &places, &url_from]))?;
        if !target.is_trusted {
            session.talk(&format!(
                "{places} has neither your token nor your passphrase, since only the repository \
                 names it; where it is yours: coro-cli config trust {places}"
            ));
        }
        match target.token {
            Some(token) => session.line(&row(&["token", "set", &token.origin.to_string()])),
            None => session.line(&row(&["token", "-", "-"])),
        }
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
