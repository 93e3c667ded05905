//! What a client may show about a brand, and how sure it may be.

use serde::{Deserialize, Serialize};

use crate::json::wire;

use crate::{BrandId, Message, Timestamp};

/// Whether the brand is proven. Only [`Verification::Verified`] draws the tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// The domain's proof was found and is fresh.
    Verified,
    /// It was found once, but not again in time.
    Expired,
    /// The brand or the operator took it back.
    Withdrawn,
    /// It was never found. Also what a state means that this build does not know: no tick on a guess.
    #[serde(other)]
    NotVerified,
}

/// How the domain was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerificationMethod {
    /// A TXT record at `_portico-challenge.<domain>`.
    Dns,
    /// A file at `/.well-known/portico-challenge/<token>` on the domain.
    WellKnown,
    /// In a way that this build does not know.
    #[serde(other)]
    Other,
}

/// The brand as the chat's header and its proof sheet show it. Signed for hours by the chat host; see
/// `signature`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrandCard {
    /// The name in addresses.
    pub brand: BrandId,
    /// The name that people know.
    pub display_name: String,
    /// The domain that the brand claims, in ASCII: where its scripts mix, the punycode is what people see.
    pub domain: String,
    /// Whether that claim is proven, as of `issued_at`.
    pub verification: Verification,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<VerificationMethod>,
    /// When the proof was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// The host that checked, and that serves this chat.
    pub chat_host: String,
    /// When the card was signed.
    pub issued_at: Timestamp,
    /// After this the card proves nothing, whatever it says.
    pub expires_at: Timestamp,
    /// Address of the logo on the chat host; absent: initials are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// SHA-256 of the logo, base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_sha256: Option<String>,
    /// The brand's colour as `#rrggbb`.
    pub color: String,
    /// The brand's privacy policy.
    pub privacy_url: String,
    /// The brand's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<String>,
    /// The brand's bot, if it has one, by the name that visitors see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_name: Option<String>,
    /// What the bot says before anybody has written; the first entries of the log repeat it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub greeting: Vec<Message>,
    /// The compact JWS (RFC 7515, `alg: "Ed25519"`) over the same facts, checkable with the keys at
    /// `/.well-known/portico-brand.json` of the domain. Empty where the brand has no key yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
}

impl BrandCard {
    /// Whether the tick may be drawn at `now`.
    #[must_use]
    pub fn shows_tick(&self, now: Timestamp) -> bool {
        self.effective_verification(now) == Verification::Verified
    }

    /// What the card proves at `now`: a card past its time counts as expired.
    #[must_use]
    pub fn effective_verification(&self, now: Timestamp) -> Verification {
        match self.verification {
            Verification::Verified if now >= self.expires_at => Verification::Expired,
            verification => verification,
        }
    }
}

wire!(enum Verification { Verified = "verified", Expired = "expired", Withdrawn = "withdrawn", NotVerified = "not-verified", _ = NotVerified });
wire!(enum VerificationMethod { Dns = "dns", WellKnown = "well-known", Other = "other", _ = Other });
wire!(struct BrandCard { brand, display_name, domain, verification, method [optional], verified_at [optional], chat_host, issued_at, expires_at, logo_url [optional], logo_sha256 [optional], color, privacy_url, terms_url [optional], bot_name [optional], greeting [optional], signature [optional] });
