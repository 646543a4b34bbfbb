//! Transactions: several keys compared and written at once.

pub mod routes;

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use coro_api::limits::TXN_ITEMS_MAX;
use coro_api::names::project_of_key;
use coro_api::txn::{TxnCompare, TxnRequest, TxnResponse, TxnResult, TxnWrite};

use crate::app::Ctx;
use crate::db::Hints;
use crate::error::{Result, internal, invalid};
use crate::state::{self, Condition, NewValue};

/// One write, checked.
enum Write {
    Put(String, NewValue),
    Delete(String),
}

impl Write {
    fn key(&self) -> &str {
        match self {
            Write::Put(key, _) | Write::Delete(key) => key,
        }
    }
}

/// Carries out a transaction.
pub async fn write_txn(ctx: &Ctx, request: TxnRequest) -> Result<TxnResponse> {
    let writes = check(ctx, &request)?;
    let keys: HashSet<&str> = request
        .compare
        .iter()
        .map(|compare| compare.key.as_str())
        .chain(writes.iter().map(Write::key))
        .collect();
    let prefetch = state::prefetch(keys);
    let bytes = writes
        .iter()
        .map(|write| {
            if let Write::Put(_, v) = write {
                v.size()
            } else {
                0
            }
        })
        .sum();
    let (job_ctx, compare) = (ctx.clone(), request.compare);
    let hints = Hints {
        bytes,
        prefetch: Some(prefetch),
        refuses_first: false,
    };
    ctx.write_hinted(hints, move |tx| {
        let tenant = &job_ctx.caller.tenant;
        for TxnCompare { key, version } in &compare {
            let living = state::living(tx, tenant, key)?;
            if living.as_ref().map_or(0, |current| current.version) != *version {
                return Err(state::stale(key, living.as_ref()));
            }
        }
        let mut results = Vec::with_capacity(writes.len());
        for write in &writes {
            // A comparison names the version, as a key may demand.
            let compared = compare.iter().any(|compare| compare.key == write.key());
            results.push(match write {
                Write::Put(key, new) => {
                    let condition = held(tx, &job_ctx, key, compared)?;
                    let entry = job_ctx.entry(state::PUT, key, project_of_key(key));
                    TxnResult::Put(state::put(tx, &job_ctx, key, new, &condition, entry)?)
                }
                Write::Delete(key) => {
                    let condition = held(tx, &job_ctx, key, compared)?;
                    let revision = state::delete(tx, &job_ctx, key, &condition)?;
                    TxnResult::Delete {
                        key: key.clone(),
                        revision,
                    }
                }
            });
        }
        let revision = tx.head(tenant)?.revision;
        Ok(TxnResponse { revision, results })
    })
    .await
}

/// The condition that a comparison which holds amounts to.
fn held(tx: &mut crate::db::Tx<'_>, ctx: &Ctx, key: &str, compared: bool) -> Result<Condition> {
    if !compared {
        return Ok(Condition::None);
    }
    let exists = state::living(tx, &ctx.caller.tenant, key)?.is_some();
    Ok(if exists {
        Condition::Present
    } else {
        Condition::None
    })
}

fn check(ctx: &Ctx, request: &TxnRequest) -> Result<Vec<Write>> {
    let (compares, writes) = (request.compare.len(), request.writes.len());
    if writes == 0 || writes > TXN_ITEMS_MAX || compares > TXN_ITEMS_MAX {
        return Err(invalid(format!(
            "the transaction has {compares} comparisons and {writes} writes; it takes at most \
             {TXN_ITEMS_MAX} of each and at least one write"
        )));
    }
    let mut compared = HashSet::new();
    for compare in &request.compare {
        ctx.caller.check_key(&compare.key)?;
        if compare.version < 0 {
            return Err(invalid(format!(
                "the version of {:?} is negative",
                compare.key
            )));
        }
        if !compared.insert(&compare.key) {
            return Err(invalid(format!(
                "the key {:?} is compared twice",
                compare.key
            )));
        }
    }
    let mut checked: Vec<Write> = Vec::with_capacity(writes);
    let mut written = HashSet::new();
    for write in &request.writes {
        let write = checked_write(ctx, write)?;
        if !written.insert(write.key().to_owned()) {
            return Err(invalid(format!(
                "the key {:?} is written twice",
                write.key()
            )));
        }
        checked.push(write);
    }
    Ok(checked)
}

fn checked_write(ctx: &Ctx, write: &TxnWrite) -> Result<Write> {
    match write {
        TxnWrite::Delete { key } => {
            ctx.caller.check_key(key)?;
            Ok(Write::Delete(key.clone()))
        }
        TxnWrite::Put {
            key,
            value,
            base64,
            content_type,
            ttl,
        } => {
            ctx.caller.check_key(key)?;
            let (bytes, usual) = match (value, base64) {
                (Some(value), None) => (
                    serde_json::to_vec(value).map_err(internal)?,
                    "application/json",
                ),
                (None, Some(text)) => {
                    let bytes = STANDARD.decode(text).map_err(|error| {
                        invalid(format!("the value of {key:?} is not base64: {error}"))
                    })?;
                    (bytes, "application/octet-stream")
                }
                _ => return Err(invalid(format!("the put of {key:?} takes value or base64"))),
            };
            let content_type = content_type.clone().unwrap_or_else(|| usual.to_owned());
            if !is_header_text(&content_type) {
                return Err(invalid(format!(
                    "the content type {content_type:?} is not usable"
                )));
            }
            Ok(Write::Put(
                key.clone(),
                NewValue::new(Bytes::from(bytes), content_type)?.ttl(*ttl)?,
            ))
        }
    }
}

fn is_header_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}
