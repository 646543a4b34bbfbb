//! The principal behind a call, and what is in its sight.

use std::sync::Arc;

use coro_api::names::{DEFAULT_PROJECT, project_of_key, project_of_topic};
use coro_api::tokens::{PrincipalKind, Role};

use super::Permission;
use crate::agents::liveness::SignOfLife;
use crate::clock::Time;
use crate::dashboard::sessions::{Proof, Session};
use crate::error::{Result, forbidden};
use crate::ids::{AgentId, Hash, TenantId};
use crate::log::Sight;
use crate::tokens;

/// The principal behind a token.
#[derive(Clone, Debug)]
pub struct Caller {
    pub tenant: TenantId,
    pub tenant_name: String,
    pub token_id: String,
    pub token_hash: Hash,
    pub name: String,
    pub kind: PrincipalKind,
    pub role: Role,
    /// `kind:name`, as log rows have it.
    pub actor: String,
    pub project: Option<String>,
    pub key_prefixes: Vec<String>,
    pub expires_at: Option<Time>,
    pub revoked_at: Option<Time>,
    /// The agent that the token was issued to, where one has registered.
    pub agent: Option<CallerAgent>,
    /// Where that agent's signs of life are noted.
    pub alive: Option<Arc<SignOfLife>>,
    /// The dashboard's session that calls for the token, where one does.
    pub session: Option<Session>,
}

/// By what a request is known: a token on the API's listener, a session on
/// the dashboard's. Neither takes the other's.
#[derive(Clone, Copy, Debug)]
pub enum Credential {
    /// The hash of a token's secret.
    Token(Hash),
    Session(Proof),
}

/// Which registration of an agent a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerAgent {
    pub id: AgentId,
    pub generation: i64,
    /// Whether nobody has called with the token before.
    pub is_first_use: bool,
}

impl Caller {
    /// By what the caller is known.
    pub(super) fn credential(&self) -> Credential {
        match &self.session {
            None => Credential::Token(self.token_hash),
            Some(session) => Credential::Session(session.proof),
        }
    }

    /// What the caller may see of the log.
    pub fn sight(&self) -> Sight {
        Sight {
            project: self.project.clone(),
            key_prefixes: self.key_prefixes.clone(),
            audit: Permission::Audit.allows(self.role),
        }
    }

    /// As [`Caller::sight`], of one project where it is named. Koor's clients
    /// send a filter that they don't use as an empty text.
    pub fn sight_of(&self, named: Option<&str>) -> Result<Sight> {
        let project = match named.filter(|project| !project.is_empty()) {
            Some(named) => Some(self.project_for(Some(named.to_owned()))?),
            None => self.project.clone(),
        };
        Ok(Sight {
            project,
            ..self.sight()
        })
    }

    /// Whether the caller may touch a state key.
    pub fn check_key(&self, key: &str) -> Result<()> {
        coro_api::names::check_key(key)?;
        self.check_project("key", key, project_of_key(key))?;
        if self.key_prefixes.is_empty()
            || self
                .key_prefixes
                .iter()
                .any(|prefix| key.starts_with(prefix.as_str()))
        {
            return Ok(());
        }
        Err(forbidden(format!(
            "the key {key:?} begins with none of this token's prefixes"
        ))
        .hint(format!(
            "use a key that begins with {:?}",
            self.key_prefixes[0]
        )))
    }

    /// Whether the caller may publish to a topic.
    pub fn check_topic(&self, topic: &str) -> Result<()> {
        coro_api::names::check_topic(topic)?;
        if coro_api::names::is_reserved_topic(topic) {
            return Err(
                forbidden(format!("the topic {topic:?} is the server's own"))
                    .hint("publish to a topic that does not begin with \"coro.\""),
            );
        }
        self.check_project("topic", topic, project_of_topic(topic))
    }

    /// Whether the caller may know what is in a project.
    pub fn sees_project(&self, project: &str) -> bool {
        self.project.as_ref().is_none_or(|own| own == project)
    }

    /// The project that a call is about: that of the token, else the one that
    /// it names, else `default`.
    pub fn project_for(&self, named: Option<String>) -> Result<String> {
        let named = named.filter(|project| !project.is_empty());
        match (&self.project, named) {
            (Some(own), Some(named)) if *own != named => Err(forbidden(format!(
                "the project {named:?} is not this token's"
            ))
            .hint(format!("leave the project out: it is {own:?}"))),
            (Some(own), _) => Ok(own.clone()),
            (None, Some(named)) => {
                tokens::check_project_name(&named)?;
                Ok(named)
            }
            (None, None) => Ok(DEFAULT_PROJECT.to_owned()),
        }
    }

    fn check_project(&self, what: &str, name: &str, project: &str) -> Result<()> {
        match &self.project {
            Some(own) if own != project => Err(forbidden(format!(
                "the {what} {name:?} is outside of this token's project"
            ))
            .hint(format!("use a {what} of the project {own:?}"))),
            _ => Ok(()),
        }
    }

    /// Whether the caller may see what is not of one project.
    pub fn check_whole_tenant(&self) -> Result<()> {
        match (&self.project, self.key_prefixes.first()) {
            (Some(own), _) => Err(forbidden(format!(
                "this token sees the project {own:?} only"
            ))),
            (None, Some(prefix)) => Err(forbidden(format!(
                "this token sees keys such as {prefix:?} only"
            ))),
            (None, None) => Ok(()),
        }
    }
}
