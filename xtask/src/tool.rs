//! Installs what a chore needs and the machine lacks, once, under `target/tools`.
//!
//! Only package registries are asked: crates.io, npm and, for what is no such package, Debian's archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, command, output, root, run};

/// npm packages by exact version: a second machine gets the same.
const NODE_PACKAGES: [(&str, &str); 7] = [
    ("axe-core", "4.14.1"),
    ("binaryen", "132.0.0"),
    ("esbuild", "0.28.2"),
    ("jsqr", "1.4.0"),
    ("lighthouse", "12.8.2"),
    ("playwright-core", "1.65.1"),
    ("puppeteer-core", "24.43.1"),
];
const CARGO_FUZZ: &str = "0.13.2";
const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The toolchain's name under which Debian's own compiler is linked.
const DEBIAN_TOOLCHAIN: &str = "debian";

/// How the apps are compiled.
pub(crate) enum WasmCompiler {
    /// The default toolchain has the target.
    Installed,
    /// Debian's compiler builds the standard library from source, linked by the default toolchain's linker.
    Debian {
        /// `rust-lld`.
        linker: PathBuf,
    },
}

/// Finds or installs a compiler for WebAssembly.
pub(crate) fn wasm_compiler() -> Result<WasmCompiler> {
    let has_target = || {
        output(&mut command("rustup", ["target", "list", "--installed"]))
            .is_some_and(|list| list.lines().any(|line| line == WASM_TARGET))
    };
    if has_target() {
        return Ok(WasmCompiler::Installed);
    }
    if !has_debian_source() {
        // Refused where only package registries can be reached.
        let _ = run(&mut command("rustup", ["target", "add", WASM_TARGET]));
        if has_target() {
            return Ok(WasmCompiler::Installed);
        }
        apt_install(
            &["rustc-web", "cargo-web", "rust-web-src"],
            "a Rust compiler with the WebAssembly target",
        )?;
    }
    if output(&mut command("rustup", ["run", DEBIAN_TOOLCHAIN, "rustc", "--version"])).is_none() {
        run(&mut command("rustup", ["toolchain", "link", DEBIAN_TOOLCHAIN, "/usr"]))?;
    }
    let sysroot = output(&mut command("rustc", ["--print", "sysroot"])).context("rustc does not run")?;
    let linker = Path::new(&sysroot).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    Ok(WasmCompiler::Debian { linker })
}

fn has_debian_source() -> bool {
    Path::new("/usr/lib/rustlib/src/rust/library/std").exists() && Path::new("/usr/bin/rustc").exists()
}

/// `wasm-bindgen`, of exactly the version that the lock file holds: any other refuses the module.
pub(crate) fn wasm_bindgen() -> Result<()> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let version = locked_version(&lock, "wasm-bindgen").context("Cargo.lock holds no wasm-bindgen")?;
    let found = output(&mut command("wasm-bindgen", ["--version"])).unwrap_or_default();
    if found == format!("wasm-bindgen {version}") {
        return Ok(());
    }
    // Not `--locked`: the registry lacks one of the versions that its authors locked.
    install_crate("wasm-bindgen-cli", &version, &[])
}

/// Trunk, of the series that `Trunk.toml` asks for.
pub(crate) fn trunk() -> Result<()> {
    let found = output(&mut command("trunk", ["--version"])).unwrap_or_default();
    if found.starts_with("trunk 0.21.") {
        return Ok(());
    }
    // As its authors locked it: its newest dependencies want a newer compiler.
    install_crate("trunk", "^0.21", &["--locked"])
}

/// What drives libFuzzer.
pub(crate) fn cargo_fuzz() -> Result<()> {
    let is_there = output(&mut command("cargo-fuzz", ["--version"])).is_some();
    if is_there { Ok(()) } else { install_crate("cargo-fuzz", CARGO_FUZZ, &[]) }
}

/// The version of `package` in a lock file's text.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let after = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    Some(after.split_once('"')?.0.to_owned())
}

fn install_crate(package: &str, version: &str, options: &[&str]) -> Result<()> {
    let folder = root().join("target/tools");
    let folder = folder.to_str().context("the workspace's path is not UTF-8")?;
    // Its build stays beside ours, so that an interrupted installation goes on where it was.
    let mut command = cargo(["install", package, "--version", version, "--root", folder]);
    run(command.args(options).env("CARGO_TARGET_DIR", root().join("target/tools/build")))
}

/// The npm packages, `node` assumed.
pub(crate) fn node_packages() -> Result<()> {
    if output(&mut command("node", ["--version"])).is_none() {
        bail!(
            "Node is missing: install Node 20 or newer (https://nodejs.org, or your system's package `nodejs npm`)"
        );
    }
    let folder = root().join("target/tools");
    let missing: Vec<String> = NODE_PACKAGES
        .into_iter()
        .filter(|(name, version)| installed_version(&folder, name).as_deref() != Some(*version))
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(&folder).context("cannot create target/tools")?;
    let folder = folder.to_str().context("the workspace's path is not UTF-8")?;
    let mut npm = command("npm", ["install", "--prefix", folder, "--save-exact", "--no-audit", "--no-fund"]);
    run(npm.args(missing))
}

fn installed_version(folder: &Path, package: &str) -> Option<String> {
    let text = fs::read_to_string(folder.join("node_modules").join(package).join("package.json")).ok()?;
    let description: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(description["version"].as_str()?.to_owned())
}

/// The browsers that the tests drive, and PostgreSQL's programs.
pub(crate) fn browsers_and_databases() -> Result<()> {
    let on_path =
        |program: &str| output(&mut command("sh", ["-c", &format!("command -v {program}")])).is_some();
    let has_postgres = || {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        on_path("initdb") || versions.into_iter().any(|version| version.path().join("bin/initdb").exists())
    };
    let mut packages = Vec::new();
    if !on_path("chromium") && !on_path("google-chrome") {
        packages.push("chromium");
    }
    if !on_path("firefox-esr") && !on_path("firefox") {
        packages.push("firefox-esr");
    }
    if !on_path("WebKitWebDriver") {
        packages.push("webkit2gtk-driver");
    }
    // WebKitGTK's browser opens windows.
    if !on_path("Xvfb") {
        packages.push("xvfb");
    }
    if !has_postgres() {
        packages.push("postgresql");
    }
    if packages.is_empty() { Ok(()) } else { apt_install(&packages, "the browser and database tests") }
}

fn apt_install(packages: &[&str], purpose: &str) -> Result<()> {
    let wanted = packages.join(" ");
    let is_root = output(&mut command("id", ["-u"])).as_deref() == Some("0");
    if !is_root || output(&mut command("apt-get", ["--version"])).is_none() {
        bail!(
            "missing for {purpose}: {wanted}. Install what your system calls so; on Debian: sudo apt-get install {wanted}"
        );
    }
    let quiet = |arguments: &[&str]| -> Command {
        let mut command = command("apt-get", arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(&mut quiet(&["update", "-q"]))?;
    run(quiet(&["install", "-y", "-q", "--no-install-recommends"]).args(packages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "bindgen"), None);
    }
}
