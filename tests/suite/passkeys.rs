//! Passkeys: made and used on the dashboard's page by a human who was
//! verified, and by nobody else. The authenticator is the kit's own, which
//! signs what no honest one would.

use std::net::TcpListener;

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::dashboard::DashboardSession;
use coro_api::humans::{AddedPasskey, Human, PasskeyOptions, Unlocked};
use coro_api::tokens::Role;
use coro_tests::{
    Authenticator, Cli, DashboardClient, Engine, Options, Request, Server, each_engine,
};
use serde_json::{Value, json};

each_engine![
    the_first_human_is_made_with_a_passkey_and_has_unlocked,
    a_passkey_unlocks_as_a_passphrase_does,
    a_touch_alone_is_refused,
    a_challenge_is_good_once,
    a_challenge_is_over_after_two_minutes,
    a_challenge_belongs_to_a_session_and_a_purpose,
    a_challenge_survives_a_restart,
    a_page_of_another_origin_unlocks_nothing,
    a_counter_that_does_not_grow_is_refused,
    the_owners_token_adds_no_passkey_to_a_human,
    a_human_adds_their_own_only,
    a_passkey_is_one_humans,
    the_last_way_to_unlock_stays,
    a_removed_passkey_takes_the_sessions_with_it,
    a_human_with_passkeys_only_can_set_a_passphrase,
    a_terminal_says_what_to_do_instead,
    wrong_passkeys_have_to_wait,
    what_is_no_credential_is_refused,
    passkeys_of_a_human_are_bounded,
    what_is_done_with_passkeys_is_in_the_audit,
    passkeys_belong_to_the_page,
    an_address_has_no_passkeys,
    passkeys_of_another_host_are_named,
    localhost_is_both_loopback_addresses,
];

const PASSPHRASE: &str = "correct horse battery";
const OPTIONS: &str = "/api/humans/passkeys/options";
const UNLOCK: &str = "/api/humans/unlock/passkey";

/// A server, its page as the owner, and what the human has.
struct Desk {
    server: Server,
    page: DashboardClient,
    laptop: Authenticator,
}

fn desk(engine: Engine) -> Desk {
    let server = Options::new(engine).start_with_named_dashboard();
    let page = server.page();
    let laptop = Authenticator::new("laptop", &server.dashboard_url());
    Desk {
        server,
        page,
        laptop,
    }
}

/// As [`desk`], where ada has made herself with the laptop.
fn desk_of_ada(engine: Engine) -> Desk {
    let desk = desk(engine);
    add(&desk.page, "ada", &desk.laptop, None).ok::<AddedPasskey>();
    desk
}

fn post(page: &DashboardClient, path: &str, body: &Value, session: Option<&str>) -> Request {
    let request = page.request("POST", path).json(body);
    match session {
        Some(session) => request.header("Coro-Human", session),
        None => request,
    }
}

fn begin_add(page: &DashboardClient, human: &str, session: Option<&str>) -> Request {
    post(page, OPTIONS, &json!({ "human": human }), session)
}

fn send_made(page: &DashboardClient, credential: &Value, session: Option<&str>) -> Request {
    let new = json!({"name": "laptop", "credential": credential});
    post(page, "/api/humans/passkeys", &new, session)
}

/// Makes a passkey; its last step is not sent yet.
#[track_caller]
fn add(
    page: &DashboardClient,
    human: &str,
    with: &Authenticator,
    session: Option<&str>,
) -> Request {
    let asked: PasskeyOptions = begin_add(page, human, session).ok();
    send_made(page, &with.make(&asked), session)
}

fn begin_unlock(page: &DashboardClient) -> Request {
    post(page, "/api/humans/unlock/options", &json!({}), None)
}

fn send_signed(page: &DashboardClient, credential: &Value) -> Request {
    post(page, UNLOCK, &json!({ "credential": credential }), None)
}

/// Unlocks; the last step is not sent yet.
#[track_caller]
fn unlock(page: &DashboardClient, with: &Authenticator) -> Request {
    let asked: PasskeyOptions = begin_unlock(page).ok();
    send_signed(page, &with.sign(&asked))
}

fn unlock_with_passphrase(server: &Server) -> Request {
    server.post("/api/humans/unlock", json!({ "passphrase": PASSPHRASE }))
}

fn humans(server: &Server) -> Vec<Human> {
    server.get("/api/humans").ok()
}

fn the_first_human_is_made_with_a_passkey_and_has_unlocked(engine: Engine) {
    let desk = desk(engine);
    let session: DashboardSession = desk.page.get("/session").ok();
    assert_eq!(session.passkeys_at, Some(desk.server.dashboard_url()));
    let added: AddedPasskey = add(&desk.page, "ada", &desk.laptop, None).ok();
    assert!(!added.human.has_passphrase, "{:?}", added.human);
    assert_eq!(added.human.passkeys[0].relying_party, "localhost");
    assert_eq!(humans(&desk.server), [added.human]);
    let session = added
        .unlocked
        .expect("whoever made it was verified")
        .session;
    let phone = Authenticator::new("phone", &desk.laptop.origin);
    let added: AddedPasskey = add(&desk.page, "ada", &phone, Some(&session)).ok();
    assert_eq!((added.human.passkeys.len(), added.unlocked), (2, None));
}

fn a_passkey_unlocks_as_a_passphrase_does(engine: Engine) {
    let desk = desk_of_ada(engine);
    assert_eq!(humans(&desk.server)[0].passkeys[0].last_used_at, None);
    let unlocked: Unlocked = unlock(&desk.page, &desk.laptop).ok();
    assert_eq!(unlocked.name, "ada");
    let request = json!({"title": "Allow force-push", "kind": "rule"});
    let asked: Value = desk
        .server
        .agent("frontend")
        .post("/api/requests", request)
        .ok();
    let path = format!(
        "/api/requests/{}/decide",
        asked["number"].as_str().expect("a number")
    );
    let decision = json!({"option": "yes", "digest": asked["digest"]});
    post(&desk.page, &path, &decision, None).refused(Reason::Forbidden);
    let decided: Value = post(&desk.page, &path, &decision, Some(&unlocked.session)).ok();
    assert_eq!(decided["decided_by"], "human:ada");
    assert!(humans(&desk.server)[0].passkeys[0].last_used_at.is_some());
}

fn a_touch_alone_is_refused(engine: Engine) {
    let desk = desk(engine);
    let mut touched = desk.laptop.clone();
    touched.verifies = false;
    add(&desk.page, "ada", &touched, None).refused(Reason::Forbidden);
    assert_eq!(humans(&desk.server), []);
    add(&desk.page, "ada", &desk.laptop, None).ok::<Value>();
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    assert_eq!(asked.options["userVerification"], "required");
    let problem = send_signed(&desk.page, &touched.sign(&asked)).refused(Reason::Forbidden);
    assert!(problem.detail.contains("verified"), "{problem:?}");
}

fn a_challenge_is_good_once(engine: Engine) {
    let desk = desk(engine);
    let asked: PasskeyOptions = begin_add(&desk.page, "ada", None).ok();
    let made = desk.laptop.make(&asked);
    let added: AddedPasskey = send_made(&desk.page, &made, None).ok();
    let session = added.unlocked.expect("a session").session;
    send_made(&desk.page, &made, Some(&session)).refused(Reason::Forbidden);
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    let signed = desk.laptop.sign(&asked);
    send_signed(&desk.page, &signed).ok::<Unlocked>();
    let problem = send_signed(&desk.page, &signed).refused(Reason::Forbidden);
    assert!(problem.detail.contains("it was used"), "{problem:?}");
    // A wrong answer uses it up too, and a new challenge has another answer.
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    send_signed(&desk.page, &signed).refused(Reason::Forbidden);
    send_signed(&desk.page, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
}

fn a_challenge_is_over_after_two_minutes(engine: Engine) {
    let desk = desk_of_ada(engine);
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    desk.server.advance_seconds(119);
    send_signed(&desk.page, &desk.laptop.sign(&asked)).ok::<Unlocked>();
    for sweeps in [false, true] {
        let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
        desk.server.advance_seconds(120);
        if sweeps {
            desk.server.sweep();
            let left = desk
                .server
                .database()
                .query_text("SELECT CAST(count(*) AS TEXT) FROM passkey_challenge");
            assert_eq!(left, "0");
        }
        send_signed(&desk.page, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
    }
}

fn a_challenge_belongs_to_a_session_and_a_purpose(engine: Engine) {
    let desk = desk_of_ada(engine);
    let same_token = desk.server.page();
    let other_token = desk.server.issue(Role::Owner, "another");
    let other_token = desk.server.page_of(&other_token);
    for stranger in [&same_token, &other_token] {
        let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
        send_signed(stranger, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
        begin_unlock(stranger).ok::<Value>();
        send_signed(stranger, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
        // What strangers try uses up none of ours.
        send_signed(&desk.page, &desk.laptop.sign(&asked)).ok::<Unlocked>();
    }
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let asked: PasskeyOptions = begin_add(&desk.page, "ada", Some(&session)).ok();
    send_signed(&desk.page, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
    let theirs = desk.server.other_tenant("other");
    let theirs = desk.server.page_of(&theirs);
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    send_signed(&theirs, &desk.laptop.sign(&asked)).refused(Reason::Forbidden);
    begin_unlock(&theirs).refused(Reason::Conflict);
}

fn a_challenge_survives_a_restart(engine: Engine) {
    let desk = desk_of_ada(engine);
    let asked: PasskeyOptions = begin_unlock(&desk.page).ok();
    desk.server.restart();
    send_signed(&desk.page, &desk.laptop.sign(&asked)).ok::<Unlocked>();
}

/// Another program of this machine shows a page on another port of localhost,
/// and asks the browser for the same relying party.
fn a_page_of_another_origin_unlocks_nothing(engine: Engine) {
    let desk = desk_of_ada(engine);
    let phishing = [
        "http://localhost:1",
        "http://127.0.0.1:1",
        "https://localhost",
    ];
    for (origin, party) in phishing
        .map(|origin| (origin, "localhost"))
        .into_iter()
        .chain([(desk.laptop.origin.as_str(), "example.com")])
    {
        let mut there = desk.laptop.clone();
        there.origin = origin.to_owned();
        there.relying_party = party.to_owned();
        unlock(&desk.page, &there).refused(Reason::Forbidden);
    }
    let stranger = Authenticator::new("stranger", &desk.laptop.origin);
    unlock(&desk.page, &stranger).refused(Reason::Forbidden);
    desk.server.advance_seconds(301);
    unlock(&desk.page, &desk.laptop).ok::<Unlocked>();
}

fn a_counter_that_does_not_grow_is_refused(engine: Engine) {
    let mut desk = desk_of_ada(engine);
    for (counter, is_good) in [
        (1, true),
        (2, true),
        (2, false),
        (1, false),
        (0, false),
        (3, true),
    ] {
        desk.laptop.counter = counter;
        let answer = unlock(&desk.page, &desk.laptop).send();
        assert_eq!(answer.status == 200, is_good, "{counter}: {answer}");
    }
}

/// The attack: a process of the same user has the owner's token, signs in to a
/// page of its own and has an authenticator.
fn the_owners_token_adds_no_passkey_to_a_human(engine: Engine) {
    for by_passphrase in [true, false] {
        let desk = desk(engine);
        let attacker = Authenticator::new("attacker", &desk.laptop.origin);
        // It has begun before there was a human.
        let early_page = desk.server.page();
        let early: PasskeyOptions = begin_add(&early_page, "ada", None).ok();
        match by_passphrase {
            true => {
                let ada = json!({"name": "ada", "passphrase": PASSPHRASE});
                desk.server.post("/api/humans", ada).ok::<Human>();
            }
            false => drop(add(&desk.page, "ada", &desk.laptop, None).ok::<Value>()),
        }
        let page = desk.server.page();
        for name in ["ada", "eve"] {
            begin_add(&page, name, None).refused(Reason::Forbidden);
            begin_add(&page, name, Some("corh_made_up")).refused(Reason::SessionOver);
        }
        send_made(&early_page, &attacker.make(&early), None).refused(Reason::Forbidden);
        let removal = format!("/api/humans/passkeys/{}", "0".repeat(64));
        page.request("DELETE", &removal).refused(Reason::Forbidden);
        let known = &humans(&desk.server)[0];
        assert_eq!(known.passkeys.len(), usize::from(!by_passphrase));
        let refused: Vec<AuditEntry> = desk.server.get("/api/audit?action=human.refused").ok();
        assert_eq!(refused.len(), 6, "{refused:?}");
        let whose: Vec<&str> = refused.iter().map(|one| one.resource.as_str()).collect();
        assert_eq!(whose, ["", "ada", "eve", "eve", "ada", "ada"]);
    }
}

fn a_human_adds_their_own_only(engine: Engine) {
    let desk = desk_of_ada(engine);
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let bob = json!({"name": "bob", "passphrase": PASSPHRASE});
    post(&desk.page, "/api/humans", &bob, Some(&session)).ok::<Human>();
    for name in ["bob", "eve"] {
        begin_add(&desk.page, name, Some(&session)).refused(Reason::Forbidden);
    }
    // A session of bob's does not finish what ada has begun.
    let by_name = json!({"name": "bob", "passphrase": PASSPHRASE});
    let bobs: Unlocked = post(&desk.page, "/api/humans/unlock", &by_name, None).ok();
    let asked: PasskeyOptions = begin_add(&desk.page, "ada", Some(&session)).ok();
    let phone = Authenticator::new("phone", &desk.laptop.origin);
    send_made(&desk.page, &phone.make(&asked), Some(&bobs.session)).refused(Reason::Forbidden);
    let id = &humans(&desk.server)[0].passkeys[0].id;
    let removal = desk
        .page
        .request("DELETE", &format!("/api/humans/passkeys/{id}"));
    removal
        .header("Coro-Human", &bobs.session)
        .refused(Reason::Forbidden);
    add(&desk.page, "bob", &phone, Some(&bobs.session)).ok::<AddedPasskey>();
}

fn a_passkey_is_one_humans(engine: Engine) {
    let desk = desk_of_ada(engine);
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    add(&desk.page, "ada", &desk.laptop, Some(&session)).refused(Reason::Conflict);
    let bob = json!({"name": "bob", "passphrase": PASSPHRASE});
    post(&desk.page, "/api/humans", &bob, Some(&session)).ok::<Human>();
    let bobs = json!({"name": "bob", "passphrase": PASSPHRASE});
    let bobs: Unlocked = post(&desk.page, "/api/humans/unlock", &bobs, None).ok();
    let phone = Authenticator::new("phone", &desk.laptop.origin);
    add(&desk.page, "bob", &phone, Some(&bobs.session)).ok::<AddedPasskey>();
    // Bob's passkey signs a challenge for ada.
    let begin = |name: &str| {
        post(
            &desk.page,
            "/api/humans/unlock/options",
            &json!({ "name": name }),
            None,
        )
    };
    let asked: PasskeyOptions = begin("ada").ok();
    send_signed(&desk.page, &phone.sign(&asked)).refused(Reason::Forbidden);
    let asked: PasskeyOptions = begin("bob").ok();
    assert_eq!(
        asked.options["allowCredentials"].as_array().map(Vec::len),
        Some(1)
    );
    let unlocked: Unlocked = send_signed(&desk.page, &phone.sign(&asked)).ok();
    assert_eq!(unlocked.name, "bob");
}

fn the_last_way_to_unlock_stays(engine: Engine) {
    let desk = desk_of_ada(engine);
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let id = humans(&desk.server)[0].passkeys[0].id.clone();
    let remove = |session: &str| {
        let request = desk
            .page
            .request("DELETE", &format!("/api/humans/passkeys/{id}"));
        request.header("Coro-Human", session)
    };
    let problem = remove(&session).refused(Reason::Conflict);
    assert!(problem.next.expect("a hint").contains("passphrase"));
    let set = json!({"name": "ada", "passphrase": PASSPHRASE});
    post(&desk.page, "/api/humans", &set, Some(&session)).ok::<Human>();
    let session = unlock_on(&desk.page).session;
    let human: Human = remove(&session).ok();
    assert_eq!((human.passkeys.len(), human.has_passphrase), (0, true));
    remove(&session).refused(Reason::NotFound);
    begin_unlock(&desk.page).refused(Reason::Conflict);
}

fn unlock_on(page: &DashboardClient) -> Unlocked {
    let passphrase = json!({ "passphrase": PASSPHRASE });
    post(page, "/api/humans/unlock", &passphrase, None).ok()
}

fn a_removed_passkey_takes_the_sessions_with_it(engine: Engine) {
    let desk = desk_of_ada(engine);
    let thiefs = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let phone = Authenticator::new("phone", &desk.laptop.origin);
    let added: AddedPasskey = add(&desk.page, "ada", &phone, Some(&session)).ok();
    let id = &added.human.passkeys[0].id;
    let removal = desk
        .page
        .request("DELETE", &format!("/api/humans/passkeys/{id}"));
    removal.header("Coro-Human", &session).ok::<Human>();
    begin_add(&desk.page, "ada", Some(&thiefs)).refused(Reason::SessionOver);
    begin_add(&desk.page, "ada", Some(&session)).ok::<Value>();
    unlock(&desk.page, &desk.laptop).refused(Reason::Forbidden);
    unlock(&desk.page, &phone).ok::<Unlocked>();
}

fn a_human_with_passkeys_only_can_set_a_passphrase(engine: Engine) {
    let desk = desk_of_ada(engine);
    let problem = unlock_with_passphrase(&desk.server).refused(Reason::Conflict);
    assert!(problem.detail.contains("no passphrase"), "{problem:?}");
    let set = json!({"name": "ada", "passphrase": PASSPHRASE});
    desk.server
        .post("/api/humans", set.clone())
        .refused(Reason::Forbidden);
    let with_old = json!({"name": "ada", "passphrase": PASSPHRASE, "old_passphrase": ""});
    desk.server
        .post("/api/humans", with_old)
        .refused(Reason::Conflict);
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    let human: Human = post(&desk.page, "/api/humans", &set, Some(&session)).ok();
    assert_eq!((human.has_passphrase, human.passkeys.len()), (true, 1));
    unlock_with_passphrase(&desk.server).ok::<Unlocked>();
    unlock(&desk.page, &desk.laptop).ok::<Unlocked>();
}

fn a_terminal_says_what_to_do_instead(engine: Engine) {
    let desk = desk_of_ada(engine);
    let rule = json!({"title": "Allow force-push", "kind": "rule"});
    desk.server.post("/api/requests", rule).ok::<Value>();
    let user = Cli::new(desk.server.options().scratch()).data_dir(&desk.server.data_dir());
    for command in [&["yes", "R-1"][..], &["humans", "set", "ada"]] {
        let (code, shown) = user.on_terminal(command).end();
        assert_eq!(code, 4, "{shown}");
        assert!(shown.contains("no passphrase"), "{shown}");
        assert!(shown.contains("coro-cli dashboard"), "{shown}");
    }
}

fn wrong_passkeys_have_to_wait(engine: Engine) {
    let desk = desk_of_ada(engine);
    let stranger = Authenticator::new("stranger", &desk.laptop.origin);
    for _ in 0..5 {
        unlock(&desk.page, &stranger).refused(Reason::Forbidden);
    }
    unlock(&desk.page, &desk.laptop).refused(Reason::RateLimited);
    desk.server.advance_seconds(301);
    unlock(&desk.page, &desk.laptop).ok::<Unlocked>();
}

fn what_is_no_credential_is_refused(engine: Engine) {
    let desk = desk_of_ada(engine);
    let large = json!({"id": "x".repeat(20_000)});
    for credential in [json!({}), json!(null), json!([1]), large] {
        begin_unlock(&desk.page).ok::<Value>();
        send_signed(&desk.page, &credential).refused(Reason::Invalid);
    }
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    begin_add(&desk.page, "ada", Some(&session)).ok::<Value>();
    send_made(&desk.page, &json!({}), Some(&session)).refused(Reason::Invalid);
    let phone = Authenticator::new("phone", &desk.laptop.origin);
    let asked: PasskeyOptions = begin_add(&desk.page, "ada", Some(&session)).ok();
    let nameless = json!({"name": "", "credential": phone.make(&asked)});
    post(
        &desk.page,
        "/api/humans/passkeys",
        &nameless,
        Some(&session),
    )
    .refused(Reason::Invalid);
    for name in ["", "a:b", "a/b", "a\u{202e}b"] {
        begin_add(&desk.page, name, Some(&session)).refused(Reason::Invalid);
    }
}

fn passkeys_of_a_human_are_bounded(engine: Engine) {
    let desk = desk_of_ada(engine);
    let session = unlock(&desk.page, &desk.laptop).ok::<Unlocked>().session;
    for number in 1..16 {
        let more = Authenticator::new(&number.to_string(), &desk.laptop.origin);
        add(&desk.page, "ada", &more, Some(&session)).ok::<Value>();
    }
    let problem = begin_add(&desk.page, "ada", Some(&session)).refused(Reason::Conflict);
    assert!(problem.detail.contains("16"), "{problem:?}");
}

fn what_is_done_with_passkeys_is_in_the_audit(engine: Engine) {
    let desk = desk_of_ada(engine);
    let mut touched = desk.laptop.clone();
    touched.verifies = false;
    unlock(&desk.page, &touched).refused(Reason::Forbidden);
    unlock(&desk.page, &desk.laptop).ok::<Unlocked>();
    let entries: Vec<AuditEntry> = desk.server.get("/api/audit?action=human.*").ok();
    let seen: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "human.unlocked",
        "human.refused",
        "human.unlocked",
        "human.passkey_added",
    ];
    assert_eq!(seen, expected);
    assert_eq!(entries[1].resource, "ada", "who was tried is known");
    let note = serde_json::to_string(&entries[0]).expect("JSON");
    assert!(
        note.contains("passkey") && note.contains("laptop"),
        "{note}"
    );
    let agent = desk.server.agent("curious");
    let history = agent.get("/api/events/history").send().expect(200);
    assert!(!history.text().contains("coro.human"), "{history}");
}

fn passkeys_belong_to_the_page(engine: Engine) {
    let desk = desk_of_ada(engine);
    let owner = desk.server.owner();
    let calls = [
        owner.post(OPTIONS, json!({"human": "ada"})),
        owner.post(
            "/api/humans/passkeys",
            json!({"name": "a", "credential": {}}),
        ),
        owner.delete("/api/humans/passkeys/a"),
        owner.post("/api/humans/unlock/options", json!({})),
        owner.post(UNLOCK, json!({"credential": {}})),
    ];
    for call in calls {
        let problem = call.refused(Reason::Conflict);
        assert!(problem.next.expect("a hint").contains("coro-cli dashboard"));
    }
}

fn an_address_has_no_passkeys(engine: Engine) {
    let server = Options::new(engine).with_dashboard().start();
    let page = server.page();
    let session: DashboardSession = page.get("/session").ok();
    assert_eq!(session.passkeys_at, None);
    let problem = begin_add(&page, "ada", None).refused(Reason::Conflict);
    let hint = problem.next.expect("a hint");
    assert!(hint.contains("--dashboard-url http://localhost"), "{hint}");
}

/// It was told to use a passphrase, which it did not have.
fn passkeys_of_another_host_are_named(engine: Engine) {
    let (server, address) = Options::new(engine).config("").start_with_fixed_dashboard();
    let port = address.rsplit(':').next().expect("a port");
    let restart_as = |host: &str| {
        let url = format!("http://{host}:{port}");
        let file = server.options().scratch().join("config.toml");
        std::fs::write(file, format!("dashboard_url = \"{url}\"\n")).expect("it is written");
        server.restart();
        url
    };
    let laptop = Authenticator::new("laptop", &restart_as("localhost"));
    let page = server.page();
    add(&page, "ada", &laptop, None).ok::<AddedPasskey>();
    restart_as("board.localhost");
    let hint = || {
        let problem = begin_unlock(&page).refused(Reason::Conflict);
        problem.next.expect("a hint")
    };
    let named = hint();
    assert!(named.contains("made for (localhost)"), "{named}");
    assert!(named.contains("human reset-passphrase ada"), "{named}");
    server.stop();
    let reset = server
        .options()
        .command(&["human", "reset-passphrase", "ada"]);
    assert_eq!(reset.code, Some(0), "{reset}");
    server.start_again();
    assert_eq!(hint(), "unlock with the passphrase");
}

fn localhost_is_both_loopback_addresses(engine: Engine) {
    let Ok(other) = TcpListener::bind("[::1]:0") else {
        return;
    };
    let port = other.local_addr().expect("it is bound").port();
    let options = Options::new(engine)
        .arg("--dashboard-bind")
        .arg(&format!("127.0.0.1:{port}"))
        .arg("--dashboard-url")
        .arg(&format!("http://localhost:{port}"));
    let failed = options.clone().fail();
    assert!(failed.stderr.contains(&format!("[::1]:{port}")), "{failed}");
    drop(other);
    let server = options.start();
    let page = server.page().at(&format!("http://[::1]:{port}"));
    page.get("/session").ok::<DashboardSession>();
}
