//! A value that is to be written, and the row of a key that has one.

use bytes::Bytes;
use coro_api::limits::TTL_SECONDS_MAX;
use coro_api::state::StateItem;

use super::etag;
use crate::clock::Time;
use crate::error::{Result, invalid};
use crate::ids::Hash;

/// A value to be written.
#[derive(Clone, Debug)]
pub struct NewValue {
    pub(super) bytes: Bytes,
    pub(super) hash: Hash,
    pub(super) content_type: String,
    pub(super) ttl_seconds: Option<i64>,
    /// Whether the key expires when it did before.
    pub(super) keeps_expiry: bool,
    /// Whether the key shall demand conditions; `None` leaves it as it is.
    pub(super) conditional: Option<bool>,
}

impl NewValue {
    pub fn new(bytes: Bytes, content_type: String) -> Result<Self> {
        if bytes.is_empty() {
            return Err(invalid("empty body").hint("send the value as the body"));
        }
        let hash = Hash::of(&bytes);
        Ok(NewValue {
            bytes,
            hash,
            content_type,
            ttl_seconds: None,
            keeps_expiry: false,
            conditional: None,
        })
    }

    pub fn ttl(mut self, seconds: Option<i64>) -> Result<Self> {
        if let Some(seconds) = seconds
            && !(1..=TTL_SECONDS_MAX).contains(&seconds)
        {
            return Err(invalid(format!(
                "ttl is {seconds}; it takes 1 to {TTL_SECONDS_MAX} seconds"
            )));
        }
        self.ttl_seconds = seconds;
        Ok(self)
    }

    pub(super) fn keep_expiry(mut self) -> Self {
        self.keeps_expiry = true;
        self
    }

    pub fn conditional(mut self, conditional: Option<bool>) -> Self {
        self.conditional = conditional;
        self
    }

    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// The present row of a key, which may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pub version: i64,
    pub revision: i64,
    pub hash: Hash,
    pub size: i64,
    pub content_type: String,
    pub updated_at: Time,
    pub updated_by: String,
    pub expires_at: Option<Time>,
    pub conditional: bool,
    pub deleted: bool,
}

impl Current {
    /// Whether there is a value for whoever looks at this moment.
    pub fn lives(&self, now: Time) -> bool {
        !self.deleted && self.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    pub fn item(&self, key: &str) -> StateItem {
        StateItem {
            key: key.to_owned(),
            version: self.version,
            revision: self.revision,
            hash: self.hash.hex(),
            size: self.size,
            content_type: self.content_type.clone(),
            updated_at: self.updated_at.to_string(),
            updated_by: self.updated_by.clone(),
            expires_at: self.expires_at.map(|at| at.to_string()),
            conditional: self.conditional,
        }
    }

    pub fn etag(&self) -> String {
        etag(self.version, &self.hash.hex())
    }
}
