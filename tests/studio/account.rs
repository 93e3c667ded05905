//! Signing in and out, sessions, and requests that are not the studio's own.

use portico_protocol::api::{Me, SessionSummary};
use serde_json::Value;

use crate::world::{ADA, PASSWORD, RIVAL, World};

#[tokio::test]
async fn the_right_password_opens_a_session_that_only_this_host_can_use() {
    let world = World::start().await;
    let answer = world.try_sign_in(" ADA@Lumen.example ", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let head = &answer.head;
    for part in ["__Host-portico-studio=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(head.contains(part), "{part} is missing in {head}");
    }
    assert!(!answer.body.contains("argon2"), "the hash leaves the server");
    let me: Me = world.get("/api/v1/me", &answer.cookie()).await.json();
    assert_eq!((me.display_name.as_str(), me.email.as_str()), ("Ada", ADA));
    assert_eq!(me.brand.brand.as_str(), "lumen");
}

#[tokio::test]
async fn whoever_is_not_in_learns_nothing() {
    let world = World::start().await;
    for path in ["me", "sessions", "inbox-counts", "conversations?view=all", "canned-replies"] {
        let path = format!("/api/v1/{path}");
        let forged = format!("__Host-portico-studio={}", "A".repeat(64));
        for cookie in ["", "__Host-portico-studio=nonsense", forged.as_str()] {
            let answer = world.get(&path, cookie).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (401, "not-signed-in"),
                "{path} with {cookie}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let world = World::start().await;
    let wrong = world.try_sign_in(ADA, "seven lamps in a raw").await;
    let unknown = world.try_sign_in("nobody@lumen.example", PASSWORD).await;
    let no_address = world.try_sign_in("nobody", PASSWORD).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (401, "wrong-credentials"));
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.body, no_address.body);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_told_how_long_to_wait() {
    let world = World::start().await;
    let mut guesses = 0;
    // Waits double, so that even a machine on which each guess takes seconds is refused before long.
    let throttled = loop {
        let answer = world.try_sign_in(ADA, "a guess of many").await;
        if answer.status == 429 {
            break answer;
        }
        guesses += 1;
        assert_eq!(answer.status, 401);
        assert!(guesses < 20, "nobody slows the guesser down");
    };
    assert!(guesses >= 5, "honest people mistype more often than {guesses} times");
    assert_eq!(throttled.problem(), "rate-limited");
    let problem: Value = throttled.json();
    let wait_ms = problem["retryAfterMs"].as_u64().unwrap();
    assert!(wait_ms > 0);
    let retry_after = format!("retry-after: {}", wait_ms.div_ceil(1000));
    assert!(throttled.head.to_lowercase().contains(&retry_after), "{}", throttled.head);
    // Somebody else at the same office is not made to wait.
    world.sign_in(RIVAL).await;
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    let store = portico_store::Options::new(world.config.database_url()).for_tool();
    let store = portico_store::Store::open(&store).await.unwrap();
    let ada = store.representatives().find_by_email(ADA).await.unwrap().unwrap();
    portico::account::disable(&store, ada.id, portico::clock::now()).await.unwrap();
    assert_eq!(world.get("/api/v1/me", &cookie).await.status, 401);
    assert_eq!(world.try_sign_in(ADA, PASSWORD).await.status, 401);
    store.representatives().set_disabled(ada.id, None).await.unwrap();
    assert_eq!(world.get("/api/v1/me", &cookie).await.status, 401, "an ended session came back");
    world.sign_in(ADA).await;
}

#[tokio::test]
async fn sessions_are_listed_ended_one_by_one_and_all_at_once() {
    let world = World::start().await;
    let here = world.sign_in(ADA).await;
    let elsewhere = world.sign_in(ADA).await;
    let third = world.sign_in(ADA).await;
    let sessions: Vec<SessionSummary> = world.get("/api/v1/sessions", &here).await.json();
    assert_eq!(sessions.len(), 3);
    assert_eq!(sessions.iter().filter(|session| session.is_current).count(), 1);
    assert!(sessions.iter().all(|session| session.device == "Firefox on Linux"), "{sessions:?}");

    let me: Me = world.get("/api/v1/me", &elsewhere).await.json();
    let path = format!("/api/v1/sessions/{}", me.session);
    let rival = world.sign_in(RIVAL).await;
    assert_eq!(world.change("DELETE", &path, &rival, "").await.status, 404, "somebody else ended it");
    assert_eq!(world.get("/api/v1/me", &elsewhere).await.status, 200);
    assert_eq!(world.change("DELETE", &path, &here, "").await.status, 204);
    assert_eq!(world.get("/api/v1/me", &elsewhere).await.status, 401);

    assert_eq!(world.change("DELETE", "/api/v1/sessions", &here, "").await.status, 204);
    assert_eq!(world.get("/api/v1/me", &third).await.status, 401);
    assert_eq!(world.get("/api/v1/me", &here).await.status, 200, "the asking session ended, too");

    let gone = world.change("POST", "/api/v1/sign-out", &here, "").await;
    assert_eq!(gone.status, 204);
    assert!(gone.head.contains("Max-Age=0"), "{}", gone.head);
    assert_eq!(world.get("/api/v1/me", &here).await.status, 401);
}

#[tokio::test]
async fn another_sites_page_can_change_nothing() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    let own = format!("Origin: {}\r\n", world.config.public_url.origin());
    for headers in
        ["", "Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
    {
        let headers = format!("Cookie: {cookie}\r\n{headers}");
        let answer = world.ask("POST", "/api/v1/sign-out", &headers, "").await;
        assert_eq!(answer.status, 403, "{headers}");
    }
    // A page of a neighbouring host of the same site: `SameSite` lets its cookies pass.
    let neighbour = format!("Cookie: {cookie}\r\n{own}Sec-Fetch-Site: same-site\r\n");
    assert_eq!(world.ask("DELETE", "/api/v1/sessions", &neighbour, "").await.status, 403);
    let login = world.ask("POST", "/api/v1/sign-in", "Sec-Fetch-Site: cross-site\r\n", "{}").await;
    assert_eq!(login.status, 403, "a stranger could sign somebody in as himself");
    assert_eq!(world.get("/api/v1/me", &cookie).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_not_understood_are_refused_without_repeating_them() {
    let world = World::start().await;
    for body in ["", "{", "[]", r#"{"email":"a@b"}"#, r#"{"email":7,"password":"hunter2 hunter2"}"#] {
        let answer = world.change("POST", "/api/v1/sign-in", "", body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed"), "{body}");
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    }
}
