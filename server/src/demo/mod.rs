//! The demo: one command that shows what Coro is for.
//!
//! `coro-server demo` starts a server on a folder of its own and lets four
//! agents build a shop in it. `story.txt` says what they do; [`player`] does it,
//! with the programs that users have. The folder, and every process, ends with
//! the command.

mod player;
mod story;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use coro_api::humans::{NewHuman, Passphrase};

use crate::agents::liveness::LivenessSettings;
use crate::app::{App, Ctx, RequestInfo};
use crate::auth::caller_of_token;
use crate::config::{ConfigError, Options};
use crate::humans::set_human;
use crate::ids::{Hash, Secret};
use crate::platform::{self, StopSignal};
use player::{Crew, Stage};

/// Who decides what is protected, and how. No secret: whoever reads it may
/// decide in a demo.
const HUMAN: (&str, &str) = ("demo", "demo demo demo");

/// A free port of this machine.
const FREE: &str = "127.0.0.1:0";

/// When an agent counts as silent: soon, so that one sees it.
const LIVENESS: LivenessSettings = LivenessSettings {
    sweep_seconds: 1,
    stale_after_seconds: 10,
    ended_after_seconds: 24 * 3600,
    forgotten_after_days: 30,
};

/// How often the folder's removal is tried: a process that was just ended may
/// have written into it.
const REMOVALS_MAX: usize = 5;

#[derive(Args, Clone, Debug)]
pub struct DemoOptions {
    /// How often faster than life the story goes, from 0.1 to 1000, or max: the
    /// hour at once, and nothing after it
    #[arg(long, default_value = "10")]
    speed: Speed,
    /// Only print the page's address
    #[arg(long)]
    no_open: bool,
}

/// How often faster than life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    Times(f64),
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let times = text
            .parse()
            .ok()
            .filter(|times| (0.1..=1000.0).contains(times));
        times
            .map(Speed::Times)
            .ok_or_else(|| "takes 0.1 to 1000, or max".to_owned())
    }
}

impl Speed {
    /// How long something of the story takes.
    fn real(self, told: Duration) -> Duration {
        match self {
            Speed::Times(times) => told.div_f64(times),
            Speed::Max => Duration::ZERO,
        }
    }

    fn at_least_one(self) -> Speed {
        match self {
            Speed::Times(times) => Speed::Times(times.max(1.0)),
            Speed::Max => Speed::Max,
        }
    }
}

/// A demo that is about to begin: its folder is there as long as this is.
pub struct Demo {
    options: DemoOptions,
    folder: PathBuf,
    cli: PathBuf,
}

impl Demo {
    pub fn prepare(options: DemoOptions) -> anyhow::Result<Demo> {
        let cli = find_cli()?;
        let name = Secret::generate_bare().context("no random bytes")?;
        let folder = std::env::temp_dir().join(format!("coro-demo-{:.8}", name.reveal()));
        platform::create_private_folder(&folder)
            .with_context(|| format!("the folder {} can't be made", folder.display()))?;
        let demo = Demo {
            options,
            folder,
            cli,
        };
        platform::create_private_folder(&demo.home())?;
        Ok(demo)
    }

    /// The settings of its server. Of the user's those of listening and logging
    /// count: the rest is about a server that is to stay. No TLS, for its agents
    /// would have to know the certificate.
    pub fn settings(&self, given: Options) -> Result<Options, ConfigError> {
        if given.dashboard_bind.as_deref() == Some("off") {
            let fault = "the demo is looked at on the dashboard: leave out --dashboard-bind off";
            return Err(ConfigError(fault.to_owned()));
        }
        if given.tls_cert.is_some() || given.tls_key.is_some() {
            let fault = "the demo speaks no TLS: leave out --tls-cert and --tls-key, or have a \
                         proxy speak it, with --behind-proxy and --public-url";
            return Err(ConfigError(fault.to_owned()));
        }
        // An address that is named can't be that of a free port.
        let free = |url: &Option<String>| url.is_none().then(|| FREE.to_owned());
        Ok(Options {
            bind: given.bind.or_else(|| free(&given.public_url)),
            dashboard_bind: given.dashboard_bind.or_else(|| free(&given.dashboard_url)),
            dashboard_url: given.dashboard_url,
            public_url: given.public_url,
            behind_proxy: given.behind_proxy,
            data_dir: Some(self.folder.join("data")),
            // A folder for temporary files may have too long a name for one.
            socket: Some("off".to_owned()),
            log_level: given.log_level.or_else(|| Some("warn".to_owned())),
            log_format: given.log_format,
            liveness: Some(LIVENESS),
            ..Options::default()
        })
    }

    /// Plays until it is told to stop, or until an agent dies.
    pub async fn play(
        &self,
        app: &App,
        server: Serving<'_>,
        stop: &mut StopSignal,
    ) -> anyhow::Result<()> {
        let token = std::fs::read_to_string(server.owner_token)?;
        let stage = Stage {
            cli: self.cli.clone(),
            home: self.home(),
            url: server.url.to_owned(),
            owner_token: token.trim().to_owned(),
        };
        let mut crew = tokio::select! {
            crew = self.begin(app, &stage, &server) => crew?,
            () = stop.wait() => return Ok(()),
        };
        let ended = tokio::select! {
            error = crew.play() => Err(error),
            () = stop.wait() => Ok(()),
        };
        crew.end().await;
        ended
    }

    async fn begin(&self, app: &App, stage: &Stage, server: &Serving<'_>) -> anyhow::Result<Crew> {
        make_human(app, &stage.owner_token).await?;
        let opens = !self.options.no_open && platform::has_display();
        let address = stage.sign_in(opens).await?;
        let (human, passphrase) = HUMAN;
        let told = format!(
            "
The demo: four agents build a shop. Look on, with a code that is good once, for a minute:
  {address}
Again, or in the terminal:
  {cli} dashboard
  {cli} top
You are the human {human} who decides what is protected; the passphrase is: {passphrase}
Ctrl-C ends it all and leaves nothing behind.",
            cli = server.cli,
        );
        // A reader that has seen enough is no error.
        let _ = writeln!(std::io::stdout(), "{told}");
        Crew::gather(stage.clone(), self.options.speed).await
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for _ in 0..REMOVALS_MAX {
            match std::fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {}
                _ => return,
            }
        }
        eprintln!("coro-server: {} can't be removed", self.folder.display());
    }
}

/// The server that the demo has.
pub struct Serving<'a> {
    pub url: &'a str,
    pub owner_token: &'a Path,
    /// The CLI as one would type it for this server.
    pub cli: &'a str,
}

/// The CLI of the same build, whatever else is installed.
fn find_cli() -> anyhow::Result<PathBuf> {
    let cli = platform::cli_beside().context("where this program is, is not known")?;
    if !cli.is_file() {
        bail!(
            "the demo's agents use coro-cli, and {} is not there: put coro-cli beside coro-server \
             (cargo build makes both)",
            cli.display()
        );
    }
    Ok(cli)
}

/// The human who decides in the demo, set as the owner would.
async fn make_human(app: &App, owner_token: &str) -> anyhow::Result<()> {
    let caller = caller_of_token(app, Hash::of(owner_token.as_bytes())).await?;
    let ctx = Ctx {
        app: app.clone(),
        caller,
        request: Arc::new(RequestInfo {
            id: "demo".to_owned(),
            traceparent: None,
            once: None,
            replayed: AtomicBool::new(false),
        }),
    };
    let new = NewHuman {
        name: HUMAN.0.to_owned(),
        passphrase: Passphrase::new(HUMAN.1),
        old_passphrase: None,
    };
    set_human(&ctx, None, new).await?;
    Ok(())
}
