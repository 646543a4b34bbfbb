//! Coming in, and being refused.

use coro_api::dashboard::DashboardCode;
use serde_json::{Value, json};

use coro_tests::browser::{PASSPHRASE, Page, Visit};

#[test]
fn a_code_opens_the_page_and_leaves_the_address() {
    let Some(mut visit) = Visit::before_sign_in() else {
        return;
    };
    visit.page.open(&visit.url.clone());
    visit.page.finds("h1", "Sign in");
    visit.page.finds("code", "coro-cli dashboard");
    visit.page.screenshot("sign-in-light");
    visit.sign_in();
    assert_eq!(visit.page.at(), "/");
    visit.page.finds(".side-name", "owner");
    // The half that scripts can see is not the cookie.
    assert_eq!(visit.page.eval("document.cookie"), "");
    visit.page.assert_quiet();
}

#[test]
fn the_same_page_is_there_after_a_reload() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit
        .page
        .open(&format!("{}/state?prefix=shop/", visit.url));
    visit.page.finds("h1", "State");
    assert_eq!(visit.page.at(), "/state?prefix=shop/");
}

#[test]
fn a_code_that_was_used_says_what_to_do_next() {
    let Some(mut visit) = Visit::before_sign_in() else {
        return;
    };
    let url = visit.code();
    visit.page.open(&url);
    visit.page.finds(".live", "Live");
    let mut other = Page::new().expect("the first one was found");
    other.open(&url);
    other.finds("[role=alert]", "code");
    other.finds("[role=alert]", "coro-cli dashboard");
    assert_eq!(other.at(), "/");
}

#[test]
fn a_session_that_is_ended_elsewhere_leads_to_the_sign_in() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.delete("/api/dashboard/sessions").ok::<Value>();
    // Whatever is read next is refused.
    visit.go("/agents");
    visit.page.finds("h1", "Sign in");
    assert_eq!(
        visit.page.eval("localStorage.getItem('coro.key')"),
        Value::Null
    );
}

#[test]
fn signing_out_ends_the_session_in_every_tab() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let mut tab = visit.page.tab();
    tab.open(&visit.url.clone());
    tab.finds(".live", "Live");
    visit.page.click("button", "Sign out");
    visit.page.finds("h1", "Sign in");
    tab.finds("h1", "Sign in");
    visit.page.assert_quiet();
}

#[test]
fn another_who_signs_in_is_followed_in_every_tab() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.human("ada");
    visit.go("/requests");
    visit.page.click(".page-tools button", "Unlock");
    visit.unlock(PASSPHRASE);
    visit.page.finds(".page-tools", "Unlocked by ada");
    visit.go("/events");
    visit.server.set("bank/before", "1");
    visit.page.finds("[role=row]", "bank/before");
    let lead = json!({"name": "lead", "role": "controller", "kind": "human", "project": "shop"});
    let lead = visit.server.issue_with(lead);
    let code: DashboardCode = lead.post_nothing("/api/dashboard/codes").ok();
    let mut tab = visit.page.tab();
    tab.open(&code.url);
    tab.finds(".side-name", "lead");
    visit.page.finds(".side-name", "lead");
    visit.page.finds(".live", "Live");
    // Nothing of the owner's is left, and nothing of theirs comes.
    visit.page.misses("[role=row]", "bank/before");
    visit.server.set("bank/after", "1");
    visit.server.set("shop/after", "1");
    visit.page.finds("[role=row]", "shop/after");
    visit.page.misses("[role=row]", "bank/after");
    visit.go("/requests");
    visit.page.finds(".page-tools button", "Unlock");
    visit.page.misses(".page-tools", "Unlocked by");
}

#[test]
fn a_controller_sees_its_project_and_makes_no_tokens() {
    let Some(mut visit) = Visit::before_sign_in() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.server.set("other/plan", "1");
    let lead = json!({"name": "lead", "role": "controller", "kind": "human", "project": "shop"});
    let lead = visit.server.issue_with(lead);
    let code: DashboardCode = lead.post_nothing("/api/dashboard/codes").ok();
    visit.page.open(&code.url);
    visit.go("/state");
    visit.page.finds("[role=row]", "plan");
    visit.page.finds(".count", "1 key");
    visit.go("/settings");
    visit.page.sees("Only the owner");
    visit.page.misses("button", "New token");
    visit.page.assert_quiet();
}
