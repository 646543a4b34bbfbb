use clap::Args;
use coro_api::audit::AuditVerification;

use crate::commands::Run;
use crate::error::{Result, failed};
use crate::http::{Patience, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

/// The server reads its whole log for this.
const VERIFICATION_DURATION_MAX: std::time::Duration = std::time::Duration::from_secs(600);

/// Check that no entry was changed or removed: first and last revision, count, hash
///
/// Keep the hash elsewhere: whoever could rewrite the whole log could not
/// rewrite that. Exit code 1 means that the log does not fit together.
#[derive(Args)]
pub(crate) struct Verify {}

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
            return Ok(());
        }
        let fault = found
            .fault
            .unwrap_or_else(|| "an entry does not fit the one before it".to_owned());
        Err(failed(format!("the log is not whole: {fault}"))
            .hint("compare with a backup, and keep this data folder as it is"))
    }
}
