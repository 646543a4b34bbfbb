//! Tokens: made, shown once, listed without secrets, revoked, expired.

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::state::Deleted;
use coro_api::system::Whoami;
use coro_api::tokens::{IssuedToken, PrincipalKind, Role, Token};
use coro_tests::{Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_owners_token_is_in_the_data_folder_for_its_user_only,
    a_token_says_who_calls,
    a_token_is_shown_once_and_stored_nowhere,
    a_revoked_token_is_refused_at_once,
    an_expired_token_is_refused,
    a_token_cannot_revoke_itself,
    revoking_what_is_not_there_is_not_found,
    a_malformed_token_is_refused,
    a_malformed_new_token_is_refused,
    each_role_has_its_usual_kind,
    making_and_revoking_is_in_the_audit_without_the_secret,
    names_may_repeat_and_ids_do_not,
    tokens_survive_a_restart,
    many_failed_attempts_have_to_wait,
    names_that_could_pass_for_another_are_refused,
];

fn issue(server: &Server, body: Value) -> IssuedToken {
    server.post("/api/tokens", body).ok()
}

fn the_owners_token_is_in_the_data_folder_for_its_user_only(server: &Server) {
    let folder = server.data_dir();
    let text = std::fs::read_to_string(folder.join("owner.token")).expect("the file");
    let token = text.strip_suffix('\n').expect("one line");
    assert!(token.starts_with("cor_") && token.len() == 47, "{token:?}");
    assert_eq!(token, server.owner().token());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path| {
            std::fs::metadata(path)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode(folder.join("owner.token")), 0o600);
        assert_eq!(mode(folder), 0o700);
    }
}

fn a_token_says_who_calls(server: &Server) {
    let owner: Whoami = server.get("/api/whoami").ok();
    assert_eq!(
        (owner.name.as_str(), owner.role, owner.kind),
        ("owner", Role::Owner, PrincipalKind::Human)
    );
    assert!(owner.tenant.starts_with("solo-"), "{owner:?}");
    let body = json!({
        "name": "frontend", "role": "agent", "project": "shop",
        "key_prefixes": ["shop/api/"], "expires_in": 3600,
    });
    let issued = issue(server, body);
    let who: Whoami = server.client(&issued.token).get("/api/whoami").ok();
    assert_eq!(
        (who.name.as_str(), who.role, who.kind),
        ("frontend", Role::Agent, PrincipalKind::Agent)
    );
    assert_eq!(
        (who.project.as_deref(), &who.key_prefixes[..]),
        (Some("shop"), &["shop/api/".to_owned()][..])
    );
    assert_eq!(
        (who.expires_at, who.tenant),
        (issued.info.expires_at, owner.tenant)
    );
}

fn a_token_is_shown_once_and_stored_nowhere(server: &Server) {
    let issued = issue(server, json!({"name": "frontend", "role": "agent"}));
    assert!(issued.token.starts_with("cor_") && issued.token.len() == 47);
    let list = server.get("/api/tokens").send().expect(200);
    assert!(!list.text().contains("cor_"), "{list}");
    let tokens: Vec<Token> = list.json();
    assert_eq!(
        tokens.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["owner", "frontend"]
    );
    server.client(&issued.token).set("k", "1");
    server.stop();
    for entry in std::fs::read_dir(server.data_dir())
        .expect("a folder")
        .flatten()
    {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let found = bytes
            .windows(47)
            .any(|window| window == issued.token.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
    assert!(!server.log().contains("cor_"));
}

fn a_revoked_token_is_refused_at_once(server: &Server) {
    let issued = issue(server, json!({"name": "frontend", "role": "agent"}));
    let agent = server.client(&issued.token);
    agent.get("/api/whoami").send().expect(200);
    let path = format!("/api/tokens/{}", issued.info.id);
    assert_eq!(server.delete(&path).ok::<Deleted>().deleted, issued.info.id);
    let problem = agent.get("/api/whoami").refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("revoked"), "{}", problem.detail);
    assert_eq!(server.get("/api/tokens").ok::<Vec<Token>>().len(), 1);
    server.delete(&path).refused(Reason::NotFound);
}

fn an_expired_token_is_refused(server: &Server) {
    let agent = server.issue_with(json!({"name": "a", "role": "agent", "expires_in": 60}));
    server.advance_seconds(59);
    agent.get("/api/whoami").send().expect(200);
    server.advance_seconds(2);
    let problem = agent.get("/api/whoami").refused(Reason::Unauthenticated);
    assert!(problem.detail.contains("expired"), "{}", problem.detail);
}

/// Whoever revokes the last owner token locks everyone out.
fn a_token_cannot_revoke_itself(server: &Server) {
    let own = server.get("/api/tokens").ok::<Vec<Token>>().remove(0);
    server
        .delete(&format!("/api/tokens/{}", own.id))
        .refused(Reason::Conflict);
    let second = server.issue(Role::Owner, "second");
    second
        .delete(&format!("/api/tokens/{}", own.id))
        .send()
        .expect(200);
    server.get("/api/whoami").refused(Reason::Unauthenticated);
}

fn revoking_what_is_not_there_is_not_found(server: &Server) {
    for id in [
        "0197a3c0-0000-7000-8000-000000000000",
        "x",
        "%F0%9F%A6%80",
        "cor_abc",
    ] {
        server
            .delete(&format!("/api/tokens/{id}"))
            .refused(Reason::NotFound);
    }
}

fn a_malformed_token_is_refused(server: &Server) {
    let good = server.owner().token().to_owned();
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic b3duZXI6eA==",
        &format!("Bearer {}", &good[..46]),
        &format!("Bearer {good}x"),
        &format!("Bearer {}", good.to_uppercase()),
        &good,
    ] {
        let call = server
            .anonymous()
            .get("/api/whoami")
            .header("Authorization", value);
        let answer = call.send();
        assert_eq!(answer.the("www-authenticate"), "Bearer");
        let problem = answer.refused(Reason::Unauthenticated);
        assert!(problem.next.expect("a hint").contains("owner.token"));
        assert!(!problem.detail.contains("cor_"), "{}", problem.detail);
    }
    let scheme = server.anonymous().get("/api/whoami");
    scheme
        .header("Authorization", &format!("bearer {good}"))
        .send()
        .expect(200);
}

fn a_malformed_new_token_is_refused(server: &Server) {
    for body in [
        json!({"name": "a"}),
        json!({"role": "agent"}),
        json!({"name": "", "role": "agent"}),
        json!({"name": "a/b", "role": "agent"}),
        json!({"name": "a\nb", "role": "agent"}),
        json!({"name": "a", "role": "king"}),
        json!({"name": "a", "role": "agent", "expires_in": 0}),
        json!({"name": "a", "role": "agent", "expires_in": -1}),
        json!({"name": "a", "role": "agent", "expires_in": i64::MAX}),
        json!({"name": "a", "role": "agent", "project": ""}),
        json!({"name": "a", "role": "agent", "project": "shop", "key_prefixes": ["other/"]}),
        json!({"name": "a", "role": "owner", "project": "shop"}),
        json!({"name": "a", "role": "agent", "admin": true}),
    ] {
        server.post("/api/tokens", body).refused(Reason::Invalid);
    }
    assert_eq!(server.get("/api/tokens").ok::<Vec<Token>>().len(), 1);
}

fn each_role_has_its_usual_kind(server: &Server) {
    for role in Role::ALL {
        let issued = issue(server, json!({"name": role.word(), "role": role}));
        assert_eq!(issued.info.kind, role.usual_kind());
    }
    let issued = issue(
        server,
        json!({"name": "ci", "role": "agent", "kind": "service"}),
    );
    assert_eq!(
        server.client(&issued.token).set("k", "1").updated_by,
        "service:ci"
    );
}

fn making_and_revoking_is_in_the_audit_without_the_secret(server: &Server) {
    let issued = issue(server, json!({"name": "frontend", "role": "agent"}));
    server
        .delete(&format!("/api/tokens/{}", issued.info.id))
        .send()
        .expect(200);
    let answer = server
        .get("/api/audit?action=token.*&limit=2")
        .send()
        .expect(200);
    assert!(!answer.text().contains("cor_"), "{answer}");
    let entries: Vec<AuditEntry> = answer.json();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["token.revoked", "token.created"]);
    assert!(entries.iter().all(|entry| entry.resource == issued.info.id));
    assert!(entries[1].detail.contains("frontend"), "{entries:?}");
}

fn names_may_repeat_and_ids_do_not(server: &Server) {
    let first = issue(server, json!({"name": "a", "role": "agent"}));
    let second = issue(server, json!({"name": "a", "role": "agent"}));
    assert_ne!(first.info.id, second.info.id);
    assert_ne!(first.token, second.token);
}

fn tokens_survive_a_restart(server: &Server) {
    let issued = issue(server, json!({"name": "a", "role": "agent"}));
    let owner = server.owner().token().to_owned();
    server.restart();
    server
        .client(&issued.token)
        .get("/api/whoami")
        .send()
        .expect(200);
    server.client(&owner).get("/api/whoami").send().expect(200);
}

fn many_failed_attempts_have_to_wait(server: &Server) {
    let guess = || server.client("cor_guess").get("/api/whoami").send();
    let refused = (0..200)
        .map(|_| guess())
        .find(|answer| answer.status != 401);
    let refused = refused.expect("a limit");
    assert!(refused.the("retry-after").parse::<u64>().expect("seconds") > 0);
    refused.refused(Reason::RateLimited);
    server.get("/api/whoami").send().expect(200);
    server.advance_seconds(120);
    guess().refused(Reason::Unauthenticated);
}

fn names_that_could_pass_for_another_are_refused(server: &Server) {
    let new = |name: &str, project: &str| {
        let token = json!({"name": name, "role": "agent", "project": project});
        server.post("/api/tokens", token)
    };
    // Events of the server have the source "coro".
    new("coro", "shop").refused(Reason::Invalid);
    // A topic's project ends at its first dot.
    new("agent", "my.shop").refused(Reason::Invalid);
    new("agent", "shop").send().expect(200);
}
