//! Compact JWS (RFC 7515 §3.1) in one narrow profile: `alg` is `Ed25519` (RFC 9864) and nothing else, the
//! header holds `alg`, `kid` and `typ` and nothing else.
//!
//! A narrow profile leaves nothing to negotiate, so there is nothing to downgrade: no `none`, no HMAC under a
//! public key, no key that the token itself brings along, no extension that must be understood.

use serde::{Deserialize, Serialize};

use crate::key::{KeyId, PublicKey, SigningKey};
use crate::{base64url, json};

/// Longest token looked at, in bytes.
pub const JWS_BYTES_MAX: usize = 32 * 1024;

const ALGORITHM: &str = "Ed25519";

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`JWS_BYTES_MAX`].
    #[error("the token is longer than {JWS_BYTES_MAX} bytes")]
    TooLong,
    /// Not three parts of canonical base64url with a JSON header of exactly `alg`, `kid` and `typ`.
    #[error("not a compact JWS with a header of alg, kid and typ")]
    Malformed,
    /// Any `alg` but `Ed25519`.
    #[error("the algorithm is not Ed25519")]
    WrongAlgorithm,
    /// Signed for another purpose.
    #[error("the token is of another type")]
    WrongType,
    /// None of the keys that count now.
    #[error("the key is not known")]
    UnknownKey,
    /// The signature does not fit header, payload and key.
    #[error("the signature is wrong")]
    BadSignature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: KeyId,
    typ: String,
}

/// Signs `payload` as a token of the type `typ`.
#[must_use]
pub fn sign(key: &SigningKey, typ: &str, payload: &[u8]) -> String {
    let header = Header { alg: ALGORITHM.into(), kid: key.public().id(), typ: typ.into() };
    let header = serde_json::to_vec(&header).expect("a header of three texts is JSON");
    let mut token = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&base64url::encode(signature));
    token
}

/// The payload of `token`, if one of `keys` signed it as a token of the type `typ`.
///
/// # Errors
/// What is wrong with it; the signature is checked last.
pub fn verify(keys: &[PublicKey], typ: &str, token: &str) -> Result<Vec<u8>, JwsError> {
    let parts = Parts::split(token, typ)?;
    let key = keys.iter().find(|key| key.id() == parts.key).ok_or(JwsError::UnknownKey)?;
    if key.verifies(parts.signed, &parts.signature) { Ok(parts.payload) } else { Err(JwsError::BadSignature) }
}

/// The three parts of any compact JWS, decoded and not yet believed.
pub(crate) struct Compact<'a> {
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// What the signature is of: header and payload as they were written.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// `None` where these are not three parts of canonical base64url.
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        Some(Self {
            header: base64url::decode(header)?,
            payload: base64url::decode(payload)?,
            signed: signed.as_bytes(),
            signature: base64url::decode(signature)?,
        })
    }
}

/// A token of ours taken apart, its signature not yet checked.
pub(crate) struct Parts<'a> {
    pub(crate) key: KeyId,
    pub(crate) payload: Vec<u8>,
    pub(crate) signed: &'a [u8],
    pub(crate) signature: [u8; 64],
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str, typ: &str) -> Result<Self, JwsError> {
        if token.len() > JWS_BYTES_MAX {
            return Err(JwsError::TooLong);
        }
        let Compact { header, payload, signed, signature } =
            Compact::split(token).ok_or(JwsError::Malformed)?;
        let header: Header = json::parse(&header).map_err(|_| wrong_header(&header))?;
        if header.alg != ALGORITHM {
            return Err(JwsError::WrongAlgorithm);
        }
        if header.typ != typ {
            return Err(JwsError::WrongType);
        }
        let signature = signature.try_into().map_err(|_| JwsError::Malformed)?;
        Ok(Self { key: header.kid, payload, signed, signature })
    }
}

/// Names the algorithm as the fault where that is what anybody would look for first.
fn wrong_header(header: &[u8]) -> JwsError {
    #[derive(Deserialize)]
    struct Algorithm {
        alg: String,
    }
    match json::parse::<Algorithm>(header) {
        Ok(header) if header.alg != ALGORITHM => JwsError::WrongAlgorithm,
        _ => JwsError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const TYP: &str = "test+jws";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32])
    }

    fn check(token: &str) -> Result<Vec<u8>, JwsError> {
        verify(&[SigningKey::from_seed(&[8; 32]).public(), key().public()], TYP, token)
    }

    /// A token with any header, properly signed.
    fn signed_with_header(header: &str) -> String {
        let signed = format!("{}.{}", base64url::encode(header), base64url::encode("{}"));
        let signature = base64url::encode(key().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn header(alg: &str) -> String {
        format!(r#"{{"alg":"{alg}","kid":"{}","typ":"{TYP}"}}"#, key().public().id())
    }

    #[test]
    fn what_was_signed_is_what_verifies() {
        let token = sign(&key(), TYP, br#"{"a":1}"#);
        assert_eq!(check(&token), Ok(br#"{"a":1}"#.to_vec()));
        assert_eq!(verify(&[key().public()], "other+jws", &token), Err(JwsError::WrongType));
        assert_eq!(verify(&[], TYP, &token), Err(JwsError::UnknownKey));
        assert_eq!(check(&signed_with_header(&header("Ed25519"))), Ok(b"{}".to_vec()));
    }

    #[test]
    fn every_other_algorithm_is_refused_although_the_signature_fits() {
        for algorithm in ["EdDSA", "none", "None", "HS256", "ES256", "Ed448", "ed25519", ""] {
            let token = signed_with_header(&header(algorithm));
            assert_eq!(check(&token), Err(JwsError::WrongAlgorithm), "{algorithm} was accepted");
        }
    }

    #[test]
    fn every_other_header_is_refused_although_the_signature_fits() {
        let kid = key().public().id();
        let x = base64url::encode(key().public().as_bytes());
        for refused in [
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"{TYP}","crit":["exp"]}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"{TYP}","b64":false}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"{TYP}","jwk":{{"x":"{x}"}}}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","kid":"{kid}","typ":"{TYP}"}}"#),
            format!(r#"{{"alg":"Ed25519","typ":"{TYP}"}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"{TYP}"}} x"#),
            format!(r#"["Ed25519","{kid}","{TYP}"]"#),
            String::new(),
        ] {
            assert_eq!(check(&signed_with_header(&refused)), Err(JwsError::Malformed), "{refused}");
        }
    }

    #[test]
    fn another_key_or_another_text_for_the_same_bytes_is_refused() {
        let token = sign(&key(), TYP, b"{}");
        let forged = sign(&SigningKey::from_seed(&[9; 32]), TYP, b"{}");
        assert_eq!(check(&forged), Err(JwsError::UnknownKey));
        for changed in [
            format!("{token}="),
            format!("{token}."),
            format!("{token} "),
            format!("{token}\n"),
            format!(".{token}"),
            token.replacen('.', "..", 1),
            token.rsplit_once('.').unwrap().0.to_owned(),
            "x".repeat(JWS_BYTES_MAX + 1),
        ] {
            assert!(check(&changed).is_err(), "{changed} was accepted");
        }
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_verifies(payload: Vec<u8>, at: prop::sample::Index, with in 32_u8..127) {
            let token = sign(&key(), TYP, &payload);
            prop_assert_eq!(check(&token), Ok(payload));
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert!(changed == token || check(&changed).is_err());
        }

        #[test]
        fn no_text_makes_verification_panic(text in ".{0,300}", header in ".{0,80}") {
            let _ = check(&text);
            let _ = check(&signed_with_header(&header));
        }
    }
}
