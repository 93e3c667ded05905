//! Every chore of the workspace: `cargo xtask <chore>`.

mod bundle;
mod shell;
mod tool;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bundle::Effort;

/// Every chore of the workspace. What a chore needs and the machine lacks, it installs under target/tools
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the two browser apps into dist/, from where a debug server reads them
    Build {
        /// Quicker, larger: without optimisation and compression
        #[arg(long, conflicts_with = "release")]
        quick: bool,
        /// Also build target/release/portico, with the apps inside
        #[arg(long)]
        release: bool,
    },
    /// Build everything and start the demo shop with its chat
    Demo {
        /// Handed to `portico demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Cli::parse().chore {
        Chore::Build { quick: true, .. } => bundle::build(Effort::Quick),
        Chore::Build { release: true, .. } => build_release(),
        Chore::Build { .. } => bundle::build(Effort::Small),
        Chore::Demo { arguments } => demo(&arguments),
    }
}

fn build_release() -> Result<()> {
    bundle::build(Effort::Small)?;
    shell::run(&mut shell::cargo(["build", "--release", "--package", "portico"]))
}

/// The release build, so that what one sees is as quick as what visitors would get.
fn demo(arguments: &[String]) -> Result<()> {
    build_release()?;
    shell::run(shell::command("target/release/portico", ["demo"]).args(arguments))
}
