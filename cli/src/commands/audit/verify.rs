use clap::Args;
use coro_api::audit::AuditVerification;

use crate::commands::Run;
use crate::error::{Result, failed, invalid};
use crate::http::{Patience, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// The server reads its whole log for this.
const VERIFICATION_DURATION_MAX: std::time::Duration = std::time::Duration::from_secs(600);

/// Check that no entry was changed or removed: first and last revision, count, hash
///
/// Keep the hash and its revision elsewhere: whoever could rewrite the whole
/// log could not rewrite those. Exit code 1 means that the log does not fit
/// together, 6 that its newest entry is not the one of --head.
#[derive(Args)]
pub(crate) struct Verify {
    /// The newest entry must have this hash, and this revision where one is given
    #[arg(long, value_name = "HASH[@REV]", value_parser = parse_head)]
    head: Option<Head>,
}

/// The newest entry as it was noted earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    hash: String,
    revision: Option<i64>,
}

impl Run for Verify {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let request =
            Request::get("/api/audit/verify").patience(Patience::whole(VERIFICATION_DURATION_MAX));
        let response = session.call(request)?;
        session.show(&response, |found: AuditVerification| {
            let (first, last) = (found.first.to_string(), found.last.to_string());
            row(&[&first, &last, &found.checked.to_string(), &found.head])
        })?;
        let found: AuditVerification =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        if found.ok {
            return self.head.map_or(Ok(()), |head| head.compare(&found));
        }
        let fault = found
            .fault
            .unwrap_or_else(|| "an entry does not fit the one before it".to_owned());
        Err(failed(format!("the log is not whole: {fault}"))
            .hint("compare with a backup, and keep this data folder as it is"))
    }
}

impl Head {
    /// The server tells the hash of its newest entry only, so that a longer log
    /// proves nothing either way; the message says which case it is.
    fn compare(&self, found: &AuditVerification) -> Result<()> {
        let (last, newest) = (found.last, &found.head);
        match self.revision {
            None if self.hash == *newest => Ok(()),
            None => Err(invalid(format!(
                "the newest entry, revision {last}, has another hash: either entries were added \
                 since it was noted, or the log was rewritten"
            ))
            .hint("give the revision too, as in --head HASH@REV, to tell these apart")),
            Some(revision) if revision == last && self.hash == *newest => Ok(()),
            Some(revision) if revision == last => Err(invalid(format!(
                "revision {revision} has another hash than the one that was noted: the log was \
                 rewritten"
            ))
            .hint("compare with a backup, and keep this data folder as it is")),
            Some(revision) if revision > last => Err(invalid(format!(
                "the log ends at revision {last}, before the noted {revision}: its end was removed, \
                 or an older backup restored"
            ))
            .hint("compare with a backup, and keep this data folder as it is")),
            Some(revision) => Err(invalid(format!(
                "revision {revision} can't be compared: the log goes on to {last}, and the server \
                 tells the hash of its newest entry only"
            ))
            .hint("look the hash of that revision up in the database, or note the head again")),
        }
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
        let found = AuditVerification {
            ok: true,
            first: 1,
            last: 12,
            checked: 12,
            head: here.clone(),
            fault: None,
        };
        let table = [
            (here.clone(), ""),
            (format!("{here}@12"), ""),
            (there.clone(), "either entries were added since"),
            (format!("{there}@12"), "the log was rewritten"),
            (format!("{here}@13"), "ends at revision 12"),
            (format!("{there}@11"), "can't be compared"),
        ];
        for (text, part) in table {
            let compared = parse_head(&text).unwrap().compare(&found);
            let message = compared.as_ref().map_err(|error| error.to_string());
            match compared.as_ref() {
                Ok(()) => assert_eq!(part, "", "{text}"),
                Err(error) => assert_eq!(error.exit.code(), 6),
            }
            let message = message.err().unwrap_or_default();
            assert!(message.contains(part), "{text}: {message}");
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
