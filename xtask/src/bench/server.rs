//! The server under load: it has one core with its database, the load has the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::bench::postgres::Instance;
use crate::bench::process::Server;
use crate::report::Row;
use crate::shell::{command, root};

const SERVER_CORE: [&str; 3] = ["taskset", "-c", "0"];
const LOAD_CORE: [&str; 3] = ["taskset", "-c", "1"];
const LOAD: &str = "target/release/portico-bench";
/// The limits on strangers, out of the way: all of the load comes from one address.
const WIDE: [&str; 6] = [
    "--address-limit-factor",
    "100000",
    "--connection-limit-factor",
    "100000",
    "--connections-per-address-max",
    "30000",
];

/// For each figure its value in each round.
struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    fn median(&self, name: &str) -> f64 {
        let mut values = self.0.get(name).cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// A bare log over the same sockets, then the server on an empty SQLite database, each phase with a new one.
pub(crate) fn measure_sqlite() -> Result<Vec<Row>> {
    let bare = measure_limit()?;
    let mut rows = measure_messages("sqlite", None, 22_000.0, &bare)?;
    rows.extend(measure_idle()?);
    rows.extend(measure_newest()?);
    Ok(rows)
}

/// Messages on PostgreSQL, which shares the server's core and syncs each commit too.
pub(crate) fn measure_postgres() -> Result<Vec<Row>> {
    let instance = Instance::start(&SERVER_CORE, "on");
    let bare = measure_limit()?;
    measure_messages("postgres", Some(&instance.url("postgres")), 10_000.0, &bare)
}

fn measure_limit() -> Result<Figures> {
    let folder = folder("limit")?;
    let mut limit = command(SERVER_CORE[0], &SERVER_CORE[1..]);
    limit.args([LOAD, "limit"]).arg(folder);
    load("hold", &Server::spawn(limit)?, &[])
}

fn measure_messages(name: &str, database: Option<&str>, target: f64, bare: &Figures) -> Result<Vec<Row>> {
    let server = start(name, database)?;
    let held = load("hold", &server, &[])?;
    let half = held.median("held") / 2.0;
    let paced = load("pace", &server, &["--per-second", &half.to_string()])?;
    let row = |what: &str, figures: &Figures, name: &str| Row::told(what, figures.median(name));
    // What the target asks of PostgreSQL is how many messages.
    let latency = |what: &str, name: &str, target: f64| match database {
        None => Row::at_most(what, paced.median(name), target),
        Some(_) => row(what, &paced, name),
    };
    let mut rows = vec![
        Row::at_least("stored, acknowledged, delivered: messages/s", held.median("held"), target),
        row("the same with a bare log instead of a server: messages/s", bare, "held"),
        row("CPU of the server a message, µs", &held, "cpu_us"),
        row("the same with a bare log, µs", bare, "cpu_us"),
        row("load, % of its core", &held, "load_percent"),
        latency("at half of that, due to delivered: p50 ms", "p50", 2.0),
        latency("at half of that, due to delivered: p99 ms", "p99", 15.0),
        row("at half of that, due to acknowledged: p50 ms", &paced, "acknowledged_p50"),
        row("at half of that, due to acknowledged: p99 ms", &paced, "acknowledged_p99"),
        row("at half of that, CPU of the server a message, µs", &paced, "cpu_us"),
    ];
    if database.is_none() {
        // With PostgreSQL, half of the work is in its own processes.
        rows[2] = Row::at_most(rows[2].what.clone(), rows[2].measured, 38.0);
    }
    Ok(rows)
}

fn measure_idle() -> Result<Vec<Row>> {
    let figures = load("idle", &start("idle", None)?, &[])?;
    Ok(vec![
        Row::told("idle signed-in connections", figures.median("connections")),
        Row::at_most("memory of the server for each, KiB", figures.median("connection_kib"), 12.0),
        Row::at_least("signed-in connects/s", figures.median("connects"), 5_000.0),
    ])
}

fn measure_newest() -> Result<Vec<Row>> {
    let server = start("newest", None)?;
    let database = format!("sqlite:{}", root().join("target/bench/newest/portico.db").display());
    let figures = load("newest", &server, &["--database", &database])?;
    Ok(vec![
        Row::at_most(
            "newest 50 of 10,000 among 1,000,000, at the socket: p50 ms",
            figures.median("socket_p50"),
            1.0,
        ),
        Row::told("newest 50 of 10,000 among 1,000,000, at the socket: p99 ms", figures.median("socket_p99")),
        Row::at_most(
            "newest 50 of 10,000 among 1,000,000, in the store: p50 ms",
            figures.median("store_p50"),
            0.25,
        ),
        Row::told("newest 50 of 10,000 among 1,000,000, in the store: p99 ms", figures.median("store_p99")),
    ])
}

/// A server with one brand and nothing else.
fn start(name: &str, database: Option<&str>) -> Result<Server> {
    let data = folder(name)?;
    let database: Vec<&str> = database.map_or(Vec::new(), |url| vec!["--database", url]);
    let brand =
        ["--name", "Bench", "--domain", "bench.example", "--privacy-url", "https://bench.example/privacy"];
    let mut add = command("target/release/portico", ["brand", "add", "bench"]);
    let added = add.args(brand).args(&database).arg("--data").arg(&data).stdout(Stdio::null()).status()?;
    if !added.success() {
        bail!("`portico brand add` failed");
    }
    Server::start(&data, &SERVER_CORE, &[&WIDE, database.as_slice()].concat())
}

/// Runs one kind of load to its end, from the other core if there is one.
fn load(kind: &str, server: &Server, arguments: &[&str]) -> Result<Figures> {
    eprintln!("── {kind}");
    let is_alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let core = if is_alone { SERVER_CORE } else { LOAD_CORE };
    let mut load = command(core[0], &core[1..]);
    load.args([LOAD, kind, "--port", &server.port.to_string(), "--pid", &server.id().to_string()])
        .args(arguments);
    let output = load.stderr(Stdio::inherit()).output().context("the load does not run")?;
    if !output.status.success() {
        bail!("the load `{kind}` failed: {}", output.status);
    }
    Ok(Figures(
        serde_json::from_slice(&output.stdout).context("the load printed something else than figures")?,
    ))
}

/// An empty folder on a real disk: a file system in memory syncs for nothing.
fn folder(name: &str) -> Result<PathBuf> {
    let folder: &Path = &root().join("target/bench").join(name);
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(folder.to_owned())
}
