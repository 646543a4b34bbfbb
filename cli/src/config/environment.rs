//! The environment of the process, read in this one place, so that the rest
//! can be tested without it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::{Result, usage};

/// The variables that say who calls, and which server. One that is empty was
/// meant to say so: most often it is the output of a command that failed. To go
/// on without it could mean the owner's token, or another server.
const NEVER_EMPTY: [&str; 3] = ["CORO_TOKEN", "CORO_URL", "CORO_DATA_DIR"];

/// What the environment says. An empty variable counts as none, but for
/// `CORO_AGENT` and those that must not be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) working_directory: PathBuf,
    pub(crate) url: Option<String>,
    pub(crate) token: Option<String>,
    /// The project that is meant where a command names none.
    pub(crate) project: Option<String>,
    /// The caller is an agent: it never acts with the owner's token by itself.
    /// An empty `CORO_AGENT` says so too.
    pub(crate) is_agent: bool,
    /// The first variable that is set, must not be empty, and is.
    pub(crate) empty: Option<&'static str>,
    pub(crate) data_dir: Option<PathBuf>,
    /// The path of the local server's socket, or `off`.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) config_home: Option<PathBuf>,
    pub(crate) data_home: Option<PathBuf>,
    /// Where what a program remembers by itself is kept.
    pub(crate) state_home: Option<PathBuf>,
    /// Certificates to trust in place of the usual authorities.
    pub(crate) certificates: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment. A variable that is not UTF-8 where text is meant
    /// is taken with replacements, which makes its use fail and name it.
    pub(crate) fn read() -> Environment {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let path = |name| variable(name).map(PathBuf::from);
        // Relative paths there are invalid by the XDG specification.
        let absolute = |name| path(name).filter(|path| path.is_absolute());
        Environment {
            working_directory: env::current_dir().unwrap_or_default(),
            url: text("CORO_URL"),
            token: text("CORO_TOKEN"),
            project: text("CORO_PROJECT"),
            is_agent: raw_variable("CORO_AGENT").is_some(),
            empty: NEVER_EMPTY.into_iter().find(|name| is_blank(name)),
            data_dir: path("CORO_DATA_DIR"),
            socket: path("CORO_SOCKET"),
            config_home: absolute("XDG_CONFIG_HOME").or_else(|| usual_config_home(path)),
            data_home: absolute("XDG_DATA_HOME")
                .filter(|_| cfg!(target_os = "linux"))
                .or_else(|| usual_data_home(path)),
            state_home: absolute("XDG_STATE_HOME").or_else(|| usual_state_home(path)),
            certificates: path("SSL_CERT_FILE"),
        }
    }

    /// Refuses an environment that does not say what it was meant to say.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(name) = self.empty else {
            return Ok(());
        };
        let what = match name {
            "CORO_TOKEN" => "set it to a token; did the command fail that should have printed it?",
            "CORO_URL" => "set it to the server's URL",
            _ => "set it to the server's data folder",
        };
        Err(usage(format!("{name} is set but empty")).hint(format!("unset {name}, or {what}")))
    }
}

fn usual_config_home(path: impl Fn(&'static str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return path("APPDATA");
    }
    path("HOME").map(|home| home.join(".config"))
}

fn usual_state_home(path: impl Fn(&'static str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return path("LOCALAPPDATA");
    }
    path("HOME").map(|home| home.join(".local/state"))
}

/// Where `coro-server` puts its data folder.
fn usual_data_home(path: impl Fn(&'static str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return path("LOCALAPPDATA");
    }
    let below_home = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/share"
    };
    path("HOME").map(|home| home.join(below_home))
}

fn variable(name: &'static str) -> Option<OsString> {
    raw_variable(name).filter(|value| !value.is_empty())
}

/// Whether a variable is set, and says nothing.
fn is_blank(name: &'static str) -> bool {
    raw_variable(name).is_some_and(|value| value.to_string_lossy().trim().is_empty())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn raw_variable(name: &'static str) -> Option<OsString> {
    env::var_os(name)
}
