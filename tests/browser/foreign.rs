//! Pages that are not ours, in the browser that is signed in: one on another
//! port of the same host, and one under a name that leads here.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use coro_tests::browser::{Page, Visit};
use coro_tests::{Client, OtherServer};
use serde_json::{Value, json};

/// A name that Chromium is told to look up as this machine's.
const REBOUND: &str = "evil.test";

/// A page of somebody else on this host. It ends with this value.
#[derive(Debug)]
struct Foreign {
    server: OtherServer,
    cookies: Arc<Mutex<Vec<String>>>,
}

impl Foreign {
    fn start() -> Foreign {
        let cookies = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(page).with_state(cookies.clone());
        Foreign {
            server: OtherServer::start(app),
            cookies,
        }
    }

    /// The cookies that the browser sent it.
    fn cookies(&self) -> Vec<String> {
        self.cookies.lock().expect("no panic while held").clone()
    }
}

async fn page(
    State(cookies): State<Arc<Mutex<Vec<String>>>>,
    headers: HeaderMap,
) -> Html<&'static str> {
    let sent = headers
        .get("cookie")
        .and_then(|cookie| cookie.to_str().ok());
    let mut cookies = cookies.lock().expect("no panic while held");
    cookies.extend(sent.map(str::to_owned));
    Html("<!doctype html><title>other</title><p>other</p>")
}

#[test]
fn a_page_on_another_port_gets_nothing_and_changes_nothing() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let foreign = Foreign::start();
    visit.server.set("shop/plan", r#"{"secret": 1}"#);
    visit.page.finds(".live-revision", "");
    let revision = visit.server.revision();
    let mut other = visit.page.tab();
    other.open(&foreign.server.url);
    other.sees("other");
    for attempt in [fetches(&visit.url), writes(&visit.url)] {
        let got = other.eval(&attempt);
        assert_eq!(got, json!([]), "{attempt}");
    }
    for protocols in ["[]", "['coro']", "['coro', 'key.guess']"] {
        let opened = other.eval(&format!(
            "new Promise((done) => {{ const socket = new WebSocket('{}/api/events/subscribe?from=0', {protocols}); \
             socket.onopen = () => done('open'); socket.onmessage = (told) => done(told.data); \
             socket.onclose = () => done('closed'); }})",
            visit.url.replace("http:", "ws:")
        ));
        assert_eq!(opened, "closed", "{protocols}");
    }
    // Where nothing protects it a script of anywhere loads.
    let own = included("script", "src", &foreign.server.url);
    assert_eq!(other.eval(&own), "loaded");
    for path in ["/api/state", "/api/whoami", "/session", "/app.js"] {
        for (element, source) in [("script", "src"), ("img", "src"), ("link", "href")] {
            let loaded = other.eval(&included(element, source, &format!("{}{path}", visit.url)));
            assert_eq!(loaded, "refused", "{element} {path}");
        }
    }
    framed(&mut other, &visit.url);
    assert_unchanged(&mut visit, revision);
}

#[test]
fn forms_of_a_page_on_another_port_change_nothing() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let foreign = Foreign::start();
    let revision = visit.server.revision();
    let mut other = visit.page.tab();
    for (kind, name, value) in [
        ("text/plain", r#"{"title": "evil", "body": ""#, r#""}"#),
        ("application/x-www-form-urlencoded", "title", "evil"),
        ("multipart/form-data", "title", "evil"),
    ] {
        for path in [
            "/api/tasks",
            "/session",
            "/api/dashboard/codes",
            "/api/tokens",
        ] {
            other.open(&foreign.server.url);
            let action = format!("{}{path}", visit.url);
            other.eval(&format!(
                "(() => {{ const form = document.createElement('form'); form.method = 'post'; \
                 form.action = {}; form.enctype = {}; const field = document.createElement('input'); \
                 field.name = {}; field.value = {}; form.append(field); document.body.append(form); \
                 form.submit(); }})()",
                json!(action), json!(kind), json!(name), json!(value)
            ));
            other.wait_for(&format!(
                "location.href === {} && document.readyState === 'complete'",
                json!(action)
            ));
            let shown = other.eval("document.body.innerText");
            let shown: Value =
                serde_json::from_str(shown.as_str().expect("text")).expect("a problem");
            assert_eq!(shown["status"], 403, "{path}: {shown}");
        }
    }
    assert_unchanged(&mut visit, revision);
}

#[test]
fn the_cookie_alone_opens_nothing_for_who_has_been_sent_it() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let foreign = Foreign::start();
    let revision = visit.server.revision();
    let mut other = visit.page.tab();
    other.open(&foreign.server.url);
    other.sees("other");
    // Cookies know no ports: the program behind the other page has it.
    let cookies = foreign.cookies();
    let cookie = cookies.first().expect("a cookie");
    assert!(cookie.starts_with("coro_session_"), "{cookie}");
    assert_eq!(other.eval("document.cookie"), "");
    let thief = Client::new(&visit.url, None);
    for path in [
        "/session",
        "/api/state",
        "/api/whoami",
        "/api/events?from=0",
    ] {
        let answer = thief.get(path).header("Cookie", cookie).send();
        assert_eq!(answer.status, 401, "{path}");
    }
    let task = thief.post("/api/tasks", json!({"title": "evil"}));
    assert_eq!(task.header("Cookie", cookie).send().status, 401);
    assert_unchanged(&mut visit, revision);
}

#[test]
fn a_name_that_leads_here_shows_nothing_and_signs_nobody_in() {
    let rules = format!("--host-resolver-rules=MAP {REBOUND} 127.0.0.1");
    let Some(page) = Page::with_arguments(&[&rules]) else {
        return;
    };
    let Some(mut visit) = Visit::before_sign_in() else {
        return;
    };
    visit.page = page;
    let rebound = visit.url.replace("127.0.0.1", REBOUND);
    let code = visit.code();
    visit
        .page
        .open(&code.replace(&visit.url, &format!("{rebound}/")));
    visit.page.misses("#app", "");
    let shown = visit.page.eval("document.body.innerText");
    let shown: Value = serde_json::from_str(shown.as_str().expect("text")).expect("a problem");
    assert_eq!(shown["status"], 403, "{shown}");
    for path in ["/session", "/api/state", "/api/whoami", "/app.js"] {
        let status = visit.page.eval(&format!(
            "fetch('{path}', {{credentials: 'include'}}).then((answer) => answer.status)"
        ));
        assert_eq!(status, 403, "{path}");
    }
    let (_, secret) = code.split_once("#code=").expect("a code");
    let status = visit.page.eval(&format!(
        "fetch('/session', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, \
         body: JSON.stringify({{code: '{secret}'}})}}).then((answer) => answer.status)"
    ));
    assert_eq!(status, 403);
    // The code is as good as before.
    visit.page.open(&code);
    visit.page.finds(".live", "Live");
}

/// What scripts can ask for: an answer that is readable, or says that it was
/// not refused, is told.
fn fetches(dashboard: &str) -> String {
    format!(
        "Promise.all(['/session', '/api/whoami', '/api/state', '/api/state/shop/plan', '/api/events?from=0', '/app.js', '/'] \
         .flatMap((path) => ['cors', 'no-cors'].map((mode) => fetch('{dashboard}' + path, {{credentials: 'include', mode}}) \
         .then(async (answer) => [path, mode, answer.status, await answer.text()], () => null)))) \
         .then((all) => all.filter((one) => one && (one[2] !== 0 || one[3] !== '')))"
    )
}

/// What scripts can send without being asked first, and with.
fn writes(dashboard: &str) -> String {
    format!(
        "Promise.all([['POST', '/api/tasks'], ['PUT', '/api/state/shop/plan'], ['DELETE', '/session'], ['POST', '/session'], \
         ['POST', '/api/dashboard/codes'], ['DELETE', '/api/dashboard/sessions']] \
         .flatMap(([method, path]) => [{{}}, {{'Content-Type': 'application/json'}}, {{'Coro-Session-Key': 'guess'}}] \
         .map((headers) => fetch('{dashboard}' + path, {{method, headers, credentials: 'include', \
         body: JSON.stringify({{title: 'evil'}})}}).then((answer) => [path, answer.status], () => null)))) \
         .then((all) => all.concat(navigator.sendBeacon('{dashboard}/api/tasks', '{{\"title\": \"evil\"}}') ? [] : ['beacon'])) \
         .then((all) => all.filter((one) => one))"
    )
}

/// Whether an element can load something.
fn included(element: &str, source: &str, url: &str) -> String {
    format!(
        "new Promise((done) => {{ const one = document.createElement('{element}'); \
         if ('rel' in one) one.rel = 'stylesheet'; \
         one.onload = () => done('loaded'); one.onerror = () => done('refused'); \
         one.{source} = '{url}'; document.body.append(one); }})"
    )
}

/// A frame of the dashboard shows the browser's page of an error.
#[track_caller]
fn framed(other: &mut Page, dashboard: &str) {
    other.eval(&format!(
        "new Promise((done) => {{ const frame = document.createElement('iframe'); frame.src = '{dashboard}/'; \
         frame.onload = () => done(true); document.body.append(frame); }})"
    ));
    let tree = other.send("Page.getFrameTree", json!({}));
    let frame = &tree["frameTree"]["childFrames"][0]["frame"];
    assert_eq!(frame["url"], "chrome-error://chromewebdata/", "{tree}");
    assert!(
        frame["unreachableUrl"]
            .as_str()
            .is_some_and(|url| url.starts_with(dashboard)),
        "{tree}"
    );
}

/// Nothing was done, and whoever is signed in still is.
#[track_caller]
fn assert_unchanged(visit: &mut Visit, revision: i64) {
    let after = visit.server.owner().history(&format!("after={revision}"));
    let done = after
        .iter()
        .find(|event| event.topic != "coro.dashboard.refused");
    assert!(done.is_none(), "{done:?}");
    visit.page.open(&visit.url.clone());
    visit.page.finds(".live", "Live");
    visit.page.assert_quiet();
}
