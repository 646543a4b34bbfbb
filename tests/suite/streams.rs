//! Streams of events: server-sent events and WebSocket, resume, slow and dead
//! readers.

use std::net::TcpStream;

use coro_api::Reason;
use coro_api::limits::STREAMS_OF_TOKEN_MAX;
use coro_api::tasks::NextTask;
use coro_api::tokens::Role;
use coro_tests::{
    Client, Message, Server, Sse, WebSocket, Wire, allow_many_connections, both_engines,
};
use serde_json::{Value, json};

both_engines![
    a_stream_gives_events_as_they_come,
    a_stream_goes_on_after_a_revision_without_gap_or_duplicate,
    last_event_id_is_where_a_stream_goes_on,
    a_stream_says_how_to_come_back,
    a_stream_gives_only_what_matches,
    a_stream_gives_only_what_the_reader_may_see,
    a_stream_gives_only_what_is_of_the_project_that_is_named,
    a_stream_of_a_prefix_watches_state,
    a_stream_from_the_future_is_refused,
    a_web_socket_gives_events_as_they_come,
    a_web_socket_goes_on_after_a_revision,
    a_web_socket_is_refused_without_a_token,
    a_web_socket_of_another_origin_is_refused,
    a_plain_request_to_the_web_socket_is_refused,
    a_revoked_token_ends_its_streams,
    both_kinds_of_stream_end_when_the_server_stops,
    many_readers_with_disconnects_each_get_every_event_once,
    a_slow_reader_loses_nothing,
    a_web_socket_that_sends_much_is_ended,
    a_token_has_a_bounded_number_of_streams,
    who_need_not_wait_is_answered_beside_the_most_streams,
    a_reader_across_a_restart_loses_nothing,
];

fn sse(client: &Client, query: &str) -> Sse {
    Sse::open(client.get(&format!("/api/events?{query}")))
}

fn publish_numbers(server: &Server, numbers: std::ops::Range<i64>) {
    for number in numbers {
        server.publish("shop.n", json!(number));
    }
}

fn a_stream_gives_events_as_they_come(server: &Server) {
    server.publish("shop.before", json!(1));
    let mut stream = sse(&server.owner(), &format!("from={}", server.revision()));
    let first = server.publish("shop.a", json!({"n": 1}));
    assert_eq!(stream.next_event(), first);
    let item = server.set("shop/plan", "1");
    assert_eq!(stream.next_event().revision, item.revision);
}

fn a_stream_goes_on_after_a_revision_without_gap_or_duplicate(server: &Server) {
    let from = server.revision();
    publish_numbers(server, 0..20);
    let mut seen = Vec::new();
    let mut cursor = from;
    while seen.len() < 20 {
        let mut stream = sse(&server.owner(), &format!("from={cursor}&pattern=shop.*"));
        for event in stream.take(7.min(20 - seen.len())) {
            cursor = event.revision;
            seen.push(event.data);
        }
    }
    assert_eq!(seen, (0..20).map(|n| json!(n)).collect::<Vec<_>>());
}

fn last_event_id_is_where_a_stream_goes_on(server: &Server) {
    let from = server.revision();
    publish_numbers(server, 0..3);
    let request = server.get("/api/events?from=0&pattern=shop.*");
    let request = request.header("Last-Event-ID", &(from + 2).to_string());
    assert_eq!(Sse::open(request).next_event().data, json!(2));
    let bad = server
        .get("/api/events")
        .header("Accept", "text/event-stream");
    bad.header("Last-Event-ID", "x").refused(Reason::Invalid);
}

fn a_stream_says_how_to_come_back(server: &Server) {
    let mut stream = sse(&server.owner(), "from=0");
    let mut frames = Vec::new();
    while !frames
        .iter()
        .any(|frame: &coro_tests::Frame| frame.retry.is_some())
    {
        frames.push(stream.next_frame().expect("the stream goes on"));
        assert!(frames.len() < 3, "retry comes early: {frames:?}");
    }
}

fn a_stream_gives_only_what_matches(server: &Server) {
    let from = server.revision();
    server.publish("shop.noise", json!(1));
    server.publish("shop.api.done", json!(2));
    let mut stream = sse(&server.owner(), &format!("from={from}&pattern=*.done"));
    assert_eq!(stream.next_event().data, json!(2));
    server.publish("shop.noise", json!(3));
    server.publish("shop.web.done", json!(4));
    assert_eq!(stream.next_event().data, json!(4));
}

fn a_stream_gives_only_what_the_reader_may_see(server: &Server) {
    let reader = server.issue_for_project(Role::Viewer, "reader", "shop");
    let from = server.revision();
    let mut stream = sse(&reader, &format!("from={from}"));
    server.publish("other.secret", json!(1));
    server.set("other/secret", "1");
    server.set("shop/plan", "1");
    assert_eq!(stream.next_event().subject, "shop/plan");
}

fn a_stream_gives_only_what_is_of_the_project_that_is_named(server: &Server) {
    let from = server.revision();
    let query = format!("from={from}&project=shop");
    let mut stream = sse(&server.owner(), &query);
    let mut socket = WebSocket::subscribe(&server.owner(), &query);
    for of_shop in [1, 2] {
        server.publish("other.noise", json!(0));
        server.publish("shop.done", json!(of_shop));
        assert_eq!(stream.next_event().data, json!(of_shop));
        assert_eq!(socket.next_event().data, json!(of_shop));
    }
    let reader = server.issue_for_project(Role::Viewer, "reader", "shop");
    let others = reader.get("/api/events?project=other");
    let problem = others.refused(Reason::Forbidden);
    assert!(problem.detail.contains("\"other\""), "{}", problem.detail);
    let own = reader.poll(&query);
    assert_eq!(own.events.len(), 2);
}

fn a_stream_of_a_prefix_watches_state(server: &Server) {
    let from = server.revision();
    server.set("shop/a", "1");
    let mut stream = Sse::open(server.get(&format!("/api/state?watch&prefix=shop/&from={from}")));
    let mut key = Sse::open(server.get(&format!("/api/state/shop/b?watch&from={from}")));
    server.publish("shop.noise", json!(1));
    server.set("other/b", "1");
    server.set("shop/b", "1");
    assert_eq!(
        (stream.next_event().subject, stream.next_event().subject),
        ("shop/a".into(), "shop/b".into())
    );
    assert_eq!(key.next_event().subject, "shop/b");
}

fn a_stream_from_the_future_is_refused(server: &Server) {
    let future = server.revision() + 1;
    let request = server.get(&format!("/api/events?from={future}"));
    request
        .header("Accept", "text/event-stream")
        .refused(Reason::Invalid);
    let path = format!("/api/events/subscribe?from={future}");
    let refused = WebSocket::try_open(&server.owner(), &path, &[])
        .err()
        .expect("refused");
    refused.refused(Reason::Invalid);
}

fn a_web_socket_gives_events_as_they_come(server: &Server) {
    let mut socket = WebSocket::subscribe(&server.owner(), "pattern=shop.*");
    server.publish("other.a", json!(1));
    let event = server.publish("shop.a", json!(1));
    assert_eq!(socket.next_event(), event);
}

fn a_web_socket_goes_on_after_a_revision(server: &Server) {
    let from = server.revision();
    publish_numbers(server, 0..5);
    let query = format!("pattern=shop.*&from={}", from + 2);
    let mut socket = WebSocket::subscribe(&server.owner(), &query);
    publish_numbers(server, 5..7);
    let data: Vec<_> = socket.take(5).into_iter().map(|event| event.data).collect();
    assert_eq!(data, [2, 3, 4, 5, 6].map(|n| json!(n)));
}

fn a_web_socket_is_refused_without_a_token(server: &Server) {
    let open = WebSocket::try_open(&server.anonymous(), "/api/events/subscribe", &[]);
    open.err()
        .expect("refused")
        .refused(Reason::Unauthenticated);
}

/// Any web page could read all events otherwise.
fn a_web_socket_of_another_origin_is_refused(server: &Server) {
    let origin = [("origin", "https://evil.example")];
    let open = WebSocket::try_open(&server.owner(), "/api/events/subscribe", &origin);
    open.err().expect("refused").refused(Reason::Forbidden);
}

fn a_plain_request_to_the_web_socket_is_refused(server: &Server) {
    server.get("/api/events/subscribe").refused(Reason::Invalid);
}

fn a_revoked_token_ends_its_streams(server: &Server) {
    let issued: coro_api::tokens::IssuedToken = server
        .post("/api/tokens", json!({"name": "reader", "role": "viewer"}))
        .ok();
    let reader = server.client(&issued.token);
    let from = format!("from={}&pattern=shop.*", server.revision());
    let (mut stream, mut socket) = (sse(&reader, &from), WebSocket::subscribe(&reader, &from));
    server.publish("shop.a", json!(1));
    assert_eq!(
        (stream.next_event().topic, socket.next_event().topic),
        ("shop.a".into(), "shop.a".into())
    );
    server
        .delete(&format!("/api/tokens/{}", issued.info.id))
        .send()
        .expect(200);
    server.publish("shop.secret", json!(1));
    while let Some(frame) = stream.next_frame() {
        assert!(!frame.data.contains("secret"), "{frame:?}");
    }
    socket.closed();
}

fn both_kinds_of_stream_end_when_the_server_stops(server: &Server) {
    let mut stream = sse(&server.owner(), "");
    let mut socket = WebSocket::subscribe(&server.owner(), "");
    assert_eq!(server.stop().code, Some(0));
    while stream.next_frame().is_some() {}
    socket.closed();
}

/// The same promise with 500 readers and 100,000 events is a long run.
fn many_readers_with_disconnects_each_get_every_event_once(server: &Server) {
    const EVENTS: i64 = 300;
    let from = server.revision();
    std::thread::scope(|scope| {
        for reader in 0..16usize {
            let owner = server.owner();
            scope.spawn(move || {
                let mut cursor = from;
                let mut expected = 0;
                let mut turn = reader;
                while expected < EVENTS {
                    // A different number of events before each disconnect.
                    turn = turn * 7 % 31 + 1;
                    let left = usize::try_from(EVENTS - expected).expect("not negative");
                    let query = format!("pattern=shop.n&from={cursor}");
                    let events = if turn.is_multiple_of(2) {
                        sse(&owner, &query).take(left.min(turn * 3))
                    } else {
                        WebSocket::subscribe(&owner, &query).take(left.min(turn * 3))
                    };
                    for event in events {
                        assert_eq!(event.data, json!(expected), "reader {reader}");
                        expected += 1;
                        cursor = event.revision;
                    }
                }
            });
        }
        publish_numbers(server, 0..EVENTS);
    });
}

fn a_slow_reader_loses_nothing(server: &Server) {
    let from = format!("pattern=shop.n&from={}", server.revision());
    let mut stream = sse(&server.owner(), &from);
    let mut socket = WebSocket::subscribe(&server.owner(), &from);
    // More than the buffers of a connection hold, before the first is read.
    let filler = "x".repeat(100_000);
    for number in 0..60 {
        server.publish("shop.n", json!({"n": number, "filler": filler}));
    }
    for number in 0..60 {
        assert_eq!(stream.next_event().data["n"], number);
        assert_eq!(socket.next_event().data["n"], number);
    }
}

fn a_reader_across_a_restart_loses_nothing(server: &Server) {
    let from = server.revision();
    publish_numbers(server, 0..3);
    let mut stream = sse(&server.owner(), &format!("from={from}&pattern=shop.n"));
    let cursor = stream.take(2).pop().expect("two").revision;
    server.kill();
    server.start_again();
    publish_numbers(server, 3..5);
    let mut stream = sse(&server.owner(), &format!("from={cursor}&pattern=shop.n"));
    let data: Vec<_> = stream.take(3).into_iter().map(|event| event.data).collect();
    assert_eq!(data, [2, 3, 4].map(|n| json!(n)));
}

/// Nothing is read from a WebSocket but that its peer lives.
fn a_web_socket_that_sends_much_is_ended(server: &Server) {
    let mut socket = WebSocket::subscribe(&server.owner(), "pattern=shop.*");
    socket.send(Message::Text("x".repeat(100_000).into()));
    assert!(socket.ends());
}

/// As many streams as a token may have.
pub(crate) fn take_all_streams(server: &Server, client: &Client) -> Vec<Wire<TcpStream>> {
    allow_many_connections();
    let address = server.address();
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {}\r\n\r\n",
        client.token()
    );
    let open = |_| {
        let mut wire = Wire::connect(&address);
        let head = wire.write(&request).read_head();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        wire
    };
    (0..STREAMS_OF_TOKEN_MAX).map(open).collect()
}

fn a_token_has_a_bounded_number_of_streams(server: &Server) {
    let (many, other) = (
        server.issue(Role::Viewer, "many"),
        server.issue(Role::Viewer, "other"),
    );
    let _streams = take_all_streams(server, &many);
    let stream = many
        .get("/api/events")
        .header("Accept", "text/event-stream");
    let refused = stream.refused(Reason::RateLimited);
    assert!(refused.next.expect("a hint").contains("end one"));
    many.get("/api/events?wait=1").refused(Reason::RateLimited);
    let socket = WebSocket::try_open(&many, "/api/events/subscribe", &[]);
    socket.err().expect("refused").refused(Reason::RateLimited);
    // Who does not wait is no stream, and others have their own.
    many.get("/api/events?from=0").send().expect(200);
    sse(&other, "from=0").next_frame().expect("it is served");
}

/// What was there already was refused, where the caller asked to wait for it.
fn who_need_not_wait_is_answered_beside_the_most_streams(server: &Server) {
    let (agent, owner) = (server.agent("frontend"), server.owner());
    let _streams = take_all_streams(server, &agent);
    let next = || agent.post("/api/tasks/next", json!({"wait_seconds": 50}));
    next().refused(Reason::RateLimited);
    agent.get("/api/inbox?wait=50").refused(Reason::RateLimited);
    let ask = json!({"title": "May I?"});
    agent
        .post("/api/requests?wait=50", ask.clone())
        .refused(Reason::RateLimited);
    assert!(owner.get("/api/requests").ok::<Vec<Value>>().is_empty());
    let task = json!({"title": "a"});
    owner.post("/api/tasks", task).send().expect(200);
    let message = json!({"to": "frontend", "text": "hello"});
    owner.post("/api/messages", message).send().expect(200);
    agent.post("/api/requests", ask).send().expect(200);
    let withdraw = agent.post("/api/requests/R-1/withdraw", json!({}));
    withdraw.send().expect(200);
    assert_eq!(
        next().ok::<NextTask>().task.expect("a task").item.title,
        "a"
    );
    for path in [
        "/api/inbox?wait=50",
        "/api/requests/R-1?wait=50",
        "/api/events?from=0&wait=50",
    ] {
        agent.get(path).send().expect(200);
    }
}
