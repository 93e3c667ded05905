//! A product feed of a hundred thousand items, on both databases.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::bench::postgres::Instance;
use crate::report::Row;
use crate::shell::{command, root};

const SECONDS_MAX: f64 = 20.0;
const MEBIBYTES_MAX: f64 = 300.0;
const SEARCH_MS_MAX: f64 = 20.0;

/// Imports and searches with SQLite, then with PostgreSQL.
pub(crate) fn measure() -> Result<Vec<Row>> {
    let mut rows = on("SQLite", None)?;
    let instance = Instance::start(&[], "on");
    rows.extend(on("PostgreSQL", Some(&instance.url("postgres")))?);
    Ok(rows)
}

fn on(name: &str, database: Option<&str>) -> Result<Vec<Row>> {
    let data = root().join("target/bench/catalogue");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let mut load =
        command("target/release/portico-bench", ["catalogue", "--program", "target/release/portico"]);
    load.arg("--data").arg(&data);
    if let Some(url) = database {
        load.args(["--database", url]);
    }
    let output = load.stderr(Stdio::inherit()).output().context("the load does not run")?;
    ensure!(output.status.success(), "the load `catalogue` failed: {}", output.status);
    let figures: BTreeMap<String, Vec<f64>> =
        serde_json::from_slice(&output.stdout).context("the load printed something else than figures")?;
    let worst = |name: &str| figures.get(name).into_iter().flatten().copied().fold(f64::NAN, f64::max);
    let mebibytes = |name: &str| worst(name) / f64::from(1 << 20);
    Ok(vec![
        Row::told(format!("{name}: feed of 100,000 items, MiB"), mebibytes("feed_bytes")),
        Row::at_most(format!("{name}: import, s (slower of two)"), worst("import_s"), SECONDS_MAX),
        Row::at_most(
            format!("{name}: importer's memory at most, MiB"),
            mebibytes("import_bytes"),
            MEBIBYTES_MAX,
        ),
        Row::told(format!("{name}: search, ms (median)"), worst("search_p50")),
        Row::at_most(format!("{name}: search, ms (p99)"), worst("search_p99"), SEARCH_MS_MAX),
    ])
}
