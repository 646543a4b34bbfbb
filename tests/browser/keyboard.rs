//! The page without a mouse.

use serde_json::json;

use coro_tests::browser::Visit;

#[test]
fn every_page_is_reached_by_keys() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let pages = [
        ("a", "Agents"),
        ("t", "Tasks"),
        ("r", "Requests"),
        ("s", "State"),
        ("e", "Events"),
        ("l", "Leases"),
        ("m", "Messages"),
        (",", "Settings"),
        ("n", "Now"),
    ];
    assert_eq!(visit.page.menu().len(), pages.len());
    for (key, title) in pages {
        visit.page.keys(&["g", key]);
        visit.page.finds("h1", title);
    }
    visit.page.press("?");
    visit.page.finds("dialog", "Keyboard shortcuts");
    visit.page.screenshot("keys-light");
    visit.page.press("Escape");
    visit.page.misses("dialog", "");
    visit.page.assert_quiet();
}

#[test]
fn a_row_is_chosen_opened_and_closed_by_keys() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.publish("shop.one", json!(1));
    visit.server.publish("shop.two", json!(2));
    visit.go("/events?topic=shop.*");
    visit.page.finds("[role=row]", "shop.one");
    visit.page.keys(&["l", "j", "j", "Enter"]);
    visit.page.finds(".detail", "shop.one");
    visit.page.press("k");
    visit.page.finds(".detail", "shop.two");
    visit.page.press("Escape");
    visit.page.misses(".detail", "");
    // The focus is where it was.
    visit.page.press("j");
    visit.page.finds("[aria-selected=true]", "shop.one");
    visit.page.assert_quiet();
}

#[test]
fn a_key_goes_on_from_the_list_of_one_status() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let task = json!({"title": "Build the cart"});
    visit.server.post("/api/tasks", task).send().expect(200);
    visit.page.click(".figures a", "ready");
    visit.page.finds("[role=row]", "Build the cart");
    visit.page.finds(".segments [aria-current]", "List");
    visit.page.press("b");
    visit.page.finds(".segments [aria-current]", "Graph");
    visit.page.press("b");
    visit.page.finds(".task-card", "Build the cart");
    assert_eq!(visit.page.at(), "/tasks");
    visit.page.assert_quiet();
}

#[test]
fn the_palette_finds_keys_agents_and_pages() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set("shop/plan", "1");
    visit.server.agent("frontend");
    visit.page.press("Control+k");
    visit.page.finds("dialog [role=option]", "frontend");
    visit.page.write("shop/pl");
    visit
        .page
        .finds("[role=option][aria-selected=true]", "shop/plan");
    visit.page.screenshot("palette-light");
    visit.page.press("Enter");
    visit.page.finds(".detail", "shop/plan");
    visit.page.misses("dialog", "");
    visit.page.assert_quiet();
}

#[test]
fn typing_is_no_shortcut_and_single_keys_can_be_turned_off() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/state");
    visit.page.finds("h1", "State");
    visit.page.press("/");
    visit.page.keys(&["g", "e"]);
    visit.page.wait_for("location.search === '?prefix=ge'");
    visit.page.press("Escape");
    visit.page.wait_for("location.search === ''");
    visit.page.press("?");
    visit.page.click("label", "Single keys");
    visit.page.press("Escape");
    visit.page.misses("dialog", "");
    visit.page.keys(&["g", "e"]);
    visit.page.press("Control+k");
    visit.page.finds("dialog [role=option]", "Events");
    visit.page.press("Escape");
    visit.page.finds("h1", "State");
}

#[test]
fn a_dialog_keeps_the_focus_and_gives_it_back() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/settings");
    visit.page.finds("button", "New token");
    visit.page.eval("__find('button', 'New token').focus()");
    visit.page.press("Enter");
    visit.page.finds("dialog", "New token");
    for _ in 0..12 {
        visit.page.press("Tab");
        let inside = "document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)";
        assert_eq!(visit.page.eval(inside), true);
    }
    visit.page.press("Escape");
    visit.page.misses("dialog", "");
    visit
        .page
        .wait_for("document.activeElement === __find('button', 'New token')");
}

#[test]
fn the_first_stop_leads_past_the_menu() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.go("/events");
    visit.page.finds("h1", "Events");
    visit.page.press("Tab");
    visit.page.finds("a:focus", "Skip to the page");
    visit.page.press("Enter");
    visit.page.wait_for("document.activeElement.id === 'main'");
}
