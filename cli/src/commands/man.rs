use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::arguments;
use crate::commands::Run;
use crate::error::{Result, failed, file_failed};
use crate::session::Session;

/// Print the manual page, or write the pages of all commands to a folder
#[derive(Args)]
pub(crate) struct Man {
    /// The folder, which is made where it does not exist
    dir: Option<PathBuf>,
}

impl Run for Man {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let mut command = arguments::command();
        command.build();
        let Some(dir) = self.dir else {
            return session.bytes(&page(command)?);
        };
        session.machine()?;
        fs::create_dir_all(&dir)
            .map_err(|error| file_failed(format!("make {}", dir.display()), &error))?;
        write_pages(command, &dir)
    }
}

fn write_pages(command: Command, dir: &Path) -> Result<()> {
    for child in command
        .get_subcommands()
        .filter(|child| child.get_name() != "help")
    {
        write_pages(child.clone(), dir)?;
    }
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let path = dir.join(format!("{name}.1"));
    fs::write(&path, page(command)?)
        .map_err(|error| file_failed(format!("write {}", path.display()), &error))
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    Page::new(command)
        .render(&mut text)
        .map_err(|error| failed(format!("can't make the manual page: {error}")))?;
    Ok(text)
}
