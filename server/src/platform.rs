//! What differs between operating systems, in one place.
//!
//! Linux is what the tests run on. macOS follows the Unix half; Windows has
//! no socket and no file modes here, and relies on the user's folder being
//! the user's.

use std::io;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket that every system takes.
#[cfg(unix)]
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// The user's folder for Coro's data.
pub fn data_folder() -> Option<PathBuf> {
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("coro"))
}

fn variable(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the user's folders are")]
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Where the CLI of the same build is: beside this program, named alike.
pub fn cli_beside() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    Ok(
        program.with_file_name(match name.split_once("coro-server") {
            Some((before, after)) => format!("{before}coro-cli{after}"),
            None => format!("coro-cli{}", std::env::consts::EXE_SUFFIX),
        }),
    )
}

/// Allows the process as many open files as it may have, and tells how many;
/// `None` where they are not counted. Shells allow 1,024 for old programs' sake.
pub fn raise_open_files() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let before = getrlimit(Resource::Nofile);
        // macOS takes no more than this where it says that there is no limit.
        let wanted = before.maximum.unwrap_or(10_240);
        let raised = Rlimit {
            current: Some(wanted),
            ..before
        };
        if before.current.is_some_and(|current| current < wanted)
            && setrlimit(Resource::Nofile, raised).is_err()
        {
            tracing::debug!(wanted, "the number of open files could not be raised");
        }
        let now = getrlimit(Resource::Nofile).current?;
        Some(usize::try_from(now).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    None
}

/// Whether a listener failed because this machine has no such address, as one
/// without IPv6.
pub fn is_missing_address(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) {
        return true;
    }
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    )
}

/// Whether a browser could be seen here.
pub fn has_display() -> bool {
    let names = ["DISPLAY", "WAYLAND_DISPLAY"];
    cfg!(any(windows, target_os = "macos"))
        || names.into_iter().any(|name| variable(name).is_some())
}

/// Keeps the terminal's signals from a process: whoever starts it ends it.
pub fn in_own_group(command: &mut tokio::process::Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(not(unix))]
    let _ = command;
}

/// This machine's name.
pub fn host_name() -> String {
    #[cfg(unix)]
    {
        let name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        name.split('.').next().unwrap_or_default().to_owned()
    }
    #[cfg(not(unix))]
    {
        variable("COMPUTERNAME")
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// The user that this process runs as.
#[cfg(unix)]
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Where the socket stands, from the setting.
pub fn socket_path(setting: Option<&str>, data_dir: &Path) -> Result<Option<PathBuf>, String> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let path = match setting {
            Some("off") => return Ok(None),
            Some(path) => PathBuf::from(path),
            None => data_dir.join("coro.sock"),
        };
        if path.as_os_str().as_bytes().len() > SOCKET_PATH_BYTES_MAX {
            return Err(format!(
                "--socket {} is longer than {SOCKET_PATH_BYTES_MAX} bytes, which a socket's path \
                 can't be: set --socket to a shorter path, or to off",
                path.display()
            ));
        }
        Ok(Some(path))
    }
    #[cfg(not(unix))]
    {
        let _ = data_dir;
        match setting {
            None | Some("off") => Ok(None),
            Some(_) => Err("--socket: this system has no Unix sockets; set it to off".to_owned()),
        }
    }
}

/// Lets only this user read the files that the process makes from here on, the
/// database's among them, whatever folder it was pointed at.
pub fn make_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Makes a folder that only its user may enter.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Who may write into a folder besides its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    Group,
    Everybody,
}

pub fn who_else_writes(folder: &Path) -> io::Result<Option<Others>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder)?.permissions().mode();
        Ok(match mode {
            mode if mode & 0o002 != 0 => Some(Others::Everybody),
            mode if mode & 0o020 != 0 => Some(Others::Group),
            _ => None,
        })
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(None)
    }
}

/// Writes a file that only its user may read, whole or not at all.
pub fn write_private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let part = path.with_extension("part");
    // What is there already may be a link, or be open to others.
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes a rename in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// The signals to stop: SIGTERM, or Ctrl-C.
pub struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// Only where the end of the terminal is the end of the program.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl StopSignal {
    /// From here on a signal is kept for [`Self::wait`] and ends nothing.
    pub fn install() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(StopSignal {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: None,
            })
        }
        #[cfg(not(unix))]
        Ok(StopSignal {})
    }

    /// As [`StopSignal::install`], for what ends with its terminal. A server
    /// does not: `nohup` would be for nothing.
    pub fn install_with_hangup() -> io::Result<Self> {
        let stop = StopSignal::install()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(StopSignal {
                hangup: Some(signal(SignalKind::hangup())?),
                ..stop
            })
        }
        #[cfg(not(unix))]
        Ok(stop)
    }

    /// Waits for one.
    #[cfg(unix)]
    pub async fn wait(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hangup => {}
        }
    }

    #[cfg(not(unix))]
    pub async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
