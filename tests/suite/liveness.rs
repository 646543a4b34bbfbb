//! Who is alive: signs of life, silence, and what is written for it.

use coro_api::Reason;
use coro_api::agents::{Agent, AgentStatus, LivenessCheck};
use coro_api::tokens::{Role, Token};
use coro_tests::{Client, Engine, Options, Random, Server, both_engines, each_engine, variable};
use serde_json::json;

both_engines![
    a_silent_agent_becomes_stale_then_ended_then_forgotten,
    whatever_an_agent_calls_proves_that_it_lives,
    an_ended_agent_that_works_on_is_not_forgotten,
    a_stale_agent_that_says_something_has_returned,
    a_stale_agent_comes_back_as_what_it_was,
    an_agent_that_begins_to_work_is_active,
    koors_name_of_the_stale_event_works,
    a_look_can_be_asked_for,
    nobody_is_stale_for_the_time_that_the_server_was_away,
    what_was_heard_survives_an_orderly_end,
    the_owner_keeps_an_agent_alive_as_koors_clients_do,
    a_stream_keeps_its_agent_alive,
];
each_engine![
    a_read_writes_nothing,
    a_flush_writes_one_row_for_each_agent,
    periods_can_be_set,
    periods_that_contradict_each_other_stop_the_start,
    two_hundred_agents_live_and_die_at_random,
];

pub(crate) fn status_of(server: &Server, name: &str) -> Option<AgentStatus> {
    for query in ["", "&status=ended"] {
        let found: Vec<Agent> = server
            .get(&format!("/api/instances?name={name}{query}"))
            .ok();
        if let Some(agent) = found.first() {
            return Some(agent.status);
        }
    }
    None
}

pub(crate) fn active(server: &Server, name: &str) -> Client {
    let client = server.agent(name);
    client
        .post_nothing("/api/instances/self/activate")
        .send()
        .expect(200);
    client
}

fn topics(server: &Server) -> Vec<String> {
    let events = server.owner().history("topic=coro.agent.*&last=1000");
    events
        .iter()
        .rev()
        .map(|event| event.topic.clone())
        .collect()
}

/// Rows that were written to say who was heard of.
fn rows_written(server: &Server) -> u64 {
    let metrics = server.get("/metrics").send().expect(200).text();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("coro_liveness_rows_written_total "));
    let figure = line
        .expect("the counter")
        .rsplit(' ')
        .next()
        .expect("a figure");
    figure.parse().expect("a number")
}

fn a_silent_agent_becomes_stale_then_ended_then_forgotten(server: &Server) {
    let client = active(server, "frontend");
    server.advance_seconds(290);
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Active));
    server.advance_seconds(20);
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Stale));
    server.advance_days(1);
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Ended));
    let expected = ["registered", "activated", "stale", "ended"];
    assert_eq!(
        topics(server),
        expected.map(|what| format!("coro.agent.{what}"))
    );
    server.advance_days(30);
    server.sweep();
    assert_eq!(status_of(server, "frontend"), None);
    client.get("/api/whoami").refused(Reason::Unauthenticated);
    let tokens: Vec<Token> = server.get("/api/tokens").ok();
    assert!(tokens.iter().all(|token| token.name != "frontend"));
    assert_eq!(
        topics(server).last().expect("an event"),
        "coro.agent.forgotten"
    );
}

/// B10 of Koor: without a special call every agent was stale after five
/// minutes.
fn whatever_an_agent_calls_proves_that_it_lives(server: &Server) {
    let client = active(server, "frontend");
    for call in [
        client.get("/api/state"),
        client.put("/api/state/default/plan", "1"),
        client.get("/api/state/default/nothing"),
        client.get("/api/audit"),
        client.post_nothing("/api/instances/self/heartbeat"),
        client.get("/nowhere"),
    ] {
        server.advance_seconds(200);
        call.send();
        server.sweep();
        assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Active));
    }
}

/// A server that does not look by itself while a test counts what it writes.
fn counted(engine: Engine) -> Server {
    Options::new(engine)
        .config("[liveness]\nsweep_seconds = 100\n")
        .start()
}

fn a_read_writes_nothing(engine: Engine) {
    let server = &counted(engine);
    let client = active(server, "frontend");
    server.sweep();
    let (rows, revision) = (rows_written(server), server.revision());
    for _ in 0..20 {
        client.get("/api/state").send().expect(200);
        client
            .post_nothing("/api/instances/self/heartbeat")
            .send()
            .expect(200);
    }
    assert_eq!((rows_written(server), server.revision()), (rows, revision));
    server.advance_seconds(1);
    client.get("/api/state").send().expect(200);
    server.sweep();
    assert_eq!(
        (rows_written(server), server.revision()),
        (rows + 1, revision)
    );
    server.sweep();
    assert_eq!(rows_written(server), rows + 1);
}

fn a_flush_writes_one_row_for_each_agent(engine: Engine) {
    let server = &counted(engine);
    let agents: Vec<Client> = (0..5).map(|n| server.agent(&format!("a{n}"))).collect();
    server.sweep();
    let before = rows_written(server);
    server.advance_seconds(1);
    for agent in &agents[..3] {
        for _ in 0..4 {
            agent.get("/api/state").send().expect(200);
        }
    }
    server.sweep();
    assert_eq!(rows_written(server), before + 3);
}

fn an_ended_agent_that_works_on_is_not_forgotten(server: &Server) {
    let client = active(server, "frontend");
    server.advance_seconds(400);
    server.sweep();
    server.advance_days(1);
    server.sweep();
    for _ in 0..4 {
        client.get("/api/state").send().expect(200);
        server.advance_days(10);
        server.sweep();
        assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Ended));
    }
    client.get("/api/whoami").send().expect(200);
}

fn a_stale_agent_that_says_something_has_returned(server: &Server) {
    let client = active(server, "frontend");
    server.advance_seconds(400);
    server.sweep();
    let intent = json!({"intent": "back"});
    client
        .post("/api/instances/self/intent", intent)
        .send()
        .expect(200);
    server.sweep();
    let expected = ["registered", "activated", "stale", "returned", "intent"];
    assert_eq!(
        topics(server),
        expected.map(|what| format!("coro.agent.{what}"))
    );
}

fn a_stale_agent_comes_back_as_what_it_was(server: &Server) {
    let was_active = active(server, "a");
    let was_pending = server.agent("p");
    server.advance_seconds(400);
    server.sweep();
    let stale: Vec<Agent> = server.get("/api/instances/stale").ok();
    assert_eq!(stale.len(), 2);
    for (client, name, back) in [
        (&was_active, "a", AgentStatus::Active),
        (&was_pending, "p", AgentStatus::Pending),
    ] {
        client.get("/api/state").send().expect(200);
        assert_eq!(status_of(server, name), Some(back), "before it is written");
        server.sweep();
        assert_eq!(status_of(server, name), Some(back), "after it is written");
    }
    let returned = topics(server)
        .iter()
        .filter(|topic| *topic == "coro.agent.returned")
        .count();
    assert_eq!(returned, 2);
}

/// It once stayed `pending`, whatever it did.
fn an_agent_that_begins_to_work_is_active(server: &Server) {
    let task = json!({"title": "Build the cart", "project": "default"});
    server.post("/api/tasks", task).send().expect(200);
    let next = server.agent("next");
    next.post("/api/tasks/next", json!({})).send().expect(200);
    let holder = server.agent("holder");
    let lease = json!({"pattern": "/src/**"});
    holder.post("/api/leases", lease).send().expect(200);
    let reader = server.agent("reader");
    reader.get("/api/tasks").send().expect(200);
    let idle = server.agent("idle");
    idle.post("/api/tasks/next", json!({})).send().expect(200);
    let heard = server.agent("heard");
    heard
        .post("/api/instances/self/heartbeat", json!({}))
        .send()
        .expect(200);
    let hooked = server.issue(Role::Agent, "hooked");
    let start = json!({"event": "session_start"});
    hooked.post("/api/hook", start).send().expect(200);
    for (name, status) in [
        ("next", AgentStatus::Active),
        ("holder", AgentStatus::Active),
        ("hooked", AgentStatus::Active),
        ("reader", AgentStatus::Pending),
        ("idle", AgentStatus::Pending),
        ("heard", AgentStatus::Pending),
    ] {
        assert_eq!(status_of(server, name), Some(status), "{name}");
    }
    let activated = || {
        let all = topics(server);
        let topics = all.iter();
        topics
            .filter(|topic| *topic == "coro.agent.activated")
            .count()
    };
    assert_eq!(activated(), 3);
    // Once, and for good: it is what it comes back as.
    next.post("/api/instances/self/activate", json!({}))
        .send()
        .expect(200);
    assert_eq!(activated(), 3);
    server.advance_seconds(400);
    server.sweep();
    next.get("/api/tasks").send().expect(200);
    assert_eq!(status_of(server, "next"), Some(AgentStatus::Active));
    // A new session has to show it anew; that it goes on with its task does.
    next.post("/api/instances/register", json!({"name": "next"}))
        .send()
        .expect(200);
    assert_eq!(status_of(server, "next"), Some(AgentStatus::Pending));
    next.post("/api/tasks/next", json!({})).send().expect(200);
    assert_eq!(status_of(server, "next"), Some(AgentStatus::Active));
}

fn koors_name_of_the_stale_event_works(server: &Server) {
    active(server, "frontend");
    server.advance_seconds(400);
    server.sweep();
    let events = server.owner().history("topic=agent.stale");
    let event = serde_json::to_value(&events[0]).expect("JSON");
    for field in ["instance_id", "name", "workspace", "stack", "last_seen"] {
        assert!(event["data"][field].is_string(), "{event}");
    }
}

fn a_look_can_be_asked_for(server: &Server) {
    active(server, "frontend");
    let check = || {
        server
            .owner()
            .post_nothing("/api/liveness/check")
            .ok::<LivenessCheck>()
    };
    assert_eq!(check().count, 0);
    server.advance_seconds(400);
    let found = check();
    assert_eq!((found.checked, found.count), (true, 1));
    assert_eq!(found.newly_stale[0].name, "frontend");
    assert_eq!(check().count, 0);
}

fn nobody_is_stale_for_the_time_that_the_server_was_away(server: &Server) {
    active(server, "frontend");
    server.stop();
    server
        .database()
        .execute("UPDATE agent SET last_seen = last_seen - 3600000000");
    server.start_again();
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Active));
    server.advance_seconds(301);
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Stale));
}

fn what_was_heard_survives_an_orderly_end(server: &Server) {
    let client = active(server, "frontend");
    let before: Agent = client.get("/api/instances/self").ok();
    server.advance_seconds(60);
    client.get("/api/state").send().expect(200);
    server.restart();
    let found: Vec<Agent> = server.get("/api/instances").ok();
    assert!(
        found[0].last_seen > before.last_seen,
        "{found:?} {before:?}"
    );
}

fn the_owner_keeps_an_agent_alive_as_koors_clients_do(server: &Server) {
    let (_, agent) = server.register(json!({"name": "frontend"}));
    let owner = server.owner();
    for _ in 0..3 {
        server.advance_seconds(200);
        owner
            .post_nothing(&format!("/api/instances/{}/heartbeat", agent.id))
            .send()
            .expect(200);
        server.sweep();
        assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Pending));
    }
}

fn a_stream_keeps_its_agent_alive(server: &Server) {
    let client = active(server, "frontend");
    let mut stream = coro_tests::Sse::open(client.get("/api/events?pattern=default.*"));
    server.advance_seconds(400);
    server.publish("default.a", json!(1));
    stream.next_event();
    server.publish("default.b", json!(1));
    stream.next_event();
    server.sweep();
    assert_eq!(status_of(server, "frontend"), Some(AgentStatus::Active));
}

fn periods_can_be_set(engine: Engine) {
    let server = Options::new(engine)
        .config(
            "[liveness]\nsweep_seconds = 1\nstale_after_seconds = 30\nended_after_seconds = 60\n",
        )
        .start();
    active(&server, "frontend");
    server.advance_seconds(31);
    server.sweep();
    assert_eq!(status_of(&server, "frontend"), Some(AgentStatus::Stale));
    server.advance_seconds(31);
    server.sweep();
    assert_eq!(status_of(&server, "frontend"), Some(AgentStatus::Ended));
}

fn periods_that_contradict_each_other_stop_the_start(engine: Engine) {
    for (line, named) in [
        ("sweep_seconds = 0", "liveness.sweep_seconds"),
        ("stale_after_seconds = 20", "liveness.stale_after_seconds"),
        ("ended_after_seconds = 200", "liveness.ended_after_seconds"),
        ("forgotten_after_days = 0", "liveness.forgotten_after_days"),
        (
            "forgotten_after_days = 9999999",
            "liveness.forgotten_after_days",
        ),
        ("frob = 1", "frob"),
    ] {
        let failed = Options::new(engine)
            .config(&format!("[liveness]\n{line}\n"))
            .fail();
        assert_eq!(failed.code, Some(2), "{failed}");
        assert!(failed.stderr.contains(named), "{failed}");
    }
}

/// Time in this test moves in rounds of 100 seconds: far more than the test
/// itself takes, so that the machine's speed changes no outcome.
const ROUND_SECONDS: i64 = 100;
const STALE_ROUNDS: u32 = 3;
const ENDED_ROUNDS: u32 = 6;

/// What an agent should be.
struct Model {
    client: Client,
    status: AgentStatus,
    activated: bool,
    silent_rounds: u32,
    heard: bool,
}

fn two_hundred_agents_live_and_die_at_random(engine: Engine) {
    let seed = variable("CORO_SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20);
    println!("CORO_SEED={seed}");
    let mut random = Random::new(seed);
    let server = Options::new(engine)
        // It does not look by itself while the test counts what it writes.
        .config("[liveness]\nsweep_seconds = 100\nended_after_seconds = 600\n")
        .start();
    let mut agents: Vec<Model> = (0..200).map(|n| begun(&server, n)).collect();
    server.sweep();
    for _ in 0..16 {
        let before = rows_written(&server);
        let mut heard = 0;
        for (number, agent) in agents.iter_mut().enumerate() {
            act(&server, number, agent, &mut random);
            heard += u64::from(agent.heard);
        }
        server.sweep();
        assert!(
            rows_written(&server) - before <= heard,
            "more rows than agents heard of"
        );
        compare(&server, &agents);
        server.advance_seconds(ROUND_SECONDS);
        for agent in &mut agents {
            grow_silent(agent);
        }
        server.sweep();
        compare(&server, &agents);
    }
}

fn begun(server: &Server, number: usize) -> Model {
    Model {
        client: server.agent(&format!("agent-{number}")),
        status: AgentStatus::Pending,
        activated: false,
        silent_rounds: 0,
        heard: true,
    }
}

fn act(server: &Server, number: usize, agent: &mut Model, random: &mut Random) {
    agent.heard = false;
    match random.below(10) {
        0..5 => return,
        5 => {
            let body = json!({"name": format!("agent-{number}")});
            agent
                .client
                .post("/api/instances/register", body)
                .send()
                .expect(200);
            (agent.status, agent.activated) = (AgentStatus::Pending, false);
        }
        6 => {
            let answer = agent
                .client
                .post_nothing("/api/instances/self/activate")
                .send();
            if agent.status == AgentStatus::Ended {
                answer.refused(Reason::Conflict);
            } else {
                answer.expect(200);
                (agent.status, agent.activated) = (AgentStatus::Active, true);
            }
        }
        7 => drop(agent.client.get("/api/state").send().expect(200)),
        8 => drop(
            agent
                .client
                .post_nothing("/api/instances/self/heartbeat")
                .send(),
        ),
        _ => {
            // A new process of the same agent.
            let body = json!({"name": format!("agent-{number}"), "takeover": true});
            agent.client = server.register(body).0;
            (agent.status, agent.activated) = (AgentStatus::Pending, false);
        }
    }
    agent.heard = true;
    agent.silent_rounds = 0;
    if agent.status == AgentStatus::Stale {
        agent.status = match agent.activated {
            true => AgentStatus::Active,
            false => AgentStatus::Pending,
        };
    }
}

fn grow_silent(agent: &mut Model) {
    agent.silent_rounds += 1;
    let is_alive = matches!(agent.status, AgentStatus::Pending | AgentStatus::Active);
    if is_alive && agent.silent_rounds >= STALE_ROUNDS {
        agent.status = AgentStatus::Stale;
    }
    if agent.status == AgentStatus::Stale && agent.silent_rounds >= ENDED_ROUNDS {
        agent.status = AgentStatus::Ended;
    }
}

fn compare(server: &Server, agents: &[Model]) {
    let mut found: Vec<Agent> = server.get("/api/instances").ok();
    found.extend(server.get("/api/instances?status=ended").ok::<Vec<Agent>>());
    assert_eq!(found.len(), agents.len(), "an agent twice, or lost");
    for agent in found {
        let number = agent.name.strip_prefix("agent-").expect("one of ours");
        let model = &agents[number.parse::<usize>().expect("a number")];
        assert_eq!(
            agent.status, model.status,
            "{} silent for {} rounds",
            agent.name, model.silent_rounds
        );
    }
}
