//! The manifest: what a brand says about itself, signed with the key that its domain vouches for.
//!
//! The claims that JWT libraries know have their JWT names (RFC 7519 §4.1), so any of them can check time and
//! issuer. A manifest brings its own keys along and therefore proves nothing by itself: the [`OpenManifest`]
//! counts only where a domain's proof names its `signer`.

use portico_protocol::{BrandId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::challenge::ChallengeToken;
use crate::jws::{self, JwsError, Parts};
use crate::key::{InvalidKey, Jwk, KeyId, PublicKey, SigningKey};
use crate::{CLOCK_SKEW_MS, json};

/// The token's type, so that nothing else that a brand signs is taken for a manifest.
pub const MANIFEST_TYPE: &str = "portico-manifest+jws";
/// Where a manifest is published, on the brand's domain and on the chat host.
pub const MANIFEST_PATH: &str = "/.well-known/portico-brand.json";
/// Most keys in a manifest: the current, the next, and the previous one.
pub const MANIFEST_KEYS_MAX: usize = 3;
/// Most hosts in a manifest.
pub const EMBED_HOSTS_MAX: usize = 50;

/// What a brand says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The domain that the brand claims, in ASCII.
    #[serde(rename = "iss")]
    pub domain: String,
    /// The brand's name in addresses.
    #[serde(rename = "sub")]
    pub brand: BrandId,
    /// When it was signed.
    #[serde(rename = "iat", with = "crate::seconds")]
    pub issued_at: Timestamp,
    /// When it ceases to count.
    #[serde(rename = "exp", with = "crate::seconds")]
    pub expires_at: Timestamp,
    /// The name that people know.
    pub name: String,
    /// The one host on which the brand's chat is.
    pub chat_host: String,
    /// The hosts whose pages may hold the chat: `shop.example`, `*.shop.example`, with `:port` if it is not 443.
    pub embed_hosts: Vec<String>,
    /// SHA-256 of the logo, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_sha256: Option<String>,
    /// The brand's privacy policy.
    pub privacy_url: String,
    /// The brand's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<String>,
    /// The token of the brand's claim to the domain.
    pub challenge: String,
    /// The keys that count for cards, at most [`MANIFEST_KEYS_MAX`].
    pub keys: Vec<Jwk>,
    /// Keys that were stolen or lost: what they signed counts no longer, whatever it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<KeyId>,
}

/// What is published: one signed manifest for each brand of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Compact JWS, each a [`Manifest`].
    pub manifests: Vec<String>,
}

/// A manifest that is consistent in itself. Whether its signer speaks for the domain is for the domain to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenManifest {
    /// What it says.
    pub manifest: Manifest,
    /// The key that signed it: to be compared with what the domain vouches for.
    pub signer: PublicKey,
    /// All keys that count for cards, the signer among them.
    pub keys: Vec<PublicKey>,
}

/// Why a manifest counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Its form, its algorithm or its signature is wrong.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The payload is not a manifest, or holds too much.
    #[error("the payload is not a manifest")]
    Malformed,
    /// One of its keys is not a key.
    #[error("a key in the manifest is wrong: {0}")]
    Key(#[from] InvalidKey),
    /// Its signer is not among its keys, or is revoked.
    #[error("the key that signed the manifest is not one that it lists")]
    SignerNotListed,
    /// Its time is over.
    #[error("the manifest has expired")]
    Expired,
    /// It was signed in the future.
    #[error("the manifest is not valid yet")]
    NotYet,
}

impl Manifest {
    /// Signs the manifest.
    ///
    /// # Panics
    /// Never: a manifest has string keys and no failing serializers.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        jws::sign(key, MANIFEST_TYPE, &serde_json::to_vec(self).expect("a manifest is JSON"))
    }
}

impl OpenManifest {
    /// Reads a signed manifest and checks all that can be checked without its domain.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn open(token: &str, now: Timestamp) -> Result<Self, ManifestError> {
        let parts = Parts::split(token, MANIFEST_TYPE)?;
        let manifest: Manifest = json::parse(&parts.payload).map_err(|_| ManifestError::Malformed)?;
        if manifest.keys.len() > MANIFEST_KEYS_MAX
            || manifest.embed_hosts.len() > EMBED_HOSTS_MAX
            || manifest.challenge.parse::<ChallengeToken>().is_err()
        {
            return Err(ManifestError::Malformed);
        }
        let keys = manifest.keys.iter().map(PublicKey::try_from).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = keys.into_iter().filter(|key| !manifest.revoked.contains(&key.id())).collect();
        let signer = *keys.iter().find(|key| key.id() == parts.key).ok_or(ManifestError::SignerNotListed)?;
        if !signer.verifies(parts.signed, &parts.signature) {
            return Err(JwsError::BadSignature.into());
        }
        if now >= manifest.expires_at {
            return Err(ManifestError::Expired);
        }
        if now.plus_millis(CLOCK_SKEW_MS) < manifest.issued_at {
            return Err(ManifestError::NotYet);
        }
        Ok(Self { manifest, signer, keys })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    fn manifest() -> Manifest {
        Manifest {
            domain: "lumen.example".into(),
            brand: "lumen".parse().unwrap(),
            issued_at: NOW,
            expires_at: NOW.plus_millis(86_400_000),
            name: "Lumen".into(),
            chat_host: "chat.lumen.example".into(),
            embed_hosts: vec!["lumen.example".into()],
            logo_sha256: None,
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
            challenge: ChallengeToken::from_random([3; 16]).to_string(),
            keys: vec![key(1).public().to_jwk(), key(2).public().to_jwk()],
            revoked: vec![],
        }
    }

    #[test]
    fn a_manifest_opens_with_the_key_that_signed_it_and_lists_both() {
        let open = OpenManifest::open(&manifest().sign(&key(1)), NOW).unwrap();
        assert_eq!(open.manifest, manifest());
        assert_eq!(open.signer, key(1).public());
        assert_eq!(open.keys, [key(1).public(), key(2).public()]);
    }

    #[test]
    fn a_manifest_that_is_late_early_or_signed_by_an_unlisted_or_revoked_key_counts_for_nothing() {
        let check = |change: fn(&mut Manifest), seed, now, expected: ManifestError| {
            let mut manifest = manifest();
            change(&mut manifest);
            assert_eq!(OpenManifest::open(&manifest.sign(&key(seed)), now), Err(expected));
        };
        check(|_| (), 1, NOW.plus_millis(86_400_000), ManifestError::Expired);
        check(|_| (), 1, NOW.plus_millis(-CLOCK_SKEW_MS - 1000), ManifestError::NotYet);
        check(|_| (), 3, NOW, ManifestError::SignerNotListed);
        check(
            |manifest| manifest.revoked = vec![manifest.keys[0].kid.clone()],
            1,
            NOW,
            ManifestError::SignerNotListed,
        );
        check(|manifest| manifest.keys[1].kid = "x".into(), 1, NOW, InvalidKey::WrongId.into());
        check(|manifest| manifest.challenge = "short".into(), 1, NOW, ManifestError::Malformed);
        check(|manifest| manifest.keys = vec![manifest.keys[0].clone(); 4], 1, NOW, ManifestError::Malformed);
        let card = jws::sign(&key(1), "portico-card+jws", &serde_json::to_vec(&manifest()).unwrap());
        assert_eq!(OpenManifest::open(&card, NOW), Err(JwsError::WrongType.into()));
    }

    #[test]
    fn a_later_version_may_say_more_but_never_twice() {
        let text = serde_json::to_string(&manifest()).unwrap();
        let sign = |text: String| jws::sign(&key(1), MANIFEST_TYPE, text.as_bytes());
        assert!(OpenManifest::open(&sign(text.replacen('{', r#"{"new":1,"#, 1)), NOW).is_ok());
        let twice = sign(text.replacen('{', r#"{"chat_host":"evil.example","#, 1));
        assert_eq!(OpenManifest::open(&twice, NOW), Err(ManifestError::Malformed));
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_opens(at: prop::sample::Index, with in 32_u8..127) {
            let token = manifest().sign(&key(1));
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert!(changed == token || OpenManifest::open(&changed, NOW).is_err());
        }

        #[test]
        fn no_payload_makes_opening_panic(payload: Vec<u8>, now: i64) {
            let _ = OpenManifest::open(&jws::sign(&key(1), MANIFEST_TYPE, &payload), Timestamp::from_millis(now));
        }
    }
}
