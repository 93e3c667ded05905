//! One set of names in file, environment and flags, and errors that say what to do.

use std::path::Path;

use tempfile::TempDir;

use crate::server::{Server, complaint, header, portico};

/// What `portico serve` says to a configuration file with this text.
fn complaint_about(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, text);
    let output = portico(["serve", "--listen", "127.0.0.1:0", "--config", &file]).output().unwrap();
    complaint(&output)
}

fn write(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("portico.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn data(folder: &Path) -> String {
    folder.join("data").to_str().unwrap().to_owned()
}

#[test]
fn a_broken_file_is_refused_with_place_and_reason() {
    let told = complaint_about("public_url = \"https://chat.example\"");
    assert!(told.contains("portico.toml") && told.contains("did you mean \"public-url\"?"), "{told}");
    let told = complaint_about("log = \"info\"\nlisten = \"everywhere\"");
    assert!(told.contains("line 2"), "{told}");
    let told = complaint_about("listen = ");
    assert!(told.contains("line 1"), "{told}");
    let told = complaint_about("public-url = \"chat.example/x\"");
    assert!(told.contains("https://chat.brand.example"), "{told}");
    let told = complaint_about("tls-certificate = \"chain.pem\"");
    assert!(told.contains("tls-key"), "{told}");
}

#[test]
fn a_missing_file_is_refused() {
    let told = complaint(&portico(["serve", "--config", "no/such/file.toml"]).output().unwrap());
    assert!(told.contains("no/such/file.toml"), "{told}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "metrics-token = \"from-file\"\ntrusted-proxies = [\"127.0.0.1\", \"::1\"]");
    let token_that_opens = |arguments: &[&str], variable: Option<&str>| {
        let data = data(folder.path());
        let mut options = vec!["--config", &file];
        options.extend(arguments);
        if let Some(value) = variable {
            options.extend(["--metrics-token", value]);
        }
        let server = Server::start_on(Path::new(&data), &options);
        ["from-file", "from-flag"].into_iter().find(|token| {
            server.get("/metrics", &format!("authorization: Bearer {token}\r\n")).contains(" 200 ")
        })
    };
    assert_eq!(token_that_opens(&[], None), Some("from-file"));
    assert_eq!(token_that_opens(&[], Some("from-flag")), Some("from-flag"));
    // The list in the file counts as well.
    let data = data(folder.path());
    let server = Server::start_on(Path::new(&data), &["--config", &file]);
    let answer = server.get("/healthz", "x-request-id: mine\r\nx-forwarded-for: 203.0.113.9\r\n");
    assert_eq!(header(&answer, "x-request-id"), Some("mine"));
}

#[test]
fn an_environment_variable_with_a_slip_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portico(["doctor", "--data"]);
    command.arg(data(folder.path())).env("PORTICO_PUBLIC_ULR", "https://chat.example");
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("PORTICO_PUBLIC_ULR") && told.contains("PORTICO_PUBLIC_URL"), "{told}");
}
