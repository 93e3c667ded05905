//! `doctor`, `migrate`, `backup`.

use crate::server::{Server, complaint, output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn doctor_finds_nothing_wrong_after_a_first_start_and_faults_with_remedies_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let migrated = output(["migrate", "--data", data]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let fine = output(["doctor", "--offline", "--listen", "127.0.0.1:0", "--data", data]);
    assert!(fine.status.success(), "{}", text(&fine.stdout));

    let broken = [
        "doctor",
        "--offline",
        "--data",
        data,
        "--trusted-proxies",
        "0.0.0.0/0",
        "--public-url",
        "http://chat.example",
    ];
    let broken = output(broken);
    let told = text(&broken.stdout);
    assert!(!broken.status.success());
    assert!(
        told.contains("whole internet") && told.contains("session cookie") && told.contains('→'),
        "{told}"
    );
}

#[test]
fn doctor_tells_of_a_database_that_cannot_be_reached() {
    let data = tempfile::tempdir().unwrap();
    let database = "postgres://nobody@127.0.0.1:1/portico";
    let told =
        output(["doctor", "--offline", "--data", data.path().to_str().unwrap(), "--database", database]);
    assert!(!told.status.success());
    assert!(text(&told.stdout).contains("check that the database runs"), "{}", text(&told.stdout));
}

#[test]
fn doctor_tells_of_a_flow_with_a_mistake_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let profile =
        ["--name", "Lumen", "--domain", "lumen.example", "--privacy-url", "https://lumen.example/privacy"];
    let added = output(["brand", "add", "lumen", "--data", data].into_iter().chain(profile));
    assert!(added.status.success(), "{}", text(&added.stderr));
    std::fs::create_dir_all(folder.path().join("flows")).unwrap();
    std::fs::write(folder.path().join("flows/lumen.toml"), "bot = 7\nrule = \n").unwrap();
    let told = output(["doctor", "--offline", "--data", data]);
    assert!(!told.status.success());
    assert!(text(&told.stdout).contains("line 2"), "{}", text(&told.stdout));
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
