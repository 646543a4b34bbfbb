//! `coro-cli mcp`: a client that starts a program instead of calling a server.

use coro_api::tokens::Role;
use coro_tests::mcp::Era;
use coro_tests::{Cli, Engine, Options, Server, Streaming, both_engines};
use serde_json::{Value, json};

both_engines![
    a_client_of_the_older_protocol_works,
    a_client_of_the_newer_protocol_works,
    a_long_call_stops_no_other,
    a_subscription_tells_changes_until_it_is_cancelled,
    what_is_cancelled_is_not_answered,
];

/// A client that has started the bridge.
struct Client {
    bridge: Streaming,
    era: Era,
}

impl Client {
    fn start(cli: &Cli, era: Era) -> Client {
        Client::start_with(cli, era, &[])
    }

    fn start_with(cli: &Cli, era: Era, options: &[&str]) -> Client {
        let bridge = cli.stream(&[&["mcp"], options].concat());
        Client { bridge, era }
    }

    fn send(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let message = self.era.message(id, method, params);
        self.bridge.write_line(&message.to_string());
    }

    fn notify(&mut self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.bridge.write_line(&message.to_string());
    }

    fn call(&mut self, id: impl Into<Value>, command: &str) {
        let params = json!({"name": "coro", "arguments": {"command": command}});
        self.send(id, "tools/call", params);
    }

    /// The next message from the bridge.
    fn hear(&mut self) -> Value {
        let line = self.bridge.next_line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line:?}"))
    }

    /// The next message, which answers the request `id`.
    fn answer(&mut self, id: impl Into<Value>) -> Value {
        let answer = self.hear();
        assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
        assert_eq!(answer["id"], id.into(), "{answer}");
        answer
    }

    /// What the tool `coro` told.
    fn told(&mut self, id: impl Into<Value>) -> String {
        let answer = self.answer(id);
        let text = answer["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The message of the error that answers the request `id`.
    fn error(&mut self, id: impl Into<Value>, code: i64) -> String {
        let answer = self.answer(id);
        assert_eq!(answer["error"]["code"], code, "{answer}");
        let message = answer["error"]["message"].as_str();
        message.expect("a text").to_owned()
    }
}

fn a_client_of_the_older_protocol_works(server: &Server) {
    let mut client = Client::start(&server.cli(), Era::Legacy);
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "Old IDE", "version": "1.2"},
    });
    client.send(0, "initialize", hello);
    let answer = client.answer(0);
    let result = &answer["result"];
    assert_eq!(result["protocolVersion"], "2025-06-18", "{answer}");
    assert_eq!(result["serverInfo"]["name"], "coro");
    client.notify("notifications/initialized", json!({}));
    client.send("list", "tools/list", json!({}));
    let tools = client.answer("list");
    assert_eq!(tools["result"]["tools"][4]["name"], "coro", "{tools}");
    client.call(2, "state set shop/plan --data 'a line'");
    assert_eq!(client.told(2), "v1\n");
    assert_eq!(server.value("shop/plan"), "a line");
    let params = json!({"name": "register_instance", "arguments": {"name": "frontend"}});
    client.send(3, "tools/call", params);
    client.told(3);
    let agents = server.cli().ok(&["instances", "list", "--json"]);
    let program = "\"client\":\"Old-IDE\",\"client_version\":\"1.2\"";
    assert!(agents.contains(program), "{agents}");
}

fn a_client_of_the_newer_protocol_works(server: &Server) {
    let mut client = Client::start(&server.cli(), Era::Modern);
    client.send(1, "server/discover", json!({}));
    let answer = client.answer(1);
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    client.call(2, "state set shop/plan --data 1");
    assert_eq!(client.told(2), "v1\n");
    client.send(
        3,
        "resources/read",
        json!({"uri": "coro://state/shop/plan"}),
    );
    let read = client.answer(3);
    assert_eq!(read["result"]["contents"][0]["text"], "1", "{read}");
    client.send(4, "resources/read", json!({"uri": "coro://state/日本"}));
    let read = client.answer(4);
    let message = read["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("日本"), "{read}");
    client.send(5, "no/such/method", json!({}));
    client.error(5, -32601);
}

fn a_long_call_stops_no_other(server: &Server) {
    let mut client = Client::start(&server.cli(), Era::Modern);
    let from = server.revision();
    client.call(1, &format!("events wait shop.go --from {from}"));
    // A token has eight slots for commands: a few at a time.
    for first in (2..38).step_by(4) {
        let some = first..first + 4;
        for id in some.clone() {
            client.call(id, "whoami");
        }
        let answers = some
            .clone()
            .map(|_| client.hear()["id"].as_i64().expect("an id"));
        let mut answered: Vec<i64> = answers.collect();
        answered.sort_unstable();
        assert_eq!(answered, some.collect::<Vec<_>>());
    }
    server.publish("shop.go", json!(7));
    assert!(client.told(1).ends_with("\tshop.go\t7\n"));
}

fn a_subscription_tells_changes_until_it_is_cancelled(server: &Server) {
    server.set("shop/plan", "1");
    let mut client = Client::start(&server.cli(), Era::Modern);
    let wanted = json!({"notifications": {"resourceSubscriptions": ["coro://state/shop/plan"]}});
    client.send("s", "subscriptions/listen", wanted);
    let began = client.hear();
    let acknowledged = "notifications/subscriptions/acknowledged";
    assert_eq!(began["method"], acknowledged, "{began}");
    server.set("shop/plan", "2");
    let change = client.hear();
    assert_eq!(
        change["method"], "notifications/resources/updated",
        "{change}"
    );
    assert_eq!(change["params"]["uri"], "coro://state/shop/plan");
    client.notify("notifications/cancelled", json!({"requestId": "s"}));
    // Two calls, one after the other: the cancellation was heard before them.
    client.call(1, "state set shop/plan --data 3 --if-version 2");
    assert_eq!(client.told(1), "v3\n");
    client.call(2, "state set shop/plan --data 4 --if-version 3");
    assert_eq!(client.told(2), "v4\n");
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
}

fn what_is_cancelled_is_not_answered(server: &Server) {
    let mut client = Client::start(&server.cli(), Era::Legacy);
    let from = server.revision();
    client.call(1, &format!("events wait shop.go --from {from}"));
    let reason = json!({"requestId": 1, "reason": "no time"});
    client.notify("notifications/cancelled", reason);
    // Messages are heard in their order, so that this one comes after it.
    client.call(2, "whoami");
    assert!(client.told(2).starts_with("human:owner\t"));
    server.publish("shop.go", json!(7));
    client.call(3, "whoami");
    client.told(3);
    // One that came too late, and one that names no request.
    client.notify("notifications/cancelled", json!({"requestId": 2}));
    client.notify("notifications/cancelled", json!({}));
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
}

#[test]
fn a_server_may_start_again_between_two_requests() {
    let server = Server::start(Engine::Sqlite);
    let socket = format!("unix:{}", server.data_dir().join("coro.sock").display());
    let mut client = Client::start(&server.cli().url(&socket), Era::Legacy);
    client.call(1, "state set k --data 1");
    assert_eq!(client.told(1), "v1\n");
    server.stop();
    client.call(2, "state set k --data 2 --if-version 1");
    let message = client.error(2, -32603);
    assert!(message.contains("no server at unix:"), "{message}");
    assert!(message.contains("coro-server"), "{message}");
    server.start_again();
    client.call(3, "state set k --data 2 --if-version 1");
    assert_eq!(client.told(3), "v2\n");
    client.send(4, "ping", json!({}));
    client.answer(4);
}

#[test]
fn a_call_whose_server_dies_is_answered() {
    let server = Server::start(Engine::Sqlite);
    let mut client = Client::start(&server.cli(), Era::Modern);
    let from = server.revision();
    client.call(1, &format!("events wait shop.go --from {from}"));
    client.call(2, "whoami");
    client.told(2);
    server.kill();
    let message = client.error(1, -32603);
    // Its connection may have stood already, or not.
    let expected = ["connection", "no server at"];
    assert!(
        expected.iter().any(|part| message.contains(part)),
        "{message}"
    );
}

#[test]
fn nobody_waits_for_ever() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let folder = tempfile::TempDir::new().expect("a folder");
    let cli = Cli::new(folder.path()).url(&url).token("cor_x");
    let mut client = Client::start_with(&cli, Era::Modern, &["--timeout", "100ms"]);
    client.call(1, "whoami");
    let message = client.error(1, -32603);
    assert!(message.contains("did not answer in time"), "{message}");
}

#[test]
fn what_is_no_message_is_told_and_the_next_one_works() {
    let server = Server::start(Engine::Sqlite);
    let mut client = Client::start(&server.cli(), Era::Modern);
    let mut refused = |line: &str, id: Value, code: i64| {
        client.bridge.write_line(line);
        client.error(id, code)
    };
    refused("{\"id\": 1", Value::Null, -32700);
    refused("state get k", Value::Null, -32700);
    refused("[]", Value::Null, -32600);
    refused("{\"id\": 7}", json!(7), -32600);
    refused("{\"id\": {}, \"method\": \"ping\"}", Value::Null, -32600);
    let large = "x".repeat(10 * 1024 * 1024);
    let large = json!({"method": "x", "params": {"x": large}, "jsonrpc": "2.0", "id": 8});
    let message = refused(&large.to_string(), json!(8), -32600);
    assert!(message.contains("10485760 bytes"), "{message}");
    client.bridge.write_line("\r");
    client.bridge.write_line("{\"id\":1,\"result\":{}}");
    client.call(9, "whoami");
    client.told(9);
}

#[test]
fn without_a_token_the_client_learns_how_to_get_one() {
    let server = Server::start(Engine::Sqlite);
    let folder = tempfile::TempDir::new().expect("a folder");
    // The owner's token lies in the data folder.
    let cli = Cli::new(folder.path()).data_dir(&server.data_dir());
    let mut client = Client::start(&cli, Era::Modern);
    client.send(1, "server/discover", json!({}));
    let message = client.error(1, -32600);
    assert!(message.contains("coro-cli config set token -"), "{message}");
    assert!(message.contains("takes no owner's"), "{message}");

    // Stored meanwhile, it is used by the next request.
    let enrol = server.issue(Role::Enrol, "ide");
    let set = ["config", "set", "token", "-"];
    let set = cli.run_with_input(&set, enrol.token().as_bytes());
    assert_eq!(set.code, 0, "{set:?}");
    client.call(2, "whoami");
    let who = client.told(2);
    assert!(who.contains(":ide\tenrol\t"), "{who}");

    let mut wrong = Client::start(&cli.clone().token("cor_wrong"), Era::Legacy);
    wrong.send(1, "tools/list", json!({}));
    let message = wrong.error(1, -32600);
    assert!(message.contains("token of CORO_TOKEN"), "{message}");
    assert!(!message.contains("cor_wrong"), "{message}");
}

#[test]
fn the_owners_token_is_used_where_that_is_asked_for_and_no_agent_asks() {
    let server = Server::start(Engine::Sqlite);
    let folder = tempfile::TempDir::new().expect("a folder");
    let cli = Cli::new(folder.path()).data_dir(&server.data_dir());
    let mut client = Client::start_with(&cli, Era::Modern, &["--as-owner"]);
    client.call(1, "whoami");
    assert!(client.told(1).starts_with("human:owner\t"));
    let agent = cli.variable("CORO_AGENT", "frontend");
    let mut client = Client::start_with(&agent, Era::Modern, &["--as-owner"]);
    client.call(1, "whoami");
    client.error(1, -32600);
}

#[test]
fn settings_that_make_no_sense_are_told_to_the_client() {
    let server = Server::start(Engine::Sqlite);
    let cli = server.cli();
    std::fs::create_dir_all(cli.folder().join(".coro")).expect("a folder");
    std::fs::write(cli.folder().join(".coro/cli.json"), "{").expect("a file");
    let mut client = Client::start(&cli, Era::Legacy);
    client.send(1, "ping", json!({}));
    let message = client.error(1, -32603);
    assert!(message.contains(".coro/cli.json:1"), "{message}");
}

#[test]
fn the_end_of_the_input_lets_what_runs_finish() {
    let server = Server::start(Engine::Sqlite);
    let mut client = Client::start(&server.cli(), Era::Modern);
    let wanted = json!({"notifications": {"resourceSubscriptions": ["coro://agents"]}});
    client.send("s", "subscriptions/listen", wanted);
    client.hear();
    for id in 1..=4 {
        client.call(id, "state list");
    }
    client.bridge.end_input();
    let rest = client.bridge.rest();
    assert_eq!(rest.matches("\"result\"").count(), 4, "{rest}");
    assert_eq!(client.bridge.wait(), 0);
}

#[test]
fn more_than_can_run_is_refused_and_what_runs_goes_on() {
    let server = Server::start(Engine::Sqlite);
    let mut client = Client::start(&server.cli(), Era::Modern);
    let wanted = json!({"notifications": {"resourceSubscriptions": ["coro://agents"]}});
    for id in 0..64 {
        client.send(id, "subscriptions/listen", wanted.clone());
        client.hear();
    }
    client.call(64, "whoami");
    let message = client.error(64, -32603);
    assert!(message.contains("64 messages are under way"), "{message}");
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
    assert_eq!(client.bridge.wait(), 0);
}

#[test]
fn a_server_elsewhere_is_reached_over_tls() {
    let server = Options::new(Engine::Sqlite).with_tls().start();
    let trusted = coro_tests::tls_file("cert.pem").display().to_string();
    let cli = server.cli().variable("SSL_CERT_FILE", &trusted);
    let mut client = Client::start(&cli, Era::Modern);
    let wanted = json!({"notifications": {"resourceSubscriptions": ["coro://state/k"]}});
    client.send("s", "subscriptions/listen", wanted);
    client.hear();
    client.call(1, "whoami");
    assert!(client.told(1).starts_with("human:owner\t"));
    let set = cli.run(&["state", "set", "k", "--data", "1"]);
    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(client.hear()["method"], "notifications/resources/updated");
    client.notify("notifications/cancelled", json!({"requestId": "s"}));
    client.call(2, "whoami");
    client.told(2);
    server.kill();
    client.call(3, "whoami");
    let message = client.error(3, -32603);
    assert!(message.contains("no server at https://"), "{message}");
}
