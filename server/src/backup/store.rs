//! SQL of backups: every table, with the columns that a backup has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::db::{Row, Tx, Val};
use crate::error::{Result, internal, invalid};
use crate::ids::TenantId;

/// Rows read at a time. Values may be large, so not many.
const PAGE_ROWS: i64 = 16;

/// For a table whose key may come twice: its rows are small and few, and are
/// read at once.
const ALL_ROWS: i64 = i64::MAX;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Int,
    Text,
    Blob,
}

/// A table of the backup. `select` takes the tenant, the key after which to
/// go on, and how many rows; `key` is the column of that key, `page` how many
/// rows are read at a time.
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [(&'static str, Kind)],
    key: usize,
    page: i64,
    select: &'static str,
    insert: &'static str,
}

macro_rules! table {
    ($name:literal by $key:literal, $page:expr; $($column:ident $kind:ident $number:literal),+ $(,)?) => {
        Table {
            name: $name,
            columns: &[$((stringify!($column), Kind::$kind)),+],
            key: {
                let names = [$(stringify!($column)),+];
                let mut at = 0;
                while !same(names[at], $key) { at += 1; }
                at
            },
            page: $page,
            select: concat!("SELECT ", table!(@names $($column),+), " FROM ", $name,
                " WHERE tenant_id = $1 AND ", $key, " > $2 ORDER BY ", $key, " LIMIT $3"),
            insert: concat!("INSERT INTO ", $name, " (", table!(@names $($column),+), ") VALUES (",
                table!(@numbers $($number),+), ")"),
        }
    };
    (@names $first:ident $(, $rest:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($rest))*)
    };
    (@numbers $first:literal $(, $rest:literal)*) => {
        concat!("$", $first $(, ", $", $rest)*)
    };
}

/// Equality of texts while compiling.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Every table that a tenant has rows in. `tidy.rs` compares this with the
/// migrations. The numbers are those of the parameters.
pub(super) const TABLES: &[Table] = &[
    table!("tenant" by "name", PAGE_ROWS; tenant_id Text 1, name Text 2, created_at Int 3, compacted Int 4,
        anchor Int 5, anchor_chain Blob 6, data_dropped Int 7, values_dropped Int 8),
    table!("log" by "revision", PAGE_ROWS; tenant_id Text 1, revision Int 2, at Int 3, actor Text 4,
        topic Text 5, subject Text 6, project Text 7, scope Int 8, refused Int 9, version Int 10,
        hash Blob 11, size Int 12, content_type Text 13, note Text 14, traceparent Text 15,
        total_bytes Int 16, chain Blob 17, payload Blob 18),
    table!("state" by "key", PAGE_ROWS; tenant_id Text 1, key Text 2, version Int 3, revision Int 4,
        hash Blob 5, size Int 6, content_type Text 7, updated_at Int 8, updated_by Text 9,
        expires_at Int 10, conditional Int 11, deleted Int 12),
    table!("token" by "id", PAGE_ROWS; tenant_id Text 1, id Text 2, hash Blob 3, name Text 4, kind Text 5,
        role Text 6, project Text 7, key_prefixes Text 8, created_at Int 9, created_by Text 10,
        expires_at Int 11, revoked_at Int 12, agent_id Text 13, generation Int 14, used_at Int 15),
    table!("agent" by "id", PAGE_ROWS; tenant_id Text 1, id Text 2, project Text 3, name Text 4,
        workspace Text 5, intent Text 6, stack Text 7, capabilities Text 8, client Text 9,
        client_version Text 10, status Text 11, activated Int 12, generation Int 13,
        registered_at Int 14, registered_with Blob 15, last_seen Int 16),
    table!("number" by "kind", PAGE_ROWS; tenant_id Text 1, kind Text 2, taken Int 3),
    table!("pause" by "id", PAGE_ROWS; tenant_id Text 1, id Text 2, project Text 3, agent Text 4, reason Text 5,
        paused_by Text 6, paused_at Int 7),
    table!("continuation" by "agent_id", PAGE_ROWS; tenant_id Text 1, agent_id Text 2, count Int 3, told Text 4),
    table!("lease" by "number", PAGE_ROWS; tenant_id Text 1, number Int 2, project Text 3, kind Text 4,
        pattern Text 5, mode Text 6, status Text 7, reason Text 8, agent_id Text 9, holder Text 10,
        generation Int 11, actor Text 12, task Int 13, overrides Int 14, fence Int 15,
        ttl_seconds Int 16, requested_at Int 17, granted_at Int 18, expires_at Int 19),
    table!("task" by "number", PAGE_ROWS; tenant_id Text 1, number Int 2, project Text 3, title Text 4,
        priority Int 5, assignee Text 6, capabilities Text 7, paths Text 8, labels Text 9, status Text 10,
        blockers Int 11, attempt Int 12, attempts_max Int 13, created_by Text 14, created_at Int 15,
        updated_at Int 16, closed_at Int 17, claim_agent Text 18, claim_name Text 19,
        claim_generation Int 20, claim_fence Int 21, claimed_at Int 22, claim_renewed_at Int 23,
        body Text 24, result Text 25),
    table!("task_dependency" by "task", ALL_ROWS; tenant_id Text 1, task Int 2, dependency Int 3),
    table!("task_note" by "revision", PAGE_ROWS; tenant_id Text 1, revision Int 2, task Int 3, at Int 4,
        actor Text 5, attempt Int 6, text Text 7),
    table!("message" by "number", PAGE_ROWS; tenant_id Text 1, number Int 2, project Text 3, sender Text 4,
        sender_agent Text 5, sender_name Text 6, kind Text 7, to_kind Text 8, to_name Text 9, text Text 10,
        thread Int 11, reply_to Int 12, needs_ack Int 13, blocking Int 14, created_at Int 15,
        expires_at Int 16, due_at Int 17, settled Int 18, schema Text 19, tries Int 20, answer Text 21,
        answer_state Text 22, failure Text 23),
    table!("receipt" by "message", ALL_ROWS; tenant_id Text 1, message Int 2, agent Text 3, agent_name Text 4,
        state Text 5, open Int 6, how Text 7, handed_at Int 8, delivered_at Int 9, read_at Int 10,
        acknowledged_at Int 11, sender Text 12, wanted Int 13, blocking Int 14, due_at Int 15),
    table!("human" by "name", PAGE_ROWS; tenant_id Text 1, name Text 2, passphrase Text 3, created_at Int 4,
        created_by Text 5, changed_at Int 6, reset_at Int 7),
    table!("human_session" by "human", ALL_ROWS; tenant_id Text 1, hash Blob 2, human Text 3, token_id Text 4,
        created_at Int 5, expires_at Int 6),
    table!("passkey" by "id", PAGE_ROWS; tenant_id Text 1, id Text 2, human Text 3, name Text 4,
        relying_party Text 5, credential_id Blob 6, user_handle Blob 7, transports Int 8,
        key_state Blob 9, use_state Blob 10, made_at Int 11, last_used_at Int 12),
    table!("passkey_challenge" by "session", PAGE_ROWS; tenant_id Text 1, session Text 2, token_id Text 3,
        purpose Text 4, human Text 5, relying_party Text 6, state Blob 7, expires_at Int 8),
    table!("request" by "number", PAGE_ROWS; tenant_id Text 1, number Int 2, project Text 3, kind Text 4,
        title Text 5, body Text 6, detail Text 7, options Text 8, effect Text 9, digest Text 10,
        asked_by Text 11, asked_agent Text 12, asked_token Text 13, asked_at Int 14, expires_at Int 15,
        on_silence Text 16, status Text 17, decision Text 18, decided_by Text 19, decided_how Text 20,
        decided_at Int 21, why Text 22, closed_at Int 23),
    table!("request_vote" by "number", ALL_ROWS; tenant_id Text 1, number Int 2, decider Text 3, how Text 4,
        choice Text 5, why Text 6, voted_at Int 7),
    table!("request_policy" by "kind", ALL_ROWS; tenant_id Text 1, project Text 2, kind Text 3, quorum Int 4,
        deciders Text 5, deputies Text 6, deputies_after_seconds Int 7, set_by Text 8, set_at Int 9),
    table!("dashboard_code" by "hash", PAGE_ROWS; tenant_id Text 1, hash Text 2, token_id Text 3, token_hash Blob 4,
        expires_at Int 5, used_at Int 6),
    table!("dashboard_session" by "hash", PAGE_ROWS; tenant_id Text 1, hash Text 2, key_hash Blob 3,
        token_id Text 4, token_hash Blob 5, created_at Int 6, used_at Int 7),
    table!("consumer" by "name", PAGE_ROWS; tenant_id Text 1, name Text 2, pattern Text 3, acknowledged Int 4,
        owner Text 5, actor Text 6, project Text 7, key_prefixes Text 8, audit Int 9,
        created_at Int 10, updated_at Int 11),
    table!("idempotency" by "key", ALL_ROWS; tenant_id Text 1, principal Text 2, key Text 3,
        fingerprint Blob 4, answer Text 5, created_at Int 6),
];

pub(super) fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// Whether nothing was ever stored.
pub(super) fn is_empty(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx
        .query_one("SELECT 1 FROM tenant LIMIT 1", &[], |_| Ok(()))?
        .is_none())
}

/// Calls `each` with the values of every row of the tenant, in order.
pub(super) fn rows(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    table: &Table,
    mut each: impl FnMut(Vec<Value>) -> Result<()>,
) -> Result<()> {
    let mut after = match table.columns[table.key].1 {
        Kind::Int => Value::from(i64::MIN),
        _ => Value::from(""),
    };
    loop {
        let page = tx.query_all(
            table.select,
            &[tenant.into(), key_of(&after)?, table.page.into()],
            |row| values_of(row, table),
        )?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last[table.key].clone();
        for values in page {
            each(values)?;
        }
        if table.page == ALL_ROWS {
            return Ok(());
        }
    }
}

fn key_of(value: &Value) -> Result<Val<'_>> {
    match value {
        Value::Number(number) => Ok(Val::Int(number.as_i64().unwrap_or_default())),
        Value::String(text) => Ok(Val::Text(text)),
        _ => Err(internal(anyhow::anyhow!("a key without a value"))),
    }
}

fn values_of(row: &dyn Row, table: &Table) -> Result<Vec<Value>> {
    let value = |(column, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Int => row.opt_int(column)?.map_or(Value::Null, Value::from),
            Kind::Text => row.opt_text(column)?.map_or(Value::Null, Value::from),
            Kind::Blob => row
                .opt_blob(column)?
                .map_or(Value::Null, |b| Value::from(STANDARD.encode(b))),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
}

/// Writes a row of a backup, which must be the tenant's.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    table: &Table,
    values: &[Value],
) -> Result<()> {
    if values.len() != table.columns.len() || values[0] != tenant.as_str() {
        return Err(invalid(format!("a row of {:?} does not fit", table.name)));
    }
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    for ((_, kind), value) in table.columns.iter().zip(values) {
        blobs.push(match (kind, value) {
            (Kind::Blob, Value::String(text)) => STANDARD
                .decode(text)
                .map_err(|error| invalid(format!("it holds broken base64: {error}")))?,
            _ => Vec::new(),
        });
    }
    let mut params = Vec::with_capacity(values.len());
    for (((name, kind), value), blob) in table.columns.iter().zip(values).zip(&blobs) {
        params.push(match (kind, value) {
            (_, Value::Null) => Val::Null,
            (Kind::Int, Value::Number(number)) if number.is_i64() => {
                Val::Int(number.as_i64().unwrap_or_default())
            }
            (Kind::Text, Value::String(text)) => Val::Text(text),
            (Kind::Blob, Value::String(_)) => Val::Blob(blob),
            _ => {
                return Err(invalid(format!(
                    "{name} of a row of {:?} has a wrong type",
                    table.name
                )));
            }
        });
    }
    tx.queue(table.insert, &params)
}
