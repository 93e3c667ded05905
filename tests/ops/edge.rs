//! What strangers try: slow, large, many, disguised.

use std::io::{Read, Write};
use std::time::Instant;

use crate::server::{Server, header, read_all};

#[test]
fn a_client_that_drips_its_headers_is_dropped_while_others_are_served() {
    let server = Server::start(&[]);
    let mut slow = server.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: local").unwrap();
    assert!(server.get("/healthz", "").starts_with("HTTP/1.1 200"));
    // Ends when the server gives up on the headers, or fails at the stream's own limit.
    #[expect(clippy::disallowed_methods, reason = "what is tested is a time")]
    let began_at = Instant::now();
    let answer = read_all(&mut slow);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began_at.elapsed() < crate::server::SOON);
}

#[test]
fn too_many_and_too_large_headers_are_refused() {
    let server = Server::start(&[]);
    let many: String = (0..100).map(|index| format!("x-{index}: y\r\n")).collect();
    assert!(server.get("/healthz", &many).starts_with("HTTP/1.1 431"));
    let large = format!("x-large: {}\r\n", "y".repeat(64 * 1024));
    let answer = server.get("/healthz", &large);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(server.get("/healthz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn what_is_not_http_is_refused_without_harm() {
    let server = Server::start(&[]);
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], b"\0\0\0\0\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n"]
    {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert!(server.get("/healthz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn one_address_may_hold_only_so_many_connections() {
    let server = Server::start(&["--connections-per-address-max", "2"]);
    let mut held: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for stream in &mut held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
    }
    let answer = read_all(&mut server.connect());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");
    drop(held);
    // The places come back when the server has seen the ends.
    let is_served = || {
        let mut stream = server.connect();
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        read_all(&mut stream).starts_with("HTTP/1.1 200")
    };
    assert!((0..1_000).any(|_| is_served()), "the places did not come back");
}

#[test]
fn a_request_id_is_taken_over_from_trusted_proxies_alone() {
    let server = Server::start(&[]);
    let answer = server.get("/healthz", "x-request-id: mine\r\nx-forwarded-for: 203.0.113.9\r\n");
    assert_ne!(header(&answer, "x-request-id"), Some("mine"));
    let server = Server::start(&["--trusted-proxies", "127.0.0.1"]);
    let answer = server.get("/healthz", "x-request-id: mine\r\nx-forwarded-for: 203.0.113.9\r\n");
    assert_eq!(header(&answer, "x-request-id"), Some("mine"));
    let answer = server.get("/healthz", "x-request-id: a b<c\r\nx-forwarded-for: 203.0.113.9\r\n");
    assert_ne!(header(&answer, "x-request-id"), Some("a b<c"));
}

#[test]
fn only_a_trusted_proxy_can_say_that_the_visitor_is_encrypted() {
    let forwarded = "x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n";
    let is_told_to_stay = |options: &[&str]| {
        let server = Server::start(options);
        header(&server.get("/healthz", forwarded), "strict-transport-security").is_some()
    };
    let public = ["--public-url", "https://chat.example"];
    assert!(!is_told_to_stay(&public));
    assert!(is_told_to_stay(&[&public[..], &["--trusted-proxies", "127.0.0.0/8"]].concat()));
}

#[test]
fn logs_hold_neither_paths_nor_addresses() {
    let mut server = Server::start(&["--log", "debug", "--trusted-proxies", "127.0.0.1"]);
    server.get("/api/v1/live/a-secret-token?word=hush", "x-forwarded-for: 203.0.113.9\r\n");
    server.wait_for_line("was answered 404");
    server.signal("TERM");
    server.wait();
    let log = server.rest_of_log();
    for hidden in ["a-secret-token", "hush", "203.0.113.9"] {
        assert!(!log.contains(hidden), "{hidden} in:\n{log}");
    }
}
