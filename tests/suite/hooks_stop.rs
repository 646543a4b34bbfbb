//! Hooks of an agent that is about to stop: when it goes on by itself, and when
//! no more.

use coro_api::events::Event;
use coro_api::tasks::NextTask;
use coro_tests::{Engine, Options, Server, both_engines, each_engine};
use serde_json::json;

use crate::hooks::{add_task, after_tool, hook, session, stop, tell};

both_engines![
    who_stops_is_told_of_a_blocking_message_once,
    all_that_blocks_is_told_at_once_with_its_text,
    who_stops_is_told_of_its_task_once,
    who_stops_is_told_of_a_ready_task_once,
    the_most_pressing_comes_first_and_nothing_comes_twice,
    a_paused_agent_may_stop,
];
each_engine![an_agent_goes_on_by_itself_so_often_and_no_more];

fn who_stops_is_told_of_a_blocking_message_once(server: &Server) {
    let client = session(server, "frontend");
    let number = tell(server, json!({"text": "which port?", "blocking": true}));
    let call = json!({"event": "stop", "shown": []});
    let held = hook(&client, call.clone());
    let go_on = held.go_on.expect("something waits");
    assert!(go_on.starts_with("M-1 waits for you"), "{go_on}");
    assert_eq!(held.messages[0].number, number);
    assert_eq!(hook(&client, call).go_on, None);
    // One that is dealt with holds nobody.
    let number = tell(server, json!({"text": "and now?", "blocking": true}));
    let read = client.get(&format!("/api/messages/{number}"));
    read.send().expect(200);
    assert_eq!(stop(&client), None);
}

/// Once each of them took a turn, and another to read it.
fn all_that_blocks_is_told_at_once_with_its_text(server: &Server) {
    let client = session(server, "frontend");
    let mut shown = Vec::new();
    for text in ["which port?", "which host?"] {
        shown.push(tell(server, json!({"text": text, "blocking": true})));
    }
    after_tool(&client, &[]);
    // What the agent was shown before comes again, what is new comes along.
    for number in 3..=12 {
        let text = format!("{number} {}", "x".repeat(1_000));
        tell(server, json!({"text": text, "blocking": true}));
    }
    let held = hook(&client, json!({"event": "stop", "shown": shown}));
    let go_on = held.go_on.expect("they wait");
    assert!(go_on.starts_with("M-1, M-2, M-3, "), "{go_on}");
    assert!(
        go_on.contains("\nM-1 from owner (human), blocking"),
        "{go_on}"
    );
    assert!(go_on.contains("\n> which host?\n"), "{go_on}");
    assert!(go_on.contains("\nM-10 from owner (human)"), "{go_on}");
    assert!(!go_on.contains("M-11"), "{go_on}");
    let texts: usize = held.messages.iter().map(|one| one.text.len()).sum();
    assert!(go_on.len() + texts < 6_000, "{go_on}");
    assert!(
        stop(&client)
            .expect("the rest")
            .starts_with("M-11, M-12 wait")
    );
    assert_eq!(stop(&client), None);
    // The next session is told of what is open, whoever saw it before, beside
    // what it is shown.
    let start = hook(&client, json!({"event": "session_start", "shown": []}));
    let shown: Vec<String> = start
        .messages
        .iter()
        .map(|one| one.number.to_string())
        .collect();
    assert_eq!(shown, ["M-3", "M-4", "M-5"], "{start:?}");
    assert!(start.context.contains("M-1, M-2, M-6, "), "{start:?}");
}

fn who_stops_is_told_of_its_task_once(server: &Server) {
    let client = session(server, "frontend");
    add_task(server, "Build the cart");
    let _: NextTask = client.post("/api/tasks/next", json!({})).ok();
    let go_on = stop(&client).expect("its task");
    assert!(
        go_on.starts_with("T-1 \"Build the cart\" is still yours"),
        "{go_on}"
    );
    assert_eq!(stop(&client), None);
    // Whoever starts the session again hears of it at its start.
    let start = hook(&client, json!({"event": "session_start"}));
    assert!(start.context.contains("Your task is T-1"), "{start:?}");
    client
        .post("/api/tasks/T-1/done", json!({}))
        .send()
        .expect(200);
    assert_eq!(stop(&client), None);
}

fn who_stops_is_told_of_a_ready_task_once(server: &Server) {
    let client = session(server, "frontend");
    add_task(server, "Build the cart");
    let ready = "T-1 \"Build the cart\" is ready for you: run coro-cli next, and do it.";
    assert_eq!(stop(&client).as_deref(), Some(ready));
    assert_eq!(stop(&client), None);
    let _: NextTask = client.post("/api/tasks/next", json!({})).ok();
    // That it has claimed it is another reason.
    assert!(stop(&client).expect("its task").contains("is still yours"));
    client
        .post("/api/tasks/T-1/done", json!({}))
        .send()
        .expect(200);
    assert_eq!(stop(&client), None);
    let told: Vec<Event> = server.owner().history("topic=coro.agent.continued");
    let counts: Vec<_> = told
        .iter()
        .rev()
        .map(|event| event.data["count"].clone())
        .collect();
    assert_eq!(counts, [json!(1), json!(2)]);
}

fn the_most_pressing_comes_first_and_nothing_comes_twice(server: &Server) {
    let client = session(server, "frontend");
    add_task(server, "Build the cart");
    for text in ["one", "two"] {
        tell(server, json!({"text": text, "blocking": true}));
    }
    for begins in ["M-1, M-2 wait for you", "T-1 \"Build the cart\" is ready"] {
        let go_on = stop(&client).expect("something waits");
        assert!(go_on.starts_with(begins), "{go_on}");
    }
    assert_eq!(stop(&client), None);
    // A human's word begins the count anew, and does not repeat what was told.
    hook(&client, json!({"event": "prompt"}));
    assert_eq!(stop(&client), None);
}

fn a_paused_agent_may_stop(server: &Server) {
    let client = session(server, "frontend");
    add_task(server, "Build the cart");
    let pause = json!({"project": "shop"});
    server.post("/api/pauses", pause).send().expect(200);
    assert_eq!(stop(&client), None);
    server.delete("/api/pauses?project=shop").send().expect(200);
    assert!(stop(&client).is_some());
}

fn an_agent_goes_on_by_itself_so_often_and_no_more(engine: Engine) {
    let options = Options::new(engine).config("[hooks]\ncontinuations_max = 2\n");
    let server = &options.start();
    let client = session(server, "frontend");
    for text in ["one", "two"] {
        tell(server, json!({"text": text, "blocking": true}));
        assert!(stop(&client).is_some());
    }
    tell(server, json!({"text": "three", "blocking": true}));
    assert_eq!(stop(&client), None);
    // A tool is no human's word.
    after_tool(&client, &[]);
    assert_eq!(stop(&client), None);
    hook(&client, json!({"event": "prompt"}));
    assert!(stop(&client).expect("the third").starts_with("M-3 waits"));
}
