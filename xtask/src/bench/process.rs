//! The release binary as a benchmark runs it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::shell::command;

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
        let mut server = command(words[0], &words[1..]);
        server.arg("--data").arg(data);
        Self::spawn(server)
    }

    /// Runs a command that serves until it is ended, and says on stderr where.
    pub(super) fn spawn(mut server: Command) -> Result<Self> {
        let mut child = server.stderr(Stdio::piped()).spawn().context("cannot start the server")?;
        let mut stderr = BufReader::new(child.stderr.take().context("stderr is piped")?);
        let port_in = |line: String| {
            let (_, rest) = line.split_once("http://localhost:")?;
            rest.split(|character: char| !character.is_ascii_digit()).next()?.parse::<u16>().ok()
        };
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

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
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
