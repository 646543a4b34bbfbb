//! The official conformance suite, with the requirements of each era.
//!
//! The scenarios call tools, resources and prompts that a server offers for
//! them alone; ours does with the feature `testing` and
//! `CORO_TESTING_MCP=fixtures`. What still fails stands in `conformance/`, each
//! with its reason; the suite fails when an entry does not fail any more.

use coro_tests::{Engine, Options};

use crate::install::Packages;
use crate::proxy::Proxy;
use crate::workplace::{Workplace, own_file};

#[test]
fn the_requirements_of_2026_07_28_are_met() {
    meets("2026-07-28");
}

#[test]
fn the_requirements_of_2025_11_25_are_met() {
    meets("2025-11-25");
}

#[test]
fn every_expected_failure_has_its_reason() {
    for revision in ["2026-07-28", "2025-11-25"] {
        let baseline = std::fs::read_to_string(own_file(&baseline_of(revision))).expect("a file");
        let entries = baseline
            .lines()
            .filter(|line| line.trim_start().starts_with("- "));
        for entry in entries {
            let reason = entry.split_once(" # ").map_or("", |(_, reason)| reason);
            assert!(reason.len() > 20, "{revision}: {entry}");
        }
    }
}

fn baseline_of(revision: &str) -> String {
    format!("conformance/{revision}.yml")
}

fn meets(revision: &str) {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Options::new(Engine::Sqlite)
        .variable("CORO_TESTING_MCP", "fixtures")
        .start();
    let proxy = Proxy::start_with_token(&server.address(), server.owner().token());
    let place = Workplace::new();
    let mut suite = packages.conformance();
    suite
        .args(["server", "--url", &format!("{}/mcp", proxy.url())])
        .args(["--requirements", revision, "-o", "results"])
        .arg("--expected-failures")
        .arg(own_file(&baseline_of(revision)));
    let output = place.run(&mut suite);
    println!("{}", output.stdout);
    let output = output.ok();
    assert!(
        output.stdout.contains("Baseline check passed"),
        "{output:?}"
    );
}
