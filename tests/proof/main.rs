//! Proofs of brands, end to end: a real DNS server, a real web server by TLS, a real store, and the page that
//! people see. Whatever is wrong with a proof, the tick is absent.
#![allow(clippy::unwrap_used)]

mod command;
mod server;
mod site;
mod world;
mod zone;

use std::net::Ipv4Addr;

use portico::proof::name::{Domain, Scope};
use portico_domain::brand::{FRESH_FOR_MS, Finding, KEY_OVERLAP_MS};
use portico_protocol::{Verification, VerificationMethod};
use portico_seal::challenge::date;
use portico_seal::{CardError, JwsError, verify_card};

use crate::world::{CHAT_HOST, DAY_MS, DOMAIN, NAME, NOW, World};

#[tokio::test]
async fn a_record_in_dns_verifies_the_brand() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    let finding = world.verify(NOW).await;
    assert!(matches!(&finding, Finding::Vouched(voucher) if voucher.resolvers == 2), "{finding:?}");
    let card = world.card(NOW);
    assert!(card.shows_tick(NOW));
    assert_eq!(card.method, Some(VerificationMethod::Dns));
    verify_card(&world.brand().live_keys(NOW), &card, NOW).unwrap();
    assert_eq!(world.brand().frame_ancestors(NOW), "'self' https://lumen.example https://www.lumen.example");
}

#[tokio::test]
async fn a_file_on_the_web_server_verifies_the_brand() {
    let world = World::start().await;
    world.serve_challenge(200, &world.brand().challenge_file(NOW).body);
    assert!(matches!(world.verify(NOW).await, Finding::Vouched(_)));
    let card = world.card(NOW);
    assert!(card.shows_tick(NOW));
    assert_eq!(card.method, Some(VerificationMethod::WellKnown));
}

#[tokio::test]
async fn nothing_published_or_something_else_draws_no_tick() {
    let world = World::start().await;
    let right = world.records().await.remove(0);
    let other = portico_seal::SigningKey::from_seed(&[9; 32]).public().thumbprint().to_string();
    let (token, key) = right.split_once(' ').unwrap().0["token=".len()..].split_once('.').unwrap();
    let yesterday = date::format(NOW.plus_millis(-2 * DAY_MS));
    for (records, reason) in [
        (vec![], "no TXT record"),
        (vec![format!("token={token}.{other} expiry=never")], "names another key"),
        (vec![format!("token={}.{key} expiry=never", "A".repeat(22))], "another token"),
        (vec![format!("token={token}.{key} expiry={yesterday}")], "expired on"),
        (vec![format!("token={token}.{key} expiry=soon")], "not of the form"),
        (vec!["v=spf1 -all".to_owned()], "not of the form"),
        (vec![key.to_owned()], "not of the form"),
    ] {
        world.publish(&records).await;
        let finding = world.verify(NOW).await;
        assert!(
            matches!(&finding, Finding::Absent(text) if text.contains(reason)),
            "{records:?}: {finding:?}"
        );
        world.assert_no_tick(NOW, Verification::NotVerified);
    }
}

#[tokio::test]
async fn looking_in_vain_again_and_again_adds_nothing_to_the_history() {
    let world = World::start().await;
    for minutes in 0..5 {
        let now = NOW.plus_millis(minutes * 600_000);
        world.verify(now).await;
        assert_eq!(world.brand().proof.checked_at, Some(now));
        assert_eq!(world.store.brands().proofs(&world.id, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_record_of_another_domain_proves_nothing_here() {
    let world = World::start().await;
    for zone in &world.zones {
        zone.set_texts("_portico-challenge.other.example", &world.records().await).await;
    }
    assert!(matches!(world.verify(NOW).await, Finding::Absent(_)));
    world.assert_no_tick(NOW, Verification::NotVerified);
}

#[tokio::test]
async fn a_removed_record_takes_the_tick_away_at_the_next_look() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    world.publish(&[]).await;
    let later = NOW.plus_millis(DAY_MS);
    assert!(matches!(world.verify(later).await, Finding::Absent(_)));
    world.assert_no_tick(later, Verification::Withdrawn);
    assert_eq!(world.brand().frame_ancestors(later), "'self'");
}

#[tokio::test]
async fn a_removed_record_counts_as_removed_although_the_web_server_never_answers() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    world.publish(&[]).await;
    world.serve_challenge(500, "");
    assert!(matches!(world.verify(NOW).await, Finding::Absent(_)));
    world.assert_no_tick(NOW, Verification::Withdrawn);
}

#[tokio::test]
async fn resolvers_that_disagree_prove_nothing_and_disprove_nothing() {
    let world = World::start().await;
    world.zones[0].set_texts(NAME, &world.records().await).await;
    let finding = world.verify(NOW).await;
    assert!(matches!(&finding, Finding::Unclear(text) if text.contains("disagree")), "{finding:?}");
    world.assert_no_tick(NOW, Verification::NotVerified);

    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    world.zones[1].set_texts(NAME, &[]).await;
    assert!(matches!(world.verify(NOW).await, Finding::Unclear(_)));
    assert!(world.card(NOW).shows_tick(NOW), "one deceived or slow resolver ends no verification");
    let stale = NOW.plus_millis(FRESH_FOR_MS);
    world.assert_no_tick(stale, Verification::Expired);
}

#[tokio::test]
async fn a_proof_that_nobody_can_look_for_expires() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    let blind = world.blind_looker();
    let (_, finding) = world.directory.verify(&world.id, &blind, NOW.plus_millis(DAY_MS)).await.unwrap();
    assert!(matches!(finding, Finding::Unclear(_)), "{finding:?}");
    assert!(world.card(NOW.plus_millis(DAY_MS)).shows_tick(NOW.plus_millis(DAY_MS)));
    world.assert_no_tick(NOW.plus_millis(FRESH_FOR_MS), Verification::Expired);
    world.assert_no_tick(NOW.plus_millis(60 * DAY_MS), Verification::NotVerified);
}

#[tokio::test]
async fn a_look_alike_domain_draws_no_tick_although_its_owner_vouches() {
    // The first letter is Cyrillic.
    let world = World::with_domain("аpple.example").await;
    assert_eq!(world.brand().settings.profile.domain.as_str(), "xn--pple-43d.example");
    for zone in &world.zones {
        zone.set_texts("_portico-challenge.xn--pple-43d.example", &world.records().await).await;
    }
    let finding = world.verify(NOW).await;
    assert!(matches!(&finding, Finding::Absent(text) if text.contains("look like others")), "{finding:?}");
    world.assert_no_tick(NOW, Verification::NotVerified);
    assert_eq!(world.card(NOW).domain, "xn--pple-43d.example");
}

#[tokio::test]
async fn a_web_server_that_says_anything_but_the_answer_draws_no_tick() {
    let world = World::start().await;
    let right = world.brand().challenge_file(NOW).body;
    let other = right.replace('.', ".AAAA");
    for (status, body, reason) in [
        (404, right.as_str(), "404"),
        (200, "", "holds no key authorization"),
        (200, other.as_str(), "holds no key authorization"),
        (302, "", "redirects to https://evil.example/"),
        (503, right.as_str(), "503"),
        (200, &format!("{right}{}", "x".repeat(5000)), "larger than"),
    ] {
        world.serve_challenge(status, body);
        let (Finding::Absent(text) | Finding::Unclear(text)) = world.verify(NOW).await else {
            panic!("{status} {reason} vouched");
        };
        assert!(text.contains(reason), "{reason}: {text}");
        world.assert_no_tick(NOW, Verification::NotVerified);
    }
}

#[tokio::test]
async fn a_domain_that_points_into_a_private_network_is_not_fetched_from() {
    let world = World::start().await;
    world.serve_challenge(200, &world.brand().challenge_file(NOW).body);
    let public = world.public_looker();
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(169, 254, 169, 254)] {
        for zone in &world.zones {
            zone.set_address(DOMAIN, address).await;
        }
        let (_, finding) = world.directory.verify(&world.id, &public, NOW).await.unwrap();
        let Finding::Unclear(text) = finding else { panic!("{finding:?}") };
        assert!(text.contains("not a public address"), "{text}");
        world.assert_no_tick(NOW, Verification::NotVerified);
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_an_unknown_authority_proves_nothing() {
    let world = World::start().await;
    world.serve_challenge(200, &world.brand().challenge_file(NOW).body);
    let strict = world.looker_with_public_authorities();
    let (_, finding) = world.directory.verify(&world.id, &strict, NOW).await.unwrap();
    assert!(matches!(&finding, Finding::Unclear(text) if text.contains("certificate")), "{finding:?}");
    world.assert_no_tick(NOW, Verification::NotVerified);
}

#[tokio::test]
async fn a_key_is_changed_without_a_gap_and_the_old_one_counts_on_for_a_week() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    let before = world.card(NOW);

    let later = NOW.plus_millis(DAY_MS);
    let (_, new) = world.directory.rotate_key(&world.id, None, later, &mut world::rng()).await.unwrap();
    assert_eq!(world.records_at(later).len(), 2);
    world.verify(later).await;
    assert!(world.card(later).shows_tick(later), "the old key is still vouched for and signs");
    assert_ne!(world.brand().proof.voucher.clone().unwrap().key, new);

    world.publish(&world.records_at(later)).await;
    world.verify(later).await;
    assert_eq!(world.brand().proof.voucher.clone().unwrap().key, new);
    verify_card(&world.brand().live_keys(NOW), &before, NOW).unwrap();
    assert_eq!(world.brand().live_keys(later.plus_millis(KEY_OVERLAP_MS - 1)).len(), 2);
    let over = later.plus_millis(KEY_OVERLAP_MS);
    assert_eq!(world.brand().live_keys(over).iter().map(|key| key.id()).collect::<Vec<_>>(), [new]);
}

#[tokio::test]
async fn a_revoked_key_counts_no_longer_from_that_moment() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    let stolen = world.card(NOW);
    let old = world.brand().live_keys(NOW)[0].id();
    world.directory.rotate_key(&world.id, Some(&old), NOW, &mut world::rng()).await.unwrap();
    let keys = world.brand().live_keys(NOW);
    assert_eq!(verify_card(&keys, &stolen, NOW), Err(CardError::Jws(JwsError::UnknownKey)));
    assert!(matches!(world.verify(NOW).await, Finding::Absent(text) if text.contains("another key")));
    world.assert_no_tick(NOW, Verification::Withdrawn);
    assert!(world.directory.rotate_key(&world.id, Some(&old), NOW, &mut world::rng()).await.is_err());
}

#[tokio::test]
async fn a_withdrawal_by_the_operator_outlives_every_look() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    world.directory.withdraw(&world.id, NOW).await.unwrap();
    world.assert_no_tick(NOW, Verification::Withdrawn);
    world.verify(NOW).await;
    world.assert_no_tick(NOW, Verification::Withdrawn);
    world.directory.reinstate(&world.id, NOW).await.unwrap();
    world.assert_no_tick(NOW, Verification::NotVerified);
    world.verify(NOW).await;
    assert!(world.card(NOW).shows_tick(NOW));
}

#[tokio::test]
async fn another_domain_is_another_claim() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    let mut profile = world.brand().settings.profile.clone();
    let token = world.brand().settings.challenge;
    profile.domain = Domain::parse("bank.example", Scope::Public).unwrap();
    world.directory.set_profile(&world.id, profile, NOW, &mut world::rng()).await.unwrap();
    world.assert_no_tick(NOW, Verification::NotVerified);
    assert_ne!(world.brand().settings.challenge, token);
}

#[tokio::test]
async fn a_card_is_never_older_than_two_hours_and_never_outlives_its_proof() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    let card = world.card(NOW);
    assert_eq!(world.card(NOW.plus_millis(DAY_MS / 24)).issued_at, card.issued_at);
    assert!(world.card(NOW.plus_millis(DAY_MS / 12)).issued_at > card.issued_at);
    let near_end = NOW.plus_millis(FRESH_FOR_MS - 1000);
    assert!(world.card(near_end).expires_at <= NOW.plus_millis(FRESH_FOR_MS));
    assert!(!card.shows_tick(card.expires_at));
}

#[tokio::test]
async fn anybody_can_check_the_brand_from_outside() {
    let world = World::start().await;
    world.publish(&world.records().await).await;
    world.verify(NOW).await;
    world.publish_manifest().await;
    let host = Domain::parse(CHAT_HOST, Scope::Public).unwrap();
    let report = world.check(Some(&host)).await;
    assert!(report.is_verified(), "{report:#?}");
    assert!(world.check(None).await.is_verified(), "the TXT record says where the chat is");
    let other = Domain::parse("chat.evil.example", Scope::Public).unwrap();
    assert!(!world.check(Some(&other)).await.is_verified());

    world.serve_logo(b"another picture");
    let report = world.check(Some(&host)).await;
    assert_eq!(report.steps.last().unwrap().name, "logo", "{report:#?}");
    assert!(!report.is_verified());

    world.publish(&[]).await;
    let report = world.check(Some(&host)).await;
    assert_eq!(report.steps.last().unwrap().name, "voucher", "{report:#?}");
    assert!(!report.is_verified());
}
