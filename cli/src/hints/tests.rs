use super::*;
use crate::http::Method;

#[test]
fn a_hint_is_something_to_type() {
    use Reason::*;
    let get = || Request::get("/api/state").key("nope");
    let put = || Request::new(Method::Put, "/api/state").key("shop/lock");
    let old = || put().header("If-Match", "\"v1-\"");
    let new = || put().header("If-None-Match", "*");
    let rest = Some("send 'If-Match: …' with GET /api/state");
    let table: [(&str, Request, Reason, Option<&str>, &str); 29] = [
        (
            "state get",
            get(),
            NotFound,
            rest,
            "list the keys with coro-cli state list",
        ),
        (
            "state get",
            get().query("version", 7),
            NotFound,
            Some("that version is no longer kept; see the kept ones with ?history"),
            "it is no longer kept; see what is kept with coro-cli state history nope",
        ),
        (
            "state diff",
            Request::get("/api/state").key("it's").query("diff", "1,9"),
            NotFound,
            rest,
            "see what is kept with coro-cli state history 'it'\\''s'",
        ),
        (
            "state diff",
            get().query("format", "koor"),
            Invalid,
            rest,
            "compare text with --format text",
        ),
        (
            "state diff",
            get().query("format", "text"),
            Invalid,
            rest,
            "-",
        ),
        (
            "state set",
            put(),
            Invalid,
            rest,
            "a value has at least one byte",
        ),
        (
            "state list",
            Request::get("/api/state"),
            Invalid,
            rest,
            "ask for pages with --limit 1000",
        ),
        (
            "state set",
            old(),
            PreconditionFailed,
            rest,
            "read it with coro-cli state get shop/lock, apply your change to that, and repeat with --if-version 4",
        ),
        (
            "state set",
            new(),
            PreconditionFailed,
            rest,
            "it exists: see coro-cli state get shop/lock",
        ),
        (
            "state delete",
            old(),
            PreconditionFailed,
            rest,
            "read it with coro-cli state get shop/lock, then repeat with --if-version 4",
        ),
        (
            "state set",
            put(),
            PreconditionRequired,
            rest,
            "read it with coro-cli state get shop/lock, then repeat with --if-version 4",
        ),
        (
            "txn",
            Request::new(Method::Post, "/api/txn"),
            PreconditionRequired,
            rest,
            "add the key to compare, with version 4",
        ),
        (
            "txn",
            Request::new(Method::Post, "/api/txn"),
            PreconditionFailed,
            rest,
            "read the key again, correct compare and writes, and repeat",
        ),
        (
            "state patch",
            put(),
            Conflict,
            rest,
            "read it with coro-cli state get shop/lock, then correct the patch, or write the whole value with coro-cli state set shop/lock",
        ),
        (
            "events subscribe",
            Request::get("/api/events"),
            Compacted,
            rest,
            "read what you need with coro-cli state list, then go on with --from 7",
        ),
        (
            "consumers fetch",
            Request::get("/api/consumers/a%20b/events"),
            Compacted,
            rest,
            "read what you need with coro-cli state list, then go on with coro-cli consumers ack 'a b' 7",
        ),
        (
            "state watch",
            Request::get("/api/state"),
            Invalid,
            rest,
            "go on with --from 8",
        ),
        (
            "consumers get",
            Request::get("/api/consumers/a"),
            NotFound,
            rest,
            "list yours with coro-cli consumers list",
        ),
        (
            "tokens revoke",
            Request::get("/api/tokens/a"),
            NotFound,
            rest,
            "list them with coro-cli tokens list",
        ),
        (
            "state set",
            put(),
            Internal,
            rest,
            "the server's log has the cause, under the request r-1",
        ),
        (
            "state set",
            put(),
            Internal,
            Some("look at the disk"),
            "look at the disk",
        ),
        (
            "state set",
            put(),
            Unavailable,
            Some("repeat it after Retry-After"),
            "repeat it after 2 s",
        ),
        (
            "state set",
            put(),
            Unavailable,
            Some("the same Idempotency-Key"),
            "read it back before you repeat it",
        ),
        (
            "state set",
            put().header("Idempotency-Key", "k"),
            Unavailable,
            Some("the same Idempotency-Key"),
            "repeat it with the same --idempotency-key",
        ),
        ("audit", Request::get("/api/audit"), Invalid, rest, "-"),
        (
            "register",
            Request::new(Method::Post, "/api/instances/register"),
            Conflict,
            Some(
                "take another name; or, where it is you after a restart, register with takeover true",
            ),
            "take another name; or, where it is you after a restart, add --takeover",
        ),
        (
            "register",
            put().header("Idempotency-Key", "k"),
            Conflict,
            Some("use that token, or register again with \"takeover\": true"),
            "take another name; or, where it is you after a restart, add --takeover and another --idempotency-key",
        ),
        (
            "activate",
            Request::new(Method::Post, "/api/instances/self/activate"),
            Conflict,
            Some("register first, and call with the token that the answer holds"),
            "register with coro-cli register, and call with the token that it prints",
        ),
        (
            "instances get",
            Request::get("/api/instances/x"),
            NotFound,
            rest,
            "list them with coro-cli instances list",
        ),
    ];
    for (command, request, reason, next, expected) in table {
        let refusal = Refusal {
            next,
            etag: Some("\"v4-ab\""),
            ..refused(command, &request, reason)
        };
        let hint = refusal.hint().unwrap_or_else(|| "-".to_owned());
        assert_eq!(hint, expected, "{command} {reason:?}");
    }
}

#[test]
fn of_a_key_that_is_gone_the_hint_says_how_to_make_it() {
    let request = Request::new(Method::Put, "/api/state")
        .key("-k")
        .header("If-Match", "*");
    for (command, expected) in [
        ("state set", "create it with --if-absent"),
        (
            "state patch",
            "create it with coro-cli state set --if-absent -- -k",
        ),
        ("state rollback", "bring it back with --if-version 0"),
        ("state delete", "list the keys with coro-cli state list"),
    ] {
        let hint = refused(command, &request, Reason::PreconditionFailed).hint();
        assert_eq!(hint.as_deref(), Some(expected), "{command}");
    }
}

#[test]
fn words_of_http_are_told_from_words_for_everybody() {
    for hint in [
        "list the keys with GET /api/state",
        "read it and send 'If-Match: \"v1-ab\"'",
        "go on with from=7",
        "see the kept versions with ?history",
        "ask for pages with 'limit' and follow the Link header",
        "send the value as the body",
        "send application/merge-patch+json or application/json-patch+json",
        "repeat it after the seconds that Retry-After names",
        "the server's log has the cause, under this answer's X-Request-Id",
        "see /openapi.json for the paths",
        "replace it with a PUT of the whole value",
    ] {
        assert!(speaks_http(hint), "{hint}");
    }
    for hint in [
        "use a key that begins with \"shop/\"",
        "ask the owner for a token that may",
        "store a reference to it, or raise limits.body_bytes in the server's configuration",
        "free space on the disk of the data folder and repeat the request",
        "publish to a topic that does not begin with \"coro.\"",
        "check --database-url and that PostgreSQL runs",
    ] {
        assert!(!speaks_http(hint), "{hint}");
    }
}

fn refused<'a>(command: &'a str, request: &'a Request, reason: Reason) -> Refusal<'a> {
    Refusal {
        command,
        request,
        reason,
        next: None,
        revision: Some(8),
        etag: None,
        retry_after: Some("2"),
        request_id: Some("r-1"),
    }
}
