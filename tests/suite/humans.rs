//! Humans: set once, unlocked by a passphrase for a while, and nobody else.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::humans::{Human, Locked, Unlocked};
use coro_api::tokens::{Role, Token};
use coro_tests::{Cli, Client, Engine, Request, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_owner_sets_the_first_human_and_no_other,
    a_human_adds_others_and_changes_only_their_own_passphrase,
    unlocking_takes_the_right_passphrase,
    a_session_is_over_after_ten_minutes,
    a_session_belongs_to_the_token_that_unlocked,
    a_locked_session_is_over,
    agents_may_not_even_try,
    wrong_passphrases_have_to_wait,
    wrong_passphrases_of_one_token_hold_up_no_other,
    a_new_passphrase_ends_the_sessions_of_the_old,
    what_humans_do_is_in_the_audit,
    a_passphrase_is_stored_and_said_nowhere,
    a_human_of_several_is_named,
    humans_that_are_none_are_refused,
    a_server_that_only_a_repository_names_gets_no_passphrase,
    a_human_and_a_token_share_no_name,
    a_forgotten_passphrase_is_reset_where_the_data_is,
    a_reset_that_can_not_be_changes_nothing,
];

const PASSPHRASE: &str = "correct horse battery";

fn set(client: &Client, name: &str, passphrase: &str) -> Request {
    let body = json!({"name": name, "passphrase": passphrase});
    client.post("/api/humans", body)
}

fn try_unlock(client: &Client, passphrase: &str) -> Request {
    client.post("/api/humans/unlock", json!({ "passphrase": passphrase }))
}

fn unlock(client: &Client) -> Unlocked {
    try_unlock(client, PASSPHRASE).ok()
}

/// A call that a session alone allows: to add a human.
fn use_session(client: &Client, session: &str, name: &str) -> Request {
    set(client, name, PASSPHRASE).header("Coro-Human", session)
}

fn ada(server: &Server) {
    set(&server.owner(), "ada", PASSPHRASE).send().expect(200);
}

fn audit(server: &Server, action: &str) -> Vec<AuditEntry> {
    server.get(&format!("/api/audit?action={action}")).ok()
}

fn the_owner_sets_the_first_human_and_no_other(server: &Server) {
    let human: Human = set(&server.owner(), "ada", PASSPHRASE).ok();
    assert_eq!(
        (human.name.as_str(), human.created_by.as_str()),
        ("ada", "human:owner")
    );
    for name in ["ada", "bob"] {
        let problem = set(&server.owner(), name, "another passphrase").refused(Reason::Forbidden);
        assert!(problem.detail.contains("old one"), "{problem:?}");
    }
    unlock(&server.owner());
    let all: Vec<Human> = server.get("/api/humans").ok();
    assert_eq!(all, [human]);
}

fn a_human_adds_others_and_changes_only_their_own_passphrase(server: &Server) {
    ada(server);
    let owner = server.owner();
    let session = unlock(&owner).session;
    use_session(&owner, &session, "bob").send().expect(200);
    let problem = use_session(&owner, &session, "bob").refused(Reason::Forbidden);
    assert!(problem.detail.contains("\"bob\""), "{problem:?}");
    let change = |old: &str| {
        let body = json!({"name": "bob", "passphrase": "tell nobody this", "old_passphrase": old});
        owner.post("/api/humans", body)
    };
    change("wrong wrong wrong").refused(Reason::Forbidden);
    change(PASSPHRASE).send().expect(200);
    use_session(&owner, &session, "ada").send().expect(200);
}

fn unlocking_takes_the_right_passphrase(server: &Server) {
    let problem = try_unlock(&server.owner(), PASSPHRASE).refused(Reason::Conflict);
    assert!(
        problem.next.expect("a hint").contains("humans set"),
        "how it is set"
    );
    ada(server);
    let problem = try_unlock(&server.owner(), "wrong passphrase").refused(Reason::Forbidden);
    assert!(!problem.detail.contains("wrong passphrase"), "{problem:?}");
    let unlocked = unlock(&server.owner());
    assert!(unlocked.session.starts_with("corh_"), "{unlocked:?}");
    assert_eq!(unlocked.name, "ada");
    let unknown = json!({"name": "eve", "passphrase": PASSPHRASE});
    server
        .post("/api/humans/unlock", unknown)
        .refused(Reason::NotFound);
}

fn a_session_is_over_after_ten_minutes(server: &Server) {
    ada(server);
    let owner = server.owner();
    let session = unlock(&owner).session;
    server.advance_seconds(590);
    use_session(&owner, &session, "bob").send().expect(200);
    server.advance_seconds(11);
    let problem = use_session(&owner, &session, "eve").refused(Reason::SessionOver);
    assert!(problem.detail.contains("is over"), "{problem:?}");
    server.sweep();
    use_session(&owner, &session, "eve").refused(Reason::SessionOver);
}

fn a_session_belongs_to_the_token_that_unlocked(server: &Server) {
    ada(server);
    let session = unlock(&server.owner()).session;
    let other = server.issue(Role::Owner, "another");
    use_session(&other, &session, "bob").refused(Reason::SessionOver);
    use_session(&other, "corh_made_up", "bob").refused(Reason::SessionOver);
    let theirs = server.other_tenant("other");
    set(&theirs, "ada", PASSPHRASE).send().expect(200);
    use_session(&theirs, &session, "bob").refused(Reason::SessionOver);
}

fn a_locked_session_is_over(server: &Server) {
    ada(server);
    let owner = server.owner();
    let session = unlock(&owner).session;
    let lock = || owner.delete("/api/humans/session");
    let none: Locked = lock().ok();
    assert_eq!(none.locked, None);
    let locked: Locked = lock().header("Coro-Human", &session).ok();
    assert_eq!(locked.locked.as_deref(), Some("ada"));
    use_session(&owner, &session, "bob").refused(Reason::SessionOver);
}

fn agents_may_not_even_try(server: &Server) {
    ada(server);
    let clients = [
        server.agent("frontend"),
        server.issue(Role::Enrol, "ide"),
        server.issue(Role::Runner, "runner"),
        server.issue(Role::Viewer, "viewer"),
        // It leads, and has not registered yet.
        server.issue_with(json!({"name": "lead", "role": "controller", "kind": "agent"})),
    ];
    for client in &clients {
        try_unlock(client, PASSPHRASE).refused(Reason::Forbidden);
    }
    let refused = audit(server, "human.refused");
    assert_eq!(refused.len(), clients.len(), "{refused:?}");
    assert!(refused.iter().all(|entry| entry.outcome == "refused"));
    // Their tries are not counted: nobody is locked out by them.
    unlock(&server.owner());
}

fn wrong_passphrases_have_to_wait(server: &Server) {
    ada(server);
    let owner = server.owner();
    for _ in 0..5 {
        try_unlock(&owner, "wrong passphrase").refused(Reason::Forbidden);
    }
    for passphrase in ["wrong passphrase", PASSPHRASE] {
        let answer = try_unlock(&owner, passphrase).send();
        assert!(answer.the("retry-after").parse::<u64>().expect("seconds") <= 301);
        answer.refused(Reason::RateLimited);
    }
    server.advance_seconds(301);
    unlock(&owner);
}

/// Once five wrong ones by anybody kept every human of the tenant from deciding.
fn wrong_passphrases_of_one_token_hold_up_no_other(server: &Server) {
    ada(server);
    let lead = |name| {
        let token = json!({"name": name, "role": "controller", "kind": "human", "project": "shop"});
        server.issue_with(token)
    };
    let wrong = "wrong passphrase";
    for name in ["one", "two", "three", "four"] {
        let lead = lead(name);
        for _ in 0..5 {
            try_unlock(&lead, wrong).refused(Reason::Forbidden);
        }
        try_unlock(&lead, wrong).refused(Reason::RateLimited);
        unlock(&server.owner());
    }
    // All together are bounded too.
    let fifth = lead("five");
    for _ in 0..5 {
        try_unlock(&fifth, wrong).refused(Reason::Forbidden);
    }
    try_unlock(&server.owner(), PASSPHRASE).refused(Reason::RateLimited);
    server.advance_seconds(301);
    unlock(&server.owner());
}

fn a_new_passphrase_ends_the_sessions_of_the_old(server: &Server) {
    ada(server);
    let owner = server.owner();
    let session = unlock(&owner).session;
    use_session(&owner, &session, "ada").send().expect(200);
    use_session(&owner, &session, "bob").refused(Reason::SessionOver);
}

fn what_humans_do_is_in_the_audit(server: &Server) {
    ada(server);
    try_unlock(&server.owner(), "wrong passphrase").refused(Reason::Forbidden);
    let session = unlock(&server.owner()).session;
    let lock = server.delete("/api/humans/session");
    lock.header("Coro-Human", &session).send().expect(200);
    let entries = audit(server, "human.*");
    let seen: Vec<(&str, &str)> = entries
        .iter()
        .map(|entry| (entry.action.as_str(), entry.resource.as_str()))
        .collect();
    let expected = [
        ("human.locked", "ada"),
        ("human.unlocked", "ada"),
        ("human.refused", "ada"),
        ("human.set", "ada"),
    ];
    assert_eq!(seen, expected);
    let agent = server.agent("curious");
    let history = agent.get("/api/events/history").send().expect(200);
    assert!(!history.text().contains("coro.human"), "{history}");
}

fn a_passphrase_is_stored_and_said_nowhere(server: &Server) {
    let set = set(&server.owner(), "ada", PASSPHRASE).header("Idempotency-Key", "k");
    let answer = set.send().expect(200).text();
    let unlock = try_unlock(&server.owner(), PASSPHRASE).header("Idempotency-Key", "l");
    let unlocked: Unlocked = unlock.ok();
    let again = try_unlock(&server.owner(), PASSPHRASE).header("Idempotency-Key", "l");
    assert_ne!(again.ok::<Unlocked>().session, unlocked.session);
    let stored = server
        .database()
        .query_text("SELECT CAST(count(*) AS TEXT) FROM idempotency");
    assert_eq!(
        stored, "0",
        "a fast hash of the request has the passphrase in it"
    );
    let human = server.database().query_text("SELECT passphrase FROM human");
    assert!(human.starts_with("$argon2id$"), "{human}");
    let events = server.get("/api/audit?limit=1000").send().expect(200);
    for text in [answer, events.text(), server.log(), human] {
        assert!(!text.contains("horse"), "{text}");
        assert!(!text.contains(&unlocked.session), "{text}");
    }
    let wrong_type = json!({"passphrase": ["correct horse"]});
    let problem = server
        .post("/api/humans/unlock", wrong_type)
        .refused(Reason::Invalid);
    assert!(!problem.detail.contains("horse"), "{problem:?}");
}

fn a_human_of_several_is_named(server: &Server) {
    ada(server);
    let owner = server.owner();
    let session = unlock(&owner).session;
    use_session(&owner, &session, "bob").send().expect(200);
    let problem = try_unlock(&owner, PASSPHRASE).refused(Reason::Invalid);
    assert!(problem.detail.contains("several"), "{problem:?}");
    let named = json!({"name": "bob", "passphrase": PASSPHRASE});
    let unlocked: Unlocked = owner.post("/api/humans/unlock", named).ok();
    assert_eq!(unlocked.name, "bob");
}

fn humans_that_are_none_are_refused(server: &Server) {
    let owner = server.owner();
    for (name, passphrase) in [
        ("", PASSPHRASE),
        ("a/b", PASSPHRASE),
        ("agent:lead", PASSPHRASE),
        ("a\u{202e}b", PASSPHRASE),
        ("ada", "too short"),
        ("ada", &"x".repeat(513)),
    ] {
        set(&owner, name, passphrase).refused(Reason::Invalid);
    }
    let extra = json!({"name": "ada", "passphrase": PASSPHRASE, "role": "owner"});
    owner.post("/api/humans", extra).refused(Reason::Invalid);
    assert_eq!(server.get("/api/humans").ok::<Vec<Value>>().len(), 0);
}

#[test]
fn a_session_of_one_replica_is_known_to_the_other() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let first = Server::start(Engine::Postgres);
    let second = first.replica();
    ada(&first);
    let session = unlock(&first.owner()).session;
    use_session(&second.owner(), &session, "bob")
        .send()
        .expect(200);
}

fn a_server_that_only_a_repository_names_gets_no_passphrase(server: &Server) {
    let folder = server.options().scratch().join("repository");
    let local = folder.join(".coro/local");
    std::fs::create_dir_all(&local).expect("a folder");
    let named = json!({"url": server.url()}).to_string();
    std::fs::write(folder.join(".coro/cli.json"), named).expect("a file");
    // As if it were the server of whoever wrote the repository.
    let token = json!({"token": server.owner().token()}).to_string();
    std::fs::write(local.join("cli.json"), token).expect("a file");
    let user = Cli::new(&folder);
    let set = || user.on_terminal(&["humans", "set", "ada"]);
    let (code, shown) = set().end();
    assert_eq!(code, 2, "{shown}");
    let told = format!("your passphrase is not sent to {}", server.url());
    assert!(
        shown.contains(&told) && !shown.contains("New passphrase"),
        "{shown}"
    );
    assert!(shown.contains("coro-cli config trust http://"), "{shown}");

    let agent = user.clone().token("cor_of_an_agent");
    for (caller, kept_back) in [(&agent, "CORO_TOKEN"), (&user, "local/cli.json")] {
        let told = format!("{kept_back} is not sent to {}", server.url());
        let refused = caller.run(&["whoami"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(&told), "{refused:?}");
        // What sends nothing shows how things are.
        let shown = caller.run(&["config", "show"]);
        assert_eq!(shown.code, 0, "{shown:?}");
        assert!(
            shown
                .stdout
                .starts_with(&format!("url\t{}\t", server.url()))
        );
        assert!(shown.stdout.ends_with("\ntoken\t-\t-\n"), "{shown:?}");
        assert!(shown.stderr.contains(&told), "{shown:?}");
        let shown: Value =
            serde_json::from_str(&caller.ok(&["config", "show", "--json"])).expect("JSON");
        let told = (&shown["trusted"], &shown["token_from"]);
        assert_eq!(told, (&json!(false), &Value::Null));
        let url = caller.ok(&["config", "get", "url"]);
        assert_eq!(url.trim_end(), server.url());
        // It would say which page the browser shows.
        let page = caller.run(&["dashboard", "--no-open"]);
        assert_eq!((page.code, &*page.stdout), (2, ""), "{page:?}");
    }

    user.ok(&["config", "trust", &server.url()]);
    let mut terminal = set();
    terminal.expect("New passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    terminal.expect("The same again: ");
    terminal.type_line(PASSPHRASE);
    assert_eq!(terminal.end().0, 0);
}

/// In the log both would be `human:ada`.
fn a_human_and_a_token_share_no_name(server: &Server) {
    let taken = |client: Request| {
        let problem = client.refused(Reason::Conflict);
        assert!(problem.detail.contains("in the log"), "{problem:?}");
    };
    taken(set(&server.owner(), "owner", PASSPHRASE));
    server.issue(Role::Viewer, "eve");
    let tokens: Vec<Token> = server.get("/api/tokens").ok();
    let eve = tokens.iter().find(|token| token.name == "eve");
    let path = format!("/api/tokens/{}", eve.expect("it was made").id);
    server.delete(&path).send().expect(200);
    // What it did is in the log for good.
    taken(set(&server.owner(), "eve", PASSPHRASE));
    ada(server);
    for role in ["owner", "viewer"] {
        let token = json!({"name": "ada", "role": role});
        taken(server.post("/api/tokens", token));
    }
    let human = json!({"name": "ada", "role": "controller", "kind": "human"});
    taken(server.post("/api/tokens", human));
    // An agent's is `agent:ada`.
    server.issue(Role::Controller, "ada");
    let session = unlock(&server.owner()).session;
    let new = json!({"name": "ada", "passphrase": "another horse here",
        "old_passphrase": PASSPHRASE});
    server.post("/api/humans", new).send().expect(200);
    use_session(&server.owner(), &session, "bob").refused(Reason::SessionOver);
}

fn a_forgotten_passphrase_is_reset_where_the_data_is(server: &Server) {
    ada(server);
    let session = unlock(&server.owner()).session;
    let reset = ["human", "reset-passphrase", "ada"];
    let running = server.options().command(&reset);
    assert!(
        running.code == Some(1) && running.stderr.contains("stop it"),
        "{running}"
    );
    assert_eq!(server.stop().code, Some(0));
    let done = server.options().command(&reset);
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stderr.contains("coro-cli humans set"), "{done}");
    let made = done.stdout.trim_end();
    assert!(made.len() >= 40, "{done}");
    server.start_again();

    try_unlock(&server.owner(), PASSPHRASE).refused(Reason::Forbidden);
    use_session(&server.owner(), &session, "bob").refused(Reason::SessionOver);
    let humans = || -> Vec<Human> { server.get("/api/humans").ok() };
    let reset_at = humans()[0].reset_at.clone();
    assert!(reset_at.is_some());
    let entries = audit(server, "human.reset");
    let entry = &entries[0];
    assert_eq!(
        (&*entry.resource, &*entry.actor, entries.len()),
        ("ada", "system:coro", 1)
    );
    let listed = server.cli().ok(&["humans", "list"]);
    assert_eq!(
        listed.trim_end().split('\t').next_back(),
        reset_at.as_deref()
    );
    // The human takes one of their own; that it was reset stays.
    let own = json!({"name": "ada", "passphrase": PASSPHRASE, "old_passphrase": made});
    server.post("/api/humans", own).send().expect(200);
    unlock(&server.owner());
    assert_eq!(humans()[0].reset_at, reset_at);
}

fn a_reset_that_can_not_be_changes_nothing(server: &Server) {
    ada(server);
    server.other_tenant("other");
    assert_eq!(server.stop().code, Some(0));
    let reset = |more: &[&str]| {
        let line = [&["human", "reset-passphrase"], more].concat();
        let failed = server.options().command(&line);
        assert_ne!(failed.code, Some(0), "{failed}");
        assert_eq!(failed.stdout, "", "{failed}");
        failed.stderr
    };
    assert!(reset(&["ada"]).contains("--tenant"));
    assert!(reset(&["ada", "--tenant", "nobody"]).contains("no tenant \"nobody\""));
    let elsewhere = reset(&["ada", "--tenant", "other"]);
    assert!(
        elsewhere.contains("no human") || elsewhere.contains("not found"),
        "{elsewhere}"
    );
    reset(&[]);
    server.start_again();
    unlock(&server.owner());
    assert!(audit(server, "human.reset").is_empty());
}
