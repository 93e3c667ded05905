//! Health, metrics, headers, problems.

use std::io::{Read, Write};

use crate::server::{Server, header};

#[test]
fn a_started_server_is_alive_and_ready_and_answers_head() {
    let server = Server::start(&[]);
    assert!(server.get("/healthz", "").starts_with("HTTP/1.1 200"));
    assert!(server.get("/readyz", "").starts_with("HTTP/1.1 200"));
    let answer = server.ask("HEAD /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn every_answer_carries_strict_headers_and_an_id() {
    let server = Server::start(&[]);
    for path in ["/healthz", "/nowhere", "/problems/invalid"] {
        let answer = server.get(path, "");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header(&answer, "referrer-policy"), Some("no-referrer"), "{path}");
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(header(&answer, "x-request-id").unwrap().len(), 16, "{path}");
        assert_eq!(header(&answer, "strict-transport-security"), None, "it is plain HTTP");
    }
}

#[test]
fn an_unknown_address_is_a_problem_whose_type_is_a_page() {
    let server = Server::start(&[]);
    let answer = server.get("/nowhere", "");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
    assert!(answer.contains(r#""type":"/problems/not-found""#), "{answer}");
    let page = server.get("/problems/not-found", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<h1>"), "{page}");
    assert!(server.get("/problems/no-such-code", "").starts_with("HTTP/1.1 404"));
    let wrong_method = server.ask("DELETE /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert!(wrong_method.starts_with("HTTP/1.1 405"), "{wrong_method}");
    assert!(header(&wrong_method, "allow").unwrap().contains("GET"));
}

#[test]
fn metrics_are_for_this_machine_alone_unless_a_token_is_set() {
    let server = Server::start(&[]);
    let answer = server.get("/metrics", "");
    assert!(answer.contains("portico_connections_open") && answer.contains("process_resident_memory_bytes"));
    // A proxy on this machine would make the whole world look local.
    let forwarded = server.get("/metrics", "x-forwarded-for: 203.0.113.9\r\n");
    assert!(forwarded.starts_with("HTTP/1.1 404"), "{forwarded}");

    let server = Server::start(&["--metrics-token", "s3cret"]);
    assert!(server.get("/metrics", "").starts_with("HTTP/1.1 404"));
    assert!(server.get("/metrics", "authorization: Bearer s3cre\r\n").starts_with("HTTP/1.1 404"));
    assert!(server.get("/metrics", "authorization: Bearer s3cret\r\n").starts_with("HTTP/1.1 200"));
}

#[test]
fn strange_paths_and_methods_make_no_new_time_series() {
    let server = Server::start(&[]);
    for index in 0..20 {
        server.get(&format!("/nowhere/{index}"), "");
        server.ask(&format!("ODD{index} /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
    }
    let metrics = server.get("/metrics", "");
    let series = metrics.lines().filter(|line| line.starts_with("portico_http_requests_total{")).count();
    assert!(series <= 3, "{metrics}");
}

/// The body of an answer, as its bytes.
fn body(server: &Server, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = server.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap(), body)
}

#[test]
fn documents_come_compressed_and_what_may_hold_a_secret_never() {
    let server = Server::start(&[]);
    let path = "/problems/too-long";
    let (head, plain) = body(&server, path, "");
    assert_eq!(header(&head, "content-encoding"), None);
    for (accepted, expected) in
        [("br", Some("br")), ("gzip, br;q=0", Some("gzip")), ("*", Some("br")), ("identity", None)]
    {
        let (head, encoded) = body(&server, path, &format!("accept-encoding: {accepted}\r\n"));
        assert_eq!(header(&head, "content-encoding"), expected, "{accepted}");
        assert!(head.to_ascii_lowercase().contains("vary: accept-encoding"), "{head}");
        let length = header(&head, "content-length").map(|length| length.parse().unwrap());
        assert_eq!(length, Some(encoded.len()));
        let mut decoded = Vec::new();
        let mut decoder: Box<dyn Read> = match expected {
            Some("br") => Box::new(brotli::Decompressor::new(&*encoded, 4_096)),
            Some(_) => Box::new(flate2::read::GzDecoder::new(&*encoded)),
            None => Box::new(&*encoded),
        };
        decoder.read_to_end(&mut decoded).unwrap();
        drop(decoder);
        assert!(decoded == plain, "{accepted}: another document");
        assert!(
            expected.is_none() || encoded.len() < plain.len() * 2 / 3,
            "{} of {}",
            encoded.len(),
            plain.len()
        );
    }
    let (head, _) = body(&server, "/api/v1/brands/nobody", "accept-encoding: br, gzip\r\n");
    assert_eq!(header(&head, "content-encoding"), None, "JSON goes out as it is");
}
