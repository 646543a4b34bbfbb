//! What every route has in common: errors, queries, bodies, hosts, repeated
//! requests, ids, compression.

use coro_api::Reason;
use coro_api::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use coro_api::state::StateItem;
use coro_api::system::{Health, Ready};
use coro_api::tokens::{Role, Token};
use coro_tests::{Engine, Fault, Options, Server, Wire, both_engines, each_engine, raw_request};
use serde_json::{Value, json};

both_engines![
    an_error_is_a_problem_with_koors_fields,
    an_unknown_route_is_a_problem_too,
    an_unknown_method_is_refused_with_those_that_are_known,
    an_unknown_parameter_is_refused_by_name,
    a_parameter_given_twice_is_refused,
    a_text_that_no_database_takes_is_refused,
    health_and_readiness_need_no_token,
    each_answer_has_a_request_id,
    a_body_that_is_cut_short_writes_nothing,
    a_body_in_chunks_is_taken_and_bounded,
    rubbish_instead_of_http_is_answered_and_survived,
    a_head_without_end_is_refused,
    a_strange_host_is_refused,
    a_strange_origin_is_refused,
    a_form_of_a_web_page_is_refused,
    a_repeated_request_is_carried_out_once,
    a_repetition_in_parallel_is_carried_out_once,
    an_idempotency_key_belongs_to_one_request,
    an_idempotency_key_belongs_to_one_principal,
    an_idempotency_key_is_forgotten_after_a_day,
    a_refused_request_may_be_tried_again_under_its_key,
    a_repeated_token_is_not_shown_again,
    a_malformed_idempotency_key_is_refused,
    answers_are_compressed_where_it_pays,
    stored_content_does_not_run_in_a_browser,
    the_human_page_needs_no_network,
    metrics_are_in_prometheus_text,
    many_requests_of_one_connection_are_answered_in_order,
    a_request_is_answered_before_the_next_one_is_whole,
];
each_engine![
    a_smaller_limit_of_bodies_is_kept,
    a_stopping_server_finishes_what_it_has_begun,
    a_failing_disk_is_said_and_nothing_is_acknowledged,
];

const OWN: &str = "127.0.0.1";

fn an_error_is_a_problem_with_koors_fields(server: &Server) {
    let answer = server.get("/api/state/shop/nothing").send();
    insta::allow_duplicates! {
        insta::assert_snapshot!(answer.snapshot());
    }
}

fn an_unknown_route_is_a_problem_too(server: &Server) {
    for path in [
        "/api/nothing",
        "/api",
        "/nothing",
        "/api/state/",
        "/api/events/",
        "//",
    ] {
        let status = server.get(path).send().status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    server.get("/api/nothing").refused(Reason::NotFound);
}

fn an_unknown_method_is_refused_with_those_that_are_known(server: &Server) {
    for (method, path, allowed) in [
        ("DELETE", "/api/events/publish", "POST"),
        ("PUT", "/api/tokens", "POST"),
        ("POST", "/api/events/history", "GET"),
        ("PUT", "/api/txn", "POST"),
        ("OPTIONS", "/api/state/k", "PUT"),
    ] {
        let answer = server.request(method, path).body("").send();
        assert!(answer.the("allow").contains(allowed), "{answer}");
        answer.refused(Reason::MethodNotAllowed);
    }
}

fn an_unknown_parameter_is_refused_by_name(server: &Server) {
    server.set("k", "1");
    for path in [
        "/api/state?colour=red",
        "/api/state/k?colour=red",
        "/api/events?colour=red",
        "/api/events/history?colour=red",
        "/api/audit?colour=red",
        "/api/consumers?colour=red",
        "/api/tokens?colour=red",
        "/api/whoami?colour=red",
        "/api/metrics?colour=red",
        "/api/audit/verify?colour=red",
    ] {
        let problem = server.get(path).refused(Reason::Invalid);
        assert!(
            problem.detail.contains("colour"),
            "{path}: {}",
            problem.detail
        );
    }
    for request in [
        server.put("/api/state/k?colour=red", "2"),
        server.delete("/api/state/k?colour=red"),
        server.post("/api/txn?colour=red", json!({"writes": []})),
        server.post("/api/events/publish?colour=red", json!({"topic": "a"})),
    ] {
        assert!(request.refused(Reason::Invalid).detail.contains("colour"));
    }
    assert_eq!(server.value("k"), "1");
}

fn a_parameter_given_twice_is_refused(server: &Server) {
    let problem = server
        .get("/api/state?prefix=a&prefix=b")
        .refused(Reason::Invalid);
    assert!(problem.detail.contains("prefix"), "{}", problem.detail);
}

fn health_and_readiness_need_no_token(server: &Server) {
    let health: Health = server.anonymous().get("/health").ok();
    assert_eq!(health.status, "ok");
    assert!(health.uptime.ends_with('s'), "{}", health.uptime);
    assert_eq!(
        server.anonymous().get("/ready").ok::<Ready>().status,
        "ready"
    );
}

fn each_answer_has_a_request_id(server: &Server) {
    let first = server
        .get("/api/whoami")
        .send()
        .the("x-request-id")
        .to_owned();
    let second = server
        .anonymous()
        .get("/api/whoami")
        .send()
        .the("x-request-id")
        .to_owned();
    assert_ne!(first, second);
    let own = server
        .get("/nothing")
        .header("X-Request-Id", "my-id.7")
        .send();
    assert_eq!(own.the("x-request-id"), "my-id.7");
    let bad = server.get("/nothing").header("X-Request-Id", "a b").send();
    assert_ne!(bad.the("x-request-id"), "a b");
}

fn head(server: &Server, method: &str, path: &str) -> Vec<String> {
    vec![
        format!("{method} {path} HTTP/1.1"),
        format!("Host: {}", server.address()),
        format!("Authorization: Bearer {}", server.owner().token()),
    ]
}

fn lines(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn a_body_that_is_cut_short_writes_nothing(server: &Server) {
    let mut wire = Wire::connect(&server.address());
    let head = head(server, "PUT", "/api/state/k").join("\r\n");
    wire.write(format!("{head}\r\nContent-Length: 10\r\n\r\n12345"));
    wire.finish();
    let answer = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    server.get("/api/state/k").refused(Reason::NotFound);
}

fn a_body_in_chunks_is_taken_and_bounded(server: &Server) {
    let mut head = head(server, "PUT", "/api/state/k");
    head.push("Transfer-Encoding: chunked".to_owned());
    raw_request(
        &server.address(),
        &lines(&head),
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .expect(200);
    assert_eq!(server.value("k"), "abcde");
    let chunk = [
        format!("{:x}\r\n", 11 << 20).into_bytes(),
        vec![b'x'; 11 << 20],
    ]
    .concat();
    let mut wire = Wire::connect(&server.address());
    wire.write(head.join("\r\n"))
        .write("\r\nConnection: close\r\n\r\n");
    wire.try_write(&chunk).try_write(b"\r\n0\r\n\r\n");
    let answer = wire.read_head();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.value("k"), "abcde");
}

fn rubbish_instead_of_http_is_answered_and_survived(server: &Server) {
    for rubbish in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "hello world\r\n\r\n",
        "GET / HTTP/9\r\n\r\n",
    ] {
        let mut wire = Wire::connect(&server.address());
        wire.write(rubbish);
        wire.finish();
        let answer = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{rubbish:?}: {answer}"
        );
    }
    server.get("/health").send().expect(200);
}

fn a_head_without_end_is_refused(server: &Server) {
    let mut wire = Wire::connect(&server.address());
    wire.write(head(server, "GET", "/health").join("\r\n"));
    wire.try_write(format!("\r\nX-Filler: {}", "x".repeat(2 << 20)).as_bytes());
    wire.finish();
    let answer = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer:.200}"
    );
}

fn with_host(server: &Server, host: &str, more: &[&str]) -> u16 {
    let bearer = format!("Authorization: Bearer {}", server.owner().token());
    let host = format!("Host: {host}");
    let head = [&["GET /api/whoami HTTP/1.1", &host, &bearer][..], more].concat();
    raw_request(&server.address(), &head, b"").status
}

/// A page whose name was made to point to loopback (DNS rebinding).
fn a_strange_host_is_refused(server: &Server) {
    let address = server.address();
    let port = address.rsplit(':').next().expect("a port");
    for host in [
        address.clone(),
        format!("localhost:{port}"),
        OWN.into(),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(with_host(server, &host, &[]), 200, "{host}");
    }
    let evil = format!("evil.example:{port}");
    for host in [
        evil.as_str(),
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
    ] {
        assert_eq!(with_host(server, host, &[]), 403, "{host}");
    }
}

fn a_strange_origin_is_refused(server: &Server) {
    let address = server.address();
    let own = format!("Origin: http://{address}");
    assert_eq!(with_host(server, &address, &[&own]), 200);
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "file://",
    ] {
        assert_eq!(
            with_host(server, &address, &[&format!("Origin: {origin}")]),
            403,
            "{origin}"
        );
    }
}

/// Such a request needs no preflight, so any page could send it.
fn a_form_of_a_web_page_is_refused(server: &Server) {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        for path in [
            "/api/events/publish",
            "/api/txn",
            "/api/tokens",
            "/api/consumers",
        ] {
            let request = server.request("POST", path).body(r#"{"topic":"shop.a"}"#);
            request
                .header("Content-Type", content_type)
                .refused(Reason::UnsupportedMediaType);
        }
    }
    let request = server
        .request("POST", "/api/events/publish")
        .body(r#"{"topic":"shop.a"}"#);
    request.refused(Reason::UnsupportedMediaType);
    let request = server
        .request("POST", "/api/events/publish")
        .body(r#"{"topic":"shop.a"}"#);
    request
        .header("Content-Type", "Application/JSON; charset=utf-8")
        .send()
        .expect(200);
}

fn a_repeated_request_is_carried_out_once(server: &Server) {
    server.set("d", "1");
    for (name, request) in [
        ("put", server.put("/api/state/k", "1")),
        (
            "publish",
            server.post("/api/events/publish", json!({"topic": "shop.a"})),
        ),
        (
            "txn",
            server.post(
                "/api/txn",
                json!({"writes": [{"op": "put", "key": "t", "value": 1}]}),
            ),
        ),
        (
            "patch",
            server
                .owner()
                .patch("/api/state/d", "application/merge-patch+json", "{\"a\":1}"),
        ),
        (
            "rollback",
            server.owner().post_nothing("/api/state/d?rollback=1"),
        ),
        ("delete", server.delete("/api/state/d")),
        (
            "consumer",
            server.post("/api/consumers", json!({"name": "inbox"})),
        ),
    ] {
        let request = request.header("Idempotency-Key", name);
        let first = request.clone().send().expect(200);
        let revision = server.revision();
        let again = request.send().expect(200);
        assert_eq!(again.text(), first.text(), "{name}");
        assert_eq!(again.header("etag"), first.header("etag"), "{name}");
        assert_eq!(again.the("idempotency-replayed"), "true", "{name}");
        assert_eq!(first.header("idempotency-replayed"), None, "{name}");
        assert_eq!(server.revision(), revision, "{name}");
    }
}

fn a_repetition_in_parallel_is_carried_out_once(server: &Server) {
    let publish = server
        .post("/api/events/publish", json!({"topic": "shop.a"}))
        .header("Idempotency-Key", "once");
    let bodies: Vec<String> = std::thread::scope(|scope| {
        let send = |_| {
            let publish = publish.clone();
            scope.spawn(move || publish.send().expect(200).text())
        };
        let senders: Vec<_> = (0..8).map(send).collect();
        senders
            .into_iter()
            .map(|sender| sender.join().expect("no panic"))
            .collect()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(server.owner().history("topic=shop.a").len(), 1);
}

fn an_idempotency_key_belongs_to_one_request(server: &Server) {
    let put = |key: &str, body: &str| {
        server
            .put(&format!("/api/state/{key}"), body)
            .header("Idempotency-Key", "x")
    };
    put("k", "1").send().expect(200);
    put("k", "2").refused(Reason::IdempotencyMismatch);
    put("other", "1").refused(Reason::IdempotencyMismatch);
    put("k", "1")
        .header("If-Match", "*")
        .refused(Reason::IdempotencyMismatch);
    assert_eq!(server.get("/api/state/k?meta").ok::<StateItem>().version, 1);
}

fn an_idempotency_key_belongs_to_one_principal(server: &Server) {
    let agent = server.issue(Role::Agent, "a");
    server
        .put("/api/state/k", "1")
        .header("Idempotency-Key", "x")
        .send()
        .expect(200);
    let put = agent
        .put("/api/state/k", "1")
        .header("Idempotency-Key", "x");
    assert_eq!(put.ok::<StateItem>().version, 2);
}

fn an_idempotency_key_is_forgotten_after_a_day(server: &Server) {
    let put = || {
        server
            .put("/api/state/k", "1")
            .header("Idempotency-Key", "x")
    };
    put().send().expect(200);
    server.advance_seconds(23 * 3600);
    server.sweep();
    assert_eq!(put().ok::<StateItem>().version, 1);
    server.advance_seconds(2 * 3600);
    server.sweep();
    assert_eq!(put().ok::<StateItem>().version, 2);
}

fn a_refused_request_may_be_tried_again_under_its_key(server: &Server) {
    let put = || {
        server
            .put("/api/state/k", "2")
            .header("If-Match", "*")
            .header("Idempotency-Key", "x")
    };
    put().refused(Reason::PreconditionFailed);
    server.set("k", "1");
    assert_eq!(put().ok::<StateItem>().version, 2);
}

fn a_repeated_token_is_not_shown_again(server: &Server) {
    let create = || {
        let body = json!({"name": "a", "role": "agent"});
        server
            .post("/api/tokens", body)
            .header("Idempotency-Key", "x")
    };
    let first: coro_api::tokens::IssuedToken = create().ok();
    let again = create().send();
    assert!(!again.text().contains("cor_"), "{again}");
    assert!(
        again
            .refused(Reason::Conflict)
            .detail
            .contains(&first.info.id)
    );
    assert_eq!(server.get("/api/tokens").ok::<Vec<Token>>().len(), 2);
}

fn a_malformed_idempotency_key_is_refused(server: &Server) {
    let longest = "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX);
    let put = |key: &str| {
        server
            .put("/api/state/k", "1")
            .header("Idempotency-Key", key)
    };
    put("").refused(Reason::Invalid);
    put(&format!("{longest}k")).refused(Reason::Invalid);
    put(&longest).send().expect(200);
}

fn answers_are_compressed_where_it_pays(server: &Server) {
    for number in 0..50 {
        server.set(&format!("shop/a-rather-long-key/{number}"), "1");
    }
    let plain = server.get("/api/state").send().expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let small = server
        .get("/api/state")
        .header("Accept-Encoding", "gzip")
        .send()
        .expect(200);
    assert_eq!(small.the("content-encoding"), "gzip");
    assert!(small.body.len() * 3 < plain.body.len());
    assert_eq!(small.text_unpacked(), plain.text());
    assert!(small.the("vary").to_lowercase().contains("accept-encoding"));
    let tiny = server
        .get("/health")
        .header("Accept-Encoding", "gzip")
        .send();
    assert_eq!(tiny.header("content-encoding"), None);
}

fn stored_content_does_not_run_in_a_browser(server: &Server) {
    let put = server.put("/api/state/page", "<script>alert(1)</script>");
    put.header("Content-Type", "text/html").send().expect(200);
    let answer = server.get("/api/state/page").send().expect(200);
    assert_eq!(answer.the("x-content-type-options"), "nosniff");
    assert!(answer.the("content-security-policy").contains("sandbox"));
    let bad = server
        .put("/api/state/page", "1")
        .header("Content-Type", "a\tb\u{e9}");
    assert!(matches!(bad.send().status, 200 | 400));
}

fn the_human_page_needs_no_network(server: &Server) {
    let mut page = server.anonymous().get("/docs").send();
    if let Some(target) = page.header("location") {
        page = server.anonymous().get(target).send();
    }
    let page = page.expect(200);
    let mut html = page.text_unpacked();
    html.make_ascii_lowercase();
    assert!(html.contains("swagger"), "{html}");
    assert!(!html.contains("https://"), "{html}");
}

fn metrics_are_in_prometheus_text(server: &Server) {
    server.set("k", "1");
    server
        .anonymous()
        .get("/metrics")
        .refused(Reason::Unauthenticated);
    let answer = server.get("/metrics").send().expect(200);
    let content_type = answer.the("content-type");
    assert!(content_type.starts_with("text/plain") || content_type.contains("openmetrics"));
    let text = answer.text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(
            line.starts_with("coro_") || line.starts_with("process_"),
            "{line}"
        );
    }
    assert!(text.contains("# TYPE coro_"), "{text}");
}

fn many_requests_of_one_connection_are_answered_in_order(server: &Server) {
    let mut wire = Wire::connect(&server.address());
    for number in 0..10 {
        let head = head(server, "PUT", &format!("/api/state/k{number}")).join("\r\n");
        wire.write(format!("{head}\r\nContent-Length: 1\r\n\r\n{number}"));
    }
    wire.write(head(server, "GET", "/api/state/k9").join("\r\n"));
    wire.write("\r\nConnection: close\r\n\r\n");
    let answers = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 11, "{answers}");
    let places: Vec<_> = (0..10)
        .map(|n| answers.find(&format!("\"key\":\"k{n}\"")))
        .collect();
    assert!(
        places.is_sorted() && places.iter().all(Option::is_some),
        "{places:?}"
    );
    assert!(answers.ends_with("\r\n\r\n9"), "{answers}");
}

fn a_smaller_limit_of_bodies_is_kept(engine: Engine) {
    let server = Options::new(engine)
        .config("[limits]\nbody_bytes = 100\n")
        .start();
    server
        .put("/api/state/k", "x".repeat(100))
        .send()
        .expect(200);
    server
        .put("/api/state/k", "x".repeat(101))
        .refused(Reason::TooLarge);
    let data = json!({"topic": "shop.a", "data": "x".repeat(101)});
    server
        .post("/api/events/publish", data)
        .refused(Reason::TooLarge);
}

/// What was acknowledged while it stops is there afterwards.
fn a_stopping_server_finishes_what_it_has_begun(engine: Engine) {
    let server = Server::start(engine);
    let acknowledged = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let owner = server.owner();
            let write = |n: i64| owner.put("/api/state/k", n.to_string()).try_send();
            (1..5000)
                .take_while(|n| write(*n).is_ok_and(|answer| answer.status == 200))
                .count()
        });
        server.put("/api/state/other", "1").send().expect(200);
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{ended}");
        writing.join().expect("no panic")
    });
    server.start_again();
    if acknowledged > 0 {
        let version = server.get("/api/state/k?meta").ok::<StateItem>().version;
        assert!(version >= acknowledged as i64, "{version} < {acknowledged}");
    }
}

fn a_failing_disk_is_said_and_nothing_is_acknowledged(engine: Engine) {
    let server = Server::start(engine);
    server.set("k", "1");
    server.fault(Fault::IoError, 0);
    let answer = server.put("/api/state/k", "2").send();
    assert!(matches!(answer.status, 500 | 503), "{answer}");
    assert!(!answer.text().contains("SQL"), "{answer}");
    assert_eq!(server.value("k"), "1");
    assert_eq!(server.set("k", "3").version, 2);
    server.restart();
    let version: Value = server.get("/api/state/k?meta").ok();
    assert_eq!(version["version"], 2);
}

/// Answers were once held back while a part of the next request had come.
fn a_request_is_answered_before_the_next_one_is_whole(server: &Server) {
    let mut wire = Wire::connect(&server.address());
    wire.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea");
    assert!(wire.read_head().starts_with("HTTP/1.1 200"));
}

fn a_text_that_no_database_takes_is_refused(server: &Server) {
    let agent = server.agent("frontend");
    for path in [
        "/api/tasks?assignee=%00",
        "/api/requests?asked_by=%00",
        "/api/leases?holder=%00",
    ] {
        let answer = agent.get(path).send();
        assert!(answer.status < 500, "{path}: {answer:?}");
    }
    let message = json!({"to": "\u{0}", "text": "hello"});
    agent
        .post("/api/messages", message)
        .refused(Reason::Invalid);
}
