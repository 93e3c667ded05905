//! Test vectors: whole chains of proof as JSON files, each with what any verifier must say of it. The form is
//! described in `docs/verification.md`.

use portico_protocol::{BrandCard, Timestamp};
use portico_seal::base64url;
use portico_seal::chain::{self, Evidence};
use serde::Deserialize;

/// What a vector expects where every link holds.
pub const TICK: &str = "tick";

/// One vector.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vector {
    /// What is special about it.
    pub why: String,
    /// When it is judged.
    pub now: Timestamp,
    /// The domain that a person expects.
    pub domain: String,
    /// The host in the address bar.
    pub chat_host: String,
    /// The domain's TXT records.
    pub txt: Vec<String>,
    /// The domain's challenge file.
    #[serde(default)]
    pub file: Option<String>,
    /// The signed manifest.
    pub manifest: String,
    /// The card that the chat shows.
    pub card: BrandCard,
    /// The logo that the chat shows, base64url.
    pub logo: String,
    /// [`TICK`], or the code of the first link that does not hold.
    pub expected: String,
}

impl Vector {
    /// What this program says of it: [`TICK`] or a code.
    #[must_use]
    pub fn judge(&self) -> &'static str {
        let logo = base64url::decode(&self.logo);
        let evidence = Evidence {
            domain: &self.domain,
            chat_host: &self.chat_host,
            records: &self.txt,
            file: self.file.as_deref(),
            manifest: &self.manifest,
            card: &self.card,
            logo: logo.as_deref(),
        };
        chain::check(&evidence, self.now).map_or_else(|(_, error)| error.code(), |()| TICK)
    }
}
