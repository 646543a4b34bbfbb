//! What a role allows, and how a handler says what it takes.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coro_api::tokens::Role;

use super::Caller;
use crate::app::{App, Ctx, RequestInfo};
use crate::error::{Error, Result, forbidden, internal};

/// What a handler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To be known at all.
    Known,
    Read,
    Write,
    /// To read what others attempted.
    Audit,
    /// To lead a project: to pause, to reassign.
    Lead,
    /// To register an agent.
    Register,
    /// To administer the tenant.
    Admin,
}

impl Permission {
    pub(super) fn allows(self, role: Role) -> bool {
        match self {
            Permission::Known => true,
            Permission::Read => role != Role::Enrol,
            Permission::Write => !matches!(role, Role::Enrol | Role::Viewer),
            Permission::Audit | Permission::Lead => {
                matches!(role, Role::Owner | Role::Controller)
            }
            Permission::Register => role != Role::Viewer,
            Permission::Admin => role == Role::Owner,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Permission::Known => "call",
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Audit => "read the audit",
            Permission::Lead => "lead a project",
            Permission::Register => "register an agent",
            Permission::Admin => "administer",
        }
    }
}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $permission:expr) => {
        $(#[$doc])*
        pub struct $name(pub Ctx);

        impl FromRequestParts<App> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
                context(parts, app, $permission).await.map($name)
            }
        }
    };
}

permission!(
    /// The caller is known; nothing more is asked.
    Anyone,
    Permission::Known
);
permission!(
    /// The caller may read state and events.
    Reader,
    Permission::Read
);
permission!(
    /// The caller may write state and events.
    Writer,
    Permission::Write
);
permission!(
    /// The caller may read the audit.
    Auditor,
    Permission::Audit
);
permission!(
    /// The caller leads a project, or all.
    Leader,
    Permission::Lead
);
permission!(
    /// The caller may register an agent.
    Registrar,
    Permission::Register
);
permission!(
    /// The caller administers the tenant.
    Admin,
    Permission::Admin
);

async fn context(parts: &Parts, app: &App, permission: Permission) -> Result<Ctx> {
    let missing = || internal(anyhow::anyhow!("a route without the gate before it"));
    let caller = parts
        .extensions
        .get::<Arc<Caller>>()
        .ok_or_else(missing)?
        .clone();
    let request = parts
        .extensions
        .get::<Arc<RequestInfo>>()
        .ok_or_else(missing)?
        .clone();
    require(&caller, permission)?;
    Ok(Ctx {
        app: app.clone(),
        caller,
        request,
    })
}

/// Refuses a caller whose role does not allow something.
pub fn require(caller: &Caller, permission: Permission) -> Result<()> {
    let role = caller.role;
    if permission.allows(role) {
        return Ok(());
    }
    Err(forbidden(format!(
        "a token of role {} may not {}",
        role.word(),
        permission.verb()
    ))
    .hint(match role {
        Role::Enrol => "call with the token that the registration returned",
        _ => "ask the owner for a token that may",
    }))
}
