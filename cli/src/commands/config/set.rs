//! Writing settings. A project's `cli.json` is made to be committed, so that a
//! token goes to `.coro/local`, which is not.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use super::Name;
use crate::commands::Run;
use crate::config::{
    ADDRESS_HINT, Environment, FileSettings, Token, find_project, local_file, user_file, write_file,
};
use crate::error::{Result, failed, usage};
use crate::http::Address;
use crate::session::Session;

/// The longest value that is read from standard input.
const VALUE_BYTES_MAX: u64 = 64 * 1024;

/// Write a setting to .coro/cli.json of the project, or to the user's file
///
/// The project is the nearest folder upward that has .coro, else the working
/// directory. Its token goes to .coro/local/cli.json, which git ignores; a server
/// that a project's file names gets it once you have said config trust.
#[derive(Args)]
pub(crate) struct Set {
    /// Which setting
    name: Name,
    /// The value; - reads it from standard input, where no list of processes shows it
    value: String,
    /// Write the user's file
    #[arg(long)]
    user: bool,
}

impl Run for Set {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let machine = session.machine()?;
        let value = match self.value.as_str() {
            "-" => read_value(machine.stdin)?,
            _ => self.value,
        };
        let path = match self.user {
            true => user_file(&machine.environment)
                .ok_or_else(|| usage("there is no home folder").hint("leave out --user"))?,
            false => project_file(&machine.environment, self.name)?,
        };
        let change = change_of(self.name, &value)?;
        write_file(&path, change)?;
        session.talk(&format!(
            "{} is set in {}",
            self.name.word(),
            path.display()
        ));
        Ok(())
    }
}

fn read_value(stdin: &mut dyn Read) -> Result<String> {
    let mut value = String::new();
    let read = stdin.take(VALUE_BYTES_MAX).read_to_string(&mut value);
    read.map_err(|error| failed(format!("can't read standard input: {error}")))?;
    Ok(value.trim().to_owned())
}

fn change_of(name: Name, value: &str) -> Result<FileSettings> {
    let mut change = FileSettings::default();
    match name {
        Name::Url => {
            let address: Address = value
                .parse()
                .map_err(|fault: String| usage(fault).hint(ADDRESS_HINT))?;
            change.url = Some(address.to_string());
        }
        Name::Token => {
            change.token =
                Some(Token::parse(value).map_err(|fault| usage(format!("the token {fault}")))?)
        }
    }
    Ok(change)
}

fn project_file(env: &Environment, name: Name) -> Result<PathBuf> {
    if name == Name::Token {
        return local_file(env);
    }
    let project =
        find_project(&env.working_directory).unwrap_or_else(|| env.working_directory.join(".coro"));
    Ok(project.join("cli.json"))
}
