//! A lease on everything in a large repository opens no file of it: counted by
//! inotify(7), which tells every opening below the folders that it watches.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use coro_api::leases::Lease;
use coro_tests::{Engine, Server};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use serde_json::json;

/// The files of the tree, and of one of its folders.
const FILES: usize = 56_000;
const FILES_OF_FOLDER: usize = 1_000;

#[test]
fn a_lease_on_everything_in_a_tree_of_56_000_files_opens_none() {
    let tree = tempfile::tempdir().expect("a folder");
    let folders: Vec<_> = (0..FILES / FILES_OF_FOLDER)
        .map(|number| tree.path().join(format!("module-{number}")))
        .collect();
    for folder in &folders {
        std::fs::create_dir(folder).expect("made");
        // Links to one file: a tree is made of them in no time.
        let first = folder.join("0.rs");
        std::fs::write(&first, "").expect("written");
        for file in 1..FILES_OF_FOLDER {
            std::fs::hard_link(&first, folder.join(format!("{file}.rs"))).expect("linked");
        }
    }
    let server = Server::start(Engine::Sqlite);
    let workspace = tree.path().display().to_string();
    let register = |name: &str| server.register(json!({"name": name, "workspace": workspace}));
    let ((frontend, _), (backend, _)) = (register("frontend"), register("backend"));
    let watch = watch(tree.path(), &folders);

    let lease: Lease = frontend.post("/api/leases", json!({"pattern": "**"})).ok();
    backend
        .post("/api/leases", json!({"pattern": "/module-7/**"}))
        .send()
        .expect(409);
    backend
        .post("/api/leases/check", json!({"paths": ["module-7/1.rs"]}))
        .send()
        .expect(200);
    frontend
        .delete(&format!("/api/leases/{}", lease.id))
        .send()
        .expect(200);
    assert_eq!(opened(&watch), 0);

    // The count counts.
    std::fs::read(folders[7].join("1.rs")).expect("read");
    assert_eq!(opened(&watch), 1);
}

fn watch(tree: &Path, folders: &[std::path::PathBuf]) -> OwnedFd {
    let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
    let watch = inotify::init(flags).expect("the system tells of openings");
    for folder in folders
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([tree])
    {
        inotify::add_watch(&watch, folder, WatchFlags::OPEN).expect("watched");
    }
    watch
}

/// How many openings there were since the last call.
fn opened(watch: &OwnedFd) -> usize {
    let mut buffer = [MaybeUninit::uninit(); 64 * 1024];
    let mut reader = Reader::new(watch, &mut buffer);
    let mut count = 0;
    loop {
        match reader.next() {
            Ok(_) => count += 1,
            Err(Errno::AGAIN) => return count,
            Err(error) => panic!("inotify: {error}"),
        }
    }
}
