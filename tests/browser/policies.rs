//! Who decides what, set on the page.

use coro_api::requests::Policy;
use serde_json::{Value, json};

use coro_tests::browser::{PASSPHRASE, Page, Visit};

#[test]
fn who_decides_is_set_changed_and_removed_with_the_keyboard() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/requests?tab=policy");
    visit.page.finds(".empty", "No policy is set");
    visit.page.press("n");
    visit.page.finds(".detail", "Set who decides");
    let page = &mut visit.page;
    write(page, "project", "shop");
    write(page, "quorum", "2");
    write(page, "deciders", "agent:lead\nhuman:owner");
    page.finds(
        ".source code",
        "coro-cli requests policy --project shop --kind question --quorum 2 --decider agent:lead --decider human:owner",
    );
    write(page, "quorum", "3");
    page.press("Enter");
    page.finds(".detail [role=alert]", "a quorum of 3 can't be met by 2");
    write(page, "quorum", "2");
    page.press("Enter");
    page.finds(".notice", "Who decides is set");
    page.finds("[role=row]", "agent:lead, human:owner");
    page.wait_for("location.search === '?tab=policy&policy=shop/question'");
    assert_eq!(policies(&visit)[0].quorum, 2);
    let page = &mut visit.page;
    write(page, "deputies", "agent:second");
    write(page, "after", "4");
    page.screenshots("policy-edit");
    page.press("Enter");
    page.misses(".detail button", "Discard");
    page.finds(".source code", "--deputies-after 14400s");
    assert_eq!(policies(&visit)[0].deputies_after_seconds, 4 * 3600);
    let page = &mut visit.page;
    page.click(".detail button", "JSON");
    page.finds(".source .json", "deputies_after_seconds");
    page.click(".detail button", "Remove");
    page.click("dialog button", "Remove");
    page.finds(".notice", "The policy is removed");
    page.finds(".empty", "No policy is set");
    assert_eq!(policies(&visit), []);
}

#[test]
fn a_protected_kind_takes_as_many_humans_as_decide() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let ada = json!({"name": "ada", "passphrase": PASSPHRASE});
    visit.server.post("/api/humans", ada.clone()).ok::<Value>();
    let session: Value = visit.server.post("/api/humans/unlock", ada).ok();
    let session = session["session"].as_str().expect("a session");
    let bob = json!({"name": "bob", "passphrase": PASSPHRASE});
    let set = visit.server.post("/api/humans", bob);
    set.header("Coro-Human", session).ok::<Value>();

    visit.go("/requests?tab=policy&policy=shop/rule");
    let page = &mut visit.page;
    page.finds(".detail", "Takes a human.");
    page.finds(".detail", "Humans: ada, bob.");
    write(page, "quorum", "2");
    write(page, "deciders", "ada\nbob");
    page.click(".detail button", "Set it");
    unlock(page, "ada", "not the passphrase");
    page.finds("dialog [role=alert]", "passphrase");
    unlock(page, "ada", PASSPHRASE);
    page.finds("[role=row]", "ada, bob");
    page.finds(".detail", "Takes 2 of those who decide.");
    // One of two is not enough to make it one of one.
    write(page, "quorum", "1");
    page.finds(".source code", "--as ada --as bob");
    page.click(".detail button", "Set it");
    page.finds("dialog", "Unlocked so far: ada.");
    page.screenshots("policy-unlock");
    page.press("Escape");
    page.misses("dialog", "");
    assert_eq!(policies(&visit)[0].quorum, 2);
    let page = &mut visit.page;
    page.click(".detail button", "Set it");
    unlock(page, "bob", PASSPHRASE);
    page.finds(".notice", "Who decides is set");
    page.finds(".detail", "Takes a human.");
    let set = &policies(&visit)[0];
    assert_eq!((set.quorum, set.set_by.as_str()), (1, "human:ada"));
}

#[test]
fn of_two_tabs_that_change_a_policy_the_second_learns_of_the_first() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    set(&visit, 2);
    visit.go("/requests?tab=policy&policy=shop/question");
    visit.page.finds(".detail input[name=quorum]", "2");
    // What nobody has touched follows.
    set(&visit, 3);
    visit.page.finds(".detail input[name=quorum]", "3");
    // What was typed stays, and the page says so.
    let page = &mut visit.page;
    write(page, "quorum", "5");
    let mut other = page.tab();
    other.open(&format!(
        "{}/requests?tab=policy&policy=shop/question",
        visit.url
    ));
    other.finds(".detail input[name=quorum]", "3");
    write(&mut other, "quorum", "4");
    other.press("Enter");
    other.finds(".notice", "Who decides is set");
    let page = &mut visit.page;
    page.finds(".detail .note", "has changed it while you were typing");
    page.finds(".detail input[name=quorum]", "5");
    page.click(".detail button", "Set it");
    page.finds(".detail [role=alert]", "was set by human:owner");
    assert_eq!(policies(&visit)[0].quorum, 4);
    let page = &mut visit.page;
    page.click(".detail button", "Show what holds now");
    page.finds(".detail input[name=quorum]", "4");
    write(page, "quorum", "5");
    page.click(".detail button", "Set it");
    page.finds(".notice", "Who decides is set");
    assert_eq!(policies(&visit)[0].quorum, 5);
}

fn policies(visit: &Visit) -> Vec<Policy> {
    visit.server.get("/api/requests/policies").ok()
}

fn set(visit: &Visit, quorum: i64) {
    let policy = json!({"project": "shop", "kind": "question", "quorum": quorum});
    let owner = visit.server.owner();
    let set = owner.request("PUT", "/api/requests/policies");
    set.json(&policy).ok::<Value>();
}

/// Writes into a field of the policy, in place of what it has.
#[track_caller]
fn write(page: &mut Page, name: &str, text: &str) {
    page.fill(&format!(".detail [name={name}]"), text);
}

#[track_caller]
fn unlock(page: &mut Page, name: &str, passphrase: &str) {
    page.choose("dialog select[name=name]", name);
    page.fill("dialog input[name=passphrase]", passphrase);
    page.click("dialog button", "Unlock");
}
