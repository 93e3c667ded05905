//! Everything that CI runs, in the order in which a failure is cheapest.

use anyhow::{Context, Result};

use crate::bundle::{self, Effort};
use crate::shell::{cargo, command, root, run};
use crate::{licence, readme, size, tidy, tool};

/// One step of CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// Formatting.
    Format,
    /// House rules: names, unfinished things, sleeping tests, licences of public files.
    Tidy,
    /// Licences and banned crates.
    Licences,
    /// Clippy, without a warning.
    Lints,
    /// Both apps, as visitors get them.
    Apps,
    /// The budgets of what visitors download.
    Size,
    /// Unit, property and black-box tests, both databases, layers.
    Native,
    /// The commands that the README shows.
    Readme,
    /// Real browsers against the real binary.
    Browser,
}

/// Rooms that reach into the browser: their tests need one, which the browser tests are. The studio's own tests
/// are of plain functions.
const BROWSER_ROOMS: [&str; 2] = ["portico-browser", "portico-widget"];

/// Runs `steps`, or all of them.
pub(crate) fn test(steps: &[Step]) -> Result<()> {
    let all = <Step as clap::ValueEnum>::value_variants();
    for step in if steps.is_empty() { all } else { steps } {
        let name = format!("{step:?}").to_lowercase();
        eprintln!("\n── {name}");
        step.run().with_context(|| format!("step `{name}` failed; again: cargo xtask test {name}"))?;
    }
    Ok(())
}

impl Step {
    fn run(self) -> Result<()> {
        match self {
            Self::Format => run(&mut cargo(["fmt", "--all", "--check"])),
            Self::Tidy => tidy::check(),
            Self::Licences => licence::check(),
            Self::Lints => run(&mut cargo([
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "--deny",
                "warnings",
            ])),
            Self::Apps => bundle::build(Effort::Small),
            Self::Size => size::check(false, false),
            Self::Native => {
                tool::browsers_and_databases()?;
                let excluded = BROWSER_ROOMS.iter().flat_map(|room| ["--exclude", room]);
                run(cargo(["test", "--workspace", "--no-fail-fast"]).args(excluded))
            }
            Self::Readme => readme::check(),
            Self::Browser => browser(),
        }
    }
}

fn browser() -> Result<()> {
    tool::node_packages()?;
    tool::browsers_and_databases()?;
    run(&mut cargo(["build", "--package", "portico"]))?;
    let mut node = command("node", ["tests/browser/run.mjs"]);
    run(node.env("NODE_PATH", root().join("target/tools/node_modules")))
}
