//! Which server to call, and as whom.
//!
//! Each setting comes from the first layer that has it: flags, environment
//! (`CORO_URL`, `CORO_TOKEN`), `.coro/local/cli.json` and `.coro/cli.json`
//! found upward from the working directory, the user's `coro/cli.json`, and at
//! last the local server's data folder. A file that can't be read or makes no
//! sense stops the command: to go on without it could mean another server.
//!
//! `.coro/cli.json` is made to be committed, so it comes from whoever wrote
//! the repository, and so may `.coro/local`. It may name a server, but must not
//! lure the user's token or passphrase there: a server that it names is trusted
//! only where it is the local one, or stands in the user's own file. The token
//! in `.coro/local` is the user's and stays at home too, also where the same file
//! names the server: a repository may have brought that file with an address in
//! it, and the token was written into it afterwards.

mod environment;
mod file;
mod local;
mod token;

use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) use environment::Environment;
pub(crate) use file::{
    FileSettings, create_private, find_project, local_file, prepare_local, user_file, write_file,
};
pub(crate) use token::Token;

use crate::error::{CliError, Result, usage};
use crate::http::Address;
use file::read_file;
use local::LocalServer;

/// How a server is named, for whoever named it otherwise.
pub(crate) const ADDRESS_HINT: &str =
    "name it as http://127.0.0.1:9800, https://HOST or unix:/PATH";

/// The settings that a flag, a variable or a file can give.
struct Settings {
    url: Option<Setting<Address>>,
    /// Where tokens were found, the first layer first.
    tokens: Vec<Setting<Token>>,
    /// Servers that the user's file names.
    trusted: Vec<Address>,
}

pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Which layer a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Variable(&'static str),
    ProjectFile(PathBuf),
    /// The file of a project that is not committed.
    ProjectLocalFile(PathBuf),
    UserFile(PathBuf),
    LocalServer(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => f.write_str(name),
            Origin::Variable(name) => f.write_str(name),
            Origin::ProjectFile(path)
            | Origin::ProjectLocalFile(path)
            | Origin::UserFile(path)
            | Origin::LocalServer(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The server to call, decided.
pub(crate) struct Target {
    /// Where it may be, the likeliest first; never empty.
    pub(crate) places: Vec<Address>,
    pub(crate) places_from: Origin,
    /// Whether it may have what is the user's own: their token, their
    /// passphrase.
    pub(crate) is_trusted: bool,
    /// The token that may be sent there.
    token: Option<Setting<Token>>,
    /// Where a token stands that was meant for the call, and may not be sent.
    kept_back: Option<Origin>,
}

impl Target {
    /// The token to call with. One that may not be sent there ends the command:
    /// whoever set it meant to be somebody.
    pub(crate) fn token(&self) -> Result<Option<&Setting<Token>>> {
        match &self.kept_back {
            Some(origin) => Err(self.untrusted(origin)),
            None => Ok(self.token.as_ref()),
        }
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Something of the user's own would go to a server that a repository names.
    pub(crate) fn untrusted(&self, what: impl fmt::Display) -> CliError {
        let (place, named_by) = (&self.places[0], &self.places_from);
        usage(format!(
            "{what} is not sent to {place}, which only {named_by} names, a file of the repository"
        ))
        .hint(format!(
            "where that server is yours, say so with coro-cli config trust {place}"
        ))
    }
}

impl Settings {
    /// Reads all layers but the local server's.
    fn load(
        url_flag: Option<&str>,
        token_file: Option<&Path>,
        env: &Environment,
    ) -> Result<Settings> {
        env.check()?;
        let mut settings = Settings {
            url: None,
            tokens: Vec::new(),
            trusted: Vec::new(),
        };
        if let Some(url) = url_flag {
            settings.offer_url(url, Origin::Flag("--url"))?;
        }
        if let Some(path) = token_file {
            let token = token::read_token_file(path)?;
            settings.tokens.push(Setting {
                value: token,
                origin: Origin::Flag("--token-file"),
            });
        }
        if let Some(url) = &env.url {
            settings.offer_url(url, Origin::Variable("CORO_URL"))?;
        }
        if let Some(token) = &env.token {
            let token = Token::parse(token).map_err(|fault| {
                usage(format!("CORO_TOKEN {fault}"))
                    .hint("set it to the token alone, as coro-cli register prints it")
            })?;
            settings.tokens.push(Setting {
                value: token,
                origin: Origin::Variable("CORO_TOKEN"),
            });
        }
        if let Some(project) = find_project(&env.working_directory) {
            let (local, committed) = (project.join("local/cli.json"), project.join("cli.json"));
            settings.offer_file(&local, Origin::ProjectLocalFile(local.clone()))?;
            settings.offer_file(&committed, Origin::ProjectFile(committed.clone()))?;
        }
        if let Some(path) = user_file(env) {
            settings.offer_file(&path, Origin::UserFile(path.clone()))?;
        }
        Ok(settings)
    }

    fn offer_file(&mut self, path: &Path, origin: Origin) -> Result<()> {
        let Some(file) = read_file(path)? else {
            return Ok(());
        };
        self.offer_trusted(&file, &origin)?;
        if let Some(url) = file.url {
            self.offer_url(&url, origin.clone())?;
        }
        if let Some(token) = file.token {
            self.tokens.push(Setting {
                value: token,
                origin,
            });
        }
        Ok(())
    }

    fn offer_url(&mut self, url: &str, origin: Origin) -> Result<()> {
        if self.url.is_none() {
            let value = url
                .parse()
                .map_err(|fault| usage(format!("{origin}: {fault}")).hint(ADDRESS_HINT))?;
            self.url = Some(Setting { value, origin });
        }
        Ok(())
    }

    fn offer_trusted(&mut self, file: &FileSettings, origin: &Origin) -> Result<()> {
        if !file.trusted.is_empty() && !matches!(origin, Origin::UserFile(_)) {
            return Err(usage(format!(
                "{origin}: a repository can't say which servers you trust"
            ))
            .hint(
                "take \"trusted\" out of it; yours are in your own file: coro-cli config trust URL",
            ));
        }
        if !matches!(origin, Origin::UserFile(_)) {
            return Ok(());
        }
        for url in file.trusted.iter().chain(&file.url) {
            let address = url.parse();
            self.trusted.push(
                address.map_err(|fault| usage(format!("{origin}: {fault}")).hint(ADDRESS_HINT))?,
            );
        }
        Ok(())
    }

    /// The first token that may be sent to a server that only a file of the
    /// repository names; or where one stands that must not be.
    fn token_for_untrusted(self) -> std::result::Result<Option<Setting<Token>>, Origin> {
        for token in self.tokens {
            match &token.origin {
                // It may be meant for another server.
                Origin::UserFile(_) => {}
                Origin::Flag(_) | Origin::Variable(_) | Origin::ProjectLocalFile(_) => {
                    return Err(token.origin);
                }
                _ => return Ok(Some(token)),
            }
        }
        Ok(None)
    }
}

/// Decides which server is called, and with which token.
pub(crate) fn find_target(
    url: Option<&str>,
    token_file: Option<&Path>,
    env: &Environment,
) -> Result<Target> {
    resolve(Settings::load(url, token_file, env)?, env)
}

fn resolve(mut settings: Settings, env: &Environment) -> Result<Target> {
    let local = LocalServer::find(env);
    let (places, places_from) = match (settings.url.take(), &local) {
        (Some(url), _) => (vec![url.value], url.origin),
        (None, Some(local)) => (local.places()?, local.origin()),
        (None, None) => {
            return Err(
                usage("no server is named, and there is no home folder to look for one")
                    .hint("set CORO_URL, or CORO_DATA_DIR to the folder of a local server"),
            );
        }
    };
    let is_trusted = match (&places_from, &local) {
        (Origin::ProjectFile(_) | Origin::ProjectLocalFile(_), local) => {
            let is_local = local.as_ref().map(|local| local.is_at(&places));
            places.iter().all(|place| settings.trusted.contains(place))
                || is_local.transpose()?.unwrap_or(false)
        }
        _ => true,
    };
    // A token that may not be sent there says all the same that the caller is
    // somebody else than the owner, perhaps an agent.
    let is_known = !settings.tokens.is_empty();
    let (found, kept_back) = match is_trusted {
        true => (settings.tokens.into_iter().next(), None),
        false => match settings.token_for_untrusted() {
            Ok(found) => (found, None),
            Err(kept_back) => (None, Some(kept_back)),
        },
    };
    let token = match (found, local) {
        (Some(token), _) => Some(token),
        (None, Some(local)) if !is_known => local.token_for(&places, env)?,
        (None, _) => None,
    };
    Ok(Target {
        places,
        places_from,
        is_trusted,
        token,
        kept_back,
    })
}

#[cfg(test)]
mod tests;
