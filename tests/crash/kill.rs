//! `kill -9` under load, again and again on the same data.

use coro_tests::{Engine, Server};

use crate::check::{check, integrity, verify_chain};
use crate::load::{Load, Plan};
use crate::settings;

/// The most requests that are answered before a kill.
const ANSWERS_MAX: u32 = 200;

/// How many rounds pass between two checks of the whole hash chain.
const CHAIN_ROUNDS: u32 = 10;

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let mut random = settings::random("kill");
    let server = Server::start(Engine::Sqlite);
    let rounds = settings::count(8, 1000);
    let mut head = 0;
    for round in 0..rounds {
        let plan = Plan::new(&format!("load/{round}/"), &mut random);
        let load = Load::start(&server.owner(), &plan);
        // Where the server is then in its work is up to the scheduler.
        let answers = random.below(ANSWERS_MAX);
        load.wait_until(|counts| counts.answered() >= answers);
        server.kill();
        let told = load.finish();
        integrity(&server.data_dir()).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
        server.start_again();
        let client = server.owner();
        head = check(&client, head, &plan.prefix, &told)
            .unwrap_or_else(|fault| panic!("round {round}: {fault}"));
        if round % CHAIN_ROUNDS == 0 || round + 1 == rounds {
            verify_chain(&client).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
        }
    }
}
