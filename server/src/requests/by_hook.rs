//! Tries to decide by a hook.
//!
//! A hook tells what happens in a client, and nothing that it tells decides
//! anything. Whoever tries all the same is told so, and is in the audit as
//! whoever tries with a token is. A plain request is left alone: the agent may
//! decide it afterwards, by a command, where it leads.

use coro_api::limits::HOOK_REQUESTS_MAX;
use coro_api::numbers::RequestNumber;
use serde_json::json;

use super::{RequestRow, store};
use crate::app::Ctx;
use crate::auth::record_protected;
use crate::error::{Error, Result, forbidden};
use crate::humans::OR_ON_THE_PAGE;

/// How much of what was tried is written down, in characters.
const WORDS_CHARS_MAX: usize = 100;

/// Why a hook that says this decides nothing, which is written down; `None`
/// where it names plain requests only.
///
/// `named` is where their numbers are looked for: the words as they are, or what
/// they are the JSON of.
pub async fn refuse_hook(ctx: &Ctx, words: &str, named: &str) -> Result<Option<Error>> {
    let numbers = RequestNumber::all_in(named, HOOK_REQUESTS_MAX + 1);
    let mut named = find_seen(ctx, &numbers).await?;
    let all_are_known = !numbers.is_empty() && named.len() == numbers.len();
    let protected = named.iter().position(|one| one.kind.is_protected());
    let (subject, project, error) = match protected.map(|at| named.swap_remove(at)) {
        None if all_are_known && numbers.len() <= HOOK_REQUESTS_MAX => return Ok(None),
        Some(request) => {
            let number = request.number;
            let error = forbidden(format!(
                "{number} is protected, and a hook decides nothing: a human does, with their \
                 passphrase or passkey"
            ));
            let hint =
                format!("a person runs coro-cli yes or no {number} on a terminal{OR_ON_THE_PAGE}");
            (number.to_string(), request.project, error.hint(hint))
        }
        None => {
            let hint = format!("a person runs coro-cli yes or no on a terminal{OR_ON_THE_PAGE}");
            let error = forbidden("a hook decides nothing").hint(hint);
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

/// Those of some requests that are there and that the caller may see, in the
/// same order.
async fn find_seen(ctx: &Ctx, numbers: &[RequestNumber]) -> Result<Vec<RequestRow>> {
    let (caller, numbers) = (ctx.caller.clone(), numbers.to_vec());
    let read = ctx.app.db.read(move |tx| {
        let mut seen = Vec::new();
        for number in &numbers {
            let found = store::find(tx, &caller.tenant, *number)?;
            seen.extend(found.filter(|request| caller.sees_project(&request.project)));
        }
        Ok(seen)
    });
    read.await
}
