//! What must not be in a program that users run.

use std::path::PathBuf;

use coro_tests::program;

/// Texts that only the feature `testing` brings.
const STEERING: [&[u8]; 3] = [b"/testing/clock", b"/testing/fault", b"CORO_TESTING_"];

fn holds(program: &PathBuf, text: &[u8]) -> bool {
    let bytes = std::fs::read(program).expect("the program is there");
    bytes.windows(text.len()).any(|window| window == text)
}

/// The search finds them where they are.
#[test]
fn the_program_of_the_tests_can_be_steered() {
    for text in STEERING {
        assert!(holds(&program("coro-server-testing"), text));
    }
}

/// `tests/run` builds it, as a release, before it runs this.
#[test]
fn the_release_cannot_be_steered() {
    let debug = program("coro-server-testing");
    let target = debug.ancestors().nth(2).expect("target/debug/program");
    let release = target.join("as-released/release/coro-server");
    if !release.exists() {
        let in_ci = coro_tests::variable("CI").is_some_and(|ci| ci == "true");
        assert!(
            !in_ci,
            "{} is not built: tests/run builds it",
            release.display()
        );
        eprintln!("SKIPPED: {} is not built", release.display());
        return;
    }
    for text in STEERING {
        assert!(
            !holds(&release, text),
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
}
