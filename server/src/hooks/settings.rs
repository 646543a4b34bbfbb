//! The settings of hooks.

use serde::Deserialize;

/// `[hooks]` in the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookSettings {
    /// How often an agent goes on by itself until a human says something.
    pub continuations_max: i64,
}

impl Default for HookSettings {
    fn default() -> Self {
        HookSettings {
            continuations_max: 20,
        }
    }
}

impl HookSettings {
    /// Refuses a bound that is none.
    pub fn check(&self) -> Result<(), String> {
        match self.continuations_max {
            0..=10_000 => Ok(()),
            _ => Err("hooks.continuations_max is out of range: it takes 0 to 10000".to_owned()),
        }
    }
}
