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
    ("/tasks?view=list", "[role=row]", 20),
    ("/requests?request=R-1", ".decide", 1),
    ("/requests?tab=all", "[role=row]", 1),
    ("/requests?tab=policy", "[role=row]", 2),
    (
        "/requests?tab=policy&policy=shop/question",
        ".detail form",
        2,
    ),
    ("/leases?lease=L-1", ".detail .facts", 2),
    ("/messages?message=M-1", ".detail .timeline li", 1),
    ("/agents", "[role=row]", 2),
    ("/agents?agent=shop/a1", ".has-list li", 5),
    ("/state?key=shop/k1", ".detail .facts", 20),
    ("/state?key=shop/k1&view=history", ".versions", 20),
    ("/state?key=shop/k1&view=history&v=1", ".value-head", 22),
    ("/state?key=shop/k1&view=watch", ".timeline li", 20),
    ("/events", "[role=row]", 20),
    ("/events?topic=coro.task.*", "[role=row]", 20),
    ("/events?at=9", ".detail .facts", 20),
    ("/settings", "[role=row]", 2),
    ("/settings?tab=clients&client=claude-code", ".snippet", 2),
    ("/settings?tab=server", ".facts", 24),
];

/// The page's own words with a number in them that do not say where the API
/// answers it. No figures are a name such as T-9, a moment, what others wrote, a
/// stored value, a hash or a command, and what the page itself compares of two
/// values.
const LOOSE: &str = r"(() => {
  const found = [];
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const inside = node.parentElement;
    if (!/\d/.test(node.data.replaceAll(/[A-Z]+-\d+/g, ''))) continue;
    if (!inside.closest('[data-figure], time, .plain, code, kbd, .json, .well, .diff, .diff-count')) found.push(inside.outerHTML);
  }
  return found;
})()";

/// How far what is shown in a larger unit may be off, as a part of the number.
const ROUNDED_BY_MAX: f64 = 0.1;

const FIGURES: &str =
    "[...document.querySelectorAll('[data-figure]')].map((one) => one.dataset.figure)";

#[test]
fn every_figure_is_what_the_api_answers() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    fill(&visit);
    for page in visit.page.menu() {
        let is_there = PLACES
            .iter()
            .any(|(path, ..)| path.split('?').next() == Some(&page));
        assert!(is_there, "{page} is not walked");
    }
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
            assert_shown(&mut visit, &figure, answer);
        }
        assert_eq!(visit.page.eval(LOOSE), json!([]), "{path}");
    }
    visit.page.assert_quiet();
}

/// Waits until the page shows what was answered wherever it shows this figure.
#[track_caller]
fn assert_shown(visit: &mut Visit, figure: &str, answer: u64) {
    let all = format!(
        "[...document.querySelectorAll('[data-figure]')].filter((one) => one.dataset.figure === {figure:?})"
    );
    visit.page.wait_for(&format!(
        "((all) => all.length > 0 && all.every((one) => (one.value ?? one.textContent.replaceAll(/\\D/g, '')) === '{answer}'))({all})"
    ));
    let rounded = format!("{all}.filter((one) => one.value).map((one) => one.textContent)");
    let rounded: Vec<String> = serde_json::from_value(visit.page.eval(&rounded)).expect("texts");
    for text in rounded {
        let off = (value_of(&text) / answer as f64 - 1.0).abs();
        assert!(
            off <= ROUNDED_BY_MAX,
            "{figure}: {answer} is shown as {text}"
        );
    }
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

/// What a text in larger units says, such as `1 h 30 min` or `4.0 KiB`.
fn value_of(text: &str) -> f64 {
    let words: Vec<&str> = text.split(' ').collect();
    let parts = words.chunks(2).map(|part| {
        let unit = match part[1] {
            "s" | "B" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "KiB" => 1024.0,
            "MiB" => 1024.0 * 1024.0,
            "GiB" => 1024.0 * 1024.0 * 1024.0,
            other => panic!("{other} in {text}"),
        };
        part[0].parse::<f64>().expect("a number") * unit
    });
    parts.sum()
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
