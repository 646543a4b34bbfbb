//! A server with its dashboard, and a page that is signed in.

use crate::{Cli, Engine, Options, Server};
use coro_api::dashboard::DashboardCode;
use serde_json::{Value, json};

use super::page::Page;

/// What the humans of the tests unlock with.
pub const PASSPHRASE: &str = "correct horse battery";

/// Somebody at the dashboard. The page is dropped before the server.
#[derive(Debug)]
pub struct Visit {
    pub page: Page,
    pub server: Server,
    /// Where the dashboard is; the same after a restart.
    pub url: String,
}

impl Visit {
    /// Signed in as the owner; none where there is no browser.
    pub fn start() -> Option<Visit> {
        let mut visit = Visit::before_sign_in()?;
        visit.sign_in();
        Some(visit)
    }

    /// As [`Visit::start`], at an address where passkeys work.
    pub fn start_named() -> Option<Visit> {
        let page = Page::new()?;
        let server = Options::new(Engine::Sqlite).start_with_named_dashboard();
        let url = server.dashboard_url();
        let mut visit = Visit { page, server, url };
        visit.sign_in();
        Some(visit)
    }

    pub fn before_sign_in() -> Option<Visit> {
        let page = Page::new()?;
        let (server, address) = Options::new(Engine::Sqlite).start_with_fixed_dashboard();
        let url = format!("http://{address}");
        Some(Visit { page, server, url })
    }

    /// The address with a fresh code.
    pub fn code(&self) -> String {
        let code: DashboardCode = self
            .server
            .owner()
            .post_nothing("/api/dashboard/codes")
            .ok();
        code.url
    }

    #[track_caller]
    pub fn sign_in(&mut self) {
        let url = self.code();
        self.page.open(&url);
        self.page.finds(".live", "Live");
    }

    /// Makes a human, while there is none.
    pub fn human(&self, name: &str) {
        let human = json!({"name": name, "passphrase": PASSPHRASE});
        self.server.post("/api/humans", human).send().expect(200);
    }

    /// Unlocks in the dialog that is open.
    #[track_caller]
    pub fn unlock(&mut self, passphrase: &str) {
        self.page.fill("dialog input[name=passphrase]", passphrase);
        self.page.click("dialog button", "Unlock");
    }

    /// Signs in with a token that is made for it.
    #[track_caller]
    pub fn sign_in_as(&mut self, token: Value) {
        let client = self.server.issue_with(token);
        let code: DashboardCode = client.post_nothing("/api/dashboard/codes").ok();
        self.page.open(&code.url);
        self.page.finds(".live", "Live");
    }

    /// The CLI of the owner.
    pub fn cli(&self) -> Cli {
        Cli::new(self.server.options().scratch())
            .url(&self.server.url())
            .token(self.server.owner().token())
    }

    #[track_caller]
    pub fn go(&mut self, path: &str) {
        self.page.go(path);
    }
}
