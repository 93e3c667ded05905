//! The machine: the data folder, its disk, descriptors, the clock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::clock;
use crate::config::Config;

/// Below this the disk may fill up before somebody notices.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Below this a busy hour may run out of connections.
const DESCRIPTORS_MIN: u64 = 4_096;
/// 2026-01-01: a clock before the first release is wrong.
const FIRST_RELEASE_MS: i64 = 1_767_225_600_000;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    vec![folder(&config.data), space(&config.data), descriptors(), time()]
}

fn folder(data: &Path) -> Finding {
    let name = data.display();
    let metadata = match fs::metadata(data) {
        Ok(metadata) => metadata,
        Err(_) => {
            return Finding::warning(
                format!("the data folder {name} is not there yet"),
                "`portico serve` makes it; if it should be there, correct --data",
            );
        }
    };
    if let Err(error) = tempfile_in(data) {
        return Finding::fault(
            format!("the data folder {name} cannot be written: {error}"),
            format!("give it to the user that runs portico: chown <user> {name}"),
        );
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Finding::warning(
            format!("others on this machine may look into {name}, which holds conversations and keys"),
            format!("chmod 700 {name}"),
        );
    }
    Finding::fine(format!("the data folder {name} can be written, by its owner alone"))
}

/// Writes and removes a file, which tells more than permissions do: read-only mounts, quotas.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&path, b"doctor")?;
    fs::remove_file(path)
}

fn space(data: &Path) -> Finding {
    let Ok(disk) = rustix::fs::statvfs(data) else {
        return Finding::fine("the disk's free space is not known");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let mebibytes = free >> 20;
    if free < FREE_BYTES_MIN {
        let remedy = "make room: without it nothing more can be stored, though everything can still be read";
        return Finding::warning(format!("only {mebibytes} MiB are free on the data folder's disk"), remedy);
    }
    Finding::fine(format!("{mebibytes} MiB are free on the data folder's disk"))
}

fn descriptors() -> Finding {
    // The server raises the soft limit to this by itself.
    match getrlimit(Resource::Nofile).maximum {
        Some(limit) if limit < DESCRIPTORS_MIN => Finding::warning(
            format!("at most {limit} files and connections may be open"),
            "raise it: LimitNOFILE=65536 in a systemd unit, or ulimit -Hn 65536",
        ),
        Some(limit) => Finding::fine(format!("{limit} files and connections may be open")),
        None => Finding::fine("files and connections are not limited"),
    }
}

fn time() -> Finding {
    if clock::now().as_millis() < FIRST_RELEASE_MS {
        let remedy = "set the clock, and keep it right: timedatectl set-ntp true";
        return Finding::fault("this machine's clock is before Portico's first release", remedy);
    }
    Finding::fine("the clock is plausible")
}
