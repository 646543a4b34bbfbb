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
    /// When the passphrase was set last; when they were made, where there is
    /// none.
    pub changed_at: String,
    /// Whether they can unlock with a passphrase.
    pub has_passphrase: bool,
    /// What else they can unlock with, on the dashboard's page.
    pub passkeys: Vec<Passkey>,
    /// When the passphrase was last made anew on the server's machine, where it
    /// was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<String>,
}

/// A key pair in an authenticator of a human: a phone, a laptop, a security
/// key. It works on the page of one host only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passkey {
    pub id: String,
    /// What the human calls it.
    #[cfg_attr(feature = "openapi", schema(example = "laptop"))]
    pub name: String,
    /// The host for which it was made: `WebAuthn`'s relying party id.
    #[cfg_attr(feature = "openapi", schema(example = "localhost"))]
    pub relying_party: String,
    pub made_at: String,
    /// Null where it has unlocked nothing yet.
    pub last_used_at: Option<String>,
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

/// Asks for what a browser needs to make a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BeginPasskey {
    /// Whose it shall be. The first human is made with it.
    #[cfg_attr(feature = "openapi", schema(example = "ada"))]
    pub human: String,
}

/// Asks for what a browser needs to use a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BeginUnlock {
    /// May be left out where there is one human only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "ada"))]
    pub name: Option<String>,
}

/// What a browser takes to make or use a passkey, with a challenge that is
/// good once, for this session of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyOptions {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or
    /// `parseRequestOptionsFromJSON`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub options: serde_json::Value,
    pub expires_at: String,
}

/// A passkey that a browser has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What the human calls it.
    #[cfg_attr(feature = "openapi", schema(example = "laptop"))]
    pub name: String,
    /// The credential's `toJSON()`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub credential: serde_json::Value,
}

/// A passkey was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedPasskey {
    pub human: Human,
    /// The session of the first human, who was made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlocked: Option<Unlocked>,
}

/// What an authenticator has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UnlockWithPasskey {
    /// The credential's `toJSON()`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub credential: serde_json::Value,
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Locked {
    /// Whose it was; null where there was none.
    pub locked: Option<String>,
}
