//! Claude Code asks, a person decides on the dashboard, and it goes on.

use coro_tests::browser::Visit;
use serde_json::Value;

use crate::install::Packages;
use crate::model::{Model, Script};
use crate::together;
use crate::workplace::Workplace;

#[test]
fn a_request_is_decided_on_the_page_and_the_agent_goes_on() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let model = Model::start(
        Script::new()
            .bash("coro-cli request 'Use PostgreSQL?' --wait 100s")
            .expect("yes")
            .bash("coro-cli state set shop/database --data '\"postgres\"'")
            .expect("v1")
            .say("It is PostgreSQL."),
    );
    let place = Workplace::new();
    std::fs::create_dir(place.project().join(".git")).expect("a new folder");
    let Visit { page, server, .. } = &mut visit;
    let output = std::thread::scope(|scope| {
        let alice = scope.spawn(|| together::run(packages, server, &place, "alice", &model));
        page.finds(".card", "Use PostgreSQL?");
        page.finds(".card .decide button", "yes");
        page.screenshot("request-of-claude-light");
        page.press("y");
        page.finds(".notice", "R-1 is decided: yes");
        alice.join().expect("she ends")
    });
    model.finish();
    let end = output.events().pop().expect("a result");
    assert_eq!(end["result"], "It is PostgreSQL.", "{end}");
    assert_eq!(visit.server.value("shop/database"), r#""postgres""#);
    let request: Value = visit.server.get("/api/requests/R-1").ok();
    assert_eq!(request["asked_by"], "agent:alice", "{request}");
    visit.page.assert_quiet();
}
