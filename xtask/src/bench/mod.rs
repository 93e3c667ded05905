//! `cargo xtask bench`: measured values beside their targets. Reports, not tests: machines differ.

mod browser;
/// The store's tests start the same.
#[path = "../../../crates/store/tests/store/instance.rs"]
mod postgres;
mod process;
mod server;
mod start;

use anyhow::Result;

use crate::bundle::{self, Effort};
use crate::report::{Row, print};
use crate::shell::{cargo, run};

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

/// Runs `parts`, or all of them, against the release binary, which is built first unless it `is_built`.
pub(crate) fn measure(parts: &[Part], is_built: bool, as_json: bool) -> Result<()> {
    let all = <Part as clap::ValueEnum>::value_variants();
    if !is_built {
        bundle::build(Effort::Small)?;
        // Together: what both need is then compiled once.
        run(&mut cargo(["build", "--release", "--package", "portico", "--package", "portico-bench"]))?;
    }
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
