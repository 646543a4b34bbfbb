//! The packages of npm that check the page.

use std::sync::OnceLock;

use coro_tests::{npm, skip};

/// The pins: the file that npm reads.
const PINS: &str = include_str!("package.json");

/// The oldest major version of Node that they run on.
const NODE_MAJOR_MIN: u32 = 18;

/// The packages, installed at the first call; none where that can't be, which is
/// said, and is a failure in CI.
pub(crate) fn packages() -> Option<&'static npm::Packages> {
    static INSTALLED: OnceLock<Result<npm::Packages, String>> = OnceLock::new();
    match INSTALLED.get_or_init(|| npm::Packages::install("browser", PINS, NODE_MAJOR_MIN)) {
        Ok(packages) => Some(packages),
        Err(why) => {
            skip("browser", why);
            None
        }
    }
}

/// The script that looks at a page by the rules of accessibility.
pub(crate) fn axe() -> Option<String> {
    let script = packages()?.module("axe-core/axe.min.js");
    Some(std::fs::read_to_string(script).expect("a script"))
}
