//! What Coro costs a model, in tokens of `o200k_base`, counted offline.
//! `docs/tokens.md` holds the table that is made here.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use coro_tests::mcp::{Era, Mcp};
use coro_tests::{Client, Engine, Server, program, repository};
use regex::Regex;
use serde_json::{Value, json};

/// The most that the description of all tools may cost.
const TOOLS_MAX: usize = 700;

/// The most that the server's instructions may cost.
const INSTRUCTIONS_MAX: usize = 120;

const BEGIN: &str = "<!-- tokens:begin -->\n";
const END: &str = "<!-- tokens:end -->\n";

pub(crate) fn count(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
}

#[test]
fn tools_and_instructions_are_cheap() {
    let server = Server::start(Engine::Sqlite);
    for era in Era::BOTH {
        let cost = Fixed::of(&server, era);
        assert!(cost.tools < TOOLS_MAX, "{} tokens of tools", cost.tools);
        assert!(
            cost.instructions < INSTRUCTIONS_MAX,
            "{} tokens of instructions",
            cost.instructions
        );
    }
}

#[test]
fn tokens_are_counted_as_the_vocabulary_says() {
    // By OpenAI's own tokenizer.
    for (text, tokens) in [
        ("hello world", 2),
        ("", 0),
        ("coro-cli state get shop/plan", 8),
    ] {
        assert_eq!(count(text), tokens, "{text:?}");
    }
}

/// The part of `docs/tokens.md` between the marks is written again with
/// `cargo test -p coro-tests reference -- --ignored`.
#[test]
fn the_table_in_the_docs_is_what_is_counted() {
    let (_, written, _) = document();
    assert!(
        written == table(),
        "docs/tokens.md is old; see how to write it again in {}",
        file!()
    );
}

#[test]
#[ignore = "writes docs/tokens.md"]
fn write_the_reference_of_tokens() {
    let (before, _, after) = document();
    let text = format!("{before}{BEGIN}{}{END}{after}", table());
    std::fs::write(path(), text).expect("the docs take a file");
}

fn path() -> PathBuf {
    repository().join("docs/tokens.md")
}

fn document() -> (String, String, String) {
    let text = std::fs::read_to_string(path()).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (between, after) = rest.split_once(END).expect("where the table ends");
    (before.to_owned(), between.to_owned(), after.to_owned())
}

/// What a client puts before the model once, or in every turn.
struct Fixed {
    tools: usize,
    instructions: usize,
}

impl Fixed {
    fn of(server: &Server, era: Era) -> Fixed {
        let mcp = Mcp::new(server.owner(), era);
        let tools = mcp.result("tools/list", json!({}))["tools"].to_string();
        let about = match era {
            Era::Modern => mcp.result("server/discover", json!({})),
            Era::Legacy => mcp.result(
                "initialize",
                json!({"protocolVersion": era.version(), "capabilities": {},
                    "clientInfo": {"name": "kit", "version": "1"}}),
            ),
        };
        Fixed {
            tools: count(&tools),
            instructions: count(about["instructions"].as_str().expect("instructions")),
        }
    }
}

/// One step of a session, done in three ways.
struct Step {
    what: &'static str,
    /// A tool and its arguments.
    mcp: (&'static str, Value),
    /// A command line of the shell.
    cli: &'static str,
    /// Method, path and body of a request.
    curl: (&'static str, &'static str, &'static str),
}

/// Ten steps that agents take again and again.
fn steps() -> Vec<Step> {
    let coro = |command: &str| ("coro", json!({ "command": command }));
    vec![
        Step {
            what: "register",
            mcp: (
                "register_instance",
                json!({"name": "frontend", "intent": "build the cart", "project": "shop"}),
            ),
            cli: "coro-cli register frontend --intent 'build the cart' --project shop",
            curl: (
                "POST",
                "/api/instances/register",
                r#"{"name":"frontend","intent":"build the cart","project":"shop"}"#,
            ),
        },
        Step {
            what: "activate",
            mcp: coro("activate"),
            cli: "coro-cli activate",
            curl: ("POST", "/api/instances/self/activate", ""),
        },
        Step {
            what: "say what I do",
            mcp: ("set_intent", json!({"intent": "cart: totals"})),
            cli: "coro-cli intent 'cart: totals'",
            curl: (
                "POST",
                "/api/instances/self/intent",
                r#"{"intent":"cart: totals"}"#,
            ),
        },
        Step {
            what: "find the others",
            mcp: ("discover_instances", json!({})),
            cli: "coro-cli instances list",
            curl: ("GET", "/api/instances", ""),
        },
        Step {
            what: "read the plan",
            mcp: coro("state get shop/plan"),
            cli: "coro-cli state get shop/plan",
            curl: ("GET", "/api/state/shop/plan", ""),
        },
        Step {
            what: "write my progress",
            mcp: coro(r#"state set shop/cart --data '{"done":3,"of":5}'"#),
            cli: r#"coro-cli state set shop/cart --data '{"done":3,"of":5}'"#,
            curl: ("PUT", "/api/state/shop/cart", r#"{"done":3,"of":5}"#),
        },
        Step {
            what: "tell the others",
            mcp: coro(r#"events publish shop.cart.done --data '{"step":3}'"#),
            cli: r#"coro-cli events publish shop.cart.done --data '{"step":3}'"#,
            curl: (
                "POST",
                "/api/events/publish",
                r#"{"topic":"shop.cart.done","data":{"step":3}}"#,
            ),
        },
        Step {
            what: "read what happened",
            mcp: coro("events history --topic 'shop.*' --last 5"),
            cli: "coro-cli events history --topic 'shop.*' --last 5",
            curl: ("GET", "/api/events/history?topic=shop.*&last=5", ""),
        },
        Step {
            what: "list the project's keys",
            mcp: coro("state list shop/"),
            cli: "coro-cli state list shop/",
            curl: ("GET", "/api/state?prefix=shop/", ""),
        },
        Step {
            what: "leave",
            mcp: coro("instances deregister"),
            cli: "coro-cli instances deregister",
            curl: ("DELETE", "/api/instances/self", ""),
        },
    ]
}

/// A server as another agent has left it.
fn prepared() -> (Server, Client) {
    let server = Server::start(Engine::Sqlite);
    server.set(
        "shop/plan",
        r#"{"milestone":"cart","steps":["items","prices","totals","tax","pay"]}"#,
    );
    let (backend, _) = server.register(json!({
        "name": "backend", "project": "shop", "intent": "prices API", "stack": "rust",
    }));
    backend.set("shop/prices", r#"{"done":5,"of":5}"#);
    for step in 1..=5 {
        backend.publish("shop.prices.done", json!({ "step": step }));
    }
    let owner = server.owner();
    (server, owner)
}

/// What the model writes and what it reads, for each step.
type Costs = Vec<(usize, usize)>;

fn over_mcp() -> Costs {
    let (server, mut caller) = prepared();
    let mut costs = Vec::new();
    for Step {
        mcp: (tool, arguments),
        ..
    } in steps()
    {
        let written = json!({"name": tool, "arguments": arguments}).to_string();
        let read = Mcp::new(caller.clone(), Era::Modern).tell(tool, arguments);
        if tool == "register_instance" {
            caller = server.client(&secret(&read));
        }
        costs.push((count(&written), count(&steady(&read))));
    }
    costs
}

fn over_shell(line: impl Fn(&Step) -> String) -> Costs {
    let (server, owner) = prepared();
    let mut token = owner.token().to_owned();
    let mut costs = Vec::new();
    for step in steps() {
        let line = line(&step);
        let output = Command::new("bash")
            .args(["-c", &format!("coro-cli() {{ \"$CLI\" \"$@\"; }}; {line}")])
            .env_clear()
            .env("PATH", coro_tests::variable("PATH").unwrap_or_default())
            .env("CLI", program("coro-cli-testing"))
            .env("CORO_URL", server.url())
            .env("CORO_TOKEN", &token)
            .output()
            .expect("a shell");
        let mut read = String::from_utf8_lossy(&output.stdout).into_owned();
        read.push_str(&String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}: {read}");
        if step.what == "register" {
            token = secret(&read);
        }
        // Written as the call of the client's shell tool.
        let written = json!({ "command": line }).to_string();
        costs.push((count(&written), count(&steady(&read))));
    }
    costs
}

fn curl_line(step: &Step) -> String {
    let (method, path, body) = step.curl;
    let method = match method {
        "GET" => String::new(),
        method => format!(" -X {method}"),
    };
    let body = match body {
        "" => String::new(),
        body => format!(" -H 'Content-Type: application/json' -d '{body}'"),
    };
    format!("curl -s{method} -H \"Authorization: Bearer $CORO_TOKEN\"{body} \"$CORO_URL{path}\"")
}

fn secret(text: &str) -> String {
    let found = Regex::new("cor_[A-Za-z0-9_-]{43}")
        .expect("a pattern")
        .find(text);
    found
        .unwrap_or_else(|| panic!("no token in {text}"))
        .as_str()
        .to_owned()
}

/// The text with what differs from run to run in one typical form.
pub(crate) fn steady(text: &str) -> String {
    let typical = [
        (
            "cor_[A-Za-z0-9_-]{43}",
            "cor_LOUVYc6CLFvPcoKZMTC43DPfp5O4-Mr6BUzFFavaWN0",
        ),
        (
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "01a1fe58-a81e-7752-bcec-4ab6cd704c1a",
        ),
        (
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
            "2026-11-21T13:43:05.739762Z",
        ),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:9800"),
        (r"\b\d+s\b", "3s"),
        (r"\bsolo-[\w-]+", "solo-laptop"),
    ];
    typical
        .iter()
        .fold(text.to_owned(), |text, (pattern, form)| {
            let pattern = Regex::new(pattern).expect("a pattern");
            pattern.replace_all(&text, *form).into_owned()
        })
}

fn table() -> String {
    let (server, _) = prepared();
    let fixed = Fixed::of(&server, Era::Modern);
    let ways = [
        over_mcp(),
        over_shell(|step| step.cli.to_owned()),
        over_shell(curl_line),
    ];
    let mut text =
        String::from("| step | MCP tools | `coro-cli` | `curl` |\n|---|---:|---:|---:|\n");
    let cell = |(written, read): &(usize, usize)| format!("{written} + {read}");
    for (number, step) in steps().iter().enumerate() {
        let cells = ways.each_ref().map(|way| cell(&way[number]));
        let _ = writeln!(text, "| {} | {} |", step.what, cells.join(" | "));
    }
    let sums = ways
        .each_ref()
        .map(|way| way.iter().map(|(w, r)| w + r).sum::<usize>());
    let _ = writeln!(
        text,
        "| **ten steps** | **{}** | **{}** | **{}** |",
        sums[0], sums[1], sums[2]
    );
    let described = fixed.tools + fixed.instructions;
    let _ = writeln!(
        text,
        "| described to the model before | {} tools, {} instructions | – | – |",
        fixed.tools, fixed.instructions
    );
    let _ = writeln!(
        text,
        "| **in all, described once** | **{}** | **{}** | **{}** |",
        sums[0] + described,
        sums[1],
        sums[2]
    );
    text
}
