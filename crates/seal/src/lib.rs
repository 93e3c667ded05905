//! Signs and verifies: brand manifests, brand cards, domain challenges, identity tokens, session secrets, and
//! the sealing of private keys at rest. The only code with keys, small enough to read in one sitting.
//!
//! Pure: time and chance come in as arguments. It must never read a clock, make a key of its own, guess an
//! algorithm from what it was given, or put a secret into `Debug`.
//!
//! ```
//! use portico_seal::{JwsError, SigningKey, jws};
//!
//! let key = SigningKey::from_seed(&[7; 32]); // 32 bytes from the system's random source
//! let token = jws::sign(&key, "greeting+jws", b"hello");
//! assert_eq!(jws::verify(&[key.public()], "greeting+jws", &token).as_deref(), Ok(&b"hello"[..]));
//! assert_eq!(jws::verify(&[], "greeting+jws", &token), Err(JwsError::UnknownKey));
//! ```

mod json;
mod key;
mod seconds;

pub mod base64url;
pub mod card;
pub mod chain;
pub mod challenge;
pub mod identity;
pub mod jws;
pub mod manifest;
pub mod secret;
pub mod vault;

pub use card::{CardError, sign_card, verify_card};
pub use challenge::{ChallengeRecord, ChallengeToken, KeyAuthorization};
pub use identity::{Identity, IdentityError, IdentityKeys, IdentitySecret, verify_identity};
pub use jws::JwsError;
pub use key::{InvalidKey, Jwk, KeyId, PublicKey, SigningKey, Thumbprint};
pub use manifest::{Manifest, ManifestError, ManifestFile, OpenManifest};
pub use secret::{InvalidSecret, SecretHash, SessionSecret};
pub use vault::MasterKey;

/// How far the clock of whoever signed may be ahead of ours, in milliseconds.
pub const CLOCK_SKEW_MS: i64 = 60_000;
