use std::process::{Command, Stdio};

use clap::Args;
use coro_api::dashboard::{DashboardCode, SignedOut};

use crate::commands::Run;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::session::Session;

/// Sign in to the dashboard: print its address with a code, and open it in the browser
///
/// The code is good once, for a minute; the session may do what your token
/// may. Needs a token of the owner or a controller.
#[derive(Args)]
pub(crate) struct Dashboard {
    /// Only print the address: for a browser that runs elsewhere
    #[arg(long)]
    no_open: bool,
    /// End all sessions instead; those of your token where you are no owner
    #[arg(long, conflicts_with = "no_open")]
    sign_out_all: bool,
}

impl Run for Dashboard {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        if self.sign_out_all {
            let request = Request::new(Method::Delete, "/api/dashboard/sessions");
            let response = session.call(request)?;
            return session.show(&response, |signed_out: SignedOut| {
                format!("{} ended", signed_out.ended)
            });
        }
        // A code is for the browser of a person, not for whom the server
        // runs commands; and whoever answers says which page that person sees.
        let target = session.target()?;
        if !target.is_trusted {
            return Err(target.untrusted("your browser"));
        }
        let request = Request::new(Method::Post, "/api/dashboard/codes");
        let response = session.call(request)?;
        let mut address = String::new();
        session.show(&response, |code: DashboardCode| {
            address.clone_from(&code.url);
            code.url
        })?;
        session.flush()?;
        if !self.no_open && !session.options.wants_json() && !opens(&address) {
            session.talk("no browser could be started here: open the address within a minute");
        }
        Ok(())
    }
}

/// Starts the user's browser. What it says is not ours to print, and whether
/// it ends is not waited for: some are the browser themselves.
fn opens(address: &str) -> bool {
    // What opens addresses also opens files and programs.
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return false;
    }
    let program: &[&str] = if cfg!(windows) {
        &["rundll32", "url.dll,FileProtocolHandler"]
    } else if cfg!(target_os = "macos") {
        &["open"]
    } else {
        &["xdg-open"]
    };
    Command::new(program[0])
        .args(&program[1..])
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
