//! Passkeys, with an authenticator that Chromium plays: set at first use, used
//! to decide, added and removed.

use coro_api::humans::Human;
use coro_api::requests::Request;
use coro_tests::browser::{PASSPHRASE, Visit};
use serde_json::{Value, json};

use crate::accessible::check;
use crate::packages::axe;

#[test]
fn a_passkey_is_set_at_first_use_and_decides() {
    let Some(mut visit) = Visit::start_named() else {
        return;
    };
    visit.page.add_authenticator(true);
    let number = ask(&visit);
    visit.go(&format!("/requests?request={number}"));
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds("dialog", "Set a passkey or a passphrase");
    visit.page.screenshot("passkey-first-light");
    visit.page.fill("dialog input[name=name]", "ada");
    visit.page.click("dialog button", "Make a passkey");
    visit.page.finds(".notice", "is decided: yes");
    assert_eq!(decided_by(&visit, &number), "human:ada");

    visit.page.click(".page-tools button", "Lock");
    let number = ask(&visit);
    visit.go(&format!("/requests?request={number}"));
    visit.page.click(".detail .decide button", "yes");
    visit.page.finds("dialog button", "Use a passkey");
    visit.page.misses("dialog", "Passphrase");
    visit.page.screenshot("passkey-use-light");
    visit.page.click("dialog button", "Use a passkey");
    visit
        .page
        .finds(".notice", &format!("{number} is decided: yes"));
    assert_eq!(decided_by(&visit, &number), "human:ada");
    visit.page.assert_quiet();
}

#[test]
fn a_device_that_can_not_tell_who_it_is_sets_nothing() {
    let Some(mut visit) = Visit::start_named() else {
        return;
    };
    let touched = visit.page.add_authenticator(false);
    visit.go("/settings?tab=humans");
    visit.page.click(".empty button", "Set who you are");
    visit.page.click("dialog button", "Make a passkey");
    assert_eq!(humans(&visit).len(), 0, "who has no name makes none");
    visit.page.fill("dialog input[name=name]", "ada");
    visit.page.click("dialog button", "Make a passkey");
    visit.page.finds("dialog [role=alert]", "could not tell");
    assert_eq!(humans(&visit).len(), 0);
    let verified = json!({"authenticatorId": touched, "isUserVerified": true});
    visit.page.send("WebAuthn.setUserVerified", verified);
    visit.page.click("dialog button", "Make a passkey");
    visit.page.finds(".card", "the first");
    assert_eq!(humans(&visit)[0].passkeys.len(), 1);
}

#[test]
fn passkeys_are_added_and_removed_on_the_page() {
    let Some(mut visit) = Visit::start_named() else {
        return;
    };
    let laptop = visit.page.add_authenticator(true);
    let ada = json!({"name": "ada", "passphrase": PASSPHRASE});
    visit.server.post("/api/humans", ada).ok::<Human>();
    visit.go("/settings?tab=humans");
    visit.page.finds(".card", "once they have unlocked");
    visit.page.click(".card button", "Unlock");
    visit.page.fill("dialog input[name=passphrase]", PASSPHRASE);
    visit.page.click("dialog button", "Unlock");
    add(&mut visit, "laptop");
    visit.page.finds(".card li", "laptop");
    // The device has it, and nothing is made twice.
    add(&mut visit, "again");
    visit.page.finds("dialog [role=alert]", "already");
    visit.page.press("Escape");
    let device = json!({ "authenticatorId": laptop });
    visit
        .page
        .send("WebAuthn.removeVirtualAuthenticator", device);
    visit.page.add_authenticator(true);
    add(&mut visit, "phone");
    visit.page.finds(".card li", "phone");
    visit.page.screenshot("settings-humans-light");
    visit.page.click(".card li button", "Remove: laptop");
    visit.page.click("dialog button", "Remove");
    visit.page.misses(".card li", "laptop");
    let left = humans(&visit);
    assert_eq!(
        (left[0].passkeys.len(), left[0].passkeys[0].name.as_str()),
        (1, "phone")
    );
    visit.page.assert_quiet();
}

#[test]
fn whoever_has_passkeys_only_sets_a_passphrase_on_the_page() {
    let Some(mut visit) = Visit::start_named() else {
        return;
    };
    visit.page.add_authenticator(true);
    visit.go("/settings?tab=humans");
    visit.page.click(".empty button", "Set who you are");
    visit.page.fill("dialog input[name=name]", "ada");
    visit.page.click("dialog button", "Make a passkey");
    visit.page.click(".card li button", "Remove: the first");
    visit.page.click("dialog button", "Remove");
    visit.page.finds(".notice-error", "only way");
    visit.page.press("Escape");
    visit.page.misses("dialog", "");
    let list = visit.cli().ok(&["humans", "list"]);
    assert!(list.contains("\t-\t1"), "{list}");
    visit.page.click(".card li button", "Set a passphrase");
    visit.page.fill("dialog input[name=passphrase]", PASSPHRASE);
    visit.page.fill("dialog input[name=again]", PASSPHRASE);
    visit.page.click("dialog button", "Set it");
    visit.page.finds(".notice", "The passphrase is set");
    let unlock = json!({ "passphrase": PASSPHRASE });
    visit
        .server
        .post("/api/humans/unlock", unlock)
        .ok::<Value>();
}

#[test]
fn an_address_without_a_name_says_how_to_get_passkeys() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.page.add_authenticator(true);
    visit.go("/settings?tab=humans");
    visit
        .page
        .finds(".empty", "--dashboard-url http://localhost");
    visit.page.click(".empty button", "Set who you are");
    visit
        .page
        .finds("dialog", "--dashboard-url http://localhost");
    visit.page.misses("dialog button", "passkey");
}

#[test]
fn no_dialog_of_passkeys_violates_a_rule() {
    let (Some(axe), Some(mut visit)) = (axe(), Visit::start_named()) else {
        return;
    };
    visit.page.eval(&axe);
    visit.page.add_authenticator(true);
    let mut found = Vec::new();
    visit.go("/settings?tab=humans");
    visit.page.click(".empty button", "Set who you are");
    visit.page.finds("dialog button", "Make a passkey");
    found.extend(check(&mut visit, "first use"));
    visit.page.fill("dialog input[name=name]", "ada");
    visit.page.click("dialog button", "Make a passkey");
    visit.page.finds(".card li", "the first");
    for theme in ["light", "dark"] {
        visit.page.theme(theme);
        found.extend(check(&mut visit, "humans"));
        visit.page.click(".card button", "Add a passkey");
        visit.page.finds("dialog", "What you call it");
        found.extend(check(&mut visit, "add a passkey"));
        visit.page.press("Escape");
        visit.page.misses("dialog", "");
    }
    visit.go("/requests");
    visit.page.click(".page-tools button", "Lock");
    visit.page.click(".page-tools button", "Unlock");
    visit.page.finds("dialog button", "Use a passkey");
    found.extend(check(&mut visit, "unlock"));
    assert!(found.is_empty(), "{found:#?}");
}

/// Asks for what is protected; gives its number.
fn ask(visit: &Visit) -> String {
    let request = json!({"title": "A new rule", "kind": "rule"});
    let request: Request = visit.server.post("/api/requests", request).ok();
    request.number.to_string()
}

fn decided_by(visit: &Visit, number: &str) -> String {
    let request: Request = visit.server.get(&format!("/api/requests/{number}")).ok();
    request.decided_by.expect("it is decided")
}

fn humans(visit: &Visit) -> Vec<Human> {
    visit.server.get("/api/humans").ok()
}

#[track_caller]
fn add(visit: &mut Visit, name: &str) {
    visit.page.click(".card button", "Add a passkey");
    visit.page.fill("dialog input[name=called]", name);
    visit.page.click("dialog button", "Make a passkey");
}
