//! How large the binary is, how soon it serves, how much memory it takes before anybody comes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::bench::process::Server;
use crate::report::Row;
use crate::shell::root;

const ROUNDS: usize = 7;

/// The median of several starts on an empty data folder that was used once before.
pub(crate) fn measure() -> Result<Vec<Row>> {
    let data = root().join("target/bench/start");
    let _ = fs::remove_dir_all(&data);
    start(&data)?;
    let mut millis = Vec::new();
    let mut resident = 0.0_f64;
    for _ in 0..ROUNDS {
        let (elapsed, mebibytes) = start(&data)?;
        millis.push(elapsed);
        resident = resident.max(mebibytes);
    }
    millis.sort_by(f64::total_cmp);
    let binary = fs::metadata(root().join("target/release/portico"))?.len();
    Ok(vec![
        Row::at_most("exec to first answer, ms (median of 7)", millis[ROUNDS / 2], 300.0),
        Row::told("exec to first answer, ms (worst)", millis[ROUNDS - 1]),
        Row::at_most("resident after the first answer, MiB (worst)", resident, 50.0),
        Row::at_most("binary with its assets, MiB", mebibytes(binary), 40.0),
    ])
}

/// Starts the server, asks once, ends it; milliseconds until the answer, and resident MiB.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the real clock")]
fn start(data: &Path) -> Result<(f64, f64)> {
    let began_at = Instant::now();
    let server = Server::start(data, &[], &[])?;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let elapsed = began_at.elapsed();
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the server is not ready: {answer}");
    }
    Ok((elapsed.as_secs_f64() * 1_000.0, mebibytes(server.resident_bytes()?)))
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
