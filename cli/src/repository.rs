//! The repository that a folder is in, and names of files from its root.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::error::{Result, invalid};
use crate::session::Session;

/// A repository, known by what lies at its root.
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The repository of git that a folder is in; where there is none, the
    /// project with settings of Coro. The folder need not exist.
    pub(crate) fn around(folder: &Path) -> Option<Repository> {
        Repository::around_real(&real_folder(folder)?)
    }

    fn around_real(folder: &Path) -> Option<Repository> {
        // In a worktree and in a submodule `.git` is a file.
        let with = |name: &str| {
            let mut folders = folder.ancestors();
            folders.find(|folder| folder.join(name).symlink_metadata().is_ok())
        };
        let root = with(".git").or_else(|| with(".coro"))?.to_owned();
        Some(Repository { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file's name from the root, with `/`; `None` where it is outside.
    ///
    /// `file` is absolute or seen from `folder`. The file need not exist, and
    /// where it is a symbolic link, it is meant itself: a lease is on names. The
    /// folders that it is in are the real ones, so that no second name of a
    /// folder gets around a lease.
    pub(crate) fn name_of(&self, file: &str, folder: &Path) -> Option<String> {
        self.name_of_real(&real_file(file, folder)?)
    }

    fn name_of_real(&self, file: &Path) -> Option<String> {
        let below_root = file.strip_prefix(&self.root).ok()?;
        let parts = below_root.iter().map(|part| part.to_string_lossy());
        Some(parts.collect::<Vec<_>>().join("/"))
    }

    /// What of an absolute pattern lies behind the path of the repository
    /// itself, where it begins with that. Not where the same path leads to
    /// something within, as in `/app/` with a folder `app`.
    pub(crate) fn behind_own_path<'a>(&self, pattern: &'a str) -> Option<&'a str> {
        let slashes = pattern.match_indices('/').map(|(at, _)| at);
        let is_root = |end: &usize| {
            let folder = Path::new(&pattern[..*end]);
            folder.is_absolute() && folder.canonicalize().is_ok_and(|real| real == self.root)
        };
        let end = slashes.chain([pattern.len()]).find(is_root)?;
        let (own, rest) = pattern.split_at(end);
        let within = self.root.join(own.trim_start_matches('/'));
        (!within.exists()).then_some(rest)
    }
}

/// A file's name from the root of the repository that it is in; `None` where it
/// is in none. See [`Repository::name_of`].
pub(crate) fn name_in_own_repository(file: &str, folder: &Path) -> Option<String> {
    let file = real_file(file, folder)?;
    Repository::around_real(file.parent()?)?.name_of_real(&file)
}

/// Refuses patterns that begin with the path of the repository itself, below
/// which none looks.
pub(crate) fn check_patterns(session: &mut Session<'_>, patterns: &[String]) -> Result<()> {
    let (false, Ok(machine)) = (patterns.is_empty(), session.machine()) else {
        return Ok(());
    };
    let Some(repository) = Repository::around(&machine.environment.working_directory) else {
        return Ok(());
    };
    for pattern in patterns {
        let Some(rest) = repository.behind_own_path(pattern) else {
            continue;
        };
        let right = match rest {
            "" | "/" => "**",
            rest => rest,
        };
        return Err(invalid(format!(
            "{pattern:?} begins with the path of this repository, and matches no file in it"
        ))
        .hint(format!("begin at its root: '{right}'")));
    }
    Ok(())
}

/// Takes `.` and `..` out of a path, by its text alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // At the root this leaves the root, as the system does.
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The file in the folders that it really is in.
fn real_file(file: &str, folder: &Path) -> Option<PathBuf> {
    let path = without_dots(&folder.join(file));
    Some(real_folder(path.parent()?)?.join(path.file_name()?))
}

/// The folder without symbolic links. What does not exist yet will be made
/// below what does.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = folder;
    let mut real = loop {
        match existing.canonicalize() {
            Ok(real) => break real,
            Err(_) => {
                missing.push(existing.file_name()?.to_owned());
                existing = existing.parent()?;
            }
        }
    };
    real.extend(missing.iter().rev());
    Some(real)
}
