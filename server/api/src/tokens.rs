//! Tokens: who calls, and what they may do.

use serde::{Deserialize, Serialize};

/// What kind of principal a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    Human,
    Agent,
    Runner,
    Service,
}

impl PrincipalKind {
    pub fn word(self) -> &'static str {
        match self {
            PrincipalKind::Human => "human",
            PrincipalKind::Agent => "agent",
            PrincipalKind::Runner => "runner",
            PrincipalKind::Service => "service",
        }
    }
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Administers the tenant: everything, tokens and backups included.
    Owner,
    /// Leads a project: reads, writes, and reads the audit.
    Controller,
    /// Works: reads and writes state, events and consumers.
    Agent,
    /// Executes jobs; reads and writes as an agent does.
    Runner,
    /// Reads.
    Viewer,
    /// Registers new agents, and nothing else.
    Enrol,
}

impl Role {
    pub const ALL: [Role; 6] = [
        Role::Owner,
        Role::Controller,
        Role::Agent,
        Role::Runner,
        Role::Viewer,
        Role::Enrol,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Controller => "controller",
            Role::Agent => "agent",
            Role::Runner => "runner",
            Role::Viewer => "viewer",
            Role::Enrol => "enrol",
        }
    }

    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The kind of principal that a token of this role belongs to where the
    /// request names none.
    pub fn usual_kind(self) -> PrincipalKind {
        match self {
            Role::Owner | Role::Viewer => PrincipalKind::Human,
            Role::Controller | Role::Agent => PrincipalKind::Agent,
            Role::Runner => PrincipalKind::Runner,
            Role::Enrol => PrincipalKind::Service,
        }
    }
}

/// What a client says to make a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Whose it is; appears as the actor of what it does.
    #[cfg_attr(feature = "openapi", schema(example = "frontend"))]
    pub name: String,
    #[cfg_attr(feature = "openapi", schema(example = "agent"))]
    pub role: Role,
    /// Default: what is usual for the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PrincipalKind>,
    /// The one project that it may touch; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop"))]
    pub project: Option<String>,
    /// State keys that it may touch begin with one of these; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_prefixes: Vec<String>,
    /// Seconds until it expires; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub expires_in: Option<i64>,
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    pub id: String,
    pub name: String,
    pub kind: PrincipalKind,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_prefixes: Vec<String>,
    pub created_at: String,
    pub created_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// A token that was just made. Its secret is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    #[serde(flatten)]
    pub info: Token,
    /// The secret, for `Authorization: Bearer …`.
    pub token: String,
}
