//! The page over TLS: loaded, signed in, and live.

use coro_tests::browser::Page;
use coro_tests::{Engine, Options};
use serde_json::json;

#[test]
fn over_tls_the_page_signs_in_and_is_live() {
    // The certificate signs itself; all else is as everywhere.
    let Some(mut page) = Page::with_arguments(&["--ignore-certificate-errors"]) else {
        return;
    };
    let options = Options::new(Engine::Sqlite).with_tls().with_dashboard();
    let server = options.start();
    let code = server.code_of(&server.owner());
    page.open(&format!("{}/#code={code}", server.dashboard_url()));
    page.finds(".live", "Live");
    page.go("/events");
    server.publish("shop.over_tls", json!(1));
    page.finds("[role=row]", "shop.over_tls");
    let cookies = page.send("Network.getCookies", json!({}));
    let cookie = &cookies["cookies"][0];
    assert_eq!(
        (&cookie["secure"], &cookie["httpOnly"], &cookie["sameSite"]),
        (&json!(true), &json!(true), &json!("Strict")),
        "{cookies}"
    );
    page.assert_quiet();
}
