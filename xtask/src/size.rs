//! What a visitor downloads, against its budget.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::bundle::{brotli, gzip};
use crate::shell::root;

/// Largest loader, in bytes of Brotli: every page view of every shop pays for it.
const LOADER_BYTES_MAX: usize = 3_000;
/// Where the sum of all that opening a chat transfers shall get, in bytes of Brotli.
const OPENING_BYTES_TARGET: usize = 90_000;
/// What that sum may be until then: what was reached stays reached. Lower it with every gain.
const OPENING_BYTES_MAX: usize = 192_000;
/// The document, which the server writes: its bytes of Brotli are not in `dist/`, so its share is kept free.
const DOCUMENT_BYTES: usize = 4_000;
/// What the last recorded run measured.
const RECORD: &str = "docs/size.json";

/// Bytes of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Size {
    plain: usize,
    gzip: usize,
    brotli: usize,
}

/// Prints the table; fails where a budget is exceeded.
pub(crate) fn check(as_json: bool, record: bool) -> Result<()> {
    let sizes = measure()?;
    let json = serde_json::to_string_pretty(&sizes)?;
    if as_json {
        println!("{json}");
    } else {
        let text = fs::read_to_string(root().join(RECORD)).unwrap_or_default();
        print(&sizes, &serde_json::from_str(&text).unwrap_or_default());
    }
    if record {
        fs::write(root().join(RECORD), json + "\n").with_context(|| format!("cannot write {RECORD}"))?;
    }
    enforce(&sizes)
}

/// Every file of the manifest that a visitor may load; the studio's too, for comparison.
fn measure() -> Result<BTreeMap<String, Size>> {
    let dist = root().join("dist");
    let manifest =
        fs::read(dist.join("manifest.json")).context("dist/ is missing: run `cargo xtask build`")?;
    let manifest: BTreeMap<String, String> = serde_json::from_slice(&manifest)?;
    let mut sizes = BTreeMap::new();
    for (name, path) in manifest {
        let content = fs::read(dist.join(&path)).with_context(|| format!("dist/{path}"))?;
        let size =
            Size { plain: content.len(), gzip: gzip(&content)?.len(), brotli: brotli(&content)?.len() };
        sizes.insert(name, size);
    }
    Ok(sizes)
}

/// The files that opening the chat loads after the document: script, module, styles.
fn opening(sizes: &BTreeMap<String, Size>) -> usize {
    let apart = ["widget.js", "widget.wasm", "widget.css"];
    let files: usize = apart.iter().filter_map(|name| sizes.get(*name)).map(|size| size.brotli).sum();
    let locales = sizes.iter().filter(|(name, _)| name.starts_with("locales/"));
    files + locales.map(|(_, size)| size.brotli).max().unwrap_or(0) + DOCUMENT_BYTES
}

fn print(sizes: &BTreeMap<String, Size>, before: &BTreeMap<String, Size>) {
    println!("{:<28}{:>10}{:>10}{:>10}{:>10}", "bytes", "plain", "gzip", "brotli", "change");
    for (name, size) in sizes {
        let change =
            before.get(name).map_or("new".into(), |old| format!("{:+}", difference(size.brotli, old.brotli)));
        println!("{name:<28}{:>10}{:>10}{:>10}{change:>10}", size.plain, size.gzip, size.brotli);
    }
    let change = difference(opening(sizes), opening(before));
    println!("{:<28}{:>30}{change:>+10}", "opening, with document", opening(sizes));
}

fn difference(new: usize, old: usize) -> i64 {
    i64::try_from(new).unwrap_or(i64::MAX) - i64::try_from(old).unwrap_or(i64::MAX)
}

fn enforce(sizes: &BTreeMap<String, Size>) -> Result<()> {
    let loader = sizes.get("embed.js").context("dist/ holds no embed.js")?.brotli;
    let budgets = [
        ("embed.js", loader, LOADER_BYTES_MAX),
        ("all that opening transfers", opening(sizes), OPENING_BYTES_MAX),
    ];
    for (what, found, allowed) in budgets {
        if found > allowed {
            bail!(
                "{what}: {found} bytes of Brotli, {allowed} allowed. See what grew with `cargo xtask size`"
            );
        }
        println!("{what}: {found} of {allowed} bytes");
    }
    let over = opening(sizes).saturating_sub(OPENING_BYTES_TARGET);
    if over > 0 {
        println!("all that opening transfers: {over} bytes above the target of {OPENING_BYTES_TARGET}");
    }
    Ok(())
}
