//! `/openapi.json`: a snapshot of it, and that it says what is so.

use std::collections::BTreeSet;

use coro_tests::{Client, Engine, Options, Request, Server, each_engine, encode, key_path};
use serde_json::{Value, json};

each_engine![every_example_is_carried_out];

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// As the program prints it.
fn document() -> Value {
    let printed = Options::new(Engine::Sqlite).bare_command(&["openapi"]);
    assert_eq!(printed.code, Some(0), "{printed}");
    serde_json::from_str(&printed.stdout).expect("JSON")
}

/// Method, path and operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().expect("an item").clone();
        let path = path.clone();
        operations
            .into_iter()
            .map(move |(method, operation)| (method, path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let mut document = document();
    document["info"]["version"] = "[version]".into();
    let text = serde_json::to_string_pretty(&document).expect("JSON");
    insta::assert_snapshot!(text);
}

#[test]
fn the_server_and_its_program_give_the_same_document() {
    let server = Server::start(Engine::Sqlite);
    let served = server.anonymous().get("/openapi.json").send().expect(200);
    assert_eq!(served.the("content-type"), "application/json");
    let document = document();
    assert_eq!(served.json::<Value>(), document);
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn visit(value: &Value, root: &Value, count: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    let pointer = target.strip_prefix('#').expect("a local reference");
                    assert!(root.pointer(pointer).is_some(), "{target} leads nowhere");
                    *count += 1;
                }
                members
                    .values()
                    .for_each(|member| visit(member, root, count));
            }
            Value::Array(items) => items.iter().for_each(|item| visit(item, root, count)),
            _ => {}
        }
    }
    let document = document();
    let mut count = 0;
    visit(&document, &document, &mut count);
    assert!(count > 20, "{count}");
}

#[test]
fn every_operation_has_a_name_a_summary_and_says_how_it_fails() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(METHODS.contains(&method.as_str()), "{method} {path}");
        let id = operation["operationId"]
            .as_str()
            .expect("an operation has an id")
            .to_owned();
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{id}"
        );
        assert!(operation["responses"]["default"].is_object(), "{id}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
            assert!(described, "{id}: {parameter}");
        }
        assert!(ids.insert(id.clone()), "{id} twice");
    }
}

#[test]
fn every_reason_of_an_error_is_in_the_document() {
    let text = document().to_string();
    for reason in coro_api::Reason::ALL {
        assert!(
            text.contains(&format!("\"{}\"", reason.word())),
            "{reason:?}"
        );
    }
}

/// The example of a parameter that must be given.
fn example(parameter: &Value) -> Option<String> {
    match &parameter["example"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn example_call(client: &Client, method: &str, path: &str, operation: &Value) -> Request {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        match (parameter["in"].as_str(), example(parameter)) {
            (Some("path"), Some(value)) => {
                let value = key_path(&value)
                    .trim_start_matches("/api/state/")
                    .to_owned();
                path = path.replace(&format!("{{{name}}}"), &value);
            }
            (Some("query"), Some(value)) => query.push(format!("{name}={}", encode(&value))),
            (Some("path"), None) => panic!("{method} {path}: {name} has no example"),
            _ => {}
        }
    }
    let path = if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    };
    let request = client.request(&method.to_uppercase(), &path);
    let Some(content) = operation["requestBody"]["content"].as_object() else {
        return match method {
            "post" => request.body(""),
            _ => request,
        };
    };
    let example = content
        .iter()
        .find(|(_, media)| !media["example"].is_null());
    let (content_type, media) =
        example.unwrap_or_else(|| panic!("{method} {path}: the body has no example"));
    let body = &media["example"];
    let content_type = content_type.replace("*/*", "application/json");
    request
        .header("Content-Type", &content_type)
        .body(body.to_string())
}

/// M-1, which the examples read, and M-2, which they answer.
fn write_to_example(sender: &Client) {
    let message = json!({"to": "example", "text": "hello"});
    sender.post("/api/messages", message).send().expect(200);
    let ask = json!({"to": "example", "prompt": "which port?", "schema": {"required": ["port"]}});
    sender.post("/api/asks", ask).send().expect(200);
}

/// In an order in which what an example names is there.
fn every_example_is_carried_out(engine: Engine) {
    let server = Options::new(engine).with_dashboard().start();
    let document = document();
    let mut operations = operations(&document);
    let rank = |method: &str| METHODS.iter().position(|m| *m == method);
    operations.sort_by_key(|(method, path, _)| {
        let first = matches!(method.as_str(), "put" | "post") && !path.ends_with("/ack");
        (
            !first,
            method == "delete",
            !path.ends_with("/ack"),
            rank(method),
        )
    });
    server.set("shop/plan", "{\"milestone\": 1}");
    let (owner, agent) = (server.owner(), server.agent("example"));
    write_to_example(&server.agent("backend"));
    for (method, path, operation) in operations {
        // The examples of agents are about the caller itself, and what is
        // written to it; leases and tasks are taken by agents.
        let own = [
            "/api/instances/{id}",
            "/api/hook",
            "/api/leases",
            "/api/messages/{number}",
            "/api/inbox",
        ];
        let does_tasks = ["next", "claim", "done", "fail", "release"]
            .iter()
            .any(|end| path.starts_with("/api/tasks/") && path.ends_with(end));
        let is_own = does_tasks || own.iter().any(|own| path.starts_with(own));
        let caller = if is_own { &agent } else { &owner };
        let answer = example_call(caller, &method, &path, &operation).send();
        // A token's id can't be known before, and a WebSocket is no example.
        let expected: &[u16] = match operation["operationId"].as_str() {
            Some("revoke_token") => &[404],
            // The agent of the examples may have ended before.
            Some("release_lease") => &[200, 404],
            Some("subscribe_events") => &[400],
            // The example of `done` comes before, and hands the task in.
            Some("fail_task" | "release_task") => &[409],
            // Who asks does not decide.
            Some("decide_request") => &[403],
            // They belong to the dashboard's port.
            Some(
                "begin_passkey"
                | "add_passkey"
                | "remove_passkey"
                | "begin_unlock"
                | "unlock_human_with_passkey",
            ) => &[409],
            _ => &[200],
        };
        assert!(expected.contains(&answer.status), "{answer}");
        let documented = &operation["responses"];
        let known = documented
            .get(answer.status.to_string())
            .or(documented.get("default"));
        assert!(known.is_some(), "{answer}");
    }
}
