//! The program `coro-cli`; see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(coro_cli::run_program().code())
}
