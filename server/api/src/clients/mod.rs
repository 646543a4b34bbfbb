//! The MCP clients that Coro knows: which file each one reads, how that file
//! names our server, and how it takes the token.
//!
//! [`CLIENTS`] is the one table; `docs/mcp.md` is generated from it. The shape
//! of an entry is a template ([`Part`]), and [`render()`] fills in the URL, so
//! that a client costs a row and no code. To add one, write its row with the
//! vendor's page beside it, review the snapshot of `tests/suite/clients.rs`,
//! and write the document again as that file says.
//!
//! What must hold, and is tested: a text for a project's file never has room
//! for a token, since that file is committed; a client that knows no variable
//! is given a file of its user, or the bridge (`coro-cli mcp`), which finds
//! server and token by itself.

mod render;
mod table;
#[cfg(test)]
mod tests;
mod wire;

pub use render::{Snippet, render};
pub use table::CLIENTS;
pub use wire::{ClientSetup, ClientSetups, ClientSnippet, setups};

/// What our server is called in every client's file.
pub const SERVER_NAME: &str = "coro";

/// The environment variable that clients take the token from.
pub const TOKEN_VARIABLE: &str = "CORO_TOKEN";

/// Stands for the token in a text that needs it literally ([`Token::Literal`]).
pub const TOKEN_PLACEHOLDER: &str = "<token>";

/// The client of that id.
pub fn find(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.id == id)
}

/// One client: a row of the table.
#[derive(Debug)]
pub struct Client {
    /// Stable: commands and settings use it.
    pub id: &'static str,
    /// As its makers write it.
    pub name: &'static str,
    pub rank: Rank,
    pub evidence: Evidence,
    /// The file in the repository, from its root; it is committed.
    pub project_file: Option<&'static str>,
    /// The file of one user, on Linux.
    pub user_file: Option<&'static str>,
    pub format: Format,
    pub token: Token,
    pub shape: Shape,
    /// Where it reads instructions: files from the root of the repository.
    pub rules: &'static [&'static str],
    pub hooks: Hooks,
    /// What must be approved or known, in Markdown: sentences, or nothing.
    pub approve: &'static str,
    /// Where one sees that it is connected, in Markdown without a full stop;
    /// empty where we have not read it.
    pub check: &'static str,
}

impl Client {
    /// The members of the file that lead to the server's entry, with dots.
    pub fn top_key(&self) -> String {
        self.shape.stdio.path.join(".")
    }

    /// The member that takes the URL; none where only the bridge works.
    pub fn url_key(&self) -> Option<&'static str> {
        let members = self.shape.http.as_ref()?.members;
        let (key, _) = members.iter().find(|(_, part)| matches!(part, Part::Url))?;
        Some(key)
    }

    /// The member that says "Streamable HTTP" and its value; none where the
    /// client tells it by the URL.
    pub fn http_type(&self) -> Option<(&'static str, &'static str)> {
        let members = self.shape.http.as_ref()?.members;
        members.iter().find_map(|(key, part)| match part {
            Part::Text(word) if matches!(*key, "type" | "transport") => Some((*key, *word)),
            _ => None,
        })
    }
}

/// How much of the table's promise a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// A section of its own in the documents.
    First,
    /// A line in a list.
    Second,
}

/// Where the facts of a row come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The vendor's page or source.
    Vendor,
    /// Somebody else's: let a program write it only after a check.
    Secondhand,
}

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP at `/mcp` of the server's URL.
    Http,
    /// The client starts `coro-cli mcp`, which passes messages on.
    Stdio,
}

impl Transport {
    /// As answers have it.
    pub fn word(self) -> &'static str {
        match self {
            Transport::Http => "http",
            Transport::Stdio => "stdio",
        }
    }
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    /// JSON in which the client allows comments: a program that edits it must
    /// keep them. What is rendered is plain JSON.
    Jsonc,
    Toml,
    Yaml,
}

impl Format {
    /// The word after the fence of a Markdown block.
    pub fn word(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Jsonc => "jsonc",
            Format::Toml => "toml",
            Format::Yaml => "yaml",
        }
    }
}

/// How a client takes the token for the header `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// It puts the variable in place of this text, and says so in its manual.
    Variable(&'static str),
    /// As [`Token::Variable`], but its manual does not say so for headers: if
    /// the server answers 401, use the bridge.
    VariableToTry(&'static str),
    /// Its entry names the variable and nothing else.
    VariableName,
    /// It asks once and remembers; the id of its input.
    Prompt(&'static str),
    /// It knows no variables: the token itself, in the user's file with mode
    /// 0600. Better: the bridge.
    Literal,
    /// It can be given no header that is safe; the bridge only.
    Bridge,
}

/// Whether a client calls programs at events, such as before an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hooks {
    /// None that we know of.
    None,
    /// Declared in this file, or in files of this folder or pattern.
    File(&'static str),
    /// As a plugin in TypeScript.
    Plugin,
    /// It has them; where they are declared is not confirmed.
    Unconfirmed,
}

/// How a client's file holds the entry of a server.
#[derive(Debug)]
pub struct Shape {
    /// What must stand beside the servers, whatever the transport.
    pub beside: Members,
    /// None where only the bridge works.
    pub http: Option<Entry>,
    pub stdio: Entry,
}

/// The place and the members of one server's entry.
#[derive(Debug)]
pub struct Entry {
    /// Members of the file that lead to the servers, from the outside.
    pub path: &'static [&'static str],
    /// The servers are a list, and each says its name; otherwise an object
    /// with the name as key.
    pub listed: bool,
    pub members: Members,
}

/// Members of an object, in the order in which they are written.
pub type Members = &'static [(&'static str, Part)];

/// A value of a template.
#[derive(Debug)]
pub enum Part {
    /// The server's URL, with `/mcp`.
    Url,
    /// `Bearer` and the token, as [`Client::token`] says.
    Authorization,
    /// The token without `Bearer`, as [`Client::token`] says.
    Token,
    /// [`TOKEN_VARIABLE`].
    TokenVariable,
    /// [`SERVER_NAME`].
    Name,
    /// The bridge's program.
    Program,
    /// The bridge's arguments.
    Arguments,
    /// Program and arguments in one list.
    CommandLine,
    Bool(bool),
    Number(u32),
    Text(&'static str),
    Texts(&'static [&'static str]),
    Members(Members),
}
