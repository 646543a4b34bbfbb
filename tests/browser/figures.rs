//! Every figure on a page equals what the API answers.

use std::collections::BTreeSet;

use coro_tests::Client;
use serde_json::{Value, json};

use coro_tests::browser::Visit;

/// Each page, what shows that it is there, and how many figures it has at least.
const PLACES: &[(&str, &str, usize)] = &[
    ("/", ".task-counts", 12),
    ("/tasks", ".task-card", 20),
    ("/tasks?view=list&task=T-3", ".detail .flow a", 5),
    ("/tasks?view=graph", ".flow a", 2),
    ("/requests?request=R-1", ".decide", 1),
    ("/requests?tab=policy", "[role=row]", 2),
    (
        "/requests?tab=policy&policy=shop/question",
        ".detail form",
        2,
    ),
    ("/leases?lease=L-1", ".detail .facts", 2),
    ("/messages?message=M-1", ".detail .timeline li", 1),
    ("/agents?agent=shop/a1", ".has-list li", 5),
    ("/state?key=shop/k1", ".detail .facts", 20),
    ("/state?key=shop/k1&view=history", ".versions", 20),
    ("/settings?tab=server", ".facts", 16),
];

/// Numbers that stand alone and do not say where the API answers them. No figures
/// are a moment, a stored value, and what the page itself compares of two values.
const LOOSE: &str = r"(() => {
  const found = [];
  const nodes = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const inside = node.parentElement;
    if (!/^\s*v?\d[\d,]*(\.\d+)?\s*$/.test(node.data)) continue;
    if (!inside.closest('[data-figure], time, .json, .well, .diff, .diff-count')) found.push(inside.outerHTML);
  }
  return found;
})()";

const FIGURES: &str =
    "[...document.querySelectorAll('[data-figure]')].map((one) => one.dataset.figure)";

#[test]
fn every_figure_is_what_the_api_answers() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    fill(&visit);
    for (path, there, least) in PLACES {
        visit.page.open(&format!("{}{path}", visit.url));
        visit.page.finds(there, "");
        // What a page reads in two steps is there with its last figure.
        visit.page.wait_for(&format!("{FIGURES}.length >= {least}"));
        let figures = visit.page.eval(FIGURES);
        let mut figures: BTreeSet<String> = serde_json::from_value(figures).expect("texts");
        // The counters count what this test reads, but not how it reads them.
        let counters = figures.split_off("/api/metrics");
        let (counters, others): (Vec<_>, Vec<_>) = counters
            .into_iter()
            .partition(|one| one.starts_with("/api/metrics"));
        for figure in figures.into_iter().chain(others).chain(counters) {
            let answer = answered(&visit, &figure);
            println!("{path}: {figure} is {answer}");
            visit.page.wait_for(&format!(
                "((all) => all.length > 0 && all.every((one) => one.textContent.replaceAll(/\\D/g, '') === '{answer}')) \
                 ([...document.querySelectorAll('[data-figure]')].filter((one) => one.dataset.figure === {figure:?}))"
            ));
        }
        assert_eq!(visit.page.eval(LOOSE), json!([]), "{path}");
    }
    visit.page.assert_quiet();
}

/// The number at a path of the API and, after `#`, a pointer into the answer.
#[track_caller]
fn answered(visit: &Visit, figure: &str) -> u64 {
    let (path, pointer) = figure.split_once('#').expect("a path and a pointer");
    let answer: Value = visit.server.get(path).ok();
    match answer.pointer(pointer) {
        Some(Value::Array(all)) => all.len() as u64,
        Some(Value::Number(number)) => number.as_u64().expect("no figure is negative"),
        other => panic!("{figure}: {other:?}"),
    }
}

/// A few dozen things.
fn fill(visit: &Visit) {
    let agents: Vec<Client> = (1..=4).map(|n| agent(visit, n)).collect();
    for n in 0..24 {
        let depends_on: Vec<String> = (n % 3 > 0).then(|| format!("T-{n}")).into_iter().collect();
        let task = json!({"title": format!("task {n}"), "project": "shop", "depends_on": depends_on,
            "paths": [format!("/src/{n}/**")]});
        visit.server.post("/api/tasks", task).ok::<Value>();
    }
    for client in &agents {
        client.post("/api/tasks/next", json!({})).ok::<Value>();
    }
    let done = json!({"result": "as it should be"});
    agents[3].post("/api/tasks/T-10/done", done).ok::<Value>();
    for n in 0..12 {
        visit.server.set(&format!("shop/k{n}"), n.to_string());
        visit.server.set("shop/k1", format!("[{n}]"));
        visit.server.publish("shop.done", json!(n));
    }
    for n in 0..7 {
        let lease = json!({"pattern": format!("/docs/{n}/**")});
        agents[n % 2].post("/api/leases", lease).ok::<Value>();
        let message = json!({"to": format!("a{}", n % 3 + 1), "text": "hello"});
        agents[3].post("/api/messages", message).ok::<Value>();
    }
    agents[0].get("/api/messages/M-1").ok::<Value>();
    for client in &agents[..3] {
        let request = json!({"title": "Use PostgreSQL?"});
        client.post("/api/requests", request).ok::<Value>();
    }
    for project in ["shop", "bank"] {
        let policy = json!({"project": project, "kind": "question", "quorum": 2, "deciders": ["agent:a1", "agent:a2"]});
        visit
            .server
            .owner()
            .request("PUT", "/api/requests/policies")
            .json(&policy)
            .ok::<Value>();
    }
}

fn agent(visit: &Visit, n: usize) -> Client {
    let new = json!({"name": format!("a{n}"), "project": "shop", "intent": "work"});
    let (client, _) = visit.server.register(new);
    client
        .post_nothing("/api/instances/self/activate")
        .ok::<Value>();
    client
}
