//! The subscription of Koor's clients: events as text frames of a WebSocket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use crate::app::Ctx;
use crate::auth::check_again;
use crate::log::feed::{BATCH_MAX, Cursor};

/// How often a peer is asked whether it lives.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long a peer may be silent, or take for what was sent.
const PEER_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest frame, and message, that a peer may send: pongs and closes, since
/// nothing else is read.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;

/// RFC 6455: the server goes away.
const GOING_AWAY: u16 = 1001;

/// Ours are those from 4000 on: the HTTP status of the reason is added, such
/// as 4410 where what follows is no longer kept.
const OWN_CODES: u16 = 4000;

/// Sends what the cursor gives until one side leaves.
pub async fn send_events(socket: WebSocket, mut cursor: Cursor, ctx: Ctx) {
    let _open = ctx.app.metrics.stream();
    let (mut sink, mut stream) = socket.split();
    let mut heard_at = Instant::now();
    let mut ping_at = heard_at + PING_INTERVAL;
    loop {
        let read = match check_again(&ctx.app, &ctx.caller).await {
            Ok(()) => cursor.read(BATCH_MAX).await,
            Err(error) => Err(error),
        };
        let batch = match read {
            Ok(batch) => batch,
            Err(error) => {
                let code = OWN_CODES + error.reason.status();
                let close = CloseFrame {
                    code,
                    reason: error.message.into(),
                };
                let _ = timeout(PEER_TIMEOUT, sink.send(Message::Close(Some(close)))).await;
                return;
            }
        };
        if !batch.entries.is_empty() {
            for published in &batch.entries {
                let Ok(text) = Utf8Bytes::try_from(published.json().clone()) else {
                    continue;
                };
                if !taken(sink.feed(Message::Text(text))).await {
                    return;
                }
            }
            if !taken(sink.flush()).await {
                return;
            }
            // Who takes what is sent lives.
            heard_at = Instant::now();
            while let Some(message) = stream.next().now_or_never() {
                if matches!(message, Some(Ok(Message::Close(_)) | Err(_)) | None) {
                    return;
                }
            }
            continue;
        }
        tokio::select! {
            () = cursor.wait() => {}
            message = stream.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => heard_at = Instant::now(),
            },
            () = sleep_until(ping_at) => {
                if heard_at.elapsed() > PEER_TIMEOUT {
                    return;
                }
                ping_at = Instant::now() + PING_INTERVAL;
                if sink.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
            }
            () = ctx.app.stop.cancelled() => {
                let close = CloseFrame { code: GOING_AWAY, reason: "the server stops".into() };
                let _ = timeout(PEER_TIMEOUT, sink.send(Message::Close(Some(close)))).await;
                return;
            }
        }
    }
}

/// Whether the peer takes what is sent, in time.
async fn taken<E>(sending: impl Future<Output = Result<(), E>>) -> bool {
    matches!(timeout(PEER_TIMEOUT, sending).await, Ok(Ok(())))
}
