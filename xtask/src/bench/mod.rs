//! `cargo xtask bench`: measured values beside their targets. Reports, not tests: machines differ.

mod browser;
mod client;
/// The store's tests start the same.
#[path = "../../../crates/store/tests/store/instance.rs"]
mod postgres;
mod process;
mod server;
mod start;

use anyhow::Result;

use crate::report::{Row, print};

/// One part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// What visitors feel, in Chromium.
    Browser,
    /// The binary: size, start, memory.
    Start,
    /// The server under load: messages, latency, connections, memory.
    Server,
    /// The same with PostgreSQL.
    Postgres,
}

/// Runs `parts`, or all of them, against the release binary.
pub(crate) fn run(parts: &[Part], as_json: bool) -> Result<()> {
    let all = <Part as clap::ValueEnum>::value_variants();
    crate::build_release()?;
    for part in if parts.is_empty() { all } else { parts } {
        let (title, rows): (_, Vec<Row>) = match part {
            Part::Browser => ("browser", browser::measure()?),
            Part::Start => ("binary", start::measure()?),
            Part::Server => ("server on one core with SQLite", server::measure_sqlite()?),
            Part::Postgres => ("server on one core with PostgreSQL", server::measure_postgres()?),
        };
        if as_json {
            println!("{}", serde_json::to_string(&rows)?);
        } else {
            print(title, &rows);
        }
    }
    Ok(())
}
