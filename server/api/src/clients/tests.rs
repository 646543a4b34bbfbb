//! What naive generators of these files get wrong, a test each; the texts
//! themselves are a snapshot in `tests/suite/clients.rs`.

use std::collections::HashSet;

use serde_json::Value;

use super::*;

const URL: &str = "http://127.0.0.1:9800";

/// Every text of the table.
fn snippets(url: &str) -> Vec<(&'static Client, Transport, Snippet)> {
    let mut all = Vec::new();
    for client in CLIENTS {
        for transport in [Transport::Http, Transport::Stdio] {
            if let Some(snippet) = render(client, url, transport) {
                all.push((client, transport, snippet));
            }
        }
    }
    all
}

fn rendered(id: &str, transport: Transport) -> Snippet {
    render(find(id).expect("in the table"), URL, transport).expect("a text")
}

/// The entry of our server as the client's own reader sees it. YAML is not
/// parsed: no crate here reads it.
fn entry(client: &Client, transport: Transport, snippet: &Snippet) -> Option<Value> {
    let document: Value = match snippet.format {
        Format::Json | Format::Jsonc => serde_json::from_str(&snippet.text).expect("JSON"),
        Format::Toml => toml::from_str(&snippet.text).expect("TOML"),
        Format::Yaml => return None,
    };
    let shape = match transport {
        Transport::Http => client.shape.http.as_ref().expect("rendered"),
        Transport::Stdio => &client.shape.stdio,
    };
    let mut value = &document;
    for key in shape.path {
        value = &value[*key];
    }
    Some(if shape.listed {
        value[0].clone()
    } else {
        value[SERVER_NAME].clone()
    })
}

fn http_entry(id: &str) -> Value {
    let client = find(id).expect("in the table");
    entry(client, Transport::Http, &rendered(id, Transport::Http)).expect("a format that is read")
}

#[test]
fn ids_are_unique_and_first_rank_comes_first() {
    let ids: HashSet<&str> = CLIENTS.iter().map(|client| client.id).collect();
    assert_eq!(ids.len(), CLIENTS.len());
    assert!(CLIENTS.is_sorted_by_key(|client| client.rank == Rank::Second));
    assert!(find("codex").is_some() && find("roo-code").is_none());
}

#[test]
fn first_rank_is_known_from_its_vendor_and_told_whole() {
    for client in CLIENTS.iter().filter(|client| client.rank == Rank::First) {
        assert_eq!(client.evidence, Evidence::Vendor, "{}", client.id);
        assert!(client.approve.ends_with('.'), "{}", client.id);
        assert!(!client.check.is_empty(), "{}", client.id);
        assert!(client.shape.http.is_some(), "{}", client.id);
    }
}

#[test]
fn every_client_has_the_bridge() {
    for client in CLIENTS {
        let snippet = render(client, URL, Transport::Stdio).expect(client.id);
        assert!(snippet.text.contains("coro-cli"), "{}", client.id);
        assert!(!snippet.text.contains("9800"), "{}", client.id);
        assert!(!snippet.needs_token, "{}", client.id);
        let Some(entry) = entry(client, Transport::Stdio, &snippet) else {
            continue;
        };
        let command = match &entry["command"] {
            Value::Array(words) => words.clone(),
            program => {
                let mut words = vec![program.clone()];
                words.extend(entry["args"].as_array().expect("arguments").clone());
                words
            }
        };
        assert_eq!(command, ["coro-cli", "mcp"], "{}", client.id);
    }
}

#[test]
fn a_url_of_odd_characters_is_read_back_as_it_was() {
    let odd = "http://[::1]:9800/a \"b\" \\c\\ 'd' #e: ü \u{7f}\u{2028}\t/x";
    for (client, transport, snippet) in snippets(odd) {
        let Some(entry) = entry(client, transport, &snippet) else {
            continue;
        };
        if let (Transport::Http, Some(key)) = (transport, client.url_key()) {
            assert_eq!(entry[key], format!("{odd}/mcp"), "{}", client.id);
        }
    }
    let goose = find("goose").expect("in the table");
    let yaml = render(goose, odd, Transport::Http).expect("a text").text;
    let line = r##"    uri: "http://[::1]:9800/a \"b\" \\c\\ 'd' #e: ü \u007F\u2028\t/x/mcp""##;
    assert!(yaml.lines().any(|written| written == line), "{yaml}");
}

#[test]
fn a_url_gets_one_slash_before_mcp() {
    for url in [URL, "http://127.0.0.1:9800/", "http://127.0.0.1:9800//"] {
        let cursor = find("cursor").expect("in the table");
        let text = render(cursor, url, Transport::Http).expect("a text").text;
        assert!(text.contains("\"http://127.0.0.1:9800/mcp\""), "{text}");
    }
}

#[test]
fn no_token_has_a_place_in_a_file_that_is_committed() {
    for (client, transport, snippet) in snippets(URL) {
        let literal = snippet.text.contains(TOKEN_PLACEHOLDER);
        assert_eq!(literal, snippet.needs_token, "{} {transport:?}", client.id);
        assert!(!(literal && snippet.committed), "{}", client.id);
        assert_eq!(snippet.committed, !snippet.file.starts_with("~/"));
    }
    assert_eq!(
        rendered("zed", Transport::Http).file,
        "~/.config/zed/settings.json"
    );
    assert_eq!(rendered("zed", Transport::Stdio).file, ".zed/settings.json");
}

#[test]
fn claude_code_reads_the_file_in_the_root() {
    for transport in [Transport::Http, Transport::Stdio] {
        assert_eq!(rendered("claude-code", transport).file, ".mcp.json");
    }
    // Names that Claude Code keeps for itself.
    let reserved = [
        "workspace",
        "claude-in-chrome",
        "computer-use",
        "Claude Preview",
        "Claude Browser",
    ];
    assert!(!reserved.contains(&SERVER_NAME));
}

#[test]
fn the_type_is_there_where_it_must_be_and_nowhere_else() {
    for (id, word) in [
        ("claude-code", "http"),
        ("copilot-cli", "http"),
        ("vscode", "http"),
        ("factory", "http"),
        ("crush", "http"),
        ("opencode", "remote"),
        ("kilo", "remote"),
        ("cline", "streamableHttp"),
    ] {
        assert_eq!(http_entry(id)["type"], word, "{id}");
        let client = find(id).expect("in the table");
        assert_eq!(client.http_type(), Some(("type", word)));
    }
    for id in [
        "cursor",
        "zed",
        "junie",
        "kiro",
        "warp",
        "amp",
        "antigravity",
        "gemini-cli",
    ] {
        assert!(http_entry(id).get("type").is_none(), "{id}");
    }
}

#[test]
fn the_url_has_the_clients_own_key() {
    for (id, key) in [
        ("gemini-cli", "httpUrl"),
        ("qwen-code", "httpUrl"),
        ("antigravity", "serverUrl"),
        ("windsurf", "serverUrl"),
        ("goose", "uri"),
        ("cursor", "url"),
        ("codex", "url"),
    ] {
        assert_eq!(find(id).expect("in the table").url_key(), Some(key), "{id}");
    }
    for id in ["gemini-cli", "qwen-code", "antigravity", "windsurf"] {
        assert!(http_entry(id).get("url").is_none(), "{id}");
    }
}

#[test]
fn servers_stand_below_the_clients_own_key() {
    for (id, key) in [
        ("claude-code", "mcpServers"),
        ("vscode", "servers"),
        ("opencode", "mcp"),
        ("kilo", "mcp"),
        ("crush", "mcp"),
        ("zed", "context_servers"),
        ("amp", "amp.mcpServers"),
        ("codex", "mcp_servers"),
        ("goose", "extensions"),
    ] {
        assert_eq!(find(id).expect("in the table").top_key(), key, "{id}");
    }
    let vibe = rendered("mistral-vibe", Transport::Http).text;
    assert!(vibe.starts_with("[[mcp_servers]]\n"), "{vibe}");
    let amp: Value = serde_json::from_str(&rendered("amp", Transport::Http).text).expect("JSON");
    assert!(amp.get("amp.mcpServers").is_some(), "one key with a dot");
}

#[test]
fn a_variable_is_written_as_its_client_reads_it() {
    for (id, header) in [
        ("claude-code", "Bearer ${CORO_TOKEN}"),
        ("copilot-cli", "Bearer ${CORO_TOKEN}"),
        ("kiro", "Bearer ${CORO_TOKEN}"),
        ("cursor", "Bearer ${env:CORO_TOKEN}"),
        ("windsurf", "Bearer ${env:CORO_TOKEN}"),
        ("vscode", "Bearer ${input:coro-token}"),
        ("opencode", "Bearer {env:CORO_TOKEN}"),
        ("kilo", "Bearer {env:CORO_TOKEN}"),
        ("gemini-cli", "Bearer $CORO_TOKEN"),
        ("qwen-code", "Bearer $CORO_TOKEN"),
        ("crush", "Bearer $CORO_TOKEN"),
        ("amp", "Bearer $CORO_TOKEN"),
    ] {
        assert_eq!(http_entry(id)["headers"]["Authorization"], header, "{id}");
    }
    for (id, key) in [
        ("codex", "bearer_token_env_var"),
        ("kimi-code", "bearerTokenEnvVar"),
        ("mistral-vibe", "api_key_env"),
    ] {
        assert_eq!(http_entry(id)[key], "CORO_TOKEN", "{id}");
        assert!(http_entry(id).get("headers").is_none(), "{id}");
    }
}

#[test]
fn vscode_asks_for_the_token_that_the_header_names() {
    let document: Value =
        serde_json::from_str(&rendered("vscode", Transport::Http).text).expect("JSON");
    let input = &document["inputs"][0];
    assert_eq!(input["id"], "coro-token");
    assert_eq!(input["password"], true);
    let bridge: Value =
        serde_json::from_str(&rendered("vscode", Transport::Stdio).text).expect("JSON");
    assert!(bridge.get("inputs").is_none(), "the bridge needs no answer");
}

#[test]
fn the_bridge_gets_the_variables_that_a_client_would_keep_back() {
    let codex = rendered("codex", Transport::Stdio).text;
    assert!(codex.contains("\"CORO_TOKEN\""), "{codex}");
    let gemini = rendered("gemini-cli", Transport::Stdio).text;
    assert!(
        gemini.contains(r#""CORO_TOKEN": "$CORO_TOKEN""#),
        "{gemini}"
    );
}

#[test]
fn antigravity_gets_strict_json_without_enabled() {
    for transport in [Transport::Http, Transport::Stdio] {
        let snippet = rendered("antigravity", transport);
        assert_eq!(snippet.format, Format::Json);
        assert!(!snippet.text.contains("enabled"), "{}", snippet.text);
    }
}

#[test]
fn clients_that_share_a_file_agree_on_the_entry() {
    let all = snippets(URL);
    for (client, transport, snippet) in &all {
        for (other, other_transport, same_file) in &all {
            if snippet.file != same_file.file || transport != other_transport {
                continue;
            }
            let mut mine = entry(client, *transport, snippet);
            let mut theirs = entry(other, *transport, same_file);
            // Only Copilot has it, and the others do not mind it.
            for entry in [&mut mine, &mut theirs].into_iter().flatten() {
                entry.as_object_mut().expect("an object").remove("tools");
            }
            assert_eq!(mine, theirs, "{} and {}", client.id, other.id);
        }
    }
}
