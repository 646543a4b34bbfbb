//! Events: publish, history, long poll.

use coro_api::Reason;
use coro_api::events::{Event, EventPage};
use coro_api::limits::NAME_BYTES_MAX;
use coro_api::tokens::Role;
use coro_tests::{Client, Server, WebSocket, both_engines, encode};
use serde_json::{Value, json};

both_engines![
    an_event_comes_back_as_it_was_published,
    any_json_is_data_and_none_is_null,
    topics_that_could_mislead_are_refused,
    the_servers_topics_are_refused_to_clients,
    a_malformed_publish_is_refused,
    revisions_grow_by_one_with_each_change,
    state_changes_are_events_without_the_value,
    history_is_newest_first_and_takes_a_number,
    history_in_pages_is_the_whole_history,
    history_filters_by_topic_before_the_limit,
    history_filters_by_source_and_subject,
    history_filters_by_project,
    history_filters_by_time,
    history_filters_by_revision,
    a_malformed_filter_is_refused,
    a_pattern_is_literal_but_for_the_star,
    a_poll_gives_what_follows_a_revision_in_order,
    a_poll_in_steps_gives_each_event_once,
    a_poll_from_now_waits_for_the_next_event,
    a_poll_that_waits_in_vain_answers_empty,
    a_poll_from_the_future_is_refused,
    a_watch_of_a_prefix_gives_its_changes_only,
    a_watch_of_a_key_gives_its_changes_only,
    events_come_as_cloud_events_where_asked_for,
    a_trace_goes_from_the_request_into_the_event,
    a_page_of_large_events_is_short_and_says_that_there_is_more,
    a_history_after_the_last_possible_revision_is_empty,
    a_pattern_that_is_too_long_is_refused_everywhere,
];

fn topics(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.topic.as_str()).collect()
}

fn publish_many(server: &Server, topics: &[&str]) -> Vec<Event> {
    topics
        .iter()
        .map(|topic| server.publish(topic, json!(1)))
        .collect()
}

fn an_event_comes_back_as_it_was_published(server: &Server) {
    let agent = server.issue(Role::Agent, "frontend");
    let body = json!({"topic": "shop.api.done", "subject": "shop/plan", "data": {"n": 1}});
    let event: Event = agent.post("/api/events/publish", body).ok();
    assert_eq!(
        (event.topic.as_str(), event.subject.as_str()),
        ("shop.api.done", "shop/plan")
    );
    assert_eq!(
        (event.source.as_str(), event.actor.as_str()),
        ("frontend", "agent:frontend")
    );
    assert_eq!((event.id, &event.data), (event.revision, &json!({"n": 1})));
    assert_eq!(server.owner().history("last=1"), [event]);
}

fn any_json_is_data_and_none_is_null(server: &Server) {
    for data in [
        json!(null),
        json!(0),
        json!(""),
        json!([]),
        json!({"a": {"b": [1.5, "é"]}}),
    ] {
        assert_eq!(server.publish("shop.x", data.clone()).data, data);
    }
    let event: Event = server
        .post("/api/events/publish", json!({"topic": "shop.x"}))
        .ok();
    assert_eq!(event.data, Value::Null);
    let big = "9007199254740993123456789";
    let body = format!("{{\"topic\":\"shop.x\",\"data\":{{\"z\":{big},\"a\":1e2}}}}");
    let publish = server.request("POST", "/api/events/publish").body(body);
    publish
        .header("Content-Type", "application/json")
        .send()
        .expect(200);
    let text = server.get("/api/events/history?last=1").send().text();
    assert!(
        text.contains("{\"z\":"),
        "the order of members is kept: {text}"
    );
}

fn topics_that_could_mislead_are_refused(server: &Server) {
    let long = "t".repeat(513);
    for topic in ["", ".", "a..b", ".a", "a.", "a\nb", "a\u{202E}b", &long] {
        let publish = server.post("/api/events/publish", json!({ "topic": topic }));
        let problem = publish.refused(Reason::Invalid);
        assert!(problem.detail.contains("topic"), "{}", problem.detail);
    }
    for subject in ["", "a\u{0}b", &long] {
        let body = json!({"topic": "shop.x", "subject": subject});
        let problem = server
            .post("/api/events/publish", body)
            .refused(Reason::Invalid);
        assert!(problem.detail.contains("subject"), "{}", problem.detail);
    }
}

fn the_servers_topics_are_refused_to_clients(server: &Server) {
    for topic in ["coro.state.put", "coro", "coro.anything"] {
        server
            .post("/api/events/publish", json!({ "topic": topic }))
            .refused(Reason::Forbidden);
    }
    server.publish("corona.state", json!(1));
}

fn a_malformed_publish_is_refused(server: &Server) {
    for body in [
        "",
        "{",
        "[]",
        "\"x\"",
        "{}",
        r#"{"topic":1}"#,
        r#"{"topic":"a","b":1}"#,
        "\u{0}",
    ] {
        let publish = server.request("POST", "/api/events/publish").body(body);
        publish
            .header("Content-Type", "application/json")
            .refused(Reason::Invalid);
    }
    let text = server
        .request("POST", "/api/events/publish")
        .body(r#"{"topic":"a"}"#);
    text.header("Content-Type", "text/plain")
        .refused(Reason::UnsupportedMediaType);
}

fn revisions_grow_by_one_with_each_change(server: &Server) {
    let start = server.revision();
    assert_eq!(server.publish("shop.a", json!(1)).revision, start + 1);
    assert_eq!(server.set("k", "1").revision, start + 2);
    server.delete("/api/state/k").send().expect(200);
    server.get("/api/state/k").send().expect(404);
    assert_eq!(server.publish("shop.b", json!(1)).revision, start + 4);
    assert_eq!(server.revision(), start + 4);
}

fn state_changes_are_events_without_the_value(server: &Server) {
    let item = server.set("shop/plan", "secret value");
    server.delete("/api/state/shop/plan").send().expect(200);
    let [deleted, put] = &server.owner().history("last=2")[..] else {
        panic!("two events")
    };
    let data = json!({
        "key": "shop/plan",
        "version": 1,
        "hash": item.hash,
        "size": 12,
        "content_type": "application/json",
    });
    assert_eq!((put.topic.as_str(), &put.data), ("coro.state.put", &data));
    assert_eq!(
        (put.source.as_str(), put.actor.as_str()),
        ("coro", "human:owner")
    );
    assert_eq!(
        (deleted.topic.as_str(), deleted.subject.as_str()),
        ("coro.state.deleted", "shop/plan")
    );
    assert_eq!(deleted.data["version"], 1);
}

fn history_is_newest_first_and_takes_a_number(server: &Server) {
    for number in 0..60 {
        server.publish("shop.n", json!(number));
    }
    let default: Vec<Event> = server.get("/api/events/history").ok();
    assert_eq!((default.len(), &default[0].data), (50, &json!(59)));
    let two = server.owner().history("last=2");
    assert_eq!((&two[0].data, &two[1].data), (&json!(59), &json!(58)));
}

fn history_in_pages_is_the_whole_history(server: &Server) {
    for number in 0..7 {
        server.publish("shop.n", json!(number));
        server.publish("shop.other", json!(number));
    }
    let mut found = Vec::new();
    let mut next = Some("/api/events/history?topic=shop.n&last=3".to_owned());
    while let Some(path) = next {
        let page = server.get(&path).send().expect(200);
        found.extend(page.json::<Vec<Event>>());
        next = page.next_page();
    }
    let data: Vec<Value> = found.into_iter().map(|event| event.data).collect();
    assert_eq!(data, [6, 5, 4, 3, 2, 1, 0].map(|n| json!(n)));
}

fn history_filters_by_topic_before_the_limit(server: &Server) {
    server.publish("shop.api.request", json!(1));
    for _ in 0..120 {
        server.publish("shop.noise", json!(0));
    }
    let found = server.owner().history("last=1&topic=shop.*.request");
    assert_eq!(topics(&found), ["shop.api.request"]);
}

fn history_filters_by_source_and_subject(server: &Server) {
    let agent = server.issue(Role::Agent, "frontend");
    agent.publish("shop.a", json!(1));
    server.publish("shop.b", json!(1));
    server.set("shop/plan", "1");
    let owner = server.owner();
    assert_eq!(topics(&owner.history("source=frontend")), ["shop.a"]);
    assert_eq!(topics(&owner.history("source=owner")), ["shop.b"]);
    assert_eq!(
        topics(&owner.history("subject=shop/plan")),
        ["coro.state.put"]
    );
    assert_eq!(
        topics(&owner.history("source=coro&topic=coro.state.*")),
        ["coro.state.put"]
    );
    assert!(owner.history("source=nobody").is_empty());
}

fn history_filters_by_project(server: &Server) {
    server.publish("shop.first", json!(1));
    server.set("shop/plan", "1");
    for _ in 0..120 {
        server.publish("other.noise", json!(0));
    }
    let owner = server.owner();
    let found = owner.history("last=2&project=shop");
    assert_eq!(topics(&found), ["coro.state.put", "shop.first"]);
    assert_eq!(topics(&owner.history("last=1&project=")), ["other.noise"]);
    assert!(owner.history("project=nobodys").is_empty());
    // The next page is of the same project.
    let first = server
        .get("/api/events/history?last=1&project=shop")
        .send()
        .expect(200);
    let link = first.header("link").expect("there is more");
    assert!(link.contains("project=shop"), "{link}");
    let printed = server.cli().ok(&["events", "history", "--project", "shop"]);
    assert_eq!(printed.lines().count(), 2, "{printed}");

    let reader = server.issue_for_project(Role::Viewer, "reader", "shop");
    assert_eq!(reader.history("project=shop"), found);
    let others = reader.get("/api/events/history?project=other");
    let problem = others.refused(Reason::Forbidden);
    assert!(problem.detail.contains("\"other\""), "{}", problem.detail);
}

fn history_filters_by_time(server: &Server) {
    server.publish("shop.early", json!(1));
    server.advance_seconds(3600);
    let middle = server.publish("shop.middle", json!(1)).created_at;
    server.advance_seconds(3600);
    server.publish("shop.late", json!(1));
    let ask = |query: &str| {
        let events = server.owner().history(&format!("topic=shop.*&{query}"));
        events
            .into_iter()
            .map(|event| event.topic)
            .collect::<Vec<_>>()
    };
    assert_eq!(ask(&format!("from={middle}")), ["shop.late", "shop.middle"]);
    assert_eq!(ask(&format!("to={middle}")), ["shop.middle", "shop.early"]);
    assert_eq!(ask(&format!("from={middle}&to={middle}")), ["shop.middle"]);
    assert!(ask("from=2999-01-01T00:00:00Z").is_empty());
    assert_eq!(
        ask(&format!("to={}", encode("2999-01-01T00:00:00+02:00"))).len(),
        3
    );
}

fn history_filters_by_revision(server: &Server) {
    let events = publish_many(server, &["shop.a", "shop.b", "shop.c"]);
    let (first, last) = (events[0].revision, events[2].revision);
    let owner = server.owner();
    assert_eq!(
        topics(&owner.history(&format!("after={first}"))),
        ["shop.c", "shop.b"]
    );
    let between = owner.history(&format!("after={first}&before={last}"));
    assert_eq!(topics(&between), ["shop.b"]);
}

fn a_malformed_filter_is_refused(server: &Server) {
    for (filter, names) in [
        ("last=0", "last"),
        ("last=10001", "last"),
        ("last=x", "last"),
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("after=-1", "after"),
        ("before=x", "before"),
        ("colour=red", "colour"),
    ] {
        let problem = server
            .get(&format!("/api/events/history?{filter}"))
            .refused(Reason::Invalid);
        assert!(
            problem.detail.contains(names),
            "{filter}: {}",
            problem.detail
        );
    }
}

fn a_pattern_is_literal_but_for_the_star(server: &Server) {
    publish_many(
        server,
        &[
            "shop.a.b", "shop.a", "shop%a", "shopxa", "SHOP.a", "shop.[a]", "été.a",
        ],
    );
    let ask = |pattern: &str| {
        let events = server
            .owner()
            .history(&format!("topic={}", encode(pattern)));
        events
            .into_iter()
            .map(|event| event.topic)
            .collect::<Vec<_>>()
    };
    assert_eq!(ask("shop.*"), ["shop.[a]", "shop.a", "shop.a.b"]);
    assert_eq!(ask("*.b"), ["shop.a.b"]);
    assert_eq!(ask("shop.[a]"), ["shop.[a]"]);
    assert_eq!(ask("shop%a"), ["shop%a"]);
    assert_eq!(ask("shop_a"), [""; 0]);
    assert_eq!(ask("é*"), ["été.a"]);
    assert_eq!(ask("*").len(), ask("").len());
}

fn a_poll_gives_what_follows_a_revision_in_order(server: &Server) {
    let events = publish_many(server, &["shop.a", "shop.b", "shop.c"]);
    let page = server.owner().poll(&format!("from={}", events[0].revision));
    assert_eq!(page.events, events[1..]);
    assert_eq!((page.next, page.more), (events[2].revision, false));
    let page = server
        .owner()
        .poll(&format!("from={}&pattern=*.c", events[0].revision));
    assert_eq!(topics(&page.events), ["shop.c"]);
}

fn a_poll_in_steps_gives_each_event_once(server: &Server) {
    let events = publish_many(server, &["a.1", "b.2", "a.3", "b.4", "a.5"]);
    let mut from = events[0].revision - 1;
    let mut found = Vec::new();
    loop {
        let page = server
            .owner()
            .poll(&format!("from={from}&pattern=a.*&limit=1"));
        found.extend(page.events);
        from = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(topics(&found), ["a.1", "a.3", "a.5"]);
    assert_eq!(from, events[4].revision);
}

fn a_poll_from_now_waits_for_the_next_event(server: &Server) {
    server.publish("shop.before", json!(1));
    let from = server.revision();
    std::thread::scope(|scope| {
        let poll = format!("from={from}&wait=50&pattern=shop.go");
        let waiting = scope.spawn(move || server.owner().poll(&poll));
        server.publish("shop.other", json!(1));
        server.publish("shop.go", json!(2));
        let page = waiting.join().expect("no panic");
        assert_eq!(topics(&page.events), ["shop.go"]);
    });
}

fn a_poll_that_waits_in_vain_answers_empty(server: &Server) {
    let revision = server.revision();
    let page = server.owner().poll("wait=1");
    assert_eq!(
        page,
        EventPage {
            events: Vec::new(),
            next: revision,
            more: false
        }
    );
    for wait in ["-1", "x", "51"] {
        let problem = server
            .get(&format!("/api/events?wait={wait}"))
            .refused(Reason::Invalid);
        assert!(problem.detail.contains("wait"), "{}", problem.detail);
    }
}

fn a_poll_from_the_future_is_refused(server: &Server) {
    let revision = server.revision();
    let ask = |from: i64| server.get(&format!("/api/events?from={from}"));
    ask(revision).send().expect(200);
    let problem = ask(revision + 1).refused(Reason::Invalid);
    assert_eq!(problem.revision, Some(revision));
    ask(i64::MAX).refused(Reason::Invalid);
    ask(-1).refused(Reason::Invalid);
}

fn subjects(page: EventPage) -> Vec<String> {
    page.events.into_iter().map(|event| event.subject).collect()
}

fn a_watch_of_a_prefix_gives_its_changes_only(server: &Server) {
    let from = server.revision();
    for key in ["shop/a", "other/b", "shop/c"] {
        server.set(key, "1");
    }
    server.publish("shop.event", json!(1));
    server.delete("/api/state/shop/a").send().expect(200);
    let watch = |query: &str| {
        server
            .get(&format!("/api/state?watch&from={from}&{query}"))
            .ok()
    };
    assert_eq!(
        subjects(watch("prefix=shop/")),
        ["shop/a", "shop/c", "shop/a"]
    );
    assert_eq!(subjects(watch("prefix=other")), ["other/b"]);
    assert_eq!(subjects(watch("wait=0")).len(), 4);
}

fn a_watch_of_a_key_gives_its_changes_only(server: &Server) {
    let from = server.revision();
    for key in ["shop/a", "shop/ab", "shop/a", "shop/a/b"] {
        server.set(key, "1");
    }
    let page: EventPage = server
        .get(&format!("/api/state/shop/a?watch&from={from}"))
        .ok();
    assert_eq!(subjects(page), ["shop/a", "shop/a"]);
    let now = server.revision();
    std::thread::scope(|scope| {
        let path = format!("/api/state/shop/new?watch&from={now}&wait=50");
        let waiting = scope.spawn(move || server.get(&path).ok::<EventPage>());
        server.set("shop/new", "1");
        assert_eq!(subjects(waiting.join().expect("no panic")), ["shop/new"]);
    });
}

fn events_come_as_cloud_events_where_asked_for(server: &Server) {
    let as_cloud = |client: &Client, path: &str| {
        client
            .get(path)
            .header("Accept", "application/cloudevents+json")
            .send()
            .expect(200)
    };
    let body = json!({"topic": "shop.api.done", "subject": "shop/plan", "data": {"n": 1}});
    let publish = server.post("/api/events/publish", body);
    let one = publish
        .header("Accept", "application/cloudevents+json")
        .send()
        .expect(200);
    assert_eq!(one.the("content-type"), "application/cloudevents+json");
    let one: Value = one.json();
    assert_eq!(
        (&one["specversion"], &one["subject"]),
        (&json!("1.0"), &json!("shop/plan"))
    );
    assert_eq!(
        (&one["data"], &one["datacontenttype"]),
        (&json!({"n": 1}), &json!("application/json"))
    );
    for member in ["id", "source", "type", "time"] {
        assert!(
            one[member].as_str().is_some_and(|text| !text.is_empty()),
            "{member}: {one}"
        );
    }
    assert!(
        one["type"]
            .as_str()
            .expect("text")
            .contains("shop.api.done")
    );
    let list = as_cloud(&server.owner(), "/api/events/history?last=2");
    assert_eq!(
        list.the("content-type"),
        "application/cloudevents-batch+json"
    );
    assert_eq!(list.json::<Vec<Value>>()[0], one);
    let poll = as_cloud(&server.owner(), "/api/events?from=0");
    assert_eq!(
        poll.the("content-type"),
        "application/cloudevents-batch+json"
    );
}

fn a_trace_goes_from_the_request_into_the_event(server: &Server) {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let publish = server.post("/api/events/publish", json!({"topic": "shop.x"}));
    let event: Event = publish.header("traceparent", trace).ok();
    let kept = event.traceparent.expect("a trace");
    assert!(kept.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{kept}");
    server
        .put("/api/state/k", "1")
        .header("traceparent", trace)
        .send()
        .expect(200);
    let put = server.owner().history("last=1").remove(0);
    assert!(
        put.traceparent
            .expect("a trace")
            .contains("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    let bad = server.post("/api/events/publish", json!({"topic": "shop.x"}));
    assert_eq!(
        bad.header("traceparent", "rubbish")
            .ok::<Event>()
            .traceparent,
        None
    );
}

fn a_page_of_large_events_is_short_and_says_that_there_is_more(server: &Server) {
    let from = server.revision();
    for n in 0..5 {
        server.publish("big.event", json!({"n": n, "text": "y".repeat(3_000_000)}));
    }
    let mut seen = 0;
    let mut next = from;
    loop {
        let page = server.owner().poll(&format!("from={next}&limit=10000"));
        assert!(page.events.len() <= 3, "{} large events", page.events.len());
        seen += page.events.len();
        next = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, 5);
}

/// The largest revision overflowed once.
fn a_history_after_the_last_possible_revision_is_empty(server: &Server) {
    let history = server.owner().history("after=9223372036854775807&before=1");
    assert_eq!(history, []);
}

fn a_pattern_that_is_too_long_is_refused_everywhere(server: &Server) {
    let long = "*".repeat(NAME_BYTES_MAX + 1);
    for path in [
        format!("/api/events?pattern={long}"),
        format!("/api/events/history?topic={long}"),
        format!("/api/audit?action={long}"),
    ] {
        let refused = server.get(&path).refused(Reason::Invalid);
        assert!(refused.detail.contains("513 bytes"), "{}", refused.detail);
        let stream = server.get(&path).header("Accept", "text/event-stream");
        stream.refused(Reason::Invalid);
        // What is just short enough is taken.
        server.get(&path[..path.len() - 1]).send().expect(200);
    }
    let path = format!("/api/events/subscribe?pattern={long}");
    let refused = WebSocket::try_open(&server.owner(), &path, &[]).err();
    refused.expect("an answer").refused(Reason::Invalid);
    let consumer = json!({"name": "long", "pattern": long});
    server
        .post("/api/consumers", consumer)
        .refused(Reason::Invalid);
}
