//! `coro-server` with the feature `testing`.

fn main() -> std::process::ExitCode {
    coro_server::main()
}
