//! Puts `dist/`, as `cargo xtask build` made it, into the binary.
//!
//! A release binary holds every asset. A debug binary reads them from the folder instead, so that a changed
//! app shows without building the server again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by Cargo"));
    let dist = root.join("dist");
    let table = PathBuf::from(env::var_os("OUT_DIR").expect("set by Cargo")).join("embedded.rs");
    println!("cargo::rerun-if-changed=build.rs");

    let mut text = String::from("pub(super) static EMBEDDED: &[(&str, &[u8])] = &[\n");
    if env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=dist");
        if dist.join("manifest.json").exists() {
            embed(&dist, &dist, &mut text);
        } else {
            println!(
                "cargo::error=dist/ holds no assets: run `cargo xtask build` first, which builds the apps that the release binary contains"
            );
        }
    }
    text.push_str("];\n");
    fs::write(table, text).expect("OUT_DIR is writable");
}

fn embed(dist: &Path, folder: &Path, text: &mut String) {
    let entries = fs::read_dir(folder).expect("dist is readable");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("dist is readable").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            embed(dist, &path, text);
        } else {
            let name = path.strip_prefix(dist).expect("inside dist").to_str().expect("a name in UTF-8");
            let _ = writeln!(text, "    ({name:?}, include_bytes!({path:?})),");
        }
    }
}
