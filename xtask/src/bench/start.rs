//! How large the binary is, how soon it serves, how much memory it takes before anybody comes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::report::Row;
use crate::shell::{command, root};

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
    let mut server = Server(
        command("target/release/portico", ["serve", "--listen", "127.0.0.1:0", "--log", "info", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start target/release/portico")?,
    );
    let stderr = server.0.stderr.take().context("stderr is piped")?;
    let port = BufReader::new(stderr)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.rsplit_once("http://localhost:")?.1.trim().parse::<u16>().ok())
        .context("the server did not say where it listens")?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let elapsed = began_at.elapsed();
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the server is not ready: {answer}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let kibibytes: u64 = resident.trim().trim_end_matches(" kB").parse()?;
    Ok((elapsed.as_secs_f64() * 1_000.0, mebibytes(kibibytes * 1_024)))
}

/// Ended with the round, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
