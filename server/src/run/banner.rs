//! What the server says when it is ready.

use std::path::Path;

use crate::config::Config;
use crate::platform;

/// Prints where it listens, and commands to type next. The first line is
/// what programs wait for.
pub(super) fn print(
    url: &str,
    dashboard: Option<&str>,
    config: &Config,
    first_start: bool,
    has_token: bool,
) {
    let new = if first_start { " (new)" } else { "" };
    print_places(url, dashboard, config, new);
    println!();
    println!("In another shell:");
    if !has_token {
        // The database had an owner before this folder was made.
        println!("  export CORO_TOKEN=…   # a token that this database's owner has or makes");
    }
    let cli = cli_for(config);
    println!("  {cli} status");
    println!("  {cli} state set hello --data '\"world\"'");
    println!("  {cli} events history");
    if dashboard.is_some() {
        println!("  {cli} dashboard");
    }
}

/// Where it listens, and where its data is; `note` stands behind that.
pub(super) fn print_places(url: &str, dashboard: Option<&str>, config: &Config, note: &str) {
    println!("coro-server listens on {url}");
    if let Some(dashboard) = dashboard {
        println!("  dashboard  {dashboard}");
    }
    if let Some(socket) = &config.socket {
        println!("  socket     {}", socket.display());
    }
    println!("  data       {}{note}", config.data_dir.display());
}

/// The CLI, as one would type it here to call this server.
pub(super) fn cli_for(config: &Config) -> String {
    format!("{}{}", data_folder_variable(config), cli_command())
}

/// The CLI beside this program, as one would type it here.
fn cli_command() -> String {
    let beside = platform::cli_beside().ok().filter(|cli| cli.is_file());
    let Some(cli) = beside else {
        return "coro-cli".to_owned();
    };
    let here = std::env::current_dir().unwrap_or_default();
    shell_word(
        &cli.strip_prefix(here)
            .map_or_else(|_| cli.clone(), Path::to_owned),
    )
}

/// The CLI finds the usual data folder by itself; another must be named.
fn data_folder_variable(config: &Config) -> String {
    if platform::data_folder().as_ref() == Some(&config.data_dir) {
        return String::new();
    }
    format!("CORO_DATA_DIR={} ", shell_word(&config.data_dir))
}

fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
