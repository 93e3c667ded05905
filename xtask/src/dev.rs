//! `cargo xtask dev`: the demo, built again and reloaded whenever a file changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use crate::bundle::{self, Effort};
use crate::shell::{cargo, command, root, run};

/// How often the files are looked at. Looking costs a few milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// What both apps are made of.
const APP_FOLDERS: [&str; 7] =
    ["crates/browser", "crates/client", "crates/protocol", "crates/ui", "public", "studio", "widget"];
/// What the server is made of.
const SERVER_FOLDERS: [&str; 8] = [
    "crates/domain",
    "crates/flow",
    "crates/protocol",
    "crates/seal",
    "crates/store",
    "demo",
    "src",
    "Cargo.lock",
];

type Seen = BTreeMap<PathBuf, SystemTime>;

/// Runs until interrupted. What does not compile is told; what ran before goes on.
pub(crate) fn run_dev(arguments: &[String]) -> Result<()> {
    let (mut apps, mut server) = (look(&APP_FOLDERS), look(&SERVER_FOLDERS));
    tell(bundle::build(Effort::Quick));
    let mut demo = restart(None, arguments);
    loop {
        pause();
        let (apps_now, server_now) = (look(&APP_FOLDERS), look(&SERVER_FOLDERS));
        let (apps_changed, server_changed) = (apps_now != apps, server_now != server);
        (apps, server) = (apps_now, server_now);
        if apps_changed {
            tell(bundle::build(Effort::Quick));
        }
        if server_changed {
            demo = restart(demo, arguments);
        }
        if apps_changed || server_changed {
            bundle::mark_built();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a watcher without a notification service looks at intervals")]
fn pause() {
    std::thread::sleep(LOOK_EVERY);
}

fn restart(running: Option<Child>, arguments: &[String]) -> Option<Child> {
    if !tell(run(&mut cargo(["build", "--package", "portico"]))) {
        return running;
    }
    if let Some(mut running) = running {
        let _ = running.kill();
        let _ = running.wait();
    }
    let started = command("target/debug/portico", ["demo"]).args(arguments).spawn();
    started.inspect_err(|error| eprintln!("cannot start the demo: {error}")).ok()
}

fn tell(result: Result<()>) -> bool {
    result.inspect_err(|error| eprintln!("{error:#}\nWaiting for a change …")).is_ok()
}

fn look(places: &[&str]) -> Seen {
    let mut seen = Seen::new();
    for place in places {
        look_into(&root().join(place), &mut seen);
    }
    seen
}

fn look_into(path: &Path, seen: &mut Seen) {
    let Ok(metadata) = fs::metadata(path) else { return };
    if metadata.is_file() {
        seen.insert(path.into(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        look_into(&entry.path(), seen);
    }
}
