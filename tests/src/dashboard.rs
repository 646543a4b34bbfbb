//! The dashboard's page as a client: signed in with both halves of a session.

use coro_api::dashboard::{DashboardCode, SignedIn};
use serde_json::json;

use crate::{Client, Request, Response, Server};

/// A page that has signed in.
#[derive(Clone, Debug)]
pub struct DashboardClient {
    client: Client,
    /// As it is sent: name and value.
    pub cookie: String,
    pub key: String,
}

impl DashboardClient {
    /// Signs in with an answer to [`Server::sign_in`].
    #[track_caller]
    pub fn of(client: &Client, answer: Response) -> DashboardClient {
        let answer = answer.expect(200);
        let line = answer.the("set-cookie").to_owned();
        let cookie = line.split(';').next().unwrap_or_default().to_owned();
        DashboardClient {
            client: client.clone(),
            cookie,
            key: answer.json::<SignedIn>().key,
        }
    }

    /// The same session at another server or another address of one.
    pub fn at(&self, url: &str) -> DashboardClient {
        DashboardClient {
            client: Client::new(url, None),
            ..self.clone()
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn get(&self, path: &str) -> Request {
        self.with_session(self.client.get(path))
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        self.with_session(self.client.request(method, path))
    }

    fn with_session(&self, request: Request) -> Request {
        request
            .header("Cookie", &self.cookie)
            .header("Coro-Session-Key", &self.key)
    }
}

impl Server {
    /// Where the dashboard listens; it must have been started with one.
    pub fn dashboard_url(&self) -> String {
        let lines = self.greeting(2);
        let line = lines[1].trim().strip_prefix("dashboard");
        line.unwrap_or_else(|| panic!("no dashboard: {lines:?}"))
            .trim()
            .to_owned()
    }

    /// Whoever calls the dashboard without a session.
    pub fn visitor(&self) -> Client {
        Client::new(&self.dashboard_url(), None)
    }

    /// A code that someone's token makes.
    pub fn code_of(&self, client: &Client) -> String {
        let made: DashboardCode = client.post_nothing("/api/dashboard/codes").ok();
        let (page, code) = made.url.split_once("/#code=").expect("a code");
        assert_eq!(page, self.dashboard_url());
        code.to_owned()
    }

    /// A sign-in with a code, not sent yet.
    pub fn sign_in(&self, code: &str) -> Request {
        self.visitor().post("/session", json!({ "code": code }))
    }

    /// A page that someone has signed in to.
    pub fn page_of(&self, client: &Client) -> DashboardClient {
        let code = self.code_of(client);
        DashboardClient::of(&self.visitor(), self.sign_in(&code).send())
    }

    /// A page of the owner.
    pub fn page(&self) -> DashboardClient {
        self.page_of(&self.owner())
    }
}
