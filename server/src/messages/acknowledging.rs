//! What moves a receipt forward: that an agent read, acknowledged or replied.

use coro_api::messages::{DeliveredBy, Receipt, ReceiptState};
use coro_api::numbers::MessageNumber;
use serde_json::json;

use super::{MessageRow, ReceiptRow, Seen, entry, expired, find_seen, store};
use crate::agents::require_agent;
use crate::app::Ctx;
use crate::db::Tx;
use crate::error::{Result, conflict, forbidden};
use crate::ids::TenantId;

/// Acknowledges a message that is for the caller. Doing it again changes
/// nothing.
pub async fn acknowledge_message(ctx: &Ctx, number: MessageNumber) -> Result<Receipt> {
    let job_ctx = ctx.clone();
    ctx.write(move |tx| {
        let Seen { message, own, .. } = find_seen(tx, &job_ctx, number)?;
        let Some(receipt) = own else {
            return Err(forbidden(format!(
                "{number} is not for you: only its recipients acknowledge it"
            ))
            .hint(format!("see how far it is: coro-cli messages get {number}")));
        };
        let now = tx.now();
        match receipt.state(&message, now) {
            ReceiptState::Acknowledged => return Ok(receipt.shown(&message, now)),
            ReceiptState::Expired => return Err(expired(&message)),
            ReceiptState::Undeliverable => return Err(returned(&message)),
            ReceiptState::Queued | ReceiptState::Delivered | ReceiptState::Read => {}
        }
        require_agent(tx, &job_ctx)?;
        if message.is_ask() && receipt.open {
            return Err(conflict(format!(
                "{number} asks for an answer, not for an acknowledgement"
            ))
            .hint(format!("answer it: coro-cli answer {number} JSON")));
        }
        let receipt = acknowledge(tx, &job_ctx, &message, receipt)?;
        Ok(receipt.shown(&message, now))
    })
    .await
}

/// What a reply says of the message that it is for: it was dealt with. An ask
/// was read by that and still wants its answer.
pub(super) fn deal_with(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: &MessageRow,
    receipt: ReceiptRow,
) -> Result<()> {
    let is_over = matches!(
        receipt.state(message, tx.now()),
        ReceiptState::Acknowledged | ReceiptState::Expired | ReceiptState::Undeliverable
    );
    if is_over {
        return Ok(());
    }
    match message.is_ask() {
        true => mark_read(tx, &ctx.caller.tenant, message, receipt)?,
        false => acknowledge(tx, ctx, message, receipt)?,
    };
    Ok(())
}

/// Writes that an agent has acknowledged, which its sender hears.
pub(super) fn acknowledge(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: &MessageRow,
    receipt: ReceiptRow,
) -> Result<ReceiptRow> {
    let (tenant, now) = (&ctx.caller.tenant, tx.now());
    let receipt = ReceiptRow {
        state: ReceiptState::Acknowledged,
        open: false,
        delivered_at: receipt.delivered_at.or(Some(now)),
        read_at: receipt.read_at.or(Some(now)),
        acknowledged_at: Some(now),
        ..receipt
    };
    store::update_receipt(tx, tenant, &receipt)?;
    let note = json!({ "agent": receipt.agent_name, "from": message.sender_name });
    let entry = entry(ctx, "coro.message.acknowledged", message, note);
    tx.emit(tenant, entry)?;
    Ok(receipt)
}

/// Writes that an agent has fetched a message whole, where it had not.
pub(super) fn mark_read(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    message: &MessageRow,
    receipt: ReceiptRow,
) -> Result<ReceiptRow> {
    let now = tx.now();
    if !receipt.is_unread() || message.is_due(now) {
        return Ok(receipt);
    }
    let receipt = ReceiptRow {
        state: ReceiptState::Read,
        open: message.needs_ack || message.is_ask(),
        how: receipt.how.or(Some(DeliveredBy::Inbox)),
        delivered_at: receipt.delivered_at.or(Some(now)),
        read_at: Some(now),
        ..receipt
    };
    store::update_receipt(tx, tenant, &receipt)?;
    Ok(receipt)
}

fn returned(message: &MessageRow) -> crate::error::Error {
    let number = message.number();
    conflict(format!(
        "{number} went back to its sender when this agent ended"
    ))
    .hint(format!("write to the sender: coro-cli reply {number} TEXT"))
}
