//! Ids and secrets: the one place that asks for randomness.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A tenant: made once and stored. Cheap to clone, it goes with every call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    pub fn generate() -> Self {
        TenantId(uuid().into())
    }

    /// An id that was read from the database.
    pub fn from_stored(id: &str) -> Self {
        TenantId(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An agent: made once, with its first registration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentId(Arc<str>);

impl AgentId {
    pub fn generate() -> Self {
        AgentId(uuid().into())
    }

    /// An id that was read from the database or sent by a client.
    pub fn from_text(id: &str) -> Self {
        AgentId(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token's id, which may be shown; the secret is another thing.
pub fn token_id() -> String {
    uuid()
}

fn uuid() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    uuid::Uuid::now_v7().to_string()
}

/// What makes two hashes of the same passphrase differ.
pub fn salt() -> std::io::Result<[u8; 16]> {
    random()
}

fn random<const LENGTH: usize>() -> std::io::Result<[u8; LENGTH]> {
    let mut bytes = [0u8; LENGTH];
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for randomness"
    )]
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// The secret of a token or of a session. Shown once, never stored, never logged.
pub struct Secret(String);

impl Secret {
    /// `cor_` and 32 random bytes: too many to guess, so that storing a fast
    /// hash of it is enough.
    pub fn generate() -> std::io::Result<Self> {
        Ok(Secret(format!("cor_{}", Self::generate_bare()?.0)))
    }

    /// 32 random bytes of something that is no token.
    pub fn generate_bare() -> std::io::Result<Self> {
        Ok(Secret(URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }

    /// As [`Secret::generate`], of a human's session: it begins otherwise, so
    /// that it is not taken for a token.
    pub fn generate_session() -> std::io::Result<Self> {
        Ok(Secret(format!("corh_{}", Self::generate_bare()?.0)))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    pub fn of(bytes: &[u8]) -> Self {
        Hash(Sha256::digest(bytes).into())
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }

    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Hash)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}
