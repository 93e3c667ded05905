//! The brands of this server: loaded from the store, kept in memory, changed by commands and by looks at their
//! proofs.
//!
//! What a handler asks for is answered from memory. What a command in another process changed is seen at the
//! next [`BrandDirectory::refresh`], which the server does every [`REFRESH_AFTER_MS`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use portico_domain::brand::{CARD_RENEW_AFTER_MS, Finding, KEY_OVERLAP_MS, Proof, superseded_keys};
use portico_protocol::{BrandCard, BrandId, Timestamp};
use portico_seal::{
    ChallengeToken, Identity, IdentityError, IdentitySecret, KeyId, MasterKey, PublicKey, SigningKey,
    verify_identity,
};
use portico_store::{BrandKey, BrandProof, BrandRecord, Store, StoreError};
use rand::CryptoRng;

use crate::proof::brand::{Brand, BrandError, LIVE_KEYS_MAX, identity_purpose, key_purpose};
use crate::proof::logo::Logo;
use crate::proof::look::Looker;
use crate::proof::settings::{InvalidProfile, Profile, Settings, proof_to_json};

/// How often the server looks for what commands changed, in milliseconds: how long a withdrawal takes at most.
pub const REFRESH_AFTER_MS: u64 = 2_000;
/// How often a proof is looked for anew because the brand was changed meanwhile.
const LOOKS_MAX: usize = 4;

/// The brands of this server.
#[derive(Debug)]
pub struct BrandDirectory {
    store: Store,
    master: MasterKey,
    chat_host: String,
    brands: RwLock<BTreeMap<BrandId, Arc<Brand>>>,
    /// Each with the brand's `updated_at` of its signing.
    cards: Mutex<HashMap<BrandId, (Timestamp, Arc<BrandCard>)>>,
    /// Each with the card that was current when it was signed.
    manifests: Mutex<HashMap<BrandId, (Arc<BrandCard>, String)>>,
}

/// Why a brand could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A brand of this id is there already.
    #[error("there is a brand {0} already; see `portico brand show {0}`")]
    Exists(BrandId),
    /// There is no such brand.
    #[error("there is no brand {0}; see `portico brand list`")]
    Unknown(BrandId),
    /// A value is not allowed.
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    /// Too many keys count already.
    #[error(
        "{LIVE_KEYS_MAX} keys count already: finish the last rotation first, or revoke one with --revoke"
    )]
    TooManyKeys,
    /// There is no such key that counts.
    #[error("the brand has no key {0} that counts now")]
    UnknownKey(KeyId),
    /// Others changed the brand again and again while its proof was looked for.
    #[error("brand {0} was changed while its proof was looked for: try again")]
    Busy(BrandId),
    /// The brand cannot be read.
    #[error("cannot read brand {brand}: {source}")]
    Brand {
        /// Which.
        brand: BrandId,
        /// Why.
        source: BrandError,
    },
    /// The store failed.
    #[error("could not store the change")]
    Store(#[from] StoreError),
}

impl BrandDirectory {
    /// Loads all brands. `chat_host` is this server's host as visitors see it, with its port if it has one.
    ///
    /// # Errors
    /// The store cannot be read. A brand that is damaged is left out and logged: the others must not suffer.
    pub async fn open(store: Store, master: MasterKey, chat_host: &str) -> Result<Self, StoreError> {
        let directory = Self {
            store,
            master,
            chat_host: chat_host.to_owned(),
            brands: RwLock::default(),
            cards: Mutex::default(),
            manifests: Mutex::default(),
        };
        directory.refresh().await?;
        Ok(directory)
    }

    /// Reads what has changed in the store.
    ///
    /// # Errors
    /// The store cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let records = self.store.brands().all().await?;
        let mut fresh = BTreeMap::new();
        for record in records {
            let id = record.id.clone();
            let known = self.find(&id).filter(|brand| brand.updated_at == record.updated_at);
            let brand = match known {
                Some(brand) => brand,
                None => match self.read(record).await? {
                    Ok(brand) => Arc::new(brand),
                    Err(error) => {
                        tracing::error!(brand = %id, %error, "Cannot use brand {id}: {error}");
                        continue;
                    }
                },
            };
            fresh.insert(id, brand);
        }
        *self.brands.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// This server's host, as cards and manifests name it.
    #[must_use]
    pub fn chat_host(&self) -> &str {
        &self.chat_host
    }

    /// The brand `id`.
    #[must_use]
    pub fn find(&self, id: &BrandId) -> Option<Arc<Brand>> {
        self.brands.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All brands, by id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Brand>> {
        self.brands.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The brand's card, signed not long before `now`, without the bot's words: see
    /// [`crate::app::App::brand_card`].
    #[must_use]
    pub fn card(&self, id: &BrandId, now: Timestamp) -> Option<Arc<BrandCard>> {
        let brand = self.find(id)?;
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((updated_at, card)) = cards.get(id)
            && *updated_at == brand.updated_at
            && is_current(card, &brand, now)
        {
            return Some(Arc::clone(card));
        }
        let card = Arc::new(brand.card(&self.chat_host, now));
        cards.insert(id.clone(), (brand.updated_at, Arc::clone(&card)));
        Some(card)
    }

    /// The brand's manifest, signed not long before `now`; absent where it has no key that counts.
    #[must_use]
    pub fn manifest(&self, id: &BrandId, now: Timestamp) -> Option<String> {
        let card = self.card(id, now)?;
        let mut manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed_with, manifest)) = manifests.get(id)
            && Arc::ptr_eq(signed_with, &card)
        {
            return Some(manifest.clone());
        }
        let manifest = self.find(id)?.manifest(&self.chat_host, now)?;
        manifests.insert(id.clone(), (card, manifest.clone()));
        Some(manifest)
    }

    /// The value of `frame-ancestors` for the brand's documents.
    #[must_use]
    pub fn frame_ancestors(&self, id: &BrandId, now: Timestamp) -> Option<String> {
        self.find(id).map(|brand| brand.frame_ancestors(now))
    }

    /// Who the brand's back end says that a visitor is.
    ///
    /// # Errors
    /// The token counts for nothing: see [`IdentityError`].
    pub fn verify_identity(
        &self,
        id: &BrandId,
        token: &str,
        now: Timestamp,
    ) -> Result<Identity, IdentityError> {
        let brand = self.find(id).ok_or(IdentityError::WrongAlgorithm)?;
        verify_identity(brand.identity(), &self.chat_host, token, now)
    }

    /// The brand's logo, a PNG file.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn logo(&self, id: &BrandId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.brands().logo(id).await
    }

    /// Adds a brand with its first key.
    ///
    /// # Errors
    /// It is there already, its profile is not allowed, or it could not be stored.
    pub async fn add(
        &self,
        id: &BrandId,
        profile: Profile,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Arc<Brand>, ChangeError> {
        profile.check()?;
        if self.store.brands().find(id).await?.is_some() {
            return Err(ChangeError::Exists(id.clone()));
        }
        let settings = Settings {
            profile,
            challenge: ChallengeToken::from_random(random(rng)),
            logo_sha256: None,
            revoked: Vec::new(),
            withdrawn_at: None,
            identity_secret: None,
            identity_keys: Vec::new(),
        };
        let key = self.new_key(id, now, rng);
        self.store.brands().save(id, &settings.to_json(), now).await?;
        self.store.brands().add_key(id, &key).await?;
        self.reload(id).await
    }

    /// Replaces what people see of a brand. Another domain is another claim: it gets a new token, and what the
    /// old domain vouched for is forgotten.
    ///
    /// # Errors
    /// The profile is not allowed, there is no such brand, or it could not be stored.
    pub async fn set_profile(
        &self,
        id: &BrandId,
        profile: Profile,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Arc<Brand>, ChangeError> {
        profile.check()?;
        let brand = self.reload(id).await?;
        let mut settings = brand.settings.clone();
        if profile.domain != settings.profile.domain {
            settings.challenge = ChallengeToken::from_random(random(rng));
            self.forget_proof(id, now).await?;
        }
        settings.profile = profile;
        self.save(id, &settings, now).await
    }

    /// Replaces the brand's logo.
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn set_logo(
        &self,
        id: &BrandId,
        logo: &Logo,
        now: Timestamp,
    ) -> Result<Arc<Brand>, ChangeError> {
        self.store.brands().set_logo(id, Some(logo.png()), now).await?;
        self.change(id, now, |settings| settings.logo_sha256 = Some(logo.sha256())).await
    }

    /// Makes a new key beside those that count. It signs once the domain vouches for it; the older ones count
    /// on for a week after that. With `revoke`, that key counts no longer from this moment.
    ///
    /// # Errors
    /// Too many keys count, the key to revoke does not, there is no such brand, or it could not be stored.
    pub async fn rotate_key(
        &self,
        id: &BrandId,
        revoke: Option<&KeyId>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(Arc<Brand>, KeyId), ChangeError> {
        let brand = self.reload(id).await?;
        let live = brand.live_keys(now);
        let mut settings = brand.settings.clone();
        if let Some(key) = revoke {
            if !live.iter().any(|live| live.id() == *key) {
                return Err(ChangeError::UnknownKey(key.clone()));
            }
            settings.revoked.push(key.clone());
            self.store.brands().retire_key(id, key.as_str(), now).await?;
        } else if live.len() >= LIVE_KEYS_MAX {
            return Err(ChangeError::TooManyKeys);
        }
        let key = self.new_key(id, now, rng);
        self.store.brands().add_key(id, &key).await?;
        let brand = self.save(id, &settings, now).await?;
        Ok((brand, KeyId::from(key.id.as_str())))
    }

    /// Takes the brand's verification back, at once, until [`Self::reinstate`].
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn withdraw(&self, id: &BrandId, now: Timestamp) -> Result<Arc<Brand>, ChangeError> {
        self.change(id, now, |settings| settings.withdrawn_at = settings.withdrawn_at.or(Some(now))).await
    }

    /// Undoes a withdrawal: the next look decides, and nothing seen before it counts.
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn reinstate(&self, id: &BrandId, now: Timestamp) -> Result<Arc<Brand>, ChangeError> {
        let mut settings = self.reload(id).await?.settings.clone();
        settings.withdrawn_at = None;
        self.forget_proof(id, now).await?;
        self.save(id, &settings, now).await
    }

    /// Gives the brand's back end a new secret for identity tokens; the one before counts no longer.
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn new_identity_secret(
        &self,
        id: &BrandId,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<IdentitySecret, ChangeError> {
        let secret = IdentitySecret::from_bytes(random(rng));
        let sealed = self.master.seal(secret.as_bytes(), &identity_purpose(id), random(rng));
        self.change(id, now, |settings| settings.identity_secret = Some(sealed)).await?;
        Ok(secret)
    }

    /// Sets the public keys with which the brand's back end signs identity tokens.
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn set_identity_keys(
        &self,
        id: &BrandId,
        keys: Vec<PublicKey>,
        now: Timestamp,
    ) -> Result<Arc<Brand>, ChangeError> {
        self.change(id, now, |settings| settings.identity_keys = keys).await
    }

    /// Looks for the brand's proof and remembers what was found. Once the domain vouches for a newer key, the
    /// older ones are set to retire.
    ///
    /// # Errors
    /// There is no such brand, or it could not be stored.
    pub async fn verify(
        &self,
        id: &BrandId,
        looker: &Looker,
        now: Timestamp,
    ) -> Result<(Arc<Brand>, Finding), ChangeError> {
        for _ in 0..LOOKS_MAX {
            let before = self.reload(id).await?;
            let keys = before.live_keys(now);
            let usual = before.proof.voucher.as_ref().map(|voucher| voucher.method);
            let finding = looker.look(&before.claim(&keys), usual, now).await;
            // Looking takes time. What was changed or found by others meanwhile is newer than this finding,
            // which may be about another claim, or older than theirs: it counts for nothing then.
            let brand = self.reload(id).await?;
            if brand.updated_at == before.updated_at {
                return Ok((self.remember(&brand, &finding, now).await?, finding));
            }
        }
        Err(ChangeError::Busy(id.clone()))
    }

    async fn remember(
        &self,
        brand: &Brand,
        finding: &Finding,
        now: Timestamp,
    ) -> Result<Arc<Brand>, ChangeError> {
        let mut proof = brand.proof.clone();
        proof.record(now, finding.clone());
        // A brand that is never proven is looked for every ten minutes: only news makes a row of its history.
        if (Proof { checked_at: brand.proof.checked_at, ..proof.clone() }) == brand.proof {
            let mut brand = brand.clone();
            brand.proof = proof;
            let brand = Arc::new(brand);
            self.keep(Arc::clone(&brand));
            return Ok(brand);
        }
        self.record(&brand.id, proof_to_json(&proof), now).await?;
        if let Finding::Vouched(voucher) = finding {
            for key in superseded_keys(&brand.key_spans(), &voucher.key) {
                let at = now.plus_millis(KEY_OVERLAP_MS);
                self.store.brands().retire_key(&brand.id, key.id.as_str(), at).await?;
            }
        }
        self.store.brands().touch(&brand.id, now).await?;
        self.reload(&brand.id).await
    }

    /// The brands whose proof should be looked for at `now`.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<BrandId> {
        let is_due = |brand: &Arc<Brand>| brand.proof.next_check_at(now) <= now;
        self.all().into_iter().filter(is_due).map(|brand| brand.id.clone()).collect()
    }

    async fn forget_proof(&self, id: &BrandId, now: Timestamp) -> Result<(), StoreError> {
        self.record(id, proof_to_json(&Proof::default()), now).await
    }

    async fn record(&self, id: &BrandId, finding: String, now: Timestamp) -> Result<(), StoreError> {
        self.store.brands().record_proof(id, &BrandProof { at: now, finding }).await
    }

    async fn change(
        &self,
        id: &BrandId,
        now: Timestamp,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Arc<Brand>, ChangeError> {
        let mut settings = self.reload(id).await?.settings.clone();
        change(&mut settings);
        self.save(id, &settings, now).await
    }

    async fn save(
        &self,
        id: &BrandId,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Arc<Brand>, ChangeError> {
        self.store.brands().save(id, &settings.to_json(), now).await?;
        self.store.brands().touch(id, now).await?;
        self.reload(id).await
    }

    /// The brand as the store has it now; memory follows.
    async fn reload(&self, id: &BrandId) -> Result<Arc<Brand>, ChangeError> {
        let record = self.store.brands().find(id).await?.ok_or_else(|| ChangeError::Unknown(id.clone()))?;
        let brand = self.read(record).await?;
        let brand = brand.map_err(|source| ChangeError::Brand { brand: id.clone(), source })?;
        let brand = Arc::new(brand);
        self.keep(Arc::clone(&brand));
        Ok(brand)
    }

    fn keep(&self, brand: Arc<Brand>) {
        self.brands.write().unwrap_or_else(PoisonError::into_inner).insert(brand.id.clone(), brand);
    }

    async fn read(&self, record: BrandRecord) -> Result<Result<Brand, BrandError>, StoreError> {
        let keys = self.store.brands().keys(&record.id).await?;
        let proofs = self.store.brands().proofs(&record.id, 1).await?;
        let proof = proofs.first().map(|proof| proof.finding.as_str());
        Ok(Brand::open(record, &keys, proof, &self.master))
    }

    fn new_key(&self, id: &BrandId, now: Timestamp, rng: &mut impl CryptoRng) -> BrandKey {
        let key = SigningKey::from_seed(&random(rng));
        let sealed = self.master.seal(&*key.seed(), &key_purpose(id), random(rng));
        BrandKey { id: key.public().id().to_string(), sealed, created_at: now, retired_at: None }
    }
}

/// Whether `card` can still be handed out: not past half of its life, in either direction of a jumping clock,
/// and still what time has left of the proof.
fn is_current(card: &BrandCard, brand: &Brand, now: Timestamp) -> bool {
    let age = now.as_millis() - card.issued_at.as_millis();
    (0..CARD_RENEW_AFTER_MS).contains(&age)
        && now < card.expires_at
        && card.verification == brand.verification(now)
}

fn random<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
