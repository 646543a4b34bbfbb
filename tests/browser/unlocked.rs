//! How long a human has unlocked the page, and whom it takes for them.

use coro_tests::browser::{PASSPHRASE, Visit};
use serde_json::{Value, json};

use crate::work::{ask, busy};

/// What a human has set elsewhere meanwhile.
const ANOTHER: &str = "tell nobody this one";

#[test]
fn the_page_locks_itself_after_ten_minutes() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    unlocked(&mut visit);
    visit
        .page
        .eval("Date.now = ((now) => () => now() + 601_000)(Date.now); 1");
    visit.page.finds(".page-tools button", "Unlock");
    visit.page.misses(".page-tools", "Unlocked by");
    visit.page.assert_quiet();
}

#[test]
fn a_human_who_was_locked_elsewhere_unlocks_again() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    unlocked(&mut visit);
    let number = ask(&backend, json!({"title": "A new rule", "kind": "rule"}));
    change_passphrase(&visit);
    visit.go(&format!("/requests?request={number}"));
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds("dialog", "A new rule");
    visit.page.misses(".page-tools", "Unlocked by");
    visit.unlock(ANOTHER);
    visit.page.finds(".notice", "R-1 is decided: yes");
    visit.page.finds(".page-tools", "Unlocked by ada");
}

#[test]
fn a_plain_request_needs_nobody_who_was_locked_elsewhere() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let (backend, _) = busy(&visit);
    unlocked(&mut visit);
    let number = ask(&backend, json!({"title": "Use PostgreSQL?"}));
    change_passphrase(&visit);
    visit.go(&format!("/requests?request={number}"));
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds(".notice", "R-1 is decided: yes");
    visit.page.sees("with the page’s own token");
    visit.page.finds(".page-tools button", "Unlock");
}

#[test]
fn each_human_unlocks_on_their_own_card() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.human("ada");
    visit.go("/settings?tab=humans");
    visit.page.finds(".card", "ada");
    // Who is made elsewhere appears.
    let ada: Value = visit
        .server
        .post("/api/humans/unlock", json!({"passphrase": PASSPHRASE}))
        .ok();
    let bob = json!({"name": "bob", "passphrase": PASSPHRASE});
    let made = visit.server.post("/api/humans", bob);
    let made = made.header("Coro-Human", ada["session"].as_str().expect("a session"));
    made.send().expect(200);
    visit.page.click("section[aria-label=bob] button", "Unlock");
    visit.page.finds("dialog select[name=name]", "bob");
    visit.unlock(PASSPHRASE);
    visit.page.finds("section[aria-label=bob] button", "Change");
    visit.page.finds("section[aria-label=ada] button", "Unlock");
}

#[test]
fn a_controller_who_has_unlocked_is_told_who_changes_a_human() {
    let Some(mut visit) = Visit::before_sign_in() else {
        return;
    };
    visit.human("ada");
    visit.sign_in_as(json!({"name": "lead", "role": "controller", "kind": "human"}));
    visit.go("/settings?tab=humans");
    visit.page.finds(".card", "signed in as the owner");
    visit.page.click(".card button", "Unlock");
    visit.unlock(PASSPHRASE);
    visit.page.misses("dialog", "");
    visit.page.misses(".card button", "Unlock");
    visit.page.finds(".card", "signed in as the owner");
}

/// A page of requests that ada has unlocked.
fn unlocked(visit: &mut Visit) {
    visit.human("ada");
    visit.go("/requests");
    visit.page.click(".page-tools button", "Unlock");
    visit.unlock(PASSPHRASE);
    visit.page.finds(".page-tools", "Unlocked by ada");
}

/// Ends all sessions of ada, as her browser elsewhere does.
fn change_passphrase(visit: &Visit) {
    let new = json!({"name": "ada", "passphrase": ANOTHER, "old_passphrase": PASSPHRASE});
    visit.server.post("/api/humans", new).ok::<Value>();
}
