//! How much the page takes: the first load, many rows, a busy log.

use std::time::{Duration, Instant};

use coro_tests::Client;
use serde_json::{Value, json};

use coro_tests::browser::Visit;

/// All that the first load may send, compressed, in bytes.
const FIRST_LOAD_MAX: i64 = 120 * 1024;

/// The longest that the page may be busy at a time while it scrolls, in
/// milliseconds of the processor: the machine may be busy with other things.
pub(crate) const LONG_TASK_MS: f64 = 50.0;

/// From here on a person notices that it does not answer, in milliseconds.
const FREEZE_MS: f64 = 200.0;

/// How long the processor's time is recorded, at the end, where the page has
/// most: a minute's recording is too large to read.
const TRACED_SECONDS: u32 = 4;

/// Notes how long the longest task has taken by the clock, which on a busy
/// machine is more than the page's own doing.
const LONGEST: &str = "window.__longest = 0; new PerformanceObserver((list) => { \
     for (const task of list.getEntries()) window.__longest = Math.max(window.__longest, task.duration); \
     }).observe({entryTypes: ['longtask']}); 1";

/// What a long run must reach of a thousand entries a second: it is to test a busy
/// log, not a slow machine.
const RATE_MIN: f64 = 800.0;

/// Entries of one call; at a thousand a second also the milliseconds until the
/// next one.
const PART: u32 = 125;

/// What its heap may grow by, in bytes.
const HEAP_MAX: f64 = 10.0 * 1024.0 * 1024.0;

#[test]
fn the_first_load_is_small() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let cacheless = json!({"cacheDisabled": true});
    visit.page.send("Network.setCacheDisabled", cacheless);
    visit.page.open(&format!("{}/", visit.url));
    visit.page.finds(".live", "Live");
    visit.page.finds(".card", "Nothing waits");
    let loaded = visit.page.eval(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')] \
         .filter((one) => !new URL(one.name).pathname.startsWith('/api')).map((one) => [one.name, one.transferSize])",
    );
    let loaded: Vec<(String, i64)> = serde_json::from_value(loaded).expect("sizes");
    let sum: i64 = loaded.iter().map(|(_, bytes)| bytes).sum();
    println!("first load: {sum} bytes in {} files", loaded.len());
    assert!(
        sum > FIRST_LOAD_MAX / 10,
        "nothing was measured: {loaded:#?}"
    );
    assert!(sum < FIRST_LOAD_MAX, "{sum}: {loaded:#?}");
}

#[test]
fn ten_thousand_rows_scroll_without_a_long_task() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    for chunk in (0..10_000).collect::<Vec<_>>().chunks(125) {
        let writes: Vec<Value> = chunk
            .iter()
            .map(|n| json!({"op": "put", "key": format!("shop/key{n:05}"), "value": n}))
            .collect();
        visit
            .server
            .post("/api/txn", json!({ "writes": writes }))
            .ok::<Value>();
    }
    visit.go("/state?prefix=shop/");
    visit.page.finds(".count", "10,000 keys");
    visit.page.finds("[role=row]", "key00000");
    visit.page.begin_trace();
    visit.page.eval(
        "new Promise((done) => { const table = document.querySelector('[data-table]'); let step = 0; \
         const next = () => { table.scrollTop += 1700; step += 1; \
         if (step < 200) requestAnimationFrame(next); else done(true); }; next(); })",
    );
    visit.page.finds("[role=row]", "key09999");
    let rows = visit.page.eval("document.querySelectorAll('.row').length");
    assert!(rows.as_i64().is_some_and(|rows| rows < 80), "{rows}");
    let busy = visit.page.longest_task_ms();
    println!("longest task while 10,000 rows scroll: {busy} ms");
    assert!(busy < LONG_TASK_MS, "{busy}");
    visit.page.assert_quiet();
}

#[test]
fn a_busy_log_neither_freezes_the_page_nor_fills_its_memory() {
    let Some(mut visit) = Visit::start() else {
        return;
    };
    let long = coro_tests::variable("CORO_LONG").is_some();
    let seconds: u32 = if long { 60 } else { 5 };
    visit.go("/events");
    visit.page.finds("h1", "Events");
    let before = heap(&mut visit);
    visit.page.eval(LONGEST);
    let began = Instant::now();
    write_at_pace(&visit.server.owner(), (seconds - TRACED_SECONDS) * 1000);
    visit.page.begin_trace();
    write_at_pace(&visit.server.owner(), TRACED_SECONDS * 1000);
    let rate = 1000.0 * f64::from(seconds) / began.elapsed().as_secs_f64();
    visit.server.publish("shop.last", json!(null));
    visit.page.finds("[role=row]", "shop.last");
    let busy = visit.page.longest_task_ms();
    let longest = visit.page.eval("window.__longest");
    let after = heap(&mut visit);
    println!(
        "{rate:.0} entries a second for {seconds} s: longest task {busy} ms of the processor, {longest} ms of the clock, heap {before} bytes, then {after}"
    );
    assert!(!long || rate > RATE_MIN, "{rate}");
    assert!(busy < FREEZE_MS, "{busy}");
    assert!(after - before < HEAP_MAX, "{before} {after}");
    visit.page.assert_quiet();
}

/// Writes a thousand entries a second, in parts; slower where the machine is.
fn write_at_pace(client: &Client, total: u32) {
    let began = Instant::now();
    for part in 0..total / PART {
        let writes: Vec<Value> = (part * PART..(part + 1) * PART)
            .map(|n| json!({"op": "put", "key": format!("shop/key{}", n % 500), "value": {"n": n}}))
            .collect();
        // The pace is what is tested here, so it does wait for time.
        let due = began + Duration::from_millis(u64::from(part * PART));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        client
            .post("/api/txn", json!({ "writes": writes }))
            .ok::<Value>();
    }
}

/// What the page's objects take after a collection, in bytes.
fn heap(visit: &mut Visit) -> f64 {
    visit.page.send("HeapProfiler.collectGarbage", json!({}));
    let usage = visit.page.send("Runtime.getHeapUsage", json!({}));
    usage["usedSize"].as_f64().expect("bytes")
}
