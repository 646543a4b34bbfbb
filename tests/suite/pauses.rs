//! Pauses: the emergency stop, over HTTP and by `coro-cli pause` and `resume`.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::pauses::{Pause, Resumed};
use coro_api::tokens::Role;
use coro_tests::{Client, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    a_pause_is_begun_listed_and_ended,
    a_pause_again_is_the_same_pause,
    an_end_where_nothing_is_paused_does_nothing,
    an_agent_pauses_nobody,
    a_controller_pauses_its_own_project_only,
    names_with_a_colon_are_not_mistaken_for_others,
    all_that_the_caller_may_end_ends_at_once,
    what_pause_prints_is_what_resume_takes,
    another_tenant_has_its_own_pauses,
    a_malformed_pause_is_refused,
    a_pause_of_an_agent_needs_its_project,
    an_agent_that_nobody_knows_is_not_paused,
    an_agent_that_has_ended_is_paused_until_it_is_resumed,
    a_pause_survives_a_restart,
    pauses_are_in_the_audit,
    the_commands_pause_and_resume,
    a_command_without_a_scope_means_the_tokens_project,
];

fn pause(client: &Client, body: Value) -> Pause {
    client.post("/api/pauses", body).ok()
}

fn resume(client: &Client, query: &str) -> Option<String> {
    let resumed: Resumed = client.delete(&format!("/api/pauses{query}")).ok();
    resumed.ended.into_iter().next()
}

fn register(server: &Server, project: &str, name: &str) -> Client {
    server.register(json!({"name": name, "project": project})).0
}

/// The ids of the pauses that a caller sees.
fn held(client: &Client) -> Vec<String> {
    let pauses: Vec<Pause> = client.get("/api/pauses").ok();
    pauses.into_iter().map(|pause| pause.id).collect()
}

fn a_pause_is_begun_listed_and_ended(server: &Server) {
    let owner = server.owner();
    register(server, "shop", "frontend");
    let made = pause(
        &owner,
        json!({"project": "shop", "reason": "the release is broken"}),
    );
    assert_eq!(
        (made.id.as_str(), made.project.as_str(), made.agent.as_str()),
        ("project:shop", "shop", "")
    );
    assert_eq!(made.reason, "the release is broken");
    assert!(!made.paused_by.is_empty() && made.paused_at.ends_with('Z'));
    let agent = pause(&owner, json!({"project": "shop", "agent": "frontend"}));
    assert_eq!(agent.id, "agent:shop/frontend");
    assert_eq!(pause(&owner, json!({})).id, "all");
    assert_eq!(held(&owner), ["agent:shop/frontend", "all", "project:shop"]);
    assert_eq!(
        resume(&owner, "?project=shop&agent=frontend").as_deref(),
        Some("agent:shop/frontend")
    );
    assert_eq!(
        resume(&owner, "?project=shop").as_deref(),
        Some("project:shop")
    );
    assert_eq!(resume(&owner, "").as_deref(), Some("all"));
    assert!(held(&owner).is_empty());
}

fn a_pause_again_is_the_same_pause(server: &Server) {
    let owner = server.owner();
    let first = pause(&owner, json!({"project": "shop", "reason": "one"}));
    let revision = server.revision();
    server.advance_seconds(60);
    let again = pause(&owner, json!({"project": "shop", "reason": "two"}));
    assert_eq!(again, first);
    assert_eq!(server.revision(), revision, "nothing has happened");
    assert_eq!(held(&owner), ["project:shop"]);
}

fn an_end_where_nothing_is_paused_does_nothing(server: &Server) {
    let owner = server.owner();
    pause(&owner, json!({"project": "shop"}));
    let revision = server.revision();
    for query in ["", "?project=other", "?project=shop&agent=frontend"] {
        assert_eq!(resume(&owner, query), None, "{query}");
    }
    assert_eq!(server.revision(), revision);
    assert_eq!(held(&owner), ["project:shop"]);
}

fn an_agent_pauses_nobody(server: &Server) {
    pause(&server.owner(), json!({"project": "default"}));
    let agent = server.agent("frontend");
    for body in [
        json!({}),
        json!({"project": "default"}),
        json!({"project": "default", "agent": "frontend"}),
    ] {
        agent.post("/api/pauses", body).refused(Reason::Forbidden);
    }
    agent
        .delete("/api/pauses?project=default")
        .refused(Reason::Forbidden);
    let viewer = server.issue(Role::Viewer, "reader");
    viewer
        .post("/api/pauses", json!({}))
        .refused(Reason::Forbidden);
    server
        .anonymous()
        .post("/api/pauses", json!({}))
        .refused(Reason::Unauthenticated);
    assert_eq!(held(&agent), ["project:default"], "it sees what holds it");
}

fn a_controller_pauses_its_own_project_only(server: &Server) {
    let shop = server.issue_for_project(Role::Controller, "lead", "shop");
    register(server, "shop", "frontend");
    assert_eq!(pause(&shop, json!({})).id, "project:shop");
    assert_eq!(
        pause(&shop, json!({"agent": "frontend"})).id,
        "agent:shop/frontend"
    );
    shop.post("/api/pauses", json!({"project": "bank"}))
        .refused(Reason::Forbidden);
    shop.delete("/api/pauses?project=bank")
        .refused(Reason::Forbidden);

    pause(&server.owner(), json!({"project": "bank"}));
    pause(&server.owner(), json!({}));
    assert_eq!(held(&shop), ["agent:shop/frontend", "all", "project:shop"]);
    assert_eq!(resume(&shop, "").as_deref(), Some("project:shop"));
    assert_eq!(
        held(&server.owner()),
        ["agent:shop/frontend", "all", "project:bank"]
    );
}

fn all_that_the_caller_may_end_ends_at_once(server: &Server) {
    let owner = server.owner();
    let shop = server.issue_for_project(Role::Controller, "lead", "shop");
    register(server, "shop", "frontend");
    for body in [
        json!({}),
        json!({"project": "shop"}),
        json!({"project": "shop", "agent": "frontend"}),
        json!({"project": "bank"}),
    ] {
        pause(&owner, body);
    }
    let ended: Resumed = shop.delete("/api/pauses?all=true").ok();
    assert_eq!(ended.ended, ["agent:shop/frontend", "project:shop"]);
    let ended: Resumed = owner.delete("/api/pauses?all=true").ok();
    assert_eq!(ended.ended, ["all", "project:bank"]);
    let revision = server.revision();
    assert_eq!(resume(&owner, "?all=true"), None);
    assert_eq!(server.revision(), revision, "nothing has happened");
    for query in [
        "?all=true&project=shop",
        "?id=all&agent=a",
        "?id=a&all=true",
    ] {
        owner
            .delete(&format!("/api/pauses{query}"))
            .refused(Reason::Invalid);
    }
}

fn what_pause_prints_is_what_resume_takes(server: &Server) {
    let shop = server.issue_for_project(Role::Controller, "lead", "shop");
    register(server, "shop", "frontend");
    let lead = server.cli().token(shop.token());
    for scope in [&["--all"][..], &["--agent", "frontend"]] {
        let printed = lead.ok(&[&["pause"][..], scope].concat());
        assert_eq!(lead.ok(&["resume", printed.trim_end()]), printed);
    }
    pause(&server.owner(), json!({}));
    for id in ["all", "project:bank", "agent:bank/frontend"] {
        let query = format!("/api/pauses?id={id}");
        shop.delete(&query).refused(Reason::Forbidden);
    }
    for id in ["shop", "project:", "agent:shop", "agent:/a"] {
        let query = format!("/api/pauses?id={id}");
        server.delete(&query).refused(Reason::Invalid);
    }
    assert_eq!(held(&server.owner()), ["all"]);
}

fn another_tenant_has_its_own_pauses(server: &Server) {
    let other = server.other_tenant("other");
    pause(&server.owner(), json!({"project": "shop"}));
    assert!(held(&other).is_empty());
    assert_eq!(resume(&other, "?project=shop"), None);
    assert_eq!(pause(&other, json!({"project": "shop"})).id, "project:shop");
    assert_eq!(
        resume(&other, "?project=shop").as_deref(),
        Some("project:shop")
    );
    assert_eq!(held(&server.owner()), ["project:shop"]);
}

fn a_malformed_pause_is_refused(server: &Server) {
    let owner = server.owner();
    for body in [
        json!({"project": "a/b"}),
        json!({"project": "shop", "agent": "a\nb"}),
        json!({"project": "shop", "reason": "x".repeat(501)}),
        json!({"project": "shop", "reason": "\u{202e}"}),
        json!({"projects": "shop"}),
        json!([]),
    ] {
        owner
            .post("/api/pauses", body.clone())
            .refused(Reason::Invalid);
    }
    owner
        .delete("/api/pauses?projects=shop")
        .refused(Reason::Invalid);
    assert!(held(&owner).is_empty());
}

fn a_pause_of_an_agent_needs_its_project(server: &Server) {
    let problem = server
        .owner()
        .post("/api/pauses", json!({"agent": "frontend"}))
        .refused(Reason::Invalid);
    assert!(problem.detail.contains("\"frontend\""), "{problem:?}");
    server
        .owner()
        .delete("/api/pauses?agent=frontend")
        .refused(Reason::Invalid);
}

fn an_agent_that_nobody_knows_is_not_paused(server: &Server) {
    register(server, "shop", "frontend");
    for body in [
        json!({"project": "shop", "agent": "nobody"}),
        json!({"project": "bank", "agent": "frontend"}),
    ] {
        let problem = server.post("/api/pauses", body).refused(Reason::NotFound);
        let next = problem.next.expect("a next step");
        assert!(next.contains("coro-cli instances list"), "{next}");
    }
    assert!(held(&server.owner()).is_empty());
    let cli = server.cli();
    let unknown = cli.run(&["pause", "--agent", "nobody", "--project", "shop"]);
    assert_eq!(
        (unknown.code, unknown.stderr.lines().count()),
        (3, 1),
        "{unknown:?}"
    );
    // A project is a word: nothing has to be in it yet.
    assert_eq!(cli.ok(&["pause", "--project", "new"]), "project:new\n");
}

fn an_agent_that_has_ended_is_paused_until_it_is_resumed(server: &Server) {
    let agent = register(server, "shop", "frontend");
    agent.delete("/api/instances/self").send().expect(200);
    pause(
        &server.owner(),
        json!({"project": "shop", "agent": "frontend"}),
    );
    let again = server.post(
        "/api/instances/register",
        json!({"name": "frontend", "project": "shop"}),
    );
    again.send().expect(200);
    assert_eq!(held(&agent), ["agent:shop/frontend"]);
}

fn a_pause_survives_a_restart(server: &Server) {
    let made = pause(&server.owner(), json!({"project": "shop"}));
    server.restart();
    let pauses: Vec<Pause> = server.get("/api/pauses").ok();
    assert_eq!(pauses, [made]);
}

fn pauses_are_in_the_audit(server: &Server) {
    let owner = server.owner();
    pause(&owner, json!({"project": "shop", "reason": "broken"}));
    resume(&owner, "?project=shop");
    let entries: Vec<AuditEntry> = server.get("/api/audit").ok();
    let said: Vec<_> = entries
        .iter()
        .filter(|entry| entry.resource == "project:shop")
        .map(|entry| entry.action.as_str())
        .collect();
    assert_eq!(said, ["agent.resumed", "agent.paused"]);
}

fn the_commands_pause_and_resume(server: &Server) {
    let cli = server.cli();
    register(server, "shop", "frontend");
    assert_eq!(
        cli.ok(&["pause", "--project", "shop", "--reason", "a\tb"]),
        "project:shop\n"
    );
    assert_eq!(
        cli.ok(&["pause", "--agent", "frontend", "--project", "shop"]),
        "agent:shop/frontend\n"
    );
    assert_eq!(cli.ok(&["pause", "--all"]), "all\n");
    let list = cli.ok(&["pause", "--list"]);
    let ids: Vec<_> = list
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(ids, ["agent:shop/frontend", "all", "project:shop"]);
    assert!(list.ends_with("\ta\\tb\n"), "{list}");

    let again = ["pause", "--project", "web", "--reason", "-"];
    assert_eq!(cli.run_with_input(&again, b"- the disk is full\n").code, 0);
    let list = cli.ok(&["pause", "--list"]);
    assert!(list.ends_with("\t- the disk is full\n"), "{list}");
    cli.ok(&["resume", "project:web"]);

    assert_eq!(cli.ok(&["resume", "project:shop"]), "project:shop\n");
    assert_eq!(cli.ok(&["resume", "--all"]), "agent:shop/frontend\nall\n");
    assert_eq!(cli.ok(&["pause", "--project", "shop"]), "project:shop\n");
    assert_eq!(cli.ok(&["resume", "--project", "shop"]), "project:shop\n");
    let unsaid = cli.run(&["resume", "--agent", "frontend"]);
    assert!(unsaid.stderr.contains("--project"), "{unsaid:?}");
    let nothing = cli.run(&["resume", "--project", "shop"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""));
    assert!(
        nothing.stderr.contains("nothing was paused there"),
        "{nothing:?}"
    );
    for wrong in [
        &["pause", "--all", "--project", "shop"][..],
        &["pause", "--list", "--all"],
        &["resume", "--list"],
        &["resume", "all", "--all"],
        &["pause", "frontend"],
    ] {
        assert_eq!(cli.run(wrong).code, 2, "{wrong:?}");
    }
    let agent = cli.token(server.agent("backend").token());
    let refused = agent.run(&["pause", "--all"]);
    assert_eq!(
        (refused.code, refused.stderr.lines().count()),
        (5, 1),
        "{refused:?}"
    );
}

fn a_command_without_a_scope_means_the_tokens_project(server: &Server) {
    let refused = server.cli().run(&["pause"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("(name it with --project, or say --all)")
    );
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    let lead = server.cli().token(lead.token());
    assert_eq!(lead.ok(&["pause"]), "project:shop\n");
    assert_eq!(lead.ok(&["resume"]), "project:shop\n");
    let named = server.cli().variable("CORO_PROJECT", "bank");
    assert_eq!(named.ok(&["pause"]), "project:bank\n");
    assert_eq!(named.ok(&["resume"]), "project:bank\n");
}

/// Once `a` with `b:c` and `a:b` with `c` were the same pause.
fn names_with_a_colon_are_not_mistaken_for_others(server: &Server) {
    let one = server.issue_for_project(Role::Controller, "one", "a");
    let other = server.issue_for_project(Role::Controller, "other", "a:b");
    register(server, "a:b", "c");
    pause(&other, json!({"agent": "c"}));
    assert_eq!(resume(&one, "?agent=b:c"), None);
    assert_eq!(held(&other), ["agent:a:b/c"]);
    assert!(held(&one).is_empty());
}
