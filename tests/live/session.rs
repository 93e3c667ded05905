//! Visitors' sessions and what they admit to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::clocks::Clocks;
use crate::support::{BRAND, EMAIL, Ground, Server, Socket};

#[tokio::test]
async fn a_session_continues_by_cookie_and_by_handle_and_nothing_else() {
    let server = Server::start().await;
    let body = json!({ "brand": BRAND, "locale": "en" });
    let first = server.post("/api/v1/visitor-sessions", "", &body).await;
    let cookie = first.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-portico"), "{pair}");
    for attribute in ["Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"] {
        assert!(attributes.split("; ").any(|found| found == attribute), "{attribute} in {attributes}");
    }
    let by_cookie = server.post("/api/v1/visitor-sessions", &format!("cookie: {pair}\r\n"), &body).await;
    assert_eq!(by_cookie.body["conversation"], first.body["conversation"]);
    let resume = json!({ "brand": BRAND, "locale": "en", "resume": first.body["resume"] });
    let by_handle = server.post("/api/v1/visitor-sessions", "", &resume).await;
    assert_eq!(by_handle.body["conversation"], first.body["conversation"]);
    let session = first.body["session"].as_str().unwrap();
    for forged in ["", "AAAA", session] {
        let resume = json!({ "brand": BRAND, "locale": "en", "resume": forged });
        let stranger = server.post("/api/v1/visitor-sessions", "", &resume).await;
        assert_eq!(stranger.status, 200);
        assert_ne!(stranger.body["conversation"], first.body["conversation"], "{forged:?}");
    }
}

#[tokio::test]
async fn an_ended_session_closes_its_connections_and_opens_nothing_more() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let bearer = format!("authorization: Bearer {}\r\n", visit.resume);
    assert_eq!(server.ask("DELETE", "/api/v1/visitor-sessions", &bearer, "").await.status, 204);
    assert_eq!(socket.expect("goodbye").await["reason"], json!("session-ended"));
    socket.closed().await;
    let answer = server.post("/api/v1/tickets", &bearer, &json!({})).await;
    assert_eq!((answer.status, &answer.body["type"]), (401, &json!("/problems/not-signed-in")));
}

#[tokio::test]
async fn a_device_link_works_once_and_only_by_a_press() {
    let server = Server::start().await;
    let (visit, mut phone) = server.visitor().await;
    phone.say(&visit.conversation, "from the laptop").await;
    let bearer = format!("authorization: Bearer {}\r\n", visit.resume);
    let link = server.post("/api/v1/device-links", &bearer, &json!({})).await;
    assert_eq!(link.status, 200, "{}", link.body);
    let url = link.body["url"].as_str().unwrap();
    let (page, secret) = url.split_once('#').expect("the secret is in the fragment");
    assert!(page.starts_with(&server.origin()) && link.body["qrSvg"].as_str().unwrap().contains("<svg"));
    // Scanners fetch links: that must not use it up.
    let path = page.strip_prefix(&server.origin()).unwrap();
    server.ask("GET", path, "", "").await;
    let redeem = json!({ "brand": BRAND, "secret": secret, "locale": "en" });
    let session = server.post("/api/v1/device-links/redeem", "", &redeem).await;
    assert_eq!(session.body["conversation"], json!(visit.conversation));
    let mut tablet = Socket::welcome(&server, session.body["ticket"].as_str().unwrap()).await;
    assert_eq!(tablet.follow(&visit.conversation, 0).await["head"], json!(1));
    let again = server.post("/api/v1/device-links/redeem", "", &redeem).await;
    let forged = json!({ "brand": BRAND, "secret": "AAAAAAAAAAAAAAAAAAAAAA", "locale": "en" });
    let forged = server.post("/api/v1/device-links/redeem", "", &forged).await;
    assert_eq!((again.status, &again.body), (forged.status, &forged.body), "used and unknown look the same");
    assert_eq!(again.status, 410);
}

/// A JWT as a brand's back end makes it.
fn identity(algorithm: &str, secret: &str, claims: &Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({ "alg": algorithm })), part(claims.clone()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn an_identity_counts_signed_fresh_and_for_this_chat_and_never_otherwise() {
    let clocks = Clocks::new();
    let ground = Ground { environment: clocks.environment(), ..Ground::default() };
    let mut server = Server::start_on(ground).await;
    let printed = server.command(&["brand", "--json", "identity", BRAND, "--new-secret"]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let secret = printed["identitySecret"].as_str().unwrap();
    server.stop().await;
    server.start_again().await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims =
        |subject: &str, exp: u64, audience: &str| json!({ "sub": subject, "exp": exp, "aud": audience });
    let origin = server.origin();
    let host = origin.strip_prefix("http://").unwrap();
    let genuine = claims("42", now + 600, host);
    let open = async |token: String| {
        let body = json!({ "brand": BRAND, "locale": "en", "identity": token });
        server.post("/api/v1/visitor-sessions", "", &body).await
    };
    let known = open(identity("HS256", secret, &genuine)).await;
    assert_eq!(known.status, 200, "{}", known.body);
    let other_secret = "A".repeat(43);
    let unsigned = identity("none", secret, &genuine);
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    let signed = identity("HS256", secret, &genuine);
    let (front, back) = signed.split_at(signed.len() - 9);
    let changed = format!("{front}{}{}", if back.starts_with('A') { 'B' } else { 'A' }, &back[1..]);
    for (what, token) in [
        ("unsigned", unsigned),
        ("changed", changed),
        ("signed by somebody else", identity("HS256", &other_secret, &genuine)),
        ("of another algorithm", identity("HS512", secret, &genuine)),
        ("expired", identity("HS256", secret, &claims("42", now - 120, host))),
        ("for another host", identity("HS256", secret, &claims("42", now + 600, "chat.other.example"))),
        ("for years", identity("HS256", secret, &claims("42", now + 100_000_000, host))),
        ("without a subject", identity("HS256", secret, &json!({ "exp": now + 600, "aud": host }))),
    ] {
        let answer = open(token).await;
        let told = (answer.status, &answer.body["type"]);
        assert_eq!(told, (401, &json!("/problems/identity-refused")), "{what}: {}", answer.body);
    }
    // The same token that opened a session opens none once its time is over.
    clocks.set(800);
    assert_eq!(open(identity("HS256", secret, &genuine)).await.status, 401);
}

#[tokio::test]
async fn the_studios_cookie_gives_no_visitors_ticket_and_the_reverse() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let studio = format!("cookie: {}\r\n", server.sign_in().await);
    assert_eq!(server.post("/api/v1/tickets", &studio, &json!({})).await.status, 401);
    let visitor = format!("cookie: __Host-portico.{BRAND}={}\r\n", visit.resume);
    assert_eq!(server.post("/api/v1/tickets", &visitor, &json!({})).await.status, 200);
    assert_eq!(server.post("/api/v1/studio-tickets", &visitor, &json!({})).await.status, 401);
    let smuggled = format!("cookie: __Host-portico-studio={}\r\n", visit.resume);
    assert_eq!(server.post("/api/v1/studio-tickets", &smuggled, &json!({})).await.status, 401);
}

#[tokio::test]
async fn a_representative_disabled_by_a_command_is_out_though_connected() {
    let server = Server::start().await;
    let mut anna = server.representative().await;
    server.command(&["representative", "disable", EMAIL]);
    assert_eq!(anna.expect("goodbye").await["reason"], json!("session-ended"));
}
