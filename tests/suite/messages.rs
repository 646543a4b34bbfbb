//! Messages: who gets them, how far they come, and what becomes of them.

use coro_api::Reason;
use coro_api::events::Event;
use coro_api::hooks::HookAnswer;
use coro_api::limits::MESSAGE_BYTES_MAX;
use coro_api::messages::{
    DeliveredBy, Inbox, Message, MessageKind, Receipt, ReceiptState, Sent, ToKind,
};
use coro_api::tokens::Role;
use coro_tests::{Client, Engine, Options, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_message_is_read_and_acknowledged,
    who_it_is_for_is_resolved_when_it_is_sent,
    a_role_is_that_of_the_agents_newest_token,
    a_message_to_nobody_is_refused,
    an_agent_of_another_project_is_not_there,
    only_its_sender_recipients_and_leaders_see_a_message,
    the_messages_for_an_agent_have_its_receipt,
    only_a_recipient_acknowledges,
    a_state_moves_forward_only,
    a_reply_acknowledges_and_stays_in_the_thread,
    somebody_who_is_no_agent_gets_replies,
    the_server_and_oneself_get_no_reply,
    what_is_not_read_in_time_goes_back_once,
    what_is_read_in_time_does_not_expire,
    what_is_not_acknowledged_in_time_goes_back,
    an_expired_message_is_over_before_a_sweep,
    what_an_agent_did_not_read_before_it_ended_goes_back,
    nobody_hears_of_a_bounce,
    a_new_session_of_an_agent_gets_what_waits,
    texts_that_deceive_are_refused,
    a_clock_that_jumps_back_revives_nothing,
    ones_own_list_has_what_was_sent_and_got_in_order,
    the_inbox_waits_for_a_message,
    a_wait_ends_when_all_have_acknowledged,
    looking_reads_and_peeking_does_not,
    lists_come_in_pages,
    events_tell_no_text,
    old_messages_are_forgotten,
    a_repeated_request_sends_once,
    malformed_messages_are_refused,
    messages_survive_a_restart,
];

pub(crate) fn send(client: &Client, body: Value) -> Sent {
    client.post("/api/messages", body).ok()
}

/// Sends a text to an agent, and tells its number.
pub(crate) fn tell(client: &Client, to: &str, text: &str) -> String {
    send(client, json!({"to": to, "text": text}))
        .number
        .to_string()
}

pub(crate) fn get(client: &Client, number: &str) -> Message {
    client.get(&format!("/api/messages/{number}?peek")).ok()
}

pub(crate) fn receipt(client: &Client, number: &str) -> Receipt {
    let [receipt] = <[Receipt; 1]>::try_from(get(client, number).receipts).expect("one receipt");
    receipt
}

pub(crate) fn state(client: &Client, number: &str) -> ReceiptState {
    receipt(client, number).state
}

pub(crate) fn inbox(client: &Client) -> Vec<String> {
    let inbox: Inbox = client.get("/api/inbox").ok();
    inbox.messages.into_iter().map(|m| m.text).collect()
}

pub(crate) fn ack(client: &Client, number: &str) -> coro_tests::Request {
    client.post_nothing(&format!("/api/messages/{number}/ack"))
}

pub(crate) fn reply(client: &Client, number: &str, text: &str) -> coro_tests::Request {
    client.post(
        &format!("/api/messages/{number}/reply"),
        json!({ "text": text }),
    )
}

/// What a hook hands out.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) numbers: Vec<String>,
    /// The texts of all, one below the other.
    pub(crate) text: String,
    /// How many more there are, in words.
    pub(crate) more: String,
}

/// A hook of a client that has shown some messages since the last.
pub(crate) fn hook(client: &Client, shown: &[String]) -> Delivered {
    delivered(client, json!({"event": "after_tool", "shown": shown}))
}

/// A hook of a client that remembers nothing.
pub(crate) fn hook_once(client: &Client) -> Delivered {
    delivered(client, json!({"event": "after_tool"}))
}

pub(crate) fn delivered(client: &Client, call: Value) -> Delivered {
    let answer: HookAnswer = client.post("/api/hook", call).ok();
    let texts: Vec<&str> = answer.messages.iter().map(|m| &*m.text).collect();
    let text = texts.join("\n");
    let numbers = answer.messages.iter().map(|m| m.number.to_string());
    Delivered {
        numbers: numbers.collect(),
        text,
        more: answer.context,
    }
}

/// What holds an agent that is about to stop: messages, each once.
pub(crate) fn held_by(client: &Client) -> Option<String> {
    let call = json!({"event": "stop", "shown": []});
    let go_on = client.post("/api/hook", call).ok::<HookAnswer>().go_on?;
    go_on.split(" wait").next().map(str::to_owned)
}

pub(crate) fn topics(server: &Server) -> Vec<String> {
    let events: Vec<Event> = server.owner().history("topic=coro.message.*");
    let topics = events.iter().rev().map(|event| event.topic.clone());
    topics
        .map(|topic| topic.replace("coro.message.", ""))
        .collect()
}

/// All events of a topic, however many.
pub(crate) fn topics_of(server: &Server, topic: &str) -> Vec<String> {
    let page = server
        .owner()
        .poll(&format!("from=0&limit=1000&pattern={topic}"));
    assert!(!page.more);
    page.events.into_iter().map(|event| event.topic).collect()
}

fn a_message_is_read_and_acknowledged(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let sent = send(
        &a,
        json!({"to": "b", "text": "the API has changed", "needs_ack": true}),
    );
    assert_eq!(
        (sent.number.to_string(), sent.recipients),
        ("M-1".into(), vec!["b".to_owned()])
    );
    assert_eq!(state(&a, "M-1"), ReceiptState::Queued);
    let got: Inbox = b.get("/api/inbox").ok();
    let [message] = got.messages.as_slice() else {
        panic!("{got:?}");
    };
    assert_eq!((&*message.from, &*message.sender), ("a", "agent:a"));
    assert_eq!((message.to_kind, &*message.to), (ToKind::Agent, "b"));
    let read = receipt(&a, "M-1");
    assert_eq!(
        (read.state, read.how),
        (ReceiptState::Read, Some(DeliveredBy::Inbox))
    );
    assert!(inbox(&b).is_empty());
    let acknowledged: Receipt = ack(&b, "M-1").ok();
    assert_eq!(acknowledged.state, ReceiptState::Acknowledged);
    assert_eq!(ack(&b, "M-1").ok::<Receipt>(), acknowledged);
    assert_eq!(receipt(&a, "M-1"), acknowledged);
    assert_eq!(topics(server), ["sent", "acknowledged"]);
}

fn who_it_is_for_is_resolved_when_it_is_sent(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    c.delete("/api/instances/self").send().expect(200);
    let (elsewhere, _) = server.register(json!({"name": "e", "project": "elsewhere"}));
    let sent = send(&a, json!({"all": true, "text": "hello"}));
    assert_eq!(sent.recipients, ["b"]);
    let later = server.agent("d");
    assert_eq!(inbox(&b), ["hello"]);
    for nobody in [&a, &later, &elsewhere] {
        assert!(inbox(nobody).is_empty());
    }
    let message = get(&a, "M-1");
    assert_eq!(
        (message.to_kind, &*message.to),
        (ToKind::Project, "default")
    );
}

fn a_role_is_that_of_the_agents_newest_token(server: &Server) {
    let a = server.agent("a");
    let token = json!({"role": "controller", "kind": "agent", "name": "lead"});
    let lead = server.issue_with(token);
    let body = json!({"name": "lead"});
    lead.post("/api/instances/register", body)
        .send()
        .expect(200);
    assert_eq!(
        send(&a, json!({"role": "controller", "text": "help"})).recipients,
        ["lead"]
    );
    assert_eq!(inbox(&lead), ["help"]);
    assert_eq!(
        send(&lead, json!({"role": "agent", "text": "how far?"})).recipients,
        ["a"]
    );
    let again = server.register(json!({"name": "lead", "takeover": true})).0;
    again.get("/api/whoami").send().expect(200);
    let body = json!({"role": "controller", "text": "help"});
    a.post("/api/messages", body).refused(Reason::Conflict);
}

fn a_message_to_nobody_is_refused(server: &Server) {
    let a = server.agent("a");
    for (to, reason, part) in [
        (json!({"to": "nobody"}), Reason::NotFound, "nobody"),
        (
            json!({"to": "a"}),
            Reason::Conflict,
            "a message to nobody: \"a\" is the sender itself",
        ),
        (
            json!({"role": "controller"}),
            Reason::Conflict,
            "has the role controller",
        ),
        (
            json!({"all": true}),
            Reason::Conflict,
            "no other agent of the project \"default\"",
        ),
        (json!({}), Reason::Invalid, "a message to nobody"),
    ] {
        let mut body = to;
        body["text"] = json!("hello");
        let problem = a.post("/api/messages", body).refused(reason);
        assert!(problem.detail.contains(part), "{}", problem.detail);
        assert_eq!(problem.detail.lines().count(), 1);
    }
    let b = server.agent("b");
    b.delete("/api/instances/self").send().expect(200);
    let body = json!({"to": "b", "text": "hello"});
    let problem = a.post("/api/messages", body).refused(Reason::Conflict);
    assert!(problem.detail.contains("has ended"), "{}", problem.detail);
    assert!(topics(server).is_empty());
}

fn an_agent_of_another_project_is_not_there(server: &Server) {
    let (a, _) = server.register(json!({"name": "a", "project": "shop"}));
    server.register(json!({"name": "b", "project": "bank"}));
    a.post("/api/messages", json!({"to": "b", "text": "hello"}))
        .refused(Reason::NotFound);
    let body = json!({"to": "b", "text": "hello", "project": "bank"});
    a.post("/api/messages", body.clone())
        .refused(Reason::Forbidden);
    send(&server.owner(), body);
}

fn only_its_sender_recipients_and_leaders_see_a_message(server: &Server) {
    let shop = |name: &str| server.register(json!({"name": name, "project": "shop"})).0;
    let (a, b, other) = (shop("a"), shop("b"), shop("other"));
    tell(&a, "b", "secret");
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let elsewhere = server.issue_for_project(Role::Controller, "elsewhere", "bank");
    let viewer = server.issue(Role::Viewer, "viewer");
    for who in [&a, &b, &lead, &server.owner()] {
        assert_eq!(get(who, "M-1").text, "secret");
        assert_eq!(get(who, "M-1").receipts.len(), 1);
        assert_eq!(who.get("/api/messages").ok::<Vec<Message>>().len(), 1);
    }
    for who in [&other, &elsewhere, &viewer] {
        who.get("/api/messages/M-1").refused(Reason::NotFound);
        assert!(who.get("/api/messages").ok::<Vec<Message>>().is_empty());
    }
    for who in [&other, &elsewhere] {
        ack(who, "M-1").refused(Reason::NotFound);
        reply(who, "M-1", "hello").refused(Reason::NotFound);
    }
    assert_eq!(state(&a, "M-1"), ReceiptState::Queued);
    let c = shop("c");
    send(&a, json!({"all": true, "text": "for all"}));
    assert_eq!(get(&c, "M-2").receipts.len(), 1);
    assert_eq!(get(&a, "M-2").receipts.len(), 3);
}

fn the_messages_for_an_agent_have_its_receipt(server: &Server) {
    let (a, c) = (server.agent("a"), server.agent("c"));
    let (b, agent) = server.register(json!({"name": "b"}));
    tell(&a, "b", "first");
    tell(&a, "c", "not for b");
    send(&c, json!({"all": true, "text": "for all"}));
    get(&b, "M-1");
    b.get("/api/messages/M-1").ok::<Message>();
    let inbox = format!("/api/messages?recipient={}", agent.id);
    let states = |client: &Client| -> Vec<(String, Vec<ReceiptState>)> {
        let messages: Vec<Message> = client.get(&inbox).ok();
        let states = |message: &Message| message.receipts.iter().map(|one| one.state).collect();
        let shown = messages
            .iter()
            .map(|one| (one.number.to_string(), states(one)));
        shown.collect()
    };
    let (read, queued) = (vec![ReceiptState::Read], vec![ReceiptState::Queued]);
    let all = vec![("M-3".to_owned(), queued), ("M-1".to_owned(), read.clone())];
    assert_eq!(states(&server.owner()), all);
    assert_eq!(states(&b), all);
    // Others see what they sent or got, and the receipts of what they sent.
    let unseen = ("M-3".to_owned(), vec![]);
    assert_eq!(states(&a), [unseen, ("M-1".to_owned(), read)]);
    assert_eq!(states(&c), [all[0].clone()]);
    let of_thread = format!("{inbox}&thread=M-1");
    let messages: Vec<Message> = a.get(&of_thread).ok();
    assert_eq!(messages[0].receipts, get(&a, "M-1").receipts);
}

fn only_a_recipient_acknowledges(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    tell(&a, "b", "hello");
    ack(&c, "M-1").refused(Reason::NotFound);
    for who in [&a, &server.owner()] {
        let problem = ack(who, "M-1").refused(Reason::Forbidden);
        assert!(problem.detail.contains("M-1"), "{}", problem.detail);
    }
    ack(&b, "M-9").refused(Reason::NotFound);
    ack(&b, "T-1").refused(Reason::Invalid);
    ack(&b, "m-1").send().expect(200);
}

fn a_state_moves_forward_only(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "hello");
    ack(&b, "M-1").send().expect(200);
    let acknowledged = receipt(&a, "M-1");
    assert!(acknowledged.read_at.is_some() && acknowledged.delivered_at.is_some());
    b.get("/api/messages/M-1").send().expect(200);
    hook(&b, &["M-1".to_owned()]);
    server.advance_days(31);
    assert_eq!(receipt(&a, "M-1"), acknowledged);
}

fn a_reply_acknowledges_and_stays_in_the_thread(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let first = send(&a, json!({"to": "b", "text": "one", "needs_ack": true}));
    let second: Sent = reply(&b, "M-1", "two").ok();
    assert_eq!(
        (second.recipients, second.thread),
        (vec!["a".to_owned()], first.number)
    );
    assert_eq!(state(&a, "M-1"), ReceiptState::Acknowledged);
    let third = json!({"to": "b", "text": "three", "reply_to": "M-2"});
    assert_eq!(send(&a, third).thread, first.number);
    tell(&a, "b", "another thread");
    let thread: Vec<Message> = b.get("/api/messages?thread=M-1").ok();
    let texts: Vec<&str> = thread.iter().rev().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
    assert_eq!(state(&b, "M-2"), ReceiptState::Acknowledged);
    let c = server.agent("c");
    let foreign = json!({"to": "b", "text": "x", "reply_to": "M-1"});
    c.post("/api/messages", foreign).refused(Reason::NotFound);
}

fn somebody_who_is_no_agent_gets_replies(server: &Server) {
    let b = server.agent("b");
    let service = server.issue(Role::Agent, "deploy-bot");
    tell(&service, "b", "is it done?");
    let sent: Sent = reply(&b, "M-1", "it is").ok();
    assert!(sent.recipients.is_empty());
    let listed: Vec<Message> = service.get("/api/messages").ok();
    assert_eq!(
        (listed[0].text.as_str(), listed[0].to_kind),
        ("it is", ToKind::Caller)
    );
    assert_eq!(
        get(&service, "M-2").reply_to.expect("one").to_string(),
        "M-1"
    );
    server
        .agent("c")
        .get("/api/messages/M-2")
        .refused(Reason::NotFound);
}

fn the_server_and_oneself_get_no_reply(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "hello");
    reply(&a, "M-1", "me again").refused(Reason::Conflict);
    b.delete("/api/instances/self").send().expect(200);
    assert_eq!(get(&a, "M-2").kind, MessageKind::Bounce);
    reply(&a, "M-2", "what?").refused(Reason::Conflict);
    assert_eq!(inbox(&a).len(), 1);
}

fn what_is_not_read_in_time_goes_back_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    send(
        &a,
        json!({"to": "b", "text": "quick", "expires_in_seconds": 60}),
    );
    server.advance_seconds(59);
    server.sweep();
    assert_eq!(state(&a, "M-1"), ReceiptState::Queued);
    server.advance_seconds(2);
    server.sweep();
    server.sweep();
    assert_eq!(state(&a, "M-1"), ReceiptState::Expired);
    assert_eq!(inbox(&a), ["M-1 to b expired unread"]);
    let bounce = get(&a, "M-2");
    assert_eq!(
        (bounce.kind, &*bounce.sender),
        (MessageKind::Bounce, "system:coro")
    );
    assert_eq!(bounce.thread.to_string(), "M-1");
    assert!(inbox(&b).is_empty() && hook(&b, &[]).numbers.is_empty());
    let problem = ack(&b, "M-1").refused(Reason::Conflict);
    assert!(
        problem.detail.contains("M-1 has expired"),
        "{}",
        problem.detail
    );
    assert_eq!(topics(server), ["sent", "expired"]);
}

fn what_is_read_in_time_does_not_expire(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    send(
        &a,
        json!({"to": "b", "text": "quick", "expires_in_seconds": 60}),
    );
    assert_eq!(inbox(&b), ["quick"]);
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(state(&a, "M-1"), ReceiptState::Read);
    assert!(inbox(&a).is_empty());
}

fn what_is_not_acknowledged_in_time_goes_back(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    let body = json!({"all": true, "text": "quick", "needs_ack": true, "expires_in_seconds": 60});
    send(&a, body);
    inbox(&b);
    ack(&c, "M-1").send().expect(200);
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(inbox(&a), ["M-1 to b expired unacknowledged"]);
    let states: Vec<_> = get(&a, "M-1").receipts.iter().map(|r| r.state).collect();
    assert_eq!(states, [ReceiptState::Expired, ReceiptState::Acknowledged]);
}

fn an_expired_message_is_over_before_a_sweep(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let body = json!({"to": "b", "text": "quick", "blocking": true, "expires_in_seconds": 60});
    send(&a, body);
    server.advance_seconds(61);
    assert_eq!(state(&a, "M-1"), ReceiptState::Expired);
    ack(&b, "M-1").refused(Reason::Conflict);
    let given = hook(&b, &["M-1".to_owned()]);
    assert!(given.numbers.is_empty(), "{given:?}");
    assert_eq!(held_by(&b), None);
    assert!(inbox(&b).is_empty());
    b.get("/api/messages/M-1").send().expect(200);
    assert_eq!(state(&a, "M-1"), ReceiptState::Expired);
    server.sweep();
    assert_eq!(inbox(&a), ["M-1 to b expired unread"]);
}

fn what_an_agent_did_not_read_before_it_ended_goes_back(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    tell(&a, "b", "read");
    inbox(&b);
    tell(&a, "b", "shown");
    hook(&b, &hook(&b, &[]).numbers);
    send(
        &a,
        json!({"to": "b", "text": "read, not acknowledged", "needs_ack": true}),
    );
    inbox(&b);
    tell(&a, "b", "unread");
    tell(&c, "b", "unread too");
    b.delete("/api/instances/self").send().expect(200);
    assert_eq!(inbox(&a), ["b has ended before it dealt with M-3, M-4"]);
    assert_eq!(inbox(&c), ["b has ended before it dealt with M-5"]);
    let states: Vec<_> = (1..=5)
        .map(|n| state(&server.owner(), &format!("M-{n}")))
        .collect();
    use ReceiptState::{Read, Undeliverable};
    assert_eq!(
        states,
        [Read, Read, Undeliverable, Undeliverable, Undeliverable]
    );
    let body = json!({"name": "b"});
    b.post("/api/instances/register", body).send().expect(200);
    assert!(inbox(&b).is_empty() && hook(&b, &[]).numbers.is_empty());
    let problem = ack(&b, "M-4").refused(Reason::Conflict);
    assert!(
        problem.detail.contains("when this agent ended"),
        "{}",
        problem.detail
    );
    assert_eq!(topics(server).iter().filter(|t| *t == "bounced").count(), 3);
}

fn nobody_hears_of_a_bounce(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "one");
    tell(&b, "a", "two");
    b.delete("/api/instances/self").send().expect(200);
    a.delete("/api/instances/self").send().expect(200);
    assert_eq!(topics(server), ["sent", "sent", "bounced", "bounced"]);
    let before = server.owner().revision();
    server.advance_days(29);
    server.sweep();
    let listed: Vec<Message> = server.owner().get("/api/messages").ok();
    assert_eq!(listed.len(), 3, "{listed:?}");
    server.advance_days(2);
    server.sweep();
    let listed: Vec<Message> = server.owner().get("/api/messages").ok();
    assert!(listed.is_empty(), "{listed:?}");
    let after = format!("topic=coro.message.*&after={before}");
    assert!(server.owner().history(&after).is_empty());
}

fn a_new_session_of_an_agent_gets_what_waits(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "hello");
    assert_eq!(hook(&b, &[]).numbers, ["M-1"]);
    let again = server.register(json!({"name": "b", "takeover": true})).0;
    assert_eq!(hook(&again, &[]).numbers, ["M-1"]);
    assert_eq!(inbox(&again), ["hello"]);
}

fn texts_that_deceive_are_refused(server: &Server) {
    let (a, _b) = (server.agent("a"), server.agent("b"));
    let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
    for text in [
        "",
        " \n",
        "a\u{1b}[2Jb",
        "a\u{202e}b",
        "a\0b",
        "a\rb",
        "\u{e0041}",
        &long,
    ] {
        let body = json!({"to": "b", "text": text});
        a.post("/api/messages", body).refused(Reason::Invalid);
    }
    tell(&a, "b", &"x".repeat(MESSAGE_BYTES_MAX));
    tell(&a, "b", "two\n\tlines");
}

fn a_clock_that_jumps_back_revives_nothing(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let quick = json!({"to": "b", "text": "quick", "expires_in_seconds": 60, "blocking": true});
    send(&a, quick.clone());
    server.advance_seconds(61);
    server.sweep();
    server.advance_seconds(-3600);
    assert_eq!(state(&a, "M-1"), ReceiptState::Expired);
    ack(&b, "M-1").refused(Reason::Conflict);
    assert!(hook(&b, &[]).numbers.is_empty());
    assert_eq!(held_by(&b), None);
    // The log's time does not go back, so what is sent now has all its time and
    // more.
    send(&a, quick);
    server.advance_seconds(59);
    server.sweep();
    assert_eq!(hook(&b, &[]).numbers, ["M-3"]);
    server.advance_seconds(3602);
    server.sweep();
    server.sweep();
    assert_eq!(
        inbox(&a),
        ["M-1 to b expired unread", "M-3 to b expired unread"]
    );
}

fn ones_own_list_has_what_was_sent_and_got_in_order(server: &Server) {
    let (a, agent) = server.register(json!({"name": "a"}));
    let (b, c) = (server.agent("b"), server.agent("c"));
    let service = server.issue(Role::Agent, "deploy-bot");
    tell(&a, "b", "1");
    tell(&b, "c", "2: not a's");
    tell(&b, "a", "3");
    tell(&service, "a", "4");
    reply(&a, "M-4", "5").send().expect(200);
    tell(&service, "b", "6: not a's");
    send(&c, json!({"all": true, "text": "7"}));
    let all_of = |client: &Client, query: &str| -> Vec<i64> {
        let mut path = format!("/api/messages?limit=1&{query}");
        let mut numbers = Vec::new();
        loop {
            let page = client.get(&path).send().expect(200);
            let messages: Vec<Message> = page.json();
            numbers.extend(messages.into_iter().map(|message| message.number.0));
            match page.next_page() {
                Some(next) => path = next,
                None => return numbers,
            }
        }
    };
    assert_eq!(all_of(&a, ""), [7, 5, 4, 3, 1]);
    assert_eq!(all_of(&a, "project=default"), [7, 5, 4, 3, 1]);
    assert_eq!(all_of(&service, ""), [6, 5, 4]);
    assert!(all_of(&service, "project=elsewhere").is_empty());
    assert_eq!(all_of(&c, ""), [7, 2]);
    assert_eq!(all_of(&server.owner(), ""), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(
        all_of(&server.owner(), "project=default"),
        [7, 6, 5, 4, 3, 2, 1]
    );
    assert!(all_of(&server.owner(), "project=elsewhere").is_empty());
    assert_eq!(all_of(&server.owner(), "thread=M-4"), [5, 4]);
    assert!(all_of(&c, "thread=M-4").is_empty());
    let both = format!("thread=M-4&recipient={}", agent.id);
    assert_eq!(all_of(&server.owner(), &both), [4]);
    assert_eq!(all_of(&b, &format!("recipient={}", agent.id)), [7, 3]);
}

fn the_inbox_waits_for_a_message(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| b.get("/api/inbox?wait=50").ok::<Inbox>());
        tell(&a, "b", "hello");
        let inbox = waiting.join().expect("no panic");
        assert_eq!(inbox.messages[0].text, "hello");
    });
    assert_eq!(state(&a, "M-1"), ReceiptState::Read);
    a.get("/api/inbox?wait=51").refused(Reason::Invalid);
    server.owner().get("/api/inbox").refused(Reason::Conflict);
}

fn a_wait_ends_when_all_have_acknowledged(server: &Server) {
    let (a, b, c) = (server.agent("a"), server.agent("b"), server.agent("c"));
    send(&a, json!({"all": true, "text": "hello", "needs_ack": true}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| a.get("/api/messages/M-1?wait=50").ok::<Message>());
        ack(&b, "M-1").send().expect(200);
        reply(&c, "M-1", "yes").send().expect(200);
        let message = waiting.join().expect("no panic");
        let all = message
            .receipts
            .iter()
            .all(|r| r.state == ReceiptState::Acknowledged);
        assert!(all, "{message:?}");
    });
}

fn looking_reads_and_peeking_does_not(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "hello");
    b.get("/api/inbox?peek").send().expect(200);
    b.get("/api/messages/M-1?peek").send().expect(200);
    b.head("/api/messages/M-1").send().expect(200);
    b.head("/api/inbox").send().expect(200);
    a.get("/api/messages/M-1").send().expect(200);
    server.owner().get("/api/messages/M-1").send().expect(200);
    b.get("/api/messages").send().expect(200);
    assert_eq!(state(&a, "M-1"), ReceiptState::Queued);
    let message: Message = b.get("/api/messages/M-1").ok();
    assert_eq!(message.receipts[0].state, ReceiptState::Read);
    assert!(inbox(&b).is_empty());
}

fn lists_come_in_pages(server: &Server) {
    let (a, _b) = (server.agent("a"), server.agent("b"));
    (1..=5).for_each(|n| drop(tell(&a, "b", &format!("{n}{}", "x".repeat(500)))));
    let mut path = "/api/messages?limit=2&project=default".to_owned();
    let mut numbers = Vec::new();
    loop {
        let page = a.get(&path).send().expect(200);
        for message in page.json::<Vec<Message>>() {
            assert_eq!((message.text.len(), message.chars), (200, 501));
            assert!(message.receipts.is_empty());
            numbers.push(message.number.0);
        }
        match page.next_page() {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    for query in [
        "limit=0",
        "limit=10001",
        "before=0",
        "thread=x",
        "colour=red",
    ] {
        a.get(&format!("/api/messages?{query}"))
            .refused(Reason::Invalid);
    }
}

fn events_tell_no_text(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let c = server.agent("c");
    tell(&a, "b", "secret");
    reply(&b, "M-1", "secret too").send().expect(200);
    let seen = c
        .get("/api/events/history?topic=coro.message.*")
        .send()
        .expect(200);
    assert!(
        seen.text().contains("M-1") && !seen.text().contains("secret"),
        "{seen}"
    );
}

fn old_messages_are_forgotten(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "read");
    inbox(&b);
    tell(&a, "b", "shown");
    hook_once(&b);
    tell(&a, "b", "never seen");
    let a_day_later = || {
        server.advance_days(1);
        // So that both go on living.
        for agent in [&a, &b] {
            let alive = agent.post_nothing("/api/instances/self/heartbeat");
            alive.send().expect(200);
        }
        server.sweep();
    };
    (0..29).for_each(|_| a_day_later());
    assert_eq!(a.get("/api/messages").ok::<Vec<Message>>().len(), 3);
    server.advance_seconds(60);
    a_day_later();
    assert_eq!(inbox(&a), ["M-3 to b expired unread"]);
    let left: Vec<Message> = a.get("/api/messages").ok();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(tell(&a, "b", "numbers go on"), "M-5");
}

fn a_repeated_request_sends_once(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    let body = json!({"to": "b", "text": "hello"});
    let call = a
        .post("/api/messages", body)
        .header("Idempotency-Key", "once");
    assert_eq!(call.clone().ok::<Sent>(), call.ok::<Sent>());
    assert_eq!(inbox(&b), ["hello"]);
}

fn malformed_messages_are_refused(server: &Server) {
    let (a, _b) = (server.agent("a"), server.agent("b"));
    for body in [
        json!({}),
        json!({"to": "b"}),
        json!({"to": "b", "text": 1}),
        json!({"to": "b", "all": true, "text": "x"}),
        json!({"to": "b", "role": "agent", "text": "x"}),
        json!({"role": "boss", "text": "x"}),
        json!({"to": "b", "text": "x", "expires_in_seconds": 0}),
        json!({"to": "b", "text": "x", "expires_in_seconds": 2_592_001}),
        json!({"to": "b", "text": "x", "reply_to": "T-1"}),
        json!({"to": "b", "text": "x", "colour": "red"}),
    ] {
        a.post("/api/messages", body).refused(Reason::Invalid);
    }
    assert!(topics(server).is_empty());
}

fn messages_survive_a_restart(server: &Server) {
    let (a, b) = (server.agent("a"), server.agent("b"));
    tell(&a, "b", "hello");
    server.restart();
    let b = server.client(b.token());
    assert_eq!(inbox(&b), ["hello"]);
}

/// What SQLite goes through to find messages and receipts is of one agent, one
/// message or one list, never all that the tenant keeps.
#[test]
fn no_statement_searches_all_messages() {
    let server = Server::start(Engine::Sqlite);
    call_everything(&server);
    let statements: Vec<String> = server.owner().get("/testing/statements").ok();
    let is_ours = |sql: &&String| sql.contains("receipt") || sql.contains(" message ");
    let ours: Vec<&String> = statements.iter().filter(is_ours).collect();
    assert!(ours.len() > 25, "{ours:#?}");
    for sql in ours {
        for row in server
            .database()
            .query(&format!("EXPLAIN QUERY PLAN {sql}"))
        {
            let step = row.last().cloned().flatten().unwrap_or_default();
            // The two indexes have open receipts alone.
            let is_wide = step.starts_with("SCAN message")
                || step.starts_with("SCAN receipt")
                || (step.ends_with("(tenant_id=?)")
                    && !step.contains("receipt_open")
                    && !step.contains("receipt_owed"));
            assert!(!is_wide, "{step}: {sql}");
        }
    }
}

/// Each call that looks for messages, in each form.
fn call_everything(server: &Server) {
    let (a, agent) = server.register(json!({"name": "a"}));
    let (b, c) = (server.agent("b"), server.agent("c"));
    let ask = json!({"to": "b", "prompt": "?", "schema": {}});
    a.post("/api/asks", ask).send().expect(200);
    let answer = json!({"answer": 1});
    b.post("/api/messages/M-1/answer", answer)
        .send()
        .expect(200);
    get(&a, "M-1");
    a.get("/api/messages/M-1").send().expect(200);
    send(
        &a,
        json!({"all": true, "text": "x", "blocking": true, "needs_ack": true}),
    );
    hook(&b, &hook(&b, &[]).numbers);
    held_by(&b);
    ack(&b, "M-3").send().expect(200);
    reply(&c, "M-3", "yes").send().expect(200);
    inbox(&a);
    a.get("/api/inbox?how=channel").send().expect(200);
    let recipient = format!("recipient={}", agent.id);
    let both = format!("{recipient}&thread=M-1");
    for query in ["", "project=default", "thread=M-1", &recipient, &both] {
        for who in [&a, &server.owner()] {
            let list = who.get(&format!("/api/messages?{query}"));
            list.send().expect(200);
        }
    }
    for query in ["", "?project=default"] {
        let overview = server.owner().get(&format!("/api/overview{query}"));
        overview.send().expect(200);
    }
    send(
        &a,
        json!({"to": "c", "text": "x", "expires_in_seconds": 60}),
    );
    tell(&a, "b", "x");
    b.delete("/api/instances/self").send().expect(200);
    server.advance_seconds(61);
    server.sweep();
    server.advance_days(31);
    server.sweep();
    server.sweep();
}

/// Two servers on one PostgreSQL.
#[test]
fn what_one_server_takes_the_other_delivers() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = Options::new(Engine::Postgres).start();
    let second = first.replica();
    let (a, b) = (first.agent("a"), first.agent("b"));
    let b = second.client(b.token());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| b.get("/api/inbox?wait=50").ok::<Inbox>());
        let body = json!({"to": "b", "text": "hello", "needs_ack": true});
        send(&a, body);
        assert_eq!(waiting.join().expect("no panic").messages[0].text, "hello");
    });
    ack(&b, "M-1").send().expect(200);
    assert_eq!(state(&a, "M-1"), ReceiptState::Acknowledged);
    send(
        &a,
        json!({"to": "b", "text": "late", "expires_in_seconds": 5}),
    );
    for server in [&first, &second] {
        server.advance_seconds(10);
    }
    std::thread::scope(|scope| {
        for server in [&first, &second] {
            scope.spawn(|| server.sweep());
        }
    });
    assert_eq!(inbox(&a), ["M-2 to b expired unread"]);
    assert!(inbox(&a).is_empty());
}
