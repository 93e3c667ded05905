//! The walls between the rooms: who may import whom. ARCHITECTURE.md gives the reason of each.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// A room, the rooms that it may import, and the crates of others that would tear its wall down.
const ROOMS: [(&str, &[&str], &[&str]); 15] = [
    ("protocol", &[], PURE),
    ("seal", &["protocol"], PURE),
    ("flow", &["protocol"], PURE),
    ("client", &["protocol"], PURE),
    ("domain", &["protocol", "seal"], PURE),
    ("store", &["protocol", "domain"], &["axum", "hyper", "tungstenite", "tokio-tungstenite", "leptos"]),
    ("testkit", &["protocol", "client", "domain"], &["axum", "sqlx", "tokio", "leptos", "web-sys"]),
    ("browser", &["protocol", "client"], SERVER),
    ("ui", &["protocol"], SERVER),
    ("widget", &["protocol", "client", "browser", "ui"], SERVER),
    ("studio", &["protocol", "client", "browser", "ui"], SERVER),
    ("portico", &["protocol", "seal", "flow", "domain", "store"], &["sqlx", "leptos", "web-sys"]),
    ("bench", &["protocol", "store"], &["sqlx", "axum", "leptos"]),
    ("xtask", &[], &["sqlx", "axum", "leptos", "tokio"]),
    ("fuzz", &["protocol", "seal", "flow", "client", "domain"], &[]),
];

/// A pure room computes: it neither waits, nor asks a clock or the system for chance, nor draws.
const PURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "sqlx",
    "futures-util",
    "async-trait",
    "web-sys",
    "js-sys",
    "wasm-bindgen",
    "leptos",
    "gloo-net",
    "gloo-timers",
    "rand",
    "getrandom",
    "time",
    "chrono",
    "reqwest",
];
/// What runs in a browser holds no server code.
const SERVER: &[&str] =
    &["tokio", "axum", "hyper", "sqlx", "rustls", "tokio-rustls", "hickory-resolver", "regex"];

#[test]
fn rooms_import_only_what_their_walls_allow() {
    let mut breaches = Vec::new();
    for (room, imports) in imports() {
        let Some((_, allowed, never)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
            breaches.push(format!("{room} is not in the table: name the wall that it stands for in ARCHITECTURE.md, then add it here"));
            continue;
        };
        for import in &imports {
            if let Some(other) = import.strip_prefix("portico-")
                && !allowed.contains(&other)
            {
                breaches.push(format!("{room} may not import {other}: move what it needs, or pass it in"));
            }
            if never.contains(&import.as_str()) {
                breaches.push(format!(
                    "{room} must never import {import}: see the room's wall in ARCHITECTURE.md"
                ));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_room_of_the_table_exists() {
    let rooms: BTreeSet<String> = imports().into_keys().collect();
    for (room, ..) in ROOMS.iter().filter(|(room, ..)| *room != "fuzz") {
        assert!(rooms.contains(*room), "{room} is in the table but not in the workspace: remove its line");
    }
}

/// What each room imports to be built and run. What its tests import is its own affair.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".into()]).exec().unwrap();
    let room = |name: &str| name.strip_prefix("portico-").unwrap_or(name).to_owned();
    let packages = metadata.packages.iter().map(|package| {
        let imports = package.dependencies.iter().filter(|import| import.kind != DependencyKind::Development);
        (room(&package.name), imports.map(|import| import.name.clone()).collect())
    });
    packages.collect()
}
