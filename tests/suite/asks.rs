//! Asking an agent: a prompt, and an answer of a given form back.

use coro_api::Reason;
use coro_api::events::Event;
use coro_api::hooks::HookAnswer;
use coro_api::limits::ANSWER_BYTES_MAX;
use coro_api::messages::{AnswerState, Inbox, Message, MessageKind, ReceiptState, Sent};
use coro_api::tokens::Role;
use coro_tests::{Client, Engine, Options, Request, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    an_agent_answers_and_the_asker_gets_it,
    an_asker_that_waits_gets_the_answer_at_once,
    an_answer_that_does_not_fit_may_be_corrected_once,
    a_second_answer_that_does_not_fit_fails,
    only_the_asked_agent_answers,
    an_ask_is_answered_once,
    an_unanswered_ask_expires,
    an_ask_to_an_agent_that_ends_fails,
    an_ask_blocks_until_it_is_answered,
    a_repeated_answer_is_taken_once,
    what_asks_for_nothing_is_not_answered,
    schemas_that_lead_elsewhere_are_refused,
    what_is_sent_is_bounded,
    an_ask_to_nobody_is_refused,
    a_human_asks_too,
    a_later_session_answers_what_an_earlier_one_was_asked,
    long_answers_come_whole_and_not_all_at_once,
];

fn port() -> Value {
    json!({
        "type": "object", "required": ["port"],
        "properties": {"port": {"type": "integer", "minimum": 1}},
    })
}

fn ask(client: &Client, to: &str, schema: Value) -> Sent {
    let body = json!({"to": to, "prompt": "which port?", "schema": schema});
    client.post("/api/asks", body).ok()
}

fn answer(client: &Client, number: &str, answer: Value) -> Request {
    client.post(
        &format!("/api/messages/{number}/answer"),
        json!({ "answer": answer }),
    )
}

fn get(client: &Client, number: &str) -> Message {
    client.get(&format!("/api/messages/{number}")).ok()
}

fn state(client: &Client, number: &str) -> AnswerState {
    get(client, number).ask.expect("it is an ask").state
}

fn inbox(client: &Client) -> Vec<Message> {
    client.get("/api/inbox").ok::<Inbox>().messages
}

fn topics(server: &Server) -> Vec<String> {
    let events: Vec<Event> = server.owner().history("topic=coro.message.*");
    let topics = events.iter().rev().map(|event| event.topic.clone());
    topics
        .map(|topic| topic.replace("coro.message.", ""))
        .collect()
}

fn an_agent_answers_and_the_asker_gets_it(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let sent = ask(&a, "b", port());
    assert_eq!(
        (sent.number.to_string(), sent.recipients),
        ("M-1".into(), vec!["b".to_owned()])
    );
    let asked = inbox(&b).remove(0);
    assert_eq!((asked.kind, asked.blocking), (MessageKind::Ask, true));
    assert_eq!(asked.ask.expect("it asks").schema, Some(port()));
    assert_eq!(state(&a, "M-1"), AnswerState::Waiting);
    let taken: Message = answer(&b, "M-1", json!({"port": 80})).ok();
    assert_eq!(
        taken.ask.expect("it asks").answer,
        Some(json!({"port": 80}))
    );
    let told = inbox(&a).remove(0);
    assert_eq!(
        (told.kind, &*told.from, &*told.text),
        (MessageKind::Answer, "b", r#"{"port":80}"#)
    );
    let asked = get(&a, "M-1");
    assert_eq!(asked.receipts[0].state, ReceiptState::Acknowledged);
    assert_eq!(
        asked.ask.expect("it asks").answer,
        Some(json!({"port": 80}))
    );
    assert_eq!(topics(server), ["sent", "acknowledged", "answered"]);
}

fn an_asker_that_waits_gets_the_answer_at_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", json!({}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| a.get("/api/messages/M-1?wait=50").ok::<Message>());
        answer(&b, "M-1", json!(null)).send().expect(200);
        let asked = waiting.join().expect("no panic").ask.expect("it asks");
        assert_eq!(asked.state, AnswerState::Answered);
    });
    // It has heard, and is not told again.
    assert!(inbox(&a).is_empty());
}

fn an_answer_that_does_not_fit_may_be_corrected_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    let problem = answer(&b, "M-1", json!({"port": "80"})).refused(Reason::Invalid);
    assert!(
        problem
            .detail
            .starts_with("the answer to M-1 does not fit: at /port: "),
        "{}",
        problem.detail
    );
    assert!(problem.next.expect("a hint").contains("once more"));
    assert_eq!(problem.detail.lines().count(), 1);
    assert_eq!(state(&a, "M-1"), AnswerState::Waiting);
    answer(&b, "M-1", json!({"port": 80})).send().expect(200);
    let asked = get(&a, "M-1").ask.expect("it asks");
    assert_eq!((asked.state, asked.tries), (AnswerState::Answered, 1));
}

fn a_second_answer_that_does_not_fit_fails(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    answer(&b, "M-1", json!([])).refused(Reason::Invalid);
    let problem = answer(&b, "M-1", json!({})).refused(Reason::Invalid);
    assert!(problem.next.expect("a hint").contains("failed"));
    let told = inbox(&a).remove(0);
    assert_eq!(told.kind, MessageKind::Bounce);
    assert!(
        told.text
            .starts_with("M-1 to b failed: 2 answers did not fit: at the top: "),
        "{}",
        told.text
    );
    let asked = get(&a, "M-1").ask.expect("it asks");
    assert_eq!(asked.state, AnswerState::Failed);
    assert!(asked.failure.expect("a reason").contains("port"));
    let problem = answer(&b, "M-1", json!({"port": 80})).refused(Reason::Conflict);
    assert!(problem.detail.contains("has failed"), "{}", problem.detail);
    assert_eq!(topics(server), ["sent", "acknowledged", "answer_failed"]);
}

fn only_the_asked_agent_answers(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    ask(&a, "b", port());
    answer(&c, "M-1", json!({"port": 80})).refused(Reason::NotFound);
    let lead = server.issue(Role::Controller, "lead");
    for who in [&a, &lead, &server.owner()] {
        let problem = answer(who, "M-1", json!({"port": 80})).refused(Reason::Forbidden);
        assert!(
            problem.detail.contains("only the agent \"b\""),
            "{}",
            problem.detail
        );
    }
    assert_eq!(state(&a, "M-1"), AnswerState::Waiting);
    answer(&b, "M-1", json!({"port": 80})).send().expect(200);
}

fn an_ask_is_answered_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    let taken: usize = std::thread::scope(|scope| {
        let answers: Vec<_> = (1..=4)
            .map(|port| {
                let call = answer(&b, "M-1", json!({ "port": port }));
                scope.spawn(move || call.send().status)
            })
            .collect();
        let statuses = answers.into_iter().map(|a| a.join().expect("no panic"));
        statuses.filter(|status| *status == 200).count()
    });
    assert_eq!(taken, 1);
    answer(&b, "M-1", json!({"port": 5})).refused(Reason::Conflict);
    assert_eq!(inbox(&a).len(), 1);
}

fn an_unanswered_ask_expires(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    inbox(&b);
    server.advance_seconds(3601);
    assert_eq!(state(&a, "M-1"), AnswerState::Expired);
    let problem = answer(&b, "M-1", json!({"port": 80})).refused(Reason::Conflict);
    assert!(problem.detail.contains("has expired"), "{}", problem.detail);
    server.sweep();
    server.sweep();
    let told: Vec<String> = inbox(&a).into_iter().map(|m| m.text).collect();
    assert_eq!(told, ["M-1 to b expired unanswered"]);
    assert_eq!(state(&a, "M-1"), AnswerState::Expired);
    assert_eq!(topics(server), ["sent", "expired"]);
}

fn an_ask_to_an_agent_that_ends_fails(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    inbox(&b);
    b.delete("/api/instances/self").send().expect(200);
    let asked: Message = a.get("/api/messages/M-1?wait=50").ok();
    assert_eq!(asked.receipts[0].state, ReceiptState::Undeliverable);
    let asked = asked.ask.expect("it asks");
    assert_eq!(asked.state, AnswerState::Failed);
    assert_eq!(asked.failure.as_deref(), Some("the agent \"b\" has ended"));
    answer(&b, "M-1", json!({"port": 80})).refused(Reason::Conflict);
    assert!(inbox(&a).is_empty());
}

fn an_ask_blocks_until_it_is_answered(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", json!({"type": "integer"}));
    let hook = |client: &Client, event| -> HookAnswer {
        let call = json!({"event": event, "shown": []});
        client.post("/api/hook", call).ok()
    };
    assert_eq!(
        hook(&b, "after_tool").messages[0].text,
        "M-1 from a (agent), blocking, answer with: coro-cli answer M-1 JSON\n\
         > which port?\n> JSON Schema of the answer: {\"type\":\"integer\"}"
    );
    inbox(&b);
    let reply = b.post("/api/messages/M-1/reply", json!({"text": "why?"}));
    reply.send().expect(200);
    let problem = b
        .post_nothing("/api/messages/M-1/ack")
        .refused(Reason::Conflict);
    assert!(
        problem
            .next
            .expect("a hint")
            .contains("coro-cli answer M-1")
    );
    let go_on = hook(&b, "stop").go_on.expect("an ask holds");
    assert!(go_on.starts_with("M-1 waits for you"), "{go_on}");
    answer(&b, "M-1", json!(80)).send().expect(200);
    assert_eq!(hook(&b, "stop").go_on, None);
    let told = hook(&a, "after_tool").messages;
    let told = told.last().expect("the answer");
    assert_eq!(told.text, "M-3 from b (agent), answers M-1\n> 80");
}

fn a_repeated_answer_is_taken_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    let wrong = answer(&b, "M-1", json!({})).header("Idempotency-Key", "wrong");
    for _ in 0..3 {
        wrong.clone().refused(Reason::Invalid);
    }
    let right = answer(&b, "M-1", json!({"port": 80})).header("Idempotency-Key", "right");
    let first: Message = right.clone().ok();
    assert_eq!(right.ok::<Message>(), first);
    let asked = get(&a, "M-1").ask.expect("it asks");
    assert_eq!((asked.state, asked.tries), (AnswerState::Answered, 1));
    assert!(inbox(&a).is_empty());
}

fn what_asks_for_nothing_is_not_answered(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let body = json!({"to": "b", "text": "hello"});
    a.post("/api/messages", body).send().expect(200);
    let problem = answer(&b, "M-1", json!(1)).refused(Reason::Conflict);
    assert!(
        problem.detail.contains("asks for no answer"),
        "{}",
        problem.detail
    );
    answer(&b, "M-7", json!(1)).refused(Reason::NotFound);
}

fn schemas_that_lead_elsewhere_are_refused(server: &Server) {
    let (a, _b) = (server.agent("a"), server.agent("b"));
    for schema in [
        json!({"$ref": "http://127.0.0.1:1/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$schema": "https://example.com/mine"}),
        json!({"type": "no type"}),
        json!({"pattern": "("}),
        json!("string"),
    ] {
        let body = json!({"to": "b", "prompt": "?", "schema": schema});
        let problem = a.post("/api/asks", body).refused(Reason::Invalid);
        assert_eq!(problem.detail.lines().count(), 1, "{}", problem.detail);
    }
    assert!(topics(server).is_empty());
}

fn what_is_sent_is_bounded(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let long = "x".repeat(64 * 1024 + 1);
    for body in [
        json!({"to": "b", "prompt": long, "schema": {}}),
        json!({"to": "b", "prompt": "", "schema": {}}),
        json!({"to": "b", "prompt": "a\u{1b}b", "schema": {}}),
        json!({"to": "b", "prompt": "?", "schema": {"title": long}}),
        json!({"to": "b", "prompt": "?"}),
        json!({"to": "b", "prompt": "?", "schema": {}, "expires_in_seconds": 0}),
    ] {
        a.post("/api/asks", body).refused(Reason::Invalid);
    }
    ask(&a, "b", json!({"pattern": "^(x+x+)+$"}));
    let long = "x".repeat(ANSWER_BYTES_MAX);
    answer(&b, "M-1", json!(long)).refused(Reason::TooLarge);
    let fits = format!("{}y", &long[..ANSWER_BYTES_MAX - 10]);
    answer(&b, "M-1", json!(fits)).refused(Reason::Invalid);
    answer(&b, "M-1", json!(fits.trim_end_matches('y')))
        .send()
        .expect(200);
}

fn an_ask_to_nobody_is_refused(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let body = |to: &str| json!({"to": to, "prompt": "?", "schema": {}});
    a.post("/api/asks", body("a")).refused(Reason::Conflict);
    a.post("/api/asks", body("nobody"))
        .refused(Reason::NotFound);
    b.delete("/api/instances/self").send().expect(200);
    a.post("/api/asks", body("b")).refused(Reason::Conflict);
}

fn a_human_asks_too(server: &Server) {
    let b = server.agent("b");
    ask(&server.owner(), "b", port());
    answer(&b, "M-1", json!({"port": 80})).send().expect(200);
    let asked: Message = server.get("/api/messages/M-1?wait=50").ok();
    assert_eq!(
        asked.ask.expect("it asks").answer,
        Some(json!({"port": 80}))
    );
}

fn a_later_session_answers_what_an_earlier_one_was_asked(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    ask(&a, "b", port());
    answer(&b, "M-1", json!({})).refused(Reason::Invalid);
    let later = server.register(json!({"name": "b", "takeover": true})).0;
    let asked = inbox(&later).remove(0);
    assert_eq!(asked.ask.expect("it asks").tries, 1);
    let old = answer(&b, "M-1", json!({"port": 80})).send();
    assert_eq!(old.status, 401, "{old}");
    answer(&later, "M-1", json!({"port": 80}))
        .send()
        .expect(200);
    assert_eq!(inbox(&a)[0].text, r#"{"port":80}"#);
}

fn long_answers_come_whole_and_not_all_at_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let long = "x".repeat(ANSWER_BYTES_MAX - 2);
    for number in 1..=6 {
        let sent = ask(&a, "b", json!({}));
        let taken = answer(&b, &sent.number.to_string(), json!(long));
        taken.send().expect(200);
        assert_eq!(sent.number.0, number * 2 - 1);
    }
    for (count, more) in [(4, 2), (2, 0)] {
        let given: Inbox = a.get("/api/inbox").ok();
        assert_eq!((given.messages.len(), given.more), (count, more));
        for message in given.messages {
            assert_eq!(message.text.len(), ANSWER_BYTES_MAX);
        }
    }
}

/// Two servers on one PostgreSQL.
#[test]
fn an_answer_at_one_server_wakes_the_asker_at_the_other() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = Options::new(Engine::Postgres).start();
    let second = first.replica();
    let (a, b) = (first.agent("a"), first.agent("b"));
    ask(&a, "b", port());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| a.get("/api/messages/M-1?wait=50").ok::<Message>());
        let b = second.client(b.token());
        answer(&b, "M-1", json!({"port": 80})).send().expect(200);
        let asked = waiting.join().expect("no panic").ask.expect("it asks");
        assert_eq!(asked.answer, Some(json!({"port": 80})));
    });
}
