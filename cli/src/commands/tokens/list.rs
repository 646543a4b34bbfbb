use clap::Args;
use coro_api::tokens::Token;

use crate::commands::Run;
use crate::error::Result;
use crate::http::Request;
use crate::print::row;
use crate::session::Session;

/// Print tokens, a line each: id, actor, role, project, key prefixes, expiry
#[derive(Args)]
pub(crate) struct List {}

impl Run for List {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/tokens"))?;
        session.show(&response, |tokens: Vec<Token>| {
            tokens.iter().map(token_row).collect::<Vec<_>>().join("\n")
        })
    }
}

fn token_row(token: &Token) -> String {
    row(&[
        &token.id,
        &format!("{}:{}", token.kind.word(), token.name),
        token.role.word(),
        token.project.as_deref().unwrap_or_default(),
        &token.key_prefixes.join(","),
        token.expires_at.as_deref().unwrap_or_default(),
    ])
}
