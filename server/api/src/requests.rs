//! Requests: questions that need a decision, approvals of every kind included.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::numbers::{LeaseNumber, RequestNumber};
use crate::words::words;

/// The option that refuses. It may be decided where it is not listed too.
pub const NO: &str = "no";

/// The option that allows, where a request names no options of its own.
pub const YES: &str = "yes";

words!(
    /// What a request is about, which says who may decide it.
    RequestKind {
        /// A plain question.
        Question = "question",
        /// A rule to accept; protected.
        Rule = "rule",
        /// A change of instructions to apply; protected.
        Proposal = "proposal",
        /// A budget to raise; protected.
        Budget = "budget",
        /// A contract to break; protected.
        ContractBreak = "contract_break",
        /// A place where work stops until someone has looked.
        Checkpoint = "checkpoint",
        /// To edit under another's lease for a while; protected.
        LeaseOverride = "lease_override",
    }
);

impl RequestKind {
    /// Whether a human who has unlocked decides it, and no token alone.
    pub fn is_protected(self) -> bool {
        !matches!(self, RequestKind::Question | RequestKind::Checkpoint)
    }
}

words!(
    /// How a request stands.
    RequestStatus {
        /// Waits for a decision.
        Open = "open",
        /// Nobody decided in time; the owner, humans and deputies may now.
        Escalated = "escalated",
        /// Nobody decided in time; it waits without end.
        Parked = "parked",
        Decided = "decided",
        /// Nobody decided in time; that is a refusal.
        Expired = "expired",
        /// Whoever asked took it back.
        Withdrawn = "withdrawn",
    }
);

impl RequestStatus {
    /// Whether a decision can still come.
    pub fn waits(self) -> bool {
        use RequestStatus::{Escalated, Open, Parked};
        matches!(self, Open | Escalated | Parked)
    }
}

words!(
    /// What it means when nobody decides in time. Never that it is allowed.
    Silence {
        Deny = "deny",
        Park = "park",
        /// The owner and humans get the same time once more, then it is denied.
        Escalate = "escalate",
    }
);

/// How a decider proved who they are.
pub const BY_SESSION: &str = "session";

/// As [`BY_SESSION`], by a token alone.
pub const BY_TOKEN: &str = "token";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// One line.
    #[cfg_attr(feature = "openapi", schema(example = "Use PostgreSQL for the cart?"))]
    pub title: String,
    #[serde(default = "question")]
    pub kind: RequestKind,
    /// Default: the token's project, else the agent's, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// What exactly is decided, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// At most 8; default: yes, no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub options: Vec<String>,
    /// With the kind `lease_override`: under which lease the asking agent wants to edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseNumber>,
    /// Seconds until silence means something; default: a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2592000))]
    pub expires_in: Option<i64>,
    #[serde(default = "park")]
    pub on_silence: Silence,
}

fn question() -> RequestKind {
    RequestKind::Question
}

fn park() -> Silence {
    Silence::Park
}

/// A request as it stands. A list leaves out body, detail and votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Request {
    pub number: RequestNumber,
    pub project: String,
    pub kind: RequestKind,
    /// Whether a human who has unlocked decides it, and no token alone.
    pub protected: bool,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    pub options: Vec<String>,
    /// The lease that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseNumber>,
    /// What that lease is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_pattern: Option<String>,
    /// SHA-256 over what is decided; a decision names it.
    pub digest: String,
    pub status: RequestStatus,
    pub on_silence: Silence,
    pub asked_by: String,
    /// The id of the agent that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_agent: Option<String>,
    pub asked_at: String,
    pub expires_at: String,
    /// The option that was decided; `no` where it expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// `session`: a human who had unlocked; `token`: a token alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_how: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why it was decided so, or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
}

/// What one of several deciders said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vote {
    pub decider: String,
    /// As `decided_how`.
    pub how: String,
    pub option: String,
    pub why: String,
    pub at: String,
}

/// A decision, bound to what was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// One of the request's options, or `no`.
    #[cfg_attr(feature = "openapi", schema(example = "yes"))]
    pub option: String,
    /// The digest of the request that was read.
    pub digest: String,
    #[serde(default)]
    pub why: String,
}

/// Why a request is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    #[serde(default)]
    pub why: String,
}

const _: () = assert!(
    crate::limits::DECIDERS_MAX == 16,
    "the schema of NewPolicy says so"
);

/// Who decides the requests of a kind in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// Default: the token's project, else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop"))]
    pub project: Option<String>,
    pub kind: RequestKind,
    /// So many must say the same; one `no` is enough.
    #[serde(default = "one")]
    // Up to `limits::DECIDERS_MAX`; a schema takes no constant.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 16))]
    pub quorum: i64,
    /// Names of humans, or actors of tokens such as `agent:lead` where the
    /// kind is not protected. None means everyone who may decide.
    #[serde(default)]
    pub deciders: Vec<String>,
    /// As `deciders`: who may decide too, after a while or once it is escalated.
    #[serde(default)]
    pub deputies: Vec<String>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2592000))]
    pub deputies_after_seconds: i64,
}

fn one() -> i64 {
    1
}

/// A policy that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    pub project: String,
    pub kind: RequestKind,
    pub quorum: i64,
    pub deciders: Vec<String>,
    pub deputies: Vec<String>,
    pub deputies_after_seconds: i64,
    pub set_by: String,
    pub set_at: String,
    /// SHA-256 over all of it; a change may name it in `If-Match`.
    pub digest: String,
    /// How many of the humans who decide must have unlocked to change it; 0
    /// where the owner's token is enough.
    pub humans_to_change: i64,
}
