//! The files of MCP clients: their texts are a snapshot, and `docs/mcp.md`
//! tells them.

use std::fmt::Write as _;
use std::path::PathBuf;

use coro_api::clients::{CLIENTS, Client, Evidence, Rank, Snippet, Token, Transport, render};
use coro_tests::repository;

/// Where the server listens if nothing else is said.
const URL: &str = "http://127.0.0.1:9800";

const BEGIN: &str = "<!-- clients:begin -->\n";
const END: &str = "<!-- clients:end -->\n";

#[test]
fn each_clients_files_are_those_that_were_reviewed() {
    let mut text = String::new();
    for client in CLIENTS {
        for transport in [Transport::Http, Transport::Stdio] {
            // Writing to a string can't fail.
            let _ = match render(client, URL, transport) {
                Some(snippet) => write!(
                    text,
                    "# {} {transport:?}: {}\n{}\n",
                    client.id, snippet.file, snippet.text
                ),
                None => writeln!(text, "# {} {transport:?}: none\n", client.id),
            };
        }
    }
    insta::assert_snapshot!(text);
}

/// The part of `docs/mcp.md` between the marks is written again with
/// `cargo test -p coro-tests reference -- --ignored`.
#[test]
fn the_clients_in_the_docs_are_those_of_the_table() {
    let (_, written, _) = document();
    assert!(
        written == clients_markdown(),
        "docs/mcp.md is old; see how to write it again in {}",
        file!()
    );
}

#[test]
#[ignore = "writes docs/mcp.md"]
fn write_the_reference_of_clients() {
    let (before, _, after) = document();
    let text = format!("{before}{BEGIN}{}{END}{after}", clients_markdown());
    std::fs::write(path(), text).expect("the docs take a file");
}

fn path() -> PathBuf {
    repository().join("docs/mcp.md")
}

/// The document before, between and after the marks.
fn document() -> (String, String, String) {
    let text = std::fs::read_to_string(path()).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("where clients begin");
    let (between, after) = rest.split_once(END).expect("where clients end");
    (before.to_owned(), between.to_owned(), after.to_owned())
}

fn clients_markdown() -> String {
    let of_rank = |rank| CLIENTS.iter().filter(move |client| client.rank == rank);
    let mut text = String::new();
    for client in of_rank(Rank::First) {
        write_section(&mut text, client);
    }
    text.push_str(BRIDGE);
    write_bridges(&mut text, of_rank(Rank::First));
    text.push_str(SECOND_RANK);
    for client in of_rank(Rank::Second) {
        write_row(&mut text, client);
    }
    text.push_str("\nA star: not from the vendor's own pages; check that it connects.\n\n");
    text
}

/// A client of the first rank: file, text, what to approve, where to look.
fn write_section(text: &mut String, client: &Client) {
    let snippet = render(client, URL, Transport::Http).expect("first rank has HTTP");
    let other = client.user_file.filter(|file| *file != snippet.file);
    let other = other.map_or_else(String::new, |file| format!("; for all projects `{file}`"));
    let _ = write!(
        text,
        "\n### {}\n\n`{}`{other}\n\n{}\n{}{} Connected: {}.\n",
        client.name,
        snippet.file,
        fenced(&snippet),
        literal_hint(&snippet),
        client.approve,
        client.check,
    );
}

fn fenced(snippet: &Snippet) -> String {
    format!("```{}\n{}```\n", snippet.format.word(), snippet.text)
}

fn literal_hint(snippet: &Snippet) -> &'static str {
    if snippet.needs_token {
        "Put the token itself in place of `<token>` and keep the file to yourself (`chmod 600`), or use the stdio \
         bridge. "
    } else {
        ""
    }
}

const BRIDGE: &str = "
## The stdio bridge

Every client can start a program. `coro-cli mcp` passes messages between the client and the server; it finds both server and
token as every command does, so nothing secret is in the client's file. Only the owner's token in the data folder it leaves
alone, unless it is started with `--as-owner`: whoever speaks there is an agent. Store the token once, in the project:

```sh
printf %s \"$CORO_TOKEN\" | coro-cli config set token -
```

Clients with a file of the user only may start the bridge outside of the project: for those add `--user`. Rely on the stored
token and not on the variable: several clients hand on few variables, or none that looks like a secret. `coro-cli` must be on
the `PATH` that the client has; else write its whole path.

| client, file | text |
|---|---|
";

/// Texts of the bridge, each once with all clients that take it.
fn write_bridges<'a>(text: &mut String, clients: impl Iterator<Item = &'a Client>) {
    let mut groups: Vec<(Snippet, Vec<String>)> = Vec::new();
    for client in clients {
        let snippet = render(client, URL, Transport::Stdio).expect("everybody has the bridge");
        let place = format!("{} `{}`", client.name, snippet.file);
        let known = groups.iter_mut().find(|(of, _)| of.text == snippet.text);
        match known {
            Some((_, places)) => places.push(place),
            None => groups.push((snippet, vec![place])),
        }
    }
    for (snippet, places) in groups {
        let _ = writeln!(
            text,
            "| {} | {} |",
            places.join("<br>"),
            on_one_line(&snippet)
        );
    }
}

const SECOND_RANK: &str = "
## More clients

Each as it stands in an empty file; the bridge where a token has no safe place.

| client | file | text | to know |
|---|---|---|---|
";

fn write_row(text: &mut String, client: &Client) {
    let transport = match client.token {
        Token::Literal | Token::Bridge => Transport::Stdio,
        _ => Transport::Http,
    };
    let snippet = render(client, URL, transport).expect("HTTP or the bridge");
    let star = match client.evidence {
        Evidence::Vendor => "",
        Evidence::Secondhand => " *",
    };
    let _ = writeln!(
        text,
        "| {}{star} | `{}` | {} | {} |",
        client.name,
        snippet.file,
        on_one_line(&snippet),
        client.approve
    );
}

/// The text in a cell of a table.
fn on_one_line(snippet: &Snippet) -> String {
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(&snippet.text) {
        return format!("`{value}`");
    }
    let lines: Vec<String> = snippet
        .text
        .lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            format!("{}`{}`", "&nbsp;".repeat(indent), line.trim_start())
        })
        .collect();
    lines.join("<br>")
}
