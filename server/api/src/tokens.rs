//! Tokens: who calls, and what they may do.

use serde::{Deserialize, Serialize};

use crate::words::words;

words!(
    /// What kind of principal a token belongs to.
    PrincipalKind {
        Human = "human",
        Agent = "agent",
        Runner = "runner",
        Service = "service",
    }
);

words!(
    /// What a token allows.
    Role {
        /// Administers the tenant: everything, tokens and backups included.
        Owner = "owner",
        /// Leads a project: reads, writes, decides its plain requests, and reads
        /// the audit.
        Controller = "controller",
        /// Works: tasks, leases, messages, requests, state and events.
        Agent = "agent",
        /// Executes jobs; reads and writes as an agent does.
        Runner = "runner",
        /// Reads.
        Viewer = "viewer",
        /// Registers new agents, and nothing else.
        Enrol = "enrol",
    }
);

impl Role {
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
