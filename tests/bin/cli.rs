//! `coro-cli`, built beside the server of the tests.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(coro_cli::run_program().code())
}
