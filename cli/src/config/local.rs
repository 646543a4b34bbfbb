//! The server that runs on this machine, found through its data folder.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::file::is_absent;
use super::{Environment, Origin, Setting, Token};
use crate::error::{Result, failed, file_failed, usage};
use crate::http::Address;

/// Where a server listens that was told nothing else, as text of an address.
const USUAL_URL: &str = "http://127.0.0.1:9800";

/// A data folder, which need not exist.
pub(super) struct LocalServer {
    data_dir: PathBuf,
    socket: Option<PathBuf>,
}

/// `server.json`, which a running server writes. Its other members are not
/// ours to check.
#[derive(Deserialize)]
struct ServerFile {
    url: String,
}

impl LocalServer {
    /// `None` where no variable tells where the data folder would be.
    pub(super) fn find(env: &Environment) -> Option<LocalServer> {
        let usual = || env.data_home.as_ref().map(|home| home.join("coro"));
        let data_dir = env.data_dir.clone().or_else(usual)?;
        let socket = match &env.socket {
            Some(socket) if socket.as_os_str() == "off" => None,
            Some(socket) => Some(socket.clone()),
            None => Some(data_dir.join("coro.sock")),
        };
        Some(LocalServer { data_dir, socket })
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::LocalServer(self.data_dir.clone())
    }

    /// The socket, then the address that the server wrote down. The usual
    /// address is a guess for where there is neither: the owner's token is not
    /// sent there, as anybody may listen on it while the server does not run.
    pub(super) fn places(&self) -> Result<Vec<Address>> {
        let socket = self
            .socket
            .clone()
            .filter(|_| cfg!(unix))
            .map(Address::Unix);
        // Next to a socket, an address with TLS has no use: it is for others.
        let url = self.url()?.filter(|url| socket.is_none() || url.is_local());
        let mut places: Vec<Address> = socket.into_iter().chain(url).collect();
        if places.is_empty() {
            places.push(USUAL_URL.parse().map_err(usage)?);
        }
        Ok(places)
    }

    /// The owner's token, where the call goes to this server and the caller is
    /// not known to be an agent.
    pub(super) fn token_for(
        &self,
        places: &[Address],
        env: &Environment,
    ) -> Result<Option<Setting<Token>>> {
        if env.is_agent || !self.is_at(places)? {
            return Ok(None);
        }
        let path = self.data_dir.join("owner.token");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let fault = |fault| failed(format!("the token in {} {fault}", path.display()));
                let value = Token::parse(&text).map_err(fault)?;
                Ok(Some(Setting {
                    value,
                    origin: Origin::LocalServer(path),
                }))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(file_failed(format!("read {}", path.display()), &error)
                .hint("set CORO_TOKEN, or use the MCP tool `coro`")),
        }
    }

    pub(super) fn is_at(&self, places: &[Address]) -> Result<bool> {
        if !places.iter().any(Address::is_local) {
            return Ok(false);
        }
        let socket = self.socket.clone().map(Address::Unix);
        if places.iter().any(|place| Some(place) == socket.as_ref()) {
            return Ok(true);
        }
        Ok(self.url()?.is_some_and(|url| places.contains(&url)))
    }

    fn url(&self) -> Result<Option<Address>> {
        let path = self.data_dir.join("server.json");
        let fault = |fault: String| {
            failed(format!("{}: {fault}", path.display())).hint("restart coro-server")
        };
        match fs::read(&path) {
            Ok(text) => {
                let file: ServerFile =
                    serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))?;
                Ok(Some(file.url.parse().map_err(fault)?))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(file_failed(format!("read {}", path.display()), &error)),
        }
    }
}
