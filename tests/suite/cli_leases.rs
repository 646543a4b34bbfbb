//! `coro-cli leases` and `coro-cli git-hook`.

use std::path::Path;
use std::process::Command;

use coro_api::leases::Lease;
use coro_tests::{Cli, Engine, Output, Server, both_engines, free_port};
use serde_json::json;

both_engines![
    a_lease_is_taken_listed_renewed_and_released,
    what_is_in_the_way_is_exit_code_4_and_8,
    a_wait_ends_with_the_lease,
    checked_files_are_printed_and_are_exit_code_5,
    what_is_protected_is_not_waited_for,
];

#[track_caller]
fn fails(output: &Output, code: i32, names: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert!(output.stderr.contains(names), "{output:?}");
}

/// The CLI with the token of a new agent.
fn agent(server: &Server, name: &str) -> Cli {
    server.cli().token(server.agent(name).token())
}

fn a_lease_is_taken_listed_renewed_and_released(server: &Server) {
    let cli = agent(server, "frontend");
    let take = [
        "leases",
        "take",
        "/src/api/",
        "--reason",
        "the\tAPI",
        "--ttl",
        "10m",
    ];
    assert_eq!(cli.ok(&take), "L-1\n");
    let lease: Lease = server.get("/api/leases/L-1").ok();
    let line = format!(
        "L-1\theld\tblock\tpath\t/src/api/\tfrontend\t-\tdefault\t{}\tthe\\tAPI\n",
        lease.expires_at.expect("an end")
    );
    assert_eq!(cli.ok(&["leases", "list"]), line);
    assert_eq!(cli.ok(&["leases", "get", "L-1"]), line);
    assert_eq!(cli.ok(&["leases", "list", "--path", "src/api/x"]), line);
    assert_eq!(cli.ok(&["leases", "list", "--holder", "backend"]), "");
    let fence = lease.fence.expect("it is held").to_string();
    let end = cli.ok(&["leases", "renew", "l-1", "--ttl", "1h", "--fence", &fence]);
    let lease: Lease = server.get("/api/leases/L-1").ok();
    assert_eq!(Some(end.trim_end()), lease.expires_at.as_deref());
    for args in [["leases", "take", "../x"], ["leases", "check", "/x"]] {
        fails(&cli.run(&args), 6, "as git shows");
    }
    fails(
        &cli.run(&["leases", "release", "L-1", "--fence", "1"]),
        4,
        "stale",
    );
    assert_eq!(cli.ok(&["leases", "release", "L-1"]), "released\n");
    fails(&cli.run(&["leases", "renew", "L-1"]), 3, "take it again");
    assert_eq!(cli.ok(&["leases", "take", "--name", "staging"]), "L-2\n");
    assert_eq!(
        server.cli().ok(&["leases", "take", "/db/", "--protected"]),
        "L-3\n"
    );
    let list = cli.ok(&["leases", "list", "--limit", "1", "--cursor", "L-2"]);
    assert_eq!(
        list,
        "L-3\tprotected\tblock\tpath\t/db/\t-\t-\tdefault\t-\t-\n"
    );
}

fn what_is_in_the_way_is_exit_code_4_and_8(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    frontend.ok(&["leases", "take", "/src/**"]);
    let refused = backend.run(&["leases", "take", "/src/api/**"]);
    fails(&refused, 4, "both match");
    assert!(refused.stderr.contains("--wait 10m"), "{refused:?}");
    let late = backend.run(&["leases", "take", "/src/api/**", "--wait", "1s"]);
    fails(&late, 8, "was not free in time");
    // It left the queue.
    assert_eq!(frontend.ok(&["leases", "list"]).lines().count(), 1);
    fails(
        &backend.run(&["leases", "take", "a//b"]),
        6,
        "empty segment",
    );
    fails(&backend.run(&["leases", "take"]), 2, "");
    fails(
        &server.cli().run(&["leases", "take", "/x"]),
        4,
        "register first",
    );
    fails(&server.cli().run(&["next"]), 4, "coro-cli tasks list");
}

fn a_wait_ends_with_the_lease(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    frontend.ok(&["leases", "take", "/a"]);
    let from = server.revision();
    let mut waiting = backend.stream(&["leases", "take", "/a", "--wait", "1m"]);
    let polled = server
        .owner()
        .poll(&format!("from={from}&pattern=coro.lease.waiting&wait=50"));
    assert_eq!(polled.events.len(), 1);
    frontend.ok(&["leases", "release", "L-1"]);
    assert_eq!(waiting.next_line(), "L-2");
    assert_eq!(waiting.wait(), 0);
}

fn what_is_protected_is_not_waited_for(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    let owner = server.cli();
    owner.ok(&["leases", "take", "/db/", "--protected"]);
    frontend.ok(&["leases", "take", "/a"]);
    let held = backend.run(&["leases", "check", "a"]);
    fails(
        &held,
        5,
        "--wait 10m, or ask a human: coro-cli request 'WHY'",
    );
    for files in [&["db/1"][..], &["a", "db/1"]] {
        let protected = backend.run(&[&["leases", "check"], files].concat());
        fails(&protected, 5, "--kind lease_override --lease L-1)");
        assert!(!protected.stderr.contains("--wait"), "{protected:?}");
    }
    let taken = backend.run(&["leases", "take", "/db/1"]);
    fails(&taken, 0, "lets nobody edit what L-1 protects");
    let ask = [
        "request",
        "WHY",
        "--kind",
        "lease_override",
        "--lease",
        "L-1",
    ];
    assert_eq!(backend.ok(&ask), "R-1\n");
}

fn checked_files_are_printed_and_are_exit_code_5(server: &Server) {
    let (frontend, backend) = (agent(server, "frontend"), agent(server, "backend"));
    frontend.ok(&["leases", "take", "/a", "--reason", "moves"]);
    frontend.ok(&["leases", "take", "/b", "--mode", "warn"]);
    let check = ["leases", "check", "c", "b", "a/x"];
    let output = backend.run(&check);
    fails(&output, 5, "1 of 3 files is not to be edited");
    assert_eq!(
        output.stdout,
        "a/x\tblock\tL-1\tfrontend\tdefault\tmoves\nb\twarn\tL-2\tfrontend\tdefault\t-\n"
    );
    assert_eq!(frontend.ok(&check), "");
    assert_eq!(
        backend.ok(&["leases", "check", "b"]),
        "b\twarn\tL-2\tfrontend\tdefault\t-\n"
    );
}

/// Runs git in a folder, with nothing of this machine's configuration.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

fn write(folder: &Path, path: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, "1").expect("written");
}

/// A server, an agent that commits, and a repository that it calls in.
fn repository_with_leases() -> (Server, Cli, std::path::PathBuf) {
    let server = Server::start(Engine::Sqlite);
    let holder = server.agent("frontend");
    for (pattern, mode) in [("/api/", "block"), ("/web/", "confirm"), ("*.md", "warn")] {
        holder
            .post(
                "/api/leases",
                json!({"pattern": pattern, "mode": mode, "reason": "moves"}),
            )
            .send()
            .expect(200);
    }
    let cli = agent(&server, "backend");
    let folder = cli.folder().to_owned();
    git(&folder, &["init", "--quiet", "--initial-branch=main"]);
    (server, cli, folder)
}

#[test]
fn a_commit_of_leased_files_is_refused() {
    let (_server, cli, folder) = repository_with_leases();
    for path in ["api/ä b.rs", "web/x", "README.md", "src/x"] {
        write(&folder, path);
    }
    git(&folder, &["add", "src/x"]);
    assert_eq!(cli.ok(&["git-hook", "pre-commit"]), "");
    git(&folder, &["add", "README.md"]);
    let warned = "README.md\twarn\tL-3\tfrontend\tdefault\tmoves\n";
    assert_eq!(cli.ok(&["git-hook", "pre-commit"]), warned);
    git(&folder, &["add", "web"]);
    let confirm = cli.run(&["git-hook", "pre-commit"]);
    fails(&confirm, 5, "--no-verify");
    assert_eq!(
        confirm.stdout,
        format!("web/x\tconfirm\tL-2\tfrontend\tdefault\tmoves\n{warned}")
    );
    git(&folder, &["add", "api"]);
    let blocked = cli.run(&["git-hook", "pre-commit"]);
    fails(&blocked, 5, "files of others");
    assert!(blocked.stdout.starts_with("api/ä b.rs\tblock\tL-1\t"));
    assert!(!blocked.stderr.contains("--no-verify"), "{blocked:?}");
}

/// The owner's token names no project, and nothing else does here.
#[test]
fn a_commit_is_checked_in_all_projects_where_none_is_named() {
    let (server, _, folder) = repository_with_leases();
    let shop = server.register(json!({"name": "lib", "project": "shop"})).0;
    let lease = json!({"pattern": "/src/lib/"});
    shop.post("/api/leases", lease).send().expect(200);
    write(&folder, "src/lib/x");
    git(&folder, &["add", "src"]);
    let row = "src/lib/x\tblock\tL-4\tlib\tshop\t-\n";
    let owner = server.cli();
    for args in [
        &["git-hook", "pre-commit"][..],
        &["leases", "check", "src/lib/x"],
    ] {
        let refused = owner.run(args);
        fails(
            &refused,
            5,
            "L-4 is of project shop: name this repository's with --project",
        );
        assert_eq!(refused.stdout, row);
        let other = [args, &["--project", "default"]].concat();
        assert_eq!(owner.ok(&other), "");
        let same = owner.run(&[args, &["--project", "shop"]].concat());
        assert!(
            same.code == 5 && !same.stderr.contains("is of project"),
            "{same:?}"
        );
    }
}

#[test]
fn checked_files_are_named_as_seen_from_the_working_folder() {
    let (_server, cli, root) = repository_with_leases();
    write(&root, "api/deep/y");
    let value = |name| cli.value(name).expect("it is set");
    let inside = Cli::new(&root.join("api/deep"))
        .url(&value("CORO_URL"))
        .token(&value("CORO_TOKEN"));
    let absolute = root.join("api/x").display().to_string();
    for file in ["../x", "./../x", &absolute] {
        let refused = inside.run(&["leases", "check", file]);
        fails(&refused, 5, "1 of 1 files");
        assert!(refused.stdout.starts_with("api/x\tblock\tL-1\t"), "{file}");
    }
    let here = inside.run(&["leases", "check", "y", "../../src/x"]);
    assert!(here.stdout.starts_with("api/deep/y\tblock\tL-1\t"));
    assert_eq!(here.stdout.lines().count(), 1);
    let outside = inside.run(&["leases", "check", "../../../x"]);
    fails(&outside, 6, "is outside of the repository");
    fails(&inside.run(&["leases", "check", "../"]), 6, "as git shows");
    fails(&inside.run(&["leases", "check", ""]), 6, "as git shows");
}

#[test]
fn a_pattern_below_the_repositorys_own_path_is_refused_with_the_right_one() {
    let (_server, cli, root) = repository_with_leases();
    let own = root.display().to_string();
    for (behind, right) in [("/src/*.rs", "'/src/*.rs'"), ("", "'**'"), ("/", "'**'")] {
        let pattern = format!("{own}{behind}");
        let told = format!("begin at its root: {right}");
        fails(&cli.run(&["leases", "take", &pattern]), 6, &told);
        fails(
            &cli.run(&["tasks", "add", "a", "--path", &pattern]),
            6,
            &told,
        );
        let many = json!([{"title": "a"}, {"title": "b", "paths": ["/x", pattern]}]);
        for body in [json!({ "tasks": many }), many] {
            let import = ["tasks", "import", "-"];
            let refused = cli.run_with_input(&import, body.to_string().as_bytes());
            fails(&refused, 6, &told);
        }
    }
    assert_eq!(cli.ok(&["tasks", "list", "--all"]), "");
    cli.ok(&["tasks", "add", "a", "--path", "/src/"]);
    let edit = ["tasks", "edit", "T-1", "--path", &own];
    fails(&cli.run(&edit), 6, "begin at its root: '**'");
    // All else is the server's to judge.
    let judged = |pattern: &str| fails(&cli.run(&["leases", "take", pattern]), 4, "overlaps L-3");
    judged("/src/");
    // A folder in the repository that is called as the repository itself is.
    write(&root, &format!("{}/src/x", own.trim_start_matches('/')));
    judged(&format!("{own}/src/"));
}

#[test]
fn a_push_is_checked_from_what_the_remote_has() {
    let (_server, cli, folder) = repository_with_leases();
    let none = "0".repeat(40);
    let commit = |path: &str| {
        write(&folder, path);
        git(&folder, &["add", path]);
        git(&folder, &["commit", "--quiet", "-m", path]);
        git(&folder, &["rev-parse", "HEAD"])
    };
    let first = commit("api/x");
    let second = commit("src/x");
    let push = |local: &str, remote: &str| {
        let line = format!("refs/heads/main {local} refs/heads/main {remote}\n");
        let arguments = ["git-hook", "pre-push", "origin", "url"];
        cli.run_with_input(&arguments, line.as_bytes())
    };
    let all = push(&second, &none);
    fails(&all, 5, "files of others");
    assert_eq!(all.stdout, "api/x\tblock\tL-1\tfrontend\tdefault\tmoves\n");
    assert_eq!(push(&second, &first).code, 0);
    // The remote is ahead: what is not known here counts as new.
    fails(&push(&second, &"1".repeat(40)), 5, "files of others");
    // A branch is deleted.
    assert_eq!(push(&none, &first).code, 0);
    assert_eq!(push(&first, &first).code, 0);
}

/// A merge may change what none of its branches did.
#[test]
fn a_push_of_a_merge_is_checked_with_what_the_merge_changes() {
    let (_server, cli, folder) = repository_with_leases();
    let commit = |path: &str| {
        write(&folder, path);
        git(&folder, &["add", path]);
        git(&folder, &["commit", "--quiet", "-m", path]);
        git(&folder, &["rev-parse", "HEAD"])
    };
    let first = commit("src/x");
    git(&folder, &["checkout", "--quiet", "-b", "side"]);
    commit("src/y");
    git(&folder, &["checkout", "--quiet", "main"]);
    commit("src/z");
    git(&folder, &["merge", "--no-ff", "--no-commit", "side"]);
    let merge = commit("api/x");
    let line = format!("refs/heads/main {merge} refs/heads/main {first}\n");
    let arguments = ["git-hook", "pre-push", "origin", "url"];
    let pushed = cli.run_with_input(&arguments, line.as_bytes());
    fails(&pushed, 5, "files of others");
    assert_eq!(
        pushed.stdout,
        "api/x\tblock\tL-1\tfrontend\tdefault\tmoves\n"
    );
}

#[test]
fn a_commit_goes_on_where_no_server_answers_unless_it_fails_closed() {
    let (server, cli, folder) = repository_with_leases();
    write(&folder, "api/x");
    git(&folder, &["add", "api"]);
    server.stop();
    let away = cli.url(&format!("http://127.0.0.1:{}", free_port()));
    let open = away.run(&["git-hook", "pre-commit"]);
    fails(&open, 0, "the commit goes on");
    fails(
        &away.run(&["git-hook", "pre-commit", "--fail-closed"]),
        7,
        "",
    );
}

#[test]
fn a_hook_outside_of_a_repository_says_so() {
    let server = Server::start(Engine::Sqlite);
    fails(&server.cli().run(&["git-hook", "pre-commit"]), 1, "git");
}
