use clap::Args;
use coro_api::clients::{ClientSetup, ClientSetups, ClientSnippet};

use crate::commands::Run;
use crate::error::{CliError, Result, not_found};
use crate::http::Request;
use crate::print::{escape, row};
use crate::session::{Session, unexpected};

/// Print MCP clients, or what the file of one needs to reach the server
///
/// A line for each client: name, file, transports. With a name it prints the
/// text of that client's file, with the address of the server; the file and what
/// else is to be done go to standard error.
#[derive(Args)]
pub(crate) struct Clients {
    /// The client, such as claude-code
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// How it reaches the server; by default the better way that it has
    #[arg(long, value_parser = ["http", "stdio"], requires = "name")]
    transport: Option<String>,
}

impl Run for Clients {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let response = session.call(Request::get("/api/clients"))?;
        let Some(name) = self.name else {
            return session.show(&response, |setups: ClientSetups| {
                let rows = setups.clients.iter().map(client_row);
                rows.collect::<Vec<_>>().join("\n")
            });
        };
        let setups: ClientSetups =
            serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))?;
        let client = setups.clients.iter().find(|client| client.id == name);
        let client = client.ok_or_else(|| no_client(&name))?;
        if session.options.wants_json() {
            let json = serde_json::to_vec(client).expect("a type of the wire has a text");
            return session.show_json(&json);
        }
        let snippet = snippet_of(client, self.transport)?;
        session.bytes(snippet.text.as_bytes())?;
        if !snippet.text.ends_with('\n') {
            session.bytes(b"\n")?;
        }
        session.talk(&note(snippet, &setups));
        for also in [&client.approve, &client.check] {
            if !also.is_empty() {
                session.talk(&escape(also));
            }
        }
        Ok(())
    }
}

fn client_row(client: &ClientSetup) -> String {
    let file = client.snippets.first().map(|snippet| snippet.file.as_str());
    let transports: Vec<&str> = client
        .snippets
        .iter()
        .map(|snippet| snippet.transport.as_str())
        .collect();
    row(&[&client.id, file.unwrap_or_default(), &transports.join(",")])
}

fn no_client(name: &str) -> CliError {
    not_found(format!("no client is called {name:?}")).hint(
        "coro-cli clients lists those that are known; most others take the text of one of them",
    )
}

fn snippet_of(client: &ClientSetup, transport: Option<String>) -> Result<&ClientSnippet> {
    let is_asked = |snippet: &&ClientSnippet| {
        let asked = transport.as_ref();
        asked.is_none_or(|transport| snippet.transport == *transport)
    };
    client.snippets.iter().find(is_asked).ok_or_else(|| {
        let transport = transport.as_deref().unwrap_or_default();
        not_found(format!("{} has no {transport}", client.name)).hint("leave --transport out")
    })
}

/// Where it belongs, and what is secret about it.
fn note(snippet: &ClientSnippet, setups: &ClientSetups) -> String {
    let (file, placeholder) = (escape(&snippet.file), escape(&setups.token_placeholder));
    let variable = escape(&setups.token_variable);
    if snippet.needs_token {
        return format!("this is for {file}: put the token where {placeholder} stands, mode 0600");
    }
    let whose = if snippet.committed {
        "to be committed"
    } else {
        "your own"
    };
    format!("this is for {file}, {whose}; start the client with the token in {variable}")
}
