//! What a process has used, as Linux counts it.

use std::fs;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;

/// The kernel counts processor time in ticks of this length, on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// A process of this machine.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl FromStr for Process {
    type Err = std::num::ParseIntError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        id.parse().map(Self)
    }
}

impl Process {
    /// This one.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// How much processor time it has used.
    pub(crate) fn cpu_time(self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // Fields 14 and 15; the second one, in brackets, may hold spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u32 = fields.skip(11).take(2).map_while(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// How much memory it holds, in KiB.
    pub(crate) fn resident_kib(self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        Ok(resident.trim().trim_end_matches(" kB").parse()?)
    }
}
