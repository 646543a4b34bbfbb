//! Counts what runs for long, in all and for each token, so that none takes
//! everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::error::{Result, unavailable};

/// What runs now.
pub struct Slots {
    /// What is counted, in the plural.
    what: &'static str,
    /// `None` where only each token has a bound.
    max: Option<usize>,
    of_token_max: usize,
    /// By token.
    taken: Mutex<HashMap<String, usize>>,
}

impl Slots {
    /// So many in all, and so many of one token.
    pub fn new(what: &'static str, (max, of_token_max): (usize, usize)) -> Arc<Slots> {
        Slots::with(what, Some(max), of_token_max)
    }

    /// So many of one token; in all as many as come.
    pub fn of_tokens(what: &'static str, of_token_max: usize) -> Arc<Slots> {
        Slots::with(what, None, of_token_max)
    }

    fn with(what: &'static str, max: Option<usize>, of_token_max: usize) -> Arc<Slots> {
        Arc::new(Slots {
            what,
            max,
            of_token_max,
            taken: Mutex::default(),
        })
    }

    /// Counts one more, unless too many run.
    pub fn take(self: &Arc<Self>, token: &str) -> Result<Slot> {
        let what = self.what;
        let mut taken = self.taken.lock().expect("no panic while held");
        let all = || taken.values().sum::<usize>();
        if self.max.is_some_and(|max| all() >= max) {
            return Err(unavailable(format!(
                "too many {what} run on the server already; this one did not"
            )));
        }
        let own = taken.entry(token.to_owned()).or_default();
        if *own >= self.of_token_max {
            return Err(unavailable(format!(
                "{own} of your {what} run already; this one did not"
            )));
        }
        *own += 1;
        Ok(Slot {
            slots: self.clone(),
            token: token.to_owned(),
        })
    }
}

/// One that runs.
pub struct Slot {
    slots: Arc<Slots>,
    token: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().expect("no panic while held");
        if let Some(own) = taken.get_mut(&self.token) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.token);
            }
        }
    }
}
