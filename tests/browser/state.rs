//! The page of state.

use serde_json::{Value, json};

use coro_tests::browser::Visit;

#[test]
fn keys_are_a_tree_that_follows_the_log() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/state");
    visit.page.finds("code", "coro-cli state set");
    visit.server.set("shop/api/plan", "1");
    visit.page.finds("[role=row]", "api");
    visit.page.finds(".count", "1 key");
    visit.page.click("[role=row]", "api");
    visit.page.misses("[role=row]", "plan");
    visit
        .server
        .delete("/api/state/shop/api/plan")
        .ok::<Value>();
    visit.page.finds("code", "coro-cli state set");
    visit.page.assert_quiet();
}

#[test]
fn a_value_is_shown_by_its_type() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set(
        "shop/plan",
        r#"{"big": 12345678901234567890, "list": [1, 2]}"#,
    );
    visit.server.set("shop/notes.md", "# Notes\nsecond line\n");
    visit.server.set("shop/blob", [0_u8, 159, 146, 150, 7]);
    visit.go("/state?key=shop/plan");
    visit.page.finds(".json-number", "12345678901234567890");
    visit.page.screenshot("state-light");
    visit.page.click(".segments button", "Text");
    visit.page.finds(".lines", "12345678901234567890");
    visit.go("/state?key=shop/notes.md");
    visit.page.finds(".line", "second line");
    visit.go("/state?key=shop/blob");
    visit.page.finds(".hex", "00 9f 92 96 07");
    visit.page.assert_quiet();
}

#[test]
fn a_large_value_is_cut_and_says_so() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let large = "x".repeat(10 * 1024 * 1024 - 1);
    visit.server.set("shop/large", large);
    visit.go("/state?key=shop/large");
    visit.page.finds(".note", "The first 256 KiB of 10.0 MiB");
    visit.page.finds("[role=row]", "10.0 MiB");
    visit.page.assert_quiet();
}

#[test]
fn who_changed_a_key_and_what_it_said_before_is_two_clicks_away() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = visit
        .server
        .register(json!({"name": "backend", "project": "shop"}));
    visit.server.set("shop/plan", r#"{"step": 1}"#);
    backend.set("shop/plan", r#"{"step": 2}"#);
    visit.go("/state");
    visit.page.click("[role=row]", "plan");
    visit.page.click(".detail a", "History");
    visit.page.finds(".diff-removed", r#""step": 1"#);
    visit.page.finds(".diff-added", r#""step": 2"#);
    visit.page.screenshot("history-light");
    visit.page.finds(".versions li", "backend");
    assert_eq!(visit.page.at(), "/state?key=shop/plan&view=history");
    visit.page.assert_quiet();
}

#[test]
fn a_version_is_written_again_after_its_difference_was_shown() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    for step in 1..=3 {
        visit
            .server
            .set("shop/plan", json!({ "step": step }).to_string());
    }
    visit.go("/state?key=shop/plan&view=history&v=1");
    visit.page.click("button", "Write this version again");
    visit.page.finds("dialog .diff-removed", r#""step": 3"#);
    visit.page.finds("dialog .diff-added", r#""step": 1"#);
    visit.page.screenshot("rollback-light");
    visit
        .page
        .click("dialog button", "Write this version again");
    visit.page.finds(".notice", "version 4");
    visit.page.misses("dialog", "");
    let value: Value = visit.server.get("/api/state/shop/plan").ok();
    assert_eq!(value, json!({"step": 1}));
    visit.page.assert_quiet();
}

#[test]
fn a_rollback_of_what_has_changed_meanwhile_is_refused() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.server.set("shop/plan", "2");
    visit.go("/state?key=shop/plan&view=history&v=1");
    visit.page.click("button", "Write this version again");
    visit.page.finds("dialog .diff-added", "1");
    visit.server.set("shop/plan", "3");
    visit
        .page
        .click("dialog button", "Write this version again");
    visit.page.finds(".notice-error", "shop/plan");
    let value: Value = visit.server.get("/api/state/shop/plan").ok();
    assert_eq!(value, json!(3));
}

#[test]
fn a_deleted_key_is_brought_back_from_its_history() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.server.delete("/api/state/shop/plan").ok::<Value>();
    visit.go("/state?key=shop/plan");
    visit.page.sees("does not exist now");
    visit.page.click(".detail a", "History");
    visit.page.click("button", "Write this version again");
    visit
        .page
        .click("dialog button", "Write this version again");
    visit.page.finds("[role=row]", "plan");
    let value: Value = visit.server.get("/api/state/shop/plan").ok();
    assert_eq!(value, json!(1));
}

#[test]
fn a_key_is_watched() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.go("/state?key=shop/plan&view=watch");
    visit.page.finds(".timeline li", "v1");
    visit.server.set("shop/plan", "2");
    visit.page.finds(".timeline li", "v2");
    visit.page.finds("code", "coro-cli state watch shop/plan");
}
