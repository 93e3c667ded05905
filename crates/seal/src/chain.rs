//! The whole chain of proof, judged from evidence that anybody can collect: does the tick belong there?
//!
//! `portico brand check` collects the evidence over the network, the test vectors bring theirs along, and both
//! are judged here. Needs nothing of ours but what the brand and its domain publish.

use portico_protocol::{BrandCard, Timestamp, Verification};
use sha2::{Digest as _, Sha256};

use crate::base64url;
use crate::card::{CardError, verify_card};
use crate::challenge::{ChallengeRecord, ChallengeToken, KeyAuthorization};
use crate::manifest::{ManifestError, OpenManifest};

/// What was collected.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The domain that a person expects, in ASCII.
    pub domain: &'a str,
    /// The host on which the chat is, as the address bar shows it.
    pub chat_host: &'a str,
    /// The TXT records at `_portico-challenge.<domain>`.
    pub records: &'a [String],
    /// The challenge file of the domain's web server.
    pub file: Option<&'a str>,
    /// The signed manifest.
    pub manifest: &'a str,
    /// The card that the chat shows.
    pub card: &'a BrandCard,
    /// The logo that the chat shows.
    pub logo: Option<&'a [u8]>,
}

/// One link of the chain, in the order in which they hang on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The manifest is consistent, signed and in its time.
    Manifest,
    /// The manifest speaks of this domain.
    Domain,
    /// The manifest speaks of this host.
    ChatHost,
    /// The domain vouches for the key that signed the manifest.
    Voucher,
    /// The card is signed with a key of the manifest, in its time, and says the same.
    Card,
    /// The logo is the one that was signed.
    Logo,
    /// The card says that the brand is verified.
    State,
}

/// Why a link does not hold. Each has a stable name in the test vectors: see [`ChainError::code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The manifest counts for nothing.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest speaks of another domain.
    #[error("the manifest is for {found}")]
    OtherDomain {
        /// For which.
        found: String,
    },
    /// The manifest or the card speaks of another host.
    #[error("made for the chat at {found}")]
    OtherHost {
        /// For which.
        found: String,
    },
    /// The domain publishes no record and no file.
    #[error("the domain vouches for no key")]
    NoVoucher,
    /// What the domain vouches for is another key, or another claim.
    #[error("the domain vouches for another key than the one that signed the manifest")]
    OtherKey,
    /// The domain's record has expired.
    #[error("the domain's record has expired")]
    VoucherExpired,
    /// The card counts for nothing.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The card says something else than the manifest.
    #[error("the card says something else than the manifest")]
    CardDiffers,
    /// The logo is another one, or missing.
    #[error("the logo is not the one that was signed")]
    OtherLogo,
    /// All is in order, and the card itself says that the brand is not verified.
    #[error("the card says that the brand is {0:?}")]
    NotVerified(Verification),
}

impl ChainError {
    /// The error's stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Manifest(ManifestError::Expired) => "manifest-expired",
            Self::Manifest(ManifestError::NotYet) => "manifest-not-yet",
            Self::Manifest(ManifestError::Jws(crate::JwsError::WrongAlgorithm)) => "manifest-algorithm",
            Self::Manifest(ManifestError::Jws(crate::JwsError::BadSignature)) => "manifest-signature",
            Self::Manifest(ManifestError::SignerNotListed) => "manifest-signer",
            Self::Manifest(_) => "manifest-malformed",
            Self::OtherDomain { .. } => "other-domain",
            Self::OtherHost { .. } => "other-host",
            Self::NoVoucher => "no-voucher",
            Self::OtherKey => "other-key",
            Self::VoucherExpired => "voucher-expired",
            Self::Card(CardError::Expired) => "card-expired",
            Self::Card(CardError::Differs) | Self::CardDiffers => "card-differs",
            Self::Card(CardError::TooLong) => "card-too-long",
            Self::Card(CardError::Jws(crate::JwsError::WrongAlgorithm)) => "card-algorithm",
            Self::Card(CardError::Jws(crate::JwsError::UnknownKey)) => "card-key",
            Self::Card(_) => "card-signature",
            Self::OtherLogo => "other-logo",
            Self::NotVerified(_) => "not-verified",
        }
    }
}

/// Judges the chain at `now`: whether the tick belongs there.
///
/// # Errors
/// The first link that does not hold, and why.
pub fn check(evidence: &Evidence<'_>, now: Timestamp) -> Result<(), (Link, ChainError)> {
    let manifest = check_manifest(evidence.manifest, evidence.domain, evidence.chat_host, now)?;
    check_voucher(&manifest, evidence.records, evidence.file, now).map_err(|error| (Link::Voucher, error))?;
    check_card(&manifest, evidence.card, evidence.logo, now)
}

/// Judges a manifest: all but whether the domain vouches for its signer.
///
/// # Errors
/// The first link that does not hold, and why.
pub fn check_manifest(
    manifest: &str,
    domain: &str,
    chat_host: &str,
    now: Timestamp,
) -> Result<OpenManifest, (Link, ChainError)> {
    let open = OpenManifest::open(manifest, now).map_err(|error| (Link::Manifest, error.into()))?;
    if open.manifest.domain != domain {
        return Err((Link::Domain, ChainError::OtherDomain { found: open.manifest.domain }));
    }
    if open.manifest.chat_host != chat_host {
        return Err((Link::ChatHost, ChainError::OtherHost { found: open.manifest.chat_host }));
    }
    Ok(open)
}

/// Judges what the domain publishes: whether it vouches for the manifest's signer.
///
/// # Errors
/// It does not.
pub fn check_voucher(
    manifest: &OpenManifest,
    records: &[String],
    file: Option<&str>,
    now: Timestamp,
) -> Result<(), ChainError> {
    let Ok(token) = manifest.manifest.challenge.parse::<ChallengeToken>() else {
        return Err(ChainError::OtherKey);
    };
    let wanted = KeyAuthorization { token, key: manifest.signer.thumbprint() };
    let records: Vec<_> = records.iter().filter_map(|text| text.parse::<ChallengeRecord>().ok()).collect();
    let in_file: Vec<_> =
        file.unwrap_or_default().lines().filter_map(|line| line.trim().parse().ok()).collect();
    let is_live = |record: &ChallengeRecord| record.expires_at.is_none_or(|at| now < at);
    let found: Vec<_> = records.iter().filter(|record| record.authorization == wanted).collect();
    if in_file.contains(&wanted) || found.iter().any(|record| is_live(record)) {
        Ok(())
    } else if !found.is_empty() {
        Err(ChainError::VoucherExpired)
    } else if records.is_empty() && in_file.is_empty() {
        Err(ChainError::NoVoucher)
    } else {
        Err(ChainError::OtherKey)
    }
}

/// Judges the card that the chat shows, and its logo, by a manifest that the domain vouches for.
///
/// # Errors
/// The first link that does not hold, and why.
pub fn check_card(
    manifest: &OpenManifest,
    card: &BrandCard,
    logo: Option<&[u8]>,
    now: Timestamp,
) -> Result<(), (Link, ChainError)> {
    verify_card(&manifest.keys, card, now).map_err(|error| (Link::Card, error.into()))?;
    let said = &manifest.manifest;
    if card.chat_host != said.chat_host {
        return Err((Link::Card, ChainError::OtherHost { found: card.chat_host.clone() }));
    }
    if (&card.domain, &card.brand, &card.display_name) != (&said.domain, &said.brand, &said.name) {
        return Err((Link::Card, ChainError::CardDiffers));
    }
    let shown = logo.map(|file| base64url::encode(Sha256::digest(file)));
    if card.logo_sha256 != said.logo_sha256 || shown != said.logo_sha256 {
        return Err((Link::Logo, ChainError::OtherLogo));
    }
    match card.verification {
        Verification::Verified => Ok(()),
        other => Err((Link::State, ChainError::NotVerified(other))),
    }
}
