//! Ed25519 keys and their names.

use core::fmt;
use core::str::FromStr;

use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::base64url;

/// How many characters of the thumbprint name a key: 96 bits, so nobody finds a second key of the same name.
const KEY_ID_CHARS: usize = 16;

/// A key that signs. Its bytes are wiped when it is dropped, and `Debug` shows its name alone.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A key that verifies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

/// The SHA-256 thumbprint of a public key (RFC 7638): what a domain's proof names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

/// A key's short name, the `kid` of headers: the first sixteen characters of its thumbprint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

/// A public key as JSON (RFC 8037 §2), the form in which manifests and tools carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// The 32 bytes, base64url.
    pub x: String,
    /// The key's name; must be what its thumbprint says.
    pub kid: KeyId,
    /// Always `Ed25519` (RFC 9864).
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// Why something is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not 32 bytes in canonical base64url, or not a point on the curve.
    #[error("not an Ed25519 public key")]
    Malformed,
    /// A point of small order: anybody can make signatures for it.
    #[error("a weak Ed25519 public key")]
    Weak,
    /// A JWK of another type, curve, algorithm or use.
    #[error("not a JWK for Ed25519 signatures")]
    OtherKind,
    /// The JWK's `kid` is not the start of its thumbprint.
    #[error("the key's id does not match its thumbprint")]
    WrongId,
}

impl SigningKey {
    /// The key that follows from 32 secret random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The bytes that the key follows from. A secret: for [`crate::vault`] alone.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The other half, for everybody.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public().id())
    }
}

impl PublicKey {
    /// The key with these bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// Not a point, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Malformed)?;
        if key.is_weak() { Err(InvalidKey::Weak) } else { Ok(Self(key)) }
    }

    /// The thumbprint (RFC 7638 §3, with the members that RFC 8037 §2 names).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        Thumbprint(Sha256::digest(canonical).into())
    }

    /// The short name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(self.thumbprint().to_string()[..KEY_ID_CHARS].to_owned())
    }

    /// The key as JSON.
    #[must_use]
    pub fn to_jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: self.x(),
            kid: self.id(),
            alg: "Ed25519".into(),
            usage: "sig".into(),
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Strict verification: of all encodings that the curve allows, one alone passes.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }

    fn x(&self) -> String {
        base64url::encode(self.as_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.id())
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    /// Reads a JWK's `x`.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::from_bytes(&base64url::decode_array(text).ok_or(InvalidKey::Malformed)?)
    }
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = InvalidKey;

    fn try_from(jwk: &Jwk) -> Result<Self, InvalidKey> {
        if (jwk.kty.as_str(), jwk.crv.as_str(), jwk.alg.as_str(), jwk.usage.as_str())
            != ("OKP", "Ed25519", "Ed25519", "sig")
        {
            return Err(InvalidKey::OtherKind);
        }
        let key: Self = jwk.x.parse()?;
        if key.id() == jwk.kid { Ok(key) } else { Err(InvalidKey::WrongId) }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Thumbprint {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        base64url::decode_array(text).map(Self).ok_or(InvalidKey::Malformed)
    }
}

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for KeyId {
    /// Any text may ask for a key; only a real id finds one.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// RFC 8037, appendices A.1 to A.3.
    const RFC_8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const RFC_8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const RFC_8037_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    #[test]
    fn the_example_key_of_rfc_8037_has_its_public_half_and_its_thumbprint() {
        let key = SigningKey::from_seed(&base64url::decode_array(RFC_8037_SEED).unwrap());
        let jwk = key.public().to_jwk();
        assert_eq!(jwk.x, RFC_8037_X);
        assert_eq!(key.public().thumbprint().to_string(), RFC_8037_THUMBPRINT);
        assert_eq!(jwk.kid.as_str(), &RFC_8037_THUMBPRINT[..16]);
        assert_eq!(PublicKey::try_from(&jwk), Ok(key.public()));
    }

    #[test]
    fn a_jwk_of_another_kind_name_or_point_is_refused() {
        let good = SigningKey::from_seed(&[7; 32]).public().to_jwk();
        let check = |change: fn(&mut Jwk), expected| {
            let mut jwk = good.clone();
            change(&mut jwk);
            assert_eq!(PublicKey::try_from(&jwk), Err(expected));
        };
        check(|jwk| jwk.kty = "EC".into(), InvalidKey::OtherKind);
        check(|jwk| jwk.crv = "X25519".into(), InvalidKey::OtherKind);
        check(|jwk| jwk.alg = "EdDSA".into(), InvalidKey::OtherKind);
        check(|jwk| jwk.usage = "enc".into(), InvalidKey::OtherKind);
        check(|jwk| jwk.kid = KeyId("AAAAAAAAAAAAAAAA".into()), InvalidKey::WrongId);
        check(|jwk| jwk.x.push('='), InvalidKey::Malformed);
        check(|jwk| jwk.x = base64url::encode([0; 32]), InvalidKey::Weak);
    }

    #[test]
    fn a_signing_key_never_shows_its_seed() {
        let key = SigningKey::from_seed(&[7; 32]);
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().id()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_public_key_panic(bytes: [u8; 32]) {
            let _ = PublicKey::from_bytes(&bytes);
        }
    }
}
