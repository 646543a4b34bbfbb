//! Migrations: one after the other on both engines, with sample data.

use coro_tests::{Engine, Options, each_engine, repository};
use sha2::{Digest as _, Sha256};

each_engine![
    each_migration_keeps_the_data_of_those_before,
    receipts_get_what_their_messages_say,
];

/// Rows for the tables that each migration makes or changes, in both engines'
/// SQL. `{blob}` stands for 32 bytes. A new migration needs a line.
const SAMPLES: &[(&str, &str)] = &[
    (
        "0001_log",
        "INSERT INTO tenant (tenant_id, name, created_at) VALUES ('t', 'sample', 1); \
         INSERT INTO log (tenant_id, revision, at, actor, topic, subject, project, scope, refused, \
         size, content_type, total_bytes, chain) VALUES \
         ('t', 1, 1, 'human:a', 'shop.a', '', 'shop', 0, 0, 0, '', 200, {blob})",
    ),
    (
        "0002_state",
        "INSERT INTO state (tenant_id, key, version, revision, hash, size, content_type, \
         updated_at, updated_by, conditional, deleted) VALUES \
         ('t', 'shop/plan', 1, 1, {blob}, 1, 'text/plain', 1, 'human:a', 0, 0)",
    ),
    (
        "0003_tokens",
        "INSERT INTO token (tenant_id, id, hash, name, kind, role, key_prefixes, created_at, \
         created_by) VALUES ('t', 'id', {blob}, 'a', 'human', 'owner', '[]', 1, 'system:coro')",
    ),
    (
        "0004_consumers",
        "INSERT INTO consumer (tenant_id, name, pattern, acknowledged, owner, actor, key_prefixes, \
         audit, created_at, updated_at) VALUES \
         ('t', 'inbox', '*', 0, 'id', 'human:a', '[]', 0, 1, 1)",
    ),
    (
        "0005_idempotency",
        "INSERT INTO idempotency (tenant_id, principal, key, fingerprint, answer, created_at) \
         VALUES ('t', 'id', 'k', {blob}, '{}', 1)",
    ),
    (
        "0006_agents",
        "INSERT INTO agent (tenant_id, id, project, name, workspace, intent, stack, capabilities, \
         client, client_version, status, activated, generation, registered_at, last_seen) \
         VALUES ('t', 'agent', 'shop', 'frontend', '', '', '', '[]', '', '', 'active', 1, 1, 1, 1); \
         UPDATE token SET agent_id = 'agent', generation = 1, used_at = 1",
    ),
    (
        "0007_numbers",
        "INSERT INTO number (tenant_id, kind, taken) VALUES ('t', 'task', 12)",
    ),
    (
        "0008_pauses",
        "INSERT INTO pause (tenant_id, id, project, agent, reason, paused_by, paused_at) \
         VALUES ('t', 'project:shop', 'shop', '', 'stop', 'human:a', 1)",
    ),
    (
        "0009_leases",
        "INSERT INTO lease (tenant_id, number, project, kind, pattern, mode, status, reason, \
         agent_id, holder, generation, actor, task, overrides, fence, ttl_seconds, requested_at, \
         granted_at, expires_at) VALUES ('t', 3, 'shop', 'path', '/src/**', 'block', 'held', '', \
         'agent', 'frontend', 1, 'agent:frontend', NULL, NULL, 1, 1800, 1, 1, 2)",
    ),
    (
        "0010_tasks",
        "INSERT INTO task (tenant_id, number, project, title, priority, assignee, capabilities, \
         paths, labels, status, blockers, attempt, attempts_max, created_by, created_at, \
         updated_at, body) VALUES ('t', 12, 'shop', 'Build the cart', 2, '', '[]', '[]', '[]', \
         'open', 0, 1, 5, 'human:a', 1, 1, ''); \
         INSERT INTO task_dependency (tenant_id, task, dependency) VALUES ('t', 12, 11); \
         INSERT INTO task_note (tenant_id, revision, task, at, actor, attempt, text) \
         VALUES ('t', 1, 12, 1, 'human:a', 1, 'a note')",
    ),
    (
        "0011_messages",
        "INSERT INTO message (tenant_id, number, project, sender, sender_name, kind, to_kind, \
         to_name, text, thread, needs_ack, blocking, created_at, due_at, settled, tries) VALUES \
         ('t', 1, 'shop', 'human:a', 'a', 'message', 'agent', 'frontend', 'hello', 1, 0, 0, 1, 2, \
         0, 0); \
         INSERT INTO receipt (tenant_id, message, agent, agent_name, state, open) \
         VALUES ('t', 1, 'agent', 'frontend', 'queued', 1)",
    ),
    (
        "0012_requests",
        "INSERT INTO human (tenant_id, name, passphrase, created_at, created_by, changed_at) \
         VALUES ('t', 'ada', '$argon2id$', 1, 'human:owner', 1); \
         INSERT INTO human_session (tenant_id, hash, human, token_id, created_at, expires_at) \
         VALUES ('t', {blob}, 'ada', 'id', 1, 2); \
         INSERT INTO request (tenant_id, number, project, kind, title, body, options, digest, \
         asked_by, asked_token, asked_at, expires_at, on_silence, status) VALUES \
         ('t', 7, 'shop', 'question', '?', '', '[]', '', 'agent:a', 'id', 1, 2, 'park', 'open'); \
         INSERT INTO request_vote (tenant_id, number, decider, how, choice, why, voted_at) \
         VALUES ('t', 7, 'human:ada', 'session', 'yes', '', 1); \
         INSERT INTO request_policy (tenant_id, project, kind, quorum, deciders, deputies, \
         deputies_after_seconds, set_by, set_at) \
         VALUES ('t', 'shop', 'rule', 2, '[]', '[]', 0, 'human:ada', 1)",
    ),
    (
        "0013_hooks",
        "INSERT INTO continuation (tenant_id, agent_id, count, told) VALUES ('t', 'agent', 1, '[]')",
    ),
    (
        "0014_dashboard",
        "INSERT INTO dashboard_code (tenant_id, hash, token_id, token_hash, expires_at) \
         VALUES ('t', 'hash', 'id', {blob}, 1); \
         INSERT INTO dashboard_session (tenant_id, hash, key_hash, token_id, token_hash, \
         created_at, used_at) VALUES ('t', 'hash', {blob}, 'id', {blob}, 1, 1)",
    ),
    (
        "0015_passkeys",
        "INSERT INTO passkey (tenant_id, id, human, name, relying_party, credential_id, user_handle, \
         transports, key_state, use_state, made_at) VALUES \
         ('t', 'id', 'ada', 'laptop', 'localhost', {blob}, {blob}, 0, {blob}, {blob}, 1); \
         INSERT INTO passkey_challenge (tenant_id, session, token_id, purpose, human, \
         relying_party, state, expires_at) VALUES \
         ('t', 'hash', 'id', 'unlock', 'ada', 'localhost', {blob}, 2)",
    ),
    (
        "0016_receipts",
        "UPDATE receipt SET sender = 'human:a', wanted = 0, blocking = 0, due_at = 2",
    ),
    ("0017_human_reset", "UPDATE human SET reset_at = 2"),
];

/// The tables that each migration makes.
const TABLES: &[&[&str]] = &[
    &["tenant", "log"],
    &["state"],
    &["token"],
    &["consumer"],
    &["idempotency"],
    &["agent"],
    &["number"],
    &["pause"],
    &["lease"],
    &["task", "task_dependency", "task_note"],
    &["message", "receipt"],
    &[
        "human",
        "human_session",
        "request",
        "request_vote",
        "request_policy",
    ],
    &["continuation"],
    &["dashboard_code", "dashboard_session"],
    &["passkey", "passkey_challenge"],
    &[],
    &[],
];

fn folder(engine: Engine) -> std::path::PathBuf {
    let name = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    };
    repository().join("server/migrations").join(name)
}

fn names(engine: Engine) -> Vec<String> {
    let files = std::fs::read_dir(folder(engine))
        .expect("the folder")
        .flatten();
    let mut names: Vec<String> = files
        .map(|file| {
            file.path()
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn both_engines_have_the_same_migrations_and_each_has_sample_data() {
    assert_eq!(names(Engine::Sqlite), names(Engine::Postgres));
    let samples: Vec<String> = SAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(Engine::Sqlite), samples);
    assert_eq!(SAMPLES.len(), TABLES.len());
}

fn each_migration_keeps_the_data_of_those_before(engine: Engine) {
    for upto in 1..=SAMPLES.len() {
        let options = filled_upto(engine, upto);
        let done = options.command(&["migrate"]);
        assert_eq!(done.code, Some(0), "from {upto}: {done}");
        for table in TABLES[..upto].concat() {
            let rows = format!("SELECT CAST(count(*) AS TEXT) FROM {table} WHERE tenant_id = 't'");
            let count = options.database().query_text(&rows);
            assert_eq!(count, "1", "{table} from {upto}");
        }
    }
}

fn receipts_get_what_their_messages_say(engine: Engine) {
    let is_before = |sample: &&(&str, &str)| sample.0 < "0016_receipts";
    let options = filled_upto(engine, SAMPLES.iter().filter(is_before).count());
    let database = options.database();
    database.execute(
        "UPDATE message SET blocking = 1, needs_ack = 1, sender_agent = 'agent' WHERE number = 1",
    );
    let done = options.command(&["migrate"]);
    assert_eq!(done.code, Some(0), "{done}");
    let receipt = "SELECT sender || ' ' || CAST(wanted AS TEXT) || ' ' || CAST(blocking AS TEXT) \
         || ' ' || CAST(due_at AS TEXT) || ' ' || state FROM receipt";
    assert_eq!(database.query_text(receipt), "agent 1 1 2 queued");
}

/// A database as it was after so many migrations, with their sample rows.
fn filled_upto(engine: Engine, upto: usize) -> Options {
    let (blob, count) = match engine {
        Engine::Sqlite => ("zeroblob(32)", "INTEGER"),
        Engine::Postgres => ("decode(repeat('00', 32), 'hex')", "BIGINT"),
    };
    let options = Options::new(engine);
    std::fs::create_dir_all(options.data_dir()).expect("a folder");
    let database = options.database();
    database.execute(&format!(
        "CREATE TABLE schema_migration (version {count} PRIMARY KEY, name TEXT NOT NULL, \
         sha256 TEXT NOT NULL, applied_at {count} NOT NULL)"
    ));
    for (number, (name, sample)) in SAMPLES.iter().take(upto).enumerate() {
        let sql = std::fs::read_to_string(folder(engine).join(format!("{name}.sql")));
        let sql = sql.expect("the migration");
        let hash: String = Sha256::digest(&sql)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        database.execute(&sql);
        let version = number + 1;
        database.execute(&format!(
            "INSERT INTO schema_migration VALUES ({version}, '{name}', '{hash}', 0)"
        ));
        database.execute(&sample.replace("{blob}", blob));
    }
    options
}
