//! How tasks wait for each other, drawn.

use coro_api::tasks::TaskGraph;
use serde_json::{Value, json};

use coro_tests::browser::Visit;

/// How long a drawing may take, in milliseconds of the processor: longer than a
/// step of scrolling, since it is drawn once, and short enough to seem at once.
const DRAWN_MS: f64 = 100.0;

/// The tasks of a drawing, each with its layer, in the order of the document.
const DRAWN: &str = "[...document.querySelectorAll('.flow a')].map((one) => [one.querySelector('.mono').textContent, \
     Number(one.dataset.layer)])";

#[test]
fn a_diamond_stands_in_three_layers_and_opens() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/tasks?view=graph");
    visit.page.finds("code", "coro-cli tasks add");
    diamond(&visit);
    visit.page.finds(".flow-legend", "4 tasks");
    let drawn = visit.page.eval(DRAWN);
    assert_eq!(
        drawn,
        json!([["T-1", 0], ["T-2", 1], ["T-3", 1], ["T-4", 2]])
    );
    visit.page.finds(".flow-done", "T-1");
    visit.page.finds(".flow-done", "done");
    visit.page.finds(".flow-waiting", "waits for T-2, T-3");
    let lines = "['.line-done', '.line-blocks'].map((one) => document.querySelectorAll('.flow-lines ' + one).length)";
    assert_eq!(visit.page.eval(lines), json!([2, 2]));
    visit.page.screenshots("graph");
    // Each is reached with the keyboard, from left to right.
    visit.page.eval("document.querySelector('.flow').focus()");
    visit.page.press("Tab");
    visit.page.finds(".flow a:focus", "T-1");
    visit.page.keys(&["Tab", "Tab"]);
    visit.page.finds(".flow a:focus", "T-3");
    visit.page.press("Enter");
    visit.page.finds(".detail h2", "Build the page");
    assert_eq!(visit.page.at(), "/tasks?view=graph&task=T-3");
    visit.page.finds(".flow a[aria-current]", "T-3");
    // Around one task: what leads to it, and away from it; the text beside it.
    visit.page.wait_for(
        "[...document.querySelectorAll('.detail .flow a .mono')].map((one) => one.textContent).join() === 'T-1,T-3,T-4'",
    );
    visit.page.finds(".detail .graph a", "T-4");
    visit.page.screenshots("graph-task");
    visit.page.click(".detail .flow a", "T-4");
    visit.page.finds(".detail h2", "Ship it");
    // The text leads to the same place beside the graph.
    visit.page.click(".detail .graph a", "T-3");
    visit.page.finds(".detail h2", "Build the page");
    assert_eq!(visit.page.at(), "/tasks?view=graph&task=T-3");
    visit.page.press("Escape");
    visit.page.misses(".detail", "");
    visit.page.press("b");
    visit.page.finds(".board", "Ship it");
    visit.page.assert_quiet();
}

#[test]
fn the_graph_follows_what_happens() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    diamond(&visit);
    visit.go("/tasks?view=graph");
    visit.page.finds(".flow-legend", "4 tasks");
    let task = json!({"title": "Tell the customers", "project": "shop", "depends_on": ["T-4"]});
    visit.server.post("/api/tasks", task).ok::<Value>();
    visit.page.finds(".flow a[data-layer='3']", "T-5");
    visit.go("/tasks?view=graph&q=build");
    visit.page.finds(".flow-legend", "2 tasks");
    visit.page.misses(".flow a", "T-4");
    visit.page.assert_quiet();
}

#[test]
fn hostile_titles_stay_text_in_the_graph() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let hostile = "<img src=x onerror=\"window.hacked=1\">";
    for depends_on in [json!([]), json!(["T-1"])] {
        let task = json!({"title": hostile, "depends_on": depends_on});
        visit.server.post("/api/tasks", task).ok::<Value>();
    }
    visit.go("/tasks?view=graph&task=T-2");
    visit.page.finds(".flow a", "onerror");
    visit.page.finds(".detail .flow a", "onerror");
    let inert = "!window.hacked && !document.querySelector('#app img[src=x]')";
    assert_eq!(visit.page.eval(inert), true);
    visit.page.assert_quiet();
}

#[test]
fn of_ten_thousand_tasks_a_part_is_drawn_and_the_rest_is_counted() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    // Each waits for the two before it.
    for part in 0..10 {
        let tasks: Vec<Value> = (0..1000)
            .map(|n| {
                let before = (1..=2).filter(|back| *back <= n);
                let depends_on: Vec<String> = before.map(|back| format!("step{}", n - back)).collect();
                json!({"ref": format!("step{n}"), "title": format!("task {part} {n}"), "depends_on": depends_on})
            })
            .collect();
        let tasks = json!({ "tasks": tasks });
        visit
            .server
            .post("/api/tasks/bulk", tasks)
            .send()
            .expect(200);
    }
    visit.go("/tasks?view=list");
    visit.page.finds(".count", "10,000 tasks");
    visit.page.begin_trace();
    visit.go("/tasks?view=graph");
    visit
        .page
        .finds(".flow-left-out", "9,800 more are left out");
    visit.page.finds(".flow a", "task 0 199");
    let busy = visit.page.longest_task_ms();
    println!("longest task while a graph of 10,000 is drawn: {busy} ms");
    assert!(busy < DRAWN_MS, "{busy}");
    let graph: TaskGraph = visit.server.get("/api/tasks/graph").ok();
    assert_eq!((graph.tasks.len(), graph.left_out), (200, 9_800));
    visit.page.screenshot("graph-many-light");
    visit.go("/tasks?view=graph&task=T-500");
    visit.page.finds(".detail .flow a[aria-current]", "T-500");
    visit.page.assert_quiet();
}

/// T-4 waits for T-2 and T-3, which wait for T-1, which is done.
fn diamond(visit: &Visit) {
    let (agent, _) = visit
        .server
        .register(json!({"name": "backend", "project": "shop"}));
    for (title, depends_on) in [
        ("Draw it", json!([])),
        ("Build the API", json!(["T-1"])),
        ("Build the page", json!(["T-1"])),
        ("Ship it", json!(["T-2", "T-3"])),
    ] {
        let task = json!({"title": title, "project": "shop", "depends_on": depends_on});
        visit.server.post("/api/tasks", task).ok::<Value>();
    }
    agent.post("/api/tasks/next", json!({})).ok::<Value>();
    agent.post("/api/tasks/T-1/done", json!({})).ok::<Value>();
}
