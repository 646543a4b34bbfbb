//! Dependencies of tasks, why they stand where they stand, and what those do
//! who lead.

use coro_api::Reason;
use coro_api::tasks::{ClosedTasks, Task, TaskStatus};
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

use crate::tasks::{act, add, done, next, next_id, refused, task, why};

both_engines![
    a_task_waits_for_those_that_it_depends_on,
    a_circle_is_refused_and_shown,
    a_circle_among_new_tasks_is_refused_and_shown,
    a_task_depends_on_tasks_of_its_project_only,
    dependencies_are_bounded,
    what_failed_keeps_those_that_wait_for_it,
    a_reopened_task_holds_those_that_wait_again,
    a_result_is_that_of_the_last_attempt,
    dependencies_are_changed_afterwards,
    an_agent_is_told_why_a_ready_task_is_not_for_it,
    a_paused_agent_is_told_so_of_a_task_that_is_ready,
    why_tells_it_in_a_sentence,
    who_leads_changes_tasks,
    who_made_a_task_changes_it_until_it_is_claimed,
    who_leads_takes_a_task_back,
    a_cancelled_task_is_taken_from_its_agent,
    many_tasks_are_closed_together,
];

fn edit(client: &Client, id: &str, change: Value) -> Task {
    patch(client, id, &change).ok()
}

fn patch(client: &Client, id: &str, change: &Value) -> coro_tests::Request {
    let path = format!("/api/tasks/{id}");
    client.request("PATCH", &path).json(change)
}

/// Tasks in a row, each after the one before.
fn chain(server: &Server, length: i64) {
    for number in 1..=length {
        let before: Vec<String> = (number > 1)
            .then(|| format!("T-{}", number - 1))
            .into_iter()
            .collect();
        add(&server.owner(), json!({"title": "a", "depends_on": before}));
    }
}

fn a_task_waits_for_those_that_it_depends_on(server: &Server) {
    chain(server, 2);
    add(
        &server.owner(),
        json!({"title": "c", "depends_on": ["T-1", "T-2", "2"], "priority": 0}),
    );
    assert_eq!(task(&server.owner(), "T-3").item.blockers, 2);
    let agent = server.agent("frontend");
    refused(&agent, "T-3", "claim", Value::Null);
    assert_eq!(next_id(&agent), "T-1");
    act(&agent, "self", "done", json!({"result": "see api.rs"}));
    assert_eq!(next_id(&agent), "T-2");
    assert_eq!(
        task(&agent, "T-2").depends_on[0].result.as_deref(),
        Some("see api.rs")
    );
    done(&agent, "self");
    assert_eq!(next_id(&agent), "T-3");
    // One that is made later waits for nothing that is done.
    let late = add(
        &server.owner(),
        json!({"title": "d", "depends_on": ["T-1"]}),
    );
    assert_eq!(late.item.blockers, 0);
}

fn a_circle_is_refused_and_shown(server: &Server) {
    chain(server, 4);
    let owner = server.owner();
    let circle = |id: &str, depends_on: Value| {
        let change = json!({ "depends_on": depends_on });
        patch(&owner, id, &change).refused(Reason::Invalid).detail
    };
    let said = circle("T-1", json!(["T-4"]));
    assert_eq!(
        said,
        "the dependencies go in a circle: T-1 → T-4 → T-3 → T-2 → T-1"
    );
    let said = circle("T-2", json!(["T-1", "T-2"]));
    assert_eq!(said, "the dependencies go in a circle: T-2 → T-2");
    edit(&owner, "T-4", json!({"depends_on": []}));
    edit(&owner, "T-1", json!({"depends_on": ["T-4"]}));
}

fn a_circle_among_new_tasks_is_refused_and_shown(server: &Server) {
    let tasks = json!({"tasks": [
        {"title": "a", "ref": "a", "depends_on": ["b"]},
        {"title": "b", "ref": "b", "depends_on": ["c"]},
        {"title": "c", "ref": "c", "depends_on": ["b"]},
    ]});
    let refused = server
        .post("/api/tasks/bulk", tasks)
        .refused(Reason::Invalid);
    assert_eq!(refused.detail, "the dependencies go in a circle: b → c → b");
    let own = json!({"tasks": [{"title": "a", "ref": "a", "depends_on": ["a"]}]});
    let refused = server.post("/api/tasks/bulk", own).refused(Reason::Invalid);
    assert_eq!(refused.detail, "the dependencies go in a circle: a → a");
}

fn a_task_depends_on_tasks_of_its_project_only(server: &Server) {
    add(&server.owner(), json!({"title": "a", "project": "shop"}));
    let body = json!({"title": "b", "project": "blog", "depends_on": ["T-1"]});
    let refused = server.post("/api/tasks", body).refused(Reason::Invalid);
    assert!(
        refused.detail.contains("T-1 is of the project \"shop\""),
        "{refused:?}"
    );
    add(&server.owner(), json!({"title": "b", "project": "blog"}));
    let change = json!({"depends_on": ["T-1"]});
    patch(&server.owner(), "T-2", &change).refused(Reason::Invalid);
}

fn dependencies_are_bounded(server: &Server) {
    let tasks: Vec<Value> = (0..101)
        .map(|n| json!({"title": "a", "ref": format!("r{n}")}))
        .collect();
    server
        .post("/api/tasks/bulk", json!({ "tasks": tasks }))
        .send()
        .expect(200);
    let all: Vec<String> = (1..=101).map(|n| format!("T-{n}")).collect();
    let body = json!({"title": "b", "depends_on": all});
    server.post("/api/tasks", body).refused(Reason::Invalid);
    add(
        &server.owner(),
        json!({"title": "b", "depends_on": all[..100]}),
    );
    // All that depend on one are told in one transaction.
    let many = vec![json!({"title": "c", "depends_on": ["T-101"]}); 1000];
    server
        .post("/api/tasks/bulk", json!({ "tasks": many }))
        .send()
        .expect(200);
    let one_more = json!({"title": "c", "depends_on": ["T-101"]});
    server
        .post("/api/tasks", one_more)
        .refused(Reason::Conflict);
    let close = json!({"tasks": ["T-101"], "status": "done"});
    server.post("/api/tasks/close", close).send().expect(200);
    let ready = server.owner().history("topic=coro.task.ready&last=1000");
    assert_eq!(ready.len(), 1000);
}

fn what_failed_keeps_those_that_wait_for_it(server: &Server) {
    chain(server, 2);
    let agent = server.agent("frontend");
    next_id(&agent);
    act(&agent, "self", "fail", json!({"why": "no"}));
    assert!(next(&agent).task.is_none());
    assert_eq!(
        why(&agent, "T-2"),
        "T-2 waits for T-1 (failed): it waits until somebody reopens that one or no longer \
         depends on it"
    );
    act(
        &server.owner(),
        "T-1",
        "reopen",
        json!({"why": "try the other API"}),
    );
    let again = next(&agent).task.expect("the task");
    assert_eq!((again.item.id.0, again.item.attempt), (1, 2));
    assert_eq!(
        again.notes.last().expect("a note").text,
        "try the other API"
    );
}

fn a_reopened_task_holds_those_that_wait_again(server: &Server) {
    chain(server, 2);
    let agent = server.agent("frontend");
    next_id(&agent);
    done(&agent, "self");
    assert_eq!(task(&agent, "T-2").item.blockers, 0);
    act(&server.owner(), "T-1", "reopen", json!({}));
    assert_eq!(task(&agent, "T-2").item.blockers, 1);
    assert_eq!(next_id(&agent), "T-1");
    done(&agent, "self");
    assert_eq!(next_id(&agent), "T-2");
    // Who has it goes on, and hands it in.
    act(&server.owner(), "T-1", "reopen", json!({}));
    done(&agent, "T-2");
    assert_eq!(task(&agent, "T-2").item.status, TaskStatus::Done);
}

fn a_result_is_that_of_the_last_attempt(server: &Server) {
    let (owner, agent) = (server.owner(), server.agent("frontend"));
    chain(server, 2);
    let result = || task(&owner, "T-1").result;
    next_id(&agent);
    act(&agent, "T-1", "fail", json!({"why": "no network"}));
    assert_eq!(result(), Some(json!("no network")));
    act(&owner, "T-1", "reopen", json!({}));
    next_id(&agent);
    act(&agent, "T-1", "done", json!({"result": " "}));
    assert_eq!(result(), None);
    assert_eq!(task(&agent, "T-2").depends_on[0].result, None);
    act(&owner, "T-1", "reopen", json!({}));
    next_id(&agent);
    act(&agent, "T-1", "done", json!({"result": "in cart.rs"}));
    assert_eq!(result(), Some(json!("in cart.rs")));
    act(&owner, "T-1", "reopen", json!({}));
    let close = json!({"tasks": ["T-1"], "status": "done"});
    owner.post("/api/tasks/close", close).ok::<ClosedTasks>();
    assert_eq!(result(), None);
}

fn dependencies_are_changed_afterwards(server: &Server) {
    chain(server, 3);
    let owner = server.owner();
    let edited = edit(&owner, "T-3", json!({"depends_on": ["T-1"]}));
    assert_eq!((edited.item.blockers, edited.depends_on.len()), (1, 1));
    let edited = edit(&owner, "T-3", json!({"depends_on": []}));
    assert_eq!(edited.item.blockers, 0);
    let ready = owner.history("topic=coro.task.ready");
    assert_eq!(ready[0].subject, "T-3");
    let missing = json!({"depends_on": ["T-9"]});
    patch(&owner, "T-3", &missing).refused(Reason::NotFound);
}

fn an_agent_is_told_why_a_ready_task_is_not_for_it(server: &Server) {
    let owner = server.owner();
    let able = json!({"name": "backend", "capabilities": ["rust"]});
    let (backend, _) = server.register(able);
    let frontend = server.agent("frontend");
    backend
        .post("/api/leases", json!({"pattern": "/web/"}))
        .ok::<Value>();
    add(&owner, json!({"title": "a", "capabilities": ["rust"]}));
    add(&owner, json!({"title": "b", "assignee": "backend"}));
    add(&owner, json!({"title": "c", "paths": ["/web/a.ts"]}));
    let told = ["T-1", "T-2", "T-3"].map(|id| why(&frontend, id));
    assert_eq!(
        told,
        [
            "T-1 is ready, but not for frontend: it needs the capability rust",
            "T-2 is ready, but not for frontend: it is for backend",
            "T-3 is ready, but not for frontend: its paths /web/a.ts overlap L-1 /web/, of backend",
        ]
    );
    let ready = "T-3 is ready: no agent has asked for it yet";
    assert_eq!(
        (&*why(&owner, "T-3"), &*why(&backend, "T-3")),
        (ready, ready)
    );
}

fn a_paused_agent_is_told_so_of_a_task_that_is_ready(server: &Server) {
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let owner = server.owner();
    add(&owner, json!({"title": "a"}));
    let pause = json!({"project": "default", "agent": "frontend", "reason": "lunch"});
    owner.post("/api/pauses", pause).send().expect(200);
    assert_eq!(next(&frontend).task, None);
    let told = why(&frontend, "T-1");
    let paused = "T-1 is ready, but not for frontend: the agent \"frontend\" is paused by";
    assert!(told.starts_with(paused), "{told}");
    let ready = "T-1 is ready: no agent has asked for it yet";
    assert_eq!(why(&backend, "T-1"), ready);
}

fn why_tells_it_in_a_sentence(server: &Server) {
    let owner = server.owner();
    chain(server, 2);
    add(&owner, json!({"title": "c", "depends_on": ["T-1", "T-2"]}));
    add(&owner, json!({"title": "d", "capabilities": ["css"]}));
    add(&owner, json!({"title": "e", "assignee": "gone"}));
    assert_eq!(
        why(&owner, "T-1"),
        "T-1 waits for an agent: the project default has none"
    );
    let agent = server.agent("frontend");
    assert_eq!(
        why(&owner, "T-1"),
        "T-1 is ready: no agent has asked for it yet"
    );
    next_id(&agent);
    assert_eq!(why(&owner, "T-1"), "T-1 is claimed by frontend");
    assert_eq!(
        why(&owner, "T-2"),
        "T-2 waits for T-1 (claimed by frontend)"
    );
    assert_eq!(
        why(&owner, "T-3"),
        "T-3 waits for T-1 (claimed by frontend) and 1 more"
    );
    let needs = "T-4 needs the capability css, which no agent of the project has";
    assert_eq!(why(&owner, "T-4"), needs);
    assert_eq!(
        why(&owner, "T-5"),
        "T-5 is assigned to gone, who is not registered"
    );
    let gone = server.agent("gone");
    gone.delete("/api/instances/self").send().expect(200);
    assert_eq!(why(&owner, "T-5"), "T-5 is assigned to gone, who has ended");
    done(&agent, "self");
    assert_eq!(why(&owner, "T-1"), "T-1 was done by frontend");
    let pause = json!({"project": "default"});
    server.post("/api/pauses", pause).send().expect(200);
    assert!(why(&owner, "T-2").contains("paused"));
    act(&owner, "T-2", "cancel", json!({}));
    assert_eq!(why(&owner, "T-2"), "T-2 was cancelled");
}

fn who_leads_changes_tasks(server: &Server) {
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    add(&server.owner(), json!({"title": "a", "project": "shop"}));
    let (agent, _) = server.register(json!({"name": "frontend", "project": "shop"}));
    for change in [json!({"priority": 0}), json!({"assignee": "frontend"})] {
        patch(&agent, "T-1", &change).refused(Reason::Forbidden);
    }
    for action in ["cancel", "reopen"] {
        agent
            .post(&format!("/api/tasks/T-1/{action}"), json!({}))
            .refused(Reason::Forbidden);
    }
    let change = json!({
        "title": "b", "body": "c", "priority": 0, "assignee": "frontend", "labels": ["l"],
        "capabilities": ["z", "a", "z"], "paths": ["src/**"], "attempts_max": 3,
    });
    let edited = edit(&lead, "T-1", change);
    assert_eq!(
        (edited.item.title.as_str(), edited.body.as_str()),
        ("b", "c")
    );
    assert_eq!(edited.item.capabilities, ["a", "z"]);
    assert_eq!(
        (edited.item.assignee.as_str(), edited.item.attempts_max),
        ("frontend", 3)
    );
    let before = server.revision();
    edit(&lead, "T-1", json!({"title": "b"}));
    assert_eq!(server.revision(), before);
    edit(&lead, "T-1", json!({"assignee": "", "capabilities": []}));
    next_id(&agent);
    patch(&lead, "T-1", &json!({"paths": []})).refused(Reason::Conflict);
    patch(&lead, "T-1", &json!({"priority": 9})).refused(Reason::Invalid);
}

fn who_made_a_task_changes_it_until_it_is_claimed(server: &Server) {
    let (agent, other) = (server.agent("frontend"), server.agent("backend"));
    add(&agent, json!({"title": "a"}));
    add(&agent, json!({"title": "b"}));
    edit(&agent, "T-1", json!({"priority": 1}));
    assert_eq!(next_id(&other), "T-1");
    patch(&agent, "T-1", &json!({"priority": 0})).refused(Reason::Forbidden);
    agent
        .post("/api/tasks/T-1/cancel", json!({}))
        .refused(Reason::Forbidden);
    act(&agent, "T-1", "note", json!({"text": "stop, please"}));
    assert_eq!(
        act(&agent, "T-2", "cancel", json!({})).status,
        TaskStatus::Cancelled
    );
    let close = json!({"tasks": ["T-2"], "status": "done"});
    agent
        .post("/api/tasks/close", close)
        .refused(Reason::Forbidden);
}

fn who_leads_takes_a_task_back(server: &Server) {
    add(&server.owner(), json!({"title": "a", "attempts_max": 1}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let back = act(
        &server.owner(),
        "T-1",
        "reopen",
        json!({"why": "the plan changed"}),
    );
    assert_eq!(
        (back.status, back.attempt, back.attempts_max),
        (TaskStatus::Open, 2, 2)
    );
    refused(&agent, "T-1", "done", json!({}));
    let again = next(&agent).task.expect("the task");
    assert_eq!(again.notes[0].text, "the plan changed");
}

fn a_cancelled_task_is_taken_from_its_agent(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let gone = act(&server.owner(), "T-1", "cancel", json!({"why": "dropped"}));
    assert_eq!(gone.status, TaskStatus::Cancelled);
    assert_eq!(act(&server.owner(), "T-1", "cancel", json!({})), gone);
    let said = refused(&agent, "T-1", "done", json!({}));
    assert_eq!(said, "frontend has no claim on T-1: T-1 was cancelled");
    assert!(next(&agent).task.is_none());
    add(&server.owner(), json!({"title": "b"}));
    next_id(&agent);
    done(&agent, "self");
    refused(&server.owner(), "T-2", "cancel", json!({}));
}

fn many_tasks_are_closed_together(server: &Server) {
    chain(server, 3);
    add(&server.owner(), json!({"title": "d"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let close = |body: Value| server.post("/api/tasks/close", body);
    close(json!({"tasks": ["T-1", "T-9"]})).refused(Reason::NotFound);
    close(json!({"tasks": ["T-1"], "status": "open"})).refused(Reason::Invalid);
    assert_eq!(task(&agent, "T-1").item.status, TaskStatus::Claimed);
    let body = json!({"tasks": ["T-2", "T-1", "T-1"], "status": "done", "why": "by hand"});
    let closed: ClosedTasks = close(body.clone()).ok();
    assert_eq!(closed.closed.len(), 2);
    assert_eq!(task(&agent, "T-2").notes[0].text, "by hand");
    assert_eq!(why(&agent, "T-1"), "T-1 was closed as done");
    let again: ClosedTasks = close(body).ok();
    assert!(again.closed.is_empty());
    assert_eq!(next_id(&agent), "T-3");
    let closed: ClosedTasks = close(json!({"tasks": ["T-4", "T-3"]})).ok();
    assert_eq!(closed.closed.len(), 2);
    assert_eq!(task(&agent, "T-3").item.status, TaskStatus::Cancelled);
}
