//! The overview of a project, and the screen `coro-cli status`.

use coro_api::Reason;
use coro_api::agents::AgentStatus;
use coro_api::overview::{Overview, OverviewAgent, TaskCounts};
use coro_api::requests::RequestKind;
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    agents_are_told_with_what_they_do,
    who_has_ended_is_not_told,
    a_project_sees_itself_only,
    pauses_are_told_where_they_hold,
    what_agents_have_and_what_waits_is_told,
    a_request_whose_time_is_over_does_not_wait,
    many_agents_are_counted,
    the_overview_says_which_revision_it_is_of,
    status_is_one_screen,
    status_as_json_is_what_the_server_says,
    status_tells_what_the_token_may_know,
];

fn overview(client: &Client, query: &str) -> Overview {
    client.get(&format!("/api/overview{query}")).ok()
}

fn names(agents: &[OverviewAgent]) -> Vec<&str> {
    agents.iter().map(|agent| agent.name.as_str()).collect()
}

fn register(server: &Server, name: &str, project: &str) -> Client {
    let body = json!({"name": name, "project": project});
    server.register(body).0
}

fn agents_are_told_with_what_they_do(server: &Server) {
    let backend = register(server, "backend", "shop");
    backend
        .post("/api/instances/self/intent", json!({"intent": "the API"}))
        .send()
        .expect(200);
    server.advance_seconds(600);
    let frontend = register(server, "frontend", "shop");
    frontend
        .post_nothing("/api/instances/self/activate")
        .send()
        .expect(200);
    let seen = overview(&server.owner(), "");
    assert_eq!(names(&seen.agents), ["frontend", "backend"]);
    let (frontend, backend) = (&seen.agents[0], &seen.agents[1]);
    assert_eq!(
        (frontend.status, frontend.task.as_ref()),
        (AgentStatus::Active, None)
    );
    assert!(frontend.silent_seconds < 600, "{frontend:?}");
    assert_eq!((&*backend.intent, &*backend.project), ("the API", "shop"));
    assert!(backend.silent_seconds >= 600, "{backend:?}");
    assert_eq!(seen.agents_more, 0);
}

fn who_has_ended_is_not_told(server: &Server) {
    let backend = register(server, "backend", "shop");
    backend.delete("/api/instances/self").send().expect(200);
    assert!(overview(&server.owner(), "").agents.is_empty());
}

fn a_project_sees_itself_only(server: &Server) {
    let frontend = register(server, "frontend", "shop");
    register(server, "other", "blog");
    let all = overview(&server.owner(), "");
    assert_eq!((all.project, all.agents.len()), (None, 2));
    for seen in [
        overview(&frontend, ""),
        overview(&frontend, "?project=shop"),
        overview(&server.owner(), "?project=shop"),
    ] {
        assert_eq!(seen.project.as_deref(), Some("shop"));
        assert_eq!(names(&seen.agents), ["frontend"]);
    }
    frontend
        .get("/api/overview?project=blog")
        .refused(Reason::Forbidden);
    let other = server.other_tenant("other");
    assert!(overview(&other, "").agents.is_empty());
    server
        .get("/api/overview?projects=blog")
        .refused(Reason::Invalid);
}

fn pauses_are_told_where_they_hold(server: &Server) {
    let frontend = register(server, "frontend", "shop");
    for pause in [
        json!({"project": "shop", "reason": "broken"}),
        json!({"project": "blog"}),
    ] {
        server.post("/api/pauses", pause).send().expect(200);
    }
    let ids =
        |seen: Overview| -> Vec<String> { seen.pauses.into_iter().map(|pause| pause.id).collect() };
    assert_eq!(ids(overview(&frontend, "")), ["project:shop"]);
    assert_eq!(
        ids(overview(&server.owner(), "?project=shop")),
        ["project:shop"]
    );
    assert_eq!(ids(overview(&server.owner(), "")).len(), 2);
    // One of all projects holds in each.
    server.post("/api/pauses", json!({})).send().expect(200);
    assert_eq!(ids(overview(&frontend, "")), ["all", "project:shop"]);
}

fn post(client: &Client, path: &str, body: Value) -> Value {
    client.post(path, body).ok()
}

/// A project in which something of everything is.
fn busy(server: &Server) -> Client {
    let frontend = register(server, "frontend", "shop");
    register(server, "backend", "shop");
    for title in ["Build the cart", "Style it", "Test it"] {
        let task = json!({"title": title, "project": "shop"});
        post(&server.owner(), "/api/tasks", task);
    }
    let waits = json!({"title": "Ship it", "project": "shop", "depends_on": ["T-1"]});
    post(&server.owner(), "/api/tasks", waits);
    post(&frontend, "/api/tasks/next", json!({}));
    post(
        &server.owner(),
        "/api/tasks/close",
        json!({"tasks": ["T-3"]}),
    );
    for text in ["one", "two"] {
        let message = json!({"text": text, "to": "frontend", "project": "shop"});
        post(&server.owner(), "/api/messages", message);
    }
    let question = json!({"title": "PostgreSQL?", "expires_in": 7200});
    post(&frontend, "/api/requests", question);
    post(&frontend, "/api/leases", json!({"pattern": "/src/cart/**"}));
    let protected = json!({"pattern": "/infra/**", "project": "shop", "protected": true});
    post(&server.owner(), "/api/leases", protected);
    frontend
}

fn what_agents_have_and_what_waits_is_told(server: &Server) {
    let frontend = busy(server);
    let seen = overview(&frontend, "");
    let own = seen.agents.iter().find(|agent| agent.name == "frontend");
    let own = own.expect("it is there");
    let task = own.task.as_ref().expect("it has claimed one");
    assert_eq!(
        (task.number.0, &*task.title, task.attempt),
        (1, "Build the cart", 1)
    );
    assert_eq!((own.unread, seen.undelivered), (2, 2));
    let tasks = TaskCounts {
        ready: 1,
        waiting: 1,
        claimed: 1,
        cancelled: 1,
        ..TaskCounts::default()
    };
    assert_eq!(seen.tasks, tasks);
    let [request] = seen.requests.as_slice() else {
        panic!("{:?}", seen.requests);
    };
    assert_eq!(
        (request.kind, request.protected),
        (RequestKind::Question, false)
    );
    let left = request.expires_in_seconds.expect("it has an end");
    assert!((7_000..=7_200).contains(&left), "{request:?}");
    // A protected path is nobody's.
    assert_eq!((seen.requests_more, seen.leases), (0, 1));
    let elsewhere = overview(&server.owner(), "?project=blog");
    assert_eq!(elsewhere.tasks, TaskCounts::default());
    assert_eq!(
        (
            elsewhere.leases,
            elsewhere.undelivered,
            elsewhere.requests.len()
        ),
        (0, 0, 0)
    );
    let screen = server.cli().ok(&["status", "--project", "shop"]);
    for line in [
        "\nagents\t2\n",
        "\n  frontend active T-1 \"Build the cart\", 2 unread\n",
        "\ntasks\t1 ready, 1 waiting, 1 claimed, 1 cancelled\n",
        "\nrequests\t1\n  R-1 question by agent:frontend: \"PostgreSQL?\" (expires in 1h)\n",
        "\nmessages\t2 unread\n",
        "\nleases\t1 held\n",
    ] {
        assert!(screen.contains(line), "{line:?} is not in:\n{screen}");
    }
}

fn a_request_whose_time_is_over_does_not_wait(server: &Server) {
    let frontend = register(server, "frontend", "shop");
    for (title, on_silence) in [("denied", "deny"), ("parked", "park")] {
        let request = json!({"title": title, "expires_in": 60, "on_silence": on_silence});
        post(&frontend, "/api/requests", request);
    }
    assert_eq!(overview(&frontend, "").requests.len(), 2);
    server.advance_seconds(61);
    let seen = overview(&frontend, "");
    let [parked] = seen.requests.as_slice() else {
        panic!("{:?}", seen.requests);
    };
    assert_eq!(
        (&*parked.title, parked.expires_in_seconds),
        ("parked", None)
    );
    let screen = server.cli().ok(&["status"]);
    assert!(screen.contains("(waits without end)"), "{screen}");
}

fn many_agents_are_counted(server: &Server) {
    for number in 0..203 {
        register(server, &format!("a{number}"), "shop");
    }
    let seen = overview(&server.owner(), "");
    assert_eq!((seen.agents.len(), seen.agents_more), (200, 3));
    let screen = server.cli().ok(&["status"]);
    assert!(screen.contains("\nagents\t203\n"), "{screen}");
    assert!(screen.contains("\n  and 183 more: "), "{screen}");
}

fn the_overview_says_which_revision_it_is_of(server: &Server) {
    register(server, "frontend", "shop");
    let answer = server.get("/api/overview").send().expect(200);
    let revision = server.revision();
    assert_eq!(answer.the("coro-revision"), revision.to_string());
    assert_eq!(answer.json::<Overview>().revision, revision);
}

fn status_is_one_screen(server: &Server) {
    let cli = server.cli();
    // Where nothing is, nothing is said.
    assert_eq!(cli.ok(&["status"]).lines().count(), 3);
    let frontend = register(server, "frontend", "shop");
    frontend
        .post(
            "/api/instances/self/intent",
            json!({"intent": "a\n\"cart\"\u{1f6d2}"}),
        )
        .send()
        .expect(200);
    register(server, "writer", "blog");
    let pause = json!({"project": "shop", "agent": "frontend", "reason": "look at R-7"});
    server.post("/api/pauses", pause).send().expect(200);
    let screen = cli.ok(&["status", "--project", "shop"]);
    let lines: Vec<&str> = screen.lines().skip(3).collect();
    assert_eq!(
        lines,
        [
            "agents\t1",
            "  frontend pending \"a\\n\\\"cart\\\"\u{1f6d2}\", paused",
            "pauses\t1",
            "  agent:shop/frontend by human:owner: \"look at R-7\"",
        ]
    );
    let all = cli.ok(&["status"]);
    assert!(all.contains("\n  shop/frontend pending "), "{all}");
    assert!(all.contains("\n  blog/writer pending\n"), "{all}");
}

fn status_as_json_is_what_the_server_says(server: &Server) {
    register(server, "frontend", "shop");
    let printed = server.cli().ok(&["status", "--json"]);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed["health"]["status"], "ok");
    assert_eq!(printed["whoami"]["name"], "owner");
    assert_eq!(printed["overview"]["agents"][0]["name"], "frontend");
}

fn status_tells_what_the_token_may_know(server: &Server) {
    // A token that may only register.
    let enrol = server.issue(Role::Enrol, "ide");
    let cli = server.cli().token(enrol.token());
    assert_eq!(cli.ok(&["status"]).lines().count(), 3);
    // What is known is printed before the refusal.
    let frontend = register(server, "frontend", "shop");
    let cli = server.cli().token(frontend.token());
    let refused = cli.run(&["status", "--project", "blog"]);
    assert_eq!(
        (refused.code, refused.stdout.lines().count()),
        (5, 3),
        "{refused:?}"
    );
    let anonymous = coro_tests::Cli::new(cli.folder()).url(&cli.value("CORO_URL").expect("set"));
    let output = anonymous.run(&["status"]);
    assert_eq!(
        (output.code, output.stdout.lines().count()),
        (0, 1),
        "{output:?}"
    );
}
