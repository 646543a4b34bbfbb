//! The kit itself.

use std::path::Path;

use coro_tests::{Database, Engine, key_path, redact};

#[test]
fn what_differs_from_run_to_run_is_redacted() {
    let text = "at 2026-02-16T14:30:00.000000Z 01890a5d-ac96-774b-bcce-b302099a8057 ä \
                cor_0123456789012345678901234567890123456789012 2026";
    assert_eq!(redact(text), "at [time] [id] ä [token] 2026");
}

#[test]
fn each_byte_of_a_key_survives_in_a_path() {
    assert_eq!(key_path("a b/ä?#%"), "/api/state/a%20b/%C3%A4%3F%23%25");
}

#[test]
fn each_database_of_the_cluster_is_a_fresh_one() {
    if !Engine::Postgres.is_here() {
        return;
    }
    for _ in 0..3 {
        let database = Database::fresh(Engine::Postgres, Path::new("unused"));
        database.execute("CREATE TABLE t (a BIGINT); INSERT INTO t VALUES (7)");
        assert_eq!(database.query_text("SELECT a FROM t"), "7");
    }
}
