//! Names of files, from the root of their repository.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The file's name from the root of its repository, with `/`; `None` where it
/// is in none.
///
/// `file` is absolute or seen from `folder`. The file need not exist, and where
/// it is a symbolic link, it is meant itself: a lease is on names. The folders
/// that it is in are the real ones, so that no second name of a folder gets
/// around a lease.
pub(super) fn from_root(file: &str, folder: &Path) -> Option<String> {
    let path = without_dots(&folder.join(file));
    let name = path.file_name()?;
    let parent = real_folder(path.parent()?)?;
    // In a worktree and in a submodule `.git` is a file.
    let root = parent
        .ancestors()
        .find(|folder| folder.join(".git").symlink_metadata().is_ok())?;
    let below_root = parent.strip_prefix(root).ok()?.join(name);
    let parts = below_root.iter().map(|part| part.to_string_lossy());
    Some(parts.collect::<Vec<_>>().join("/"))
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::commands::hook::tests::Folder;

    #[test]
    fn a_file_is_named_from_the_root_of_its_repository() {
        let folder = Folder::new();
        let root = folder.path().join("repo");
        for below in [
            "repo/.git",
            "repo/src/deep",
            "repo/worktree/src",
            "outside",
            "repo/sub",
        ] {
            fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        fs::write(root.join("worktree/.git"), "gitdir: elsewhere").unwrap();
        symlink(root.join("src"), root.join("alias")).unwrap();
        symlink(root.join("src"), folder.path().join("outside/in")).unwrap();
        symlink(folder.path().join("outside"), root.join("out")).unwrap();
        symlink(folder.path().join("outside/x"), root.join("link.rs")).unwrap();

        let table = [
            ("src/a.rs", Some("src/a.rs")),
            ("./src//deep/../a.rs", Some("src/a.rs")),
            ("new/folder/a.rs", Some("new/folder/a.rs")),
            ("alias/a.rs", Some("src/a.rs")),
            ("alias/new/a.rs", Some("src/new/a.rs")),
            ("link.rs", Some("link.rs")),
            ("worktree/src/a.rs", Some("src/a.rs")),
            ("../outside/in/a.rs", Some("src/a.rs")),
            (".git/config", Some(".git/config")),
            ("ä b.rs", Some("ä b.rs")),
            ("out/a.rs", None),
            ("../outside/a.rs", None),
            ("/", None),
            ("", None),
            ("../../../../../../../../../../../../..", None),
        ];
        for (file, expected) in table {
            assert_eq!(from_root(file, &root).as_deref(), expected, "{file}");
        }
        let absolute = root.join("src/a.rs");
        let elsewhere = Path::new("/");
        assert_eq!(
            from_root(absolute.to_str().unwrap(), elsewhere).as_deref(),
            Some("src/a.rs")
        );
        assert_eq!(
            from_root("a.rs", &root.join("src/deep")).as_deref(),
            Some("src/deep/a.rs")
        );
    }
}
