//! Names of edited files, from the root of their repository.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Folder;
use crate::repository::name_in_own_repository;

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
        "repo/sub/.coro",
        "project/.coro",
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
        ("../project/src/a.rs", Some("src/a.rs")),
        ("sub/a.rs", Some("sub/a.rs")),
        ("ä b.rs", Some("ä b.rs")),
        ("out/a.rs", None),
        ("../outside/a.rs", None),
        ("/", None),
        ("", None),
        ("../../../../../../../../../../../../..", None),
    ];
    for (file, expected) in table {
        assert_eq!(
            name_in_own_repository(file, &root).as_deref(),
            expected,
            "{file}"
        );
    }
    let absolute = root.join("src/a.rs");
    let elsewhere = Path::new("/");
    assert_eq!(
        name_in_own_repository(absolute.to_str().unwrap(), elsewhere).as_deref(),
        Some("src/a.rs")
    );
    assert_eq!(
        name_in_own_repository("a.rs", &root.join("src/deep")).as_deref(),
        Some("src/deep/a.rs")
    );
}
