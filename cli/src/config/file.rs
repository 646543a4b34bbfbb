//! `cli.json`: the settings of a project or of a user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Environment, Token};
use crate::error::{Result, failed, file_failed, usage};

/// What a `cli.json` may say. An unknown member is an error, as it is more
/// likely a slip of the pen than a wish.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
    /// Servers that may have the user's token and passphrase although a
    /// repository names them. In the user's file only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) trusted: Vec<String>,
}

/// Reads a file of settings; `None` where there is none.
pub(crate) fn read_file(path: &Path) -> Result<Option<FileSettings>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(file_failed(format!("read {}", path.display()), &error)),
    };
    match serde_json::from_str(&text) {
        Ok(settings) => Ok(Some(settings)),
        Err(error) => Err(usage(format!(
            "{}:{}: {}",
            path.display(),
            error.line(),
            fault_of(&error)
        ))
        .hint("correct the file; it holds \"url\", \"token\" and \"trusted\"")),
    }
}

/// Changes a file of settings; what `change` does not set stays. The file is
/// replaced as a whole, so that nobody reads half of it, and only its owner
/// can read it.
pub(crate) fn write_file(path: &Path, change: FileSettings) -> Result<()> {
    let old = read_file(path)?.unwrap_or_default();
    let mut settings = FileSettings {
        url: change.url.or(old.url),
        token: change.token.or(old.token),
        trusted: old.trusted,
    };
    for url in change.trusted {
        if !settings.trusted.contains(&url) {
            settings.trusted.push(url);
        }
    }
    let mut text =
        serde_json::to_vec_pretty(&settings).map_err(|error| failed(error.to_string()))?;
    text.push(b'\n');
    replace(path, &text).map_err(|error| file_failed(format!("write {}", path.display()), &error))
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // The process id keeps two writers apart.
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let written = create_private(&part).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&part, path)
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

/// A new file that only its owner can read. One that an earlier attempt left
/// behind is removed first, so that its permissions are not kept.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The nearest folder `.coro` from `start` upward.
pub(crate) fn find_project(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .map(|folder| folder.join(".coro"))
        .find(|folder| folder.is_dir())
}

/// The file with the settings of the project that are not committed, which has
/// its tokens. Makes its folder, with what keeps git from it.
pub(crate) fn local_file(env: &Environment) -> Result<PathBuf> {
    let project =
        find_project(&env.working_directory).unwrap_or_else(|| env.working_directory.join(".coro"));
    let local = prepare_local(&project)
        .map_err(|error| file_failed(format!("write below {}", project.display()), &error))?;
    Ok(local.join("cli.json"))
}

/// The folder below a project's `.coro` for what is not committed. Makes it,
/// with what keeps git from it.
pub(crate) fn prepare_local(project: &Path) -> io::Result<PathBuf> {
    let local = project.join("local");
    fs::create_dir_all(project)?;
    create_private_folder(&local)?;
    fs::write(local.join(".gitignore"), "*\n")?;
    Ok(local)
}

/// A folder that only its owner can enter; one that exists stays as it is.
fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Where the user's settings are.
pub(crate) fn user_file(env: &Environment) -> Option<PathBuf> {
    env.config_home
        .as_ref()
        .map(|home| home.join("coro/cli.json"))
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The fault without its place, which the caller gives in the usual form.
fn fault_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
