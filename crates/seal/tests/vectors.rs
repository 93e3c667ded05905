//! The published test vectors: `docs/verification/vectors/`. Each is a whole chain of proof and says whether
//! the tick belongs there. They are made here, so that no vector can say what the code does not do, and judged
//! from the files, so that no change of the code can go unnoticed by those who rely on them.
//!
//! After a change that is meant, `PORTICO_WRITE_VECTORS=1 cargo test -p portico-seal --test vectors` writes
//! them anew; the difference is then reviewed.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use portico_protocol::{BrandCard, Timestamp, Verification, VerificationMethod};
use portico_seal::chain::{self, Evidence};
use portico_seal::{
    ChallengeRecord, ChallengeToken, KeyAuthorization, Manifest, SigningKey, base64url, jws, sign_card,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const NOW: Timestamp = Timestamp::from_millis(1_795_413_600_000);
const HOUR_MS: i64 = 3_600_000;
const LOGO: &[u8] = b"not a picture; only its hash matters here";

/// A chain that holds, and what a case changes in it.
struct Case {
    why: &'static str,
    domain: &'static str,
    chat_host: &'static str,
    manifest: Manifest,
    manifest_key: SigningKey,
    record: Option<ChallengeRecord>,
    file: Option<String>,
    card: BrandCard,
    card_key: SigningKey,
    logo: &'static [u8],
    /// Changes what is signed already.
    tamper: fn(&mut String, &mut BrandCard),
    expected: &'static str,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn token() -> ChallengeToken {
    ChallengeToken::from_random([0x5a; 16])
}

fn record(key: &SigningKey) -> ChallengeRecord {
    ChallengeRecord {
        authorization: KeyAuthorization { token: token(), key: key.public().thumbprint() },
        host: Some("chat.lumen.example".into()),
        expires_at: None,
    }
}

fn genuine() -> Case {
    let logo = base64url::encode(Sha256::digest(LOGO));
    Case {
        why: "Everything holds.",
        domain: "lumen.example",
        chat_host: "chat.lumen.example",
        manifest: Manifest {
            domain: "lumen.example".into(),
            brand: "lumen".parse().unwrap(),
            issued_at: NOW.plus_millis(-24 * HOUR_MS),
            expires_at: NOW.plus_millis(30 * 24 * HOUR_MS),
            name: "Lumen".into(),
            chat_host: "chat.lumen.example".into(),
            embed_hosts: vec!["lumen.example".into(), "www.lumen.example".into()],
            logo_sha256: Some(logo.clone()),
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
            challenge: token().to_string(),
            keys: vec![key(1).public().to_jwk()],
            revoked: vec![],
        },
        manifest_key: key(1),
        record: Some(record(&key(1))),
        file: None,
        card: BrandCard {
            brand: "lumen".parse().unwrap(),
            display_name: "Lumen".into(),
            domain: "lumen.example".into(),
            verification: Verification::Verified,
            method: Some(VerificationMethod::Dns),
            verified_at: Some(NOW.plus_millis(-HOUR_MS)),
            chat_host: "chat.lumen.example".into(),
            issued_at: NOW.plus_millis(-HOUR_MS),
            expires_at: NOW.plus_millis(3 * HOUR_MS),
            logo_url: Some("/b/lumen/logo".into()),
            logo_sha256: Some(logo),
            color: "#204080".into(),
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
            bot_name: None,
            greeting: vec![],
            signature: String::new(),
        },
        card_key: key(1),
        logo: LOGO,
        tamper: |_, _| (),
        expected: "tick",
    }
}

/// The parts of a compact token, with its header or payload replaced by another text.
fn replaced(token: &str, part: usize, change: impl Fn(&str) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(Into::into).collect();
    let text = String::from_utf8(base64url::decode(&parts[part]).unwrap()).unwrap();
    parts[part] = base64url::encode(change(&text));
    parts.join(".")
}

fn cases() -> BTreeMap<&'static str, Case> {
    let mut cases = BTreeMap::new();
    let mut add = |name, why, expected, change: fn(&mut Case)| {
        let mut case = Case { why, expected, ..genuine() };
        change(&mut case);
        cases.insert(name, case);
    };
    add("genuine-dns", "The domain vouches by a TXT record; everything holds.", "tick", |_| ());
    add("genuine-file", "The domain vouches by a file; everything holds.", "tick", |case| {
        case.file = case.record.take().map(|record| format!("{}\n", record.authorization));
    });
    add("genuine-rotation", "Two keys count; the card is signed with the other one.", "tick", |case| {
        case.manifest.keys.push(key(2).public().to_jwk());
        case.card_key = key(2);
    });
    add(
        "forged-manifest",
        "A word of the manifest was changed after signing.",
        "manifest-signature",
        |case| {
            case.tamper =
                |manifest, _| *manifest = replaced(manifest, 1, |text| text.replace("Lumen", "Lumex"));
        },
    );
    add(
        "forged-key",
        "Somebody signs a manifest of the same words with a key of their own.",
        "other-key",
        |case| {
            case.manifest.keys = vec![key(9).public().to_jwk()];
            (case.manifest_key, case.card_key) = (key(9), key(9));
        },
    );
    add(
        "forged-card",
        "The card was signed with a key that the manifest does not list.",
        "card-key",
        |case| {
            case.card_key = key(9);
        },
    );
    add("changed-card", "The card says more than was signed.", "card-differs", |case| {
        case.card.verification = Verification::NotVerified;
        case.tamper = |_, card| card.verification = Verification::Verified;
    });
    add(
        "wrong-algorithm-none",
        "The header says that there is no signature.",
        "manifest-algorithm",
        |case| {
            case.tamper =
                |manifest, _| *manifest = replaced(manifest, 0, |text| text.replace("Ed25519", "none"));
        },
    );
    add(
        "wrong-algorithm-eddsa",
        "The header has the deprecated name of the algorithm.",
        "manifest-algorithm",
        |case| {
            case.tamper =
                |manifest, _| *manifest = replaced(manifest, 0, |text| text.replace("Ed25519", "EdDSA"));
        },
    );
    add("wrong-algorithm-card", "The card's header names an HMAC.", "card-algorithm", |case| {
        case.tamper =
            |_, card| card.signature = replaced(&card.signature, 0, |text| text.replace("Ed25519", "HS256"));
    });
    add("wrong-type", "A manifest in the place of a card.", "card-signature", |case| {
        case.tamper = |manifest, card| card.signature = manifest.clone();
    });
    add("wrong-domain", "The manifest and the card of another domain.", "other-domain", |case| {
        case.domain = "lumen-shop.example";
    });
    add("wrong-host", "A copy of the genuine manifest on another host.", "other-host", |case| {
        case.chat_host = "chat.lurnen.example";
    });
    add(
        "look-alike",
        "The first letter of apple is Cyrillic: another domain, in punycode.",
        "other-domain",
        |case| {
            case.domain = "apple.example";
            case.manifest.domain = "xn--pple-43d.example".into();
            case.card.domain = "xn--pple-43d.example".into();
        },
    );
    add("removed-record", "The domain has taken its record away.", "no-voucher", |case| case.record = None);
    add("other-token", "The record answers another claim with the same key.", "other-key", |case| {
        case.record.as_mut().unwrap().authorization.token = ChallengeToken::from_random([1; 16]);
    });
    add("expired-record", "The record ended yesterday, by its own word.", "voucher-expired", |case| {
        case.record.as_mut().unwrap().expires_at = Some(NOW.plus_millis(-48 * HOUR_MS));
    });
    add("expired-manifest", "The manifest's time is over.", "manifest-expired", |case| {
        case.manifest.expires_at = NOW.plus_millis(-HOUR_MS);
    });
    add("early-manifest", "The manifest's time has not come.", "manifest-not-yet", |case| {
        case.manifest.issued_at = NOW.plus_millis(HOUR_MS);
    });
    add(
        "revoked-key",
        "The signing key is on the manifest's own list of revoked keys.",
        "manifest-signer",
        |case| {
            case.manifest.revoked = vec![key(1).public().id()];
        },
    );
    add("expired-card", "The card's hours are over.", "card-expired", |case| {
        (case.card.issued_at, case.card.expires_at) = (NOW.plus_millis(-4 * HOUR_MS), NOW);
    });
    add("other-logo", "The picture is not the one that was signed.", "other-logo", |case| {
        case.logo = b"another"
    });
    add("expired-state", "All is in order, and says that the proof is stale.", "not-verified", |case| {
        case.card.verification = Verification::Expired;
    });
    add(
        "withdrawn-state",
        "All is in order, and says that the brand was withdrawn.",
        "not-verified",
        |case| {
            case.card.verification = Verification::Withdrawn;
        },
    );
    cases
}

impl Case {
    fn to_json(&self) -> Value {
        let mut manifest = self.manifest.sign(&self.manifest_key);
        let mut card = sign_card(&self.card_key, self.card.clone());
        (self.tamper)(&mut manifest, &mut card);
        json!({
            "why": self.why,
            "now": NOW.as_millis(),
            "domain": self.domain,
            "chatHost": self.chat_host,
            "txt": self.record.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "file": self.file,
            "manifest": manifest,
            "card": card,
            "logo": base64url::encode(self.logo),
            "expected": self.expected,
        })
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/verification/vectors")
}

#[test]
fn the_published_vectors_are_the_ones_that_this_code_makes() {
    for (name, case) in cases() {
        let path = folder().join(format!("{name}.json"));
        let text = format!("{:#}\n", case.to_json());
        if std::env::var_os("PORTICO_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name} differs from its file");
    }
    assert_eq!(std::fs::read_dir(folder()).unwrap().count(), cases().len(), "a file without a case");
}

#[test]
fn every_published_vector_is_judged_as_it_says() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        let records: Vec<String> = serde_json::from_value(vector["txt"].clone()).unwrap();
        let card: BrandCard = serde_json::from_value(vector["card"].clone()).unwrap();
        let (domain, chat_host, manifest) = (text("domain"), text("chatHost"), text("manifest"));
        let evidence = Evidence {
            domain: &domain,
            chat_host: &chat_host,
            records: &records,
            file: vector["file"].as_str(),
            manifest: &manifest,
            card: &card,
            logo: Some(&base64url::decode(&text("logo")).unwrap()),
        };
        let now = Timestamp::from_millis(vector["now"].as_i64().unwrap());
        let judged = chain::check(&evidence, now).map_or_else(|(_, error)| error.code(), |()| "tick");
        assert_eq!(judged, text("expected"), "{}: {}", path.display(), text("why"));
    }
}

#[test]
fn what_is_signed_here_is_what_any_jose_library_reads() {
    let manifest = genuine().manifest.sign(&key(1));
    let payload = jws::verify(&[key(1).public()], "portico-manifest+jws", &manifest).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("lumen.example"), Some("lumen")));
    assert_eq!(claims["exp"].as_i64().unwrap() * 1000, genuine().manifest.expires_at.as_millis());
}
