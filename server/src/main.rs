//! The program `coro-server`; `coro_server::run` is where it begins.

fn main() -> std::process::ExitCode {
    coro_server::main()
}
