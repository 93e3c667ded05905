//! A brand's settings: what its operator wrote down, checked, and their form in the database.

use portico_domain::brand::{Finding, Proof, Voucher, WithdrawnBy};
use portico_protocol::color::Color;
use portico_protocol::limit::DISPLAY_NAME_CHARS_MAX;
use portico_protocol::message::{check_chars, check_url};
use portico_protocol::{Problem, Timestamp, VerificationMethod};
use portico_seal::manifest::EMBED_HOSTS_MAX;
use portico_seal::{ChallengeToken, KeyId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::proof::name::{Domain, EmbedHost, InvalidName, Scope};

/// What people see of a brand, and where its chat may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name that people know.
    pub display_name: String,
    /// The domain that it claims.
    pub domain: Domain,
    /// The hosts whose pages may hold the chat.
    pub embed_hosts: Vec<EmbedHost>,
    /// Its colour.
    pub color: Color,
    /// Its privacy policy.
    pub privacy_url: String,
    /// Its terms.
    pub terms_url: Option<String>,
}

/// A brand's profile and all else that its operator decides. Only commands write it, never the running server.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What people see.
    pub profile: Profile,
    /// The token of its claim to the domain.
    pub challenge: ChallengeToken,
    /// SHA-256 of its logo, base64url.
    pub logo_sha256: Option<String>,
    /// Keys that count no longer, whatever they signed.
    pub revoked: Vec<KeyId>,
    /// When the operator withdrew it.
    pub withdrawn_at: Option<Timestamp>,
    /// The secret of its identity tokens, sealed.
    pub identity_secret: Option<Vec<u8>>,
    /// Its back end's keys for identity tokens.
    pub identity_keys: Vec<PublicKey>,
}

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProfile {
    /// The domain or one of the hosts.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Another value; the text says which and why.
    #[error("{0}")]
    Value(String),
}

impl From<Problem> for InvalidProfile {
    fn from(problem: Problem) -> Self {
        let field = problem.field.as_deref().unwrap_or("a value");
        Self::Value(format!("{field}: {}", problem.detail.as_deref().unwrap_or(&problem.title)))
    }
}

impl Profile {
    /// Checks what [`Domain`], [`EmbedHost`] and [`Color`] did not check yet.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), InvalidProfile> {
        check_chars("name", &self.display_name, DISPLAY_NAME_CHARS_MAX)?;
        if self.display_name.trim().is_empty() || self.display_name.chars().any(deceives) {
            return Err(InvalidProfile::Value(
                "name: give the name that people know, without control characters, and without a tick of its own".into(),
            ));
        }
        if self.embed_hosts.len() > EMBED_HOSTS_MAX {
            return Err(InvalidProfile::Value(format!("embed hosts: at most {EMBED_HOSTS_MAX}")));
        }
        check_url("privacy-url", &self.privacy_url)?;
        self.terms_url.as_deref().map_or(Ok(()), |url| check_url("terms-url", url))?;
        Ok(())
    }
}

/// Characters that change how the text around them reads, or that look like the sign of verification.
fn deceives(char: char) -> bool {
    let is_invisible = matches!(char, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    let is_tick = matches!(char, '✓' | '✔' | '✅' | '☑' | '🗸' | '🗹' | '√' | '⍻');
    char.is_control() || is_invisible || is_tick
}

/// The form in the database. Fields may be added, never renamed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSettings {
    display_name: String,
    domain: String,
    embed_hosts: Vec<String>,
    color: String,
    privacy_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms_url: Option<String>,
    challenge: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logo_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revoked: Vec<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    identity_keys: Vec<String>,
}

/// What is in the database is not what this program writes.
#[derive(Debug, thiserror::Error)]
#[error("the stored brand is damaged: {0}")]
pub struct Damaged(String);

impl Settings {
    /// The text to store.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Profile { display_name, domain, embed_hosts, color, privacy_url, terms_url } = &self.profile;
        encode(&StoredSettings {
            display_name: display_name.clone(),
            domain: domain.to_string(),
            embed_hosts: embed_hosts.iter().map(|host| host.as_str().into()).collect(),
            color: color.to_string(),
            privacy_url: privacy_url.clone(),
            terms_url: terms_url.clone(),
            challenge: self.challenge.to_string(),
            logo_sha256: self.logo_sha256.clone(),
            revoked: self.revoked.clone(),
            withdrawn_at: self.withdrawn_at,
            identity_secret: self.identity_secret.as_ref().map(portico_seal::base64url::encode),
            identity_keys: self.identity_keys.iter().map(|key| key.to_jwk().x).collect(),
        })
    }

    /// Reads what [`Self::to_json`] wrote. Names of this machine are read wherever they were once accepted;
    /// where development is off, no proof of them is ever found.
    ///
    /// # Errors
    /// It is damaged.
    pub fn from_json(text: &str) -> Result<Self, Damaged> {
        let stored: StoredSettings = serde_json::from_str(text).map_err(damaged)?;
        let hosts = stored.embed_hosts.iter().map(|host| EmbedHost::parse(host, Scope::Development));
        let keys = stored.identity_keys.iter().map(|key| key.parse());
        let secret = stored.identity_secret.map(|text| {
            portico_seal::base64url::decode(&text).ok_or_else(|| Damaged("identity secret".into()))
        });
        Ok(Self {
            profile: Profile {
                display_name: stored.display_name,
                domain: Domain::parse(&stored.domain, Scope::Development).map_err(damaged)?,
                embed_hosts: hosts.collect::<Result<_, _>>().map_err(damaged)?,
                color: stored.color.parse().map_err(damaged)?,
                privacy_url: stored.privacy_url,
                terms_url: stored.terms_url,
            },
            challenge: stored.challenge.parse().map_err(damaged)?,
            logo_sha256: stored.logo_sha256,
            revoked: stored.revoked,
            withdrawn_at: stored.withdrawn_at,
            identity_secret: secret.transpose()?,
            identity_keys: keys.collect::<Result<_, _>>().map_err(damaged)?,
        })
    }
}

/// What is remembered after one look: the history's newest row is the state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredProof {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voucher: Option<StoredVoucher>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn_by_domain_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredVoucher {
    key: KeyId,
    method: VerificationMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    resolvers: u8,
    is_dnssec: bool,
}

/// The text to store of a proof. The operator's withdrawal is no part of it: it stands in the settings, where
/// no look that was under way at the time can overwrite it.
#[must_use]
pub fn proof_to_json(proof: &Proof) -> String {
    encode(&StoredProof {
        voucher: proof.voucher.clone().map(|voucher| StoredVoucher {
            key: voucher.key,
            method: voucher.method,
            until: voucher.until,
            resolvers: voucher.resolvers,
            is_dnssec: voucher.is_dnssec,
        }),
        since: proof.since,
        seen_at: proof.seen_at,
        checked_at: proof.checked_at,
        trouble: proof.trouble.clone(),
        withdrawn_by_domain_at: match proof.withdrawn {
            Some((at, WithdrawnBy::Domain)) => Some(at),
            Some((_, WithdrawnBy::Operator)) | None => None,
        },
    })
}

/// Reads what [`proof_to_json`] wrote.
///
/// # Errors
/// It is damaged.
pub fn proof_from_json(text: &str) -> Result<Proof, Damaged> {
    let stored: StoredProof = serde_json::from_str(text).map_err(damaged)?;
    Ok(Proof {
        voucher: stored.voucher.map(|voucher| Voucher {
            key: voucher.key,
            method: voucher.method,
            until: voucher.until,
            resolvers: voucher.resolvers,
            is_dnssec: voucher.is_dnssec,
        }),
        since: stored.since,
        seen_at: stored.seen_at,
        checked_at: stored.checked_at,
        trouble: stored.trouble,
        withdrawn: stored.withdrawn_by_domain_at.map(|at| (at, WithdrawnBy::Domain)),
    })
}

/// What a finding says, for people.
#[must_use]
pub fn describe(finding: &Finding) -> String {
    match finding {
        Finding::Vouched(Voucher { method: VerificationMethod::Dns, resolvers, is_dnssec, .. }) => {
            let signed = if *is_dnssec { ", DNSSEC-validated" } else { "" };
            let count =
                if *resolvers == 1 { "one resolver".into() } else { format!("{resolvers} resolvers") };
            format!("found in DNS by {count}{signed}")
        }
        Finding::Vouched(_) => "found on the domain's web server".into(),
        Finding::Absent(reason) => format!("not there: {reason}"),
        Finding::Unclear(reason) => format!("cannot say: {reason}"),
    }
}

fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string keys and no failing serializers")
}

fn damaged(error: impl std::fmt::Display) -> Damaged {
    Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn profile() -> Profile {
        Profile {
            display_name: "Lumen".into(),
            domain: Domain::parse("lumen.example", Scope::Public).unwrap(),
            embed_hosts: vec![EmbedHost::parse("*.lumen.example", Scope::Public).unwrap()],
            color: "#204080".parse().unwrap(),
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
        }
    }

    #[test]
    fn settings_and_proofs_survive_the_database() {
        let settings = Settings {
            profile: profile(),
            challenge: ChallengeToken::from_random([1; 16]),
            logo_sha256: Some("x".into()),
            revoked: vec!["k".into()],
            withdrawn_at: Some(Timestamp::from_millis(7)),
            identity_secret: Some(vec![1, 2]),
            identity_keys: vec![portico_seal::SigningKey::from_seed(&[3; 32]).public()],
        };
        assert_eq!(Settings::from_json(&settings.to_json()).unwrap(), settings);
        let mut proof = Proof::default();
        proof.record(
            Timestamp::from_millis(5),
            Finding::Vouched(Voucher {
                key: "k".into(),
                method: VerificationMethod::WellKnown,
                until: Some(Timestamp::from_millis(9)),
                resolvers: 0,
                is_dnssec: false,
            }),
        );
        proof.record(Timestamp::from_millis(6), Finding::Absent("gone".into()));
        assert_eq!(proof_from_json(&proof_to_json(&proof)).unwrap(), proof);
        assert!(Settings::from_json("{}").is_err() && proof_from_json("null").is_err());
    }

    #[test]
    fn a_profile_that_would_deceive_or_break_something_is_refused() {
        let check = |change: fn(&mut Profile)| {
            let mut profile = profile();
            change(&mut profile);
            assert!(profile.check().is_err(), "{profile:?} was accepted");
        };
        assert!(profile().check().is_ok());
        check(|profile| profile.display_name = "Lumen ✓".into());
        check(|profile| profile.display_name = "Lumen \u{202E}knaB".into());
        check(|profile| profile.display_name = " ".into());
        check(|profile| profile.display_name = "x".repeat(DISPLAY_NAME_CHARS_MAX + 1));
        check(|profile| profile.privacy_url = "javascript:alert(1)".into());
        check(|profile| profile.terms_url = Some("/terms".into()));
        check(|profile| profile.embed_hosts = vec![profile.embed_hosts[0].clone(); EMBED_HOSTS_MAX + 1]);
    }
}
