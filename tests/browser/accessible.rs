//! Every page by the rules of axe-core, in light and dark, wide and narrow.

use serde_json::{Value, json};

use crate::packages::axe;
use coro_tests::browser::Visit;

/// What each page is looked at with, and what shows that it is there.
const PLACES: &[(&str, &str, &str)] = &[
    ("now", "/", ".card li"),
    ("tasks", "/tasks", ".task-card"),
    ("task", "/tasks?view=list&task=T-2", ".graph li"),
    ("tasks-graph", "/tasks?view=graph", ".flow a"),
    ("requests", "/requests?request=R-2", ".decide"),
    ("leases", "/leases?lease=L-1", ".detail .facts"),
    ("messages", "/messages?message=M-1", ".detail .timeline li"),
    ("agents", "/agents?agent=shop/frontend", ".timeline li"),
    ("state", "/state?key=shop/plan", ".json"),
    (
        "state-history",
        "/state?key=shop/plan&view=history",
        ".diff",
    ),
    (
        "state-watch",
        "/state?key=shop/plan&view=watch",
        ".timeline li",
    ),
    ("events", "/events?at=3", ".detail .json"),
    ("settings", "/settings", ".row"),
    ("settings-humans", "/settings?tab=humans", ".empty"),
    ("settings-clients", "/settings?tab=clients", ".row"),
    (
        "settings-client",
        "/settings?tab=clients&client=vscode",
        ".snippet",
    ),
    ("requests-policy", "/requests?tab=policy", ".row"),
    (
        "requests-policy-one",
        "/requests?tab=policy&policy=shop/question",
        ".detail form",
    ),
    ("settings-server", "/settings?tab=server", ".facts"),
];

#[test]
fn no_page_violates_a_rule() {
    let (Some(axe), Some(mut visit)) = (axe(), Visit::before_sign_in()) else {
        return;
    };
    visit.page.open(&visit.url.clone());
    visit.page.finds("h1", "Sign in");
    visit.page.eval(&axe);
    let mut found = check(&mut visit, "sign-in");
    visit.sign_in();
    fill(&visit);
    for theme in ["light", "dark"] {
        visit.page.theme(theme);
        for (width, height, size) in [(1440, 900, "wide"), (360, 740, "phone")] {
            visit.page.size(width, height);
            for (name, path, there) in PLACES {
                // A fresh page: axe must not see what the last one has left.
                visit.page.open(&format!("{}{path}", visit.url));
                visit.page.finds(there, "");
                visit.page.eval(&axe);
                visit.page.screenshot(&format!("{name}-{theme}-{size}"));
                found.extend(check(&mut visit, &format!("{name} {theme} {size}")));
                let fits = "document.documentElement.scrollWidth <= innerWidth";
                assert_eq!(visit.page.eval(fits), true, "{name} is wider than {width}");
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    visit.page.assert_quiet();
}

#[test]
fn no_dialog_violates_a_rule() {
    let (Some(axe), Some(mut visit)) = (axe(), Visit::start()) else {
        return;
    };
    fill(&visit);
    visit.page.eval(&axe);
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        visit.page.theme(theme);
        visit.page.press("Control+k");
        visit.page.finds("[role=option]", "frontend");
        found.extend(check(&mut visit, "palette"));
        visit.page.screenshot(&format!("palette-{theme}-wide"));
        visit.page.press("Escape");
        visit.page.misses("dialog", "");
        visit.page.press("?");
        visit.page.finds("dialog", "Keyboard");
        found.extend(check(&mut visit, "keys"));
        visit.page.press("Escape");
        visit.page.misses("dialog", "");
        visit.go("/settings");
        visit.page.click("button", "New token");
        visit.page.finds("dialog", "Make the token");
        found.extend(check(&mut visit, "new token"));
        visit.page.press("Escape");
        visit.page.misses("dialog", "");
    }
    assert!(found.is_empty(), "{found:#?}");
    visit.page.assert_quiet();
}

/// Something of every kind.
fn fill(visit: &Visit) {
    let new = json!({"name": "frontend", "project": "shop", "intent": "Build the cart page", "stack": "react",
        "capabilities": ["css", "react"], "client": "claude-code", "workspace": "~/shop"});
    let (frontend, _) = visit.server.register(new);
    let new = json!({"name": "backend", "project": "shop", "intent": "Totals with tax", "stack": "rust", "client": "codex"});
    let (backend, _) = visit.server.register(new);
    for client in [&frontend, &backend] {
        client
            .post_nothing("/api/instances/self/activate")
            .ok::<Value>();
    }
    frontend.set(
        "shop/plan",
        r#"{"step": 1, "owner": "frontend", "tasks": ["cart"], "done": false, "none": null}"#,
    );
    backend.set(
        "shop/plan",
        r#"{"step": 2, "owner": "backend", "tasks": ["cart", "tax"], "done": true, "none": null}"#,
    );
    frontend.set("shop/notes.md", "# Notes\n\nThe cart page\n");
    backend.set("shop/api/openapi", r#"{"openapi": "3.1.0"}"#);
    visit
        .server
        .publish("shop.api.done", json!({"feature": "login"}));
    for task in [
        json!({"title": "Cart API: totals with tax", "project": "shop", "priority": 1, "paths": ["/src/api/**"]}),
        json!({"title": "Cart page", "project": "shop", "depends_on": ["T-1"], "body": "As in the drawing."}),
        json!({"title": "Fix the flaky login test", "project": "shop", "priority": 0}),
        json!({"title": "Release notes", "project": "shop", "depends_on": ["T-2", "T-3"], "priority": 4}),
    ] {
        visit.server.post("/api/tasks", task).ok::<Value>();
    }
    for client in [&backend, &frontend] {
        client.post("/api/tasks/next", json!({})).ok::<Value>();
    }
    let question = json!({"title": "Use PostgreSQL for the cart?", "body": "Ten writes a second, bursts of 200."});
    backend.post("/api/requests", question).ok::<Value>();
    let rule = json!({"title": "Allow force-push on feature branches", "kind": "rule",
        "detail": {"before": "- never force-push\n", "after": "- force-push on own branches only\n"}});
    frontend.post("/api/requests", rule).ok::<Value>();
    let message = json!({"text": "Totals are in cents now.", "to": "backend", "needs_ack": true});
    frontend.post("/api/messages", message).ok::<Value>();
    let policy = json!({"project": "shop", "kind": "question", "quorum": 2, "deciders": ["human:ada", "human:bob"]});
    visit
        .server
        .owner()
        .request("PUT", "/api/requests/policies")
        .json(&policy)
        .ok::<Value>();
    visit.server.issue(coro_api::tokens::Role::Viewer, "wall");
}

/// What the rules of WCAG 2.2, levels A and AA, and the best practices find.
#[track_caller]
pub(crate) fn check(visit: &mut Visit, what: &str) -> Vec<String> {
    let found = visit.page.eval(
        "axe.run(document, {resultTypes: ['violations'], \
         runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}) \
         .then((result) => result.violations.flatMap((one) => one.nodes.slice(0, 5).map((node) => \
         `${one.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)))",
    );
    let found: Vec<String> = serde_json::from_value(found).expect("texts");
    found.iter().map(|one| format!("{what}: {one}")).collect()
}
