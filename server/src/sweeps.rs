//! What the server does by itself now and then.
//!
//! A sweep looks at what is there and acts; it takes no input and is safe to
//! run twice, or on two replicas at once. To add one: a function, and a line
//! in [`run_all`].

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::agents::liveness;
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::log::retention;
use crate::requests::silence;
use crate::{dashboard, humans, idempotency, leases, messages, state, tasks, tenants};

/// How often everything is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many rounds pass between two looks at what is no longer kept.
const RETENTION_ROUNDS: u32 = 30;

/// Seconds by which the clock must be ahead of the time that this process has
/// run for the machine to have slept.
const SLEPT_SECONDS: u64 = 30;

/// Runs the sweeps until the server stops.
pub async fn run(app: App) {
    let mut round = 0u32;
    let mut rounds = interval(INTERVAL);
    let mut looks = interval(app.config.liveness.sweep_interval());
    // Each timer asks about the time since its own last tick: one for both would
    // tell of a sleep to the first that ticks, and not to the other.
    let mut awake_at_looks = Awake::new(&app);
    let mut awake_at_rounds = Awake::new(&app);
    loop {
        let swept = tokio::select! {
            () = app.stop.cancelled() => return,
            _ = looks.tick() => {
                if awake_at_looks.has_slept(&app) {
                    app.liveness.woke(app.clock.now());
                }
                look_who_is_alive(&app).await
            }
            _ = rounds.tick() => {
                if awake_at_rounds.has_slept(&app) {
                    // Asleep, or the clock is wrong for a moment: wait a round,
                    // so that nothing ends by it that can't come back.
                    continue;
                }
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

/// Tells that the machine has slept: its clock went on, while the time that
/// processes run stood still. A sweep that took long moves both.
struct Awake {
    clock: Time,
    running: Instant,
}

impl Awake {
    fn new(app: &App) -> Awake {
        Awake {
            clock: app.clock.of_the_machine(),
            running: Instant::now(),
        }
    }

    /// Whether it has since this was asked last.
    fn has_slept(&mut self, app: &App) -> bool {
        let before = std::mem::replace(self, Awake::new(app));
        let by_clock = before.clock.seconds_until(self.clock);
        let running = self.running.duration_since(before.running);
        is_sleep(by_clock, running)
    }
}

fn is_sleep(by_clock: u64, running: Duration) -> bool {
    by_clock.saturating_sub(running.as_secs()) > SLEPT_SECONDS
}

/// Ticks from one period on, and not faster after a delay.
fn interval(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Runs every sweep once.
pub async fn run_all(app: &App) -> Result<()> {
    look_who_is_alive(app).await?;
    run_frequent(app).await?;
    for tenant in tenants::list_tenants(&app.db).await? {
        idempotency::sweep(&app.db, &tenant, app.clock.now()).await?;
        humans::sweep(&app.db, &tenant).await?;
        silence::forget(&app.db, &tenant, app.clock.now()).await?;
        dashboard::sweep(&app.db, &tenant, app.clock.now()).await?;
    }
    retention::sweep(&app.db, &app.config.retention).await?;
    match tenants::list_tenants(&app.db).await?.first() {
        Some(tenant) => app.db.write(tenant, |tx| tx.reclaim_space()).await,
        None => Ok(()),
    }
}

/// Writes who was heard of, and then takes from the silent what they hold.
async fn look_who_is_alive(app: &App) -> Result<()> {
    liveness::sweep(app).await?;
    tasks::sweep(app).await
}

async fn run_frequent(app: &App) -> Result<()> {
    for tenant in tenants::list_tenants(&app.db).await? {
        state::sweep(&app.db, &tenant).await?;
        messages::sweep(&app.db, &tenant).await?;
        silence::sweep(&app.db, &tenant).await?;
    }
    leases::sweep(app).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sweep_is_no_sleep_of_the_machine() {
        for (by_clock, running, slept) in [
            (10, 10, false),
            // Retention that took ten minutes.
            (600, 600, false),
            (600, 10, true),
            (40, 10, false),
            // The clock was set back.
            (0, 10, false),
        ] {
            assert_eq!(is_sleep(by_clock, Duration::from_secs(running)), slept);
        }
    }
}
