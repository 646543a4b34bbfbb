//! The queue of tasks: what goes in, and what an agent gets out.

use coro_api::Reason;
use coro_api::limits::TASK_TITLE_BYTES_MAX;
use coro_api::tasks::{CreatedTasks, NextTask, Task, TaskItem, TaskStatus, TaskWhy};
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_task_goes_through_the_queue,
    the_most_urgent_and_then_the_oldest_comes_first,
    an_agent_gets_only_what_is_for_it,
    an_agent_gets_only_what_it_can_do,
    an_agent_gets_only_tasks_of_its_project,
    next_says_why_there_is_nothing,
    next_waits_until_there_is_something,
    a_repeated_next_answers_the_same,
    a_paused_agent_gets_nothing_and_keeps_what_it_has,
    many_tasks_are_made_together_or_not_at_all,
    a_list_is_narrowed_and_has_pages,
    a_task_that_is_no_task_is_refused,
    tasks_of_another_project_or_tenant_are_not_there,
    a_title_of_blanks_is_refused,
    what_happens_to_tasks_is_in_the_log,
    closed_tasks_are_forgotten_after_a_while,
    tasks_come_back_from_a_backup,
];

pub(crate) fn add(client: &Client, body: Value) -> Task {
    client.post("/api/tasks", body).ok()
}

pub(crate) fn task(client: &Client, id: &str) -> Task {
    client.get(&format!("/api/tasks/{id}")).ok()
}

pub(crate) fn next(client: &Client) -> NextTask {
    client.post("/api/tasks/next", json!({})).ok()
}

/// The number of the next task, which must be there.
#[track_caller]
pub(crate) fn next_id(client: &Client) -> String {
    let next = next(client);
    let task = next.task.expect("a task is ready");
    task.item.id.to_string()
}

pub(crate) fn done(client: &Client, id: &str) -> TaskItem {
    act(client, id, "done", json!({}))
}

pub(crate) fn act(client: &Client, id: &str, action: &str, body: Value) -> TaskItem {
    client.post(&format!("/api/tasks/{id}/{action}"), body).ok()
}

/// What a refused action says.
#[track_caller]
pub(crate) fn refused(client: &Client, id: &str, action: &str, body: Value) -> String {
    let request = client.post(&format!("/api/tasks/{id}/{action}"), body);
    request.refused(Reason::Conflict).detail
}

pub(crate) fn why(client: &Client, id: &str) -> String {
    client
        .get(&format!("/api/tasks/{id}/why"))
        .ok::<TaskWhy>()
        .why
}

fn list(client: &Client, query: &str) -> Vec<String> {
    let tasks: Vec<TaskItem> = client.get(&format!("/api/tasks?{query}")).ok();
    tasks.iter().map(|task| task.id.to_string()).collect()
}

fn a_task_goes_through_the_queue(server: &Server) {
    let body = json!({
        "title": "Build the cart", "body": "With a\nbutton.", "priority": 1, "labels": ["web"],
    });
    let made = add(&server.owner(), body);
    assert_eq!(made.item.id.to_string(), "T-1");
    assert_eq!((made.item.status, made.item.attempt), (TaskStatus::Open, 1));
    let agent = server.agent("frontend");
    let taken = next(&agent);
    let (task, resumed) = (taken.task.expect("a task"), taken.resumed);
    assert_eq!((task.body.as_str(), resumed), ("With a\nbutton.", false));
    let claim = task.item.claim.expect("a claim");
    assert_eq!((claim.agent.as_str(), claim.generation), ("frontend", 1));
    assert_eq!(claim.fence, server.revision());
    let result = json!({"result": {"commit": "4f2a"}, "fence": claim.fence});
    let done = act(&agent, "T-1", "done", result);
    assert_eq!(done.status, TaskStatus::Done);
    let read = self::task(&agent, "T-1");
    assert_eq!(read.result, Some(json!({"commit": "4f2a"})));
    assert!(read.item.closed_at.is_some());
    assert!(next(&agent).task.is_none());
}

fn the_most_urgent_and_then_the_oldest_comes_first(server: &Server) {
    for priority in [2, 4, 0, 2, 0] {
        add(&server.owner(), json!({"title": "a", "priority": priority}));
    }
    let agent = server.agent("frontend");
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(next_id(&agent));
        done(&agent, "self");
    }
    assert_eq!(order, ["T-3", "T-5", "T-1", "T-4", "T-2"]);
}

fn an_agent_gets_only_what_is_for_it(server: &Server) {
    add(
        &server.owner(),
        json!({"title": "a", "assignee": "backend", "priority": 0}),
    );
    add(&server.owner(), json!({"title": "b"}));
    add(
        &server.owner(),
        json!({"title": "c", "assignee": "frontend", "priority": 1}),
    );
    let agent = server.agent("frontend");
    assert_eq!(next_id(&agent), "T-3");
    done(&agent, "self");
    assert_eq!(next_id(&agent), "T-2");
    done(&agent, "self");
    assert!(next(&agent).task.is_none());
    let problem = refused(&agent, "T-1", "claim", Value::Null);
    assert_eq!(problem, "T-1 is assigned to backend");
    assert_eq!(next_id(&server.agent("backend")), "T-1");
}

fn an_agent_gets_only_what_it_can_do(server: &Server) {
    add(
        &server.owner(),
        json!({"title": "a", "capabilities": ["css", "rust"]}),
    );
    add(
        &server.owner(),
        json!({"title": "b", "capabilities": ["rust"]}),
    );
    let (agent, _) = server.register(json!({"name": "backend", "capabilities": ["rust", "sql"]}));
    let refused = refused(&agent, "T-1", "claim", Value::Null);
    assert_eq!(
        refused,
        "T-1 needs the capability css, which backend has not said to have"
    );
    assert_eq!(next_id(&agent), "T-2");
    done(&agent, "self");
    assert!(next(&agent).task.is_none());
    agent
        .post(
            "/api/instances/self/capabilities",
            json!({"capabilities": ["rust", "css"]}),
        )
        .send()
        .expect(200);
    assert_eq!(next_id(&agent), "T-1");
}

fn an_agent_gets_only_tasks_of_its_project(server: &Server) {
    add(&server.owner(), json!({"title": "a", "project": "shop"}));
    let (agent, _) = server.register(json!({"name": "frontend", "project": "blog"}));
    assert!(next(&agent).task.is_none());
    agent
        .post_nothing("/api/tasks/T-1/claim")
        .refused(Reason::NotFound);
    let (agent, _) = server.register(json!({"name": "backend", "project": "shop"}));
    assert_eq!(next_id(&agent), "T-1");
    server
        .post("/api/tasks/next", json!({}))
        .refused(Reason::Conflict);
}

fn next_says_why_there_is_nothing(server: &Server) {
    let agent = server.agent("frontend");
    let why = |client: &Client| next(client).why.expect("a reason");
    assert_eq!(
        why(&agent),
        "nothing is ready for frontend: the queue is empty"
    );
    add(&server.owner(), json!({"title": "a"}));
    add(
        &server.owner(),
        json!({"title": "b", "depends_on": ["T-1"]}),
    );
    add(
        &server.owner(),
        json!({"title": "c", "assignee": "backend"}),
    );
    let other = server.agent("other");
    next_id(&agent);
    assert_eq!(
        why(&other),
        "nothing is ready for other (waiting for other tasks: 1; claimed: 1; for others, for \
         other capabilities or on leased paths: 1); T-3: it is for backend"
    );
    let urgent = json!({"title": "d", "priority": 0, "capabilities": ["sql"]});
    add(&server.owner(), urgent);
    let said = why(&other);
    assert!(
        said.ends_with("; T-4: it needs the capability sql"),
        "{said}"
    );
    let leased = json!({"title": "e", "priority": 0, "paths": ["/a/"]});
    add(&server.owner(), leased);
    act(&server.owner(), "T-4", "cancel", json!({}));
    let body = json!({"pattern": "/a/**"});
    agent.post("/api/leases", body).send().expect(200);
    let said = why(&other);
    assert!(
        said.ends_with("; T-5: its paths /a/ overlap L-1 /a/**, of frontend"),
        "{said}"
    );
}

fn next_waits_until_there_is_something(server: &Server) {
    let agent = server.agent("frontend");
    let waited: NextTask = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let request = agent.post("/api/tasks/next", json!({"wait_seconds": 50}));
            request.ok()
        });
        add(&server.owner(), json!({"title": "a"}));
        waiting.join().expect("no panic")
    });
    assert_eq!(waited.task.expect("a task").item.id.to_string(), "T-1");
    // A pause that ends is a reason to look again.
    done(&agent, "self");
    add(&server.owner(), json!({"title": "b"}));
    let pause = json!({"project": "default"});
    server.post("/api/pauses", pause).send().expect(200);
    let waited: NextTask = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let request = agent.post("/api/tasks/next", json!({"wait_seconds": 50}));
            request.ok()
        });
        let end = server.delete("/api/pauses?project=default");
        end.send().expect(200);
        waiting.join().expect("no panic")
    });
    assert_eq!(waited.task.expect("a task").item.id.to_string(), "T-2");
    agent
        .post("/api/tasks/next", json!({"wait_seconds": 51}))
        .refused(Reason::Invalid);
}

fn a_repeated_next_answers_the_same(server: &Server) {
    let agent = server.agent("frontend");
    let ask = || {
        let request = agent.post("/api/tasks/next", json!({}));
        request.header("Idempotency-Key", "a").ok::<NextTask>()
    };
    // That there was nothing is no answer that stays.
    assert!(ask().task.is_none());
    add(&server.owner(), json!({"title": "a"}));
    let first = ask();
    assert!(first.task.is_some());
    assert_eq!(ask(), first);
}

fn a_paused_agent_gets_nothing_and_keeps_what_it_has(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let pause = json!({"project": "default", "reason": "broken"});
    server.post("/api/pauses", pause).send().expect(200);
    let paused = next(&agent);
    assert_eq!(paused.task, None);
    assert!(paused.why.expect("a reason").contains("\"broken\""));
    refused(&agent, "T-1", "claim", Value::Null);
    for _ in 0..4 {
        server.advance_seconds(800);
        server.sweep();
    }
    assert_eq!(
        task(&server.owner(), "T-1").item.status,
        TaskStatus::Claimed
    );
    server
        .delete("/api/pauses?project=default")
        .send()
        .expect(200);
    server.sweep();
    assert_eq!(next_id(&agent), "T-1");
    assert_eq!(task(&agent, "T-1").item.attempt, 1);
}

fn many_tasks_are_made_together_or_not_at_all(server: &Server) {
    let tasks = json!({"tasks": [
        {"title": "page", "ref": "page", "depends_on": ["api", "T-1"]},
        {"title": "api", "ref": "api"},
        {"title": "docs", "depends_on": ["page", "api"]},
    ]});
    server
        .post("/api/tasks/bulk", tasks.clone())
        .refused(Reason::NotFound);
    assert!(list(&server.owner(), "").is_empty());
    add(&server.owner(), json!({"title": "plan"}));
    let made: CreatedTasks = server.post("/api/tasks/bulk", tasks).ok();
    let made: Vec<_> = made
        .tasks
        .iter()
        .map(|one| (one.id.to_string(), one.reference.as_deref()))
        .collect();
    assert_eq!(made[0], ("T-2".to_owned(), Some("page")));
    assert_eq!(made[2], ("T-4".to_owned(), None));
    let agent = server.agent("frontend");
    let mut order = Vec::new();
    while let Some(task) = next(&agent).task {
        order.push(task.item.id.to_string());
        done(&agent, "self");
    }
    assert_eq!(order, ["T-1", "T-3", "T-2", "T-4"]);
}

fn a_list_is_narrowed_and_has_pages(server: &Server) {
    let owner = server.owner();
    for (project, label) in [("shop", "a"), ("shop", "b"), ("blog", "a"), ("shop", "a")] {
        add(
            &owner,
            json!({"title": "t", "project": project, "labels": [label]}),
        );
    }
    add(
        &owner,
        json!({"title": "t", "project": "shop", "depends_on": ["T-1"], "assignee": "x"}),
    );
    let (agent, _) = server.register(json!({"name": "frontend", "project": "shop"}));
    next_id(&agent);
    for (query, found) in [
        ("", vec!["T-1", "T-2", "T-3", "T-4", "T-5"]),
        ("project=shop&label=a", vec!["T-1", "T-4"]),
        ("status=claimed", vec!["T-1"]),
        ("claimed_by=frontend", vec!["T-1"]),
        ("ready=true&project=shop", vec!["T-2", "T-4"]),
        ("assignee=x", vec!["T-5"]),
        ("depends_on=T-1", vec!["T-5"]),
        ("depends_on=T-5", vec![]),
        ("assignee=&project=blog", vec!["T-3"]),
        ("label=nothing", vec![]),
    ] {
        assert_eq!(list(&owner, query), found, "{query}");
    }
    let page = owner.get("/api/tasks?project=shop&label=a&limit=1").send();
    let next = page.next_page().expect("another page");
    let rest = owner.get(&next).send().expect(200);
    assert_eq!(rest.json::<Vec<TaskItem>>()[0].id.to_string(), "T-4");
    assert_eq!(rest.next_page(), None);
    owner
        .get("/api/tasks?status=stuck")
        .refused(Reason::Invalid);
    owner
        .get("/api/tasks?depends_on=L-1")
        .refused(Reason::Invalid);
    agent
        .get("/api/tasks?project=blog")
        .refused(Reason::Forbidden);
}

fn a_task_that_is_no_task_is_refused(server: &Server) {
    let long = "t".repeat(TASK_TITLE_BYTES_MAX + 1);
    for body in [
        json!({}),
        json!({"title": ""}),
        json!({"title": long}),
        json!({"title": "two\nlines"}),
        json!({"title": "a", "body": "b".repeat(64 * 1024 + 1)}),
        json!({"title": "a", "priority": 5}),
        json!({"title": "a", "priority": -1}),
        json!({"title": "a", "attempts_max": 0}),
        json!({"title": "a", "attempts_max": 1001}),
        json!({"title": "a", "assignee": "a/b"}),
        json!({"title": "a", "project": "a.b"}),
        json!({"title": "a", "labels": [""]}),
        json!({"title": "a", "capabilities": vec!["c"; 17]}),
        json!({"title": "a", "depends_on": ["the plan"]}),
        json!({"title": "a", "ref": "a"}),
        json!({"title": "a", "owner": "me"}),
    ] {
        server.post("/api/tasks", body).refused(Reason::Invalid);
    }
    for tasks in [
        json!([]),
        json!([{"title": "a", "ref": "x"}, {"title": "b", "ref": "x"}]),
        json!([{"title": "a", "ref": "T-7"}]),
        json!([{"title": "a", "ref": "x"}, {"title": "b", "project": "shop", "depends_on": ["x"]}]),
        json!(vec![json!({"title": "a"}); 1001]),
    ] {
        server
            .post("/api/tasks/bulk", json!({ "tasks": tasks }))
            .refused(Reason::Invalid);
    }
    server.get("/api/tasks/R-1").refused(Reason::Invalid);
    server.get("/api/tasks/T-1").refused(Reason::NotFound);
    assert!(list(&server.owner(), "").is_empty());
}

fn tasks_of_another_project_or_tenant_are_not_there(server: &Server) {
    add(
        &server.owner(),
        json!({"title": "secret", "project": "shop"}),
    );
    let other = server.issue_for_project(Role::Controller, "lead", "blog");
    let body = json!({"title": "a", "depends_on": ["T-1"]});
    other.post("/api/tasks", body).refused(Reason::NotFound);
    assert!(list(&other, "").is_empty());
    let tenant = server.other_tenant("other");
    for client in [other, tenant] {
        let client = server.client(client.token());
        for action in ["done", "cancel", "reopen", "release"] {
            client
                .post(&format!("/api/tasks/T-1/{action}"), json!({}))
                .refused(Reason::NotFound);
        }
        client.get("/api/tasks/T-1").refused(Reason::NotFound);
        client.get("/api/tasks/T-1/why").refused(Reason::NotFound);
        client
            .post("/api/tasks/close", json!({"tasks": ["T-1"]}))
            .refused(Reason::NotFound);
    }
}

fn a_title_of_blanks_is_refused(server: &Server) {
    for title in ["", " ", "\u{a0} "] {
        let answer = server.owner().post("/api/tasks", json!({"title": title}));
        answer.refused(Reason::Invalid);
    }
}

fn what_happens_to_tasks_is_in_the_log(server: &Server) {
    let agent = server.agent("frontend");
    add(&server.owner(), json!({"title": "a"}));
    add(
        &server.owner(),
        json!({"title": "b", "depends_on": ["T-1"]}),
    );
    next_id(&agent);
    act(&agent, "self", "note", json!({"text": "half of it"}));
    done(&agent, "self");
    let mut events = server.owner().history("topic=coro.task.*");
    events.reverse();
    let told: Vec<(String, &str, &str)> = events
        .iter()
        .map(|event| {
            (
                event.topic.replace("coro.task.", ""),
                &*event.subject,
                &*event.actor,
            )
        })
        .collect();
    let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (&**a, *b, *c)).collect();
    assert_eq!(
        told,
        [
            ("created", "T-1", "human:owner"),
            ("created", "T-2", "human:owner"),
            ("claimed", "T-1", "agent:frontend"),
            ("noted", "T-1", "agent:frontend"),
            ("done", "T-1", "agent:frontend"),
            ("ready", "T-2", "agent:frontend"),
        ]
    );
    assert_eq!(events[2].data["agent"], "frontend");
}

fn closed_tasks_are_forgotten_after_a_while(server: &Server) {
    let owner = server.owner();
    add(&owner, json!({"title": "a"}));
    add(&owner, json!({"title": "b"}));
    add(&owner, json!({"title": "c", "depends_on": ["T-2"]}));
    let agent = server.agent("frontend");
    next_id(&agent);
    done(&agent, "self");
    act(&owner, "T-2", "cancel", json!({}));
    server.advance_days(31);
    server.sweep();
    // T-3 still waits for T-2.
    assert_eq!(list(&owner, ""), ["T-2", "T-3"]);
    act(&owner, "T-3", "cancel", json!({}));
    server.sweep();
    assert_eq!(list(&owner, ""), ["T-3"]);
    // What it waited for is gone, so nothing holds it.
    assert_eq!(act(&owner, "T-3", "reopen", json!({})).blockers, 0);
    assert_eq!(
        add(&owner, json!({"title": "d"})).item.id.to_string(),
        "T-4"
    );
}

fn tasks_come_back_from_a_backup(server: &Server) {
    let owner = server.owner();
    add(&owner, json!({"title": "a", "body": "b"}));
    add(&owner, json!({"title": "b", "depends_on": ["T-1"]}));
    let agent = server.agent("frontend");
    next_id(&agent);
    act(&agent, "self", "note", json!({"text": "half of it"}));
    let before = (task(&owner, "T-1"), task(&owner, "T-2"));
    let file = server.options().scratch().join("backup");
    std::fs::write(&file, server.get("/api/backup").send().expect(200).body).expect("a file");
    let restored = coro_tests::Options::new(server.engine());
    let done = restored.command(&["restore", &file.display().to_string()]);
    assert_eq!(done.code, Some(0), "{done}");
    let restored = restored.start();
    let client = restored.client(owner.token());
    assert_eq!((task(&client, "T-1"), task(&client, "T-2")), before);
}
