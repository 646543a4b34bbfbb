use std::time::Duration;

use clap::Args;
use coro_api::humans::SESSION_HEADER;
use coro_api::requests::{self, NewPolicy, RequestKind};

use super::kinds;
use crate::commands::Run;
use crate::durations::parse_duration;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::human::{act_together, list, terminal_for, who};
use crate::print::row;
use crate::session::{Session, json_body, whole_seconds};

/// Print who decides what, or set it for a kind: project, kind, quorum, deciders, deputies
///
/// What is protected, or names humans, is set by as many humans as it asks for,
/// with their passphrases on a terminal, all else by the owner's token, or by a
/// human with --as. A quorum of 1 without names removes the policy.
#[derive(Args)]
pub(crate) struct Policy {
    /// Set who decides this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<RequestKind>,
    /// In this project; by default `CORO_PROJECT`, else the token's or the agent's, else "default"
    #[arg(long, requires = "kind")]
    project: Option<String>,
    /// So many must say the same; one no is enough
    #[arg(long, value_name = "N", default_value = "1", requires = "kind")]
    quorum: i64,
    /// A human who decides, or an actor such as agent:lead; may be given more than once
    #[arg(long = "decider", value_name = "NAME", requires = "kind")]
    deciders: Vec<String>,
    /// One who may decide too, after a while; may be given more than once
    #[arg(long = "deputy", value_name = "NAME", requires = "kind")]
    deputies: Vec<String>,
    /// How long deputies wait, such as 4h
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "kind")]
    deputies_after: Option<Duration>,
    /// Who you are, where there are several humans; more than once where the policy takes more
    #[arg(long = "as", value_name = "NAME", requires = "kind")]
    humans: Vec<String>,
}

impl Run for Policy {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let Some(kind) = self.kind else {
            let response = session.call(Request::get("/api/requests/policies"))?;
            return session.show(&response, |all: Vec<requests::Policy>| {
                all.iter().map(policy_row).collect::<Vec<_>>().join("\n")
            });
        };
        let after = self.deputies_after.map_or(0, whole_seconds);
        let new = NewPolicy {
            project: self.project.or(session.environment_project()),
            kind,
            quorum: self.quorum,
            deciders: self.deciders,
            deputies: self.deputies,
            deputies_after_seconds: i64::try_from(after).unwrap_or(i64::MAX),
        };
        let request = json_body(Request::new(Method::Put, "/api/requests/policies"), &new)?;
        let named = self.humans.first().map(String::as_str);
        let terminal = terminal_for(session, named, kind.is_protected())?;
        let response = match terminal {
            Some(mut terminal) => {
                let all = list(session)?;
                let names = match self.humans.is_empty() {
                    true => vec![who(&all, None)?],
                    false => {
                        let named = self.humans.into_iter();
                        named
                            .map(|name| who(&all, Some(name)))
                            .collect::<Result<_>>()?
                    }
                };
                let (who, set) = (
                    names.join(" and "),
                    if names.len() > 1 { "set" } else { "sets" },
                );
                terminal.say(&format!("{who} {set} who decides a {}:", kind.word()))?;
                terminal.say(&format!(
                    "{} of [{}], deputies [{}] after {after} s",
                    new.quorum,
                    new.deciders.join(", "),
                    new.deputies.join(", ")
                ))?;
                act_together(session, &mut terminal, names, |session, secrets| {
                    session.call(request.header(SESSION_HEADER, secrets))
                })?
            }
            None => session.call(request)?,
        };
        session.show(&response, |policy: requests::Policy| policy_row(&policy))
    }
}

fn policy_row(policy: &requests::Policy) -> String {
    row(&[
        &policy.project,
        policy.kind.word(),
        &policy.quorum.to_string(),
        &policy.deciders.join(","),
        &policy.deputies.join(","),
    ])
}
