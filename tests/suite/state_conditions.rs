//! Conditions: reading only what has changed, writing only what was read.

use coro_api::Reason;
use coro_api::state::StateItem;
use coro_tests::{Request, Server, both_engines};

both_engines![
    an_unchanged_value_is_not_sent_again,
    a_read_condition_takes_every_form,
    put_with_a_stale_version_is_refused,
    put_with_the_present_version_is_carried_out,
    a_version_is_compared_and_not_only_the_value,
    a_write_condition_takes_every_form,
    create_only_writes_what_is_not_there,
    a_star_writes_only_what_is_there,
    a_condition_on_a_deleted_key_does_not_hold,
    a_tag_that_was_never_given_equals_nothing,
    conditions_that_contradict_are_refused,
    delete_patch_and_rollback_take_conditions,
    a_key_may_demand_conditions,
    a_key_that_demands_conditions_can_be_freed,
    of_many_writers_with_one_version_one_wins,
    tenants_that_write_one_key_at_once_keep_apart,
];

const KEY: &str = "/api/state/k";
/// SHA-256 of `1`.
const HASH_OF_1: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

fn an_unchanged_value_is_not_sent_again(server: &Server) {
    server.set("k", "1");
    let etag = server.get(KEY).send().etag();
    let same = server
        .get(KEY)
        .header("If-None-Match", &etag)
        .send()
        .expect(304);
    assert!(same.body.is_empty());
    assert_eq!(same.etag(), etag);
    server.set("k", "2");
    let other = server
        .get(KEY)
        .header("If-None-Match", &etag)
        .send()
        .expect(200);
    assert_eq!(other.text(), "2");
}

fn a_read_condition_takes_every_form(server: &Server) {
    server.set("k", "1");
    let etag = server.get(KEY).send().etag();
    let not_modified = [
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
        HASH_OF_1.to_owned(),
        format!("\"{HASH_OF_1}\""),
    ];
    for tag in not_modified {
        server
            .get(KEY)
            .header("If-None-Match", &tag)
            .send()
            .expect(304);
    }
    for tag in [
        "\"v2-6b86b273ff34fce1\"",
        // The same version of another history, as before a restore.
        "\"v1-ffffffffffffffff\"",
        "\"\"",
        "\"v1\"",
        "other",
    ] {
        server
            .get(KEY)
            .header("If-None-Match", tag)
            .send()
            .expect(200);
    }
    server
        .get("/api/state/nothing")
        .header("If-None-Match", "*")
        .refused(Reason::NotFound);
}

fn put_with_a_stale_version_is_refused(server: &Server) {
    let stale = server.put(KEY, "1").send().etag();
    let present = server.put(KEY, "2").send();
    let refused = server.put(KEY, "3").header("If-Match", &stale).send();
    assert_eq!(refused.etag(), present.etag());
    let problem = refused.refused(Reason::PreconditionFailed);
    assert_eq!(problem.revision, Some(present.json::<StateItem>().revision));
    assert!(problem.next.is_some());
    assert_eq!(server.value("k"), "2");
}

fn put_with_the_present_version_is_carried_out(server: &Server) {
    let present = server.put(KEY, "1").send().etag();
    let item: StateItem = server.put(KEY, "2").header("If-Match", &present).ok();
    assert_eq!(item.version, 2);
}

fn a_version_is_compared_and_not_only_the_value(server: &Server) {
    let first = server.put(KEY, "1").send().etag();
    server.set("k", "2");
    server.set("k", "1");
    server
        .put(KEY, "3")
        .header("If-Match", &first)
        .refused(Reason::PreconditionFailed);
}

fn a_write_condition_takes_every_form(server: &Server) {
    let mut value = 1;
    server.set("k", "1");
    let forms: [fn(String) -> String; 3] = [
        |tag| tag,
        |tag| format!("\"other\" , {tag}"),
        |_| "*".to_owned(),
    ];
    for form in forms {
        let tag = form(server.get(KEY).send().etag());
        value += 1;
        server
            .put(KEY, value.to_string())
            .header("If-Match", &tag)
            .send()
            .expect(200);
    }
    server.set("k", "1");
    server
        .put(KEY, "2")
        .header("If-Match", HASH_OF_1)
        .send()
        .expect(200);
    server
        .put(KEY, "3")
        .header("If-Match", HASH_OF_1)
        .refused(Reason::PreconditionFailed);
}

fn create_only_writes_what_is_not_there(server: &Server) {
    let create = |value| server.put(KEY, value).header("If-None-Match", "*");
    create("1").send().expect(200);
    create("2").refused(Reason::PreconditionFailed);
    server.delete(KEY).send().expect(200);
    assert_eq!(create("3").ok::<StateItem>().version, 2);
}

fn a_star_writes_only_what_is_there(server: &Server) {
    let update = |value| server.put(KEY, value).header("If-Match", "*");
    let problem = update("1").refused(Reason::PreconditionFailed);
    assert!(
        problem.detail.contains("does not exist"),
        "{}",
        problem.detail
    );
    server.set("k", "1");
    update("2").send().expect(200);
}

fn a_condition_on_a_deleted_key_does_not_hold(server: &Server) {
    let etag = server.put(KEY, "1").send().etag();
    server.delete(KEY).send().expect(200);
    server
        .put(KEY, "2")
        .header("If-Match", &etag)
        .refused(Reason::PreconditionFailed);
    server
        .delete(KEY)
        .header("If-Match", &etag)
        .refused(Reason::PreconditionFailed);
}

fn a_tag_that_was_never_given_equals_nothing(server: &Server) {
    server.set("k", "1");
    for tag in [
        "\"v2-6b86b273ff34fce1\"",
        "\"v1-ffffffffffffffff\"",
        "\"\"",
        "1",
        ",",
        "v1",
        "\"1\"",
    ] {
        server
            .put(KEY, "2")
            .header("If-Match", tag)
            .refused(Reason::PreconditionFailed);
    }
    assert_eq!(server.value("k"), "1");
}

fn conditions_that_contradict_are_refused(server: &Server) {
    server.set("k", "1");
    let both = server
        .put(KEY, "2")
        .header("If-Match", "*")
        .header("If-None-Match", "*");
    both.refused(Reason::Invalid);
    let tag = server.get(KEY).send().etag();
    server
        .put(KEY, "2")
        .header("If-None-Match", &tag)
        .refused(Reason::Invalid);
    assert_eq!(server.value("k"), "1");
}

fn delete_patch_and_rollback_take_conditions(server: &Server) {
    let stale = server.put(KEY, r#"{"a":1}"#).send().etag();
    server.set("k", r#"{"a":2}"#);
    let owner = server.owner();
    let calls: [Request; 3] = [
        owner.patch(KEY, "application/merge-patch+json", "{}"),
        owner.post_nothing("/api/state/k?rollback=1"),
        owner.delete(KEY),
    ];
    for call in calls {
        call.clone()
            .header("If-Match", &stale)
            .refused(Reason::PreconditionFailed);
        let present = server.get(KEY).send().etag();
        call.header("If-Match", &present).send().expect(200);
    }
}

fn a_key_may_demand_conditions(server: &Server) {
    let etag = server
        .put("/api/state/k?conditional=true", "1")
        .send()
        .expect(200)
        .etag();
    let refused = server.put(KEY, "2").send();
    assert_eq!(refused.etag(), etag);
    refused.refused(Reason::PreconditionRequired);
    server.delete(KEY).refused(Reason::PreconditionRequired);
    server
        .owner()
        .post_nothing("/api/state/k?rollback=1")
        .refused(Reason::PreconditionRequired);
    let item: StateItem = server.put(KEY, "2").header("If-Match", &etag).ok();
    assert!(item.conditional, "the demand stays");
}

fn a_key_that_demands_conditions_can_be_freed(server: &Server) {
    let etag = server
        .put("/api/state/k?conditional=true", "1")
        .send()
        .etag();
    let free = server.put("/api/state/k?conditional=false", "2");
    free.clone().refused(Reason::PreconditionRequired);
    free.header("If-Match", &etag).send().expect(200);
    server.set("k", "3");
    server
        .put("/api/state/k?conditional=maybe", "4")
        .refused(Reason::Invalid);
}

fn of_many_writers_with_one_version_one_wins(server: &Server) {
    for round in 0..5 {
        let etag = server.put(KEY, format!("start {round}")).send().etag();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let write = |_| {
                let put = server.put(KEY, "1").header("If-Match", &etag);
                scope.spawn(move || put.send().status)
            };
            let writers: Vec<_> = (0..8).map(write).collect();
            writers
                .into_iter()
                .map(|writer| writer.join().expect("no panic"))
                .collect()
        });
        assert_eq!(
            statuses.iter().filter(|status| **status == 200).count(),
            1,
            "{statuses:?}"
        );
        assert_eq!(
            statuses.iter().filter(|status| **status == 412).count(),
            7,
            "{statuses:?}"
        );
    }
}

/// A batch of SQLite has writes of several tenants: a row that one of them
/// read was once taken for the other's.
fn tenants_that_write_one_key_at_once_keep_apart(server: &Server) {
    let other = server.other_tenant("other");
    let own = server.owner();
    const WRITERS: usize = 6;
    const WRITES: usize = 25;
    std::thread::scope(|scope| {
        for client in [&own, &other] {
            for _ in 0..WRITERS {
                scope.spawn(move || {
                    for _ in 0..WRITES {
                        client.put(KEY, client.token()).send().expect(200);
                    }
                });
            }
        }
    });
    for client in [own, other] {
        let answer = client.get(KEY).send().expect(200);
        assert_eq!(answer.text(), client.token());
        let item: StateItem = client.get("/api/state/k?meta").ok();
        assert_eq!(item.version, (WRITERS * WRITES) as i64);
    }
}
