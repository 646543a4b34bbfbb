//! Order and matching are the same on both engines, and as simple as they are
//! said to be: compared with a model, for random keys and topics.

use std::collections::BTreeSet;

use coro_api::events::Event;
use coro_api::state::StateItem;
use coro_tests::{Engine, Server, encode, key_path};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

/// Characters where collations and patterns of databases go wrong.
const SEGMENT: &str = "[aAbzZ0_%?*\\\\'\"\\[\\] éÉßäΩ日🦀\u{7f0}-]{1,4}";

fn servers() -> Vec<Server> {
    Engine::ALL
        .into_iter()
        .filter(|engine| engine.is_here())
        .map(Server::start)
        .collect()
}

fn text(regex: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(regex).expect("a pattern of characters")
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    })
}

/// `*` stands for anything, everything else for itself.
fn matches(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        Some((first, rest)) => text
            .split_first()
            .is_some_and(|(c, text)| c == first && matches(rest, text)),
    }
}

fn model_matches(pattern: &str, text: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    pattern.is_empty() || matches(&chars(pattern), &chars(text))
}

#[test]
fn keys_have_one_order_and_one_meaning_of_prefix() {
    let servers = servers();
    let all = std::cell::RefCell::new(BTreeSet::new());
    let keys = proptest::collection::vec(text(&format!("{SEGMENT}(/{SEGMENT}){{0,2}}")), 1..8);
    let prefix = text("[aA%_é/]{0,2}");
    let result = runner(24).run(&(keys, prefix), |(keys, prefix)| {
        let mut all = all.borrow_mut();
        for key in keys {
            for server in &servers {
                server.set(&key, "1");
            }
            all.insert(key);
        }
        let expected: Vec<&String> = all.iter().filter(|key| key.starts_with(&prefix)).collect();
        for server in &servers {
            let path = format!("/api/state?prefix={}", encode(&prefix));
            let items: Vec<StateItem> = server.get(&path).ok();
            let found: Vec<&String> = items.iter().map(|item| &item.key).collect();
            prop_assert_eq!(&found, &expected, "{:?}", server.engine());
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    for key in all.borrow().iter().take(20) {
        for server in &servers {
            server.get(&key_path(key)).send().expect(200);
        }
    }
}

#[test]
fn topics_match_patterns_as_the_model_does() {
    let servers = servers();
    let all = std::cell::RefCell::new(Vec::<String>::new());
    let topics = proptest::collection::vec(text(&format!("{SEGMENT}(\\.{SEGMENT}){{0,2}}")), 1..8);
    let pattern = text("[aAé%_?.*🦀]{0,4}");
    let result = runner(24).run(&(topics, pattern), |(topics, pattern)| {
        let mut all = all.borrow_mut();
        for topic in topics {
            for server in &servers {
                server.publish(&topic, json!(1));
            }
            all.push(topic);
        }
        let expected: Vec<&String> = all
            .iter()
            .rev()
            .filter(|topic| model_matches(&pattern, topic))
            .collect();
        for server in &servers {
            let query = format!("last=10000&topic={}&source=owner", encode(&pattern));
            let events: Vec<Event> = server.owner().history(&query);
            let found: Vec<&String> = events.iter().map(|event| &event.topic).collect();
            prop_assert_eq!(&found, &expected, "{:?} {:?}", server.engine(), pattern);
            let query = format!("from=0&limit=10000&pattern={}", encode(&pattern));
            let polled = server.owner().poll(&query).events;
            let own = polled.iter().filter(|event| event.source == "owner");
            prop_assert!(
                own.map(|event| &event.topic)
                    .eq(expected.iter().rev().copied())
            );
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
