//! Starting, refusing to start, ending.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::server::{Server, complaint, output, read_all};

#[test]
fn a_server_ends_in_good_order_and_with_success() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let mut idle = server.connect();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).unwrap();
        server.signal(signal);
        assert!(server.wait().success(), "after {signal}");
        read_all(&mut idle);
    }
}

#[test]
fn a_port_in_use_is_told_with_a_way_out() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let told = complaint(&output(["serve", "--listen", &address, "--data", data.path().to_str().unwrap()]));
    assert!(told.contains(&address) && told.contains("--listen"), "{told}");
}

#[test]
fn a_second_server_on_one_data_folder_refuses_and_the_first_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let first = Server::start_on(data.path(), &[]);
    let told =
        complaint(&output(["serve", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()]));
    assert!(told.contains("another server"), "{told}");
    assert!(first.get("/readyz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_data_folder_that_cannot_be_made_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = file.path().join("data");
    let told = complaint(&output(["serve", "--listen", "127.0.0.1:0", "--data", inside.to_str().unwrap()]));
    assert!(told.contains(inside.to_str().unwrap()), "{told}");
}

#[test]
fn a_broken_flow_is_told_by_line_and_keeps_nobody_from_being_served() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("flows")).unwrap();
    std::fs::write(data.path().join("flows/lumen.toml"), "bot = 7\nrule = \n").unwrap();
    let mut server = Server::start_on(data.path(), &[]);
    assert!(server.get("/readyz", "").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    server.wait();
    let log = server.whole_log();
    assert!(log.contains("lumen cannot be used") && log.contains("line 2"), "{log}");
}

#[test]
fn json_logs_are_one_object_a_line() {
    let mut server = Server::start(&["--log-format", "json"]);
    server.signal("TERM");
    server.wait();
    let log = server.rest_of_log();
    assert!(!log.is_empty());
    for line in log.lines() {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(parsed["message"].is_string(), "{line}");
    }
}
