//! What the server does by itself now and then.
//!
//! A sweep looks at what is there and acts; it takes no input and is safe to
//! run twice, or on two replicas at once. To add one: a function, and a line
//! in [`run_all`].

use std::time::Duration;

use crate::app::App;
use crate::error::Result;
use crate::log::retention;
use crate::{idempotency, state, tenants};

/// How often everything is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many rounds pass between two looks at what is no longer kept.
const RETENTION_ROUNDS: u32 = 30;

/// Runs the sweeps until the server stops.
pub async fn run(app: App) {
    let mut round = 0u32;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        round = round.wrapping_add(1);
        let swept = match round % RETENTION_ROUNDS {
            0 => run_all(&app).await,
            _ => run_frequent(&app).await,
        };
        if let Err(error) = swept {
            tracing::error!(%error, "a sweep failed; it runs again");
        }
    }
}

/// Runs every sweep once.
pub async fn run_all(app: &App) -> Result<()> {
    run_frequent(app).await?;
    for tenant in tenants::list_tenants(&app.db).await? {
        idempotency::sweep(&app.db, &tenant, app.clock.now()).await?;
    }
    retention::sweep(&app.db, &app.config.retention).await?;
    match tenants::list_tenants(&app.db).await?.first() {
        Some(tenant) => app.db.write(tenant, |tx| tx.reclaim_space()).await,
        None => Ok(()),
    }
}

async fn run_frequent(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        state::sweep(&app.db, &tenant).await?;
    }
    Ok(())
}
