//! `coro-cli hook` as a client starts it: a process for each hook, several at
//! once where it uses several tools at once. The server is a stand-in.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use coro_tests::Cli;
use serde_json::{Value, json};

/// How many hooks a client runs beside each other.
const HOOKS: usize = 8;

#[test]
fn hooks_beside_each_other_show_a_message_once_and_tell_so() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path();
    std::fs::create_dir_all(folder.join(".coro")).expect("a folder");
    let (url, server) = serve(
        2 * HOOKS,
        &json!({"messages": [{"number": "M-1", "text": "hello"}]}),
    );
    let cli = Cli::new(folder).url(&url).token("cor_agent");
    let hook = json!({"hook_event_name": "PostToolUse", "cwd": folder, "tool_name": "Read", "tool_input": {}});
    let run = || cli.run_with_input(&["hook", "claude"], hook.to_string().as_bytes());
    let at_once = || -> Vec<_> {
        thread::scope(|scope| {
            let hooks: Vec<_> = (0..HOOKS).map(|_| scope.spawn(run)).collect();
            hooks
                .into_iter()
                .map(|hook| hook.join().expect("it ran"))
                .collect()
        })
    };
    let outputs = at_once();
    assert!(
        outputs
            .iter()
            .all(|output| (output.code, output.stderr.as_str()) == (0, "")),
        "{outputs:?}"
    );
    let shown = outputs
        .iter()
        .filter(|output| output.stdout.contains("hello"));
    assert_eq!(shown.count(), 1, "{outputs:?}");
    assert!(at_once().iter().all(|output| output.stdout.is_empty()));

    let calls = server.join().expect("it answered");
    assert!(
        calls.iter().any(|call| call["shown"] == json!(["M-1"])),
        "{calls:?}"
    );
}

/// Answers so many calls the same way; joining gives what they asked.
fn serve(calls: usize, answer: &Value) -> (String, thread::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let body = answer.to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = thread::spawn(move || {
        let asked = (0..calls).map(|_| {
            let (mut stream, _) = listener.accept().expect("a call");
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let count = stream.read(&mut part).expect("a request");
                request.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&request);
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(call) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    stream.write_all(answer.as_bytes()).expect("it listens");
                    break call;
                }
            }
        });
        asked.collect()
    });
    (url, server)
}
