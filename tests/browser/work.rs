//! Now, tasks, requests, leases and messages: each page's main action.

use coro_api::requests::{Request, RequestStatus};
use coro_api::tasks::{CreatedTask, Task, TaskStatus};
use coro_tests::Client;
use serde_json::{Value, json};

use coro_tests::browser::{PASSPHRASE, Visit};

use crate::load::LONG_TASK_MS;

#[test]
fn who_works_on_what_and_what_waits_is_on_the_first_page() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    ask(
        &backend,
        json!({"title": "Use PostgreSQL?", "body": "Ten writes a second."}),
    );
    visit.page.finds(".card", "Use PostgreSQL?");
    visit.page.finds(".card", "Ten writes a second.");
    visit.page.finds(".agent-does", "T-1 Build the API");
    visit.page.finds(".side-nav .pill", "1");
    let overview: Value = visit.server.get("/api/overview").ok();
    for (word, shown) in [
        ("ready", "ready"),
        ("waiting", "waiting"),
        ("claimed", "claimed"),
        ("done", "done"),
    ] {
        let figure = format!("{}{shown}", overview["tasks"][word]);
        visit.page.wait_for(&format!(
            "[...document.querySelectorAll('.task-counts a')].some((one) => one.textContent === {figure:?})"
        ));
    }
    assert_eq!(overview["leases"], 1);
    visit.page.finds(".figures a", "1 lease");
    visit.page.misses(".figures a", "leases");
    visit.page.screenshot("now-light");
    visit.page.assert_quiet();
}

#[test]
fn a_plain_request_is_decided_with_one_key() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    let number = ask(&backend, json!({"title": "Use PostgreSQL?"}));
    visit.page.finds(".decide button", "yes");
    visit.page.press("y");
    visit.page.finds(".notice", "R-1 is decided: yes");
    visit.page.sees("Nothing waits for a decision");
    let request: Request = backend.get(&format!("/api/requests/{number}")).ok();
    assert_eq!(request.status, RequestStatus::Decided);
    assert_eq!(request.decision.as_deref(), Some("yes"));
    visit.page.assert_quiet();
}

#[test]
fn a_protected_request_takes_the_passphrase_that_is_set_at_first_use() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    let detail = json!({"before": "- never push\n", "after": "- push on Fridays\n"});
    let number = ask(
        &backend,
        json!({"title": "A new rule", "kind": "rule", "detail": detail}),
    );
    visit.go(&format!("/requests?request={number}"));
    visit.page.finds(".detail .diff-added", "push on Fridays");
    visit.page.screenshot("request-light");
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds("dialog", "Set your passphrase");
    visit.page.fill("dialog input[name=name]", "ada");
    visit.page.fill("dialog input[name=passphrase]", PASSPHRASE);
    visit
        .page
        .fill("dialog input[name=again]", "something else");
    visit.page.click("dialog button", "Set it and unlock");
    visit.page.finds("dialog [role=alert]", "differ");
    visit.page.fill("dialog input[name=again]", PASSPHRASE);
    visit.page.screenshot("unlock-light");
    visit.page.click("dialog button", "Set it and unlock");
    visit.page.finds(".notice", "is decided: yes");
    visit.page.finds(".page-tools", "ada");
    let request: Request = backend.get(&format!("/api/requests/{number}")).ok();
    assert_eq!(request.decided_by.as_deref(), Some("human:ada"));
    // It is nowhere that a script of another time could read.
    let kept = visit
        .page
        .eval("JSON.stringify([{...localStorage}, {...sessionStorage}])");
    assert!(
        !kept.as_str().is_some_and(|kept| kept.contains(PASSPHRASE)),
        "{kept}"
    );
}

#[test]
fn who_decides_what_is_shown_as_it_is_set() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/requests?tab=policy");
    visit.page.finds(".empty", "No policy is set");
    let policy = json!({"project": "shop", "kind": "question", "quorum": 2, "deciders": ["agent:lead", "human:ada"],
        "deputies": ["human:bob"], "deputies_after_seconds": 3600});
    visit
        .server
        .owner()
        .request("PUT", "/api/requests/policies")
        .json(&policy)
        .ok::<Value>();
    visit.page.finds("[role=row]", "agent:lead, human:ada");
    visit.page.finds("[role=row]", "human:bob after 1 h");
    visit.page.screenshot("policy-light");
    visit.page.assert_quiet();
}

#[test]
fn a_wrong_passphrase_decides_nothing() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let human = json!({"name": "ada", "passphrase": PASSPHRASE});
    visit.server.post("/api/humans", human).ok::<Value>();
    let (backend, _) = busy(&visit);
    let number = ask(&backend, json!({"title": "A new rule", "kind": "rule"}));
    visit.go(&format!("/requests?request={number}"));
    visit.page.click(".detail .decide button", "yes");
    visit
        .page
        .fill("dialog input[name=passphrase]", "not the passphrase");
    visit.page.click("dialog button", "Unlock");
    visit.page.finds("dialog [role=alert]", "passphrase");
    visit.page.fill("dialog input[name=passphrase]", PASSPHRASE);
    visit.page.click("dialog button", "Unlock");
    visit.page.finds(".notice", "is decided: yes");
}

#[test]
fn two_tabs_that_decide_one_request_end_with_one_decision() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    let number = ask(&backend, json!({"title": "Use PostgreSQL?"}));
    visit.go(&format!("/requests?request={number}"));
    visit.page.finds(".detail .decide button", "yes");
    // The other tab is faster, and this one does not hear of it.
    visit.page.eval("window.fetch = ((fetch) => async (...all) => { if (String(all[0]).includes('/decide')) await window.__other; return fetch(...all); })(window.fetch)");
    visit
        .page
        .eval("window.__other = new Promise((done) => { window.__go = done; }); 1");
    visit.page.click(".detail .decide button", "yes");
    let request: Request = visit.server.get(&format!("/api/requests/{number}")).ok();
    let decision = json!({"option": "no", "digest": request.digest, "why": "too late"});
    visit
        .server
        .post(&format!("/api/requests/{number}/decide"), decision)
        .ok::<Value>();
    visit.page.eval("window.__go()");
    visit.page.finds(".notice-error", "decided already");
    visit.page.finds(".detail", "too late");
    let request: Request = visit.server.get(&format!("/api/requests/{number}")).ok();
    assert_eq!(request.decision.as_deref(), Some("no"));
}

#[test]
fn the_newest_requests_come_first_and_of_those_that_wait_the_oldest() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    for n in 1..=3 {
        ask(&backend, json!({"title": format!("question {n}")}));
    }
    let first = "document.querySelector('.row').textContent.includes";
    visit.go("/requests?tab=all");
    visit.page.wait_for(&format!("{first}('question 3')"));
    visit.go("/requests");
    visit.page.wait_for(&format!("{first}('question 1')"));
    visit.page.assert_quiet();
}

#[test]
fn why_a_task_is_not_ready_is_one_click_away() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    busy(&visit);
    visit.go("/tasks");
    visit.page.click(".task-card", "Build the page");
    visit.page.finds(".why", "T-2 waits for T-1");
    visit.page.finds(".graph", "backend");
    visit.page.screenshot("tasks-light");
    visit.page.click(".detail .graph a", "T-1");
    visit.page.finds(".why", "claimed by");
    // And the other way: what waits for it, and what waits for that.
    let last = json!({"title": "Tell the customers", "project": "shop", "depends_on": ["T-2"]});
    visit.server.post("/api/tasks", last).ok::<Value>();
    visit.page.finds(".detail section", "Waiting for this 1");
    visit.page.finds(".graph .graph li", "Tell the customers");
    visit.page.screenshot("task-dependents-light");
    visit.page.click(".graph .graph a", "T-3");
    visit.page.finds(".graph .graph li", "backend");
    visit.page.assert_quiet();
}

#[test]
fn a_task_is_added_cancelled_and_reopened() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/tasks");
    visit.page.finds("code", "coro-cli tasks add");
    visit.page.press("n");
    visit.page.finds("dialog", "New task");
    visit.page.write("Write the notes");
    visit.page.press("Enter");
    visit.page.finds(".detail", "Write the notes");
    visit.page.click(".detail button", "Cancel it");
    visit.page.click("dialog button", "Cancel the task");
    visit.page.finds(".task-card", "Write the notes");
    visit.page.finds(".column", "cancelled");
    let task: Task = visit.server.get("/api/tasks/T-1").ok();
    assert_eq!(task.item.status, TaskStatus::Cancelled);
    visit.page.click(".detail button", "Reopen");
    visit.page.click("dialog button", "Reopen the task");
    visit.page.finds(".why", "waits for an agent");
    visit.page.finds(".timeline", "reopened");
    visit.page.assert_quiet();
}

#[test]
fn ten_thousand_tasks_are_a_list_and_a_board() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    for part in 0..10 {
        let tasks: Vec<Value> = (0..1000)
            .map(|n| json!({"title": format!("task {part} {n}")}))
            .collect();
        visit
            .server
            .post("/api/tasks/bulk", json!({ "tasks": tasks }))
            .ok::<Value>();
    }
    visit.go("/tasks?view=list");
    visit.page.finds(".count", "10,000 tasks");
    visit.page.finds("[role=row]", "T-1");
    visit.page.begin_trace();
    visit.page.eval(
        "new Promise((done) => { const table = document.querySelector('[data-table]'); let step = 0; \
         const next = () => { table.scrollTop += 1700; step += 1; \
         if (step < 200) requestAnimationFrame(next); else done(true); }; next(); })",
    );
    visit.page.finds("[role=row]", "task 9 999");
    let busy = visit.page.longest_task_ms();
    println!("longest task while 10,000 tasks scroll: {busy} ms");
    assert!(busy < LONG_TASK_MS, "{busy}");
    visit.go("/tasks");
    visit.page.finds(".column", "9,940 more");
    visit.page.assert_quiet();
}

#[test]
fn a_lease_is_found_by_a_file_and_released() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    let lease = json!({"pattern": "/docs/**", "reason": "the manual"});
    backend.post("/api/leases", lease).ok::<Value>();
    visit.go("/leases?path=docs/a.md");
    visit.page.finds(".count", "1 lease");
    visit.page.click("[role=gridcell]", "/docs/**");
    visit.page.finds(".detail", "the manual");
    visit.page.screenshot("leases-light");
    visit.page.click(".detail button", "Release");
    visit.page.click("dialog button", "Release");
    visit.page.finds(".empty", "No lease covers this file");
    visit.page.assert_quiet();
}

#[test]
fn a_message_is_sent_and_its_receipt_moves() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    visit.go("/messages");
    visit.page.finds("code", "coro-cli send");
    visit.page.click("button", "New message");
    visit
        .page
        .wait_for("document.querySelector('dialog option')");
    visit
        .page
        .eval("document.querySelector('dialog textarea').focus()");
    visit.page.write("the API has changed");
    visit.page.click("dialog button", "Send");
    visit.page.click("[role=row]", "the API has changed");
    visit.page.finds(".detail .timeline", "queued");
    visit.page.screenshot("messages-light");
    backend.get("/api/messages/M-1").ok::<Value>();
    visit.page.finds(".detail .timeline", "read");
    visit.page.assert_quiet();
}

/// Two agents of a project: backend works on T-1, for which T-2 waits.
pub(crate) fn busy(visit: &Visit) -> (Client, Client) {
    let agent = |name: &str| {
        let new = json!({"name": name, "project": "shop", "intent": "work"});
        let (client, _) = visit.server.register(new);
        client
            .post_nothing("/api/instances/self/activate")
            .ok::<Value>();
        client
    };
    let (backend, frontend) = (agent("backend"), agent("frontend"));
    for task in [
        json!({"title": "Build the API", "project": "shop", "paths": ["/src/api/**"]}),
        json!({"title": "Build the page", "project": "shop", "depends_on": ["T-1"]}),
    ] {
        visit.server.post("/api/tasks", task).ok::<CreatedTask>();
    }
    backend.post("/api/tasks/next", json!({})).ok::<Value>();
    (backend, frontend)
}

pub(crate) fn ask(client: &Client, request: Value) -> String {
    let request: Request = client.post("/api/requests", request).ok();
    request.number.to_string()
}
