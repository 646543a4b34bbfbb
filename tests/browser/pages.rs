//! Agents and settings: each page's main action.

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
