//! A server that goes away and comes back.

use serde_json::json;

use coro_tests::browser::Visit;

#[test]
fn a_restart_loses_and_doubles_no_entry() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/events?topic=shop.*");
    for n in 0..20 {
        visit.server.publish("shop.step", json!(n));
    }
    visit.page.finds(".count", "20 entries");
    visit.server.kill();
    visit.page.finds(".live", "Reconnecting");
    visit.server.start_again();
    for n in 20..40 {
        visit.server.publish("shop.step", json!(n));
    }
    visit.page.finds(".live", "Live");
    visit.page.finds(".count", "40 entries");
    // In order, each once.
    let data = visit.page.eval(
        "[...document.querySelectorAll('.row [role=gridcell]:last-child')].map((one) => Number(one.textContent))",
    );
    let revisions: Vec<i64> = serde_json::from_value(data).expect("numbers");
    assert!(
        revisions.windows(2).all(|two| two[0] == two[1] + 1),
        "{revisions:?}"
    );
}

#[test]
fn an_answer_that_does_not_come_says_so_and_is_read_again() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.go("/state");
    visit.page.finds("[role=row]", "plan");
    visit.go("/");
    visit.server.stop();
    visit.page.finds(".live", "Reconnecting");
    visit.go("/state");
    visit.page.finds("[role=alert]", "does not answer");
    visit.server.start_again();
    visit.page.finds("[role=row]", "plan");
    visit.page.misses("[role=alert]", "");
}
