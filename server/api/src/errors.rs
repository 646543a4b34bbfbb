//! Errors on the wire: RFC 9457 problem details with a closed set of reasons.

use serde::{Deserialize, Serialize};

/// Why a request failed. A closed set: a client may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The request is malformed or breaks a rule of the API (400).
    Invalid,
    /// No token, or one that is unknown, expired or revoked (401).
    Unauthenticated,
    /// The caller is known and may not do this (403).
    Forbidden,
    /// The human's session that came along is over, or another token's (403).
    SessionOver,
    /// There is no such thing, or the caller may not know of it (404).
    NotFound,
    /// The path exists, the method does not (405).
    MethodNotAllowed,
    /// The thing exists already, or is in another state than needed (409).
    Conflict,
    /// The revision asked for is no longer kept (410).
    Compacted,
    /// The stored value is not the one that the condition names (412).
    PreconditionFailed,
    /// The body is larger than allowed (413).
    TooLarge,
    /// The body's content type is not one that the operation takes (415).
    UnsupportedMediaType,
    /// The idempotency key was used before for another request (422).
    IdempotencyMismatch,
    /// The key takes conditional writes only (428).
    PreconditionRequired,
    /// Too many attempts (429).
    RateLimited,
    /// A fault of the server, logged there (500).
    Internal,
    /// The server can't take the request now; it was not carried out (503).
    Unavailable,
    /// The database went away while it committed: the change may or may not
    /// have happened (504).
    OutcomeUnknown,
    /// No space is left where the server stores; nothing was changed (507).
    StorageFull,
}

impl Reason {
    /// Every reason, in order of status.
    pub const ALL: [Reason; 18] = [
        Reason::Invalid,
        Reason::Unauthenticated,
        Reason::Forbidden,
        Reason::SessionOver,
        Reason::NotFound,
        Reason::MethodNotAllowed,
        Reason::Conflict,
        Reason::Compacted,
        Reason::PreconditionFailed,
        Reason::TooLarge,
        Reason::UnsupportedMediaType,
        Reason::IdempotencyMismatch,
        Reason::PreconditionRequired,
        Reason::RateLimited,
        Reason::Internal,
        Reason::Unavailable,
        Reason::OutcomeUnknown,
        Reason::StorageFull,
    ];

    /// The HTTP status that goes with the reason.
    pub fn status(self) -> u16 {
        match self {
            Reason::Invalid => 400,
            Reason::Unauthenticated => 401,
            Reason::Forbidden | Reason::SessionOver => 403,
            Reason::NotFound => 404,
            Reason::MethodNotAllowed => 405,
            Reason::Conflict => 409,
            Reason::Compacted => 410,
            Reason::PreconditionFailed => 412,
            Reason::TooLarge => 413,
            Reason::UnsupportedMediaType => 415,
            Reason::IdempotencyMismatch => 422,
            Reason::PreconditionRequired => 428,
            Reason::RateLimited => 429,
            Reason::Internal => 500,
            Reason::Unavailable => 503,
            Reason::OutcomeUnknown => 504,
            Reason::StorageFull => 507,
        }
    }

    /// The word on the wire, as in `reason` and at the end of `type`.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Invalid => "invalid",
            Reason::Unauthenticated => "unauthenticated",
            Reason::Forbidden => "forbidden",
            Reason::SessionOver => "session_over",
            Reason::NotFound => "not_found",
            Reason::MethodNotAllowed => "method_not_allowed",
            Reason::Conflict => "conflict",
            Reason::Compacted => "compacted",
            Reason::PreconditionFailed => "precondition_failed",
            Reason::TooLarge => "too_large",
            Reason::UnsupportedMediaType => "unsupported_media_type",
            Reason::IdempotencyMismatch => "idempotency_mismatch",
            Reason::PreconditionRequired => "precondition_required",
            Reason::RateLimited => "rate_limited",
            Reason::Internal => "internal",
            Reason::Unavailable => "unavailable",
            Reason::OutcomeUnknown => "outcome_unknown",
            Reason::StorageFull => "storage_full",
        }
    }

    /// A short title for people, the same for every error of the reason.
    pub fn title(self) -> &'static str {
        match self {
            Reason::Invalid => "Invalid request",
            Reason::Unauthenticated => "Not signed in",
            Reason::Forbidden => "Not allowed",
            Reason::SessionOver => "The human's session is over",
            Reason::NotFound => "Not found",
            Reason::MethodNotAllowed => "Method not allowed",
            Reason::Conflict => "Conflict",
            Reason::Compacted => "No longer kept",
            Reason::PreconditionFailed => "Condition not met",
            Reason::TooLarge => "Too large",
            Reason::UnsupportedMediaType => "Unsupported content type",
            Reason::IdempotencyMismatch => "Idempotency key reused",
            Reason::PreconditionRequired => "Condition required",
            Reason::RateLimited => "Too many attempts",
            Reason::Internal => "Internal error",
            Reason::Unavailable => "Unavailable",
            Reason::OutcomeUnknown => "Outcome unknown",
            Reason::StorageFull => "Storage full",
        }
    }
}

/// The body of every error, `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable identifier that ends with the reason.
    #[serde(rename = "type")]
    #[cfg_attr(
        feature = "openapi",
        schema(example = "https://coro.dev/problems/not_found")
    )]
    pub kind: String,
    /// The same words for every error of the reason.
    #[cfg_attr(feature = "openapi", schema(example = "Not found"))]
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(example = 404))]
    pub status: u16,
    /// What happened, naming the thing and the value.
    #[cfg_attr(feature = "openapi", schema(example = "there is no key \"shop/plan\""))]
    pub detail: String,
    /// Why, as one word of a closed set.
    pub reason: Reason,
    /// A next step that is safe to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(example = "list the keys with GET /api/state?prefix=shop/")
    )]
    pub next: Option<String>,
    /// The tenant's revision, or the oldest one kept where the reason is
    /// `compacted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// The same text as `detail`, where Koor's clients look for it.
    #[cfg_attr(feature = "openapi", schema(example = "there is no key \"shop/plan\""))]
    pub error: String,
    /// The same number as `status`, where Koor's clients look for it.
    #[cfg_attr(feature = "openapi", schema(example = 404))]
    pub code: u16,
}
