//! The commands that the README shows must exist: readers type them before they read anything else.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::Cli;
use crate::shell::{cargo, command, output, root, run};

/// Checks every command in the README's code blocks.
pub(crate) fn check() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    run(&mut cargo(["build", "--quiet", "--package", "portico"]))?;
    let mut faults = Vec::new();
    for line in code_lines(&readme) {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        let fault = match words.as_slice() {
            ["cargo", "xtask", ..] => Cli::try_parse_from(&words[1..]).err().map(|error| error.to_string()),
            [program, subcommand, rest @ ..] if program.rsplit('/').next() == Some("portico") => {
                server_fault(subcommand, rest)
            }
            _ => None,
        };
        faults.extend(fault.map(|fault| format!("README.md: `{line}`: {fault}")));
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

/// The lines between code fences.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        if line.starts_with("```") {
            is_code = !is_code;
            return false;
        }
        is_code
    })
}

/// What is wrong with `portico <subcommand> <rest>`: asked of the binary's own help.
fn server_fault(subcommand: &str, rest: &[&str]) -> Option<String> {
    let nested = rest.first().filter(|word| !word.starts_with("--"));
    let help_of = |words: &[&str]| output(&mut command("target/debug/portico", words));
    let help = nested
        .and_then(|nested| help_of(&[subcommand, nested, "--help"]))
        .or_else(|| help_of(&[subcommand, "--help"]));
    let Some(help) = help else { return Some(format!("portico has no command {subcommand}")) };
    let unknown = rest.iter().filter(|word| word.starts_with("--")).find(|flag| !help.contains(**flag))?;
    Some(format!("portico {subcommand} has no {unknown}"))
}
