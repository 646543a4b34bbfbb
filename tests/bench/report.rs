//! The one table.

use std::time::Duration;

use crate::{Scale, machine};

/// A line of the table.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What Coro reached.
    pub(crate) coro: String,
    /// What the others reached.
    pub(crate) peers: Vec<String>,
    pub(crate) promises: Vec<Promise>,
    /// The largest share of the machine that others had meanwhile.
    pub(crate) foreign: f64,
}

/// A figure of the design, and whether it was reached.
#[derive(Debug)]
pub(crate) struct Promise {
    text: String,
    reached: bool,
}

/// `value` is to be at least `limit`.
pub(crate) fn at_least(text: impl Into<String>, value: f64, limit: f64) -> Promise {
    Promise {
        text: text.into(),
        reached: value >= limit,
    }
}

/// `value` is to be at most `limit`.
pub(crate) fn at_most(text: impl Into<String>, value: f64, limit: f64) -> Promise {
    Promise {
        text: text.into(),
        reached: value <= limit,
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Report { rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        eprintln!(
            "bench: {}: {} | {}",
            row.what,
            row.coro,
            row.peers.join(" | ")
        );
        self.rows.push(row);
    }

    /// Prints it as Markdown.
    pub(crate) fn print(&self, scale: &Scale) {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let separator = if arguments.is_empty() { "" } else { " -- " };
        println!(
            "`cargo run --release -p coro-tests --bin bench{separator}{}`\n",
            arguments.join(" ")
        );
        println!(
            "{}. Medians of {} rounds of {:?}, over loopback, one connection for each client, \
             256-byte JSON values, {} keys. Cells are operations a second · p50/p99 in \
             milliseconds · processor time of the server for one operation, which other programs \
             disturb least; × is Coro's figure divided by the peer's. *Foreign* is the largest \
             share of the machine that other programs had during a measurement of the line.\n",
            machine::facts(),
            scale.rounds,
            scale.load,
            crate::load::KEYS
        );
        println!("| measured | Coro | peers | promise | foreign |");
        println!("|---|---|---|---|---|");
        for row in &self.rows {
            let promises: Vec<String> = row.promises.iter().map(Promise::cell).collect();
            println!(
                "| {} | {} | {} | {} | {:.0} % |",
                row.what,
                row.coro,
                row.peers.join("<br>"),
                promises.join("<br>"),
                row.foreign * 100.0
            );
        }
    }
}

impl Promise {
    fn cell(&self) -> String {
        let reached = if self.reached {
            "reached"
        } else {
            "**not reached**"
        };
        format!("{}: {reached}", self.text)
    }
}

/// `12,345`.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds with two or three figures that count.
pub(crate) fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    if millis < 10.0 {
        format!("{millis:.2}")
    } else {
        format!("{millis:.1}")
    }
}

/// The one in the middle, by `key`.
pub(crate) fn median_by<T: Copy>(values: &[T], key: impl Fn(&T) -> f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| key(a).total_cmp(&key(b)));
    sorted[sorted.len() / 2]
}
