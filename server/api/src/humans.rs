//! Humans: who decides what is protected, and how they prove that they are it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The header that carries the secret of a human's session.
pub const SESSION_HEADER: &str = "Coro-Human";

/// What a human knows. It is in no message, list, log or stored answer.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = Password, min_length = 10, max_length = 512))]
#[serde(transparent)]
pub struct Passphrase(String);

impl Passphrase {
    pub fn new(text: impl Into<String>) -> Passphrase {
        Passphrase(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl<'de> Deserialize<'de> for Passphrase {
    /// Its errors don't repeat what was sent.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)
            .map(Passphrase)
            .map_err(|_| de::Error::custom("the passphrase is no text"))
    }
}

/// What makes a human, or changes their passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewHuman {
    /// Appears as `human:ada` with what they decide.
    #[cfg_attr(feature = "openapi", schema(example = "ada"))]
    pub name: String,
    /// At least 10 characters.
    pub passphrase: Passphrase,
    /// The one that is valid now, to change it without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_passphrase: Option<Passphrase>,
}

/// Someone who decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Human {
    pub name: String,
    pub created_at: String,
    /// Whose token made them.
    pub created_by: String,
    /// When the passphrase was set last.
    pub changed_at: String,
    /// When it was last made anew on the server's machine, where it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<String>,
}

/// What a human says to be known as one for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// May be left out where there is one human only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "ada"))]
    pub name: Option<String>,
    pub passphrase: Passphrase,
}

/// A session of a human. Its secret is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unlocked {
    pub name: String,
    /// The secret, for the header `Coro-Human`; valid with this token only.
    pub session: String,
    pub expires_at: String,
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unlocked({})", self.name)
    }
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Locked {
    /// Whose it was; null where there was none.
    pub locked: Option<String>,
}
