//! The next step after a refusal, as something to type.
//!
//! The server's `next` is for whoever speaks HTTP. Who typed a command needs
//! another one, or an option of it. So the reason and the command decide here,
//! in one place; the server's own words are shown only where they would mean
//! the same to both readers.

use coro_api::Reason;

use crate::http::{Request, percent_decode};

/// A refusal, and what the caller did to get it.
pub(crate) struct Refusal<'a> {
    /// The words of the command, such as `state get`.
    pub(crate) command: &'a str,
    pub(crate) request: &'a Request,
    pub(crate) reason: Reason,
    /// The server's own hint.
    pub(crate) next: Option<&'a str>,
    /// As `Problem::revision`.
    pub(crate) revision: Option<i64>,
    /// The `ETag` of what is there now.
    pub(crate) etag: Option<&'a str>,
    /// How many seconds to wait.
    pub(crate) retry_after: Option<&'a str>,
    /// Under which id the server's log has the cause.
    pub(crate) request_id: Option<&'a str>,
}

impl Refusal<'_> {
    /// What to do next; `None` where nothing is known to help.
    pub(crate) fn hint(&self) -> Option<String> {
        let own = self.own_hint();
        own.or_else(|| {
            self.next
                .filter(|next| !speaks_http(next))
                .map(str::to_owned)
        })
    }

    fn own_hint(&self) -> Option<String> {
        let (group, verb) = self.command.split_once(' ').unwrap_or((self.command, ""));
        let hint = match (self.reason, group, verb) {
            (Reason::Invalid, "state", "set") if self.request.body.is_empty() => {
                "a value has at least one byte".to_owned()
            }
            (Reason::Invalid, "state" | "leases" | "tasks", "list")
                if self.is_advised() && !self.asks("limit") =>
            {
                "ask for pages with --limit 1000".to_owned()
            }
            (Reason::Invalid, "state", "diff")
                if self.is_advised() && !self.asks("format=text") =>
            {
                "compare text with --format text".to_owned()
            }
            (Reason::Invalid, "events", "subscribe" | "wait")
            | (Reason::Invalid, "state", "watch")
            | (Reason::Invalid, "consumers", "create") => {
                format!("go on with --from {}", self.revision?)
            }
            (Reason::Invalid, _, "list") if self.next.is_none() && self.asks("cursor=") => {
                "leave out --cursor, or take the one that the list before it named".to_owned()
            }
            (Reason::Unauthenticated, ..) => {
                "see with coro-cli config show where the token comes from; \
                 an owner makes one with coro-cli tokens create"
                    .to_owned()
            }
            (Reason::NotFound, "state", _) if self.names_version() => {
                // The server says whether that version ever was.
                let gone = if self.says("no longer kept") {
                    "it is no longer kept; "
                } else {
                    ""
                };
                format!(
                    "{gone}see what is kept with coro-cli state history {}",
                    self.key()
                )
            }
            (Reason::NotFound, "state", _) => "list the keys with coro-cli state list".to_owned(),
            (Reason::NotFound, "consumers", _) => {
                "list yours with coro-cli consumers list".to_owned()
            }
            (Reason::NotFound, "tokens", _) => "list them with coro-cli tokens list".to_owned(),
            (Reason::NotFound, "activate" | "intent" | "instances", _) => {
                "list them with coro-cli instances list".to_owned()
            }
            (Reason::Conflict, "activate" | "intent" | "instances", _)
                if self.says("register first") =>
            {
                "register with coro-cli register, and call with the token that it prints".to_owned()
            }
            (Reason::Conflict, "register", _) if self.says("takeover") => {
                let also = match self.has_header("Idempotency-Key") {
                    true => " and another --idempotency-key",
                    false => "",
                };
                format!(
                    "take another name; or, where it is you after a restart, add --takeover{also}"
                )
            }
            (Reason::Conflict, "state", "patch") => {
                let key = self.key();
                format!(
                    "read it with coro-cli state get {key}, then correct the patch, \
                     or write the whole value with coro-cli state set {key}"
                )
            }
            (Reason::Conflict, "leases", "take") if self.says("wait for it") => {
                "wait for it with --wait 10m, take something narrower, or ask its holder".to_owned()
            }
            (Reason::Compacted, ..) => self.after_compaction(group, verb)?,
            (Reason::PreconditionFailed, "txn", _) => {
                "read the key again, correct compare and writes, and repeat".to_owned()
            }
            (Reason::PreconditionFailed, "state", _) => self.after_stale(verb),
            (Reason::PreconditionRequired, "txn", _) => {
                format!("add the key to compare, with version {}", self.version()?)
            }
            (Reason::PreconditionRequired, "state", _) => {
                let (key, version) = (self.key(), self.version()?);
                format!(
                    "read it with coro-cli state get {key}, then repeat with --if-version {version}"
                )
            }
            (Reason::IdempotencyMismatch, ..) => {
                "use another --idempotency-key for another request".to_owned()
            }
            (Reason::Internal, ..) if self.next.is_none_or(speaks_http) => {
                format!(
                    "the server's log has the cause, under the request {}",
                    self.request_id?
                )
            }
            (Reason::Unavailable, ..) => self.after_outage()?,
            _ => return None,
        };
        Some(hint)
    }

    /// The condition of a write did not hold.
    fn after_stale(&self, verb: &str) -> String {
        let key = self.key();
        let creates = self.has_header("If-None-Match");
        match (self.version(), verb) {
            (Some(_), _) if creates => format!("it exists: see coro-cli state get {key}"),
            (Some(version), "set" | "patch") => format!(
                "read it with coro-cli state get {key}, apply your change to that, \
                 and repeat with --if-version {version}"
            ),
            (Some(version), _) => format!(
                "read it with coro-cli state get {key}, then repeat with --if-version {version}"
            ),
            (None, "set") => "create it with --if-absent".to_owned(),
            (None, "patch") => format!("create it with coro-cli state set --if-absent {key}"),
            (None, "rollback") => "bring it back with --if-version 0".to_owned(),
            (None, _) => "list the keys with coro-cli state list".to_owned(),
        }
    }

    /// The place in the log to go on from is older than what is kept.
    fn after_compaction(&self, group: &str, verb: &str) -> Option<String> {
        let from = self.revision? - 1;
        let go_on = match (group, verb) {
            ("consumers", "fetch") => format!("coro-cli consumers ack {} {from}", self.consumer()),
            _ => format!("--from {from}"),
        };
        Some(format!(
            "read what you need with coro-cli state list, then go on with {go_on}"
        ))
    }

    /// The server says by naming the header that the write may have happened.
    fn after_outage(&self) -> Option<String> {
        let is_uncertain = self.says("Idempotency-Key");
        if is_uncertain && self.has_header("Idempotency-Key") {
            return Some("repeat it with the same --idempotency-key".to_owned());
        }
        if is_uncertain {
            return Some("read it back before you repeat it".to_owned());
        }
        if self.next.is_some_and(|next| !speaks_http(next)) {
            return None;
        }
        let seconds = self.retry_after?;
        Some(format!("repeat it after {seconds} s"))
    }

    /// The version in the tag of what is there now.
    fn version(&self) -> Option<i64> {
        let tag = self.etag?.trim_start_matches("W/");
        let (version, _) = tag.strip_prefix("\"v")?.split_once('-')?;
        version.parse().ok()
    }

    /// Whether the server knows a next step, in its own words.
    fn is_advised(&self) -> bool {
        self.next.is_some_and(speaks_http)
    }

    /// Whether the server's own hint contains this.
    fn says(&self, words: &str) -> bool {
        self.next.is_some_and(|next| next.contains(words))
    }

    fn has_header(&self, name: &str) -> bool {
        self.request
            .headers
            .iter()
            .any(|(header, _)| *header == name)
    }

    /// Whether the query has this parameter.
    fn asks(&self, parameter: &str) -> bool {
        let query = self.request.path_and_query.split_once('?');
        query.is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with(parameter)))
    }

    fn names_version(&self) -> bool {
        ["version=", "diff=", "rollback="]
            .iter()
            .any(|parameter| self.asks(parameter))
    }

    /// The key that the request is about, as a shell takes it.
    fn key(&self) -> String {
        let key = self.path_below("/api/state/").and_then(percent_decode);
        key.map_or_else(|| "KEY".to_owned(), |key| shell_word(&key))
    }

    /// The consumer that the request is about, as a shell takes it.
    fn consumer(&self) -> String {
        let name = self.path_below("/api/consumers/");
        let name = name.and_then(|rest| percent_decode(rest.split('/').next()?));
        name.map_or_else(|| "NAME".to_owned(), |name| shell_word(&name))
    }

    fn path_below(&self, folder: &str) -> Option<&str> {
        let path = self.request.path_and_query.split('?').next()?;
        path.strip_prefix(folder)
    }
}

/// Quotes what a shell would take apart.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@:,".contains(c);
    let word = match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    };
    match text.starts_with('-') {
        true => format!("-- {word}"),
        false => word,
    }
}

/// Whether a hint names what only HTTP has: a method, a path, a header, a
/// parameter of a query, a media type, a body.
fn speaks_http(hint: &str) -> bool {
    hint.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !(c.is_alphanumeric() || "/?=-".contains(c)));
        const WORDS: [&str; 11] = [
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "HTTP",
            "Authorization",
            "Link",
            "header",
            "body",
        ];
        let is_header = || {
            let mut parts = word.split('-');
            word.contains('-') && parts.all(|part| part.starts_with(|c: char| c.is_uppercase()))
        };
        WORDS.contains(&word)
            || word.starts_with(['/', '?'])
            || word.contains("/api/")
            || word.contains("application/")
            || (word.contains('=') && !word.starts_with("--"))
            || is_header()
    })
}

#[cfg(test)]
mod tests;
