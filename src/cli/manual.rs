//! What shells and `man` know about the commands, made from the same words as `--help`.

use std::io::stdout;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{CommandFactory, ValueHint};

use super::Cli;

const NAME: &str = "portico";

/// Print what completes these commands in a shell
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// For which one: portico completions bash > /etc/bash_completion.d/portico
    shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Such as /usr/local/share/man/man1
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), NAME, &mut script);
        print(&script)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<()> {
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            return print(&page);
        };
        let written = clap_mangen::generate_to(Cli::command(), &folder);
        written.with_context(|| format!("cannot write to {}: is it there?", folder.display()))
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn print(bytes: &[u8]) -> Result<()> {
    match std::io::Write::write_all(&mut stdout(), bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
