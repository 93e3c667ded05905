//! Identity tokens: a JWT by which the brand's own back end says who a visitor is.
//!
//! Anybody can write an e-mail address into a page; only the brand's back end can sign. So a token needs a
//! signature, a subject, this chat's host as audience and a short life, and whatever lacks one of them counts
//! as nothing at all: there is no half-known visitor. Practice of RFC 8725.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use portico_protocol::Timestamp;
use portico_protocol::limit::IDENTITY_BYTES_MAX;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroize as _;

use crate::jws::Compact;
use crate::key::PublicKey;
use crate::{CLOCK_SKEW_MS, base64url, json};

/// Longest life of a token from now, in milliseconds.
pub const IDENTITY_FOR_MS_MAX: i64 = 60 * 60 * 1000;
/// Longest subject, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 255;

/// The secret that a brand's back end shares with Portico to sign with HS256.
#[derive(Clone)]
pub struct IdentitySecret([u8; 32]);

/// What a brand lets its back end sign with.
#[derive(Clone, Debug, Default)]
pub struct IdentityKeys {
    /// For `HS256`.
    pub secret: Option<IdentitySecret>,
    /// For `Ed25519`.
    pub public: Vec<PublicKey>,
}

/// Who a visitor is, by the brand's own word.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The brand's id of this person: what conversations are merged by.
    pub subject: String,
    /// The person's name, for representatives.
    pub name: Option<String>,
    /// The person's address, for representatives.
    pub email: Option<String>,
    /// When the token ceases to count.
    pub expires_at: Timestamp,
}

/// Why a token says nothing about anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Too long, not a compact JWT, or claims of the wrong kind.
    #[error("not a JWT with the claims sub, aud and exp")]
    Malformed,
    /// Neither `HS256` nor `Ed25519`, or one for which the brand has no key.
    #[error("signed with an algorithm that this brand does not use; HS256 and Ed25519 are possible")]
    WrongAlgorithm,
    /// The signature fits none of the brand's keys.
    #[error("the signature is wrong")]
    BadSignature,
    /// `aud` is not this chat's host.
    #[error("made for another audience than this chat's host")]
    WrongAudience,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("not valid yet")]
    NotYet,
    /// `exp` is more than an hour after `iat`, or after now.
    #[error("valid for more than an hour")]
    TooLong,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    b64: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

/// One audience or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl IdentitySecret {
    /// The secret made of these random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for [`crate::vault`] alone.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text that the back end's operator is shown. Its ASCII bytes are the HMAC key, so that it can be
    /// given as it is to every JWT library.
    #[must_use]
    pub fn reveal(&self) -> String {
        base64url::encode(self.0)
    }

    /// A token over `claims`, as a back end would make it.
    #[must_use]
    pub fn sign(&self, claims: &str) -> String {
        let signed =
            format!("{}.{}", base64url::encode(r#"{"alg":"HS256","typ":"JWT"}"#), base64url::encode(claims));
        let signature = base64url::encode(self.mac(signed.as_bytes()).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.reveal().as_bytes()).expect("any length of key fits");
        mac.update(message);
        mac
    }
}

impl Drop for IdentitySecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for IdentitySecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdentitySecret(…)")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity(…)")
    }
}

/// Who `token` says that the visitor is, if the brand's back end signed it for the chat at `chat_host`.
///
/// # Errors
/// The first thing that is wrong; nothing of such a token may be used.
pub fn verify_identity(
    keys: &IdentityKeys,
    chat_host: &str,
    token: &str,
    now: Timestamp,
) -> Result<Identity, IdentityError> {
    let claims: Claims =
        json::parse(&verified_payload(keys, token)?).map_err(|_| IdentityError::Malformed)?;
    if claims.sub.is_empty() || claims.sub.len() > SUBJECT_BYTES_MAX || claims.sub.contains(char::is_control)
    {
        return Err(IdentityError::Malformed);
    }
    if !claims.aud.holds(chat_host) {
        return Err(IdentityError::WrongAudience);
    }
    let expires_at = millis(claims.exp)?;
    if now >= expires_at {
        return Err(IdentityError::Expired);
    }
    let issued_at = claims.iat.map(millis).transpose()?.unwrap_or(now);
    let starts_at = claims.nbf.map(millis).transpose()?.unwrap_or(issued_at);
    if now.plus_millis(CLOCK_SKEW_MS) < issued_at.max(starts_at) {
        return Err(IdentityError::NotYet);
    }
    let latest = issued_at.min(now.plus_millis(CLOCK_SKEW_MS)).plus_millis(IDENTITY_FOR_MS_MAX);
    if expires_at > latest {
        return Err(IdentityError::TooLong);
    }
    Ok(Identity { subject: claims.sub, name: claims.name, email: claims.email, expires_at })
}

/// The payload, once the signature was found to be the brand's. Which key checks is decided by the brand's
/// keys and never by the token: no public key is ever used as an HMAC secret (RFC 8725 §2.1).
fn verified_payload(keys: &IdentityKeys, token: &str) -> Result<Vec<u8>, IdentityError> {
    if token.len() > IDENTITY_BYTES_MAX {
        return Err(IdentityError::Malformed);
    }
    let Compact { header, payload, signed, signature } =
        Compact::split(token).ok_or(IdentityError::Malformed)?;
    let header: Header = json::parse(&header).map_err(|_| IdentityError::Malformed)?;
    if header.crit.is_some() || header.b64.is_some() {
        return Err(IdentityError::Malformed);
    }
    let verifies = match (header.alg.as_str(), &keys.secret, signature.as_slice().try_into()) {
        ("HS256", Some(secret), _) => secret.mac(signed).verify_slice(&signature).is_ok(),
        ("Ed25519", _, Ok(signature)) if !keys.public.is_empty() => {
            keys.public.iter().any(|key| key.verifies(signed, signature))
        }
        ("Ed25519", _, Err(_)) if !keys.public.is_empty() => false,
        _ => return Err(IdentityError::WrongAlgorithm),
    };
    if verifies { Ok(payload) } else { Err(IdentityError::BadSignature) }
}

/// A JWT's NumericDate, which may have a fraction (RFC 7519 §2).
fn millis(seconds: f64) -> Result<Timestamp, IdentityError> {
    // Years far beyond any calendar would lose precision or overflow.
    if !(0.0..1e11).contains(&seconds) {
        return Err(IdentityError::Malformed);
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    Ok(Timestamp::from_millis((seconds * 1000.0) as i64))
}

impl Audience {
    fn holds(&self, host: &str) -> bool {
        match self {
            Self::One(audience) => audience == host,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == host),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::SigningKey;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_000_000;
    const HOST: &str = "chat.lumen.example";

    fn keys() -> IdentityKeys {
        IdentityKeys { secret: Some(IdentitySecret::from_bytes([5; 32])), public: vec![back_end().public()] }
    }

    fn back_end() -> SigningKey {
        SigningKey::from_seed(&[6; 32])
    }

    fn check(token: &str) -> Result<Identity, IdentityError> {
        verify_identity(&keys(), HOST, token, Timestamp::from_millis(NOW * 1000))
    }

    fn hs256(claims: &str) -> String {
        keys().secret.unwrap().sign(claims)
    }

    fn ed25519(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
        let signature = base64url::encode(back_end().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn claims(exp: i64) -> String {
        format!(r#"{{"sub":"customer-7","aud":"{HOST}","exp":{exp},"name":"Ada"}}"#)
    }

    #[test]
    fn a_token_signed_by_the_back_end_names_the_visitor() {
        for token in
            [hs256(&claims(NOW + 3600)), ed25519(r#"{"alg":"Ed25519","typ":"JWT"}"#, &claims(NOW + 60))]
        {
            let identity = check(&token).unwrap();
            assert_eq!((identity.subject.as_str(), identity.name.as_deref()), ("customer-7", Some("Ada")));
        }
        assert!(
            check(&hs256(&format!(r#"{{"sub":"7","aud":["x","{HOST}"],"exp":{}.5}}"#, NOW + 60))).is_ok()
        );
    }

    #[test]
    fn claims_that_are_missing_late_early_long_or_for_others_name_nobody() {
        let check = |claims: String, expected| assert_eq!(check(&hs256(&claims)), Err(expected), "{claims}");
        let life = |iat: i64, exp: i64| format!(r#"{{"sub":"7","aud":"{HOST}","iat":{iat},"exp":{exp}}}"#);
        check(claims(NOW), IdentityError::Expired);
        check(claims(NOW + 3700), IdentityError::TooLong);
        check(life(NOW - 60, NOW + 3600), IdentityError::TooLong);
        check(life(NOW + 120, NOW + 300), IdentityError::NotYet);
        check(claims(NOW + 60).replace(HOST, "chat.evil.example"), IdentityError::WrongAudience);
        check(claims(NOW + 60).replace("customer-7", ""), IdentityError::Malformed);
        check(claims(NOW + 60).replace("customer-7", r"a\nb"), IdentityError::Malformed);
        check(format!(r#"{{"sub":"7","exp":{}}}"#, NOW + 60), IdentityError::Malformed);
        check(format!(r#"{{"sub":"7","aud":"{HOST}"}}"#), IdentityError::Malformed);
        check(format!(r#"{{"aud":"{HOST}","exp":{}}}"#, NOW + 60), IdentityError::Malformed);
        check(claims(NOW + 60).replacen('{', r#"{"sub":"other","#, 1), IdentityError::Malformed);
        check(claims(NOW + 60).replace(&(NOW + 60).to_string(), "1e300"), IdentityError::Malformed);
        check(claims(NOW + 60).replace(&(NOW + 60).to_string(), r#""soon""#), IdentityError::Malformed);
    }

    #[test]
    fn a_token_without_a_signature_or_with_a_foreign_one_names_nobody() {
        let good = hs256(&claims(NOW + 60));
        let (signed, _) = good.rsplit_once('.').unwrap();
        let none =
            format!("{}.{}.", base64url::encode(r#"{"alg":"none"}"#), base64url::encode(claims(NOW + 60)));
        assert_eq!(check(&none), Err(IdentityError::WrongAlgorithm));
        assert_eq!(check(&format!("{signed}.")), Err(IdentityError::BadSignature));
        assert_eq!(check(signed), Err(IdentityError::Malformed));
        assert_eq!(check("customer-7"), Err(IdentityError::Malformed));
        assert_eq!(
            check(&IdentitySecret::from_bytes([9; 32]).sign(&claims(NOW + 60))),
            Err(IdentityError::BadSignature)
        );
        for header in [r#"{"alg":"EdDSA"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"RS256"}"#] {
            assert_eq!(
                check(&ed25519(header, &claims(NOW + 60))),
                Err(IdentityError::WrongAlgorithm),
                "{header}"
            );
        }
        assert_eq!(
            check(&ed25519(r#"{"alg":"HS256"}"#, &claims(NOW + 60))),
            Err(IdentityError::BadSignature)
        );
        let critical = ed25519(r#"{"alg":"Ed25519","crit":["x"]}"#, &claims(NOW + 60));
        assert_eq!(check(&critical), Err(IdentityError::Malformed));
    }

    #[test]
    fn a_public_key_is_never_an_hmac_secret_and_a_brand_without_keys_knows_nobody() {
        let as_secret = IdentitySecret::from_bytes(*back_end().public().as_bytes());
        assert_eq!(check(&as_secret.sign(&claims(NOW + 60))), Err(IdentityError::BadSignature));
        let nothing = verify_identity(
            &IdentityKeys::default(),
            HOST,
            &hs256(&claims(NOW + 60)),
            Timestamp::from_millis(NOW * 1000),
        );
        assert_eq!(nothing, Err(IdentityError::WrongAlgorithm));
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_verifies(at: prop::sample::Index, with in 32_u8..127) {
            let token = hs256(&claims(NOW + 60));
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert!(changed == token || check(&changed).is_err());
        }

        #[test]
        fn no_text_makes_verification_panic(text in ".{0,200}", claims in ".{0,200}") {
            let _ = check(&text);
            let _ = check(&hs256(&claims));
        }
    }
}
