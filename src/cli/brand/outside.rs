//! What anybody can check without a database: a brand by its domain, and the test vectors.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{looker, print_json};
use crate::clock;
use crate::config::Config;
use crate::proof::check;
use crate::proof::name::Domain;
use crate::proof::vector::Vector;

/// Checks the brand of `domain` step by step.
pub(super) async fn check_brand(config: &Config, domain: &str, host: Option<&str>, json: bool) -> Result<()> {
    let looker = looker(config)?;
    let domain = Domain::parse(domain, looker.fetcher().scope())?;
    let host = host.map(|host| Domain::parse(host, looker.fetcher().scope())).transpose()?;
    let report = check::check(domain, host.as_ref(), &looker, clock::now()).await;
    if json {
        let step = |step: &check::Step| {
            let detail = step.result.as_ref().unwrap_or_else(|reason| reason);
            json!({ "step": step.name, "holds": step.result.is_ok(), "detail": detail })
        };
        let steps: Vec<_> = report.steps.iter().map(step).collect();
        let is_verified = report.is_verified();
        print_json(&json!({ "domain": report.domain.as_str(), "isVerified": is_verified, "steps": steps }));
    } else {
        for step in &report.steps {
            match &step.result {
                Ok(detail) => println!("✓ {:<10} {detail}", step.name),
                Err(reason) => println!("✗ {:<10} {reason}", step.name),
            }
        }
    }
    if report.is_verified() { Ok(()) } else { bail!("{} is not verified", report.domain) }
}

/// Judges every vector of `folder`.
pub(super) fn judge_vectors(folder: &Path) -> Result<()> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let entries = std::fs::read_dir(folder).with_context(cannot_read)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().with_context(cannot_read)?;
    paths.sort();
    let mut wrong = 0;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let vector: Vector =
            serde_json::from_str(&text).with_context(|| format!("{} is no test vector", path.display()))?;
        let (found, name) = (vector.judge(), path.file_stem().unwrap_or_default().to_string_lossy());
        if found == vector.expected {
            println!("✓ {name:<24} {found:<20} {}", vector.why);
        } else {
            wrong += 1;
            println!("✗ {name:<24} {found:<20} where {} was expected: {}", vector.expected, vector.why);
        }
    }
    if wrong == 0 { Ok(()) } else { bail!("{wrong} vectors were judged otherwise than expected") }
}
