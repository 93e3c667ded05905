//! TLS by the server itself.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::server::{Server, complaint, header, output, read_all};

struct Certificate {
    der: CertificateDer<'static>,
}

/// Writes a new certificate for localhost and its key.
fn issue(folder: &Path) -> Certificate {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    Certificate { der: cert.der().clone() }
}

fn start(folder: &Path) -> Server {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let options = ["--tls-certificate", &path("chain.pem"), "--tls-key", &path("key.pem")];
    let public = ["--public-url", "https://localhost"];
    Server::start_on(&folder.join("data"), &[&options[..], &public].concat())
}

/// The answer to a request by somebody who trusts `certificate` alone.
fn ask(server: &Server, certificate: &Certificate, request: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der.clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, server.connect());
    stream.write_all(request.as_bytes())?;
    Ok(read_all(&mut stream))
}

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[test]
fn certificates_make_the_server_speak_tls_and_tell_browsers_to_stay_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let server = start(folder.path());
    let answer = ask(&server, &certificate, REQUEST).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(header(&answer, "strict-transport-security").is_some(), "{answer}");
}

#[test]
fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = issue(folder.path());
    let mut server = start(folder.path());
    std::fs::write(folder.path().join("chain.pem"), "not a certificate").unwrap();
    server.signal("HUP");
    server.wait_for_line("Kept the old certificate");
    assert!(ask(&server, &old, REQUEST).is_ok());

    let new = issue(folder.path());
    server.signal("HUP");
    server.wait_for_line("Read the renewed certificate");
    assert!(ask(&server, &new, REQUEST).is_ok());
    assert!(ask(&server, &old, REQUEST).is_err());
}

#[test]
fn certificates_that_cannot_be_used_are_told_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let told_with = |certificate: &str, key: &str| {
        let data = path("data");
        complaint(&output([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            &data,
            "--tls-certificate",
            certificate,
            "--tls-key",
            key,
        ]))
    };
    assert!(told_with(&path("missing.pem"), &path("key.pem")).contains("missing.pem"));
    assert!(told_with(&path("key.pem"), &path("key.pem")).contains("holds no certificate"));
    let other = tempfile::tempdir().unwrap();
    issue(other.path());
    let foreign_key = other.path().join("key.pem");
    let told = told_with(&path("chain.pem"), foreign_key.to_str().unwrap());
    assert!(told.contains("cannot be used together"), "{told}");
}
