//! Who was known a moment ago is believed without asking again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use subtle::ConstantTimeEq;

use super::Caller;
use crate::clock::Time;
use crate::ids::Hash;

/// How long a token that was found is believed without asking again: how long
/// a token that another replica revoked may still be used.
const CACHE_SECONDS: i64 = 2;

/// The most tokens that are remembered.
const CACHE_MAX: usize = 10_000;

/// Tokens and sessions that were found a moment ago.
#[derive(Default)]
pub struct TokenCache {
    found: Mutex<HashMap<Hash, (Arc<Caller>, Time)>>,
}

impl TokenCache {
    pub fn get(&self, hash: &Hash, now: Time) -> Option<Arc<Caller>> {
        let found = self.found.lock().expect("no panic while held");
        let (key, (caller, until)) = found.get_key_value(hash)?;
        // The map compares as it likes; this comparison tells nothing by the
        // time that it takes.
        let equal = bool::from(key.0.ct_eq(&hash.0));
        (equal && *until > now).then(|| caller.clone())
    }

    pub fn put(&self, hash: Hash, caller: Arc<Caller>, now: Time) {
        let mut found = self.found.lock().expect("no panic while held");
        if found.len() >= CACHE_MAX {
            found.clear();
        }
        found.insert(hash, (caller, now.plus_seconds(CACHE_SECONDS)));
    }

    /// Forgets everything, after a token changed.
    pub fn clear(&self) {
        self.found.lock().expect("no panic while held").clear();
    }
}
