//! Claims on files and names, so that two agents don't change the same.

mod check;
mod get;
mod list;
mod release;
mod renew;
mod take;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::leases::{CheckPaths, CheckedPaths, HinderedPath, Lease, LeaseMode};
use coro_api::numbers::LeaseNumber;

use crate::commands::{Node, leaf};
use crate::error::{Result, failed};
use crate::http::{Method, Patience, Request};
use crate::print::row;
use crate::session::{Session, unexpected};

pub(crate) static COMMANDS: &[Node] = &[
    leaf::<take::Take>("take"),
    leaf::<list::List>("list"),
    leaf::<get::Get>("get"),
    leaf::<renew::Renew>("renew"),
    leaf::<release::Release>("release"),
    leaf::<check::Check>("check"),
];

/// How many paths one request asks about: far below what a body may hold.
const PATHS_OF_REQUEST: usize = 2_000;

/// A request about one lease; `action` is what follows its number in the path.
fn request(method: Method, lease: LeaseNumber, action: &str) -> Request {
    Request::new(method, &format!("/api/leases/{lease}{action}"))
}

fn with_body(request: Request, body: &impl serde::Serialize) -> Result<Request> {
    let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
    Ok(request.body("application/json", body))
}

/// Number, status, mode, kind, pattern or name, holder, task, project, end, and
/// the reason, which is last since it may be long.
fn lease_row(lease: &Lease) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_default();
    let status = match lease.protected {
        true => "protected",
        false => lease.status.word(),
    };
    row(&[
        &lease.id.to_string(),
        status,
        lease.mode.word(),
        lease.kind.word(),
        &lease.pattern,
        &lease.holder,
        &or_none(lease.task.map(|task| task.to_string())),
        &lease.project,
        &or_none(lease.expires_at.clone()),
        &lease.reason,
    ])
}

/// Path, mode, lease, holder, project and reason.
pub(crate) fn hindered_row(one: &HinderedPath) -> String {
    row(&[
        &one.path,
        one.mode.word(),
        &one.lease.to_string(),
        &one.holder,
        &one.project,
        &one.reason,
    ])
}

/// What to do where a call looked in all projects, and the lease may be of
/// another repository: the end of a hint.
pub(crate) fn hint_of_projects(checked: &CheckedPaths) -> String {
    let (None, Some(worst)) = (&checked.project, checked.hindered.first()) else {
        return String::new();
    };
    format!(
        "; {} is of project {}: name this repository's with --project or CORO_PROJECT where it is another",
        worst.lease, worst.project
    )
}

/// Asks which paths others have leased, the worst mode first.
pub(crate) fn hindered(
    session: &mut Session<'_>,
    project: Option<&str>,
    paths: &[String],
    patience: Option<Patience>,
) -> Result<CheckedPaths> {
    let mut all = CheckedPaths {
        project: None,
        hindered: Vec::new(),
    };
    for paths in paths.chunks(PATHS_OF_REQUEST) {
        let check = CheckPaths {
            project: project.map(str::to_owned),
            paths: paths.to_vec(),
        };
        let mut request = with_body(Request::new(Method::Post, "/api/leases/check"), &check)?;
        if let Some(patience) = patience {
            request = request.patience(patience);
        }
        let response = session.call(request)?;
        let checked: CheckedPaths =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        all.project = checked.project;
        all.hindered.extend(checked.hindered);
    }
    all.hindered.sort_by_key(|one| std::cmp::Reverse(one.mode));
    Ok(all)
}

fn modes() -> impl TypedValueParser<Value = LeaseMode> {
    let words = LeaseMode::ALL.map(LeaseMode::word);
    PossibleValuesParser::new(words).try_map(|word| LeaseMode::from_word(&word).ok_or("is no mode"))
}
