//! Faults of Koor that must never come back, by their numbers in its list.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::events::Event;
use coro_api::state::{StateHistory, StateItem};
use coro_api::tokens::Token;
use coro_tests::{Cli, Server, both_engines, encode};
use serde_json::{Value, json};

both_engines![
    b1_times_are_the_present_and_not_the_year_one,
    b2_an_event_without_data_poisons_no_history,
    b3_history_is_right_after_delete_and_recreate,
    b4_concurrent_writers_get_no_error_and_lose_no_version,
    b5_a_request_is_found_behind_many_other_events,
    b6_a_broken_configuration_is_an_error_and_not_ignored,
    b10_an_agent_that_works_is_not_called_stale,
    b11_a_backup_is_whole_or_an_error,
    b16_a_value_that_is_too_large_is_refused_and_not_cut,
    b17_times_are_compared_as_times,
    b18_any_text_is_sent_as_proper_json,
    a_start_of_an_agent_adds_no_row,
    the_token_of_an_instance_is_checked,
    a_name_that_is_taken_is_a_conflict_and_no_fault,
];

fn b1_times_are_the_present_and_not_the_year_one(server: &Server) {
    let item = server.set("shop/plan", "1");
    let event = server.publish("shop.a", json!(1));
    let list: Vec<StateItem> = server.get("/api/state").ok();
    let history: StateHistory = server.get("/api/state/shop/plan?history=1").ok();
    let audit: Vec<AuditEntry> = server.get("/api/audit?limit=1").ok();
    let tokens: Vec<Token> = server.get("/api/tokens").ok();
    assert_eq!(list[0].updated_at, item.updated_at);
    assert_eq!(history.versions[0].updated_at, item.updated_at);
    let times = [
        item.updated_at,
        event.created_at,
        audit[0].timestamp.clone(),
    ];
    for time in times.iter().chain([&tokens[0].created_at]) {
        assert!(time.as_str() > "2026-", "{time}");
        assert!(time.ends_with('Z') && time.len() == 27, "{time}");
    }
}

fn b2_an_event_without_data_poisons_no_history(server: &Server) {
    let event: Event = server
        .post("/api/events/publish", json!({"topic": "x"}))
        .ok();
    assert_eq!(event.data, Value::Null);
    assert_eq!(
        server.owner().history("last=1"),
        std::slice::from_ref(&event)
    );
    assert_eq!(
        server
            .owner()
            .poll(&format!("from={}", event.revision - 1))
            .events,
        [event]
    );
}

fn b3_history_is_right_after_delete_and_recreate(server: &Server) {
    server.set("k", "first life");
    server.delete("/api/state/k").send().expect(200);
    for value in ["second life", "third value"] {
        server.set("k", value);
    }
    let history: StateHistory = server.get("/api/state/k?history=1").ok();
    let versions: Vec<i64> = history
        .versions
        .iter()
        .map(|version| version.version)
        .collect();
    assert_eq!(versions, [3, 2, 1]);
    for (version, value) in [(1, "first life"), (2, "second life"), (3, "third value")] {
        let old = server
            .get(&format!("/api/state/k?version={version}"))
            .send()
            .expect(200);
        assert_eq!(old.text(), value);
    }
}

fn b4_concurrent_writers_get_no_error_and_lose_no_version(server: &Server) {
    std::thread::scope(|scope| {
        for writer in 0..16 {
            scope.spawn(move || {
                for turn in 0..5 {
                    server.set("shared", format!("{writer}.{turn}"));
                }
            });
        }
    });
    let history: StateHistory = server.get("/api/state/shared?history=1&limit=100").ok();
    let versions: Vec<i64> = history
        .versions
        .iter()
        .map(|version| version.version)
        .collect();
    assert_eq!(versions, (1..=80).rev().collect::<Vec<_>>());
    let audit: Vec<AuditEntry> = server.get("/api/audit?action=state.put&limit=100").ok();
    assert_eq!(audit.len(), 80);
}

fn b5_a_request_is_found_behind_many_other_events(server: &Server) {
    let owner = server.owner();
    let request = owner.publish("s.frontend.request", json!({"need": "review"}));
    let writes: Vec<Value> = (0..120)
        .map(|n| json!({"op": "put", "key": format!("k/{n}"), "value": n}))
        .collect();
    for _ in 0..10 {
        owner
            .post("/api/txn", json!({ "writes": writes }))
            .send()
            .expect(200);
    }
    assert_eq!(
        owner.history("last=20&topic=s.*.request"),
        std::slice::from_ref(&request)
    );
    assert_eq!(owner.history("last=1&topic=s.*&source=owner"), [request]);
}

fn b6_a_broken_configuration_is_an_error_and_not_ignored(server: &Server) {
    let folder = server.options().scratch().join("workspace");
    std::fs::create_dir_all(folder.join(".coro")).expect("a folder");
    std::fs::write(folder.join(".coro/cli.json"), "{\n  \"url\": {\"a\": 1}\n}").expect("a file");
    let output = Cli::new(&folder)
        .data_dir(&server.data_dir())
        .run(&["state", "list"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.stderr.contains("cli.json") && output.stderr.contains('2'),
        "{output:?}"
    );
    // A file of the application with the same name as Koor's is none of ours.
    std::fs::remove_dir_all(folder.join(".coro")).expect("a folder");
    std::fs::write(folder.join("settings.json"), "{\"server\": {\"port\": 1}}").expect("a file");
    Cli::new(&folder)
        .data_dir(&server.data_dir())
        .ok(&["state", "list"]);
}

fn b11_a_backup_is_whole_or_an_error(server: &Server) {
    server
        .put("/api/state/binary", [0, 159, 146, 150])
        .send()
        .expect(200);
    let cli = server.cli();
    cli.ok(&["backup", "whole.gz"]);
    let whole = std::fs::metadata(cli.folder().join("whole.gz")).expect("a file");
    assert!(whole.len() > 100);
    let refused = cli.token("cor_wrong").run(&["backup", "none.gz"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(!server.cli().folder().join("none.gz").exists());
}

fn b16_a_value_that_is_too_large_is_refused_and_not_cut(server: &Server) {
    let body = vec![b'x'; coro_api::limits::BODY_BYTES_MAX + 1];
    let problem = server.put("/api/state/big", body).refused(Reason::TooLarge);
    assert!(problem.detail.contains("10485760"), "{}", problem.detail);
    server.get("/api/state/big").refused(Reason::NotFound);
}

fn b17_times_are_compared_as_times(server: &Server) {
    let time = server.set("shop/plan", "1").updated_at;
    let day = &time[..10];
    let in_kathmandu = |time: &str| encode(&format!("{time}+05:45"));
    for (from, to, found) in [
        (
            format!("{day}T00:00:00Z"),
            format!("{day}T23:59:59.999999Z"),
            true,
        ),
        (
            in_kathmandu(&format!("{day}T05:45:00")),
            "9999-01-01T00:00:00Z".to_owned(),
            true,
        ),
        (
            "2000-01-01T00:00:00Z".to_owned(),
            format!("{day}T00:00:00Z"),
            false,
        ),
    ] {
        let query = format!("from={from}&to={to}");
        let audit: Vec<AuditEntry> = server
            .get(&format!("/api/audit?action=state.put&{query}"))
            .ok();
        assert_eq!(audit.len(), usize::from(found), "{query}");
        assert_eq!(
            server
                .owner()
                .history(&format!("topic=coro.state.put&{query}"))
                .len(),
            audit.len()
        );
    }
}

fn b18_any_text_is_sent_as_proper_json(server: &Server) {
    let data = json!("quote \" back \\ bell \u{7} tab \t é 🦀 \u{2028} end");
    let text = data.to_string();
    server
        .cli()
        .ok(&["events", "publish", "shop.a", "--data", &text]);
    assert_eq!(server.owner().history("last=1")[0].data, data);
    server.cli().ok(&[
        "events",
        "publish",
        "shop.été 🦀",
        "--subject",
        "a \"b\"",
        "--data",
        "1",
    ]);
    let event = server.owner().history("last=1").remove(0);
    assert_eq!(
        (event.topic.as_str(), event.subject.as_str()),
        ("shop.été 🦀", "a \"b\"")
    );
}

fn b10_an_agent_that_works_is_not_called_stale(server: &Server) {
    let agent = server.agent("frontend");
    for _ in 0..4 {
        server.advance_seconds(200);
        agent.get("/api/state").send().expect(200);
        server.sweep();
    }
    assert_eq!(server.get("/api/instances/stale").ok::<Value>(), json!([]));
    assert!(server.owner().history("topic=agent.stale").is_empty());
}

fn a_start_of_an_agent_adds_no_row(server: &Server) {
    for _ in 0..5 {
        let (client, _) = server.register(json!({"name": "frontend", "takeover": true}));
        client.get("/api/whoami").send().expect(200);
    }
    let rows = |table: &str| {
        server
            .database()
            .query(&format!("SELECT 1 FROM {table}"))
            .len()
    };
    // Of the tokens the owner's, the one in use and the one before it.
    assert_eq!(rows("agent"), 1);
    assert!(rows("token") <= 3, "{}", rows("token"));
}

fn the_token_of_an_instance_is_checked(server: &Server) {
    let (client, agent) = server.register(json!({"name": "frontend"}));
    let call = |token: &str| {
        let path = format!("/api/instances/{}/activate", agent.id);
        server.client(token).post_nothing(&path).send().status
    };
    assert_eq!(call("cor_made-up"), 401);
    assert_eq!(call(server.agent("other").token()), 403);
    assert_eq!(call(client.token()), 200);
    let stored = format!("{:?}", server.database().query("SELECT * FROM token"));
    assert!(
        stored.contains("frontend") && !stored.contains(client.token()),
        "a secret is stored"
    );
}

/// B19 of Koor answers 500 to duplicates.
fn a_name_that_is_taken_is_a_conflict_and_no_fault(server: &Server) {
    server.agent("frontend");
    server
        .post("/api/instances/register", json!({"name": "frontend"}))
        .refused(Reason::Conflict);
}
