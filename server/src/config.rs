//! Settings: flags over environment over the file over defaults.
//!
//! The flags' help texts are the reference of the settings. A file that can't
//! be read or understood stops the start: a server with half of its settings
//! is worse than none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};
use coro_api::limits::BODY_BYTES_MAX;
use http::HeaderMap;
use http::header::HOST;
use serde::Deserialize;

use crate::agents::liveness::LivenessSettings;
use crate::demo::DemoOptions;
use crate::hooks::HookSettings;
use crate::log::retention::Retention;
use crate::platform;
use crate::tasks::TaskSettings;

/// Where the API listens unless told otherwise.
const BIND: &str = "127.0.0.1:9800";

/// Where the dashboard listens unless told otherwise.
const DASHBOARD_BIND: &str = "127.0.0.1:9847";

/// The most that `limits.body_bytes` takes: a body stands in memory whole.
const BODY_BYTES_CEILING: usize = 1 << 30;

/// The coordination server for AI coding agents.
#[derive(Debug, Parser)]
#[command(
    name = "coro-server",
    version,
    about,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what Coro is for: a server of its own, on which four agents build a
    /// shop, until Ctrl-C.
    ///
    /// Everything is in a temporary folder, which ends with the command. Of the
    /// other settings those of listening and logging count; there is no Unix
    /// socket and no TLS. It listens on free ports, unless --public-url or
    /// --dashboard-url names an address, and then where other servers do.
    Demo(DemoOptions),
    /// Fill an empty data folder or database from a backup.
    Restore {
        /// The file that `coro-cli backup` wrote.
        file: PathBuf,
    },
    /// Bring the database's schema up to date, and do nothing else.
    Migrate,
    /// Administer tenants. The server must not run on the same data folder.
    Tenant {
        #[command(subcommand)]
        command: TenantCommand,
    },
    /// Administer humans. The server must not run on the same data folder.
    Human {
        #[command(subcommand)]
        command: HumanCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
}

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant and print its owner's token.
    Add { name: String },
    /// Make another owner's token for a tenant and print it.
    OwnerToken { name: String },
}

#[derive(Debug, Subcommand)]
pub enum HumanCommand {
    /// Make another passphrase for a human who has forgotten theirs, and print
    /// it.
    ///
    /// It is in the log, and shown with the human from then on.
    ResetPassphrase {
        name: String,
        /// The human's tenant, where there are several.
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// Every setting may be a flag, a variable, or a line of the file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Address that the API listens on [default: 127.0.0.1:9800].
    ///
    /// Anything but loopback needs TLS files, or --behind-proxy with
    /// --public-url. Port 0 takes a free one.
    #[arg(long, global = true, env = "CORO_BIND")]
    pub bind: Option<String>,
    /// Address that the dashboard listens on, or `off` [default:
    /// 127.0.0.1:9847].
    ///
    /// The rules of --bind hold.
    #[arg(long, global = true, env = "CORO_DASHBOARD_BIND")]
    pub dashboard_bind: Option<String>,
    /// Address under which browsers reach the dashboard, where a proxy is in
    /// front of it, such as `https://board.example.com`, or with a name, so that
    /// passkeys work: `http://localhost:9847`.
    ///
    /// Where it is `localhost` and the dashboard's own port, both loopback
    /// addresses are listened on.
    #[arg(long, global = true, env = "CORO_DASHBOARD_URL")]
    pub dashboard_url: Option<String>,
    /// Folder of the database, the owner's token and the socket [default: the
    /// user's data folder].
    #[arg(long, global = true, env = "CORO_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Settings in TOML.
    #[arg(long, global = true, env = "CORO_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as
    /// `coro_server=debug,info` [default: info].
    #[arg(long, global = true, env = "CORO_LOG_LEVEL")]
    pub log_level: Option<String>,
    /// How it is logged [default: text].
    #[arg(long, global = true, env = "CORO_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// PostgreSQL instead of the database in the data folder:
    /// `postgres://user@host/name`.
    #[arg(long, global = true, env = "CORO_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Unix socket, or `off` [default: coro.sock in the data folder].
    #[arg(long, global = true, env = "CORO_SOCKET")]
    pub socket: Option<String>,
    /// Certificate chain in PEM, for TLS.
    #[arg(long, global = true, env = "CORO_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM, for TLS.
    #[arg(long, global = true, env = "CORO_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// A proxy in front speaks TLS; its X-Forwarded-For is believed.
    #[arg(long, global = true, env = "CORO_BEHIND_PROXY", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true")]
    pub behind_proxy: Option<bool>,
    /// Address under which clients reach the server, such as
    /// `https://coro.example.com`.
    #[arg(long, global = true, env = "CORO_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Serve agent cards (A2A 1.0), so that other programs find agents.
    #[arg(long, global = true, env = "CORO_A2A", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true")]
    pub a2a: Option<bool>,
    /// Collector that traces of requests are sent to (OTLP over HTTP), such as
    /// `http://127.0.0.1:4318`.
    #[cfg(feature = "otlp")]
    #[arg(long, global = true, env = "CORO_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// Bounds; in the file only.
    #[arg(skip)]
    pub limits: Option<Limits>,
    /// What is kept, for how long; in the file only.
    #[arg(skip)]
    pub retention: Option<Retention>,
    /// When an agent counts as alive; in the file only.
    #[arg(skip)]
    pub liveness: Option<LivenessSettings>,
    /// What hooks may do; in the file only.
    #[arg(skip)]
    pub hooks: Option<HookSettings>,
    /// How long a claim of a task lasts; in the file only.
    #[arg(skip)]
    pub tasks: Option<TaskSettings>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// `[limits]` in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of one request, and of one value, in bytes.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: BODY_BYTES_MAX,
        }
    }
}

/// The settings, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub bind: SocketAddr,
    /// `None` where the dashboard was switched off.
    pub dashboard_bind: Option<SocketAddr>,
    pub dashboard_url: Option<String>,
    /// Whether the page says that what it shows is made up.
    pub demo: bool,
    pub data_dir: PathBuf,
    pub log_level: String,
    pub log_format: LogFormat,
    pub database_url: Option<String>,
    /// `None` where there is none, or was switched off.
    pub socket: Option<PathBuf>,
    pub tls: Option<(PathBuf, PathBuf)>,
    pub behind_proxy: bool,
    pub public_url: Option<String>,
    pub a2a: bool,
    #[cfg(feature = "otlp")]
    pub otlp_endpoint: Option<String>,
    pub limits: Limits,
    pub retention: Retention,
    pub liveness: LivenessSettings,
    pub hooks: HookSettings,
    pub tasks: TaskSettings,
    public_host: Option<String>,
    /// Hosts by which clients may call the server, without ports.
    hosts: Arc<[String]>,
}

/// A setting that stops the start: which, why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Options {
    /// Fills in what the file and the defaults say, and checks the whole.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = match &self.config {
            Some(path) => read_file(path)?,
            None => Options::default(),
        };
        let bind = self.bind.or(file.bind).unwrap_or_else(|| BIND.to_owned());
        let bind = parse_bind("--bind", &bind)?;
        let behind_proxy = self.behind_proxy.or(file.behind_proxy).unwrap_or(false);
        let dashboard_url = self.dashboard_url.or(file.dashboard_url);
        let named = dashboard_url.as_deref().filter(|_| !behind_proxy);
        let dashboard_bind = self
            .dashboard_bind
            .or(file.dashboard_bind)
            .or_else(|| bind_of_localhost(named?));
        let dashboard_bind = match dashboard_bind.as_deref().unwrap_or(DASHBOARD_BIND) {
            "off" => None,
            address => Some(parse_bind("--dashboard-bind", address)?),
        };
        let data_dir = match self.data_dir.or(file.data_dir) {
            Some(folder) => folder,
            None => platform::data_folder()
                .ok_or_else(|| ConfigError("no home folder is known; set --data-dir".to_owned()))?,
        };
        let data_dir = std::path::absolute(&data_dir)
            .map_err(|error| ConfigError(format!("--data-dir {}: {error}", data_dir.display())))?;
        let tls = match (
            self.tls_cert.or(file.tls_cert),
            self.tls_key.or(file.tls_key),
        ) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return Err(ConfigError(
                    "--tls-cert and --tls-key go together".to_owned(),
                ));
            }
        };
        let public_url = self.public_url.or(file.public_url);
        let host_of_public = |url| host_of_url("--public-url", url);
        let public_host = public_url.as_deref().map(host_of_public).transpose()?;
        let host_of_dashboard = |url| host_of_url("--dashboard-url", url);
        let dashboard_host = dashboard_url
            .as_deref()
            .map(host_of_dashboard)
            .transpose()?;
        if behind_proxy && public_url.is_none() {
            return Err(ConfigError(
                "--behind-proxy needs --public-url: the address that clients call".to_owned(),
            ));
        }
        for (setting, bind) in [("--bind", Some(bind)), ("--dashboard-bind", dashboard_bind)] {
            if let Some(bind) = bind
                && !bind.ip().is_loopback()
                && tls.is_none()
                && !behind_proxy
            {
                return Err(ConfigError(format!(
                    "{setting} {bind} is not loopback, and tokens would cross the network in \
                     clear: set --tls-cert and --tls-key, or --behind-proxy with --public-url"
                )));
            }
        }
        let database_url = self.database_url.or(file.database_url);
        if let Some(url) = &database_url {
            crate::db::postgres::check_url(url).map_err(ConfigError)?;
        }
        let retention = self.retention.or(file.retention).unwrap_or_default();
        check_retention(&retention)?;
        let limits = self.limits.or(file.limits).unwrap_or_default();
        if !(1..=BODY_BYTES_CEILING).contains(&limits.body_bytes) {
            return Err(ConfigError(format!(
                "limits.body_bytes is {}; it takes 1 to {BODY_BYTES_CEILING}",
                limits.body_bytes
            )));
        }
        let liveness = self.liveness.or(file.liveness).unwrap_or_default();
        liveness.check().map_err(ConfigError)?;
        let hooks = self.hooks.or(file.hooks).unwrap_or_default();
        hooks.check().map_err(ConfigError)?;
        let usual = || TaskSettings::usual_with(liveness.sweep_seconds);
        let tasks = self.tasks.or(file.tasks).unwrap_or_else(usual);
        tasks.check(liveness.sweep_seconds).map_err(ConfigError)?;
        let socket = self.socket.or(file.socket);
        Ok(Config {
            socket: platform::socket_path(socket.as_deref(), &data_dir).map_err(ConfigError)?,
            bind,
            dashboard_bind,
            dashboard_url,
            demo: false,
            data_dir,
            log_level: self
                .log_level
                .or(file.log_level)
                .unwrap_or_else(|| "info".to_owned()),
            log_format: self
                .log_format
                .or(file.log_format)
                .unwrap_or(LogFormat::Text),
            database_url,
            tls,
            behind_proxy,
            public_url,
            a2a: self.a2a.or(file.a2a).unwrap_or(false),
            #[cfg(feature = "otlp")]
            otlp_endpoint: self.otlp_endpoint.or(file.otlp_endpoint),
            limits,
            retention,
            liveness,
            hooks,
            tasks,
            hosts: own_hosts(
                [Some(bind), dashboard_bind],
                [public_host.clone(), dashboard_host],
            )
            .into(),
            public_host,
        })
    }
}

impl Config {
    /// The address under which a request has reached the API, which listens on
    /// an address.
    pub fn url_of(&self, headers: &HeaderMap, api: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let scheme = self.scheme();
        match host {
            // A port says that it is no Unix socket.
            Some(host) if host.contains(':') => format!("{scheme}://{host}"),
            _ => self.local_url(api),
        }
    }

    /// The address of the API for whoever has reached the dashboard: the page's
    /// host, with another port. On loopback it is the one that the API listens
    /// on, for `localhost` means two, and who listens on the other could be
    /// anybody of this machine.
    pub fn api_url_beside(&self, headers: &HeaderMap, api: SocketAddr) -> String {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        match (&self.public_url, host.map(without_port)) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(host)) if !api.ip().is_loopback() => {
                format!("{}://{host}:{}", self.scheme(), api.port())
            }
            (None, _) => self.local_url(api),
        }
    }

    /// Whether a `Host` names this server. The port does not matter: what a
    /// foreign page can't have is the name.
    pub fn is_own_host(&self, host: &str) -> bool {
        let host = without_port(host);
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Where browsers reach the dashboard, which listens on an address.
    pub fn dashboard_url(&self, address: SocketAddr) -> String {
        if let Some(url) = &self.dashboard_url {
            return url.trim_end_matches('/').to_owned();
        }
        match &self.public_host {
            Some(host) if !address.ip().is_loopback() => {
                format!("https://{host}:{}", address.port())
            }
            _ => self.local_url(address),
        }
    }

    /// The other loopback address, where the dashboard listens on one and
    /// browsers call it `localhost`: they try both, and who listens on the
    /// other could be anybody of this machine.
    pub fn dashboard_beside(&self, address: SocketAddr) -> Option<SocketAddr> {
        let url = self.dashboard_url.as_deref()?.trim_end_matches('/');
        let (_, authority) = url.split_once("://")?;
        let is_here = address.ip().is_loopback()
            && authority.eq_ignore_ascii_case(&format!("localhost:{}", address.port()));
        let other: IpAddr = match address.ip() {
            IpAddr::V4(_) => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
        };
        is_here.then(|| SocketAddr::new(other, address.port()))
    }

    /// Where clients of this machine reach the server. All addresses are none
    /// that one can call, or that a certificate names.
    pub fn local_url(&self, mut address: SocketAddr) -> String {
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("{}://{address}", self.scheme())
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

fn read_file(path: &Path) -> Result<Options, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("--config {}: {error}", path.display())))?;
    toml::from_str(&text).map_err(|error| {
        let before = error
            .span()
            .map_or("", |span| &text[..span.start.min(text.len())]);
        let line = before.matches('\n').count() + 1;
        let message = error.message().replace('\n', " ");
        ConfigError(format!(
            "--config {}, line {line}: {message}",
            path.display()
        ))
    })
}

fn parse_bind(setting: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    // Koor's clients write localhost.
    let numeric = text.replacen("localhost:", "127.0.0.1:", 1);
    numeric.parse().map_err(|_| {
        ConfigError(format!(
            "{setting} {text:?} is not an address with a port, such as {BIND}"
        ))
    })
}

/// Where the page is listened on that is called `http://localhost:PORT`, and
/// nothing else says where.
fn bind_of_localhost(url: &str) -> Option<String> {
    let port = url.strip_prefix("http://localhost:")?;
    let port: u16 = port.trim_end_matches('/').parse().ok()?;
    Some(format!("127.0.0.1:{port}"))
}

fn host_of_url(setting: &str, url: &str) -> Result<String, ConfigError> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|rest| rest.split('/').next())
        .map(without_port)
        .filter(|host| !host.is_empty());
    host.map(str::to_owned).ok_or_else(|| {
        ConfigError(format!(
            "{setting} {url:?} is not an address such as https://coro.example.com"
        ))
    })
}

fn own_hosts(binds: [Option<SocketAddr>; 2], named: [Option<String>; 2]) -> Vec<String> {
    let mut hosts = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]".to_owned(),
    ];
    let own = |bind: SocketAddr| match bind.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    hosts.extend(binds.into_iter().flatten().map(own));
    hosts.extend(named.into_iter().flatten());
    hosts
}

/// A host as it stands in `Host` and URLs, without its port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

fn check_retention(retention: &Retention) -> Result<(), ConfigError> {
    for (name, value) in [
        ("events_days", retention.events_days),
        ("events_bytes", retention.events_bytes),
        ("audit_days", retention.audit_days),
        ("history_versions", retention.history_versions),
        ("history_days", retention.history_days),
    ] {
        if value < 1 {
            return Err(ConfigError(format!(
                "retention.{name} is {value}; it takes 1 or more"
            )));
        }
    }
    if retention.audit_days < retention.events_days {
        return Err(ConfigError(
            "retention.audit_days is less than retention.events_days: an event is audited for as \
             long as it can be read"
                .to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_this_machine_is_listened_on_where_its_address_says() {
        for (url, bind) in [
            ("http://localhost:9900", Some("127.0.0.1:9900")),
            ("http://localhost:9900/", Some("127.0.0.1:9900")),
            ("http://localhost", None),
            ("https://localhost:9900", None),
            ("http://localhost:x", None),
            ("http://board.example.com:9900", None),
        ] {
            assert_eq!(bind_of_localhost(url).as_deref(), bind, "{url}");
        }
    }

    #[test]
    fn hosts_are_compared_without_their_ports() {
        for (host, name) in [
            ("localhost:9800", "localhost"),
            ("[::1]:1", "[::1]"),
            ("[::1]", "[::1]"),
            ("a", "a"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
