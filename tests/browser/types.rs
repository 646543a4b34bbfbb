//! The page's types: its code against the server's own document.

use std::path::Path;
use std::process::{Command, Output};

use coro_tests::{program, repository, variable};
use serde_json::json;
use tempfile::TempDir;

use crate::packages::packages;

#[test]
fn the_types_of_the_api_are_those_of_the_servers_document() {
    let Some(packages) = packages() else { return };
    let folder = TempDir::with_prefix("coro-types-").expect("a folder for temporary files");
    let document = output(Command::new(program("coro-server-testing")).arg("openapi"));
    let from = folder.path().join("openapi.json");
    std::fs::write(&from, document.stdout).expect("a file");
    let to = folder.path().join("api.d.ts");
    let mut generate = packages.script("openapi-typescript/bin/cli.js");
    output(generate.arg(&from).arg("-o").arg(&to));
    let generated = std::fs::read_to_string(to).expect("the types");
    let kept = repository().join("dashboard/types/api.d.ts");
    if variable("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(&kept, &generated).expect("the file is ours");
    }
    let kept = std::fs::read_to_string(kept).expect("the types");
    assert!(
        kept == generated,
        "dashboard/types/api.d.ts is old; run this test with INSTA_UPDATE=always"
    );
}

#[test]
fn the_page_has_no_error_of_types() {
    let Some(packages) = packages() else { return };
    let folder = TempDir::with_prefix("coro-types-").expect("a folder for temporary files");
    let page = repository().join("dashboard");
    let of_package = |path: &str| json!([packages.module(path)]);
    let settings = json!({
        "extends": page.join("types/tsconfig.json"),
        "compilerOptions": {"paths": {
            "preact": of_package("preact/src/index.d.ts"),
            "preact/hooks": of_package("preact/hooks/src/index.d.ts"),
            "@preact/signals": of_package("@preact/signals"),
            "@preact/signals-core": of_package("@preact/signals-core"),
        }},
        "include": checked(&page),
    });
    let path = folder.path().join("tsconfig.json");
    std::fs::write(&path, settings.to_string()).expect("a file");
    let mut check = packages.script("typescript/bin/tsc");
    let checked = check.arg("-p").arg(&path).output().expect("tsc runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}

/// What is ours of the page.
fn checked(page: &Path) -> Vec<std::path::PathBuf> {
    ["app.js", "texts.js", "core", "pages", "parts"]
        .iter()
        .map(|name| page.join(name))
        .collect()
}

#[track_caller]
fn output(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output
}
