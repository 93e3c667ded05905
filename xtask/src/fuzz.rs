//! Hostile input for every parser, for as long as one likes.

use anyhow::{Context, Result};

use crate::shell::{cargo, root, run};
use crate::tool;

/// What is fuzzed: the binaries of `fuzz/`.
pub(crate) const TARGETS: [&str; 5] = ["frame", "client", "seal", "flow", "link"];

/// Fuzzes each of `targets`, or all, for `seconds`. A crash fails, and its input stays under `fuzz/artifacts`.
pub(crate) fn check(targets: &[String], seconds: u64) -> Result<()> {
    tool::cargo_fuzz()?;
    let all: Vec<String> = TARGETS.map(String::from).to_vec();
    for target in if targets.is_empty() { &all } else { targets } {
        eprintln!("\n── fuzz {target}, {seconds} s");
        let limit = format!("-max_total_time={seconds}");
        // Words that the parsers know: without them a fuzzer needs hours to find the first key.
        let words = root().join("fuzz/words.dict");
        let words = format!("-dict={}", words.display());
        let mut fuzz = cargo(["fuzz", "run", target, "--", &limit, &words, "-print_final_stats=1"]);
        // The sanitizers come with the stable compiler; only their switch asks for a nightly one.
        run(fuzz.env("RUSTC_BOOTSTRAP", "1"))
            .with_context(|| format!("the input that broke {target} lies under fuzz/artifacts/{target}"))?;
    }
    Ok(())
}
