//! The tool `get_endpoints`: where data goes.

use super::call::{Call, Effect, Told, Tool, boxed};
use crate::auth::Permission;
use crate::error::Result;

pub(super) const GET_ENDPOINTS: Tool = Tool {
    name: "get_endpoints",
    about: "Where the REST API is and which CLI commands there are",
    arguments: r#"{"type":"object","properties":{}}"#,
    effect: Effect::Reads,
    needs: Permission::Known,
    run: |call| boxed(get_endpoints(call)),
};

async fn get_endpoints(call: Call) -> Result<Told> {
    let commands: Vec<String> = coro_cli::command()
        .get_subcommands()
        .filter(|command| !is_of_a_shell(command.get_name()))
        .map(|command| {
            let below: Vec<_> = command
                .get_subcommands()
                .map(|one| one.get_name())
                .collect();
            match below.is_empty() {
                true => command.get_name().to_owned(),
                false => format!("{} {}", command.get_name(), below.join("|")),
            }
        })
        .collect();
    let url = call.base_url();
    Ok(format!(
        "REST: {url}/api, described at {url}/openapi.json; send Authorization: Bearer TOKEN.\n\
         CLI: coro-cli with CORO_URL={url} and CORO_TOKEN, or the tool coro. Commands:\n{}\n\
         More: coro-cli COMMAND --help",
        commands.join("\n")
    )
    .into())
}

/// Commands that are about the machine that they run on.
fn is_of_a_shell(name: &str) -> bool {
    matches!(
        name,
        "completions" | "man" | "config" | "backup" | "version" | "mcp" | "help"
    )
}
