//! Keeps private keys unreadable for whoever gets the database but not the server's key file.
//!
//! XChaCha20-Poly1305: its 24-byte nonce may be random, so there is no counter to lose with a restored backup.

use core::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use zeroize::{Zeroize as _, Zeroizing};

/// The first byte of what is sealed, so that another cipher can follow one day.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The key of the server's key file.
pub struct MasterKey([u8; 32]);

/// The sealed bytes were not made with this key for this purpose, or were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another master key, for another purpose, or changed since")]
pub struct Unopenable;

impl MasterKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Seals `plain`. It opens only for the same `purpose`, so that what belongs to one brand or use cannot be
    /// put in the place of another. `nonce` must be new and random.
    ///
    /// # Panics
    /// Never for what fits into memory.
    #[must_use]
    pub fn seal(&self, plain: &[u8], purpose: &str, nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad: purpose.as_bytes() };
        let sealed = self.cipher().encrypt(&nonce.into(), payload).expect("fits the cipher's 256 GiB");
        [&[VERSION], &nonce[..], &sealed].concat()
    }

    /// Opens what [`Self::seal`] made for the same `purpose`.
    ///
    /// # Errors
    /// Another key, another purpose, or a changed byte.
    pub fn open(&self, sealed: &[u8], purpose: &str) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        let (version, rest) = sealed.split_first().ok_or(Unopenable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unopenable)?;
        if *version != VERSION {
            return Err(Unopenable);
        }
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let plain = self.cipher().decrypt(&(*nonce).into(), payload).map_err(|_| Unopenable)?;
        Ok(Zeroizing::new(plain))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_the_same_key_purpose_and_bytes_open(plain: Vec<u8>, nonce: [u8; 24], at: prop::sample::Index, flip in 1_u8..) {
            let key = MasterKey::from_bytes([1; 32]);
            let mut sealed = key.seal(&plain, "brand a", nonce);
            prop_assert_eq!(&**key.open(&sealed, "brand a").unwrap(), &plain[..]);
            prop_assert!(key.open(&sealed, "brand b").is_err());
            prop_assert!(MasterKey::from_bytes([2; 32]).open(&sealed, "brand a").is_err());
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(key.open(&sealed, "brand a").is_err());
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            let _ = MasterKey::from_bytes([1; 32]).open(&bytes, "");
        }
    }
}
