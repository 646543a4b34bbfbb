//! A fault of Koor's dashboard, by its number in `docs/koor.md`: its form lost
//! the fields that it did not show, and ids with dots and slashes broke it.

use coro_tests::{browser::Visit, key_path};
use serde_json::{Value, json};

#[test]
fn b12_a_change_on_the_page_keeps_every_field_that_it_does_not_change() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.agent("backend");
    let first = json!({"project": "shop", "title": "First"});
    visit.server.post("/api/tasks", first).ok::<Value>();
    let task = json!({
        "project": "shop", "title": "#a.b/c \"d\" [e=f]", "body": "as *drawn*\n", "priority": 0,
        "assignee": "backend", "capabilities": ["css/3", "a.b"], "paths": ["/src/**/*.rs"],
        "labels": ["v1.2", "a/b"], "depends_on": ["T-1"], "attempts_max": 7,
    });
    visit.server.post("/api/tasks", task).ok::<Value>();
    let before: Value = visit.server.get("/api/tasks/T-2").ok();
    visit.go("/tasks?task=T-2");
    visit.page.click(".detail button", "Cancel it");
    visit.page.click("dialog button", "Cancel the task");
    visit.page.click(".detail button", "Reopen");
    visit.page.click("dialog button", "Reopen the task");
    visit.page.finds(".detail button", "Cancel it");
    let after: Value = visit.server.get("/api/tasks/T-2").ok();
    for field in [
        "project",
        "title",
        "body",
        "priority",
        "assignee",
        "capabilities",
        "paths",
        "labels",
        "depends_on",
        "attempts_max",
        "status",
        "blockers",
        "created_by",
        "created_at",
    ] {
        assert_eq!(before[field], after[field], "{field}");
    }
    visit.page.assert_quiet();
}

#[test]
fn b12_a_key_with_any_sign_is_rolled_back_whole() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let key = "shop.v2/#a.b/[c=d] \"e\" ?f&g%20é";
    let path = key_path(key);
    for (value, kind) in [("<p>one</p>", "text/html"), ("two", "text/plain")] {
        let put = visit.server.put(&path, value);
        put.header("Content-Type", kind).send().expect(200);
    }
    let row = key.rsplit('/').next().expect("a name");
    visit.go("/state?prefix=shop.v2/");
    visit.page.click("[role=row]", row);
    visit.page.finds(".detail h2", row);
    visit.page.click(".detail a", "History");
    visit.page.click(".versions a", "v1");
    visit.page.click("button", "Write this version again");
    visit
        .page
        .click("dialog button", "Write this version again");
    visit.page.finds(".notice", "version 3");
    let answer = visit.server.get(&path).send().expect(200);
    assert_eq!(answer.the("content-type"), "text/html");
    assert_eq!(visit.server.value(key), "<p>one</p>");
    visit.page.assert_quiet();
}
