//! What the environment says about how much is tested, and the seed.

use std::hash::{BuildHasher, Hasher, RandomState};

use coro_tests::{Random, variable};

/// `short` usually, `long` with `CORO_LONG=1`.
pub(crate) fn count(short: u32, long: u32) -> u32 {
    if variable("CORO_LONG").is_some_and(|value| value == "1") {
        long
    } else {
        short
    }
}

/// Random numbers of this run. Prints the seed, which the output of a failed
/// test then shows.
pub(crate) fn random(test: &str) -> Random {
    let fresh = || RandomState::new().build_hasher().finish() >> 16;
    let seed = variable("CORO_SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(fresh);
    println!("{test}: CORO_SEED={seed}");
    Random::new(seed)
}
