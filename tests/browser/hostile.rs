//! What agents write is data: it never runs, and never misleads.

use coro_api::requests::Request;
use coro_tests::Client;
use serde_json::{Value, json};

use coro_tests::browser::Visit;

/// Does something visible to a test if it is ever taken for markup.
const MARKUP: &str =
    r#"<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>"#;

#[test]
fn markup_stays_text_in_every_field() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let new = json!({"name": MARKUP.replace('/', "|"), "project": "shop", "intent": MARKUP, "workspace": MARKUP,
        "stack": MARKUP, "capabilities": [MARKUP], "client": MARKUP});
    let (_, agent) = visit.server.register(new);
    visit.server.set("shop/page.html", MARKUP);
    visit
        .server
        .set("shop/plan", json!({ MARKUP: MARKUP }).to_string());
    visit.server.publish("shop.x", json!({ MARKUP: MARKUP }));
    let name = coro_tests::encode(&agent.name);
    for (path, shown) in [
        ("/", "onerror"),
        ("/events", "onerror"),
        ("/agents", "onerror"),
        (format!("/agents?agent=shop/{name}").as_str(), "onerror"),
        ("/state?key=shop/page.html", "onerror"),
        ("/state?key=shop/plan", "onerror"),
        ("/state?key=shop/plan&view=history", "onerror"),
        ("/settings", "onerror"),
    ] {
        visit.go(path);
        visit.page.wait_for("!document.querySelector('.loading')");
        visit.page.sees(shown);
        assert_inert(&mut visit, path);
    }
    visit.page.screenshot("hostile-light");
    visit.page.assert_quiet();
}

#[test]
fn markup_stays_text_in_what_agents_work_with() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    work(&visit);
    for (path, parts) in [
        ("/", &[".request-head", ".card-list .grow"][..]),
        ("/tasks", &[".task-card"]),
        ("/tasks?view=list", &["[role=row]"]),
        (
            "/tasks?task=T-1",
            &[".body", ".well", ".tag", ".timeline", ".facts", ".graph"],
        ),
        ("/tasks?task=T-2", &[".graph", ".flow a"]),
        ("/requests?tab=all", &["[role=row]"]),
        (
            "/requests?request=R-1",
            &[".detail h2", ".body", ".json", ".decide button"],
        ),
        ("/requests?request=R-2", &[".detail h2", ".facts"]),
        ("/messages", &["[role=row]"]),
        // The first one tells who has asked what became of R-2.
        ("/messages?message=M-1", &[".body"]),
        ("/messages?message=M-2", &[".body"]),
        ("/messages?message=M-3", &[".body", ".json"]),
        ("/messages?message=M-5", &[".body", ".detail section p"]),
        (
            "/leases?lease=L-2",
            &["[role=row]", ".detail h2", ".detail p"],
        ),
        ("/settings", &["[role=row]"]),
        ("/events", &["[role=row]"]),
    ] {
        visit.go(path);
        for part in parts {
            visit.page.finds(part, "onerror");
        }
        assert_inert(&mut visit, path);
    }
    visit.page.assert_quiet();
}

/// Markup in every field of tasks, requests, messages, leases, pauses and tokens.
fn work(visit: &Visit) {
    let agent = |name: &str| {
        let (client, _) = visit
            .server
            .register(json!({"name": name, "project": "shop"}));
        let activate = client.post_nothing("/api/instances/self/activate");
        activate.send().expect(200);
        client
    };
    let (backend, frontend) = (agent("backend"), agent("frontend"));
    let post = |client: &Client, path: &str, body: Value| {
        client.post(path, body).send().expect(200);
    };
    let owner = visit.server.owner();
    let task = json!({"title": MARKUP, "body": MARKUP, "labels": [MARKUP], "paths": [MARKUP], "project": "shop"});
    post(&owner, "/api/tasks", task);
    let next = json!({"title": MARKUP, "depends_on": ["T-1"], "project": "shop"});
    post(&owner, "/api/tasks", next);
    post(&backend, "/api/tasks/next", json!({}));
    post(&backend, "/api/tasks/T-1/note", json!({ "text": MARKUP }));
    post(&backend, "/api/tasks/T-1/done", json!({ "result": MARKUP }));

    let asked = json!({"title": MARKUP, "body": MARKUP, "options": [MARKUP, "no"], "detail": { MARKUP: MARKUP }});
    post(&backend, "/api/requests", asked);
    let plain: Request = backend
        .post("/api/requests", json!({ "title": MARKUP }))
        .ok();
    let no = json!({"option": "no", "digest": plain.digest, "why": MARKUP});
    post(&owner, "/api/requests/R-2/decide", no);

    let message = json!({"to": "frontend", "text": MARKUP});
    post(&backend, "/api/messages", message);
    // Where an answer does not fit, the reason names the place.
    let numbers = json!({"additionalProperties": {"type": "integer"}});
    let answer = json!({ MARKUP: MARKUP });
    for (schema, number, tries) in [(json!({}), "M-3", 1), (numbers, "M-5", 2)] {
        let ask = json!({"to": "frontend", "prompt": MARKUP, "schema": schema});
        post(&backend, "/api/asks", ask);
        for _ in 0..tries {
            let path = format!("/api/messages/{number}/answer");
            frontend.post(&path, json!({ "answer": answer })).send();
        }
    }
    let lease = json!({"pattern": MARKUP, "reason": MARKUP});
    post(&backend, "/api/leases", lease);
    let pause = json!({"agent": "frontend", "project": "shop", "reason": MARKUP});
    post(&owner, "/api/pauses", pause);
    let token = json!({"name": MARKUP.replace('/', "|"), "role": "viewer", "kind": "service"});
    post(&owner, "/api/tokens", token);
}

/// Nothing of the markup has become part of the page, or has run.
#[track_caller]
fn assert_inert(visit: &mut Visit, path: &str) {
    let inert = "!window.hacked && !document.querySelector('#app img[src=x], #app b, #app script')";
    assert_eq!(visit.page.eval(inert), true, "{path}");
}

#[test]
fn stored_html_that_is_opened_by_itself_does_not_run() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let request = visit.server.put(
        "/api/state/shop/page.html",
        "<script>document.title='hacked'</script>",
    );
    request
        .header("Content-Type", "text/html")
        .send()
        .expect(200);
    // Even with the session's key, which a navigation can't send.
    let kind = visit.page.eval(
        "fetch('/api/state/shop/page.html', {headers: {'Coro-Session-Key': localStorage.getItem('coro.key')}}) \
         .then((answer) => [answer.status, answer.headers.get('content-type'), answer.headers.get('content-disposition')])",
    );
    assert_eq!(kind, json!([200, "application/octet-stream", "attachment"]));
}

#[test]
fn what_turns_or_hides_text_is_shown_by_its_number() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let text = "safe\u{202E}gnp.exe\u{200B} \u{1b}[31mred\u{7} end";
    visit.server.set("shop/notes", text);
    visit.server.publish("shop.x", json!({ "said": text }));
    visit.go("/state?key=shop/notes");
    for odd in ["U+202E", "U+200B", "U+001B", "U+0007"] {
        visit.page.finds(".value .odd", odd);
    }
    visit.go("/events?topic=shop.x");
    visit.page.click("[role=row]", "shop.x");
    visit.page.finds(".detail .json .odd", "U+202E");
    visit.page.assert_quiet();
}

#[test]
fn huge_lines_and_deep_values_do_not_break_the_page() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit
        .server
        .set("shop/deep", "[".repeat(20_000) + &"]".repeat(20_000));
    visit.server.set("shop/line", "wide ".repeat(40_000));
    visit.server.set(
        "shop/many",
        json!((0..20_000).collect::<Vec<_>>()).to_string(),
    );
    visit
        .server
        .publish("shop.huge", json!("x".repeat(300_000)));
    for key in ["shop/deep", "shop/line", "shop/many"] {
        visit.go(&format!("/state?key={key}"));
        visit.page.finds(".value", "Bytes");
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(visit.page.eval(fits), true, "{key}");
    }
    visit.go("/events?topic=shop.huge");
    visit.page.click("[role=row]", "shop.huge");
    visit.page.finds(".detail .json-text", "xxx");
    visit.page.assert_quiet();
}

#[test]
fn a_link_out_of_the_page_is_never_made() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    visit.server.set(
        "shop/links",
        r#"{"a": "https://example.org", "b": "javascript:alert(1)"}"#,
    );
    visit.go("/state?key=shop/links");
    visit.page.finds(".json-text", "javascript:alert(1)");
    let links = visit
        .page
        .eval("[...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))");
    let links: Vec<String> = serde_json::from_value(links).expect("texts");
    assert!(
        links
            .iter()
            .all(|link| link.starts_with('/') && !link.starts_with("//") || link == "#main"),
        "{links:?}"
    );
    let value: Value = visit.server.get("/api/state/shop/links").ok();
    assert_eq!(value["b"], "javascript:alert(1)");
}
