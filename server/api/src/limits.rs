//! Bounds that clients may rely on. Units stand at the end of each name.

/// The default largest body of one request and of one stored value: 10 MiB.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// The longest key, topic, subject or name.
pub const NAME_BYTES_MAX: usize = 512;

/// The most rows that a list answers without `limit`, and the largest `limit`.
pub const LIST_ROWS_MAX: i64 = 10_000;

/// The most comparisons, and the most writes, of one transaction.
pub const TXN_ITEMS_MAX: usize = 128;

/// The longest that a long poll waits: below the time-outs of usual proxies.
pub const WAIT_SECONDS_MAX: u64 = 50;

/// The most streams, and calls that wait for events, of one token at the same
/// time.
pub const STREAMS_OF_TOKEN_MAX: usize = 1_000;

/// The longest time to live of a key: ten years.
pub const TTL_SECONDS_MAX: i64 = 10 * 366 * 24 * 3600;

/// The longest `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// How long an `Idempotency-Key` is remembered.
pub const IDEMPOTENCY_SECONDS: i64 = 24 * 3600;

/// The longest intent of an agent.
pub const INTENT_BYTES_MAX: usize = 2_000;

/// The most capabilities of an agent.
pub const CAPABILITIES_MAX: usize = 64;

/// The most agents of one project.
pub const AGENTS_OF_PROJECT_MAX: i64 = 1_000;

/// The longest that the capabilities of an agent are together.
pub const CAPABILITIES_BYTES_MAX: usize = 4_096;

/// The most agents of a tenant, ended ones included until they are forgotten:
/// a list shows them all.
pub const AGENTS_MAX: i64 = 5_000;

/// The most leases of a project, with those that wait and protected paths. What
/// a human allowed an agent under another's lease is none.
pub const LEASES_OF_PROJECT_MAX: usize = 1_000;

/// The most leases that one agent holds or waits for, those of its tasks
/// included.
pub const LEASES_OF_AGENT_MAX: usize = 100;

/// How long a lease lasts where nothing else is said.
pub const LEASE_SECONDS: i64 = 30 * 60;

/// The longest that a lease lasts without being renewed.
pub const LEASE_SECONDS_MAX: i64 = 24 * 3600;

/// The most paths that one call checks against leases.
pub const PATHS_MAX: usize = 10_000;

/// The most messages that one call of a hook confirms.
pub const HOOK_SHOWN_MAX: usize = 1_000;

/// The most requests that the words of a hook may name: among more, one could
/// hide.
pub const HOOK_REQUESTS_MAX: usize = 16;

/// The longest title of a task.
pub const TASK_TITLE_BYTES_MAX: usize = 200;

/// The longest body of a task, and the longest result.
pub const TASK_TEXT_BYTES_MAX: usize = 64 * 1024;

/// The longest note on a task, and the longest reason.
pub const TASK_NOTE_BYTES_MAX: usize = 4 * 1024;

/// The most notes that callers make on a task.
pub const TASK_NOTES_MAX: i64 = 200;

/// The most tasks that one task depends on.
pub const TASK_DEPENDENCIES_MAX: usize = 100;

/// The most tasks that depend on one: all hear that it is done, in one
/// transaction.
pub const TASK_DEPENDENTS_MAX: i64 = 1_000;

/// The most tasks of a drawn graph: more can't be read.
pub const TASK_GRAPH_MAX: i64 = 500;

/// The most labels, and the most path patterns, of a task.
pub const TASK_LABELS_MAX: usize = 32;

/// The longest that the labels, or the path patterns, of a task are together.
pub const TASK_LABELS_BYTES_MAX: usize = 4_096;

/// The most capabilities that a task asks for.
pub const TASK_CAPABILITIES_MAX: usize = 16;

/// The longest that the capabilities of a task are together: they stand in an
/// index.
pub const TASK_CAPABILITIES_BYTES_MAX: usize = 512;

/// The most tasks that one call makes or closes.
pub const TASKS_OF_CALL_MAX: usize = 1_000;

/// The most tasks of a tenant that are not closed.
pub const TASKS_OPEN_MAX: i64 = 100_000;

/// The most attempts that a task may have.
pub const TASK_ATTEMPTS_MAX: i64 = 1_000;

/// The longest text of a message, and the longest schema of an ask: 64 KiB.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The most characters of one message that a model gets without asking for it
/// whole: from a hook, and from `coro-cli inbox`.
pub const MESSAGE_CHARS_SHOWN_MAX: usize = 1_200;

/// The most agents that one message is for.
pub const RECIPIENTS_MAX: usize = 1_000;

/// The most messages that wait for one agent, which nothing has delivered yet.
pub const WAITING_MESSAGES_MAX: i64 = 1_000;

/// The most messages of one sender with one agent that it has not been shown,
/// or not dealt with where that is asked for: so that no sender takes all the
/// places of an agent.
pub const MESSAGES_OF_SENDER_MAX: i64 = 200;

/// The most messages in which the server tells an agent what became of its own
/// ones and of its requests, and which nothing has shown to it yet.
pub const NOTICES_MAX: i64 = 50;

/// The longest time until a message expires: 30 days, after which it would be
/// forgotten.
pub const MESSAGE_SECONDS_MAX: i64 = 30 * 24 * 3600;

/// The largest answer to an ask: 256 KiB of JSON.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The longest title of a request.
pub const REQUEST_TITLE_BYTES_MAX: usize = 500;

/// The longest body of a request, and the longest detail as JSON: 64 KiB.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;

/// The most options of a request.
pub const REQUEST_OPTIONS_MAX: usize = 8;

/// The longest time until a request expires: 30 days.
pub const REQUEST_SECONDS_MAX: i64 = 30 * 24 * 3600;

/// The most deciders that must agree, and the most that a policy names.
pub const DECIDERS_MAX: usize = 16;

/// The most requests of one project that wait for a decision.
pub const REQUESTS_OF_PROJECT_MAX: i64 = 1_000;

/// The most requests of a tenant that wait for a decision.
pub const REQUESTS_MAX: i64 = 5_000;

/// The shortest and the longest passphrase of a human, in characters.
pub const PASSPHRASE_CHARS: std::ops::RangeInclusive<usize> = 10..=512;

/// The most humans of a tenant.
pub const HUMANS_MAX: i64 = 1_000;

/// The most passkeys of a human.
pub const PASSKEYS_MAX: i64 = 16;

/// The longest answer of an authenticator, in bytes of JSON. The largest that
/// are known have 4 KiB.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
