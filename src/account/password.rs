//! Passwords, kept only as argon2id hashes (RFC 9106) in the PHC string format.

use core::fmt;

use argon2::password_hash::{PasswordHash as Phc, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::CryptoRng;

/// Shortest password, in code points: length is what keeps a password from being guessed (NIST SP 800-63B §5.1.1.2
/// asks for 8 where attempts are throttled; a customer inbox deserves a few more).
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in bytes: hashing must not be a way to keep the server busy.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// OWASP's second profile: 19 MiB, two passes, one lane. About 20 ms of one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A stored password: `$argon2id$v=19$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a new password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Shorter than [`PASSWORD_CHARS_MIN`].
    #[error(
        "a password has at least {PASSWORD_CHARS_MIN} characters; a few words in a row are easy to keep in mind"
    )]
    TooShort,
    /// Longer than [`PASSWORD_BYTES_MAX`].
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
}

impl PasswordHash {
    /// Hashes a new password with `salt`, which must be random.
    ///
    /// # Errors
    /// The password is too short or too long.
    ///
    /// # Panics
    /// Never: the parameters are constants within argon2's bounds.
    pub fn of(password: &str, salt: [u8; 16]) -> Result<Self, PasswordRefused> {
        if password.chars().count() < PASSWORD_CHARS_MIN {
            return Err(PasswordRefused::TooShort);
        }
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordRefused::TooLong);
        }
        Ok(Self(hash(password, salt)))
    }

    /// A hash as it was stored. One that is no PHC string matches no password.
    #[must_use]
    pub fn from_stored(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `password` is the one that `stored` was made from. Without an account (`None`) the same work
/// is done for nothing, so that the time taken does not tell which addresses have accounts.
#[must_use]
pub fn verify(password: &str, stored: Option<&PasswordHash>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        // Depends on what was typed alone, not on the account.
        return false;
    }
    let Some(stored) = stored else {
        let _ = hash(password, [0; 16]);
        return false;
    };
    Phc::new(&stored.0).is_ok_and(|phc| hasher().verify_password(password.as_bytes(), &phc).is_ok())
}

/// A password for somebody who was given none: 20 letters and digits that are not mistaken for each other
/// when read aloud (Crockford's base32), a hundred random bits.
#[must_use]
pub fn make_up(rng: &mut impl CryptoRng) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = [0; 20];
    rng.fill_bytes(&mut random);
    let letters: Vec<u8> = random.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    let groups: Vec<&str> = letters.chunks(5).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join("-")
}

fn hash(password: &str, salt: [u8; 16]) -> String {
    let salt = SaltString::encode_b64(&salt).expect("sixteen bytes are a salt of allowed length");
    hasher()
        .hash_password(password.as_bytes(), &salt)
        .expect("password and salt are within argon2's bounds")
        .to_string()
}

fn hasher() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PASSWORD: &str = "correct horse battery";

    #[test]
    fn only_the_password_itself_matches_its_hash() {
        let stored = PasswordHash::of(PASSWORD, [7; 16]).unwrap();
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.as_str());
        assert!(verify(PASSWORD, Some(&stored)));
        assert!(!verify("correct horse batterY", Some(&stored)));
        assert!(!verify(PASSWORD, None));
        assert!(!verify(PASSWORD, Some(&PasswordHash::from_stored("not a hash"))));
    }

    #[test]
    fn the_same_password_has_another_hash_under_another_salt() {
        assert_ne!(PasswordHash::of(PASSWORD, [1; 16]), PasswordHash::of(PASSWORD, [2; 16]));
    }

    #[test]
    fn a_made_up_password_is_good_enough_and_never_the_same() {
        let (one, other) = (make_up(&mut crate::clock::rng()), make_up(&mut crate::clock::rng()));
        assert!(one.len() == 23 && one.chars().filter(|char| *char == '-').count() == 3, "{one}");
        assert_ne!(one, other);
        assert!(PasswordHash::of(&one, [0; 16]).is_ok());
    }

    #[test]
    fn length_is_counted_in_characters_below_and_in_bytes_above() {
        assert_eq!(PasswordHash::of("ünï", [0; 16]), Err(PasswordRefused::TooShort));
        assert!(PasswordHash::of("üüüüüüüüüü", [0; 16]).is_ok());
        assert_eq!(PasswordHash::of(&"a".repeat(513), [0; 16]), Err(PasswordRefused::TooLong));
    }

    #[test]
    fn a_hash_never_shows_in_debug() {
        assert_eq!(format!("{:?}", PasswordHash::from_stored("$argon2id$secret")), "PasswordHash(…)");
    }
}
