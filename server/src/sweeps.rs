//! What the server does by itself now and then.
//!
//! A sweep looks at what is there and acts; it takes no input and is safe to
//! run twice, or on two replicas at once. To add one: a function, and a line
//! in [`run_all`].

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::agents::liveness;
use crate::app::App;
use crate::error::Result;
use crate::log::retention;
use crate::{idempotency, state, tenants};

/// How often everything is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many rounds pass between two looks at what is no longer kept.
const RETENTION_ROUNDS: u32 = 30;

/// How many looks at who is alive must be missing for the machine to have slept.
const SLEEP_LOOKS: u64 = 3;

/// Runs the sweeps until the server stops.
pub async fn run(app: App) {
    let mut round = 0u32;
    let mut rounds = interval(INTERVAL);
    let mut looks = interval(app.config.liveness.sweep_interval());
    let mut last_look = app.clock.of_the_machine();
    loop {
        let swept = tokio::select! {
            () = app.stop.cancelled() => return,
            _ = looks.tick() => {
                let now = app.clock.of_the_machine();
                if last_look.seconds_until(now) > SLEEP_LOOKS * app.config.liveness.sweep_seconds {
                    app.liveness.woke(app.clock.now());
                }
                last_look = now;
                liveness::sweep(&app).await
            }
            _ = rounds.tick() => {
                round = round.wrapping_add(1);
                match round % RETENTION_ROUNDS {
                    0 => run_all(&app).await,
                    _ => run_frequent(&app).await,
                }
            }
        };
        if let Err(error) = swept {
            tracing::error!(%error, "a sweep failed; it runs again");
        }
    }
}

/// Ticks from one period on, and not faster after a delay.
fn interval(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Runs every sweep once.
pub async fn run_all(app: &App) -> Result<()> {
    liveness::sweep(app).await?;
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
