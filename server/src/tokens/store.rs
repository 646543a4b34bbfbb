//! SQL of tokens.

use coro_api::tokens::{PrincipalKind, Role, Token};

use crate::auth::{Caller, CallerAgent};
use crate::clock::Time;
use crate::db::{Row, Tx};
use crate::error::{Result, internal};
use crate::ids::{AgentId, Hash, TenantId};

pub(super) fn find_caller(tx: &mut Tx<'_>, hash: &Hash) -> Result<Option<Caller>> {
    tx.query_one(
        "SELECT token.tenant_id, tenant.name, token.id, token.name, token.kind, token.role, \
         token.project, token.key_prefixes, token.expires_at, token.revoked_at, token.agent_id, \
         token.generation, token.used_at FROM token \
         JOIN tenant ON tenant.tenant_id = token.tenant_id WHERE token.hash = $1",
        &[hash.into()],
        |row| {
            let kind = kind_from(row, 4)?;
            let name = row.text(3)?.to_owned();
            Ok(Caller {
                tenant: TenantId::from_stored(row.text(0)?),
                tenant_name: row.text(1)?.to_owned(),
                token_id: row.text(2)?.to_owned(),
                token_hash: *hash,
                actor: format!("{}:{name}", kind.word()),
                name,
                kind,
                role: role_from(row, 5)?,
                project: row.opt_text(6)?.map(str::to_owned),
                key_prefixes: prefixes_from(row, 7)?,
                expires_at: row.opt_int(8)?.map(Time),
                revoked_at: row.opt_int(9)?.map(Time),
                agent: match row.opt_text(10)? {
                    Some(id) => Some(CallerAgent {
                        id: AgentId::from_text(id),
                        generation: row.int(11)?,
                        is_first_use: row.opt_int(12)?.is_none(),
                    }),
                    None => None,
                },
                alive: None,
                session: None,
            })
        },
    )
}

pub(super) fn list(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<Token>> {
    tx.query_all(
        "SELECT id, name, kind, role, project, key_prefixes, created_at, created_by, expires_at \
         FROM token WHERE tenant_id = $1 AND revoked_at IS NULL ORDER BY id",
        &[tenant.into()],
        |row| {
            Ok(Token {
                id: row.text(0)?.to_owned(),
                name: row.text(1)?.to_owned(),
                kind: kind_from(row, 2)?,
                role: role_from(row, 3)?,
                project: row.opt_text(4)?.map(str::to_owned),
                key_prefixes: prefixes_from(row, 5)?,
                created_at: Time(row.int(6)?).to_string(),
                created_by: row.text(7)?.to_owned(),
                expires_at: row.opt_int(8)?.map(|at| Time(at).to_string()),
            })
        },
    )
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    token: &Token,
    hash: &Hash,
    created_at: Time,
    expires_at: Option<Time>,
) -> Result<()> {
    let prefixes = serde_json::to_string(&token.key_prefixes).map_err(internal)?;
    tx.execute(
        "INSERT INTO token (tenant_id, id, hash, name, kind, role, project, key_prefixes, \
         created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            tenant.into(),
            (&token.id).into(),
            hash.into(),
            (&token.name).into(),
            token.kind.word().into(),
            token.role.word().into(),
            token.project.as_ref().into(),
            (&prefixes).into(),
            created_at.into(),
            (&token.created_by).into(),
            expires_at.into(),
        ],
    )?;
    Ok(())
}

/// Revokes a token that is not revoked, and tells its name.
pub(super) fn revoke(tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> Result<Option<String>> {
    let now = tx.now();
    let name = tx.query_one(
        "SELECT name FROM token WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
        &[tenant.into(), id.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )?;
    tx.execute(
        "UPDATE token SET revoked_at = $3 \
         WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
        &[tenant.into(), id.into(), now.into()],
    )?;
    Ok(name)
}

pub(super) fn count(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<i64> {
    let count = tx.query_one(
        "SELECT count(*) FROM token WHERE tenant_id = $1 AND revoked_at IS NULL \
         AND agent_id IS NULL",
        &[tenant.into()],
        |row| row.int(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(super) fn is_token_of_human(tx: &mut Tx<'_>, tenant: &TenantId, name: &str) -> Result<bool> {
    let found = tx.query_one(
        "SELECT 1 FROM token WHERE tenant_id = $1 AND name = $2 AND kind = 'human' LIMIT 1",
        &[tenant.into(), name.into()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Makes a token that of an agent's generation.
pub(super) fn bind(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
    agent: &AgentId,
    generation: i64,
) -> Result<()> {
    tx.execute(
        "UPDATE token SET agent_id = $3, generation = $4, used_at = NULL \
         WHERE tenant_id = $1 AND id = $2",
        &[tenant.into(), id.into(), agent.into(), generation.into()],
    )?;
    Ok(())
}

/// Notes the first use of a token of an agent's generation; tells whether it
/// was that.
pub(super) fn begin_use(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
    agent: &AgentId,
    generation: i64,
) -> Result<bool> {
    let now = tx.now();
    let begun = tx.execute(
        "UPDATE token SET used_at = $5 WHERE tenant_id = $1 AND id = $2 AND agent_id = $3 \
         AND generation = $4 AND used_at IS NULL AND revoked_at IS NULL",
        &[
            tenant.into(),
            id.into(),
            agent.into(),
            generation.into(),
            now.into(),
        ],
    )?;
    Ok(begun > 0)
}

/// The agent of a token that is not revoked, where it has one.
pub(super) fn agent_of_valid(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Option<AgentId>>> {
    tx.query_one(
        "SELECT agent_id FROM token WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
        &[tenant.into(), id.into()],
        |row| Ok(row.opt_text(0)?.map(AgentId::from_text)),
    )
}

pub(super) fn is_generation_used(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    generation: i64,
) -> Result<bool> {
    let used = tx.query_one(
        "SELECT 1 FROM token WHERE tenant_id = $1 AND agent_id = $2 AND generation = $3 \
         AND used_at IS NOT NULL",
        &[tenant.into(), agent.into(), generation.into()],
        |_| Ok(()),
    )?;
    Ok(used.is_some())
}

/// The tokens of an agent that are not revoked, up to a generation.
pub(super) fn valid_of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
    generation: i64,
) -> Result<Vec<String>> {
    tx.query_all(
        "SELECT id FROM token WHERE tenant_id = $1 AND agent_id = $2 AND generation <= $3 \
         AND revoked_at IS NULL ORDER BY id",
        &[tenant.into(), agent.into(), generation.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

/// The roles of all agents' tokens that are not revoked, by generation.
pub(super) fn roles_of_agents(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<(AgentId, Role)>> {
    tx.query_all(
        "SELECT agent_id, role FROM token WHERE tenant_id = $1 AND agent_id IS NOT NULL \
         AND revoked_at IS NULL ORDER BY generation",
        &[tenant.into()],
        |row| Ok((AgentId::from_text(row.text(0)?), role_from(row, 1)?)),
    )
}

/// The tokens of an agent that nobody has used yet.
pub(super) fn unused_of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<Vec<String>> {
    tx.query_all(
        "SELECT id FROM token WHERE tenant_id = $1 AND agent_id = $2 AND used_at IS NULL \
         AND revoked_at IS NULL ORDER BY id",
        &[tenant.into(), agent.into()],
        |row| Ok(row.text(0)?.to_owned()),
    )
}

/// Deletes the tokens of an agent that are revoked.
pub(super) fn delete_ended_of_agent(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    agent: &AgentId,
) -> Result<()> {
    tx.execute(
        "DELETE FROM token WHERE tenant_id = $1 AND agent_id = $2 AND revoked_at IS NOT NULL",
        &[tenant.into(), agent.into()],
    )?;
    Ok(())
}

pub(super) fn delete_of_agent(tx: &mut Tx<'_>, tenant: &TenantId, agent: &AgentId) -> Result<()> {
    tx.execute(
        "DELETE FROM token WHERE tenant_id = $1 AND agent_id = $2",
        &[tenant.into(), agent.into()],
    )?;
    Ok(())
}

fn kind_from(row: &dyn Row, column: usize) -> Result<PrincipalKind> {
    let word = row.text(column)?;
    [
        PrincipalKind::Human,
        PrincipalKind::Agent,
        PrincipalKind::Runner,
        PrincipalKind::Service,
    ]
    .into_iter()
    .find(|kind| kind.word() == word)
    .ok_or_else(|| internal(anyhow::anyhow!("the database holds the kind {word:?}")))
}

fn role_from(row: &dyn Row, column: usize) -> Result<Role> {
    let word = row.text(column)?;
    Role::from_word(word)
        .ok_or_else(|| internal(anyhow::anyhow!("the database holds the role {word:?}")))
}

fn prefixes_from(row: &dyn Row, column: usize) -> Result<Vec<String>> {
    serde_json::from_str(row.text(column)?).map_err(internal)
}
