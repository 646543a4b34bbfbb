//! Many messages: how many wait for an agent and from whom, and how many say
//! that others ended.

use coro_api::Reason;
use coro_api::limits::{MESSAGES_OF_SENDER_MAX, NOTICES_MAX, WAITING_MESSAGES_MAX};
use coro_api::messages::{AnswerState, Inbox, Message, ReceiptState};
use coro_tests::{Client, Server, both_engines};
use serde_json::json;

use crate::messages::{ack, get, hook, inbox, send, state, tell, topics, topics_of};

both_engines![
    too_many_waiting_messages_are_refused,
    one_sender_takes_only_its_own_places,
    what_expires_together_is_told_in_one_message,
    a_notice_about_several_is_not_read_by_looking_at_one,
    an_agent_that_ends_with_many_messages_is_told_of_once,
    so_many_notices_wait_and_no_more,
    what_has_expired_before_its_agent_ends_stays_expired,
];

/// Sends so many messages, some at a time.
fn fill(client: &Client, to: &str, count: i64) {
    std::thread::scope(|scope| {
        for part in 0..4 {
            let count = (count + part) / 4;
            scope.spawn(move || (0..count).for_each(|_| drop(tell(client, to, "hello"))));
        }
    });
}

fn too_many_waiting_messages_are_refused(server: &Server) {
    let b = server.agent("b");
    let senders = WAITING_MESSAGES_MAX / MESSAGES_OF_SENDER_MAX;
    for sender in 0..senders {
        let sender = server.agent(&format!("sender-{sender}"));
        fill(&sender, "b", MESSAGES_OF_SENDER_MAX);
        sender.delete("/api/instances/self").send().expect(200);
    }
    let a = server.agent("a");
    let body = json!({"to": "b", "text": "one more"});
    let problem = a
        .post("/api/messages", body.clone())
        .refused(Reason::Conflict);
    assert!(
        problem.detail.contains("1000 messages wait for \"b\""),
        "{}",
        problem.detail
    );
    // Who can't read an answer asks nothing, but what became of its own
    // messages it hears.
    let ask = json!({"to": "a", "prompt": "?", "schema": {}});
    let problem = b.post("/api/asks", ask).refused(Reason::Conflict);
    assert!(problem.detail.contains("no room"), "{}", problem.detail);
    let quick = json!({"to": "a", "text": "quick", "expires_in_seconds": 1});
    send(&b, quick);
    server.advance_seconds(2);
    server.sweep();
    let newest: Vec<Message> = server.owner().get("/api/messages?limit=1").ok();
    assert_eq!(newest[0].text, "M-1001 to a expired unread");
    let c = server.agent("c");
    let sent = send(&a, json!({"all": true, "text": "for all"}));
    assert_eq!(
        (&*sent.recipients, &*sent.left_out),
        (&["c".to_owned()][..], &["b".to_owned()][..])
    );
    assert_eq!(inbox(&c), ["for all"]);
    let read: Inbox = b.get("/api/inbox").ok();
    assert_eq!((read.messages.len(), read.more), (50, 951));
    send(&a, body);
}

fn one_sender_takes_only_its_own_places(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    let wants_ack = json!({"to": "b", "text": "hello", "needs_ack": true});
    send(&a, wants_ack);
    fill(&a, "b", MESSAGES_OF_SENDER_MAX - 1);
    let body = json!({"to": "b", "text": "one more"});
    let refused = || {
        let problem = a
            .post("/api/messages", body.clone())
            .refused(Reason::Conflict);
        assert_eq!(
            problem.detail,
            "\"b\" has 200 messages of yours still to read or acknowledge"
        );
        assert!(
            problem
                .next
                .expect("a hint")
                .contains("coro-cli messages list")
        );
    };
    refused();
    let ask = json!({"to": "b", "prompt": "?", "schema": {}});
    a.post("/api/asks", ask).refused(Reason::Conflict);
    let alone = json!({"all": true, "text": "for all", "project": "default"});
    assert_eq!(send(&a, alone.clone()).left_out, ["b"]);
    assert!(send(&c, alone).left_out.is_empty());
    tell(&c, "b", "there is room for others");
    // What was shown makes room, but not what is still to be acknowledged.
    let shown = hook(&b, &[]).numbers;
    hook(&b, &shown);
    fill(&a, "b", shown.len() as i64 - 1);
    refused();
    ack(&b, "M-1").send().expect(200);
    send(&a, body.clone());
    refused();
}

fn what_expires_together_is_told_in_one_message(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    let quick = |to: &str| json!({"to": to, "text": "quick", "expires_in_seconds": 60});
    send(
        &a,
        json!({"all": true, "text": "x", "needs_ack": true, "expires_in_seconds": 60}),
    );
    (0..12).for_each(|_| drop(send(&a, quick("b"))));
    send(&c, quick("b"));
    ack(&c, "M-1").send().expect(200);
    server.advance_seconds(61);
    server.sweep();
    server.sweep();
    let quick: Vec<String> = (2..=10).map(|n| format!("M-{n} to b unread")).collect();
    let told = format!(
        "13 messages expired: M-1 to b unacknowledged, {} and 3 more",
        quick.join(", ")
    );
    assert_eq!(inbox(&a), [told]);
    assert_eq!(inbox(&c), ["M-14 to b expired unread"]);
    assert!(inbox(&b).is_empty());
    let expired = topics(server)
        .into_iter()
        .filter(|topic| topic == "expired");
    assert_eq!(expired.count(), 14);
    for number in 2..=13 {
        assert_eq!(state(&a, &format!("M-{number}")), ReceiptState::Expired);
    }
}

fn a_notice_about_several_is_not_read_by_looking_at_one(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let ask = json!({"to": "b", "prompt": "?", "schema": {}});
    a.post("/api/asks", ask).send().expect(200);
    tell(&a, "b", "unread");
    b.delete("/api/instances/self").send().expect(200);
    a.get("/api/messages/M-1?wait=50").send().expect(200);
    assert_eq!(inbox(&a), ["b has ended before it dealt with M-1, M-2"]);
}

fn an_agent_that_ends_with_many_messages_is_told_of_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    fill(&a, "b", MESSAGES_OF_SENDER_MAX);
    b.delete("/api/instances/self").send().expect(200);
    let first: Vec<String> = (1..=10).map(|n| format!("M-{n}")).collect();
    let told = format!(
        "b has ended before it dealt with {} and 190 more",
        first.join(", ")
    );
    assert_eq!(inbox(&a), [told]);
    for number in [1, 100, MESSAGES_OF_SENDER_MAX] {
        assert_eq!(
            state(&a, &format!("M-{number}")),
            ReceiptState::Undeliverable
        );
    }
    let bounced = topics_of(server, "coro.message.bounced");
    assert_eq!(bounced.len() as i64, MESSAGES_OF_SENDER_MAX);
}

fn so_many_notices_wait_and_no_more(server: &Server) {
    let (a, _b) = (server.agent("a"), server.agent("b"));
    let expire_one = || {
        send(
            &a,
            json!({"to": "b", "text": "quick", "expires_in_seconds": 1}),
        );
        server.advance_seconds(2);
        server.sweep();
    };
    (0..NOTICES_MAX + 2).for_each(|_| expire_one());
    let waiting = inbox(&a);
    assert_eq!(waiting.len() as i64, NOTICES_MAX);
    let last = waiting.last().expect("one");
    assert!(last.contains("told no more of this kind"), "{last}");
    expire_one();
    assert_eq!(inbox(&a).len(), 1);
    let expired = topics_of(server, "coro.message.expired");
    assert_eq!(expired.len() as i64, NOTICES_MAX + 3);
}

fn what_has_expired_before_its_agent_ends_stays_expired(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    send(
        &a,
        json!({"to": "b", "text": "quick", "expires_in_seconds": 60}),
    );
    let ask = json!({"to": "b", "prompt": "?", "schema": {}, "expires_in_seconds": 60});
    a.post("/api/asks", ask).send().expect(200);
    tell(&a, "b", "no hurry");
    server.advance_seconds(61);
    b.delete("/api/instances/self").send().expect(200);
    let ask_state = || get(&a, "M-2").ask.expect("it asks").state;
    let expired = || {
        assert_eq!(state(&a, "M-1"), ReceiptState::Expired);
        assert_eq!(state(&a, "M-2"), ReceiptState::Expired);
        assert_eq!(ask_state(), AnswerState::Expired);
        assert_eq!(state(&a, "M-3"), ReceiptState::Undeliverable);
    };
    expired();
    server.sweep();
    expired();
    assert_eq!(
        inbox(&a),
        [
            "b has ended before it dealt with M-3",
            "2 messages expired: M-1 to b unread, M-2 to b unanswered"
        ]
    );
}
