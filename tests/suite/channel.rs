//! `coro-cli mcp --channel`: messages are pushed into the session of a client.
//!
//! Where a server has to break off or refuse it is a script.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use coro_api::messages::{DeliveredBy, Message, ReceiptState};
use coro_tests::mcp::Era;
use coro_tests::{Cli, Server, Streaming, both_engines};
use serde_json::{Value, json};

both_engines![
    what_is_sent_comes_into_the_session_and_counts_as_delivered,
    a_channel_confirms_its_own_messages_only,
];

/// A server that knows `/mcp` as far as it must, and an inbox that a test fills.
struct Script {
    url: String,
    inbox: Sender<(u16, Value)>,
    /// The paths of the inbox that were asked for.
    looks: Receiver<String>,
}

impl Script {
    fn start() -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (inbox, answers) = channel();
        let (looked, looks) = channel();
        thread::spawn(move || {
            // The inbox is asked by one thread, one look after the other.
            let answers = std::sync::Arc::new(std::sync::Mutex::new(answers));
            for stream in listener.incoming().flatten() {
                let (answers, looked) = (answers.clone(), looked.clone());
                thread::spawn(move || {
                    let (path, body) = read_request(&stream);
                    if path == "/mcp" {
                        return answer_mcp(stream, &body);
                    }
                    // Nobody listens where the test has ended.
                    let _ = looked.send(path);
                    let answers = answers.lock().expect("no test panics in it");
                    if let Ok((status, body)) = answers.recv() {
                        answer(stream, status, &body);
                    }
                });
            }
        });
        Script { url, inbox, looks }
    }

    fn fill(&self, status: u16, body: Value) {
        self.inbox.send((status, body)).expect("the script runs");
    }

    fn client(&self, options: &[&str]) -> Client {
        let folder = tempfile::TempDir::new().expect("a folder");
        let cli = Cli::new(folder.path()).url(&self.url).token("cor_x");
        let bridge = cli.stream(&[&["mcp"], options].concat());
        Client {
            bridge,
            _folder: Some(folder),
        }
    }
}

fn read_request(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    };
    let path = line().split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let header = line().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (path, serde_json::from_slice(&body).unwrap_or_default())
}

fn answer_mcp(stream: TcpStream, message: &Value) {
    let id = &message["id"];
    if id.is_null() {
        return answer(stream, 202, &Value::Null);
    }
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}});
    answer(
        stream,
        200,
        &json!({"jsonrpc": "2.0", "id": id, "result": result}),
    );
}

fn answer(mut stream: TcpStream, status: u16, body: &Value) {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    // A client that has ended reads nothing.
    let _ = write!(stream, "{head}\r\n\r\n{body}");
}

/// A client that has started the bridge.
struct Client {
    bridge: Streaming,
    _folder: Option<tempfile::TempDir>,
}

impl Client {
    fn send(&mut self, era: Era, id: i64, method: &str) {
        let message = era.message(id, method, json!({}));
        self.bridge.write_line(&message.to_string());
    }

    fn say_initialized(&mut self) {
        let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.bridge.write_line(&message.to_string());
    }

    fn hear(&mut self) -> Value {
        let line = self.bridge.next_line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line:?}"))
    }

    /// The number and the text of a message that is pushed.
    fn pushed(&mut self) -> (String, String) {
        let pushed = self.hear();
        assert_eq!(pushed["method"], "notifications/claude/channel", "{pushed}");
        let text = |pointer| {
            let text = pushed.pointer(pointer).and_then(Value::as_str);
            text.expect("a text").to_owned()
        };
        (text("/params/meta/message"), text("/params/content"))
    }
}

fn inbox(numbers: &[i64]) -> Value {
    let messages: Vec<Value> = numbers
        .iter()
        .map(|number| {
            let number = format!("M-{number}");
            json!({"number": number, "kind": "message", "project": "shop", "sender": "agent:backend",
                "from": "backend", "to_kind": "agent", "to": "frontend", "text": "hello", "chars": 5,
                "thread": number, "needs_ack": false, "blocking": false, "created_at": ""})
        })
        .collect();
    json!({"messages": messages, "more": 0})
}

#[test]
fn a_client_that_is_ready_gets_each_message_once() {
    let script = Script::start();
    let mut client = script.client(&["--channel"]);
    client.send(Era::Legacy, 1, "initialize");
    let answer = client.hear();
    let declared = &answer["result"]["capabilities"]["experimental"]["claude/channel"];
    assert_eq!(*declared, json!({}), "{answer}");
    client.say_initialized();
    assert_eq!(
        script.looks.recv().expect("a look"),
        "/api/inbox?wait=50&how=channel"
    );
    script.fill(200, inbox(&[4, 5]));
    let (number, text) = client.pushed();
    assert_eq!(number, "M-4");
    assert_eq!(text, "M-4 from backend (agent)\n> hello");
    assert_eq!(client.pushed().0, "M-5");
    let confirming = "/api/inbox?wait=50&how=channel&shown=M-4%2CM-5";
    assert_eq!(script.looks.recv().expect("a look"), confirming);
    script.fill(200, inbox(&[5, 6]));
    assert_eq!(client.pushed().0, "M-6");
    // Tools answer while the channel waits, and it ends with the input.
    client.send(Era::Legacy, 2, "ping");
    assert_eq!(client.hear()["id"], 2);
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
    assert_eq!(client.bridge.wait(), 0);
}

#[test]
fn where_each_message_stands_alone_the_first_answer_makes_ready() {
    let script = Script::start();
    let mut client = script.client(&["--channel"]);
    client.send(Era::Modern, 1, "server/discover");
    let answer = client.hear();
    let experimental = &answer["result"]["capabilities"]["experimental"];
    assert!(experimental.is_object(), "{answer}");
    script.fill(200, inbox(&[4]));
    assert_eq!(client.pushed().0, "M-4");
}

#[test]
fn a_refusal_ends_the_channel_and_not_the_tools() {
    let script = Script::start();
    let mut client = script.client(&["--channel"]);
    client.send(Era::Modern, 1, "server/discover");
    client.hear();
    script.fill(403, json!({}));
    script.looks.recv().expect("a look");
    for id in 2..5 {
        client.send(Era::Modern, id, "ping");
        assert_eq!(client.hear()["id"], id);
    }
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
    assert!(script.looks.try_recv().is_err());
}

#[test]
fn nothing_is_pushed_that_was_not_asked_for() {
    let script = Script::start();
    let mut client = script.client(&[]);
    client.send(Era::Legacy, 1, "initialize");
    let answer = client.hear();
    assert!(
        answer["result"]["capabilities"]["experimental"].is_null(),
        "{answer}"
    );
    client.say_initialized();
    client.send(Era::Modern, 2, "ping");
    client.hear();
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
    assert!(script.looks.try_recv().is_err());
}

fn send(server: &Server, text: &str) {
    let message = json!({"text": text, "to": "frontend", "project": "shop"});
    server.post("/api/messages", message).send().expect(200);
}

/// How far a message is, as its sender sees it.
fn receipt(server: &Server, number: i64) -> (ReceiptState, Option<DeliveredBy>) {
    let message: Message = server.get(&format!("/api/messages/M-{number}")).ok();
    let receipt = &message.receipts[0];
    (receipt.state, receipt.how)
}

fn what_is_sent_comes_into_the_session_and_counts_as_delivered(server: &Server) {
    let frontend = registered(server, "frontend");
    send(server, "first");
    let cli = server.cli().token(frontend.token());
    let bridge = cli.stream(&["mcp", "--channel"]);
    let mut client = Client {
        bridge,
        _folder: None,
    };
    client.send(Era::Modern, 1, "server/discover");
    let answer = client.hear();
    let declared = &answer["result"]["capabilities"]["experimental"]["claude/channel"];
    assert_eq!(*declared, json!({}), "{answer}");
    let first = (
        "M-1".to_owned(),
        "M-1 from owner (human)\n> first".to_owned(),
    );
    assert_eq!(client.pushed(), first);
    // It waits for the next one, and has confirmed the first by that.
    send(server, "second");
    assert_eq!(client.pushed().0, "M-2");
    let delivered = (ReceiptState::Delivered, Some(DeliveredBy::Channel));
    assert_eq!(receipt(server, 1), delivered);
    client.bridge.end_input();
    assert_eq!(client.bridge.rest(), "");
}

fn a_channel_confirms_its_own_messages_only(server: &Server) {
    let frontend = registered(server, "frontend");
    let backend = registered(server, "backend");
    send(server, "hello");
    let look = |client: &coro_tests::Client, query: &str| -> Value {
        client.get(&format!("/api/inbox?how=channel{query}")).ok()
    };
    // Until it is confirmed it is handed out again.
    for _ in 0..2 {
        assert_eq!(look(&frontend, "")["messages"][0]["number"], "M-1");
    }
    assert_eq!(look(&backend, "&shown=M-1")["messages"], json!([]));
    assert_eq!(receipt(server, 1).0, ReceiptState::Queued);
    assert_eq!(look(&frontend, "&shown=M-1,M-9")["messages"], json!([]));
    assert_eq!(receipt(server, 1).0, ReceiptState::Delivered);
    for query in [
        "how=hook",
        "shown=M-1",
        "how=channel&peek",
        "how=channel&shown=T-1",
    ] {
        let refused = frontend.get(&format!("/api/inbox?{query}"));
        refused.refused(coro_api::Reason::Invalid);
    }
    server
        .get("/api/inbox?how=channel")
        .refused(coro_api::Reason::Conflict);
}

fn registered(server: &Server, name: &str) -> coro_tests::Client {
    server.register(json!({"name": name, "project": "shop"})).0
}
