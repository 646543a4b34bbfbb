//! Connections that say nothing keep nobody out.

use std::net::TcpStream;

use coro_tests::{Engine, Options, Server, Wire, allow_many_connections, each_engine};

each_engine![
    silent_connections_make_room_for_one_that_asks,
    as_many_connections_are_taken_as_the_process_may_have,
];

const ASK: &str = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

fn connect(server: &Server, count: usize) -> Vec<Wire<TcpStream>> {
    allow_many_connections();
    let address = server.address();
    (0..count).map(|_| Wire::connect(&address)).collect()
}

fn ask(wire: &mut Wire<TcpStream>) {
    let head = wire.write(ASK).read_head();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    wire.read(length.parse().expect("a number"));
}

fn silent_connections_make_room_for_one_that_asks(engine: Engine) {
    // A quarter of them or more is the server's own.
    let server = Options::new(engine).ulimit("-n 256").start();
    let mut asked = connect(&server, 1);
    ask(&mut asked[0]);
    let mut silent = connect(&server, 400);
    server.anonymous().get("/health").send().expect(200);
    // The oldest has gone; who has asked before stays.
    assert_eq!(silent[0].read_to_end(), b"");
    ask(&mut asked[0]);
    let log = server.log();
    assert!(!log.contains("could not be accepted"), "{log}");
    let lines = log.lines().filter(|line| line.contains("are taken"));
    assert!((1..=2).contains(&lines.count()), "{log}");
}

fn as_many_connections_are_taken_as_the_process_may_have(engine: Engine) {
    let server = Options::new(engine).ulimit("-S -n 256").start();
    let mut silent = connect(&server, 400);
    ask(&mut silent[399]);
    ask(&mut silent[0]);
}
