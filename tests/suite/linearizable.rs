//! Compare-and-write is linearizable, over crashes too; and the checker finds
//! histories that are not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use coro_tests::linearizable::{Action, Operation, is_linearizable};
use coro_tests::{Client, Engine, Server, each_engine};

each_engine![a_run_of_concurrent_writers_with_kills_is_linearizable];

fn op(began: u64, ended: u64, action: Action) -> Operation {
    Operation {
        began,
        ended,
        action,
    }
}

fn read(version: i64, value: u64) -> Action {
    Action::Read { version, value }
}

fn wrote(expected: i64, value: u64) -> Action {
    Action::Wrote {
        expected,
        value,
        version: expected + 1,
    }
}

#[test]
fn good_histories_are_accepted() {
    let good = [
        vec![],
        vec![
            op(0, 1, read(0, 0)),
            op(2, 3, wrote(0, 7)),
            op(4, 5, read(1, 7)),
        ],
        // Two that overlap may come in either order.
        vec![
            op(0, 9, wrote(0, 7)),
            op(1, 8, read(0, 0)),
            op(2, 7, read(1, 7)),
        ],
        vec![
            op(0, 9, wrote(0, 7)),
            op(0, 9, Action::Refused { expected: 0 }),
        ],
        // A lost answer: it happened, later than it was sent, or never.
        vec![
            op(
                0,
                u64::MAX,
                Action::Unknown {
                    expected: 0,
                    value: 7,
                },
            ),
            op(5, 6, read(1, 7)),
        ],
        vec![
            op(
                0,
                u64::MAX,
                Action::Unknown {
                    expected: 0,
                    value: 7,
                },
            ),
            op(5, 6, read(0, 0)),
        ],
        vec![
            op(
                0,
                u64::MAX,
                Action::Unknown {
                    expected: 0,
                    value: 7,
                },
            ),
            op(5, 6, read(0, 0)),
            op(7, 8, read(1, 7)),
        ],
    ];
    for history in good {
        assert!(is_linearizable(&history), "{history:?}");
    }
}

#[test]
fn five_planted_bad_histories_are_rejected() {
    let lost_update = vec![op(0, 5, wrote(0, 7)), op(0, 5, wrote(0, 8))];
    let stale_read = vec![op(0, 1, wrote(0, 7)), op(2, 3, read(0, 0))];
    let lost_write = vec![
        op(0, 1, wrote(0, 7)),
        op(2, 3, wrote(1, 8)),
        op(4, 5, read(1, 7)),
    ];
    let value_from_nowhere = vec![op(0, 1, wrote(0, 7)), op(2, 3, read(1, 9))];
    let back_and_forth = vec![
        op(0, 9, wrote(0, 7)),
        op(1, 2, read(1, 7)),
        op(3, 4, read(0, 0)),
    ];
    let refused_without_reason = vec![op(0, 1, Action::Refused { expected: 0 })];
    let lost_answer_happened_twice = vec![
        op(
            0,
            u64::MAX,
            Action::Unknown {
                expected: 0,
                value: 7,
            },
        ),
        op(2, 3, read(1, 7)),
        op(4, 5, read(2, 7)),
    ];
    for history in [
        lost_update,
        stale_read,
        lost_write,
        value_from_nowhere,
        back_and_forth,
        refused_without_reason,
        lost_answer_happened_twice,
    ] {
        assert!(!is_linearizable(&history), "{history:?}");
    }
}

/// The clock of a history: it only counts, and that in one order.
static CLOCK: AtomicU64 = AtomicU64::new(0);

fn tick() -> u64 {
    CLOCK.fetch_add(1, Ordering::SeqCst)
}

/// One read and one write that expects what was read. Writes begin with a
/// read, so that most of them succeed.
fn turn(client: &Client, key: &str, value: u64, history: &Mutex<Vec<Operation>>) -> bool {
    let record = |began, ended, action| {
        history
            .lock()
            .expect("no panic while held")
            .push(Operation {
                began,
                ended,
                action,
            });
    };
    let path = format!("/api/state/{key}");
    let began = tick();
    let Ok(answer) = client.get(&path).try_send() else {
        return false;
    };
    let (version, seen) = match answer.status {
        200 => (
            answer.the("x-koor-version").parse().expect("a number"),
            answer.json(),
        ),
        404 => (0, 0),
        _ => return false,
    };
    record(
        began,
        tick(),
        Action::Read {
            version,
            value: seen,
        },
    );
    let put = client.put(&path, value.to_string());
    let put = match version {
        0 => put.header("If-None-Match", "*"),
        _ => put.header("If-Match", &answer.etag()),
    };
    let began = tick();
    match put.try_send().map(|answer| (answer.status, answer)) {
        Ok((200, answer)) => {
            let item: coro_api::state::StateItem = answer.json();
            let action = Action::Wrote {
                expected: version,
                value,
                version: item.version,
            };
            record(began, tick(), action);
            true
        }
        Ok((412, _)) => {
            record(began, tick(), Action::Refused { expected: version });
            true
        }
        _ => {
            record(
                began,
                u64::MAX,
                Action::Unknown {
                    expected: version,
                    value,
                },
            );
            false
        }
    }
}

fn a_run_of_concurrent_writers_with_kills_is_linearizable(engine: Engine) {
    const KEYS: usize = 4;
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 3;
    let server = Server::start(engine);
    let histories: Vec<Mutex<Vec<Operation>>> = (0..KEYS).map(|_| Mutex::default()).collect();
    for round in 0..ROUNDS {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (client, histories, stop) = (server.owner(), &histories, &stop);
                scope.spawn(move || {
                    for number in 0..7 {
                        let value = 1 + number + 100 * writer + 10_000 * round;
                        let key = (number + writer) as usize % KEYS;
                        let went = turn(&client, &format!("k/{key}"), value, &histories[key]);
                        if !went || stop.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                });
            }
            if round + 1 < ROUNDS {
                // The kill falls among the writes, wherever that is.
                server.get("/api/whoami").send().expect(200);
                server.get("/api/state").send().expect(200);
                server.kill();
                stop.store(true, Ordering::Relaxed);
            }
        });
        if round + 1 < ROUNDS {
            server.start_again();
        }
    }
    let operations: usize = histories
        .iter()
        .map(|h| h.lock().expect("no panic").len())
        .sum();
    assert!(operations > 50, "{operations}");
    for history in histories {
        let history = history.into_inner().expect("no panic");
        assert!(is_linearizable(&history), "{history:#?}");
    }
}
