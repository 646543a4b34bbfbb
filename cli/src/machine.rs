//! The machine of the user: its environment, its input, and its way to the
//! server.

use std::io::Read;

use crate::arguments::GlobalOptions;
use crate::config::{Environment, Target, Token, find_target};
use crate::error::Result;
use crate::http::{Direct, Remote, Transport};

/// What a process of the user may touch.
pub(crate) struct Machine<'a> {
    pub(crate) environment: Environment,
    pub(crate) stdin: &'a mut dyn Read,
    /// Whether a person reads the output as it comes.
    pub(crate) stdout_is_terminal: bool,
    /// Made by the first request; some commands make none.
    transport: Option<Box<dyn Transport>>,
    /// Decided by the first who asks: the files are read once.
    target: Option<Target>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(
        environment: Environment,
        stdin: &'a mut dyn Read,
        stdout_is_terminal: bool,
    ) -> Machine<'a> {
        Machine {
            environment,
            stdin,
            stdout_is_terminal,
            transport: None,
            target: None,
        }
    }

    /// The server that calls go to.
    pub(crate) fn target(&mut self, options: &GlobalOptions) -> Result<&Target> {
        let target = match self.target.take() {
            Some(target) => target,
            None => {
                let (url, token_file) = (options.url.as_deref(), options.token_file.as_deref());
                find_target(url, token_file, &self.environment)?
            }
        };
        Ok(self.target.insert(target))
    }

    /// The connection to the server that the settings name.
    pub(crate) fn transport(&mut self, options: &GlobalOptions) -> Result<&mut dyn Transport> {
        let transport = match self.transport.take() {
            Some(transport) => transport,
            None => self.connect(options)?,
        };
        Ok(self.transport.insert(transport).as_mut())
    }

    fn connect(&mut self, options: &GlobalOptions) -> Result<Box<dyn Transport>> {
        let target = self.target(options)?;
        let token = target.token()?.map(|token| token.value.clone());
        let places = target.places.clone();
        match places.as_slice() {
            [place] if !place.is_local() => {
                let certificates = self.environment.certificates.clone();
                Ok(Box::new(Remote::new(place.clone(), token, certificates)))
            }
            _ => Ok(Box::new(Direct::new(places, token))),
        }
    }

    /// Whether the server will know who calls.
    pub(crate) fn has_token(&mut self, options: &GlobalOptions) -> Result<bool> {
        Ok(self.token(options)?.is_some())
    }

    /// The token with which the server is called.
    pub(crate) fn token(&mut self, options: &GlobalOptions) -> Result<Option<&Token>> {
        let token = self.target(options)?.token()?;
        Ok(token.map(|token| &token.value))
    }

    /// What to do about a 401, where the reason is that no token was found.
    pub(crate) fn token_hint(&self) -> Option<&'static str> {
        let target = self.target.as_ref();
        if target.is_some_and(Target::has_token) {
            None
        } else if self.environment.is_agent {
            Some(
                "set CORO_TOKEN to the agent's token: with CORO_AGENT set, the owner's is not used",
            )
        } else {
            Some("set CORO_TOKEN, or store a token with coro-cli config set token - --user")
        }
    }
}
