//! The load that `cargo xtask bench` puts on a server, and what it measures there.
//!
//! A program of its own, so that it has a core of its own and is compiled as the server is: a load that is
//! slower than what it loads measures itself. It prints one JSON object: for each figure its value in each
//! round. What it is about to do it tells on stderr.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures with the real clock")]

mod client;
mod hold;
mod idle;
mod limit;
mod newest;
mod pace;
mod process;
mod store;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::task::LocalSet;

use crate::process::Process;

/// For each figure its value in each round.
type Figures = BTreeMap<&'static str, Vec<f64>>;

/// Loads a server on this machine
#[derive(Parser)]
enum Load {
    /// As many messages as acknowledgements allow
    Hold {
        #[command(flatten)]
        server: Server,
    },
    /// Messages at a fixed rate, whatever comes back
    Pace {
        #[command(flatten)]
        server: Server,
        #[arg(long)]
        per_second: f64,
    },
    /// Signed-in connections that say nothing
    Idle {
        #[command(flatten)]
        server: Server,
    },
    /// Fills a server with long conversations and reads their newest messages
    Newest {
        #[command(flatten)]
        server: Server,
        /// The server's database: read again, without the server between
        #[arg(long)]
        database: String,
    },
    /// Serves just enough of the protocol to be loaded by `hold`: what no server on this machine can exceed
    Limit {
        /// Where its log lies
        folder: PathBuf,
    },
}

/// Which server, and where it counts its processor time and memory.
#[derive(clap::Args, Clone, Copy)]
struct Server {
    #[arg(long)]
    port: u16,
    #[arg(long = "pid")]
    process: Process,
}

fn main() -> Result<()> {
    // Every connection is a file: as many as the system allows.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: files.maximum, ..files })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    let load = tasks.run_until(async {
        match Load::parse() {
            Load::Hold { server } => hold::measure(server).await,
            Load::Pace { server, per_second } => pace::measure(server, per_second).await,
            Load::Idle { server } => idle::measure(server).await,
            Load::Newest { server, database } => newest::measure(server, &database).await,
            Load::Limit { folder } => limit::serve(&folder).await,
        }
    });
    println!("{}", serde_json::to_string(&runtime.block_on(load)?)?);
    Ok(())
}

/// The value under which `share` of all values lie. Sorts them.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
