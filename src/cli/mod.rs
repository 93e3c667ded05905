//! The command line: `portico serve`, and what an operator needs around it.

mod backup;
mod brand;
mod demo;
mod doctor;
mod manual;
mod migrate;
mod representative;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Chat for brands that customers can trust.
#[derive(Debug, Parser)]
#[command(name = "portico", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy everything that must not be lost into a new folder, also while the server runs
    Backup(backup::Backup),
    /// Add brands, prove them, check them, change their keys
    Brand(brand::Command),
    /// Print what completes these commands in a shell
    Completions(manual::Completions),
    /// Find what is misconfigured
    Doctor(doctor::Doctor),
    /// Print the manual page, or write those of all commands into a folder
    Man(manual::Man),
    /// Bring the database's schema up to date
    Migrate(migrate::Migrate),
    /// Show everything: a shop, its chat and the studio, on this machine alone.
    Demo(demo::Command),
    /// Manage the accounts of people who answer.
    Representative(representative::Command),
    /// Serve chats.
    Serve(serve::Serve),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Backup(command) => command.run(),
        Command::Brand(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Representative(command) => command.run(),
        Command::Serve(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portico: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command's future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

/// Log lines go to standard error, so that commands can print results.
fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}
