//! The dashboard's listener: its files, signing in, and who gets nothing.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use coro_api::Reason;
use coro_api::agents::RegisteredAgent;
use coro_api::audit::AuditEntry;
use coro_api::dashboard::{DashboardSession, SignedOut};
use coro_api::system::Whoami;
use coro_api::tokens::{IssuedToken, Role};
use coro_tests::{DashboardClient, Engine, Options, Response, Server, WebSocket, each_engine};
use serde_json::json;

each_engine![
    every_answer_is_protected,
    a_code_signs_in_and_the_page_acts_as_its_token,
    a_code_is_good_once,
    a_code_is_good_for_a_minute,
    a_code_ends_with_its_token,
    a_code_that_nobody_made_is_refused_and_tries_are_limited,
    a_sign_in_is_json_and_small,
    sign_ins_and_refusals_are_in_the_audit,
    neither_half_of_a_session_is_enough,
    each_port_takes_its_own_kind_of_credential,
    a_foreign_page_or_name_gets_nothing,
    a_page_on_another_port_gets_nothing_and_changes_nothing,
    stored_content_is_a_download_whatever_it_says,
    agents_and_sessions_make_no_codes,
    codes_are_bounded,
    signing_out_ends_the_session,
    an_owner_ends_all_sessions_and_a_controller_its_own,
    a_session_ends_with_its_token,
    a_session_lasts_while_it_is_used_and_a_week_at_most,
    sessions_survive_a_restart,
    what_is_over_is_forgotten,
    secrets_are_stored_and_logged_nowhere,
    events_come_over_a_websocket_with_both_halves,
    a_stream_ends_with_its_session,
    a_project_stays_a_project,
];

fn start(engine: Engine) -> Server {
    Options::new(engine).with_dashboard().start()
}

#[track_caller]
fn is_protected(answer: &Response) {
    let policy = answer.the("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "no {part}: {answer}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.the(name), value, "{answer}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn the_page_is_served_at_every_address_of_it() {
    let server = start(Engine::Sqlite);
    let visitor = server.visitor();
    let page = visitor.get("/").send().expect(200);
    assert_eq!(page.the("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.the("cache-control"), "no-cache");
    for path in [
        "/index.html",
        "/agents/frontend",
        "/docs",
        "/mcp",
        "/metrics",
    ] {
        let same = visitor.get(path).send().expect(200);
        assert_eq!(same.text_unpacked(), page.text_unpacked(), "{path}");
    }
    let again = visitor.get("/").header("If-None-Match", &page.etag());
    assert!(again.send().expect(304).body.is_empty());
    assert!(visitor.head("/").send().expect(200).body.is_empty());
}

#[test]
fn nothing_else_of_the_folder_is_served() {
    let server = start(Engine::Sqlite);
    let visitor = server.visitor();
    for path in [
        "/nothing.js",
        "/README.md",
        "/types/api.d.ts",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/lib/",
    ] {
        let answer = visitor.get(path).send();
        assert!(matches!(answer.status, 200 | 404), "{answer}");
        assert!(!answer.text_unpacked().contains("[workspace"), "{answer}");
        if path.contains('.') {
            answer.refused(Reason::NotFound);
        }
    }
    visitor.post_nothing("/").refused(Reason::MethodNotAllowed);
    visitor
        .post_nothing("/mcp")
        .refused(Reason::MethodNotAllowed);
    let problem = server.page().get("/api/nothing").refused(Reason::NotFound);
    assert!(problem.detail.contains("/api/nothing"));
}

fn every_answer_is_protected(engine: Engine) {
    let server = start(engine);
    server.set("shop/plan", "1");
    let (visitor, page) = (server.visitor(), server.page());
    for (status, call) in [
        (200, visitor.get("/")),
        (200, visitor.get("/agents/frontend")),
        (404, visitor.get("/nothing.js")),
        (405, visitor.post_nothing("/")),
        (401, visitor.get("/session")),
        (401, visitor.get("/api/whoami")),
        (401, server.sign_in("wrong")),
        (415, visitor.post_nothing("/session")),
        (403, visitor.get("/").header("Host", "evil.example")),
        (200, page.get("/session")),
        (200, page.get("/api/state")),
        (200, page.get("/api/state/shop/plan")),
        (404, page.get("/api/state/shop/nothing")),
        (404, page.get("/api/nothing")),
        (400, page.get("/api/events/subscribe")),
        (200, page.get("/health")),
    ] {
        is_protected(&call.send().expect(status));
    }
    for path in ["/session", "/api/tokens", "/api/state/shop/plan"] {
        let answer = page.get(path).send().expect(200);
        assert_eq!(answer.the("cache-control"), "no-store", "{answer}");
    }
}

fn a_code_signs_in_and_the_page_acts_as_its_token(engine: Engine) {
    let server = start(engine);
    let code = server.code_of(&server.owner());
    assert_eq!(code.len(), 43);
    let answer = server.sign_in(&code).send().expect(200);
    let cookie = answer.the("set-cookie");
    assert!(cookie.starts_with("coro_session"), "{cookie}");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"));
    let page = DashboardClient::of(&server.visitor(), answer);
    let session: DashboardSession = page.get("/session").ok();
    assert_eq!(
        (session.name.as_str(), session.role),
        ("owner", Role::Owner)
    );
    assert_eq!((session.demo, session.project), (false, None));
    assert_eq!(session.revision, server.revision());
    let written = page.request("PUT", "/api/state/shop/plan").json(&json!(1));
    written.send().expect(200);
    assert_eq!(server.value("shop/plan"), "1");
    let who: Whoami = page.get("/api/whoami").ok();
    assert_eq!((who.name, who.role), ("owner".to_owned(), Role::Owner));
}

fn a_code_is_good_once(engine: Engine) {
    let server = start(engine);
    let code = server.code_of(&server.owner());
    server.sign_in(&code).send().expect(200);
    let problem = server.sign_in(&code).refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("used before"), "{problem:?}");
    assert!(problem.next.expect("a hint").contains("--sign-out-all"));
}

fn a_code_is_good_for_a_minute(engine: Engine) {
    let server = start(engine);
    let (early, late) = (
        server.code_of(&server.owner()),
        server.code_of(&server.owner()),
    );
    server.advance_seconds(55);
    server.sign_in(&early).send().expect(200);
    server.advance_seconds(10);
    let problem = server.sign_in(&late).refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("expired"), "{problem:?}");
}

fn a_code_ends_with_its_token(engine: Engine) {
    let server = start(engine);
    let token = json!({"name": "lead", "role": "controller"});
    let issued: IssuedToken = server.post("/api/tokens", token).ok();
    let code = server.code_of(&server.client(&issued.token));
    let path = format!("/api/tokens/{}", issued.info.id);
    server.delete(&path).send().expect(200);
    let problem = server.sign_in(&code).refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("revoked"), "{problem:?}");
}

fn a_code_that_nobody_made_is_refused_and_tries_are_limited(engine: Engine) {
    let server = start(engine);
    let good = server.code_of(&server.owner());
    let refused = (0..100)
        .map(|_| server.sign_in("wrong").send())
        .find(|answer| answer.status != 401)
        .expect("a limit");
    assert!(refused.the("retry-after").parse::<u64>().expect("seconds") > 0);
    refused.refused(Reason::RateLimited);
    // Who has the code is let in all the same.
    server.sign_in(&good).send().expect(200);
}

fn a_sign_in_is_json_and_small(engine: Engine) {
    let server = start(engine);
    let visitor = server.visitor();
    let code = server.code_of(&server.owner());
    let form = visitor
        .request("POST", "/session")
        .header("Content-Type", "text/plain")
        .body(json!({ "code": code }).to_string());
    form.refused(Reason::UnsupportedMediaType);
    let long = "x".repeat(64 * 1024);
    server.sign_in(&long).refused(Reason::TooLarge);
    for body in [
        json!({}),
        json!({"code": 1}),
        json!([code]),
        json!({"code": code, "as": "x"}),
    ] {
        visitor.post("/session", body).refused(Reason::Invalid);
    }
    visitor
        .request("PUT", "/session")
        .refused(Reason::Unauthenticated);
    server.sign_in(&code).send().expect(200);
}

fn sign_ins_and_refusals_are_in_the_audit(engine: Engine) {
    let server = start(engine);
    let code = server.code_of(&server.owner());
    let page = DashboardClient::of(&server.visitor(), server.sign_in(&code).send());
    server.sign_in(&code).refused(Reason::Unauthenticated);
    server.sign_in("wrong").refused(Reason::Unauthenticated);
    page.request("DELETE", "/session").send().expect(200);
    let entries: Vec<AuditEntry> = server.get("/api/audit?action=dashboard.*").ok();
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            (
                entry.action.as_str(),
                entry.actor.as_str(),
                entry.outcome.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("dashboard.code_created", "human:owner", "success"),
            ("dashboard.signed_in", "human:owner", "success"),
            ("dashboard.refused", "system:coro", "refused"),
            ("dashboard.refused", "system:coro", "refused"),
            ("dashboard.signed_out", "human:owner", "success"),
        ]
    );
    let text = format!("{entries:?}");
    assert!(!text.contains(&code) && !text.contains(&page.key), "{text}");
}

fn neither_half_of_a_session_is_enough(engine: Engine) {
    let server = start(engine);
    let (visitor, one, two) = (server.visitor(), server.page(), server.page());
    let cookies = format!("{}; {}", one.cookie, two.cookie);
    let with = |cookie: &str, key: &str| {
        let mut call = visitor.get("/api/whoami");
        if !cookie.is_empty() {
            call = call.header("Cookie", cookie);
        }
        if !key.is_empty() {
            call = call.header("Coro-Session-Key", key);
        }
        call
    };
    let (name, value) = one.cookie.split_once('=').expect("a cookie");
    let (other_name, other) = two.cookie.split_once('=').expect("a cookie");
    for (cookie, key) in [
        (one.cookie.as_str(), ""),
        ("", one.key.as_str()),
        (&one.cookie, &two.key),
        (&format!("{name}={other}"), &one.key),
        (&format!("{other_name}={value}"), &two.key),
        (&format!("{name}="), &one.key),
        (&format!("{name}x={value}"), &one.key),
        (&one.cookie, "x"),
    ] {
        let problem = with(cookie, key).refused(Reason::Unauthenticated);
        assert!(problem.next.expect("a hint").contains("coro-cli dashboard"));
    }
    with(&one.cookie, &one.key).send().expect(200);
    // Two pages in one browser do not disturb each other.
    with(&cookies, &one.key).send().expect(200);
    with(&cookies, &two.key).send().expect(200);
}

fn each_port_takes_its_own_kind_of_credential(engine: Engine) {
    let server = start(engine);
    let page = server.page();
    let owner = server.owner();
    let bearer = server.visitor().get("/api/whoami").token(owner.token());
    let problem = bearer.refused(Reason::Unauthenticated);
    assert!(problem.next.expect("a hint").contains("API port"));
    page.get("/api/whoami")
        .token(owner.token())
        .refused(Reason::Unauthenticated);
    let at_api = page.at(&server.url());
    at_api.get("/api/whoami").refused(Reason::Unauthenticated);
    for path in ["/session", "/style.css"] {
        owner.get(path).refused(Reason::NotFound);
    }
}

fn a_foreign_page_or_name_gets_nothing(engine: Engine) {
    let server = start(engine);
    let page = server.page();
    let own = server.dashboard_url();
    page.get("/api/whoami")
        .header("Origin", &own)
        .send()
        .expect(200);
    for origin in [
        "http://evil.example",
        "null",
        "https://127.0.0.1.evil.example",
    ] {
        for path in ["/", "/session", "/api/whoami"] {
            page.get(path)
                .header("Origin", origin)
                .refused(Reason::Forbidden);
        }
    }
    for host in ["evil.example", "evil.example:9847", ""] {
        for path in ["/", "/session", "/api/whoami"] {
            page.get(path)
                .header("Host", host)
                .refused(Reason::Forbidden);
        }
    }
    let rebound = server
        .sign_in(&server.code_of(&server.owner()))
        .header("Host", "evil.example")
        .header("Origin", "http://evil.example");
    rebound.refused(Reason::Forbidden);
}

/// Cookies know no ports: the browser sends the cookie with whatever a page on
/// another port of the host asks for.
fn a_page_on_another_port_gets_nothing_and_changes_nothing(engine: Engine) {
    let server = start(engine);
    server.set("shop/plan", "1");
    let page = server.page();
    let revision = server.revision();
    let visitor = server.visitor();
    let hostile = "http://127.0.0.1:6666";
    let code = json!({ "code": "x" });
    // As browsers send them: scripts with an origin, images and forms without.
    for call in [
        visitor.get("/api/state/shop/plan"),
        visitor.get("/api/state"),
        visitor.get("/session"),
        visitor.get("/api/events?from=0"),
        visitor.request("DELETE", "/session"),
        visitor.post_nothing("/api/dashboard/codes"),
        visitor.request("DELETE", "/api/dashboard/sessions"),
        visitor.put("/api/state/shop/plan", "2"),
        visitor.post("/session", code),
        visitor.post("/api/events/publish", json!({"topic": "shop.a"})),
        visitor.request("DELETE", "/api/state/shop/plan"),
    ] {
        for header in [
            ("Origin", hostile),
            ("Sec-Fetch-Site", "same-site"),
            ("Sec-Fetch-Site", "cross-site"),
        ] {
            let call = call.clone().header("Cookie", &page.cookie);
            let answer = call.header(header.0, header.1).send();
            is_protected(&answer);
            answer.refused(Reason::Forbidden);
        }
        let answer = call.header("Cookie", &page.cookie).send();
        answer.refused(Reason::Unauthenticated);
        server.advance_seconds(30);
    }
    for headers in [
        vec![("cookie", page.cookie.as_str()), ("origin", hostile)],
        vec![("cookie", page.cookie.as_str())],
    ] {
        let opened = WebSocket::try_open(&visitor, "/api/events/subscribe?from=0", &headers);
        let status = opened.err().expect("a refusal").status;
        assert!(matches!(status, 401 | 403), "{status}");
    }
    // With a key that it has not it has no session either.
    let preflight = visitor.request("OPTIONS", "/api/state/shop/plan");
    let answer = preflight.header("Origin", hostile).send();
    answer.refused(Reason::Forbidden);
    assert_eq!(server.value("shop/plan"), "1");
    let changes: Vec<_> = server.owner().history(&format!("after={revision}"));
    let refusals_only = changes
        .iter()
        .all(|event| event.topic == "coro.dashboard.refused");
    assert!(refusals_only, "{changes:?}");
    page.get("/session").send().expect(200);
}

fn stored_content_is_a_download_whatever_it_says(engine: Engine) {
    let server = start(engine);
    let page = server.page();
    let script = "<script>alert(1)</script>";
    for content_type in [
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/javascript",
        "application/json",
        "text/event-stream",
    ] {
        let put = server.put("/api/state/shop/page", script);
        let put = put.header("Content-Type", content_type).send();
        if put.status != 200 {
            // The text is no JSON.
            server.set("shop/page", "{}");
        }
        for path in ["/api/state/shop/page", "/api/state/shop/page?version=1"] {
            let answer = page.get(path).send().expect(200);
            is_protected(&answer);
            assert_eq!(answer.the("content-type"), "application/octet-stream");
            assert_eq!(answer.the("content-disposition"), "attachment");
            assert!(!answer.the("coro-content-type").is_empty());
        }
        page.request("HEAD", "/api/state/shop/page")
            .send()
            .expect(200)
            .the("content-disposition");
    }
    let meta = page.get("/api/state/shop/page?meta").send().expect(200);
    assert_eq!(meta.the("content-type"), "application/json");
    let diff = page.get("/api/state/shop/page?diff=1,2&format=text").send();
    assert_eq!(diff.expect(200).the("content-disposition"), "attachment");
}

fn agents_and_sessions_make_no_codes(engine: Engine) {
    let server = start(engine);
    for role in Role::ALL {
        let client = server.issue(role, role.word());
        let answer = client.post_nothing("/api/dashboard/codes").send();
        let may = matches!(role, Role::Owner | Role::Controller);
        assert_eq!(answer.status, if may { 200 } else { 403 }, "{answer}");
    }
    // Of an agent that has registered, whatever its role.
    let lead = server.issue(Role::Controller, "lead");
    let registered = lead.post("/api/instances/register", json!({"name": "lead"}));
    let registered: RegisteredAgent = registered.ok();
    let lead = match registered.token {
        Some(token) => server.client(&token),
        None => lead,
    };
    for call in [
        lead.post_nothing("/api/dashboard/codes"),
        server
            .page()
            .request("POST", "/api/dashboard/codes")
            .body(""),
    ] {
        call.refused(Reason::Forbidden);
    }
}

fn codes_are_bounded(engine: Engine) {
    let server = start(engine);
    let owner = server.owner();
    for _ in 0..100 {
        server.code_of(&owner);
    }
    owner
        .post_nothing("/api/dashboard/codes")
        .refused(Reason::Conflict);
    server.advance_seconds(61);
    server.code_of(&owner);
}

fn signing_out_ends_the_session(engine: Engine) {
    let server = start(engine);
    let (page, other) = (server.page(), server.page());
    let answer = page.request("DELETE", "/session").send().expect(200);
    assert!(answer.the("set-cookie").contains("Max-Age=0"), "{answer}");
    assert_eq!(answer.json::<SignedOut>().ended, 1);
    page.get("/session").refused(Reason::Unauthenticated);
    page.request("DELETE", "/session")
        .refused(Reason::Unauthenticated);
    other.get("/session").send().expect(200);
}

fn an_owner_ends_all_sessions_and_a_controller_its_own(engine: Engine) {
    let server = start(engine);
    let lead = server.issue(Role::Controller, "lead");
    let (of_owner, of_lead) = (server.page(), server.page_of(&lead));
    let waiting = server.code_of(&lead);
    let ended: SignedOut = lead.delete("/api/dashboard/sessions").ok();
    assert_eq!(ended.ended, 1);
    of_lead.get("/session").refused(Reason::Unauthenticated);
    of_owner.get("/session").send().expect(200);
    server.sign_in(&waiting).refused(Reason::Unauthenticated);
    let of_lead = server.page_of(&lead);
    let ended: SignedOut = server.delete("/api/dashboard/sessions").ok();
    assert_eq!(ended.ended, 2);
    for page in [of_owner, of_lead] {
        page.get("/session").refused(Reason::Unauthenticated);
    }
}

fn a_session_ends_with_its_token(engine: Engine) {
    let server = start(engine);
    let token = json!({"name": "lead", "role": "controller", "expires_in": 3600});
    let issued: IssuedToken = server.post("/api/tokens", token.clone()).ok();
    let revoked = server.page_of(&server.client(&issued.token));
    let expiring = server.page_of(&server.issue_with(token));
    revoked.get("/session").send().expect(200);
    let path = format!("/api/tokens/{}", issued.info.id);
    server.delete(&path).send().expect(200);
    revoked.get("/session").refused(Reason::Unauthenticated);
    expiring.get("/session").send().expect(200);
    server.advance_seconds(3601);
    expiring.get("/session").refused(Reason::Unauthenticated);
}

fn a_session_lasts_while_it_is_used_and_a_week_at_most(engine: Engine) {
    let server = start(engine);
    let (used, idle) = (server.page(), server.page());
    server.advance_seconds(11 * 3600);
    used.get("/session").send().expect(200);
    server.advance_seconds(2 * 3600);
    used.get("/session").send().expect(200);
    idle.get("/session").refused(Reason::Unauthenticated);
    for _ in 0..15 {
        server.advance_seconds(10 * 3600);
        server.sweep();
        used.get("/session").send().expect(200);
    }
    server.advance_seconds(10 * 3600);
    used.get("/session").refused(Reason::Unauthenticated);
}

fn sessions_survive_a_restart(engine: Engine) {
    let server = start(engine);
    let page = server.page();
    server.restart();
    let page = page.at(&server.dashboard_url());
    page.get("/session").send().expect(200);
}

fn what_is_over_is_forgotten(engine: Engine) {
    let server = start(engine);
    let count = |table: &str| {
        let sql = format!("SELECT CAST(count(*) AS TEXT) FROM {table}");
        server.database().query_text(&sql)
    };
    server.page();
    let rows = || (count("dashboard_code"), count("dashboard_session"));
    assert_eq!(rows(), ("1".to_owned(), "1".to_owned()));
    server.advance_seconds(61);
    server.sweep();
    assert_eq!(rows(), ("0".to_owned(), "1".to_owned()));
    server.advance_seconds(12 * 3600);
    server.sweep();
    assert_eq!(rows(), ("0".to_owned(), "0".to_owned()));
}

fn secrets_are_stored_and_logged_nowhere(engine: Engine) {
    let server = start(engine);
    let code = server.code_of(&server.owner());
    let page = DashboardClient::of(&server.visitor(), server.sign_in(&code).send());
    page.get("/api/whoami").send().expect(200);
    let (_, cookie) = page.cookie.split_once('=').expect("a cookie");
    server.stop();
    let mut all = server.log().into_bytes();
    for entry in std::fs::read_dir(server.data_dir())
        .expect("a folder")
        .flatten()
    {
        all.extend(std::fs::read(entry.path()).unwrap_or_default());
    }
    for secret in [code.as_str(), &page.key, cookie] {
        let found = all
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found);
    }
}

fn open(page: &DashboardClient, key: &str) -> Result<WebSocket, Box<Response>> {
    let protocols = format!("coro, key.{key}");
    let headers = [
        ("cookie", page.cookie.as_str()),
        ("sec-websocket-protocol", &protocols),
    ];
    WebSocket::try_open(page.client(), "/api/events/subscribe?from=0", &headers)
}

fn events_come_over_a_websocket_with_both_halves(engine: Engine) {
    let server = start(engine);
    let page = server.page();
    server.publish("shop.a", json!(1));
    let from = server.revision() - 1;
    let protocols = format!("coro, key.{}", page.key);
    let headers = [
        ("cookie", page.cookie.as_str()),
        ("sec-websocket-protocol", &protocols),
        ("origin", page.client().url()),
    ];
    let path = format!("/api/events/subscribe?from={from}");
    let mut stream = WebSocket::try_open(page.client(), &path, &headers)
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(stream.next_event().topic, "shop.a");
    server.publish("shop.b", json!(2));
    assert_eq!(stream.next_event().topic, "shop.b");
    for key in ["", "wrong", &server.page().key] {
        let refused = open(&page, key).err().expect("a refusal");
        assert_eq!(refused.status, 401, "{refused}");
    }
    let mut without = page.clone();
    without.cookie = "other=1".to_owned();
    assert_eq!(
        open(&without, &page.key).err().expect("a refusal").status,
        401
    );
}

fn a_stream_ends_with_its_session(engine: Engine) {
    let server = start(engine);
    let token = json!({"name": "lead", "role": "controller"});
    let issued: IssuedToken = server.post("/api/tokens", token).ok();
    let (signed_out, revoked) = (server.page(), server.page_of(&server.client(&issued.token)));
    let mut of_signed_out =
        open(&signed_out, &signed_out.key).unwrap_or_else(|refusal| panic!("{refusal}"));
    let mut of_revoked = open(&revoked, &revoked.key).unwrap_or_else(|refusal| panic!("{refusal}"));
    signed_out.request("DELETE", "/session").send().expect(200);
    assert_eq!(of_signed_out.closed(), Some(4401));
    let path = format!("/api/tokens/{}", issued.info.id);
    server.delete(&path).send().expect(200);
    assert_eq!(of_revoked.closed(), Some(4401));
}

fn a_project_stays_a_project(engine: Engine) {
    let server = start(engine);
    server.set("other/plan", "1");
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let page = server.page_of(&lead);
    let session: DashboardSession = page.get("/session").ok();
    assert_eq!(session.project.as_deref(), Some("shop"));
    page.get("/api/state/other/plan").refused(Reason::Forbidden);
    page.get("/api/tokens").refused(Reason::Forbidden);
    let list = page.get("/api/state").send().expect(200);
    assert!(!list.text_unpacked().contains("other"), "{list}");
}

#[test]
fn replicas_share_sessions() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = start(Engine::Postgres);
    let second = first.replica();
    let code = first.code_of(&first.owner());
    let page = DashboardClient::of(&second.visitor(), second.sign_in(&code).send());
    let at_first = page.at(&first.dashboard_url());
    at_first.get("/session").send().expect(200);
    at_first.request("DELETE", "/session").send().expect(200);
    second.advance_seconds(3);
    page.get("/session").refused(Reason::Unauthenticated);
}

#[test]
fn a_dashboard_can_be_off() {
    let server = Options::new(Engine::Sqlite)
        .arg("--dashboard-bind")
        .arg("off")
        .start();
    let greeting = server.greeting(8).join("\n");
    assert!(!greeting.contains("dashboard"), "{greeting}");
    let problem = server
        .owner()
        .post_nothing("/api/dashboard/codes")
        .refused(Reason::Conflict);
    assert!(problem.next.expect("a hint").contains("--dashboard-bind"));
}

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let failed = Options::new(Engine::Sqlite)
        .arg("--dashboard-bind")
        .arg(&address)
        .fail();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert_eq!(failed.stderr.lines().count(), 1, "{failed}");
    assert!(
        failed
            .stderr
            .contains(&format!("--dashboard-bind {address}"))
    );
    assert!(failed.stderr.contains("or off"), "{failed}");
}

#[test]
fn the_command_prints_the_address_and_opens_it() {
    let server = start(Engine::Sqlite);
    let folder = server.options().scratch().join("browser");
    std::fs::create_dir_all(&folder).expect("a folder");
    let opener = folder.join("xdg-open");
    let opened = folder.join("opened");
    let script = format!(
        "#!/bin/sh\necho \"$1\" > {0}.part\nmv {0}.part {0}\n",
        opened.display()
    );
    std::fs::write(&opener, script).expect("a file");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&opener, mode).expect("our file");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let cli = server.cli().variable("PATH", &path);
    let printed = cli.ok(&["dashboard"]);
    let start = format!("{}/#code=", server.dashboard_url());
    assert!(printed.starts_with(&start), "{printed}");
    let deadline = std::time::Instant::now() + coro_tests::PATIENCE;
    while !opened.exists() {
        assert!(std::time::Instant::now() < deadline, "nothing was opened");
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(&opened).expect("a file"), printed);
    std::fs::remove_file(&opened).expect("our file");

    let printed = cli.ok(&["dashboard", "--no-open"]);
    let code = printed.trim().split_once("#code=").expect("a code").1;
    server.sign_in(code).send().expect(200);
    assert!(!opened.exists());
    let without = server.cli().variable("PATH", "/nonexistent");
    let output = without.run(&["dashboard"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("open the address"), "{output:?}");
    assert_eq!(cli.ok(&["dashboard", "--sign-out-all"]), "1 ended\n");
}
