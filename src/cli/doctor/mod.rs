//! `portico doctor`: finds what is misconfigured, and says what to do.

mod certificate;
mod machine;
mod reach;
mod setting;

use std::fmt;

use anyhow::{Result, bail};

use crate::config::{Config, Sources, unknown_variables};

/// Finds what is misconfigured and says what to do; fails where something must be mended
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    sources: Sources,
    /// Ask no other machine: neither DNS nor the public URL
    #[arg(long)]
    offline: bool,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    what: String,
    /// What to do, where it is not fine.
    remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Fine,
    /// Works, but not for everybody or not for ever.
    Warning,
    /// Does not work, or is not safe.
    Fault,
}

impl Finding {
    fn fine(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fine, what: what.into(), remedy: String::new() }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, what: what.into(), remedy: remedy.into() }
    }

    fn fault(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fault, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Fine => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Fault => "FAULT  ",
        };
        write!(formatter, "{mark}  {}", self.what)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(formatter, "\n         → {}", self.remedy) }
    }
}

impl Doctor {
    pub(super) fn run(self) -> Result<()> {
        let findings = match self.sources.load() {
            Ok(config) => super::block_on(async { Ok(examine(&config, self.offline).await) })?,
            Err(error) => vec![Finding::fault(format!("configuration: {error}"), "mend that first")],
        };
        let misspelt = unknown_variables();
        let misspelt = misspelt.iter().map(|error| Finding::warning(error.to_string(), "mend or unset it"));
        let mut worst = Verdict::Fine;
        for finding in misspelt.chain(findings) {
            println!("{finding}");
            worst = worst.max(finding.verdict);
        }
        match worst {
            Verdict::Fine => println!("\nEverything that was looked at is fine."),
            Verdict::Warning => println!("\nIt works, but the warnings deserve a look."),
            Verdict::Fault => bail!("something must be mended: see the lines marked FAULT"),
        }
        Ok(())
    }
}

async fn examine(config: &Config, is_offline: bool) -> Vec<Finding> {
    let mut findings = setting::examine(config);
    findings.extend(machine::examine(config));
    findings.extend(certificate::examine(config));
    findings.extend(reach::examine_listen(config));
    findings.extend(reach::examine_database(config).await);
    if is_offline {
        findings.push(Finding::fine("the public URL was not asked (--offline)"));
    } else {
        findings.extend(reach::examine_public_url(config).await);
    }
    findings
}
