//! Tries to decide by a hook.
//!
//! A hook tells what happens in a client, and nothing that it tells decides
//! anything. Whoever tries all the same is told so, and is in the audit as
//! whoever tries with a token is. A plain request is left alone: the agent may
//! decide it afterwards, by a command, where it leads.

use coro_api::numbers::RequestNumber;
use serde_json::json;

use super::store;
use crate::app::Ctx;
use crate::auth::record_protected;
use crate::error::{Error, Result, forbidden};

/// How much of what was tried is written down, in characters.
const WORDS_CHARS_MAX: usize = 100;

/// Why a hook that says this decides nothing, which is written down; `None`
/// where it names a plain request.
pub async fn refuse_hook(ctx: &Ctx, words: &str) -> Result<Option<Error>> {
    let number = number_in(words);
    let found = match number {
        Some(number) => {
            let tenant = ctx.caller.tenant.clone();
            let found = ctx.app.db.read(move |tx| store::find(tx, &tenant, number));
            found.await?
        }
        None => None,
    };
    let request = found.filter(|request| ctx.caller.sees_project(&request.project));
    let (subject, project, error) = match request {
        Some(request) if !request.kind.is_protected() => return Ok(None),
        Some(request) => {
            let number = request.number;
            let error = forbidden(format!(
                "{number} is protected, and a hook decides nothing: a human does, with their \
                 passphrase"
            ));
            let hint = format!("a person runs coro-cli yes or no {number} on a terminal");
            (number.to_string(), request.project, error.hint(hint))
        }
        None => {
            let error = forbidden("a hook decides nothing")
                .hint("a person runs coro-cli yes or no on a terminal");
            ("hook".to_owned(), String::new(), error)
        }
    };
    let tried: String = words.chars().take(WORDS_CHARS_MAX).collect();
    let note = json!({
        "how": "hook", "role": ctx.caller.role, "token": ctx.caller.token_id,
        "tried": tried, "why": error.message,
    });
    record_protected(ctx, "coro.request.refused", &subject, &project, note).await;
    Ok(Some(error))
}

/// The first number of a request in a text.
fn number_in(words: &str) -> Option<RequestNumber> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    words
        .split(|c| !is_part(c))
        .filter(|word| word.starts_with(['R', 'r']))
        .find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_wherever_it_stands() {
        for (words, number) in [
            ("yes R-7", Some(7)),
            ("{\"decision\":\"yes\",\"request\":\"r-12\"}", Some(12)),
            ("R-1R-2 yes, R-3.", Some(3)),
            ("yes 7", None),
            ("yes T-7 M-1 for-7", None),
            ("", None),
        ] {
            assert_eq!(number_in(words), number.map(RequestNumber), "{words}");
        }
    }
}
