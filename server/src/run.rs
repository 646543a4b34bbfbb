//! Starting and stopping: options, folder, database, listeners.

mod banner;
mod folder;
mod telemetry;

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Parser as _;
use coro_api::limits::STREAMS_OF_TOKEN_MAX;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::agents::liveness::{self, Liveness};
use crate::app::{App, Parts};
use crate::auth::TokenCache;
use crate::auth::limiter::Limiter;
use crate::clock::Clock;
use crate::config::{Cli, Command, Config, ConfigError, HumanCommand, Options, TenantCommand};
use crate::db::postgres::Postgres;
use crate::db::sqlite::Sqlite;
use crate::db::{CommitSink, Db};
use crate::demo::{self, Demo, DemoOptions};
use crate::http::connections::Connections;
use crate::http::openapi;
use crate::http::serve::Listeners;
use crate::ids::TenantId;
use crate::log::feed::Feeds;
use crate::metrics::Metrics;
use crate::platform::StopSignal;
use crate::slots::Slots;
use crate::{backup, humans, platform, router, state, sweeps, tenants};
use folder::DataFolder;

/// Failed sign-ins that an address may make in a minute before it must wait.
const SIGN_INS_MAX: u32 = 20;

/// Refusals that are written to the log in a minute, for each principal.
const REFUSALS_MAX: u32 = 10;

/// As [`REFUSALS_MAX`], of what a human must decide: none should be missing.
const PROTECTED_MAX: u32 = 120;

/// The exit code for settings that can't be used.
const EXIT_USAGE: u8 = 2;

/// The whole program.
pub fn main() -> ExitCode {
    // Before anything speaks TLS; it fails only where it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    platform::make_files_private();
    let Cli { command, options } = Cli::parse();
    if let Some(Command::Openapi) = command {
        print_line(&openapi::document());
        return ExitCode::SUCCESS;
    }
    let done = match command {
        Some(Command::Demo(demo)) => play(demo, options),
        command => configure(options)
            .map_err(anyhow::Error::from)
            .and_then(|config| runtime()?.block_on(run(config, command))),
    };
    telemetry::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("coro-server: {error:#}");
            match error.is::<ConfigError>() {
                true => ExitCode::from(EXIT_USAGE),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Prints what was asked for. A reader that has seen enough is no error.
fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")
}

fn configure(options: Options) -> Result<Config, ConfigError> {
    let config = options.resolve()?;
    telemetry::init(&config)?;
    Ok(config)
}

/// Serves the demo. Its folder is made once signals are kept, and goes when
/// everything else has ended.
fn play(options: DemoOptions, settings: Options) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let stop_signal = {
        let _inside = runtime.enter();
        StopSignal::install_with_hangup().context("no signal can be received")?
    };
    let demo = Demo::prepare(options)?;
    let mut config = configure(demo.settings(settings)?)?;
    config.demo = true;
    let served = runtime.block_on(serve(config, stop_signal, Some(&demo)));
    // Nothing runs any more that could write into the folder.
    drop(runtime);
    served
}

async fn run(config: Config, command: Option<Command>) -> anyhow::Result<()> {
    match command {
        None => {
            let stop_signal = StopSignal::install().context("no signal can be received")?;
            serve(config, stop_signal, None).await
        }
        Some(command) => {
            let folder = DataFolder::open(&config.data_dir)?;
            let (clock, feeds) = (Clock::default(), Arc::new(Feeds::default()));
            let db = open_database(&config, &clock, &feeds).await?;
            let done = administer(&db, &folder, command).await;
            db.close().await;
            done
        }
    }
}

async fn open_database(config: &Config, clock: &Clock, feeds: &Arc<Feeds>) -> anyhow::Result<Db> {
    let sink: Arc<dyn CommitSink> = feeds.clone();
    let opened = match &config.database_url {
        None => Sqlite::open(&config.data_dir, clock.clone(), sink).map(Db::sqlite),
        Some(url) => {
            let feeds = feeds.clone();
            let hint = Arc::new(move || feeds.hint());
            Postgres::open(url, clock.clone(), sink, hint)
                .await
                .map(Db::postgres)
        }
    };
    opened.map_err(readable)
}

/// An error with what to do about it, on one line.
fn readable(error: crate::error::Error) -> anyhow::Error {
    match &error.hint {
        Some(hint) => anyhow!("{error} ({hint})"),
        None => anyhow!("{error}"),
    }
}

async fn administer(db: &Db, folder: &DataFolder, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Openapi | Command::Demo(_) => {
            unreachable!("answered before the database is opened")
        }
        // Opening the database has done it.
        Command::Migrate => print_line("the schema is up to date"),
        Command::Restore { file } => {
            let restored = backup::restore(db, &file).await.map_err(readable)?;
            let token = tenants::renew_owner_token(db, &restored.tenant)
                .await
                .map_err(readable)?;
            folder.write_owner_token(&token)?;
            print_line(&format!(
                "restored {} rows up to revision {}; a new owner token is in {}, and the tokens of \
                 the backup work too",
                restored.rows,
                restored.revision,
                folder.owner_token_path().display()
            ));
        }
        Command::Tenant {
            command: TenantCommand::Add { name },
        } => {
            let tenant = tenants::create_tenant(db, &name).await.map_err(readable)?;
            print_line(tenant.owner_token.reveal());
        }
        Command::Human {
            command: HumanCommand::ResetPassphrase { name, tenant },
        } => {
            let tenant = tenant_meant(db, tenant).await?;
            let reset = humans::reset_passphrase(db, &tenant, &name).await;
            print_line(reset.map_err(readable)?.reveal());
            eprintln!(
                "coro-server: this is the passphrase of {name:?} now; they change it with \
                 coro-cli humans set"
            );
        }
        Command::Tenant {
            command: TenantCommand::OwnerToken { name },
        } => {
            let tenant = tenant_meant(db, Some(name)).await?;
            let token = tenants::renew_owner_token(db, &tenant)
                .await
                .map_err(readable)?;
            print_line(token.reveal());
        }
    }
    Ok(())
}

/// The tenant of a name, or the only one.
async fn tenant_meant(db: &Db, name: Option<String>) -> anyhow::Result<TenantId> {
    if let Some(name) = name {
        let found = tenants::find_tenant(db, &name).await.map_err(readable)?;
        return found.with_context(|| format!("there is no tenant {name:?}"));
    }
    let mut all = tenants::list_tenants(db).await.map_err(readable)?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => bail!("there are several tenants; name one with --tenant"),
        (None, _) => bail!("there is no tenant yet: no server was ever started on this data"),
    }
}

/// Takes an address; whoever reads why it can't be knows which setting it is.
async fn listen(setting: &str, bind: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let or_off = match setting {
        "--bind" => "",
        _ => ", or off",
    };
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!(
            "{setting} {bind}: the address can't be used; stop what listens there or choose \
             another{or_off}"
        )
    })?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    Ok((listener, address))
}

/// Takes an address that this machine may not have.
async fn listen_if_there(setting: &str, bind: SocketAddr) -> anyhow::Result<Option<TcpListener>> {
    match TcpListener::bind(bind).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if platform::is_missing_address(&error) => {
            tracing::debug!(%error, %bind, "this machine has no such address");
            Ok(None)
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(anyhow!(
            "{setting} says localhost, and something else listens on {bind}, where browsers go too; \
             stop it or choose another port"
        )),
        // Left free, the address would be anybody's.
        Err(error) => Err(error).with_context(|| {
            format!(
                "{setting} says localhost, and {bind}, where browsers go too, can't be used; set \
                 {setting} to the address of --dashboard-bind to do without it"
            )
        }),
    }
}

async fn serve(
    config: Config,
    mut stop_signal: StopSignal,
    demo: Option<&Demo>,
) -> anyhow::Result<()> {
    let folder = DataFolder::open(&config.data_dir)?;
    let (clock, feeds) = (Clock::default(), Arc::new(Feeds::default()));
    let started = clock.now();
    let tls = config
        .tls
        .as_ref()
        .map(|(cert, key)| folder::tls(cert, key))
        .transpose()?;
    // Before the database: a second server says at once what is wrong.
    let (listener, address) = listen("--bind", config.bind).await?;
    let dashboard = match config.dashboard_bind {
        Some(bind) => Some(listen("--dashboard-bind", bind).await?),
        None => None,
    };
    let beside = dashboard
        .as_ref()
        .and_then(|(_, address)| config.dashboard_beside(*address));
    let beside = match beside {
        Some(bind) => listen_if_there("--dashboard-url", bind).await?,
        None => None,
    };
    let dashboard_url = dashboard
        .as_ref()
        .map(|(_, address)| config.dashboard_url(*address));
    let db = open_database(&config, &clock, &feeds).await?;
    let first_start = folder.ensure_owner(&db).await.map_err(readable)?;
    let stop = CancellationToken::new();
    let app = App::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        feeds: feeds.clone(),
        config: config.clone(),
        address,
        dashboard: dashboard_url.clone(),
        tokens: TokenCache::default(),
        metrics: Metrics::new(),
        liveness: Liveness::default(),
        sign_ins: Limiter::new(clock.clone(), SIGN_INS_MAX),
        refusals: Limiter::new(clock.clone(), REFUSALS_MAX),
        protected: Limiter::new(clock.clone(), PROTECTED_MAX),
        humans: humans::Tries::new(clock),
        diffs: state::diff::Turns::default(),
        patches: state::patch::Turns::default(),
        streams: Slots::of_tokens("streams and waiting calls", STREAMS_OF_TOKEN_MAX),
        stop: stop.clone(),
        started,
    });
    tokio::spawn(feeds.tail(db.clone(), stop.clone()));
    let sweeping = tokio::spawn(sweeps::run(app.clone()));

    let connections = Connections::new(platform::raise_open_files());
    let listeners = Listeners::new(router::router(app.clone()), stop.clone(), connections);
    listeners.tcp(listener, tls.clone());
    if let Some((listener, _)) = dashboard {
        let page = listeners.serving(router::dashboard(app.clone()));
        for listener in std::iter::once(listener).chain(beside) {
            page.tcp(listener, tls.clone());
        }
    }
    #[cfg(unix)]
    if let Some(path) = &config.socket {
        listeners.unix(folder::bind_socket(path)?);
    }
    let url = config.local_url(address);
    folder.write_server_file(&url);
    let token = folder.owner_token_path();
    let page = dashboard_url.as_deref();
    let served = match demo {
        None => {
            banner::print(&url, page, &config, first_start, token.is_file());
            stop_signal.wait().await;
            Ok(())
        }
        Some(demo) => {
            banner::print_places(&url, page, &config, " (ends with the demo)");
            let server = demo::Serving {
                url: &url,
                owner_token: &token,
                cli: &banner::cli_for(&config),
            };
            demo.play(&app, server, &mut stop_signal).await
        }
    };
    tracing::info!("stopping: requests that run are finished");
    stop.cancel();
    listeners.drain().await;
    let _ = sweeping.await;
    if let Err(error) = liveness::flush_all(&app).await {
        tracing::warn!(%error, "when agents were last heard of could not be written");
    }
    db.close().await;
    folder.remove_server_file();
    #[cfg(unix)]
    if let Some(path) = &config.socket {
        let _ = std::fs::remove_file(path);
    }
    served
}
