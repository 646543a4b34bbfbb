//! Two instances of Claude Code in one repository, and nobody who types.
//!
//! Alice has the cart. Bob is kept from her file, writes to her, and does
//! something else; she hears of it while she works, and goes on with the next
//! task when she is done.

use std::path::Path;
use std::process::Command;

use coro_api::tasks::TaskItem;
use coro_api::tokens::Role;
use coro_tests::{Engine, Server};
use serde_json::json;

use crate::claude;
use crate::install::Packages;
use crate::model::{Model, Script};
use crate::workplace::{Output, Workplace};

#[test]
fn two_instances_keep_out_of_each_others_way_and_go_on_by_themselves() {
    let Some(packages) = Packages::find() else {
        return;
    };
    let server = Server::start(Engine::Sqlite);
    for task in [
        json!({"project": "shop", "title": "Build the cart", "assignee": "alice", "paths": ["src/cart.rs"]}),
        json!({"project": "shop", "title": "Write the manual", "assignee": "bob"}),
        json!({"project": "shop", "title": "Test the cart", "assignee": "alice", "depends_on": ["T-1"]}),
    ] {
        server.post("/api/tasks", task).send().expect(200);
    }
    let place = Workplace::new();
    std::fs::create_dir(place.project().join(".git")).expect("a new folder");

    let alice = alice();
    let bob = bob(&place.project());
    let (of_alice, of_bob) = std::thread::scope(|scope| {
        let first = scope.spawn(|| run(packages, &server, &place, "alice", &alice));
        // Bob begins when the cart is hers.
        let claimed = server
            .owner()
            .poll("pattern=coro.task.claimed&from=0&wait=50");
        assert_eq!(claimed.events.len(), 1, "{claimed:?}");
        let second = run(packages, &server, &place, "bob", &bob);
        (first.join().expect("she ends"), second)
    });
    alice.finish();
    bob.finish();

    // The reason is in his transcript, and the file was never made.
    assert!(
        of_bob.stdout.contains("src/cart.rs is leased by alice"),
        "{}",
        of_bob.stdout
    );
    assert!(!place.project().join("src").exists());
    let end = of_alice.events().pop().expect("a result");
    assert_eq!(end["result"], "All is done.", "{end}");
    let tasks: Vec<TaskItem> = server.get("/api/tasks?project=shop").ok();
    assert!(
        tasks.iter().all(|task| task.status.word() == "done"),
        "{tasks:?}"
    );
    let receipts: serde_json::Value = server.get("/api/messages/M-1").ok();
    assert_eq!(
        receipts["receipts"][0]["state"], "acknowledged",
        "{receipts}"
    );
    let continued = server.owner().history("topic=coro.agent.continued");
    assert_eq!(continued.len(), 1, "{continued:?}");
}

fn alice() -> Model {
    Model::start(
        Script::new()
            .bash("coro-cli next")
            .expect("T-1 Build the cart")
            // She works until he has written; her hook then brings it.
            .bash("coro-cli events wait coro.message.sent --from 0 >/dev/null && echo worked")
            .expect("worked")
            .hear("the totals are wrong")
            .bash("coro-cli ack M-1 && coro-cli done --result 'the totals are right'")
            .say("The cart is built.")
            .hear("T-3")
            .bash("coro-cli next")
            .expect("T-3 Test the cart")
            .expect("the totals are right")
            .bash("coro-cli done --result tested")
            .say("All is done."),
    )
}

fn bob(project: &Path) -> Model {
    let file = project.join("src/cart.rs");
    Model::start(
        Script::new()
            .bash("coro-cli next")
            .expect("T-2 Write the manual")
            .call(
                "Write",
                json!({"file_path": file, "content": "fn total() {}\n"}),
            )
            .expect("leased by alice")
            .expect("works on T-1")
            .bash("coro-cli send 'the totals are wrong' --to alice --ack")
            .expect("M-1")
            .bash("coro-cli done --result written")
            .say("The manual is written."),
    )
}

/// Runs one instance with the hooks that `coro-cli hook claude --settings`
/// prints.
pub(crate) fn run(
    packages: &Packages,
    server: &Server,
    place: &Workplace,
    name: &str,
    model: &Model,
) -> Output {
    let token = server.issue_for_project(Role::Agent, name, "shop");
    let settings = server.cli().ok(&["hook", "claude", "--settings"]);
    let settings = place.write(&format!("{name}/settings.json"), &settings);
    let home = settings.parent().expect("a folder");
    place.write(&format!("{name}/.profile"), &place.profile());
    let mut claude: Command = claude::command(packages, model);
    claude
        .args(["-p", "next", "--output-format", "stream-json", "--verbose"])
        .args([
            "--permission-mode",
            "dontAsk",
            "--allowedTools",
            "Bash,Write",
        ])
        .arg("--settings")
        .arg(&settings)
        .env("HOME", home)
        .env("CORO_URL", server.url())
        .env("CORO_TOKEN", token.token());
    place.run(&mut claude).ok()
}
