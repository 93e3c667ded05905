//! `portico doctor`: every check tells of its fault, and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::clocks::Clocks;
use crate::server::portico;

const WARNING: &str = "warning  ";
const FAULT: &str = "FAULT    ";

/// A machine to be looked at: one without fault, until a test breaks something.
struct Machine {
    folder: TempDir,
    arguments: Vec<String>,
}

impl Machine {
    /// Migrated, without a brand.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder, arguments: Vec::new() };
        machine.must(&["migrate"]);
        machine
    }

    fn with_brand() -> Self {
        let machine = Self::new();
        let profile = ["--domain", "lumen.example", "--privacy-url", "https://lumen.example/privacy"];
        machine.must(&[&["brand", "add", "lumen", "--name", "Lumen"][..], &profile].concat());
        machine
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn must(&self, arguments: &[&str]) {
        let done = portico(arguments.iter().copied()).arg("--data").arg(self.data()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn doctor(&self) -> Command {
        let mut command = portico(["doctor", "--offline"]);
        if !self.arguments.iter().any(|argument| argument == "--data") {
            command.arg("--data").arg(self.data());
        }
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(&self.arguments);
        command
    }

    /// Something is told that starts so and holds `words`, with a remedy under it.
    fn is_told(&self, verdict: &str, words: &str) {
        is_told(&mut self.doctor(), verdict, words);
    }
}

fn is_told(doctor: &mut Command, verdict: &str, words: &str) {
    let done = doctor.output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    let mut lines = told.lines().skip_while(|line| !(line.starts_with(verdict) && line.contains(words)));
    assert!(lines.next().is_some(), "no {verdict:?} with {words:?} in:\n{told}");
    assert!(lines.any(|line| line.contains('→')), "what to do is missing:\n{told}");
    assert!(verdict != FAULT || !done.status.success(), "a fault, and it succeeded:\n{told}");
}

#[test]
fn after_a_first_start_nothing_is_wrong() {
    let done = Machine::new().doctor().output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && !told.contains(FAULT), "{told}");
}

#[test]
fn settings_that_contradict_the_world_are_told() {
    let machine = |arguments: &[&str]| Machine::new().with(arguments);
    machine(&["--trusted-proxies", "0.0.0.0/0"]).is_told(FAULT, "whole internet");
    machine(&["--public-url", "http://chat.example"]).is_told(FAULT, "session cookie");
    machine(&["--public-url", "https://chat.example"]).is_told(WARNING, "neither tls-certificate");
    machine(&["--listen", "0.0.0.0:0"]).is_told(WARNING, "without TLS");
    machine(&["--log", "portico=loud=er"]).is_told(FAULT, "log:");
    machine(&["--database", "mysql://localhost/portico"]).is_told(FAULT, "");
    machine(&["--config", "no/such/file.toml"]).is_told(FAULT, "configuration:");
    is_told(Machine::new().doctor().env("PORTICO_LISTN", "127.0.0.1:1"), WARNING, "PORTICO_LISTEN");
}

#[test]
fn a_data_folder_that_is_missing_unwritable_or_open_to_others_is_told() {
    let nowhere = tempfile::tempdir().unwrap();
    let missing = nowhere.path().join("data");
    let missing = Machine::new().with(&["--data", missing.to_str().unwrap()]);
    missing.is_told(WARNING, "is not there yet");
    missing.is_told(WARNING, "no database yet");
    let file = tempfile::NamedTempFile::new().unwrap();
    Machine::new().with(&["--data", file.path().to_str().unwrap()]).is_told(FAULT, "cannot be written");
    let open = Machine::new();
    fs::set_permissions(open.data(), fs::Permissions::from_mode(0o755)).unwrap();
    open.is_told(WARNING, "others on this machine");
}

/// Needs a file system of its own, which only root can mount.
#[test]
fn a_disk_that_is_nearly_full_is_told() {
    struct Mount(PathBuf);
    impl Drop for Mount {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
    let mounted = Command::new("mount").args(mount).arg(folder.path()).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return;
    }
    let _mount = Mount(folder.path().into());
    Machine::new().with(&["--data", folder.path().to_str().unwrap()]).is_told(WARNING, "MiB are free");
}

#[test]
fn too_few_descriptors_are_told() {
    let machine = Machine::new();
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 256; exec \"$@\"", "sh"]);
    let doctor = machine.doctor();
    few.arg(doctor.get_program()).args(doctor.get_args());
    is_told(&mut few, WARNING, "at most 256 files");
}

#[test]
fn a_clock_from_before_the_first_release_is_told() {
    let clocks = Clocks::new();
    clocks.set(-30 * 365 * 86_400);
    is_told(Machine::new().doctor().envs(clocks.environment()), FAULT, "clock");
}

#[test]
fn a_certificate_that_cannot_be_used_or_is_of_another_host_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (chain, key) = (path("chain.pem"), path("key.pem"));
    let machine = || {
        let tls = ["--tls-certificate", &chain, "--tls-key", &key, "--public-url", "https://chat.example"];
        Machine::new().with(&tls)
    };
    machine().is_told(FAULT, "chain.pem");
    let write = |names: &str, ends: (i32, u8, u8)| {
        let mut parameters = rcgen::CertificateParams::new([names.to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(ends.0, ends.1, ends.2);
        let own = rcgen::KeyPair::generate().unwrap();
        fs::write(&chain, parameters.self_signed(&own).unwrap().pem()).unwrap();
        fs::write(&key, own.serialize_pem()).unwrap();
    };
    write("other.example", (2999, 1, 1));
    machine().is_told(FAULT, "not for chat.example");
    write("chat.example", (2020, 1, 1));
    machine().is_told(FAULT, "has expired");
}

#[test]
fn an_address_that_is_taken_or_not_ours_is_told() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    Machine::new().with(&["--listen", &taken]).is_told(WARNING, "listens on");
    // TEST-NET-1 belongs to nobody (RFC 5737).
    Machine::new().with(&["--listen", "192.0.2.1:9"]).is_told(FAULT, "cannot listen on");
}

#[test]
fn a_database_that_cannot_be_reached_is_told() {
    let away = Machine::new().with(&["--database", "postgres://nobody@127.0.0.1:1/portico"]);
    away.is_told(FAULT, "database:");
    let broken = Machine::new();
    fs::write(broken.data().join("portico.db"), "this is no database, and longer than its header would be")
        .unwrap();
    broken.is_told(FAULT, "database");
}

#[test]
fn brands_that_are_missing_unproven_or_cannot_sign_are_told() {
    Machine::new().is_told(WARNING, "no brand has been added");
    let machine = Machine::with_brand();
    machine.is_told(WARNING, "not verified");
    let key = machine.data().join("master.key");
    fs::copy(Machine::with_brand().data().join("master.key"), &key).unwrap();
    machine.is_told(FAULT, "");
    fs::write(&key, "short").unwrap();
    machine.is_told(FAULT, "master.key");
    fs::remove_file(&key).unwrap();
    machine.is_told(FAULT, "is missing");
}

#[test]
fn a_flow_with_a_mistake_is_told_by_line() {
    let machine = Machine::with_brand();
    fs::create_dir_all(machine.data().join("flows")).unwrap();
    fs::write(machine.data().join("flows/lumen.toml"), "bot = 7\nrule = \n").unwrap();
    let told = machine.doctor().output().unwrap();
    assert!(!told.status.success());
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("lumen.toml has mistakes") && told.contains("line 2"), "{told}");
}
