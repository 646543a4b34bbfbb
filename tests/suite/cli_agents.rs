//! `coro-cli` for agents: registering, saying what one does, finding others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use coro_api::agents::Agent;
use coro_api::system::Whoami;
use coro_api::tokens::Role;
use coro_tests::mcp::{Era, Mcp};
use coro_tests::{Cli, Engine, Output, Server, both_engines};
use serde_json::json;

both_engines![
    an_agent_registers_says_what_it_does_and_is_found,
    an_agent_with_a_token_of_its_own_gets_none,
    a_name_that_is_alive_is_continued_by_a_takeover_only,
    capabilities_are_replaced_as_a_whole,
    a_silent_agent_is_found_stale_and_comes_back,
    an_agent_ends_and_registers_again,
    an_agent_is_looked_up_and_ended_by_its_name,
    the_tool_coro_runs_the_same_commands,
];

#[track_caller]
fn fails(output: &Output, code: i32, names: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert_eq!(output.stdout, "", "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert!(output.stderr.contains(names), "{output:?}");
}

/// Registers a name with the caller's token; gives the CLI with the agent's.
fn registered(server: &Server, args: &[&str]) -> Cli {
    let token = server.cli().ok(&[&["register"], args].concat());
    assert!(
        token.starts_with("cor_") && token.lines().count() == 1,
        "{token}"
    );
    server.cli().token(token.trim_end())
}

fn an_agent_is_looked_up_and_ended_by_its_name(server: &Server) {
    for project in ["shop", "bank"] {
        registered(server, &["frontend", "--project", project]);
    }
    let cli = server.cli();
    let several = cli.run(&["instances", "get", "frontend"]);
    fails(&several, 2, "several agents are called frontend (name one");
    let shop = ["instances", "get", "frontend", "--project", "shop"];
    let line = cli.ok(&shop);
    assert!(line.starts_with("frontend\tpending\t"), "{line}");
    let id = line.split('\t').nth(2).expect("an id");
    assert_eq!(cli.ok(&["instances", "get", id]), line);
    let end = ["instances", "deregister", "frontend", "--project", "shop"];
    assert_eq!(cli.ok(&end), "ended\n");
    fails(&cli.run(&shop), 3, "agent not found: frontend (list them");
    let left = cli.clone().variable("CORO_PROJECT", "bank");
    assert_eq!(left.ok(&["instances", "deregister", "frontend"]), "ended\n");
}

fn an_agent_registers_says_what_it_does_and_is_found(server: &Server) {
    let frontend = registered(
        server,
        &[
            "frontend",
            "--project",
            "shop",
            "--workspace",
            "/w/shop",
            "--stack",
            "react",
            "--capability",
            "css",
            "--capability",
            "a11y",
        ],
    );
    assert_eq!(frontend.ok(&["activate"]), "active\n");
    assert_eq!(frontend.ok(&["intent", "build the\tcart"]), "ok\n");
    let agent: Agent = server
        .client(&token_of(&frontend))
        .get("/api/instances/self")
        .ok();
    let line = format!(
        "frontend\tactive\t{}\tshop\t/w/shop\treact\tcss,a11y\t{}\tbuild the\\tcart\n",
        agent.id, agent.last_seen
    );
    assert_eq!(server.cli().ok(&["instances", "list"]), line);
    assert_eq!(server.cli().ok(&["instances", "get", &agent.id]), line);
    for filter in [
        ["--name", "frontend"],
        ["--project", "shop"],
        ["--workspace", "/w/shop"],
        ["--stack", "react"],
        ["--capability", "a11y"],
        ["--status", "active"],
        ["--intent", "THE\tCART"],
    ] {
        let list = [&["instances", "list"], &filter[..]].concat();
        assert_eq!(server.cli().ok(&list), line, "{filter:?}");
        let other = [&["instances", "list"], &[filter[0], "pending"][..]].concat();
        assert_eq!(server.cli().ok(&other), "", "{filter:?}");
    }
    frontend.ok(&["intent", ""]);
    assert!(frontend.ok(&["instances", "get"]).ends_with("\t-\n"));
    assert!(
        frontend
            .ok(&["whoami"])
            .ends_with(&format!("\tshop\t{}\n", agent.id))
    );
}

fn an_agent_with_a_token_of_its_own_gets_none(server: &Server) {
    let frontend = registered(server, &["frontend", "--stack", "react"]);
    let again = frontend.run(&["register", "frontend", "--intent", "go on"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "{again:?}");
    assert!(
        again.stderr.contains("generation 2 (its token stays"),
        "{again:?}"
    );
    let line = frontend.ok(&["instances", "get"]);
    assert!(
        line.contains("\treact\t") && line.ends_with("\tgo on\n"),
        "{line}"
    );
    fails(
        &frontend.run(&["register", "backend"]),
        5,
        "registers no other",
    );
}

fn a_name_that_is_alive_is_continued_by_a_takeover_only(server: &Server) {
    let first = registered(server, &["frontend"]);
    first.ok(&["activate"]);
    let refused = server.cli().run(&["register", "frontend"]);
    fails(
        &refused,
        4,
        "where it is you after a restart, add --takeover)",
    );
    let second = registered(server, &["frontend", "--takeover"]);
    assert_eq!(second.ok(&["activate"]), "active\n");
    assert_eq!(first.run(&["whoami"]).code, 5);

    let enrol = server.issue(Role::Enrol, "ide");
    let enrol = server.cli().token(enrol.token());
    fails(
        &enrol.run(&["register", "frontend", "--takeover"]),
        4,
        "another name",
    );
    assert!(enrol.ok(&["register", "backend"]).starts_with("cor_"));
}

fn capabilities_are_replaced_as_a_whole(server: &Server) {
    let agent = registered(server, &["frontend", "--capability", "css"]);
    let can = |set: &[&str]| agent.ok(&[&["instances", "capabilities"], set].concat());
    assert_eq!(can(&[]), "css\n");
    assert_eq!(can(&["self", "--set", "html", "a11y"]), "html\na11y\n");
    assert_eq!(can(&[]), "html\na11y\n");
    assert_eq!((can(&["--set"]), can(&[])), (String::new(), String::new()));
}

fn a_silent_agent_is_found_stale_and_comes_back(server: &Server) {
    let agent = registered(server, &["frontend"]);
    agent.ok(&["activate"]);
    assert_eq!(server.cli().ok(&["instances", "stale"]), "");
    server.advance_seconds(301);
    let stale = server.cli().ok(&["instances", "check"]);
    assert!(stale.starts_with("frontend\tstale\t"), "{stale}");
    assert_eq!(server.cli().ok(&["instances", "stale"]), stale);
    assert_eq!(agent.ok(&["instances", "heartbeat"]), "ok\n");
    assert!(
        server
            .cli()
            .ok(&["instances", "list"])
            .starts_with("frontend\tactive\t")
    );
}

fn an_agent_ends_and_registers_again(server: &Server) {
    let agent = registered(server, &["frontend"]);
    assert_eq!(agent.ok(&["instances", "deregister"]), "ended\n");
    assert_eq!(server.cli().ok(&["instances", "list"]), "");
    let ended = server.cli().ok(&["instances", "list", "--status", "ended"]);
    assert!(ended.starts_with("frontend\tended\t"), "{ended}");
    fails(&agent.run(&["activate"]), 4, "register it again");
    assert_eq!(agent.ok(&["register", "frontend"]), "");
    assert_eq!(agent.ok(&["activate"]), "active\n");
    fails(
        &server.cli().run(&["activate"]),
        4,
        "register with coro-cli register",
    );
    fails(
        &server.cli().run(&["instances", "get", "nobody"]),
        3,
        "coro-cli instances list",
    );
}

fn the_tool_coro_runs_the_same_commands(server: &Server) {
    let mcp = Mcp::new(server.owner(), Era::Modern);
    let registered = mcp.coro("register frontend --project shop");
    let token = registered.lines().next().unwrap_or_default();
    assert!(token.starts_with("cor_"), "{registered}");
    let agent = Mcp::new(server.client(token), Era::Modern);
    assert_eq!(agent.coro("activate"), "active\n");
    assert_eq!(agent.coro("intent 'build the cart'"), "ok\n");
    assert_eq!(agent.coro("instances capabilities --set css"), "css\n");
    let line = mcp.coro("instances list --intent cart");
    assert!(
        line.starts_with("frontend\tactive\t") && line.contains("\tcss\t"),
        "{line}"
    );
    for refused in ["register x --save", "mcp", "backup b.gz"] {
        let told = mcp.refuse("coro", json!({"command": refused}));
        assert!(told.contains("needs a shell"), "{told}");
    }
}

#[test]
fn a_saved_token_is_used_by_the_next_command_and_never_printed() {
    let server = Server::start(Engine::Sqlite);
    let folder = server.options().scratch().join("repository");
    std::fs::create_dir_all(folder.join("deep")).expect("folders");
    let owner = server.owner().token().to_owned();
    let cli = Cli::new(&folder).url(&server.url());
    let saved = cli
        .clone()
        .token(&owner)
        .run(&["register", "frontend", "--save"]);
    assert_eq!((saved.code, saved.stdout.as_str()), (0, ""), "{saved:?}");
    assert!(!saved.stderr.contains("cor_"), "{saved:?}");
    assert!(saved.stderr.contains("unset CORO_TOKEN"), "{saved:?}");

    let deep = Cli::new(&folder.join("deep")).url(&server.url());
    let who: Whoami = serde_json::from_str(&deep.ok(&["whoami", "--json"])).expect("JSON");
    assert_eq!((who.name.as_str(), who.role), ("frontend", Role::Agent));
    assert_eq!(deep.ok(&["activate"]), "active\n");
    let again = deep.run(&["register", "frontend", "--save", "--json"]);
    assert!(
        again.stdout.contains("\"generation\":2") && !again.stdout.contains("cor_"),
        "{again:?}"
    );
    assert_eq!(deep.ok(&["activate"]), "active\n");

    let local = folder.join(".coro/local");
    let ignored = std::fs::read_to_string(local.join(".gitignore")).expect("a file");
    assert_eq!(ignored, "*\n");
    assert_eq!(
        (mode(&local), mode(&local.join("cli.json"))),
        (0o700, 0o600)
    );
    assert!(!folder.join("deep/.coro").exists());

    let taken = cli
        .token(&owner)
        .run(&["register", "frontend", "--save", "--takeover", "--json"]);
    assert!(
        taken.stdout.contains("\"generation\":3") && !taken.stdout.contains("cor_"),
        "{taken:?}"
    );
    assert_eq!(deep.ok(&["activate"]), "active\n");
}

#[test]
fn the_project_of_an_agent_may_come_from_the_environment() {
    let server = Server::start(Engine::Sqlite);
    let cli = server.cli().variable("CORO_PROJECT", "shop");
    cli.ok(&["register", "frontend"]);
    cli.ok(&["register", "backend", "--project", "bank"]);
    let projects = |project| {
        server
            .cli()
            .ok(&["instances", "list", "--project", project])
    };
    assert!(
        projects("shop").starts_with("frontend\t") && projects("bank").starts_with("backend\t")
    );
}

/// The token that the CLI calls with, as it says in its settings.
fn token_of(cli: &Cli) -> String {
    cli.value("CORO_TOKEN").expect("it has one")
}

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("it exists");
    metadata.permissions().mode() & 0o777
}
