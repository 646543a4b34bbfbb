//! Who may change a policy.
//!
//! Whoever could loosen a policy alone could decide alone. So where a decision
//! takes humans, the policy is changed by as many of them ([`PolicyRow::keepers`]),
//! and only what a token may decide is changed by the owner's token. A change
//! may name the policy that it replaces by its digest, so that of two who edit
//! one at a time the second hears of the first.

use coro_api::requests::RequestKind;
use coro_api::tokens::Role;
use serde_json::json;

use super::policy::PolicyRow;
use crate::app::Ctx;
use crate::error::{Error, Reason, Result, forbidden};
use crate::humans::OR_ON_THE_PAGE;
use crate::ids::Hash;
use crate::state::{Condition, Tag};

impl PolicyRow {
    /// Which humans may change it, none meaning every one, and how many of them
    /// it takes; `None` where the owner's token is enough.
    pub(super) fn keepers(&self) -> Option<(Vec<&String>, i64)> {
        let is_protected = self.kind.is_protected();
        let mut humans: Vec<&String> = self
            .deciders
            .iter()
            .filter(|name| names_human(name))
            .collect();
        if !is_protected && humans.is_empty() {
            return None;
        }
        // Where the deciders alone are too few, their deputies have to join in.
        if is_protected && !humans.is_empty() && (humans.len() as i64) < self.quorum {
            humans.extend(
                self.deputies
                    .iter()
                    .filter(|name| !self.deciders.contains(name)),
            );
        }
        let count = match is_protected {
            true => self.quorum,
            // A token decides there too, so these are fewer than the quorum.
            false => self.quorum.min(humans.len() as i64),
        };
        Some((humans, count))
    }

    /// SHA-256 over all that is shown of it.
    pub(super) fn digest(&self) -> Hash {
        let all = json!([
            self.project,
            self.kind,
            self.quorum,
            self.deciders,
            self.deputies,
            self.deputies_after_seconds,
            self.set_by,
            self.set_at.0,
        ]);
        Hash::of(all.to_string().as_bytes())
    }
}

/// Whether a decider is a human; a token's actor has a colon.
pub(super) fn names_human(name: &str) -> bool {
    !name.contains(':')
}

pub(super) fn check_may_set(
    ctx: &Ctx,
    project: &str,
    kind: RequestKind,
    before: Option<&PolicyRow>,
    humans: &[String],
) -> Result<()> {
    let usual = PolicyRow::usual(project, kind);
    let Some((keepers, count)) = before.unwrap_or(&usual).keepers() else {
        return match ctx.caller.role == Role::Owner || !humans.is_empty() {
            true => Ok(()),
            false => Err(forbidden("who decides is set by the owner")),
        };
    };
    let word = kind.word();
    if humans.is_empty() {
        return Err(forbidden(format!(
            "who decides a {word} of {project:?} is protected: a human sets it with their passphrase or passkey"
        ))
        .hint(format!(
            "a person runs coro-cli requests policy … --as NAME on a terminal{OR_ON_THE_PAGE}"
        )));
    }
    let is_keeper = |name: &&String| keepers.is_empty() || keepers.contains(name);
    if humans.iter().filter(is_keeper).count() as i64 >= count {
        return Ok(());
    }
    let mut of = String::new();
    if !keepers.is_empty() {
        let names: Vec<&str> = keepers.iter().map(|name| name.as_str()).collect();
        of = format!(" of {}", names.join(", "));
    }
    Err(forbidden(format!(
        "who decides a {word} of {project:?} is changed by {count}{of}, as its policy says: this is {}",
        humans.join(", ")
    ))
    .hint("they unlock together: coro-cli requests policy … --as NAME --as NAME"))
}

/// Whether the policy is the one that the caller has seen.
pub(super) fn check_condition(
    condition: &Condition,
    project: &str,
    kind: RequestKind,
    before: Option<&PolicyRow>,
) -> Result<()> {
    let holds = match (condition, before) {
        (Condition::None, _) => true,
        (Condition::Absent, before) => before.is_none(),
        (Condition::Present, before) => before.is_some(),
        // Policies have no versions, so that only their digest is compared.
        (Condition::OneOf(tags), Some(before)) => tags.contains(&Tag::Hash(before.digest().hex())),
        (Condition::OneOf(_), None) => false,
    };
    if holds {
        return Ok(());
    }
    let word = kind.word();
    let message = match before {
        Some(before) => format!(
            "who decides a {word} of {project:?} was set by {} at {}",
            before.set_by, before.set_at
        ),
        None => format!("no policy says who decides a {word} of {project:?}: it was taken away"),
    };
    Err(Error::new(Reason::PreconditionFailed, message)
        .hint("read the policies again, and change what is there now"))
}
