//! `portico brand` as an operator uses it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::NAME;
use crate::zone::Zone;

/// Exit status, standard output and standard error of `portico brand` with `arguments`.
async fn brand(data: &Path, zone: &Zone, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_")) {
        command.env_remove(name);
    }
    command.arg("brand").args(arguments).arg("--data").arg(data).stdin(Stdio::null());
    command.args([
        "--public-url",
        "https://chat.lumen.example",
        "--dns-resolvers",
        &zone.address.to_string(),
    ]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

const ADD: [&str; 8] = [
    "add",
    "lumen",
    "--name",
    "Lumen",
    "--domain",
    "lumen.example",
    "--privacy-url",
    "https://lumen.example/privacy",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_adds_proves_and_withdraws_a_brand_with_what_the_commands_print() {
    let (zone, folder) = (Zone::start().await, tempfile::tempdir().unwrap());
    let run = async |arguments: &[&str]| brand(folder.path(), &zone, arguments).await;
    let (done, out, _) = run(&ADD).await;
    let record = out
        .lines()
        .find_map(|line| line.trim().strip_prefix("TXT \"")?.strip_suffix('"'))
        .unwrap()
        .to_owned();
    assert!(done && out.contains(NAME) && record.contains("host=chat.lumen.example"), "{out}");

    let (done, out, error) = run(&["verify", "lumen"]).await;
    assert!(!done && out.contains("no TXT record") && out.contains(&record), "{out}{error}");
    zone.set_texts(NAME, &[record]).await;
    let (done, out, _) = run(&["verify", "lumen"]).await;
    assert!(done && out.contains("lumen is verified"), "{out}");
    let (_, out, _) = run(&["list", "--json"]).await;
    assert!(out.contains(r#""verification": "verified""#), "{out}");

    let (done, out, _) = run(&["rotate-key", "lumen"]).await;
    assert!(done && out.matches("TXT \"token=").count() == 2, "{out}");
    let (done, ..) = run(&["withdraw", "lumen"]).await;
    assert!(done);
    let (done, _, error) = run(&["verify", "lumen"]).await;
    assert!(!done && error.contains("--reinstate"), "{error}");
    let (done, ..) = run(&["verify", "lumen", "--reinstate"]).await;
    assert!(done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_brand_is_refused_with_the_reason() {
    let (zone, folder) = (Zone::start().await, tempfile::tempdir().unwrap());
    let run = async |arguments: &[&str]| brand(folder.path(), &zone, arguments).await;
    assert!(run(&ADD).await.0);
    let with = |at: usize, value: &'static str| {
        let mut arguments = ADD;
        (arguments[1], arguments[at]) = ("other", value);
        arguments
    };
    for (arguments, reason) in [
        (ADD, "there is a brand lumen already"),
        (with(5, "co.uk"), "public suffix"),
        (with(5, "127.0.0.1"), "is an address"),
        (with(5, "shop.localhost:7421"), "name of this machine"),
        (with(3, "Lumen ✓"), "without a tick of its own"),
        (with(7, "javascript:alert(1)"), "privacy-url"),
    ] {
        let (done, _, error) = run(&arguments).await;
        assert!(!done && error.contains(reason), "{arguments:?}: {error}");
    }
    for arguments in
        [["show", "nobody"], ["verify", "nobody"], ["withdraw", "nobody"], ["rotate-key", "nobody"]]
    {
        let (done, _, error) = run(&arguments).await;
        assert!(!done && error.contains("there is no brand nobody"), "{arguments:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_from_outside_says_where_it_ends_and_vectors_are_judged() {
    let (zone, folder) = (Zone::start().await, tempfile::tempdir().unwrap());
    let run = async |arguments: &[&str]| brand(folder.path(), &zone, arguments).await;
    let (done, out, error) = run(&["check", "lumen.example"]).await;
    assert!(
        !done && out.contains("✗ manifest") && error.contains("lumen.example is not verified"),
        "{out}{error}"
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "a check needs no database");
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verification/vectors");
    let (done, out, _) = run(&["vectors", vectors]).await;
    assert!(done && out.contains("✓ genuine-dns") && out.contains("✓ look-alike"), "{out}");
}
