//! From a command line to an exit code.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};

use crate::arguments::{self, Parsed};
use crate::config::Environment;
use crate::error::Exit;
use crate::http::Transport;
use crate::machine::Machine;
use crate::session::{Place, Session};

/// Runs the process's own command line.
pub fn run_program() -> Exit {
    let mut stdin = io::stdin();
    // The buffer makes one write of an answer; commands flush what must be
    // seen at once.
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr();
    let machine = Machine::new(Environment::read(), &mut stdin, io::stdout().is_terminal());
    let place = Place::Machine(Box::new(machine));
    run(env::args_os().skip(1).collect(), place, &mut out, &mut err)
}

/// Runs one command line, without the program's name, over `transport`.
///
/// The transport also says who calls. What the program would print goes to
/// `out` and `err`. Nothing but the transport is touched: commands that need files, standard
/// input or a stream without end are refused with a reason.
pub fn run_line(
    arguments: Vec<OsString>,
    transport: &mut dyn Transport,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    run(arguments, Place::Server(transport), out, err)
}

pub(crate) fn run<'a>(
    arguments: Vec<OsString>,
    place: Place<'a>,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
) -> Exit {
    let (options, command) = match arguments::parse(arguments) {
        Parsed::Command(options, command) => (options, command),
        Parsed::Help(text) => return print_help(&text, out),
        Parsed::Mistake(error) => {
            let _ = writeln!(err, "coro-cli: {error}");
            return error.exit;
        }
    };
    let mut session = Session::new(options, command.name.clone(), place, out, err);
    let result = session
        .check_options()
        .and_then(|()| command.run(&mut session));
    // What was printed before an error is printed all the same.
    let flushed = session.flush();
    match result.and(flushed) {
        Ok(()) => Exit::Done,
        Err(error) => {
            if !error.is_silent() {
                session.talk(&error.to_string());
            }
            error.exit
        }
    }
}

fn print_help(text: &str, out: &mut dyn Write) -> Exit {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) => crate::error::output_failed(&error).exit,
    }
}

#[cfg(test)]
mod tests;
