//! The dashboard: its one-time codes and the sessions of its page.

use serde::{Deserialize, Serialize};

use crate::tokens::Role;

/// Where the dashboard is signed in to, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DashboardCode {
    /// The page's address with the code behind `#`, which browsers send
    /// nowhere.
    #[cfg_attr(feature = "openapi", schema(example = "http://127.0.0.1:9847/#code=…"))]
    pub url: String,
    pub expires_at: String,
}

/// What the page signs in with, on the dashboard's listener: `POST /session`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub code: String,
}

/// The page's half of a new session; the other half is a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedIn {
    /// Sent with each request as the header `Coro-Session-Key`.
    pub key: String,
    /// When the session ends if it is not used until then.
    pub expires_at: String,
}

/// Who the page's session is, on the dashboard's listener: `GET /session`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DashboardSession {
    /// That of the token with which the code was made.
    pub name: String,
    pub role: Role,
    pub tenant: String,
    /// The one project that the session sees; none sees all.
    pub project: Option<String>,
    /// When the session ends if it is not used until then.
    pub expires_at: String,
    /// Whether what the page shows is made up.
    pub demo: bool,
    /// The origin on which passkeys work; none where the dashboard's address
    /// is an IP address or plain HTTP.
    #[cfg_attr(feature = "openapi", schema(example = "http://localhost:9847"))]
    pub passkeys_at: Option<String>,
    /// The newest revision of the tenant.
    pub revision: i64,
}

/// Sessions of the dashboard were ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedOut {
    /// How many.
    pub ended: u64,
}
