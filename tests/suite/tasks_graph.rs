//! How tasks wait for each other, as it is drawn.

use coro_api::Reason;
use coro_api::tasks::TaskGraph;
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

use crate::tasks::{act, add, next_id};

both_engines![
    open_tasks_are_drawn_with_what_they_wait_for,
    around_a_task_the_nearest_are_drawn,
    what_goes_beyond_the_limit_is_counted,
    a_graph_of_another_project_or_tenant_is_not_there,
    the_cli_prints_a_line_for_each_task,
];

/// A diamond: T-4 waits for T-2 and T-3, which both wait for T-1. T-5 is alone.
fn diamond(server: &Server) {
    let owner = server.owner();
    for depends_on in [
        json!([]),
        json!(["T-1"]),
        json!(["T-1"]),
        json!(["T-2", "T-3"]),
        json!([]),
    ] {
        let task = json!({"title": "step", "project": "shop", "depends_on": depends_on});
        add(&owner, task);
    }
}

#[track_caller]
fn graph(client: &Client, query: &str) -> TaskGraph {
    client.get(&format!("/api/tasks/graph{query}")).ok()
}

fn tasks_of(graph: &TaskGraph) -> Vec<String> {
    graph.tasks.iter().map(|task| task.id.to_string()).collect()
}

fn edges_of(graph: &TaskGraph) -> Vec<String> {
    let edges = graph.edges.iter();
    edges
        .map(|edge| format!("{} {}", edge.task, edge.depends_on))
        .collect()
}

fn open_tasks_are_drawn_with_what_they_wait_for(server: &Server) {
    diamond(server);
    let owner = server.owner();
    let all = graph(&owner, "");
    assert_eq!(tasks_of(&all), ["T-1", "T-2", "T-3", "T-4"]);
    assert_eq!(edges_of(&all), ["T-2 T-1", "T-3 T-1", "T-4 T-2", "T-4 T-3"]);
    assert_eq!(all.left_out, 0);
    let (agent, _) = server.register(json!({"name": "frontend", "project": "shop"}));
    for id in ["T-1", "T-2"] {
        assert_eq!(next_id(&agent), id);
        act(&agent, id, "done", json!({"result": "as it should be"}));
    }
    // What is done stays as long as an open one depends on it.
    let later = graph(&owner, "?project=shop");
    assert_eq!(edges_of(&later), ["T-3 T-1", "T-4 T-2", "T-4 T-3"]);
    let blockers: Vec<i64> = later.tasks.iter().map(|task| task.blockers).collect();
    assert_eq!(blockers, [0, 0, 0, 1]);
    // Each says who works on it, and what came of it.
    assert_eq!(next_id(&agent), "T-3");
    let told: Vec<_> = graph(&owner, "").tasks;
    assert_eq!(told[0].result.as_deref(), Some("as it should be"));
    assert_eq!(told[2].claimed_by.as_deref(), Some("frontend"));
    assert_eq!((&told[3].claimed_by, &told[2].result), (&None, &None));
    assert_eq!(tasks_of(&graph(&owner, "?project=blog")).len(), 0);
}

fn around_a_task_the_nearest_are_drawn(server: &Server) {
    diamond(server);
    let owner = server.owner();
    let around = graph(&owner, "?task=T-2");
    assert_eq!(tasks_of(&around), ["T-1", "T-2", "T-4"]);
    assert_eq!(edges_of(&around), ["T-2 T-1", "T-4 T-2"]);
    let alone = graph(&owner, "?task=t-5");
    assert_eq!(
        (tasks_of(&alone), alone.edges.len()),
        (vec!["T-5".to_owned()], 0)
    );
    owner
        .get("/api/tasks/graph?task=T-9")
        .refused(Reason::NotFound);
    for query in ["?task=9x", "?limit=0", "?limit=501", "?depth=3"] {
        let path = format!("/api/tasks/graph{query}");
        owner.get(&path).refused(Reason::Invalid);
    }
}

fn what_goes_beyond_the_limit_is_counted(server: &Server) {
    diamond(server);
    let owner = server.owner();
    let some = graph(&owner, "?limit=3");
    assert_eq!(tasks_of(&some), ["T-1", "T-2", "T-3"]);
    assert_eq!((edges_of(&some).len(), some.left_out), (2, 1));
    // More than one query reads, in order.
    let chain: Vec<Value> = (0..45)
        .map(|n| match n {
            0 => json!({"ref": "step0", "title": "first", "project": "blog"}),
            n => json!({"ref": format!("step{n}"), "title": "next", "project": "blog",
                "depends_on": [format!("step{}", n - 1)]}),
        })
        .collect();
    let chain = json!({ "tasks": chain });
    owner.post("/api/tasks/bulk", chain).send().expect(200);
    let middle = graph(&owner, "?task=T-25&limit=41");
    assert_eq!((middle.tasks.len(), middle.left_out), (41, 4));
    assert!(middle.tasks.is_sorted_by_key(|task| task.id.0));
}

fn a_graph_of_another_project_or_tenant_is_not_there(server: &Server) {
    diamond(server);
    let other = server.issue_for_project(Role::Controller, "lead", "blog");
    let tenant = server.other_tenant("other");
    for client in [other, tenant] {
        let client = server.client(client.token());
        assert_eq!(graph(&client, "").tasks, []);
        client
            .get("/api/tasks/graph?task=T-1")
            .refused(Reason::NotFound);
    }
    // Nor where the caller might see it, and means another.
    let named = |project: &str| {
        let path = format!("/api/tasks/graph?project={project}&task=T-1");
        server.get(&path)
    };
    named("blog").refused(Reason::NotFound);
    named("shop").send().expect(200);
}

fn the_cli_prints_a_line_for_each_task(server: &Server) {
    diamond(server);
    let cli = server.cli();
    assert_eq!(
        cli.ok(&["tasks", "graph", "T-2"]),
        "T-1\topen\t-\tstep\nT-2\topen\tT-1\tstep\nT-4\topen\tT-2\tstep\n"
    );
    let some = cli.run(&["tasks", "graph", "--limit", "2"]);
    assert_eq!(some.stderr, "coro-cli: 2 more are left out\n", "{some:?}");
}
