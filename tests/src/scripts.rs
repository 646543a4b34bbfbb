//! Where the programs under test and the repository are, and what this machine
//! lacks.

use std::path::{Path, PathBuf};

/// The path of a program that this package builds, such as
/// `coro-server-testing`. It lies beside the folder of the test programs.
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    let folder = this
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|name| name != "deps"))
        .expect("a program lies in a folder");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is not built: run `cargo build -p coro-tests`",
        path.display()
    );
    path
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the repository")
}

/// A variable of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the tests read the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether a missing part of the machine is an error.
pub fn is_ci() -> bool {
    variable("CI").is_some_and(|value| value == "true")
}

/// Says that a test did not run; in CI that is a failure.
#[track_caller]
pub fn skip(test: &str, why: &str) {
    assert!(!is_ci(), "{test}: {why}");
    eprintln!("SKIPPED: {test}: {why}");
}
