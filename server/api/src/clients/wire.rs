//! Wire types of the clients: the table as a caller gets it, for its server.

use serde::{Deserialize, Serialize};

use super::{
    CLIENTS, Client, Evidence, Snippet, TOKEN_PLACEHOLDER, TOKEN_VARIABLE, Transport, render,
};

/// What to copy into the files of each MCP client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientSetups {
    /// The server's address in the texts, without `/mcp`.
    #[cfg_attr(feature = "openapi", schema(example = "http://127.0.0.1:9800"))]
    pub url: String,
    /// The environment variable that clients take the token from.
    #[cfg_attr(feature = "openapi", schema(example = "CORO_TOKEN"))]
    pub token_variable: String,
    /// What stands for the token in a text that needs it literally.
    #[cfg_attr(feature = "openapi", schema(example = "<token>"))]
    pub token_placeholder: String,
    /// The best-known ones first.
    pub clients: Vec<ClientSetup>,
}

/// One client, and the texts that connect it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientSetup {
    #[cfg_attr(feature = "openapi", schema(example = "claude-code"))]
    pub id: String,
    /// As its makers write it.
    #[cfg_attr(feature = "openapi", schema(example = "Claude Code"))]
    pub name: String,
    /// Whether its makers' own page says so; otherwise somebody else's does.
    pub confirmed: bool,
    /// What must be approved or known, in Markdown; may be empty.
    pub approve: String,
    /// Where one sees that it is connected, in Markdown; may be empty.
    pub check: String,
    /// One for each way in which it reaches the server, the better first.
    pub snippets: Vec<ClientSnippet>,
}

/// A file with nothing in it but our server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientSnippet {
    /// `http`, or `stdio` for the bridge `coro-cli mcp`.
    #[cfg_attr(feature = "openapi", schema(example = "http"))]
    pub transport: String,
    /// From the root of the repository, or below `~/`.
    #[cfg_attr(feature = "openapi", schema(example = ".mcp.json"))]
    pub file: String,
    /// The file is in the repository; it has no secret.
    pub committed: bool,
    /// The placeholder is to be replaced by a token, and the file to have mode
    /// 0600.
    pub needs_token: bool,
    /// `json`, `jsonc`, `toml` or `yaml`.
    #[cfg_attr(feature = "openapi", schema(example = "json"))]
    pub format: String,
    pub text: String,
}

/// The table for the server at `url`.
pub fn setups(url: &str) -> ClientSetups {
    ClientSetups {
        url: url.to_owned(),
        token_variable: TOKEN_VARIABLE.to_owned(),
        token_placeholder: TOKEN_PLACEHOLDER.to_owned(),
        clients: CLIENTS.iter().map(|client| setup(client, url)).collect(),
    }
}

fn setup(client: &Client, url: &str) -> ClientSetup {
    let snippet = |transport| Some((transport, render(client, url, transport)?));
    let snippets = [Transport::Http, Transport::Stdio].into_iter();
    ClientSetup {
        id: client.id.to_owned(),
        name: client.name.to_owned(),
        confirmed: client.evidence == Evidence::Vendor,
        approve: client.approve.to_owned(),
        check: client.check.to_owned(),
        snippets: snippets.filter_map(snippet).map(shown).collect(),
    }
}

fn shown((transport, snippet): (Transport, Snippet)) -> ClientSnippet {
    ClientSnippet {
        transport: transport.word().to_owned(),
        file: snippet.file.to_owned(),
        committed: snippet.committed,
        needs_token: snippet.needs_token,
        format: snippet.format.word().to_owned(),
        text: snippet.text,
    }
}
