//! Requests that make little sense, against every operation of the document:
//! whatever comes, the answer is defined. No 5xx, every refusal a problem with
//! its reason, and the log is sound afterwards.
//!
//! It covers what a schema fuzzer is known to miss: single odd values of
//! integers, and texts that are odd to us (names, revisions, tags).

use coro_api::Problem;
use coro_api::audit::AuditVerification;
use coro_tests::{Random, Server, both_engines, encode, variable};
use serde_json::{Value, json};

both_engines![no_request_is_answered_with_a_fault];

/// Texts that have been somebody's trouble before.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "7",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e3",
    "0x10",
    "NaN",
    "true",
    "null",
    "*",
    "**",
    "a",
    "shop/plan",
    "shop/",
    "/shop",
    "a//b",
    "..",
    "../..",
    "coro.state.put",
    "coro.",
    ".",
    "%",
    "%00",
    "%2F",
    "\u{0}",
    "\u{7f}",
    "\u{202e}",
    "\u{10ffff}",
    "ä",
    "日本",
    "😀",
    "'",
    "\"",
    "\\",
    "'; SELECT 1; --",
    "$1",
    "?1",
    "v1-",
    "\"v1-0\"",
    "W/\"v1-0\"",
    "2026-02-16T14:30:00Z",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "-0001-01-01T00:00:00Z",
    "[",
    "{}",
    "<script>",
    "text/event-stream",
    "application/cloudevents+json",
];

const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "application/merge-patch+json",
    "application/json-patch+json",
    "text/plain",
    "x",
];

const HEADERS: &[&str] = &[
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Idempotency-Key",
    "Accept",
    "traceparent",
];

fn no_request_is_answered_with_a_fault(server: &Server) {
    let document: Value = server.get("/openapi.json").ok();
    let rounds = if variable("CORO_LONG").is_some() {
        2_000
    } else {
        40
    };
    let mut random = Random::new(7);
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys() {
            for _ in 0..rounds {
                one_request(server, &mut random, method, path, &item[method]);
            }
        }
    }
    assert!(server.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

fn one_request(server: &Server, random: &mut Random, method: &str, path: &str, operation: &Value) {
    let target = format!("{}{}", filled(random, path), query(random, operation));
    let mut request = server.request(&method.to_uppercase(), &target);
    let streams = operation["responses"]["200"]["content"]
        .get("text/event-stream")
        .is_some();
    if random.below(2) == 0 {
        let (name, value) = (pick(random, HEADERS), pick(random, TEXTS));
        let sendable = !value.is_empty() && value.bytes().all(|b| (b'!'..=b'~').contains(&b));
        if sendable && !(name == "Accept" && (streams || target.contains("watch"))) {
            request = request.header(name, value);
        }
    }
    if matches!(method, "put" | "post" | "patch") {
        request = request
            .header("Content-Type", pick(random, CONTENT_TYPES))
            .body(body(random));
    }
    let answer = request.send();
    let told = || format!("{method} {target}: {} {}", answer.status, answer.text());
    assert!(answer.status < 500, "{}", told());
    if answer.status >= 400 {
        let problem: Problem =
            serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", told()));
        assert_eq!(
            (problem.reason.status(), problem.code),
            (answer.status, answer.status),
            "{}",
            told()
        );
        assert!(!problem.detail.is_empty(), "{}", told());
    }
}

fn filled(random: &mut Random, path: &str) -> String {
    let Some((before, rest)) = path.split_once('{') else {
        return path.to_owned();
    };
    let after = rest.split_once('}').expect("a parameter ends").1;
    format!("{before}{}{after}", encode(pick(random, TEXTS)))
}

fn query(random: &mut Random, operation: &Value) -> String {
    let mut pairs = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        // Waiting is tested elsewhere, and takes as long as it says.
        if parameter["in"] == "query" && name != "wait" && random.below(3) == 0 {
            pairs.push(format!("{name}={}", encode(pick(random, TEXTS))));
        }
    }
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

fn body(random: &mut Random) -> String {
    match random.below(4) {
        0 => pick(random, TEXTS).to_owned(),
        _ => json_value(random, 0).to_string(),
    }
}

/// JSON with members that our requests have, and values that they may not.
fn json_value(random: &mut Random, depth: u32) -> Value {
    const NAMES: &[&str] = &[
        "topic",
        "subject",
        "data",
        "name",
        "role",
        "kind",
        "project",
        "key_prefixes",
        "expires_in",
        "pattern",
        "from",
        "revision",
        "compare",
        "writes",
        "op",
        "key",
        "value",
        "base64",
        "content_type",
        "ttl",
        "version",
        "path",
        "a",
    ];
    const WORDS: &[&str] = &[
        "put", "delete", "add", "copy", "agent", "owner", "human", "/a", "", "-",
    ];
    match random.below(if depth > 4 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(pick(random, TEXTS)),
        3 => json!(pick(random, WORDS)),
        4 => [
            json!(0),
            json!(-1),
            json!(7),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(0.5),
        ][random.below(7) as usize]
            .clone(),
        5 | 6 => (0..random.below(3))
            .map(|_| json_value(random, depth + 1))
            .collect(),
        _ => {
            let member = |random: &mut Random| {
                (
                    pick(random, NAMES).to_owned(),
                    json_value(random, depth + 1),
                )
            };
            Value::Object((0..1 + random.below(5)).map(|_| member(random)).collect())
        }
    }
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u32) as usize]
}
