//! The brand card's signature.
//!
//! The card travels as plain JSON for the screens; its `signature` is a JWS whose payload repeats every fact
//! that trust hangs on. Whoever checks it compares each of them: a card that says more than was signed is
//! worth nothing.

use portico_protocol::{BrandCard, BrandId, Timestamp, Verification, VerificationMethod};
use serde::{Deserialize, Serialize};

use crate::jws::{self, JwsError};
use crate::key::{PublicKey, SigningKey};
use crate::{CLOCK_SKEW_MS, json};

/// The token's type, so that nothing else that a brand signs is taken for a card.
pub const CARD_TYPE: &str = "portico-card+jws";
/// Longest life of a card: revocation is to stop renewing it, and must not take days.
pub const CARD_FOR_MS_MAX: i64 = 12 * 60 * 60 * 1000;

/// Why a card proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The signature's form, algorithm or key is wrong, or it was forged.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The payload is not a card's.
    #[error("the signature's payload is not a card's")]
    Malformed,
    /// The card says something else than what was signed.
    #[error("the card says something else than what was signed")]
    Differs,
    /// Its time is over.
    #[error("the card has expired")]
    Expired,
    /// It was signed in the future.
    #[error("the card is not valid yet")]
    NotYet,
    /// It claims to live longer than any card may.
    #[error("the card claims to live longer than 12 hours")]
    TooLong,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    chat_host: String,
    #[serde(rename = "sub")]
    brand: BrandId,
    #[serde(rename = "iat", with = "crate::seconds")]
    issued_at: Timestamp,
    #[serde(rename = "exp", with = "crate::seconds")]
    expires_at: Timestamp,
    name: String,
    domain: String,
    verification: Verification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<VerificationMethod>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::seconds::option")]
    verified_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logo_sha256: Option<String>,
    privacy_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms_url: Option<String>,
}

/// Signs `card`: cuts its times to whole seconds, which is what JWTs count in, and sets its `signature`.
///
/// # Panics
/// If the card is to live longer than [`CARD_FOR_MS_MAX`]: our own mistake.
#[must_use]
pub fn sign_card(key: &SigningKey, card: BrandCard) -> BrandCard {
    let life = card.expires_at.as_millis() - card.issued_at.as_millis();
    assert!(life <= CARD_FOR_MS_MAX, "a card lives for hours");
    let mut card = BrandCard {
        issued_at: whole_seconds(card.issued_at),
        expires_at: whole_seconds(card.expires_at),
        verified_at: card.verified_at.map(whole_seconds),
        ..card
    };
    let claims = serde_json::to_vec(&Claims::of(&card)).expect("claims are JSON");
    card.signature = jws::sign(key, CARD_TYPE, &claims);
    card
}

/// Checks that one of `keys` signed all that `card` says, and that it counts at `now`.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_card(keys: &[PublicKey], card: &BrandCard, now: Timestamp) -> Result<(), CardError> {
    let payload = jws::verify(keys, CARD_TYPE, &card.signature)?;
    let claims: Claims = json::parse(&payload).map_err(|_| CardError::Malformed)?;
    if claims != Claims::of(card) {
        return Err(CardError::Differs);
    }
    if claims.expires_at.as_millis().saturating_sub(claims.issued_at.as_millis()) > CARD_FOR_MS_MAX {
        return Err(CardError::TooLong);
    }
    if now >= claims.expires_at {
        return Err(CardError::Expired);
    }
    if now.plus_millis(CLOCK_SKEW_MS) < claims.issued_at {
        return Err(CardError::NotYet);
    }
    Ok(())
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(1000) * 1000)
}

impl Claims {
    fn of(card: &BrandCard) -> Self {
        Self {
            chat_host: card.chat_host.clone(),
            brand: card.brand.clone(),
            issued_at: card.issued_at,
            expires_at: card.expires_at,
            name: card.display_name.clone(),
            domain: card.domain.clone(),
            verification: card.verification,
            method: card.method,
            verified_at: card.verified_at,
            logo_sha256: card.logo_sha256.clone(),
            privacy_url: card.privacy_url.clone(),
            terms_url: card.terms_url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_123);

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn card() -> BrandCard {
        BrandCard {
            brand: "lumen".parse().unwrap(),
            display_name: "Lumen".into(),
            domain: "lumen.example".into(),
            verification: Verification::Verified,
            method: Some(VerificationMethod::Dns),
            verified_at: Some(NOW.plus_millis(-60_000)),
            chat_host: "chat.lumen.example".into(),
            issued_at: NOW,
            expires_at: NOW.plus_millis(CARD_FOR_MS_MAX),
            logo_url: Some("/b/lumen/logo".into()),
            logo_sha256: Some("x".into()),
            color: "#204080".into(),
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
            bot_name: None,
            greeting: vec![],
            signature: String::new(),
        }
    }

    #[test]
    fn a_signed_card_verifies_until_it_expires() {
        let card = sign_card(&key(), card());
        let check = |now| verify_card(&[key().public()], &card, now);
        assert_eq!(check(NOW), Ok(()));
        assert_eq!(check(card.expires_at), Err(CardError::Expired));
        assert_eq!(check(card.expires_at.plus_millis(-1)), Ok(()));
        assert_eq!(check(card.issued_at.plus_millis(-CLOCK_SKEW_MS - 1)), Err(CardError::NotYet));
    }

    #[test]
    fn a_card_that_says_anything_else_than_was_signed_proves_nothing() {
        let signed = sign_card(&key(), BrandCard { verification: Verification::NotVerified, ..card() });
        let check = |change: fn(&mut BrandCard)| {
            let mut card = signed.clone();
            change(&mut card);
            assert_eq!(verify_card(&[key().public()], &card, NOW), Err(CardError::Differs), "{card:?}");
        };
        check(|card| card.verification = Verification::Verified);
        check(|card| card.display_name = "Lumen Bank".into());
        check(|card| card.domain = "lurnen.example".into());
        check(|card| card.chat_host = "chat.evil.example".into());
        check(|card| card.expires_at = card.expires_at.plus_millis(1000));
        check(|card| card.issued_at = card.issued_at.plus_millis(-1000));
        check(|card| card.verified_at = None);
        check(|card| card.method = Some(VerificationMethod::WellKnown));
        check(|card| card.logo_sha256 = None);
        check(|card| card.privacy_url = "https://evil.example".into());
        check(|card| card.terms_url = Some("https://evil.example".into()));
        check(|card| card.brand = "evil".parse().unwrap());
    }

    #[test]
    fn a_card_of_another_key_or_none_proves_nothing() {
        let check = |card: &BrandCard| verify_card(&[key().public()], card, NOW);
        let forged = sign_card(&SigningKey::from_seed(&[2; 32]), card());
        assert_eq!(check(&forged), Err(JwsError::UnknownKey.into()));
        assert_eq!(check(&card()), Err(JwsError::Malformed.into()));
    }

    #[test]
    fn a_card_signed_for_days_is_refused() {
        let card = BrandCard {
            issued_at: Timestamp::from_millis(NOW.as_millis() / 1000 * 1000),
            expires_at: Timestamp::from_millis((NOW.as_millis() / 1000 + 86_400) * 1000),
            ..card()
        };
        let card = BrandCard { verified_at: card.verified_at.map(whole_seconds), ..card };
        let signature = jws::sign(&key(), CARD_TYPE, &serde_json::to_vec(&Claims::of(&card)).unwrap());
        assert_eq!(
            verify_card(&[key().public()], &BrandCard { signature, ..card }, NOW),
            Err(CardError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn no_payload_makes_verification_panic(payload: Vec<u8>, now: i64) {
            let signature = jws::sign(&key(), CARD_TYPE, &payload);
            let _ = verify_card(&[key().public()], &BrandCard { signature, ..card() }, Timestamp::from_millis(now));
        }
    }
}
