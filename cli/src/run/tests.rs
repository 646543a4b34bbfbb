//! Command lines from the outside: what is asked of the server, what is
//! printed, and the exit code.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::*;
use crate::http::{Headers, Reply, Request, TransportError};

#[test]
fn a_value_is_printed_as_it_is_stored() {
    let mut server = Server::answering(200, "{\"a\": 1.50}");
    assert_eq!(
        server.run(&["state", "get", "shop/a b"]),
        (0, "{\"a\": 1.50}".to_owned(), String::new())
    );
    assert_eq!(server.asked(), "GET /api/state/shop/a%20b");

    let mut server = Server::answering(200, "{\"a\": 1.50}");
    let (code, out, _) = server.run(&["state", "get", "--version", "2", "--pretty", "k"]);
    assert_eq!((code, out.as_str()), (0, "{\n  \"a\": 1.50\n}\n"));
    assert_eq!(server.asked(), "GET /api/state/k?version=2");
}

#[test]
fn a_write_says_what_it_depends_on_and_prints_the_version() {
    let item = "{\"key\":\"k\",\"version\":3,\"revision\":9,\"hash\":\"\",\"size\":1,\"content_type\":\"\",\
        \"updated_at\":\"\",\"updated_by\":\"\"}";
    let json = "Content-Type: application/json";
    let table: [(&[&str], String); 7] = [
        (&["--data", "{}"], format!("PUT /api/state/k {json} {{}}")),
        (
            &["--data", "text", "--ttl", "12h"],
            "PUT /api/state/k?ttl=43200 Content-Type: text/plain text".to_owned(),
        ),
        (
            &["--data", "-1", "--if-version", "2"],
            format!("PUT /api/state/k If-Match: \"v2-\" {json} -1"),
        ),
        (
            &["--data", "1", "--if-version", "0"],
            format!("PUT /api/state/k If-None-Match: * {json} 1"),
        ),
        (
            &["--data", "1", "--if-absent"],
            format!("PUT /api/state/k If-None-Match: * {json} 1"),
        ),
        (
            &["--data", "1", "--if-match", "abc"],
            format!("PUT /api/state/k If-Match: abc {json} 1"),
        ),
        (
            &["--data", "1", "--conditional", "true"],
            format!("PUT /api/state/k?conditional=true {json} 1"),
        ),
    ];
    for (options, asked) in table {
        let mut server = Server::answering(200, item);
        let line = [&["state", "set", "k"], options].concat();
        assert_eq!(
            server.run(&line),
            (0, "v3\n".to_owned(), String::new()),
            "{options:?}"
        );
        assert_eq!(server.asked(), asked);
    }
}

#[test]
fn events_are_lines_and_published_data_keeps_its_digits() {
    let event = "{\"id\":7,\"revision\":7,\"topic\":\"a.b\",\"subject\":\"\",\"data\":1e400,\"source\":\"x\",\
        \"actor\":\"human:x\",\"created_at\":\"\"}";
    let mut server = Server::answering(200, &event.replace("1e400", "1"));
    let (code, out, _) = server.run(&[
        "events",
        "publish",
        "a.b",
        "--data",
        "12345678901234567890123",
    ]);
    assert_eq!((code, out.as_str()), (0, "7\n"));
    let body = "{\"topic\":\"a.b\",\"data\":12345678901234567890123}";
    assert_eq!(
        server.asked(),
        format!("POST /api/events/publish Content-Type: application/json {body}")
    );

    let mut server = Server::answering(200, &format!("[{event}]"));
    assert_eq!(
        server.run(&["events", "history", "--topic", "a.*"]),
        (0, "7\ta.b\t1e400\n".to_owned(), String::new())
    );
    assert_eq!(
        server.asked(),
        "GET /api/events/history?last=50&topic=a.%2A"
    );
}

#[test]
fn waiting_goes_on_from_where_the_last_answer_ended() {
    let mut server = Server::answering(200, "{\"events\":[],\"next\":41,\"more\":false}");
    server.answers.push_back((
        200,
        "{\"events\":[{\"revision\":42,\"topic\":\"a\",\"data\":null}],\"next\":42}".to_owned(),
    ));
    assert_eq!(
        server.run(&["events", "wait", "a", "--timeout", "50"]),
        (0, "42\ta\tnull\n".to_owned(), String::new())
    );
    let asked = "GET /api/events?pattern=a&limit=1&wait=0\nGET /api/events?pattern=a&limit=1&from=41&wait=50";
    assert_eq!(server.asked(), asked);
}

const AGENT: &str = "{\"id\":\"i-1\",\"project\":\"shop\",\"name\":\"frontend\",\"workspace\":\"\",\
    \"intent\":\"a\\tb\",\"stack\":\"react\",\"capabilities\":[\"css\",\"a11y\"],\"status\":\"active\",\
    \"generation\":2,\"client\":\"\",\"client_version\":\"\",\"registered_at\":\"\",\"last_seen\":\"T\"}";

#[test]
fn of_a_registration_the_token_alone_is_data() {
    let with_token = AGENT.replace("\"id\"", "\"token\":\"cor_x\",\"id\"");
    let table = [
        (with_token.as_str(), "cor_x\n", "call with its token"),
        (AGENT, "", "its token stays"),
    ];
    for (answer, printed, next) in table {
        let mut server = Server::answering(200, answer);
        let line = [
            "register",
            "frontend",
            "--stack",
            "react",
            "--capability",
            "css",
            "--capability",
            "a11y",
            "--project",
            "shop",
            "--takeover",
        ];
        let (code, out, err) = server.run(&line);
        assert_eq!((code, out.as_str()), (0, printed), "{err}");
        assert!(
            err.contains("frontend is i-1 in project shop, generation 2 ("),
            "{err}"
        );
        assert!(err.contains(next) && err.lines().count() == 1, "{err}");
        let body = "{\"name\":\"frontend\",\"project\":\"shop\",\"workspace\":\"\",\"intent\":\"\",\
            \"stack\":\"react\",\"capabilities\":[\"css\",\"a11y\"],\"client\":\"\",\
            \"client_version\":\"\",\"takeover\":true}";
        let asked = "POST /api/instances/register Content-Type: application/json";
        assert_eq!(server.asked(), format!("{asked} {body}"));
    }
}

const ID: &str = "019a7a3c-0000-7000-8000-00000000000f";

#[test]
fn commands_of_agents_ask_about_the_caller_or_an_id() {
    let json = "Content-Type: application/json";
    let instances = "/api/instances";
    let row = "frontend\tactive\ti-1\tshop\t-\treact\tcss,a11y\tT\ta\\tb\n";
    let state = "{\"id\":\"i-1\",\"status\":\"active\"}";
    let can = "{\"id\":\"i-1\",\"capabilities\":[\"css\",\"a b\"]}";
    let list = &format!("[{AGENT}]");
    let found = &format!("{{\"checked\":true,\"newly_stale\":[{AGENT}],\"count\":1}}");
    let intent = "{\"id\":\"i-1\",\"intent\":\"x\"}";
    let alive = "{\"id\":\"i-1\",\"status\":\"ok\"}";
    let table: [(&[&str], &str, String, &str); 15] = [
        (
            &["activate"],
            state,
            format!("POST {instances}/self/activate"),
            "active\n",
        ),
        (
            &["activate", "i-1"],
            state,
            format!("POST {instances}/i-1/activate"),
            "active\n",
        ),
        (
            &["intent", "build"],
            intent,
            format!("POST {instances}/self/intent {json} {{\"intent\":\"build\"}}"),
            "ok\n",
        ),
        (
            &["intent", "", "--id", "i-1"],
            intent,
            format!("POST {instances}/i-1/intent {json} {{\"intent\":\"\"}}"),
            "ok\n",
        ),
        (
            &["instances", "list"],
            list,
            format!("GET {instances}"),
            row,
        ),
        (&["instances", "list"], "[]", format!("GET {instances}"), ""),
        (
            &[
                "instances",
                "list",
                "--name",
                "a",
                "--project",
                "p",
                "--workspace",
                "w",
                "--stack",
                "s",
                "--capability",
                "c",
                "--status",
                "ended",
                "--intent",
                "i j",
            ],
            "[]",
            format!(
                "GET {instances}?name=a&project=p&workspace=w&stack=s&capability=c&status=ended\
                 &intent=i%20j"
            ),
            "",
        ),
        (
            &["instances", "get"],
            AGENT,
            format!("GET {instances}/self"),
            row,
        ),
        (
            &["instances", "get", ID],
            AGENT,
            format!("GET {instances}/{ID}"),
            row,
        ),
        (
            &["instances", "stale"],
            list,
            format!("GET {instances}/stale"),
            row,
        ),
        (
            &["instances", "heartbeat"],
            alive,
            format!("POST {instances}/self/heartbeat"),
            "ok\n",
        ),
        (
            &["instances", "capabilities", "i-1", "--set", "css", "a b"],
            can,
            format!(
                "POST {instances}/i-1/capabilities {json} {{\"capabilities\":[\"css\",\"a b\"]}}"
            ),
            "css\na b\n",
        ),
        (
            &["instances", "capabilities", "--set"],
            "{\"id\":\"i-1\",\"capabilities\":[]}",
            format!("POST {instances}/self/capabilities {json} {{\"capabilities\":[]}}"),
            "",
        ),
        (
            &["instances", "deregister"],
            "{\"deleted\":\"i-1\"}",
            format!("DELETE {instances}/self"),
            "ended\n",
        ),
        (
            &["instances", "check"],
            found,
            "POST /api/liveness/check".to_owned(),
            row,
        ),
    ];
    for (line, answer, asked, printed) in table {
        let mut server = Server::answering(200, answer);
        let expected = (0, printed.to_owned(), String::new());
        assert_eq!(server.run(line), expected, "{line:?}");
        assert_eq!(server.asked(), asked);
    }
    let mut server = Server::answering(200, AGENT);
    let (_, out, _) = server.run(&["instances", "capabilities", "i-1"]);
    assert_eq!(
        (out.as_str(), server.asked().as_str()),
        ("css\na11y\n", "GET /api/instances/i-1")
    );
}

#[test]
fn a_refusal_is_one_line_and_an_exit_code() {
    let problem = "{\"type\":\"x\",\"title\":\"x\",\"status\":412,\"detail\":\"\\\"k\\\" is at version 4\",\
        \"reason\":\"precondition_failed\",\"next\":\"send If-Match\",\"error\":\"x\",\"code\":412}";
    let mut server = Server::answering(412, problem).with("ETag", "\"v4-ab\"");
    let hint = "read it with coro-cli state get k, then repeat with --if-version 4";
    let expected = (
        4,
        String::new(),
        format!("coro-cli: \"k\" is at version 4 ({hint})\n"),
    );
    assert_eq!(
        server.run(&["state", "delete", "k", "--if-version", "3"]),
        expected
    );
}

#[test]
fn every_write_takes_an_idempotency_key() {
    let lines: [&[&str]; 8] = [
        &["register", "a"],
        &["instances", "deregister"],
        &["state", "set", "k", "--data", "1"],
        &["state", "patch", "k", "--data", "1"],
        &["state", "delete", "k"],
        &["state", "rollback", "k", "--version", "1"],
        &["txn", "--data", "{}"],
        &["events", "publish", "a.b"],
    ];
    for line in lines {
        let mut server = Server::answering(200, "{}");
        server.run(&[line, &["--idempotency-key", "deploy 7"]].concat());
        let asked = server.asked();
        assert!(asked.contains(" Idempotency-Key: deploy 7"), "{asked}");
    }
}

#[test]
fn a_rollback_can_name_the_version_that_it_replaces() {
    let mut server = Server::answering(200, "{}");
    server.run(&[
        "state",
        "rollback",
        "k",
        "--version",
        "1",
        "--if-version",
        "3",
    ]);
    assert_eq!(
        server.asked(),
        "POST /api/state/k?rollback=1 If-Match: \"v3-\""
    );
}

#[test]
fn what_follows_is_said_after_the_rows() {
    let item = "{\"key\":\"a\",\"version\":3,\"revision\":9,\"hash\":\"\",\"size\":1,\"content_type\":\"\",\
        \"updated_at\":\"\",\"updated_by\":\"\"}";
    let mut server = Server::answering(200, &format!("[{item}]"))
        .with("Link", "</api/state?limit=1&cursor=a>; rel=\"next\"");
    let terminal = Shared::default();
    let (mut out, mut err) = (BufWriter::new(terminal.clone()), terminal.clone());
    let line = ["state", "list", "--limit", "1"]
        .map(OsString::from)
        .to_vec();
    assert_eq!(run_line(line, &mut server, &mut out, &mut err).code(), 0);
    assert_eq!(
        terminal.text(),
        "a\tv3\ncoro-cli: there is more; go on with --cursor a\n"
    );
}

#[test]
fn only_in_a_terminal_the_last_line_of_a_value_is_ended() {
    for (is_terminal, value, expected) in [
        (true, "value", "\n"),
        (true, "line\n", ""),
        (false, "value", ""),
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut stdin = io::empty();
        let machine = Machine::new(Environment::default(), &mut stdin, is_terminal);
        let place = Place::Machine(Box::new(machine));
        let options = crate::arguments::GlobalOptions::default();
        let mut session = Session::new(options, String::new(), place, &mut out, &mut err);
        session.end_value(value.as_bytes()).unwrap();
        assert_eq!(out, expected.as_bytes(), "{is_terminal} {value:?}");
    }
}

#[test]
fn koors_name_of_the_url_is_taken() {
    let mut server = Server::answering(200, "{}");
    let (code, _, err) = server.run(&["config", "set", "server", "http://x"]);
    // It got as far as wanting a machine to write the file on.
    assert!(code == 2 && err.contains("needs a shell"), "{err}");
}

#[test]
fn an_empty_column_is_a_dash() {
    let who = "{\"tenant\":\"t\",\"name\":\"owner\",\"kind\":\"human\",\"role\":\"owner\",\
        \"revision\":1,\"server_version\":\"0\"}";
    let (_, out, _) = Server::answering(200, who).run(&["whoami"]);
    assert_eq!(out, "human:owner\towner\tt\t-\t-\n");
    let entry = "[{\"id\":16,\"timestamp\":\"T\",\"actor\":\"agent:a\",\"action\":\"x.y\",\
        \"resource\":\"\",\"detail\":\"\",\"outcome\":\"success\"}]";
    let (_, out, _) = Server::answering(200, entry).run(&["audit"]);
    assert_eq!(out, "16\tT\tagent:a\tx.y\t-\tsuccess\n");
}

#[test]
fn an_answer_that_makes_no_sense_is_an_error() {
    for body in ["", "null", "[]", "<html>", "{\"version\":\"x\"}"] {
        let mut server = Server::answering(200, body);
        let (code, out, err) = server.run(&["state", "set", "k", "--data", "1"]);
        assert_eq!((code, out.as_str()), (1, ""), "{body}");
        assert!(err.contains("makes no sense"), "{err}");
    }
}

#[test]
fn a_key_that_would_change_the_path_is_not_sent() {
    for key in ["", "a/../b", ".", "a//b", "/a", "a\nb"] {
        let mut server = Server::answering(200, "{}");
        assert_eq!(server.run(&["state", "delete", key]).0, 6, "{key:?}");
        assert_eq!(server.asked(), "", "{key:?}");
    }
}

#[test]
fn in_the_server_nothing_of_the_machine_is_touched() {
    let lines: [&[&str]; 10] = [
        &["mcp"],
        &["register", "a", "--save"],
        &["state", "set", "k", "--file", "/etc/hostname"],
        &["state", "set", "k", "-"],
        &["events", "subscribe"],
        &["state", "watch"],
        &["backup", "/tmp/never.gz"],
        &["config", "show"],
        &["config", "set", "url", "http://x"],
        &["man", "/tmp/never"],
    ];
    for line in lines {
        let mut server = Server::answering(200, "{\"revision\":1}");
        let (code, out, err) = server.run(line);
        assert_eq!(
            (code, out.as_str(), server.asked().as_str()),
            (2, "", ""),
            "{line:?}"
        );
        assert!(err.contains("needs a shell"), "{line:?}: {err}");
    }
}

#[test]
fn in_the_server_the_server_can_not_be_chosen() {
    for option in ["--url", "--token-file"] {
        let mut server = Server::answering(200, "{}");
        assert_eq!(server.run(&["state", "get", "k", option, "http://x"]).0, 2);
        assert_eq!(server.asked(), "");
    }
}

#[test]
fn a_header_can_not_be_smuggled_in() {
    for option in ["--type", "--if-match"] {
        let mut server = Server::answering(200, "{}");
        assert_eq!(
            server
                .run(&["state", "set", "k", "--data", "1", option, "a\r\nX-Evil: 1"])
                .0,
            2
        );
        assert_eq!(server.asked(), "");
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let mut server = Server::answering(200, "value");
    let mut err = Vec::new();
    let line = ["state", "get", "k"].map(OsString::from).to_vec();
    assert_eq!(
        run_line(
            line,
            &mut server,
            &mut Full(io::ErrorKind::BrokenPipe),
            &mut err
        )
        .code(),
        0
    );
    assert_eq!(err, b"");

    let mut server = Server::answering(200, "value");
    let line = ["state", "get", "k"].map(OsString::from).to_vec();
    assert_eq!(
        run_line(
            line,
            &mut server,
            &mut Full(io::ErrorKind::StorageFull),
            &mut err
        )
        .code(),
        1
    );
    assert!(
        String::from_utf8(err)
            .unwrap()
            .contains("can't write the output")
    );
}

/// A server that gives prepared answers and remembers what it was asked.
struct Server {
    answers: VecDeque<(u16, String)>,
    headers: Headers,
    requests: Vec<Request>,
}

impl Server {
    fn answering(status: u16, body: &str) -> Server {
        Server {
            answers: VecDeque::from([(status, body.to_owned())]),
            headers: Headers::default(),
            requests: Vec::new(),
        }
    }

    /// Adds a header to all answers.
    fn with(mut self, name: &str, value: &str) -> Server {
        self.headers.push(name, value);
        self
    }

    /// The exit code, and what was printed.
    fn run(&mut self, arguments: &[&str]) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let arguments = arguments.iter().map(OsString::from).collect();
        let code = run_line(arguments, self, &mut out, &mut err).code();
        (
            code,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    /// A line for each request: method, path, headers and body.
    fn asked(&self) -> String {
        let lines = self.requests.iter().map(|request| {
            let mut words = vec![
                request.method.word().to_owned(),
                request.path_and_query.clone(),
            ];
            words.extend(
                request
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}")),
            );
            words.push(String::from_utf8(request.body.clone()).unwrap());
            words.join(" ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Transport for Server {
    fn open(&mut self, request: &Request) -> Result<Reply, TransportError> {
        self.requests.push(request.clone());
        let (status, body) = self.answers.pop_front().ok_or(TransportError::TimedOut)?;
        Ok(Reply {
            status,
            headers: self.headers.clone(),
            body: Box::new(io::Cursor::new(body)),
        })
    }
}

/// A terminal, where data and talk meet.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output that takes nothing.
struct Full(io::ErrorKind);

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
