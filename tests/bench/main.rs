//! The benchmarks: Coro and its peers under the same load, on one machine, in
//! one run.
//!
//! ```text
//! cargo run --release -p coro-tests --bin bench -- [--install] [--quick] [--load-seconds N] [--only STATE,EVENTS,CLI,TASKS,SERVER,LEASES]
//! ```
//!
//! It builds the release programs, starts them and every peer that is
//! installed on loopback with folders of their own, and takes turns between
//! them within each measurement, so that what disturbs the machine disturbs
//! all. Every figure is the median of several rounds. The Markdown table goes
//! to standard output, progress to standard error.
//!
//! Absolute figures differ from machine to machine and from hour to hour:
//! compare ratios, and look at the column of foreign CPU load first.
//!
//! To add a measurement: a file named after what it measures, with one
//! function that adds rows to the [`report::Report`]; a line in [`measure`].
//! To add a peer: a file in `peers/` and a line in [`peers::Peers::start`].

mod cli;
#[path = "../crash/cluster.rs"]
mod cluster;
mod coro;
mod delay;
mod events;
mod hello;
mod install;
mod leases;
mod load;
mod machine;
mod peers;
mod process;
mod report;
mod server;
mod state;
mod tasks;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};

/// Measures Coro beside its peers and prints one Markdown table.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// Install the peers that are missing from Debian (needs root).
    #[arg(long)]
    install: bool,
    /// One short round of everything: whether it runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// How long one load lasts, in seconds, where not four.
    #[arg(long, value_name = "SECONDS", conflicts_with = "quick", value_parser = clap::value_parser!(u64).range(1..))]
    load_seconds: Option<u64>,
    /// Only these parts, with commas between.
    #[arg(long, value_enum, ignore_case = true, value_delimiter = ',')]
    only: Vec<Part>,
    /// A NATS server that knows `sync_interval`, where the installed one does
    /// not (it came with 2.10).
    #[arg(long, value_name = "PROGRAM", default_value = "nats-server")]
    nats_server: String,
    /// Serve the bare "hello" that reads are compared with, until killed.
    #[arg(long, hide = true)]
    hello_server: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    State,
    Events,
    Cli,
    Tasks,
    Server,
    Leases,
}

/// How long and how often everything is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Of which the median is taken.
    rounds: usize,
    /// How long one load lasts.
    load: Duration,
    /// How often each command is run as a process of its own.
    spawns: usize,
    /// How often the server is started.
    starts: usize,
    /// How many events one fan-out has.
    events: u32,
}

const FULL: Scale = Scale {
    rounds: 3,
    load: Duration::from_secs(4),
    spawns: 300,
    starts: 15,
    events: 10_000,
};

const QUICK: Scale = Scale {
    rounds: 1,
    load: Duration::from_millis(800),
    spawns: 40,
    starts: 3,
    events: 2_000,
};

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = if options.hello_server {
        hello::serve()
    } else {
        measure(&options)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    if options.install {
        install::missing()?;
    }
    let programs = coro::build()?;
    let mut scale = if options.quick { QUICK } else { FULL };
    if let Some(seconds) = options.load_seconds {
        scale.load = Duration::from_secs(seconds);
    }
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let mut report = report::Report::new();
    if wanted(Part::State) {
        state::measure(&programs, options, &scale, &mut report)?;
    }
    if wanted(Part::Events) {
        events::measure(&programs, &scale, &mut report)?;
    }
    if wanted(Part::Cli) {
        cli::measure(&programs, &scale, &mut report)?;
    }
    if wanted(Part::Tasks) {
        tasks::measure(&programs, &scale, &mut report)?;
    }
    if wanted(Part::Server) {
        server::measure(&programs, options, &scale, &mut report)?;
    }
    if wanted(Part::Leases) {
        leases::measure(&programs, &scale, &mut report)?;
    }
    report.print(&scale);
    Ok(())
}
