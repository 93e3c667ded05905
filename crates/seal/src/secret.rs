//! Secrets of sessions: made of chance, shown once, kept as a hash.

use core::fmt;

use portico_protocol::SessionId;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::base64url;

/// What proves that somebody holds a session: the value of its cookie, or of a resume handle.
#[derive(Clone)]
pub struct SessionSecret {
    session: SessionId,
    secret: [u8; 32],
}

/// What the server keeps of a secret. Knowing it opens nothing.
#[derive(Clone, Copy, Debug)]
pub struct SecretHash([u8; 32]);

/// The text is no session secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session secret")]
pub struct InvalidSecret;

impl SessionSecret {
    /// A new secret for `session`, made of 32 random bytes.
    #[must_use]
    pub const fn new(session: SessionId, random: [u8; 32]) -> Self {
        Self { session, secret: random }
    }

    /// Reads what [`Self::reveal`] wrote.
    ///
    /// # Errors
    /// Not 48 bytes in canonical base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let mut bytes = base64url::decode_array::<48>(text).ok_or(InvalidSecret)?;
        let (session, secret) = bytes.split_at(16);
        let parsed = Self {
            session: SessionId::from_bytes(session.try_into().expect("split at 16")),
            secret: secret.try_into().expect("48 less 16 is 32"),
        };
        bytes.zeroize();
        Ok(parsed)
    }

    /// The text for the cookie or the handle.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(self.session.as_bytes());
        bytes[16..].copy_from_slice(&self.secret);
        let text = base64url::encode(bytes);
        bytes.zeroize();
        text
    }

    /// The session that the holder claims. Not proven before the hash was compared.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// What to keep. One round of SHA-256 is enough: 256 random bits cannot be guessed.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.secret).into())
    }
}

impl Drop for SessionSecret {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionSecret({}, …)", self.session)
    }
}

impl SecretHash {
    /// The hash with these bytes, as the store kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    /// Takes as long for a hash that differs early as for one that differs late.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_secret_survives_its_text_and_a_changed_one_has_another_hash(id: [u8; 16], random: [u8; 32], at in 0_usize..32) {
            let secret = SessionSecret::new(SessionId::from_bytes(id), random);
            let parsed = SessionSecret::parse(&secret.reveal()).unwrap();
            prop_assert_eq!(parsed.session(), secret.session());
            prop_assert!(parsed.hash() == secret.hash());
            let mut changed = random;
            changed[at] ^= 1;
            prop_assert!(SessionSecret::new(SessionId::from_bytes(id), changed).hash() != secret.hash());
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,80}") {
            let _ = SessionSecret::parse(&text);
        }
    }

    #[test]
    fn a_secret_never_shows_in_debug() {
        let secret = SessionSecret::new(SessionId::from_bytes([1; 16]), [2; 32]);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[24..]));
    }
}
