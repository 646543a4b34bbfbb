//! Starting: what a server prints and writes, what it refuses to start with,
//! and that a refusal names the thing and destroys nothing.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use coro_api::Reason;
use coro_api::clients::ClientSetups;
use coro_api::system::Whoami;
use coro_api::tokens::Token;
use coro_tests::{Client, Engine, Failed, Options, Server, Wire, each_engine};
use serde_json::Value;

each_engine![
    a_server_starts_again_on_its_data,
    a_newer_database_is_refused_and_left_alone,
    a_database_of_other_migrations_is_refused,
    migrate_brings_the_schema_up_to_date_and_ends,
    a_tenant_is_made_once,
];

fn sqlite() -> Options {
    Options::new(Engine::Sqlite)
}

/// A refusal is one line that names something, and no command that destroys.
#[track_caller]
fn refuses(failed: &Failed, code: i32, names: &[&str]) {
    assert_eq!(failed.code, Some(code), "{failed}");
    let lines: Vec<&str> = failed
        .stderr
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines.len(), 1, "{failed}");
    for name in names {
        assert!(lines[0].contains(name), "no {name} in {failed}");
    }
    for destroys in ["rm ", "delete ", "DROP", "remove the"] {
        assert!(!lines[0].contains(destroys), "{failed}");
    }
}

#[test]
fn a_first_start_prints_where_it_listens_and_what_to_type() {
    let server = sqlite().start();
    let lines = server.greeting(8);
    assert!(lines[0].starts_with(&format!("coro-server listens on {}", server.url())));
    assert!(
        lines.iter().any(|line| line.contains("coro.sock")),
        "{lines:?}"
    );
    // The one of the same build, which is beside the server.
    let commands = lines
        .iter()
        .filter(|line| line.contains("/coro-cli-testing "));
    assert_eq!(commands.count(), 3, "{lines:?}");
    assert!(!lines.join("\n").contains("cor_"), "{lines:?}");
}

#[test]
fn the_data_folder_says_where_the_server_is() {
    let server = sqlite().start();
    let file = std::fs::read(server.data_dir().join("server.json")).expect("the file");
    let found: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(
        (found["url"].as_str(), &found["pid"]),
        (Some(&*server.url()), &server.pid().into())
    );
    for name in ["owner.token", "coro.sock", "coro.db"] {
        let metadata = std::fs::metadata(server.data_dir().join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{name}");
    }
}

#[test]
fn the_socket_speaks_the_same_http_and_needs_a_token_too() {
    let server = sqlite().start();
    let call = |authorization: &str| {
        let mut wire = Wire::connect_unix(&server.data_dir().join("coro.sock"));
        wire.write(format!(
            "GET /api/whoami HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n"
        ));
        wire.answer()
    };
    call("").refused(Reason::Unauthenticated);
    let bearer = format!("Authorization: Bearer {}\r\n", server.owner().token());
    assert_eq!(call(&bearer).expect(200).json::<Whoami>().name, "owner");
}

/// It told of port 0, which takes a free one.
#[test]
fn the_socket_tells_the_address_that_was_taken() {
    let server = sqlite().start();
    let mut wire = Wire::connect_unix(&server.data_dir().join("coro.sock"));
    let token = server.owner().token().to_owned();
    wire.write(format!(
        "GET /api/clients HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    ));
    let setups: ClientSetups = wire.answer().expect(200).json();
    assert_eq!(setups.url, server.url());
}

#[test]
fn the_socket_can_be_elsewhere_or_off() {
    let off = sqlite().arg("--socket").arg("off").start();
    assert!(!off.data_dir().join("coro.sock").exists());
    let options = sqlite();
    let path = options.scratch().join("other.sock");
    let server = options
        .arg("--socket")
        .arg(&path.display().to_string())
        .start();
    assert!(path.exists() && !server.data_dir().join("coro.sock").exists());
}

#[test]
fn a_socket_path_that_is_too_long_is_refused() {
    let path = format!("/tmp/{}/s", "x".repeat(120));
    refuses(
        &sqlite().arg("--socket").arg(&path).fail(),
        2,
        &["--socket"],
    );
}

#[test]
fn two_servers_on_one_folder_are_refused() {
    let first = sqlite().start();
    let folder = first.data_dir().display().to_string();
    refuses(&first.options().clone().fail(), 1, &[&folder]);
    first.set("k", "1");
    first.kill();
    first.start_again();
    assert_eq!(first.value("k"), "1");
}

#[test]
fn a_port_in_use_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    refuses(&sqlite().arg("--bind").arg(&address).fail(), 1, &[&address]);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    // Not even root makes a folder there.
    refuses(
        &sqlite().arg("--data-dir").arg("/proc/coro").fail(),
        1,
        &["/proc/coro"],
    );
    let options = sqlite();
    let file = options.scratch().join("a-file");
    std::fs::write(&file, "x").expect("a file");
    let path = file.display().to_string();
    refuses(&options.arg("--data-dir").arg(&path).fail(), 1, &["a-file"]);
}

#[test]
fn a_folder_that_everybody_may_write_is_refused() {
    let options = sqlite();
    let folder = options.scratch().join("open");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("ours");
    let path = folder.display().to_string();
    refuses(
        &options.arg("--data-dir").arg(&path).fail(),
        1,
        &[&path, "chmod 700"],
    );
}

#[test]
fn a_file_that_lies_where_the_token_is_written_opens_nothing() {
    let options = sqlite();
    let folder = options.data_dir();
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("ours");
    let elsewhere = options.scratch().join("elsewhere");
    std::fs::write(&elsewhere, "").expect("a file");
    std::os::unix::fs::symlink(&elsewhere, folder.join("owner.part")).expect("a link");
    let server = options.start();
    let token = std::fs::symlink_metadata(server.data_dir().join("owner.token")).expect("it");
    assert!(token.is_file() && token.permissions().mode() & 0o077 == 0);
    assert_eq!(std::fs::read_to_string(&elsewhere).expect("there"), "");
}

#[test]
fn a_broken_configuration_is_refused() {
    for (toml, names) in [
        ("bind = ", "config.toml"),
        ("colour = \"red\"\n", "colour"),
        ("[retention]\nevents = 1\n", "events"),
        ("[retention]\nevents_days = 0\n", "events_days"),
        ("[retention]\nevents_days = \"x\"\n", "config.toml"),
        ("[retention]\naudit_days = 1\n", "audit_days"),
        ("[limits]\nbody_bytes = -1\n", "config.toml"),
        ("bind = \"nowhere\"\n", "nowhere"),
        ("log_format = \"xml\"\n", "xml"),
    ] {
        let failed = sqlite().without_bind().config(toml).fail();
        assert_eq!(failed.code, Some(2), "{toml}: {failed}");
        assert!(failed.stderr.contains(names), "{toml}: {failed}");
    }
    refuses(
        &sqlite().arg("--config").arg("/nonexistent.toml").fail(),
        2,
        &["/nonexistent.toml"],
    );
}

#[test]
fn an_unsafe_or_senseless_setting_is_refused() {
    let with = |args: &[&str]| {
        args.iter()
            .fold(sqlite(), |options, arg| options.arg(arg))
            .fail()
    };
    refuses(
        &with(&["--bind", "0.0.0.0:0"]),
        2,
        &["--bind", "--tls-cert", "--behind-proxy"],
    );
    refuses(&with(&["--bind", "[::]:0"]), 2, &["--bind"]);
    refuses(&with(&["--bind", "127.0.0.1"]), 2, &["--bind", "127.0.0.1"]);
    refuses(&with(&["--behind-proxy"]), 2, &["--public-url"]);
    refuses(
        &with(&["--behind-proxy", "--public-url", "nonsense"]),
        2,
        &["nonsense"],
    );
    refuses(&with(&["--tls-cert", "x.pem"]), 2, &["--tls-key"]);
    let failed = with(&["--colour", "red"]);
    assert_eq!(failed.code, Some(2), "{failed}");
    assert!(failed.stderr.contains("--colour"), "{failed}");
    let failed = with(&["--log-level", "loud=["]);
    assert_eq!(failed.code, Some(2), "{failed}");
}

#[test]
fn flags_come_before_variables_before_the_file() {
    let body = |options: Options| {
        let log = options.start().stop().stderr;
        log.lines().next().expect("a line").starts_with('{')
    };
    let json = "log_format = \"json\"\nlog_level = \"info\"\n";
    assert!(body(sqlite().config(json)));
    assert!(!body(
        sqlite().config(json).variable("CORO_LOG_FORMAT", "text")
    ));
    let options = sqlite().config(json).variable("CORO_LOG_FORMAT", "text");
    assert!(body(options.arg("--log-format").arg("json")));
}

#[test]
fn every_line_of_a_json_log_is_json() {
    let server = sqlite()
        .arg("--log-format")
        .arg("json")
        .arg("--log-level")
        .arg("debug")
        .start();
    server.set("k", "1");
    server
        .client("cor_wrong")
        .get("/api/whoami")
        .send()
        .expect(401);
    let ended = server.stop();
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(lines.len() > 1, "{ended}");
    for line in lines {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(!ended.stderr.contains("cor_"), "{ended}");
}

#[test]
fn a_proxy_in_front_names_the_host() {
    let proxy = ["--behind-proxy", "--public-url", "https://coro.example.com"];
    let server = proxy
        .iter()
        .fold(sqlite(), |options, arg| options.arg(arg))
        .start();
    let bearer = format!("Authorization: Bearer {}", server.owner().token());
    let call = |host: &str| {
        let host = format!("Host: {host}");
        let head = ["GET /api/whoami HTTP/1.1", &host, &bearer];
        coro_tests::raw_request(&server.address(), &head, b"").status
    };
    assert_eq!(
        (call("coro.example.com"), call("evil.example.com")),
        (200, 403)
    );
}

#[test]
fn tls_is_spoken_where_files_are_given() {
    let server = sqlite().with_tls().start();
    assert!(server.url().starts_with("https://"), "{}", server.url());
    assert_eq!(server.owner().set("k", "1").version, 1);
    let plain = Client::new(&server.url().replace("https", "http"), None);
    let problem = plain.get("/health").refused(Reason::Invalid);
    assert!(problem.detail.contains("TLS"), "{problem:?}");
    assert!(problem.next.expect("a hint").contains("https://"));
    let file = |name| coro_tests::tls_file(name).display().to_string();
    let with = |cert: &str, key: &str| {
        let options = sqlite().arg("--tls-cert").arg(cert);
        options.arg("--tls-key").arg(key)
    };
    refuses(
        &with(&file("key.pem"), &file("key.pem")).fail(),
        2,
        &["--tls-cert"],
    );
    refuses(
        &with(&file("cert.pem"), "/nonexistent.pem").fail(),
        2,
        &["/nonexistent.pem"],
    );
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let options = sqlite();
    std::fs::create_dir_all(options.data_dir()).expect("a folder");
    let path = options.data_dir().join("coro.db");
    let content = "this is no database, but somebody's text. ".repeat(200);
    std::fs::write(&path, &content).expect("a file");
    refuses(&options.clone().fail(), 1, &["coro.db"]);
    assert_eq!(
        std::fs::read_to_string(&path).expect("still there"),
        content
    );
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let url = "postgres://coro:top-secret@127.0.0.1:1/coro";
    let failed = sqlite().arg("--database-url").arg(url).fail();
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(failed.stderr.contains("--database-url"), "{failed}");
    assert!(!failed.stderr.contains("top-secret"), "{failed}");
    let failed = sqlite()
        .arg("--database-url")
        .arg("mysql://x:top-secret@y/z")
        .fail();
    assert_eq!(failed.code, Some(2), "{failed}");
    assert!(!failed.stderr.contains("top-secret"), "{failed}");
}

fn a_server_starts_again_on_its_data(engine: Engine) {
    let server = Server::start(engine);
    let tenant = server.get("/api/whoami").ok::<Whoami>().tenant;
    let revision = server.set("k", "1").revision;
    server.restart();
    let who: Whoami = server.get("/api/whoami").ok();
    assert_eq!((who.tenant, who.revision), (tenant, revision));
    assert_eq!(server.get("/api/tokens").ok::<Vec<Token>>().len(), 1);
}

fn a_newer_database_is_refused_and_left_alone(engine: Engine) {
    let server = Server::start(engine);
    server.set("k", "1");
    server.stop();
    let newer = "INSERT INTO schema_migration VALUES (1000, '1000_future', 'x', 0)";
    server.database().execute(newer);
    refuses(&server.options().clone().fail(), 1, &["newer"]);
    server
        .database()
        .execute("DELETE FROM schema_migration WHERE version = 1000");
    server.start_again();
    assert_eq!(server.value("k"), "1");
}

fn a_database_of_other_migrations_is_refused(engine: Engine) {
    let server = Server::start(engine);
    server.stop();
    server
        .database()
        .execute("UPDATE schema_migration SET sha256 = 'x' WHERE version = 2");
    refuses(&server.options().clone().fail(), 1, &["migration 2"]);
}

fn migrate_brings_the_schema_up_to_date_and_ends(engine: Engine) {
    let options = Options::new(engine);
    let done = options.command(&["migrate"]);
    assert_eq!(done.code, Some(0), "{done}");
    let count = "SELECT CAST(count(*) AS TEXT) FROM schema_migration";
    let applied = options.database().query_text(count);
    let folder = coro_tests::repository().join("server/migrations/sqlite");
    let files = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(applied, files.to_string());
    assert_eq!(options.command(&["migrate"]).code, Some(0));
}

fn a_tenant_is_made_once(engine: Engine) {
    let server = Server::start(engine);
    let other = server.other_tenant("other");
    assert_eq!(other.get("/api/whoami").ok::<Whoami>().tenant, "other");
    server.stop();
    let again = server.options().command(&["tenant", "add", "other"]);
    assert_eq!(again.code, Some(1), "{again}");
    assert!(again.stderr.contains("other"), "{again}");
    let bad = server.options().command(&["tenant", "add", "a/b"]);
    assert!(bad.code.is_some_and(|code| code != 0), "{bad}");
}

#[test]
fn a_lost_owner_token_is_made_anew() {
    let server = sqlite().start();
    server.set("k", "1");
    server.stop();
    std::fs::remove_file(server.data_dir().join("owner.token")).expect("it was there");
    let again = server.options().clone().start();
    assert_ne!(again.owner().token(), server.owner().token());
    assert_eq!(again.value("k"), "1");
}
