//! `backup`, `completions`, `man`.

use crate::server::{Server, complaint, output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_backup_taken_while_the_server_runs_serves_as_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_on(&data, &[]);
    std::fs::create_dir_all(data.join("flows")).unwrap();
    std::fs::write(data.join("flows/kept.toml"), "kept").unwrap();
    let copy = folder.path().join("copy");
    let (from, to) = (data.to_str().unwrap(), copy.to_str().unwrap());
    let made = output(["backup", "--data", from, to]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(std::fs::read_to_string(copy.join("flows/kept.toml")).unwrap(), "kept");
    assert!(!copy.join("portico.lock").exists());
    let told = complaint(&output(["backup", "--data", from, to]));
    assert!(told.contains("is there already"), "{told}");
    drop(server);
    let restored = Server::start_on(&copy, &[]);
    assert!(restored.get("/readyz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn shells_and_man_know_the_commands() {
    let script = output(["completions", "bash"]);
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(script.contains("_portico()") && script.contains("--public-url"), "{script}");
    let page = String::from_utf8(output(["man"]).stdout).unwrap();
    assert!(page.contains(".TH portico") && page.contains("doctor"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let written = output(["man", folder.path().to_str().unwrap()]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let page = std::fs::read_to_string(folder.path().join("portico-serve.1")).unwrap();
    assert!(page.contains("public\\-url"), "{page}");
    let nowhere = folder.path().join("nowhere");
    let told = complaint(&output(["man", nowhere.to_str().unwrap()]));
    assert!(told.contains(nowhere.to_str().unwrap()), "{told}");
}
