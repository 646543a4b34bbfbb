//! The dashboard beyond this machine: over TLS, and behind a proxy.

use coro_api::Reason;
use coro_api::clients::ClientSetups;
use coro_api::dashboard::{DashboardCode, DashboardSession};
use coro_tests::{Client, DashboardClient, Engine, Options, Request, Server, WebSocket, Wire};
use serde_json::json;

/// On every address of the machine, which takes TLS.
fn over_tls() -> Server {
    let options = Options::new(Engine::Sqlite).with_tls();
    let options = options.arg("--bind").arg("0.0.0.0:0");
    options.arg("--dashboard-bind").arg("0.0.0.0:0").start()
}

/// Opens the page's stream as a browser does.
fn stream(page: &DashboardClient, host: &str, origin: &str) -> Result<WebSocket, u16> {
    let protocols = format!("coro, key.{}", page.key);
    let headers = [
        ("cookie", page.cookie.as_str()),
        ("sec-websocket-protocol", &protocols),
        ("host", host),
        ("origin", origin),
    ];
    let opened = WebSocket::try_open(page.client(), "/api/events/subscribe?from=0", &headers);
    opened.map_err(|refusal| refusal.status)
}

#[test]
fn over_tls_the_page_is_served_and_its_cookie_is_secure() {
    let server = over_tls();
    let url = server.dashboard_url();
    // A browser can call that, and 0.0.0.0 it can't.
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert!(server.url().starts_with("https://127.0.0.1:"));
    let answer = server.visitor().get("/").send().expect(200);
    assert!(
        answer
            .the("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let answer = server.sign_in(&server.code_of(&server.owner())).send();
    for part in ["; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(answer.the("set-cookie").contains(part), "{answer}");
    }
    let page = DashboardClient::of(&server.visitor(), answer);
    page.get("/session").ok::<DashboardSession>();
    let setups: ClientSetups = page.get("/api/clients").ok();
    assert_eq!(setups.url, server.url());
    let answer = page.request("DELETE", "/session").send().expect(200);
    assert!(answer.the("set-cookie").contains("; Secure"), "{answer}");
}

#[test]
fn over_tls_events_come_over_a_websocket() {
    let server = over_tls();
    let page = server.page();
    let url = server.dashboard_url();
    let (_, host) = url.split_once("://").expect("a URL");
    server.publish("shop.a", json!(1));
    let mut events = stream(&page, host, &url).expect("it opens");
    while events.next_event().topic != "shop.a" {}
    server.publish("shop.b", json!(2));
    assert_eq!(events.next_event().topic, "shop.b");
    // A page that came over the same network without TLS is anybody's.
    let plain = url.replace("https://", "http://");
    assert_eq!(stream(&page, host, &plain).err(), Some(403));
    let call = page.get("/api/whoami").header("Origin", &plain);
    call.refused(Reason::Forbidden);
}

#[test]
fn without_tls_one_is_told_to_take_it_and_nothing_else() {
    let server = over_tls();
    let code = server.code_of(&server.owner());
    let plain = server.dashboard_url().replace("https://", "http://");
    let visitor = Client::new(&plain, None);
    for call in [
        visitor.get("/"),
        visitor.get("/api/whoami"),
        visitor.post("/session", json!({ "code": code })),
    ] {
        let answer = call.send();
        assert_eq!(answer.header("set-cookie"), None, "{answer}");
        let problem = answer.refused(Reason::Invalid);
        assert_eq!(problem.detail, "this port speaks TLS");
        assert!(problem.next.expect("a hint").contains("https://"));
    }
    // The code was not used.
    server.sign_in(&code).send().expect(200);
}

#[test]
fn beyond_this_machine_the_rules_of_the_api_hold() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let failed = Options::new(Engine::Sqlite)
            .arg("--dashboard-bind")
            .arg(address)
            .fail();
        assert_eq!(failed.code, Some(2), "{failed}");
        for name in ["--dashboard-bind", "--tls-cert", "--behind-proxy"] {
            assert!(failed.stderr.contains(name), "{failed}");
        }
    }
    let failed = Options::new(Engine::Sqlite)
        .arg("--dashboard-bind")
        .arg("nowhere")
        .fail();
    assert_eq!(failed.code, Some(2), "{failed}");
    assert!(failed.stderr.contains("--dashboard-bind"), "{failed}");
}

const BOARD: &str = "board.example.com";
const BOARD_URL: &str = "https://board.example.com";

/// Behind a proxy that takes TLS, and how the proxy reaches the page.
fn behind_a_proxy() -> (Server, Client) {
    let options = Options::new(Engine::Sqlite).arg("--behind-proxy");
    let options = options.arg("--public-url").arg("https://coro.example.com");
    let options = options.arg("--dashboard-url").arg(BOARD_URL);
    let (server, address) = options.start_with_fixed_dashboard();
    let proxy = Client::new(&format!("http://{address}"), None);
    (server, proxy)
}

/// The code of an address that names the page as browsers reach it.
fn code_of(server: &Server) -> String {
    let made: DashboardCode = server.owner().post_nothing("/api/dashboard/codes").ok();
    let (page, code) = made.url.split_once("/#code=").expect("a code");
    assert_eq!(
        (page, server.dashboard_url().as_str()),
        (BOARD_URL, BOARD_URL)
    );
    code.to_owned()
}

fn sign_in(proxy: &Client, code: &str) -> Request {
    let call = proxy.post("/session", json!({ "code": code }));
    call.header("Host", BOARD).header("Origin", BOARD_URL)
}

#[test]
fn behind_a_proxy_the_cookie_is_secure_and_the_page_has_its_name() {
    let (server, proxy) = behind_a_proxy();
    let answer = sign_in(&proxy, &code_of(&server)).send().expect(200);
    assert!(answer.the("set-cookie").contains("; Secure"), "{answer}");
    let page = DashboardClient::of(&proxy, answer);
    let call = |host: &str, origin: &str| {
        let call = page.get("/api/whoami").header("Host", host);
        call.header("Origin", origin).send().status
    };
    assert_eq!(call(BOARD, BOARD_URL), 200);
    for (host, origin) in [
        (BOARD, "https://evil.example.com"),
        (BOARD, "https://board.example.com:8443"),
        ("evil.example.com", BOARD_URL),
    ] {
        assert_eq!(call(host, origin), 403, "{host} {origin}");
    }
    server.publish("shop.a", json!(1));
    let mut events = stream(&page, BOARD, BOARD_URL).expect("it opens");
    while events.next_event().topic != "shop.a" {}
    assert_eq!(
        stream(&page, BOARD, "https://evil.example.com").err(),
        Some(403)
    );
    assert_eq!(
        stream(&page, "evil.example.com", BOARD_URL).err(),
        Some(403)
    );
}

#[test]
fn behind_a_proxy_tries_are_counted_for_who_is_before_it() {
    let (_server, proxy) = behind_a_proxy();
    // Of what a client has written there only the proxy's own word counts.
    let from = |address: &str| {
        let call = sign_in(&proxy, "wrong").header("X-Forwarded-For", address);
        call.send().status
    };
    let refused = (0..100).find(|at| from(&format!("10.0.0.{at}, 192.0.2.1")) == 429);
    assert!(refused.is_some_and(|at| at > 0), "{refused:?}");
    assert_eq!(from("192.0.2.2"), 401);
}

#[test]
fn over_tls_what_is_no_handshake_is_ended() {
    let server = over_tls();
    let url = server.dashboard_url();
    let (_, address) = url.split_once("://").expect("a URL");
    let mut wire = Wire::connect(address);
    wire.write([1, 2, 3, 4, 5, 6, 7, 8]);
    wire.read_to_end();
}
