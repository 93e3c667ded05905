//! Every chore of the workspace: `cargo xtask <chore>`.

mod bench;
mod bundle;
mod check;
mod dev;
mod fuzz;
mod licence;
mod prune;
mod readme;
mod report;
mod shell;
mod size;
mod tidy;
mod tool;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bundle::Effort;
use crate::check::Step;

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
    /// The demo, built again and reloaded on every change
    Dev {
        /// Handed to `portico demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything that CI runs, or the named steps of it
    #[command(alias = "ci")]
    Test {
        /// Which; all of them if none is named
        steps: Vec<Step>,
    },
    /// Measure the release build against its targets
    Bench {
        /// Which parts; all of them if none is named
        parts: Vec<bench::Part>,
        /// Measure what target/release holds, without building it again
        #[arg(long)]
        built: bool,
        /// As JSON, one line a part
        #[arg(long)]
        json: bool,
    },
    /// What visitors download, against its budget and the last record
    Size {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Keep these sizes as the ones to compare with
        #[arg(long)]
        record: bool,
    },
    /// Feed hostile input to every parser
    Fuzz {
        /// Which; all of them if none is named
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(fuzz::TARGETS))]
        targets: Vec<String>,
        /// How long each
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// The house rules that a compiler does not know
    Tidy,
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Build { quick: true, .. } => bundle::build(Effort::Quick),
        Chore::Build { release: true, .. } => build_release(),
        Chore::Build { .. } => bundle::build(Effort::Small),
        Chore::Demo { arguments } => demo(&arguments),
        Chore::Dev { arguments } => dev::run_dev(&arguments),
        Chore::Test { steps } => check::test(&steps),
        Chore::Bench { parts, built, json } => bench::measure(&parts, built, json),
        Chore::Size { json, record } => size::check(json, record),
        Chore::Fuzz { targets, seconds } => fuzz::check(&targets, seconds),
        Chore::Tidy => tidy::check(),
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
