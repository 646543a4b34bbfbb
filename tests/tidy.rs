//! The invariants of `docs/ARCHITECTURE.md` that a text search can check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file of the project, by its path from the root.
struct Source {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the root")
        .to_owned()
}

fn sources(folder: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let path = path
                    .strip_prefix(root())
                    .expect("inside")
                    .display()
                    .to_string();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} in {folder}");
    found
}

/// Lines without comments, with their numbers.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let lines = source.text.lines().enumerate();
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with every place where a line of code is not allowed.
fn forbid(why: &str, sources: &[Source], is_bad: impl Fn(&str, &str) -> bool) {
    let mut bad = Vec::new();
    for source in sources {
        for (number, line) in code(source) {
            if is_bad(&source.path, line) {
                bad.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{why}:\n{}", bad.join("\n"));
}

#[test]
fn clients_know_no_server_no_framework_and_no_sql() {
    for manifest in ["server/api/Cargo.toml", "cli/Cargo.toml"] {
        let text = std::fs::read_to_string(root().join(manifest)).expect("a manifest");
        for dependency in ["axum", "rusqlite", "tokio-postgres", "coro-server"] {
            let used = text.lines().any(|line| line.starts_with(dependency));
            assert!(!used, "{manifest} depends on {dependency}");
        }
    }
}

#[test]
fn sql_stands_in_stores_and_in_db_only() {
    let starts = [
        "\"SELECT ",
        "\"INSERT ",
        "\"UPDATE ",
        "\"DELETE FROM",
        "\"CREATE ",
        "\"PRAGMA ",
    ];
    forbid(
        "SQL outside of store.rs and db/",
        &sources("server/src", "rs"),
        |path, line| {
            let allowed = path.ends_with("/store.rs")
                || path.starts_with("server/src/db/")
                || path.starts_with("server/src/testing/");
            !allowed && starts.iter().any(|start| line.contains(start))
        },
    );
}

#[test]
fn the_web_framework_stands_in_routes_http_auth_and_router_only() {
    forbid(
        "axum elsewhere",
        &sources("server/src", "rs"),
        |path, line| {
            let allowed = path.ends_with("/routes.rs")
                || path == "server/src/router.rs"
                || path.starts_with("server/src/http/")
                || path.starts_with("server/src/auth/");
            !allowed && line.contains("axum::")
        },
    );
}

#[test]
fn the_protocol_of_models_stands_in_tools_and_mcp_only() {
    forbid(
        "rmcp elsewhere",
        &sources("server/src", "rs"),
        |path, line| {
            let allowed = path.ends_with("/tools.rs")
                || path.starts_with("server/src/mcp/")
                || path == "server/src/testing/mcp.rs";
            !allowed && line.contains("rmcp::")
        },
    );
}

#[test]
fn a_slice_calls_a_neighbours_operations_and_never_its_store() {
    forbid(
        "a store used from outside",
        &sources("server/src", "rs"),
        |_, line| line.contains("crate::") && line.contains("::store"),
    );
}

#[test]
fn every_table_has_a_tenant_and_both_engines_have_the_same_tables() {
    let of = |folder: &str| {
        let mut tables = BTreeSet::new();
        for migration in sources(folder, "sql") {
            for create in migration.text.split("CREATE TABLE ").skip(1) {
                let (name, rest) = create.split_once(" (").expect("a name");
                let columns = rest.split(");").next().expect("columns");
                assert!(
                    columns.contains("tenant_id TEXT"),
                    "{}: {name}",
                    migration.path
                );
                tables.insert(name.to_owned());
            }
        }
        tables
    };
    assert_eq!(
        of("server/migrations/sqlite"),
        of("server/migrations/postgres")
    );
}

#[test]
fn every_table_is_in_a_backup() {
    let store = std::fs::read_to_string(root().join("server/src/backup/store.rs")).expect("a file");
    for migration in sources("server/migrations/sqlite", "sql") {
        for create in migration.text.split("CREATE TABLE ").skip(1) {
            let name = create.split(" (").next().expect("a name");
            assert!(
                store.contains(&format!("\"{name}\"")),
                "no table!({name:?} …) in backup"
            );
        }
    }
}

#[test]
fn sqlite_tables_are_strict() {
    for migration in sources("server/migrations/sqlite", "sql") {
        let made = migration.text.matches("CREATE TABLE").count();
        assert_eq!(
            migration.text.matches(") STRICT").count(),
            made,
            "{}",
            migration.path
        );
    }
}

#[test]
fn store_functions_take_the_tenant() {
    // These find or list tenants: before them nobody knows one.
    let across_tenants = [
        ("server/src/tokens/store.rs", "find_caller"),
        ("server/src/tenants/store.rs", "find"),
        ("server/src/tenants/store.rs", "list"),
        ("server/src/backup/store.rs", "is_empty"),
        ("server/src/dashboard/store.rs", "find_code"),
        ("server/src/dashboard/store.rs", "find_session"),
    ];
    for source in sources("server/src", "rs") {
        if !source.path.ends_with("/store.rs") {
            continue;
        }
        for function in source.text.split("pub(super) fn ").skip(1) {
            let head = function.split('{').next().expect("a head");
            let name = head.split(['(', '<']).next().expect("a name");
            if !head.contains("Tx<") || across_tenants.contains(&(source.path.as_str(), name)) {
                continue;
            }
            assert!(
                head.contains("tenant: &TenantId"),
                "{}: {name}",
                source.path
            );
        }
    }
}

#[test]
fn no_message_tells_anyone_to_destroy_data() {
    let destroys = [
        "rm -r",
        "rm -f",
        "DROP TABLE",
        "DROP DATABASE",
        "reset --hard",
        "delete the data",
        "remove the data folder",
        "--force",
    ];
    let mut all = sources("server/src", "rs");
    all.extend(sources("server/api/src", "rs"));
    all.extend(
        sources("cli/src", "rs")
            .into_iter()
            .filter(|s| !s.path.contains("backup")),
    );
    forbid("a message with a command that destroys", &all, |_, line| {
        line.contains('"') && destroys.iter().any(|text| line.contains(text))
    });
}

#[test]
fn nothing_of_a_machine_is_in_the_project() {
    let mut all = sources("server", "rs");
    all.extend(sources("cli", "rs"));
    all.extend(sources("docs", "md"));
    forbid("a path of a machine", &all, |_, line| {
        ["/root/", "/home/", "/work/"]
            .iter()
            .any(|path| line.contains(path))
    });
}

#[test]
fn every_event_of_the_server_is_in_the_docs() {
    let docs = std::fs::read_to_string(root().join("docs/events.md")).expect("the document");
    let is_told = |topic: &str| {
        let (domain, what) = topic.rsplit_once('.').expect("a dot");
        docs.split("\n|").any(|row| {
            let words: Vec<&str> = row.split('`').collect();
            row.contains(&format!("{domain}."))
                && (words.contains(&what)
                    || words.iter().any(|word| word.ends_with(&format!(".{what}"))))
        })
    };
    // The names that Koor has are taken in patterns, and are no events yet.
    forbid(
        "an event that docs/events.md does not list",
        &sources("server/src", "rs"),
        |path, line| {
            let topics = line.split('"').filter(|text| {
                let is_plain = |c: char| c.is_ascii_lowercase() || "._".contains(c);
                text.starts_with("coro.")
                    && text.matches('.').count() == 2
                    && text.chars().all(is_plain)
            });
            !path.ends_with("db/glob.rs")
                && !path.starts_with("server/src/testing/")
                && topics
                    .filter(|topic| !topic.ends_with('.'))
                    .any(|topic| !is_told(topic))
        },
    );
}
