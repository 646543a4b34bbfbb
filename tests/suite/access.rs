//! Who may do what: every operation of the API against no token, each role,
//! another project, another prefix and another tenant.
//!
//! A new operation needs a row here: the table is compared with the OpenAPI
//! document.

use std::collections::BTreeSet;

use coro_api::Reason;
use coro_api::tokens::Role;
use coro_tests::{Client, Request, Response, Server, both_engines};
use serde_json::{Value, json};

both_engines![
    the_table_has_every_operation_of_the_document,
    without_a_token_only_public_operations_answer,
    each_role_may_do_what_its_row_says,
    a_refused_operation_changes_nothing,
    a_token_of_a_project_touches_nothing_else,
    a_token_of_a_project_sees_nothing_else,
    a_token_of_key_prefixes_touches_no_other_key,
    things_of_another_tenant_do_not_exist,
    tenants_share_no_revision_and_no_stream,
    refused_attempts_at_protected_things_are_in_the_audit,
];

/// What an operation asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    AnyToken,
    Read,
    Write,
    /// To see figures of the whole process.
    Figures,
    Audit,
    /// To lead a project.
    Lead,
    Register,
    Admin,
}

use Needs::{Admin, AnyToken, Audit, Figures, Lead, Nothing, Read, Register, Write};

impl Needs {
    fn allows(self, role: Role) -> bool {
        match self {
            Nothing | AnyToken => true,
            Read => role != Role::Enrol,
            Write => !matches!(role, Role::Enrol | Role::Viewer),
            Figures => matches!(role, Role::Owner | Role::Controller | Role::Viewer),
            Audit | Lead => matches!(role, Role::Owner | Role::Controller),
            Register => role != Role::Viewer,
            Admin => role == Role::Owner,
        }
    }
}

/// Method and path as the document has them, a call of it (path, body), and
/// what it needs.
type Row = (&'static str, &'static str, Needs);

const TABLE: &[Row] = &[
    ("GET /health", "/health", Nothing),
    ("GET /ready", "/ready", Nothing),
    ("GET /metrics", "/metrics", Figures),
    ("GET /api/whoami", "/api/whoami", AnyToken),
    ("GET /api/overview", "/api/overview", Read),
    ("GET /api/metrics", "/api/metrics", Read),
    ("POST /api/metrics/reset", "/api/metrics/reset", Admin),
    ("GET /api/settings", "/api/settings", Read),
    ("GET /api/clients", "/api/clients", Read),
    ("GET /api/state", "/api/state", Read),
    ("GET /api/state/{key}", "/api/state/shop/plan", Read),
    ("PUT /api/state/{key}", "/api/state/shop/new", Write),
    ("PATCH /api/state/{key}", "/api/state/shop/plan", Write),
    (
        "POST /api/state/{key}",
        "/api/state/shop/plan?rollback=1",
        Write,
    ),
    ("DELETE /api/state/{key}", "/api/state/shop/nothing", Write),
    ("POST /api/txn", "/api/txn", Write),
    ("POST /api/events/publish", "/api/events/publish", Write),
    ("GET /api/events/history", "/api/events/history", Read),
    ("GET /api/events", "/api/events", Read),
    ("GET /api/events/subscribe", "/api/events/subscribe", Read),
    ("POST /api/consumers", "/api/consumers", Read),
    ("GET /api/consumers", "/api/consumers", Read),
    ("GET /api/consumers/{name}", "/api/consumers/nothing", Read),
    (
        "GET /api/consumers/{name}/events",
        "/api/consumers/nothing/events",
        Read,
    ),
    (
        "POST /api/consumers/{name}/ack",
        "/api/consumers/nothing/ack",
        Read,
    ),
    (
        "DELETE /api/consumers/{name}",
        "/api/consumers/nothing",
        Read,
    ),
    ("GET /api/instances", "/api/instances", Read),
    ("GET /api/instances/stale", "/api/instances/stale", Read),
    (
        "POST /api/instances/register",
        "/api/instances/register",
        Register,
    ),
    ("GET /api/instances/{id}", "/api/instances/nothing", Read),
    (
        "DELETE /api/instances/{id}",
        "/api/instances/nothing",
        Write,
    ),
    (
        "POST /api/instances/{id}/activate",
        "/api/instances/nothing/activate",
        Write,
    ),
    (
        "POST /api/instances/{id}/heartbeat",
        "/api/instances/nothing/heartbeat",
        Write,
    ),
    (
        "POST /api/instances/{id}/intent",
        "/api/instances/nothing/intent",
        Write,
    ),
    (
        "POST /api/instances/{id}/capabilities",
        "/api/instances/nothing/capabilities",
        Write,
    ),
    ("POST /api/hook", "/api/hook", Write),
    ("GET /api/leases", "/api/leases", Read),
    ("POST /api/leases", "/api/leases", Write),
    ("POST /api/leases/check", "/api/leases/check", Read),
    ("GET /api/leases/{id}", "/api/leases/L-9", Read),
    ("DELETE /api/leases/{id}", "/api/leases/L-9", Write),
    (
        "POST /api/leases/{id}/renew",
        "/api/leases/L-9/renew",
        Write,
    ),
    ("GET /api/tasks", "/api/tasks", Read),
    ("POST /api/tasks", "/api/tasks", Write),
    ("POST /api/tasks/bulk", "/api/tasks/bulk", Write),
    ("POST /api/tasks/next", "/api/tasks/next", Write),
    ("POST /api/tasks/close", "/api/tasks/close", Write),
    ("GET /api/tasks/graph", "/api/tasks/graph", Read),
    ("GET /api/tasks/{id}", "/api/tasks/T-999", Read),
    ("PATCH /api/tasks/{id}", "/api/tasks/T-999", Write),
    ("GET /api/tasks/{id}/why", "/api/tasks/T-999/why", Read),
    (
        "POST /api/tasks/{id}/claim",
        "/api/tasks/T-999/claim",
        Write,
    ),
    ("POST /api/tasks/{id}/done", "/api/tasks/T-999/done", Write),
    ("POST /api/tasks/{id}/fail", "/api/tasks/T-999/fail", Write),
    (
        "POST /api/tasks/{id}/release",
        "/api/tasks/T-999/release",
        Write,
    ),
    ("POST /api/tasks/{id}/note", "/api/tasks/T-999/note", Write),
    (
        "POST /api/tasks/{id}/cancel",
        "/api/tasks/T-999/cancel",
        Write,
    ),
    (
        "POST /api/tasks/{id}/reopen",
        "/api/tasks/T-999/reopen",
        Write,
    ),
    ("GET /api/messages", "/api/messages", Read),
    ("POST /api/messages", "/api/messages", Write),
    ("GET /api/messages/{number}", "/api/messages/M-9", Read),
    (
        "POST /api/messages/{number}/ack",
        "/api/messages/M-9/ack",
        Write,
    ),
    (
        "POST /api/messages/{number}/reply",
        "/api/messages/M-9/reply",
        Write,
    ),
    (
        "POST /api/messages/{number}/answer",
        "/api/messages/M-9/answer",
        Write,
    ),
    ("POST /api/asks", "/api/asks", Write),
    ("GET /api/inbox", "/api/inbox", Read),
    ("GET /api/pauses", "/api/pauses", Read),
    ("POST /api/pauses", "/api/pauses", Lead),
    ("DELETE /api/pauses", "/api/pauses", Lead),
    ("GET /api/requests", "/api/requests", Read),
    ("POST /api/requests", "/api/requests", Write),
    ("GET /api/requests/policies", "/api/requests/policies", Read),
    ("PUT /api/requests/policies", "/api/requests/policies", Lead),
    ("GET /api/requests/{number}", "/api/requests/R-999", Read),
    (
        "POST /api/requests/{number}/decide",
        "/api/requests/R-999/decide",
        Lead,
    ),
    (
        "POST /api/requests/{number}/withdraw",
        "/api/requests/R-999/withdraw",
        Write,
    ),
    ("GET /api/humans", "/api/humans", Read),
    ("POST /api/humans", "/api/humans", Admin),
    // The controller's token here is of kind agent, and no person's.
    ("POST /api/humans/unlock", "/api/humans/unlock", Admin),
    (
        "POST /api/humans/passkeys/options",
        "/api/humans/passkeys/options",
        Admin,
    ),
    ("POST /api/humans/passkeys", "/api/humans/passkeys", Admin),
    (
        "DELETE /api/humans/passkeys/{id}",
        "/api/humans/passkeys/nothing",
        Admin,
    ),
    (
        "POST /api/humans/unlock/options",
        "/api/humans/unlock/options",
        Admin,
    ),
    (
        "POST /api/humans/unlock/passkey",
        "/api/humans/unlock/passkey",
        Admin,
    ),
    ("DELETE /api/humans/session", "/api/humans/session", Lead),
    ("POST /api/liveness/check", "/api/liveness/check", Write),
    ("POST /api/tokens", "/api/tokens", Admin),
    ("GET /api/tokens", "/api/tokens", Admin),
    ("DELETE /api/tokens/{id}", "/api/tokens/nothing", Admin),
    ("GET /api/audit", "/api/audit", Audit),
    ("POST /api/dashboard/codes", "/api/dashboard/codes", Lead),
    (
        "DELETE /api/dashboard/sessions",
        "/api/dashboard/sessions",
        Lead,
    ),
    ("GET /api/audit/verify", "/api/audit/verify", Audit),
];

/// Answers with a stream, so it is called apart from the others.
const BACKUP: Row = ("GET /api/backup", "/api/backup", Admin);

fn rows() -> impl Iterator<Item = Row> {
    TABLE.iter().copied().chain([BACKUP])
}

/// A call that is right in everything but perhaps the caller.
fn call(client: &Client, (operation, path, _): Row) -> Request {
    let method = operation.split(' ').next().expect("a method");
    let body = match operation {
        "POST /api/txn" => json!({"writes": [{"op": "put", "key": "shop/txn", "value": 1}]}),
        "POST /api/events/publish" => json!({"topic": "shop.a"}),
        "POST /api/consumers" => json!({"name": format!("inbox-{}", &client.token()[..8])}),
        "POST /api/consumers/{name}/ack" => json!({"revision": 0}),
        "POST /api/hook" => json!({"event": "after_tool"}),
        "POST /api/leases" => json!({"pattern": "/src/**"}),
        "POST /api/leases/check" => json!({"paths": ["src/main.rs"]}),
        "POST /api/leases/{id}/renew" => json!({}),
        "POST /api/tasks" => json!({"title": "a", "project": "elsewhere"}),
        "POST /api/tasks/bulk" => json!({"tasks": [{"title": "a", "project": "elsewhere"}]}),
        "POST /api/tasks/close" => json!({"tasks": []}),
        "POST /api/tasks/{id}/fail" => json!({"why": "a"}),
        "POST /api/tasks/{id}/note" => json!({"text": "a"}),
        "POST /api/tasks/next"
        | "PATCH /api/tasks/{id}"
        | "POST /api/tasks/{id}/done"
        | "POST /api/tasks/{id}/release"
        | "POST /api/tasks/{id}/cancel"
        | "POST /api/tasks/{id}/reopen" => json!({}),
        "POST /api/messages" => json!({"text": "hello", "to": "nobody"}),
        "POST /api/messages/{number}/reply" => json!({"text": "hello"}),
        "POST /api/messages/{number}/answer" => json!({"answer": 1}),
        "POST /api/asks" => json!({"to": "nobody", "prompt": "why?", "schema": {}}),
        "POST /api/pauses" => json!({"project": "elsewhere"}),
        "POST /api/requests" => json!({"title": "may I?"}),
        "PUT /api/requests/policies" => json!({"kind": "question", "quorum": 0}),
        "POST /api/requests/{number}/decide" => json!({"option": "yes", "digest": ""}),
        "POST /api/requests/{number}/withdraw" => json!({}),
        "POST /api/humans" => json!({"name": "ada", "passphrase": "correct horse"}),
        "POST /api/humans/unlock" => json!({"passphrase": "correct horse"}),
        "POST /api/humans/passkeys/options" => json!({"human": "ada"}),
        "POST /api/humans/passkeys" => json!({"name": "laptop", "credential": {}}),
        "POST /api/humans/unlock/options" => json!({}),
        "POST /api/humans/unlock/passkey" => json!({"credential": {}}),
        "POST /api/tokens" => json!({"name": "new", "role": "viewer"}),
        // The name that a token of role agent may register.
        "POST /api/instances/register" => json!({"name": "agent"}),
        "POST /api/instances/{id}/intent" => json!({"intent": "to see"}),
        "POST /api/instances/{id}/capabilities" => json!({"capabilities": []}),
        "PUT /api/state/{key}" => json!(1),
        "PATCH /api/state/{key}" => {
            return client.patch(path, "application/merge-patch+json", "{}");
        }
        "POST /api/metrics/reset"
        | "POST /api/dashboard/codes"
        | "POST /api/state/{key}"
        | "POST /api/liveness/check"
        | "POST /api/tasks/{id}/claim"
        | "POST /api/instances/{id}/activate"
        | "POST /api/instances/{id}/heartbeat"
        | "POST /api/messages/{number}/ack" => return client.post_nothing(path),
        _ => return client.request(method, path),
    };
    client.request(method, path).json(&body)
}

fn the_table_has_every_operation_of_the_document(server: &Server) {
    let document: Value = server.get("/openapi.json").ok();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let path = path.replace("{*", "{");
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let table: BTreeSet<String> = rows().map(|(operation, ..)| operation.to_owned()).collect();
    let missing: Vec<_> = documented.difference(&table).collect();
    assert!(
        missing.is_empty(),
        "operations without a row in TABLE: {missing:?}"
    );
    let unknown: Vec<_> = table.difference(&documented).collect();
    assert!(
        unknown.is_empty(),
        "rows that are no operation: {unknown:?}"
    );
}

fn without_a_token_only_public_operations_answer(server: &Server) {
    for (number, row) in rows().enumerate() {
        if number % 8 == 0 {
            // Failed sign-ins are limited by the minute.
            server.advance_seconds(120);
        }
        let answer = call(&server.owner(), row).anonymous().send();
        match row.2 {
            Nothing => assert_eq!(answer.status, 200, "{answer}"),
            _ => drop(answer.refused(Reason::Unauthenticated)),
        }
    }
}

fn each_role_may_do_what_its_row_says(server: &Server) {
    server.set("shop/plan", "{}");
    for role in Role::ALL {
        let client = server.issue(role, role.word());
        for row in rows() {
            let answer = call(&client, row).send();
            if row.2.allows(role) {
                let refused = matches!(answer.status, 401 | 403 | 405 | 500..);
                assert!(!refused, "{} may do this: {answer}", role.word());
            } else {
                answer.refused(Reason::Forbidden);
            }
        }
    }
}

fn a_refused_operation_changes_nothing(server: &Server) {
    server.set("shop/plan", "{}");
    let viewer = server.issue(Role::Viewer, "viewer");
    let before = server.get("/api/state").send().text();
    for row in rows().filter(|row| row.2 == Write) {
        call(&viewer, row).refused(Reason::Forbidden);
    }
    assert_eq!(server.get("/api/state").send().text(), before);
    assert!(server.owner().history("topic=shop.*").is_empty());
}

/// Calls that touch keys and topics of the project `other`.
fn calls_of_another_project(client: &Client) -> Vec<Request> {
    vec![
        client.get("/api/state/other/plan"),
        client.head("/api/state/other/plan"),
        client.get("/api/state/other/plan?history=1"),
        client.get("/api/state/other/plan?version=1"),
        client.get("/api/state/other/plan?diff=1,1"),
        client.get("/api/state/other/plan?meta"),
        client.get("/api/state/other/plan?watch&from=0"),
        client.put("/api/state/other/plan", "1"),
        client.put("/api/state/shopping", "1"),
        client.patch(
            "/api/state/other/plan",
            "application/merge-patch+json",
            "{}",
        ),
        client.post_nothing("/api/state/other/plan?rollback=1"),
        client.delete("/api/state/other/plan"),
    ]
}

fn is_forbidden(answer: &Response) {
    assert_eq!(answer.status, 403, "{answer}");
}

fn a_token_of_a_project_touches_nothing_else(server: &Server) {
    server.set("other/plan", "{}");
    server.set("shop/plan", "{}");
    let agent = server.issue_for_project(Role::Controller, "lead", "shop");
    for call in calls_of_another_project(&agent) {
        is_forbidden(&call.send());
    }
    for topic in ["other.a", "shopping.a", "coro.state.put"] {
        agent
            .post("/api/events/publish", json!({ "topic": topic }))
            .refused(Reason::Forbidden);
    }
    agent.set("shop/plan", "2");
    agent.set("shop", "2");
    agent.publish("shop.a", json!(1));
    agent.get("/metrics").refused(Reason::Forbidden);
}

fn a_token_of_a_project_sees_nothing_else(server: &Server) {
    let from = server.revision();
    server.set("other/plan", "{}");
    server.publish("other.a", json!(1));
    server.set("shop/plan", "{}");
    let lead = server.issue_for_project(Role::Controller, "lead", "shop");
    for path in [
        "/api/state",
        "/api/state?prefix=oth",
        "/api/state?limit=10",
        "/api/events/history",
        "/api/events/history?subject=other/plan",
        "/api/events?from=0",
        "/api/state?watch&from=0",
        "/api/audit",
    ] {
        let answer = lead.get(path).send().expect(200);
        assert!(!answer.text().contains("other"), "{answer}");
    }
    let seen = lead.poll(&format!("from={from}"));
    assert_eq!(seen.events.len(), 1, "{seen:?}");
}

fn a_token_of_key_prefixes_touches_no_other_key(server: &Server) {
    server.set("shop/api/plan", "1");
    server.set("shop/web/plan", "1");
    let token = json!({"name": "a", "role": "agent", "key_prefixes": ["shop/api/", "lib/"]});
    let agent = server.issue_with(token);
    for key in ["shop/web/plan", "shop/api", "lib"] {
        agent
            .get(&format!("/api/state/{key}"))
            .refused(Reason::Forbidden);
        agent
            .put(&format!("/api/state/{key}"), "1")
            .refused(Reason::Forbidden);
    }
    agent.set("shop/api/plan", "2");
    agent.set("lib/x", "2");
    let list = agent.get("/api/state").send().expect(200);
    assert!(!list.text().contains("web"), "{list}");
    let history = agent.get("/api/events/history").send().expect(200);
    assert!(!history.text().contains("web"), "{history}");
}

fn things_of_another_tenant_do_not_exist(server: &Server) {
    server.set("shop/plan", "{}");
    server
        .post("/api/consumers", json!({"name": "inbox"}))
        .send()
        .expect(200);
    server
        .agent("frontend")
        .post("/api/leases", json!({"pattern": "/src/**"}))
        .send()
        .expect(200);
    let tokens: Vec<coro_api::tokens::Token> = server.get("/api/tokens").ok();
    let other = server.other_tenant("other");
    let calls = [
        other.get("/api/state/shop/plan"),
        other.get("/api/state/shop/plan?version=1"),
        other.patch("/api/state/shop/plan", "application/json-patch+json", "[]"),
        other.post_nothing("/api/state/shop/plan?rollback=1"),
        other.delete("/api/state/shop/plan"),
        other.get("/api/consumers/inbox"),
        other.get("/api/consumers/inbox/events"),
        other.post("/api/consumers/inbox/ack", json!({"revision": 0})),
        other.delete("/api/consumers/inbox"),
        other.delete(&format!("/api/tokens/{}", tokens[0].id)),
        other.get("/api/leases/L-1"),
        other.post("/api/leases/L-1/renew", json!({})),
        other.delete("/api/leases/L-1"),
    ];
    for call in calls {
        call.refused(Reason::NotFound);
    }
    assert_eq!(other.get("/api/state").send().expect(200).text(), "[]");
    assert_eq!(other.set("shop/plan", "theirs").version, 1);
    assert_eq!(server.value("shop/plan"), "{}");
}

fn tenants_share_no_revision_and_no_stream(server: &Server) {
    let other = server.other_tenant("other");
    let (ours, theirs) = (server.revision(), other.revision());
    server.publish("shop.secret", json!(1));
    assert_eq!(other.revision(), theirs);
    assert_eq!(other.publish("shop.a", json!(1)).revision, theirs + 1);
    assert_eq!(server.revision(), ours + 1);
    for path in [
        "/api/events/history",
        "/api/audit",
        "/api/events?from=0",
        "/api/tokens",
    ] {
        let answer = other.get(path).send().expect(200);
        assert!(!answer.text().contains("secret"), "{answer}");
    }
}

fn refused_attempts_at_protected_things_are_in_the_audit(server: &Server) {
    let agent = server.issue(Role::Agent, "curious");
    agent.get("/api/audit").refused(Reason::Forbidden);
    agent
        .post("/api/tokens", json!({"name": "a", "role": "owner"}))
        .refused(Reason::Forbidden);
    let query = "/api/audit?action=access.refused&actor=agent:curious";
    let entries: Vec<coro_api::audit::AuditEntry> = server.get(query).ok();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.outcome == "refused"));
    let seen = agent.get("/api/events/history").send().expect(200);
    assert!(!seen.text().contains("access.refused"), "{seen}");
}
