//! What is not as the page left it: clocks, the log, its own session.

use coro_api::dashboard::DashboardCode;
use coro_api::requests::Request;
use coro_tests::browser::Visit;
use serde_json::{Value, json};

/// An hour, in seconds.
const HOUR: i64 = 3600;

#[test]
fn a_clock_that_differs_changes_no_distance() {
    for off in [HOUR, -HOUR] {
        let Some(mut visit) = Visit::before_sign_in() else {
            return;
        };
        visit.page.clock_is_off(off);
        visit.sign_in();
        ask(&visit);
        visit.page.finds(".card time", "in 23 h");
        visit.server.set("shop/plan", "1");
        visit.go("/state?key=shop/plan");
        for part in ["time", ".detail time"] {
            visit.page.finds(part, "");
        }
        // Nothing that was just written is an hour old, or of the future.
        visit.page.wait_for(
            "[...document.querySelectorAll('time')].length > 0 && \
             [...document.querySelectorAll('time')].every((one) => /^(now|just now|\\d+ s ago)$/.test(one.textContent))",
        );
        visit.page.assert_quiet();
    }
}

#[test]
fn a_log_that_was_cut_while_the_page_was_away_says_so() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/before", "1");
    visit.go("/events");
    visit.page.finds("[role=row]", "shop/before");
    let seen = visit.server.revision();
    // It is kept away until the log behind it is gone.
    visit.server.kill();
    visit.page.finds(".live", "Reconnecting");
    visit.page.offline(true);
    visit.server.start_again();
    for n in 0..5 {
        visit.server.set(&format!("shop/missed{n}"), "1");
    }
    visit.server.compact(visit.server.revision());
    visit.server.set("shop/after", "1");
    visit.page.offline(false);
    visit.page.finds(".gap", &format!("after revision {seen}"));
    visit.page.finds(".live", "Live");
    visit.page.finds("[role=row]", "shop/after");
    // What was before the hole does not stand beside what comes after it.
    visit.page.misses("[role=row]", "shop/before");
    visit.server.set("shop/live", "1");
    visit.page.finds("[role=row]", "shop/live");
    visit.go("/state");
    for key in ["before", "missed4", "after", "live"] {
        visit.page.finds("[role=row]", key);
    }
    visit.page.click(".gap button", "Close");
    visit.page.misses(".gap", "");
}

#[test]
fn a_session_that_expires_says_how_to_go_on_and_loses_no_draft() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let number = ask(&visit);
    let path = format!("/requests?request={number}");
    visit.go(&path);
    let field = ".decide input";
    visit.page.finds(field, "");
    visit
        .page
        .eval("document.querySelector('.decide input').focus()");
    visit.page.write("ten writes a second");
    visit.server.advance_seconds(13 * HOUR);
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds("[role=alert]", "ended");
    visit.page.finds("[role=alert]", "coro-cli dashboard");
    visit.page.screenshot("session-ended-light");
    let request: Request = visit.server.get(&format!("/api/requests/{number}")).ok();
    assert_eq!(request.decision, None);

    // The command opens another tab; this one goes on where it was.
    let code: DashboardCode = visit
        .server
        .owner()
        .post_nothing("/api/dashboard/codes")
        .ok();
    let mut tab = visit.page.tab();
    tab.open(&code.url);
    tab.finds(".live", "Live");
    visit.page.finds(field, "ten writes a second");
    assert_eq!(visit.page.at(), path);
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds(".detail", "Decided by");
    visit.page.misses(".notice", "ended");
    let request: Value = visit.server.get(&format!("/api/requests/{number}")).ok();
    assert_eq!(request["why"], "ten writes a second");
    let kept = "Object.keys(sessionStorage).filter((name) => name.startsWith('coro.draft'))";
    assert_eq!(visit.page.eval(kept), json!([]));
}

#[test]
fn a_dialog_keeps_what_was_typed_when_the_session_ends() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/tasks");
    visit.page.click("button", "New task");
    visit.page.finds("dialog", "New task");
    visit.page.write("Write the notes");
    visit.server.delete("/api/dashboard/sessions").ok::<Value>();
    visit.page.press("Enter");
    visit.page.finds("h1", "Sign in");
    let url = visit.code();
    visit.page.open(&url);
    visit.page.finds(".live", "Live");
    visit.go("/tasks");
    visit.page.finds("h1", "Tasks");
    visit.page.click("button", "New task");
    visit
        .page
        .finds("dialog input[name=title]", "Write the notes");
    visit.page.press("Enter");
    visit.page.finds(".detail", "Write the notes");
}

/// A question of an agent.
fn ask(visit: &Visit) -> String {
    let agent = visit.server.agent("backend");
    let request: Request = agent
        .post("/api/requests", json!({"title": "Use PostgreSQL?"}))
        .ok();
    request.number.to_string()
}
