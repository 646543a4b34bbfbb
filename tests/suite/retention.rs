//! What is kept of the log, and what a reader behind it is told.

use coro_api::Reason;
use coro_api::audit::{AuditEntry, AuditVerification};
use coro_api::events::EventPage;
use coro_api::state::StateHistory;
use coro_tests::{Engine, Options, Server, WebSocket, both_engines, each_engine};
use serde_json::json;

both_engines![
    at_the_edge_of_what_is_kept_nothing_is_lost_silently,
    every_kind_of_stream_tells_a_reader_that_is_too_late,
    compaction_is_an_event_itself,
    compaction_keeps_values_history_and_audit,
    a_compacted_log_still_verifies,
    the_newest_entry_is_always_kept,
];
each_engine![
    events_are_kept_by_age,
    events_are_kept_by_bytes,
    the_audit_is_kept_by_age_and_still_verifies,
    present_values_have_no_age,
    replaced_and_deleted_values_are_dropped_by_age,
    a_clock_that_was_wrong_for_a_moment_takes_nothing,
    a_clock_that_was_wrong_for_a_moment_lets_nothing_live_longer,
];

/// Publishes some events, compacts up to the third; gives the oldest kept
/// revision and the newest.
fn compacted(server: &Server) -> (i64, i64) {
    let events: Vec<i64> = (0..6)
        .map(|n| server.publish("shop.n", json!(n)).revision)
        .collect();
    server.compact(events[2]);
    (events[3], server.revision())
}

fn at_the_edge_of_what_is_kept_nothing_is_lost_silently(server: &Server) {
    let (oldest, newest) = compacted(server);
    let poll = |from: i64| server.get(&format!("/api/events?from={from}"));
    let problem = poll(oldest - 2).refused(Reason::Compacted);
    assert_eq!(problem.revision, Some(oldest));
    assert!(
        problem
            .next
            .expect("a hint")
            .contains(&format!("from={}", oldest - 1))
    );
    poll(0).refused(Reason::Compacted);
    let first = |page: EventPage| page.events.first().map(|event| event.revision);
    assert_eq!(first(poll(oldest - 1).ok()), Some(oldest));
    assert_eq!(first(poll(oldest).ok()), Some(oldest + 1));
    assert_eq!(first(poll(newest).ok()), None);
    poll(newest + 1).refused(Reason::Invalid);
}

fn every_kind_of_stream_tells_a_reader_that_is_too_late(server: &Server) {
    let (oldest, _) = compacted(server);
    let late = oldest - 2;
    for path in [
        format!("/api/events?from={late}"),
        format!("/api/state?watch&from={late}"),
        format!("/api/state/k?watch&from={late}"),
    ] {
        server.get(&path).refused(Reason::Compacted);
        let sse = server.get(&path).header("Accept", "text/event-stream");
        assert_eq!(sse.refused(Reason::Compacted).revision, Some(oldest));
    }
    let path = format!("/api/events/subscribe?from={late}");
    let refused = WebSocket::try_open(&server.owner(), &path, &[])
        .err()
        .expect("refused");
    assert_eq!(refused.refused(Reason::Compacted).revision, Some(oldest));
}

fn compaction_is_an_event_itself(server: &Server) {
    let (oldest, newest) = compacted(server);
    let event = server.owner().history("last=1").remove(0);
    assert_eq!(
        (event.topic.as_str(), event.revision),
        ("coro.log.compacted", newest)
    );
    assert_eq!(event.data["through"], oldest - 1);
    let kept = server.owner().history("last=100");
    assert_eq!(kept.last().expect("some").revision, oldest);
}

fn compaction_keeps_values_history_and_audit(server: &Server) {
    server.set("k", "1");
    server.set("k", "2");
    compacted(server);
    assert_eq!(server.value("k"), "2");
    assert_eq!(server.get("/api/state/k?version=1").send().text(), "1");
    let audit: Vec<AuditEntry> = server.get("/api/audit?resource=k").ok();
    assert_eq!(audit.len(), 2);
}

fn a_compacted_log_still_verifies(server: &Server) {
    compacted(server);
    server.restart();
    let found: AuditVerification = server.get("/api/audit/verify").ok();
    assert!(found.ok, "{found:?}");
    assert_eq!((found.first, found.last), (1, server.revision()));
}

fn the_newest_entry_is_always_kept(server: &Server) {
    let newest = server.publish("shop.a", json!(1)).revision;
    server.compact(i64::MAX);
    assert_eq!(
        server.owner().poll(&format!("from={newest}")).events.len(),
        1
    );
    assert_eq!(server.publish("shop.b", json!(1)).revision, newest + 2);
}

fn events_are_kept_by_age(engine: Engine) {
    let server = Options::new(engine)
        .config("[retention]\nevents_days = 10\n")
        .start();
    let old = server.publish("shop.old", json!(1)).revision;
    server.advance_days(9);
    let young = server.publish("shop.young", json!(1)).revision;
    server.sweep();
    server
        .get(&format!("/api/events?from={}", old - 1))
        .send()
        .expect(200);
    server.advance_days(2);
    server.sweep();
    let problem = server
        .get(&format!("/api/events?from={}", old - 1))
        .refused(Reason::Compacted);
    assert_eq!(problem.revision, Some(young));
    let kept = server.owner().history("topic=shop.*");
    assert_eq!(
        kept.iter().map(|event| event.revision).collect::<Vec<_>>(),
        [young]
    );
}

fn events_are_kept_by_bytes(engine: Engine) {
    let server = Options::new(engine)
        .config("[retention]\nevents_bytes = 20000\n")
        .start();
    let first = server.publish("shop.n", json!("x".repeat(1000))).revision;
    for _ in 0..40 {
        server.publish("shop.n", json!("x".repeat(1000)));
    }
    server.sweep();
    let problem = server
        .get(&format!("/api/events?from={}", first - 1))
        .refused(Reason::Compacted);
    let oldest = problem.revision.expect("the oldest");
    let kept = server.owner().history("topic=shop.n&last=100").len();
    assert!(
        (5..20).contains(&kept),
        "{kept} events of 1,000 bytes, from {oldest}"
    );
}

fn the_audit_is_kept_by_age_and_still_verifies(engine: Engine) {
    let retention = "[retention]\nevents_days = 1\naudit_days = 10\nhistory_days = 1\n";
    let server = Options::new(engine).config(retention).start();
    let old = server.publish("shop.old", json!(1)).revision;
    server.set("k", "1");
    server.advance_days(11);
    server.set("k", "2");
    server.sweep();
    let audit: Vec<AuditEntry> = server.get("/api/audit?limit=100").ok();
    assert!(audit.iter().all(|entry| entry.id > old), "{audit:?}");
    let found: AuditVerification = server.get("/api/audit/verify").ok();
    assert!(found.ok && found.first > old, "{found:?}");
    server.restart();
    assert!(server.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

fn present_values_have_no_age(engine: Engine) {
    let retention = "[retention]\nevents_days = 1\naudit_days = 1\nhistory_days = 1\n";
    let server = Options::new(engine).config(retention).start();
    let written = server.set("k", "1");
    server.advance_days(1000);
    server.publish("shop.a", json!(1));
    server.sweep();
    server.sweep();
    server.restart();
    assert_eq!(server.value("k"), "1");
    let item: coro_api::state::StateItem = server.get("/api/state/k?meta").ok();
    assert_eq!(item, written);
    assert!(server.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

fn replaced_and_deleted_values_are_dropped_by_age(engine: Engine) {
    let retention = "[retention]\nevents_days = 1\naudit_days = 1\nhistory_days = 1\n";
    let server = Options::new(engine).config(retention).start();
    for value in ["1", "2"] {
        server.set("kept", value);
        server.set("gone", value);
    }
    server.delete("/api/state/gone").send().expect(200);
    server.set("kept", "3");
    let versions = |key: &str| {
        let history: StateHistory = server.get(&format!("/api/state/{key}?history")).ok();
        history
            .versions
            .iter()
            .map(|one| one.version)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (versions("kept"), versions("gone")),
        (vec![3, 2, 1], vec![2, 1])
    );
    server.advance_days(2);
    server.publish("shop.a", json!(1));
    server.sweep();
    assert_eq!((versions("kept"), versions("gone")), (vec![3], vec![]));
    assert_eq!(server.value("kept"), "3");
    assert_eq!(server.set("gone", "3").version, 3);
    assert!(server.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

/// Writes something while the clock is wrong by more than anything is kept.
fn glitch(server: &Server, days: i64) {
    server.advance_days(days);
    server.publish("shop.glitch", json!(1));
    server.advance_days(-days);
}

fn a_clock_that_was_wrong_for_a_moment_takes_nothing(engine: Engine) {
    let server = Options::new(engine).start();
    server.set("plan", "1");
    server.set("plan", "2");
    server.publish("shop.before", json!(1));
    let audit = || server.get("/api/audit?limit=1000").ok::<Vec<AuditEntry>>();
    let before = audit();
    for days in [400, -400] {
        glitch(&server, days);
        server.publish("shop.after", json!(1));
        server.sweep();
        let first = server.get("/api/state/plan?version=1").send();
        assert_eq!(first.expect(200).text(), "1", "{days}");
    }
    let events = server.owner().history("topic=shop.*");
    assert_eq!(events.len(), 5, "{events:?}");
    assert!(audit().ends_with(&before));

    // What is too old goes in spite of the rows that seem to be younger.
    server.advance_days(40);
    server.publish("shop.young", json!(1));
    server.sweep();
    assert_eq!(server.owner().history("topic=shop.*").len(), 1);
    assert!(server.get("/api/audit/verify").ok::<AuditVerification>().ok);
}

fn a_clock_that_was_wrong_for_a_moment_lets_nothing_live_longer(engine: Engine) {
    let server = Options::new(engine).start();
    glitch(&server, 400);
    server.put("/api/state/lock?ttl=60", "1").send().expect(200);
    let event = server.publish("shop.after", json!(1));
    let glitch = server.owner().history("topic=shop.glitch").remove(0);
    assert!(event.created_at < glitch.created_at, "{event:?} {glitch:?}");
    server.advance_seconds(61);
    server.get("/api/state/lock").refused(Reason::NotFound);
}
