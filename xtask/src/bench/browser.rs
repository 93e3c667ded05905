//! What visitors feel, measured in Chromium against the release binary.

use anyhow::{Context, Result, bail};
use std::process::Stdio;

use crate::report::Row;
use crate::shell::{command, root};
use crate::tool;

/// Runs `bench/browser/widget.mjs`, which prints rows as JSON.
pub(crate) fn measure() -> Result<Vec<Row>> {
    tool::node_packages()?;
    tool::browsers_and_databases()?;
    let mut node = command("node", ["bench/browser/widget.mjs"]);
    node.env("PORTICO_BINARY", root().join("target/release/portico")).stderr(Stdio::inherit());
    let output = node.output().context("node does not run")?;
    if !output.status.success() {
        bail!("the browser's benchmark failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("the browser's benchmark printed something else than rows")
}
