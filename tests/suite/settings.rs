//! What the server tells of its settings, and of how its clients are set up.

use coro_api::clients::{CLIENTS, ClientSetups};
use coro_api::settings::Settings;
use coro_api::tokens::Role;
use coro_tests::{Engine, Options, each_engine};

each_engine![
    settings_are_those_of_the_file,
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
