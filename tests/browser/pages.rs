//! Agents and settings: each page's main action.

use coro_api::clients::ClientSetups;
use coro_api::settings::Settings;
use serde_json::{Value, json};

use coro_tests::browser::Visit;

#[test]
fn agents_show_what_they_do_and_have_done() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/agents");
    visit.page.finds("code", "coro-cli register");
    let new = json!({"name": "frontend", "project": "shop", "intent": "build the cart", "capabilities": ["css"]});
    let (client, agent) = visit.server.register(new);
    visit.page.finds("[role=row]", "build the cart");
    client.set("shop/plan", "1");
    visit.page.click("[role=row]", "frontend");
    visit.page.finds(".detail", &agent.id);
    visit.page.finds(".timeline li", "state.put");
    let intent = format!("/api/instances/{}/intent", agent.id);
    client.post(&intent, json!({"intent": "pay"})).ok::<Value>();
    visit.page.finds("[role=row]", "pay");
    visit.page.finds(".timeline li", "pay");
    visit.page.screenshot("agents-light");
    assert_eq!(visit.page.at(), "/agents?agent=shop/frontend");
    visit.page.assert_quiet();
}

#[test]
fn of_two_agents_of_a_name_each_has_its_own_timeline() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    for project in ["shop", "bank"] {
        let new = json!({"name": "frontend", "project": project});
        let (client, _) = visit.server.register(new);
        client.set(&format!("{project}/plan"), "1");
    }
    visit.go("/agents?agent=bank/frontend");
    visit.page.finds(".timeline li", "bank/plan");
    visit.page.misses(".timeline li", "shop/plan");
    visit.page.assert_quiet();
}

#[test]
fn a_token_is_made_shown_once_and_revoked() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/settings");
    visit.page.click("button", "New token");
    visit.page.finds("dialog", "New token");
    visit.page.write("ci");
    visit.page.screenshot("new-token-light");
    visit.page.click("dialog button", "Make the token");
    visit.page.finds("dialog [data-secret]", "cor_");
    let secret = visit
        .page
        .eval("document.querySelector('[data-secret]').textContent");
    let caller = visit.server.client(secret.as_str().expect("text"));
    caller.get("/api/whoami").send().expect(200);
    visit.page.click("dialog button", "I have it");
    visit.page.misses("body", secret.as_str().expect("text"));
    visit.page.click("[role=row]", "ci");
    visit.page.finds(".detail code", "coro-cli tokens list");
    visit.page.click("button", "Revoke: ci");
    visit.page.click("dialog button", "Revoke");
    visit.page.misses("[role=row]", "ci");
    caller.get("/api/whoami").send().expect(401);
    visit.page.assert_quiet();
}

#[test]
fn the_figures_of_the_server_are_those_of_the_api() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.go("/settings?tab=server");
    visit.page.finds("dl", "Version");
    let metrics: Value = visit.server.get("/api/metrics").ok();
    for (name, figure) in [
        ("Revision", &metrics["last_event_id"]),
        ("Keys", &metrics["state_keys"]),
        ("Agents", &metrics["instances"]),
    ] {
        visit.page.finds("dl > div", &format!("{name}{figure}"));
    }
    visit.page.click("button", "Check it");
    visit.page.sees("entries fit together");
    visit.page.screenshot("server-light");
    visit.page.assert_quiet();
}

#[test]
fn an_agent_shows_its_task_its_leases_and_its_messages() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (frontend, _) = visit
        .server
        .register(json!({"name": "frontend", "project": "shop", "intent": "build the cart"}));
    frontend
        .post_nothing("/api/instances/self/activate")
        .ok::<Value>();
    let (backend, _) = visit
        .server
        .register(json!({"name": "backend", "project": "shop"}));
    visit.go("/agents?agent=shop/frontend");
    visit.page.finds(".detail", "It has claimed nothing.");
    visit.page.finds(".detail", "Nobody has written to it.");
    let task = json!({"title": "Build the cart", "project": "shop", "paths": ["/src/cart/**"]});
    visit.server.post("/api/tasks", task).ok::<Value>();
    frontend.post("/api/tasks/next", json!({})).ok::<Value>();
    visit.page.finds(".has-list li", "Build the cart");
    visit.page.finds(".has-list li", "/src/cart/**");
    let message = json!({"to": "frontend", "text": "Totals are in cents now."});
    backend.post("/api/messages", message).ok::<Value>();
    visit.page.finds(".has-list li", "Totals are in cents now.");
    visit.page.finds(".has-list li", "queued");
    frontend.get("/api/messages/M-1").ok::<Value>();
    visit.page.finds(".has-list li", "read");
    visit.page.screenshots("agent-work");
    visit.page.click(".has-list a", "M-1");
    visit.page.finds("h1", "Messages");
    visit.page.assert_quiet();
}

#[test]
fn a_client_is_told_what_to_write_into_its_file() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/settings?tab=clients");
    visit.page.finds("[role=row]", "Cursor");
    visit.page.click("[role=row]", "Claude Code");
    visit.page.finds(".snippet", ".mcp.json");
    let setups: ClientSetups = visit.server.get("/api/clients").ok();
    let client = &setups.clients[0];
    let texts = "[...document.querySelectorAll('.snippet pre')].map((one) => one.textContent)";
    let shown = visit.page.eval(texts);
    let wanted: Vec<_> = client.snippets.iter().map(|one| &*one.text).collect();
    assert_eq!(shown, json!(wanted));
    assert!(wanted[0].contains(&format!("{}/mcp", visit.server.url())));
    // What is copied is the text and nothing else.
    visit
        .page
        .eval("navigator.clipboard.writeText = async (text) => { window.__copied = text; }; 1");
    visit.page.click(".snippet button", "Copy");
    visit.page.finds(".snippet button", "Copied");
    assert_eq!(visit.page.eval("window.__copied"), json!(wanted[0]));
    assert_eq!(visit.page.at(), "/settings?tab=clients&client=claude-code");
    visit.page.screenshots("client");
    visit.page.assert_quiet();
}

#[test]
fn what_is_kept_and_who_is_alive_is_shown_as_it_is_set() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/settings?tab=server");
    let settings: Settings = visit.server.get("/api/settings").ok();
    let days = format!("{} days", settings.retention.events_days);
    visit.page.finds("dl > div", &format!("Events{days}"));
    let stale = settings.liveness.stale_after_seconds;
    visit
        .page
        .finds("dl > div", &format!("Stale after{stale} s, 5 min"));
    visit.page.screenshots("server");
    visit.page.assert_quiet();
}

#[test]
fn what_is_not_there_says_so() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/nothing");
    visit.page.finds("h1", "no such page");
    visit.go("/agents?agent=shop/nobody");
    visit.page.finds(".detail", "no such agent");
    visit.go("/events?at=99999");
    visit.page.finds(".detail", "not among those");
    visit.page.assert_quiet();
}
