//! What the server tells of its settings, and of how its clients are set up.

use coro_api::clients::{CLIENTS, ClientSetups};
use coro_api::settings::Settings;
use coro_api::tokens::Role;
use coro_tests::{Engine, Options, Server, each_engine};

each_engine![
    settings_are_those_of_the_file,
    the_command_prints_each_setting_by_its_name,
    the_command_prints_what_a_clients_file_needs,
    clients_get_the_address_that_was_called,
    a_page_with_a_name_gives_the_address_where_the_api_listens,
];

fn settings_are_those_of_the_file(engine: Engine) {
    let file = "[retention]\nevents_days = 7\n[liveness]\nstale_after_seconds = 90\n\
                [limits]\nbody_bytes = 4096\n";
    let server = Options::new(engine).config(file).start();
    let viewer = server.issue(Role::Viewer, "wall");
    let settings: Settings = viewer.get("/api/settings").ok();
    assert_eq!(settings.retention.events_days, 7);
    assert_eq!(settings.retention.history_versions, 100);
    assert_eq!(settings.liveness.stale_after_seconds, 90);
    assert_eq!(settings.liveness.ended_after_seconds, 24 * 3600);
    assert_eq!(settings.body_bytes, 4096);
    let database = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgresql",
    };
    assert_eq!(settings.database, database);
    // The URL of the database may have a password.
    let text = viewer.get("/api/settings").send().expect(200).text();
    assert!(!text.contains("://"), "{text}");
}

/// What the server does not know could not stand in its file.
fn the_command_prints_each_setting_by_its_name(engine: Engine) {
    let server = Server::start(engine);
    let printed = server.cli().ok(&["settings"]);
    assert!(printed.contains("retention.audit_days\t365\n"), "{printed}");
    let mut file = String::new();
    for (name, value) in printed.lines().filter_map(|line| line.split_once('\t')) {
        if name != "database" {
            file += &format!("{name} = {value}\n");
        }
    }
    let other = Options::new(engine).config(&file).start();
    assert_eq!(other.cli().ok(&["settings"]), printed);
    let json: Settings = serde_json::from_str(&other.cli().ok(&["settings", "--json"]))
        .expect("the answer as it came");
    assert_eq!(json, other.get("/api/settings").ok::<Settings>());
}

fn the_command_prints_what_a_clients_file_needs(engine: Engine) {
    let server = Server::start(engine);
    let cli = server.cli();
    let setups: ClientSetups = server.get("/api/clients").ok();
    let listed = cli.ok(&["clients"]);
    assert_eq!(listed.lines().count(), setups.clients.len());
    for client in &setups.clients {
        let file = &client.snippets[0].file;
        assert!(
            listed.contains(&format!("{}\t{file}\t", client.id)),
            "{listed}"
        );
        for snippet in &client.snippets {
            let transport = snippet.transport.as_str();
            let output = cli.run(&["clients", &client.id, "--transport", transport]);
            assert_eq!(output.code, 0, "{output:?}");
            assert_eq!(output.stdout.trim_end(), snippet.text.trim_end());
            assert!(output.stderr.contains(&snippet.file), "{output:?}");
        }
    }
    let unknown = cli.run(&["clients", "emacs-2"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    assert!(unknown.stderr.contains("\"emacs-2\""), "{unknown:?}");
}

fn clients_get_the_address_that_was_called(engine: Engine) {
    let server = Options::new(engine).with_dashboard().start();
    let url = server.url();
    let setups: ClientSetups = server.get("/api/clients").ok();
    assert_eq!(setups.url, url);
    let ids: Vec<_> = setups.clients.iter().map(|client| &client.id).collect();
    assert_eq!(
        ids,
        CLIENTS.iter().map(|client| client.id).collect::<Vec<_>>()
    );
    for client in &setups.clients {
        for snippet in &client.snippets {
            let called = snippet.text.contains(&format!("{url}/mcp"));
            assert_eq!(called, snippet.transport == "http", "{snippet:?}");
            assert!(!(snippet.committed && snippet.needs_token), "{snippet:?}");
            assert!(
                !snippet.text.contains(server.owner().token()),
                "{snippet:?}"
            );
        }
    }
    // The page has another port; clients go to the API's all the same.
    let page: ClientSetups = server.page().get("/api/clients").ok();
    assert_eq!(page.url, url);
    assert_eq!(page, setups);
}

/// The page is called `localhost`, and the API listens on one of its two
/// addresses: a client that tries the other would give its token to anybody.
fn a_page_with_a_name_gives_the_address_where_the_api_listens(engine: Engine) {
    let server = Options::new(engine).start_with_named_dashboard();
    let page: ClientSetups = server.page().get("/api/clients").ok();
    assert_eq!(page.url, server.url());
}
