//! One brand, ready to be shown: settings, proof and keys together.

use portico_domain::brand::{KeySpan, Proof, WithdrawnBy, signing_key};
use portico_protocol::{BrandCard, BrandId, Timestamp, Verification};
use portico_seal::challenge::CHALLENGE_PATH;
use portico_seal::{
    ChallengeRecord, IdentityKeys, IdentitySecret, KeyAuthorization, Manifest, MasterKey, PublicKey,
    SigningKey, sign_card,
};
use portico_store::{BrandKey, BrandRecord};

use crate::proof::look::Claim;
use crate::proof::name::{Domain, Scope};
use crate::proof::settings::{Damaged, Settings, proof_from_json};

/// How long a manifest counts: it lies on the brand's own web server as a file, and a person renews it.
const MANIFEST_FOR_MS: i64 = 90 * 24 * 60 * 60 * 1000;
/// Most keys that count at once: one that the domain vouches for, the next, and the one before.
pub const LIVE_KEYS_MAX: usize = 3;

/// A brand as loaded from the store.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The name in addresses.
    pub id: BrandId,
    /// What its operator decided.
    pub settings: Settings,
    /// What is known of its proof, the operator's withdrawal included.
    pub proof: Proof,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// Newest first.
    keys: Vec<Key>,
    identity: IdentityKeys,
}

/// What a web server serves to vouch for a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeFile {
    /// The path on the domain.
    pub path: String,
    /// The text: one key authorization a line.
    pub body: String,
}

#[derive(Clone, Debug)]
struct Key {
    span: KeySpan,
    signing: SigningKey,
}

/// Why a stored brand cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrandError {
    /// A row is not what this program writes.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// A key or secret was sealed with another master key.
    #[error(
        "its keys were sealed with another master key than the one in the data folder; restore that file"
    )]
    OtherMasterKey,
}

/// What a brand's private key is sealed for.
#[must_use]
pub fn key_purpose(brand: &BrandId) -> String {
    format!("portico brand key {brand}")
}

/// What a brand's identity secret is sealed for.
#[must_use]
pub fn identity_purpose(brand: &BrandId) -> String {
    format!("portico identity secret {brand}")
}

impl Brand {
    /// Puts a brand together from its rows.
    ///
    /// # Errors
    /// A row is damaged, or was sealed with another master key.
    pub fn open(
        record: BrandRecord,
        keys: &[BrandKey],
        proof: Option<&str>,
        master: &MasterKey,
    ) -> Result<Self, BrandError> {
        let settings = Settings::from_json(&record.settings)?;
        let mut proof = proof.map(proof_from_json).transpose()?.unwrap_or_default();
        if let Some(at) = settings.withdrawn_at {
            proof.withdrawn = Some((at, WithdrawnBy::Operator));
        }
        let keys = keys.iter().map(|key| open_key(&record.id, key, master)).collect::<Result<_, _>>()?;
        let secret = settings.identity_secret.as_deref().map(|sealed| {
            let bytes = master.open(sealed, &identity_purpose(&record.id)).ok()?;
            Some(IdentitySecret::from_bytes(bytes.as_slice().try_into().ok()?))
        });
        let secret = secret.map(|secret| secret.ok_or(BrandError::OtherMasterKey)).transpose()?;
        let identity = IdentityKeys { secret, public: settings.identity_keys.clone() };
        Ok(Self { id: record.id, settings, proof, updated_at: record.updated_at, keys, identity })
    }

    /// What may be said of it at `now`.
    #[must_use]
    pub fn verification(&self, now: Timestamp) -> Verification {
        self.proof.verification(now)
    }

    /// What its back end signs identity tokens with.
    #[must_use]
    pub fn identity(&self) -> &IdentityKeys {
        &self.identity
    }

    /// Its keys that count at `now`, newest first.
    #[must_use]
    pub fn live_keys(&self, now: Timestamp) -> Vec<PublicKey> {
        self.live(now).map(|key| key.signing.public()).collect()
    }

    /// When its keys were made, and cease or ceased to count; newest first.
    #[must_use]
    pub fn key_spans(&self) -> Vec<KeySpan> {
        self.keys.iter().map(|key| key.span.clone()).collect()
    }

    /// What to look for on its domain.
    #[must_use]
    pub fn claim<'a>(&'a self, keys: &'a [PublicKey]) -> Claim<'a> {
        Claim { domain: &self.settings.profile.domain, token: self.settings.challenge, keys }
    }

    /// The TXT records that the domain may publish to vouch for the brand, one for each key that counts at
    /// `now`, the newest first. While a key is being changed, both belong there.
    #[must_use]
    pub fn challenge_records(&self, chat_host: &str, now: Timestamp) -> Vec<ChallengeRecord> {
        // A name of this machine is no hint for anybody else.
        let host = Domain::parse(chat_host, Scope::Public).ok().map(|host| host.to_string());
        let record = |authorization| ChallengeRecord { authorization, host: host.clone(), expires_at: None };
        self.authorizations(now).map(record).collect()
    }

    /// The file that the domain's web server may serve instead.
    #[must_use]
    pub fn challenge_file(&self, now: Timestamp) -> ChallengeFile {
        let lines: Vec<_> =
            self.authorizations(now).map(|authorization| format!("{authorization}\n")).collect();
        ChallengeFile { path: format!("{CHALLENGE_PATH}{}", self.settings.challenge), body: lines.concat() }
    }

    fn authorizations(&self, now: Timestamp) -> impl Iterator<Item = KeyAuthorization> {
        let token = self.settings.challenge;
        self.live(now).map(move |key| KeyAuthorization { token, key: key.signing.public().thumbprint() })
    }

    /// The value of `frame-ancestors` at `now`. The hosts are the ones that the brand's key signed; they count
    /// while the domain vouches for that key or did so until nobody could look. A brand that was never proven,
    /// or was withdrawn, has proven no host: its chat is on the chat host alone.
    #[must_use]
    pub fn frame_ancestors(&self, now: Timestamp) -> String {
        let mut value = String::from("'self'");
        if matches!(self.verification(now), Verification::Verified | Verification::Expired) {
            for host in &self.settings.profile.embed_hosts {
                value.push(' ');
                value.push_str(&host.source());
            }
        }
        value
    }

    /// The card at `now`, signed. `chat_host` is where this chat is.
    #[must_use]
    pub fn card(&self, chat_host: &str, now: Timestamp) -> BrandCard {
        let profile = &self.settings.profile;
        let card = BrandCard {
            brand: self.id.clone(),
            display_name: profile.display_name.clone(),
            domain: profile.domain.to_string(),
            verification: self.verification(now),
            method: self.proof.voucher.as_ref().map(|voucher| voucher.method),
            verified_at: self.proof.seen_at,
            chat_host: chat_host.to_owned(),
            issued_at: now,
            expires_at: self.proof.card_expires_at(now),
            logo_url: self.settings.logo_sha256.as_ref().map(|hash| format!("/b/{}/logo?{hash}", self.id)),
            logo_sha256: self.settings.logo_sha256.clone(),
            color: profile.color.to_string(),
            privacy_url: profile.privacy_url.clone(),
            terms_url: profile.terms_url.clone(),
            bot_name: None,
            greeting: Vec::new(),
            signature: String::new(),
        };
        match self.signing_key(now) {
            Some(key) => sign_card(key, card),
            None => card,
        }
    }

    /// The manifest at `now`, signed; absent where the brand has no key that counts.
    #[must_use]
    pub fn manifest(&self, chat_host: &str, now: Timestamp) -> Option<String> {
        let profile = &self.settings.profile;
        let manifest = Manifest {
            domain: profile.domain.to_string(),
            brand: self.id.clone(),
            issued_at: now,
            expires_at: now.plus_millis(MANIFEST_FOR_MS),
            name: profile.display_name.clone(),
            chat_host: chat_host.to_owned(),
            embed_hosts: profile.embed_hosts.iter().map(|host| host.as_str().into()).collect(),
            logo_sha256: self.settings.logo_sha256.clone(),
            privacy_url: profile.privacy_url.clone(),
            terms_url: profile.terms_url.clone(),
            challenge: self.settings.challenge.to_string(),
            keys: self.live(now).take(LIVE_KEYS_MAX).map(|key| key.signing.public().to_jwk()).collect(),
            revoked: self.settings.revoked.clone(),
        };
        self.signing_key(now).map(|key| manifest.sign(key))
    }

    fn live(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        self.keys
            .iter()
            .filter(move |key| key.span.is_live(now) && !self.settings.revoked.contains(&key.span.id))
    }

    fn signing_key(&self, now: Timestamp) -> Option<&SigningKey> {
        let spans: Vec<_> = self.live(now).map(|key| key.span.clone()).collect();
        let id = &signing_key(&spans, &self.proof, now)?.id;
        self.live(now).find(|key| key.span.id == *id).map(|key| &key.signing)
    }
}

fn open_key(brand: &BrandId, key: &BrandKey, master: &MasterKey) -> Result<Key, BrandError> {
    let seed = master.open(&key.sealed, &key_purpose(brand)).map_err(|_| BrandError::OtherMasterKey)?;
    let seed = seed.as_slice().try_into().map_err(|_| BrandError::OtherMasterKey)?;
    let signing = SigningKey::from_seed(seed);
    let id = signing.public().id();
    Ok(Key { span: KeySpan { id, created_at: key.created_at, retired_at: key.retired_at }, signing })
}
