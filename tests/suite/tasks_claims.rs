//! Claims of tasks: who has one, for how long, and what a stale one is worth.

use std::collections::BTreeSet;

use coro_api::Reason;
use coro_api::tasks::{NextTask, TaskStatus};
use coro_tests::{Client, Engine, Options, Server, both_engines, each_engine};
use serde_json::{Value, json};

use crate::tasks::{act, add, done, next, next_id, refused, task};

both_engines![
    a_claimed_task_is_claimed_by_nobody_else,
    many_agents_at_once_get_a_task_each,
    next_hands_back_what_the_agent_has,
    a_new_session_takes_its_task_over,
    a_session_that_was_replaced_finishes_nothing,
    a_stale_token_finishes_nothing,
    doing_it_again_is_harmless,
    a_released_task_is_as_it_was,
    a_failed_task_is_tried_again_while_attempts_last,
    the_task_of_a_silent_agent_goes_back,
    a_sign_of_life_keeps_the_claim,
    a_restart_of_the_server_is_no_silence,
    the_task_of_an_agent_that_ended_goes_back,
    a_session_that_never_asks_loses_what_the_one_before_had,
    the_last_attempt_fails_the_task,
    notes_stay_with_the_task,
    results_and_notes_are_bounded,
    self_is_the_one_task_that_is_claimed,
    an_agent_has_a_bounded_number_of_claims,
];

each_engine![how_long_a_silence_may_be_is_set];

/// The agent comes again, as a client does that was started anew.
fn new_session(agent: &Client, name: &str) {
    agent
        .post("/api/instances/register", json!({ "name": name }))
        .send()
        .expect(200);
}

fn a_claimed_task_is_claimed_by_nobody_else(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    act(&frontend, "T-1", "claim", Value::Null);
    let said = refused(&backend, "T-1", "claim", Value::Null);
    assert_eq!(said, "T-1 is claimed by frontend");
    assert!(next(&backend).task.is_none());
    for (action, body) in [
        ("done", json!({})),
        ("fail", json!({"why": "a"})),
        ("release", json!({})),
    ] {
        let said = refused(&backend, "T-1", action, body);
        assert_eq!(
            said,
            "backend has no claim on T-1: T-1 is claimed by frontend"
        );
    }
    // Nor does who leads do it for the agent.
    refused(&server.owner(), "T-1", "done", json!({}));
    backend
        .post("/api/tasks/T-1/note", json!({"text": "a"}))
        .refused(Reason::Conflict);
    assert_eq!(act(&frontend, "T-1", "claim", Value::Null).attempt, 1);
}

fn many_agents_at_once_get_a_task_each(server: &Server) {
    const AGENTS: usize = 12;
    for _ in 0..AGENTS / 2 {
        add(&server.owner(), json!({"title": "a"}));
    }
    let agents: Vec<Client> = (0..AGENTS)
        .map(|n| server.agent(&format!("a{n}")))
        .collect();
    let taken: Vec<NextTask> = at_once(&agents);
    let ids: Vec<i64> = taken
        .into_iter()
        .filter_map(|next| Some(next.task?.item.id.0))
        .collect();
    assert_eq!(ids.len(), AGENTS / 2);
    assert_eq!(BTreeSet::from_iter(ids).len(), AGENTS / 2);
}

fn at_once(agents: &[Client]) -> Vec<NextTask> {
    std::thread::scope(|scope| {
        let racing: Vec<_> = agents
            .iter()
            .map(|agent| scope.spawn(|| next(agent)))
            .collect();
        let racing = racing.into_iter();
        racing.map(|one| one.join().expect("no panic")).collect()
    })
}

#[test]
fn agents_of_two_replicas_get_a_task_each() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = Options::new(Engine::Postgres).start();
    let second = first.replica();
    for _ in 0..6 {
        add(&first.owner(), json!({"title": "a"}));
    }
    let agents: Vec<Client> = (0..6)
        .map(|n| {
            let agent = first.agent(&format!("a{n}"));
            [&first, &second][n % 2].client(agent.token())
        })
        .collect();
    let taken = at_once(&agents);
    let ids = taken
        .into_iter()
        .map(|next| next.task.expect("a task").item.id.0);
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), 6);
}

fn next_hands_back_what_the_agent_has(server: &Server) {
    add(&server.owner(), json!({"title": "a", "priority": 4}));
    let agent = server.agent("frontend");
    let first = next(&agent);
    add(&server.owner(), json!({"title": "b", "priority": 0}));
    server.restart();
    let agent = server.client(agent.token());
    let again = next(&agent);
    assert!(again.resumed && !first.resumed);
    assert_eq!(again.task, first.task);
    // Another one is there for who asks for it by name.
    act(&agent, "T-2", "claim", Value::Null);
    assert_eq!(next_id(&agent), "T-1");
}

fn a_new_session_takes_its_task_over(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    let first = next(&agent)
        .task
        .expect("a task")
        .item
        .claim
        .expect("a claim");
    new_session(&agent, "frontend");
    let again = next(&agent);
    assert!(again.resumed);
    let item = again.task.expect("the task").item;
    let claim = item.claim.expect("a claim");
    assert_eq!((claim.generation, item.attempt), (2, 1));
    assert!(claim.fence > first.fence);
    let events = server.owner().history("topic=coro.task.resumed");
    assert_eq!(events[0].revision, claim.fence);
    let said = refused(&agent, "T-1", "done", json!({"fence": first.fence}));
    assert!(
        said.contains(&format!("the claim {} of T-1 is over", first.fence)),
        "{said}"
    );
    act(&agent, "T-1", "done", json!({"fence": claim.fence}));
}

fn a_session_that_was_replaced_finishes_nothing(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let old = server.agent("frontend");
    next_id(&old);
    // The new token is used later than the new session asks for its task: by
    // then the old one still works.
    let body = json!({"name": "frontend", "takeover": true});
    let (new, _) = server.register(body);
    done(&old, "T-1");
    add(&server.owner(), json!({"title": "b"}));
    assert_eq!(next_id(&new), "T-2");
    old.post("/api/tasks/T-2/done", json!({}))
        .refused(Reason::Unauthenticated);
}

fn a_stale_token_finishes_nothing(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let (frontend, backend) = (server.agent("frontend"), server.agent("backend"));
    let claim = next(&frontend)
        .task
        .expect("a task")
        .item
        .claim
        .expect("a claim");
    server.advance_seconds(1000);
    next(&backend);
    server.sweep();
    let said = refused(&frontend, "T-1", "done", json!({}));
    assert_eq!(
        said,
        "frontend has no claim on T-1: T-1 is in the queue again, attempt 2"
    );
    assert_eq!(next_id(&backend), "T-1");
    let said = refused(&frontend, "T-1", "done", json!({"fence": claim.fence}));
    assert_eq!(
        said,
        "frontend has no claim on T-1: T-1 is claimed by backend"
    );
    done(&backend, "T-1");
    let said = refused(&frontend, "T-1", "done", json!({}));
    assert_eq!(
        said,
        "frontend has no claim on T-1: T-1 was done by backend"
    );
    assert_eq!(server.owner().history("topic=coro.task.done").len(), 1);
}

fn doing_it_again_is_harmless(server: &Server) {
    for title in ["a", "b"] {
        add(&server.owner(), json!({"title": title, "attempts_max": 1}));
    }
    let agent = server.agent("frontend");
    next_id(&agent);
    let first = act(&agent, "T-1", "done", json!({"result": "x"}));
    assert_eq!(act(&agent, "T-1", "done", json!({"result": "y"})), first);
    assert_eq!(task(&agent, "T-1").result, Some(json!("x")));
    next_id(&agent);
    let first = act(&agent, "T-2", "fail", json!({"why": "x"}));
    assert_eq!(act(&agent, "T-2", "fail", json!({"why": "x"})), first);
    assert_eq!(first.status, TaskStatus::Failed);
    refused(&agent, "T-2", "done", json!({}));
    refused(&agent, "T-2", "release", json!({}));
}

fn a_released_task_is_as_it_was(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let released = act(&agent, "self", "release", json!({"why": "needs CSS"}));
    assert_eq!((released.status, released.attempt), (TaskStatus::Open, 1));
    assert_eq!(released.claim, None);
    let seen = next(&server.agent("backend")).task.expect("the task");
    assert_eq!(seen.notes[0].text, "needs CSS");
    assert_eq!(seen.notes[0].actor, "agent:frontend");
}

fn a_failed_task_is_tried_again_while_attempts_last(server: &Server) {
    add(&server.owner(), json!({"title": "a", "attempts_max": 2}));
    let agent = server.agent("frontend");
    agent
        .post("/api/tasks/T-1/fail", json!({"why": " "}))
        .refused(Reason::Invalid);
    next_id(&agent);
    let again = act(
        &agent,
        "self",
        "fail",
        json!({"why": "no network", "retry": true}),
    );
    assert_eq!((again.status, again.attempt), (TaskStatus::Open, 2));
    next_id(&agent);
    let last = act(
        &agent,
        "self",
        "fail",
        json!({"why": "no disk", "retry": true}),
    );
    assert_eq!((last.status, last.attempt), (TaskStatus::Failed, 2));
    let read = task(&agent, "T-1");
    assert_eq!(
        read.result,
        Some(json!("the last of 2 attempts ended: no disk"))
    );
    assert_eq!(read.notes.len(), 2);
    add(&server.owner(), json!({"title": "b"}));
    next_id(&agent);
    let given_up = act(&agent, "self", "fail", json!({"why": "it makes no sense"}));
    assert_eq!(given_up.status, TaskStatus::Failed);
}

fn the_task_of_a_silent_agent_goes_back(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    next_id(&server.agent("frontend"));
    server.advance_seconds(890);
    server.sweep();
    assert_eq!(
        task(&server.owner(), "T-1").item.status,
        TaskStatus::Claimed
    );
    server.advance_seconds(20);
    server.sweep();
    let back = task(&server.owner(), "T-1");
    assert_eq!((back.item.status, back.item.attempt), (TaskStatus::Open, 2));
    assert_eq!(back.item.claim, None);
    let note = &back.notes[0];
    assert_eq!((note.actor.as_str(), note.attempt), ("system:coro", 1));
    assert_eq!(note.text, "nothing was heard of frontend for 15 min");
    let events = server.owner().history("topic=coro.task.returned");
    assert_eq!(events[0].data["agent"], "frontend");
}

fn a_sign_of_life_keeps_the_claim(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    for _ in 0..4 {
        server.advance_seconds(600);
        agent.get("/api/state").send().expect(200);
        server.sweep();
    }
    assert_eq!(done(&agent, "T-1").attempt, 1);
}

fn a_restart_of_the_server_is_no_silence(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    next_id(&server.agent("frontend"));
    server.advance_seconds(800);
    server.sweep();
    server.restart();
    // The time that tests moved is the process's; it starts anew.
    server.advance_seconds(850);
    server.sweep();
    assert_eq!(
        task(&server.owner(), "T-1").item.status,
        TaskStatus::Claimed
    );
    server.advance_seconds(850);
    server.sweep();
    assert_eq!(task(&server.owner(), "T-1").item.status, TaskStatus::Open);
}

fn the_task_of_an_agent_that_ended_goes_back(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    agent.delete("/api/instances/self").send().expect(200);
    let back = task(&server.owner(), "T-1");
    assert_eq!((back.item.status, back.item.attempt), (TaskStatus::Open, 2));
    assert_eq!(back.notes[0].text, "frontend has ended");
    assert_eq!(next_id(&server.agent("backend")), "T-1");
}

fn a_session_that_never_asks_loses_what_the_one_before_had(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    new_session(&agent, "frontend");
    for _ in 0..2 {
        server.advance_seconds(600);
        agent.get("/api/state").send().expect(200);
        server.sweep();
    }
    assert_eq!(task(&agent, "T-1").item.attempt, 2);
}

fn the_last_attempt_fails_the_task(server: &Server) {
    add(&server.owner(), json!({"title": "a", "attempts_max": 1}));
    next_id(&server.agent("frontend"));
    server.advance_seconds(1000);
    server.sweep();
    let failed = task(&server.owner(), "T-1");
    assert_eq!(failed.item.status, TaskStatus::Failed);
    let why = "the last of 1 attempts ended: nothing was heard of frontend for 15 min";
    assert_eq!(failed.result, Some(json!(why)));
    let said = crate::tasks::why(&server.owner(), "T-1");
    assert_eq!(said, format!("T-1 has failed: {why}"));
}

fn notes_stay_with_the_task(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    act(
        &agent,
        "self",
        "note",
        json!({"text": "the API\nis in api.rs"}),
    );
    act(&server.owner(), "T-1", "note", json!({"text": "be quick"}));
    let fence = json!({"text": "a", "fence": 1});
    agent
        .post("/api/tasks/T-1/note", fence)
        .refused(Reason::Conflict);
    agent.delete("/api/instances/self").send().expect(200);
    let taken = next(&server.agent("backend")).task.expect("the task");
    let notes: Vec<(i64, &str)> = taken
        .notes
        .iter()
        .map(|note| (note.attempt, &*note.text))
        .collect();
    assert_eq!(
        notes,
        [
            (1, "the API\nis in api.rs"),
            (1, "be quick"),
            (1, "frontend has ended"),
        ]
    );
}

fn results_and_notes_are_bounded(server: &Server) {
    add(&server.owner(), json!({"title": "a"}));
    let agent = server.agent("frontend");
    next_id(&agent);
    let too_long = json!({"result": "r".repeat(64 * 1024)});
    agent
        .post("/api/tasks/self/done", too_long)
        .refused(Reason::Invalid);
    for text in [String::new(), "n".repeat(4097), "\u{202e}".to_owned()] {
        agent
            .post("/api/tasks/self/note", json!({ "text": text }))
            .refused(Reason::Invalid);
    }
    for _ in 0..200 {
        act(&agent, "self", "note", json!({"text": "a"}));
    }
    refused(&agent, "self", "note", json!({"text": "one more"}));
    // What the server says is not lost for that.
    agent.delete("/api/instances/self").send().expect(200);
    assert_eq!(task(&server.owner(), "T-1").notes.len(), 201);
}

fn self_is_the_one_task_that_is_claimed(server: &Server) {
    for title in ["a", "b"] {
        add(&server.owner(), json!({ "title": title }));
    }
    let agent = server.agent("frontend");
    assert_eq!(
        refused(&agent, "self", "done", json!({})),
        "frontend has claimed no task"
    );
    act(&agent, "T-1", "claim", Value::Null);
    assert_eq!(task(&agent, "self").item.id.to_string(), "T-1");
    act(&agent, "T-2", "claim", Value::Null);
    assert_eq!(
        refused(&agent, "self", "done", json!({})),
        "frontend has claimed several tasks"
    );
    refused(&server.owner(), "self", "done", json!({}));
}

fn an_agent_has_a_bounded_number_of_claims(server: &Server) {
    let tasks = json!({"tasks": vec![json!({"title": "a"}); 21]});
    server.post("/api/tasks/bulk", tasks).send().expect(200);
    let agent = server.agent("frontend");
    for number in 1..=20 {
        act(&agent, &format!("T-{number}"), "claim", Value::Null);
    }
    let said = refused(&agent, "T-21", "claim", Value::Null);
    assert_eq!(said, "frontend has claimed 20 tasks already");
}

fn how_long_a_silence_may_be_is_set(engine: Engine) {
    let server = Options::new(engine)
        .config("[tasks]\nsilent_after_seconds = 60\n")
        .start();
    add(&server.owner(), json!({"title": "a"}));
    next_id(&server.agent("frontend"));
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(task(&server.owner(), "T-1").item.attempt, 2);
    for config in [
        "[tasks]\nsilent_after_seconds = 29\n",
        "[tasks]\nsilent_after_seconds = 60\n[liveness]\nsweep_seconds = 21\n",
        "[tasks]\nfrob = 1\n",
    ] {
        let failed = Options::new(engine).config(config).fail();
        assert_eq!(failed.code, Some(2), "{failed}");
    }
    // The default gives way to rare sweeps.
    Options::new(engine)
        .config("[liveness]\nsweep_seconds = 400\nstale_after_seconds = 1200\n")
        .start();
}
