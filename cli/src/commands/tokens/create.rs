use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use coro_api::tokens::{IssuedToken, NewToken, PrincipalKind, Role};

use crate::commands::Run;
use crate::durations::parse_duration;
use crate::error::{Result, failed};
use crate::http::{Method, Request};
use crate::session::{Session, whole_seconds};

/// Make a token and print it; it is shown this once
#[derive(Args)]
pub(crate) struct Create {
    /// Whose it is: the actor of what is done with it
    name: String,
    /// What it allows
    #[arg(long, value_parser = roles())]
    role: Role,
    /// What it belongs to; by default what is usual for the role
    #[arg(long, value_parser = kinds())]
    kind: Option<PrincipalKind>,
    /// The one project that it may touch
    #[arg(long)]
    project: Option<String>,
    /// Keys that it may touch begin so; may be given more than once
    #[arg(long = "key-prefix", value_name = "PREFIX")]
    key_prefixes: Vec<String>,
    /// How long it is valid, such as 12h or 30d; by default without end
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    expires_in: Option<Duration>,
}

impl Run for Create {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let new = NewToken {
            name: self.name,
            role: self.role,
            kind: self.kind,
            project: self.project,
            key_prefixes: self.key_prefixes,
            expires_in: self
                .expires_in
                .and_then(|time| i64::try_from(whole_seconds(time)).ok()),
        };
        let body = serde_json::to_vec(&new).map_err(|error| failed(error.to_string()))?;
        let request = Request::new(Method::Post, "/api/tokens").body("application/json", body);
        let response = session.call(request)?;
        session.show(&response, |issued: IssuedToken| issued.token)
    }
}

pub(crate) fn roles() -> impl TypedValueParser<Value = Role> {
    let words = Role::ALL.map(Role::word);
    PossibleValuesParser::new(words).try_map(|word| Role::from_word(&word).ok_or("is no role"))
}

fn kinds() -> impl TypedValueParser<Value = PrincipalKind> {
    const KINDS: [PrincipalKind; 4] = [
        PrincipalKind::Human,
        PrincipalKind::Agent,
        PrincipalKind::Runner,
        PrincipalKind::Service,
    ];
    let find = |word: String| {
        KINDS
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or("is no kind")
    };
    PossibleValuesParser::new(KINDS.map(PrincipalKind::word)).try_map(find)
}
