//! The release binary as a benchmark runs it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::shell::command;

/// The kernel counts CPU time in ticks of this length, on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// A running server. Ended with its value, however that ends.
pub(super) struct Server {
    child: Child,
    /// Where it listens, on this machine.
    pub(super) port: u16,
}

impl Server {
    /// Starts `portico serve` on `data` with more `arguments`, by way of `wrapper` (such as `taskset -c 0`).
    pub(super) fn start(data: &Path, wrapper: &[&str], arguments: &[&str]) -> Result<Self> {
        let serve = ["target/release/portico", "serve", "--listen", "127.0.0.1:0", "--log", "info"];
        let words: Vec<&str> = wrapper.iter().chain(&serve).chain(arguments).copied().collect();
        let mut child = command(words[0], &words[1..])
            .arg("--data")
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", words.join(" ")))?;
        let mut stderr = BufReader::new(child.stderr.take().context("stderr is piped")?);
        let port_in = |line: String| line.rsplit_once("http://localhost:")?.1.trim().parse::<u16>().ok();
        let port = stderr
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(port_in)
            .context("the server did not say where it listens")?;
        // What it says later must not fill the pipe and stop it.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Ok(Self { child, port })
    }

    /// How much processor time it has used.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields 14 and 15; the second one, in brackets, may hold spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u32 = fields.skip(11).take(2).map_while(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// How much memory it holds, in bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        let kibibytes: u64 = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
