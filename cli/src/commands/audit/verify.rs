use clap::Args;
use coro_api::audit::AuditVerification;

use crate::commands::Run;
use crate::error::{Result, failed, invalid};
use crate::http::{Patience, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// The server reads its whole log for this.
const VERIFICATION_DURATION_MAX: std::time::Duration = std::time::Duration::from_secs(600);

/// What to do where something is wrong.
const KEEP: &str = "compare with a backup, and keep this data folder as it is";

/// Check that no entry was changed or removed: first and last revision, count, hash
///
/// Keep the hash and its revision elsewhere: whoever could rewrite the whole
/// log could not rewrite those. Exit code 1 means that the log does not fit
/// together, 6 that the head of --head is not its own.
#[derive(Args)]
pub(crate) struct Verify {
    /// The entry at this revision must have this hash; without one the newest entry
    #[arg(long, value_name = "HASH[@REV]", value_parser = parse_head)]
    head: Option<Head>,
}

/// A head as it was noted earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    hash: String,
    revision: Option<i64>,
}

impl Run for Verify {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut request =
            Request::get("/api/audit/verify").patience(Patience::whole(VERIFICATION_DURATION_MAX));
        if let Some(head) = &self.head
            && let Some(revision) = head.revision
        {
            request = request
                .query("revision", revision)
                .query("hash", &head.hash);
        }
        let response = session.call(request)?;
        session.show(&response, |found: AuditVerification| {
            let (first, last) = (found.first.to_string(), found.last.to_string());
            row(&[&first, &last, &found.checked.to_string(), &found.head])
        })?;
        let found: AuditVerification =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        judge(&found, self.head.as_ref())
    }
}

/// The server compares a head that has a revision.
fn judge(found: &AuditVerification, head: Option<&Head>) -> Result<()> {
    if let Some(fault) = &found.head_fault {
        return Err(invalid(fault.as_str()).hint(KEEP));
    }
    if !found.ok {
        let fault = found.fault.as_deref();
        let fault = fault.unwrap_or("an entry does not fit the one before it");
        return Err(failed(format!("the log is not whole: {fault}")).hint(KEEP));
    }
    match head {
        Some(head) if head.revision.is_none() && head.hash != found.head => Err(invalid(format!(
            "the newest entry, revision {}, has another hash: either entries were added since it \
             was noted, or the log was rewritten",
            found.last
        ))
        .hint("give the revision too, as in --head HASH@REV, to tell these apart")),
        _ => Ok(()),
    }
}

fn parse_head(text: &str) -> std::result::Result<Head, String> {
    let (hash, revision) = match text.split_once('@') {
        Some((hash, revision)) => (hash, Some(revision)),
        None => (text, None),
    };
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a hash has 64 hexadecimal digits".to_owned());
    }
    let revision = revision
        .map(|revision| {
            revision
                .parse()
                .map_err(|_| format!("{revision:?} is no revision"))
        })
        .transpose()?;
    Ok(Head {
        hash: hash.to_ascii_lowercase(),
        revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_head_means_depends_on_where_it_was() {
        let (here, there) = ("a".repeat(64), "B".repeat(64));
        let found = |head_fault: Option<&str>| AuditVerification {
            ok: head_fault.is_none(),
            first: 1,
            last: 12,
            checked: 12,
            head: here.clone(),
            fault: None,
            head_fault: head_fault.map(str::to_owned),
        };
        let rewritten = Some("the log was rewritten");
        let table = [
            (here.clone(), found(None), ""),
            (
                there.clone(),
                found(None),
                "either entries were added since",
            ),
            (format!("{here}@11"), found(None), ""),
            (format!("{there}@11"), found(rewritten), "was rewritten"),
        ];
        for (text, found, part) in table {
            let judged = judge(&found, Some(&parse_head(&text).unwrap()));
            match judged {
                Ok(()) => assert_eq!(part, "", "{text}"),
                Err(error) => {
                    assert_eq!(error.exit.code(), 6);
                    assert!(error.to_string().contains(part), "{text}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_head_is_a_hash_and_perhaps_a_revision() {
        let hash = "0f".repeat(32);
        assert_eq!(parse_head(&format!("{hash}@7")).unwrap().revision, Some(7));
        for text in [
            "",
            "12",
            &hash[1..],
            &format!("{hash}@"),
            &format!("{hash}@x"),
        ] {
            assert!(parse_head(text).is_err(), "{text}");
        }
    }
}
