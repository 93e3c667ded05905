//! Checks a brand from anywhere: asks its domain and its chat host, nothing of ours, and says what holds.

use portico_domain::brand::Finding;
use portico_protocol::{BrandCard, Timestamp, codec};
use portico_seal::challenge::date;
use portico_seal::manifest::MANIFEST_PATH;
use portico_seal::{ChallengeToken, ManifestFile, OpenManifest, chain};

use crate::proof::fetch::FetchError;
use crate::proof::logo::LOGO_BYTES_MAX;
use crate::proof::look::{Claim, Looker};
use crate::proof::name::Domain;
use crate::proof::settings::describe;

/// Largest manifest file, in bytes.
const MANIFEST_BYTES_MAX: usize = 1024 * 1024;
/// Largest card, in bytes.
const CARD_BYTES_MAX: usize = 256 * 1024;

/// One step, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was checked.
    pub name: &'static str,
    /// What was found, or why it does not hold.
    pub result: Result<String, String>,
}

/// What a check found, step by step. It ends with the first step that others hang on and that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The domain that was checked.
    pub domain: Domain,
    /// In order.
    pub steps: Vec<Step>,
}

impl Report {
    /// Whether everything holds: whether the tick belongs there.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.steps.last().is_some_and(|last| last.name == "state")
            && self.steps.iter().all(|step| step.result.is_ok())
    }

    fn add(&mut self, name: &'static str, result: Result<String, String>) -> Option<()> {
        let held = result.is_ok().then_some(());
        self.steps.push(Step { name, result: result.map(printable).map_err(printable) });
        held
    }
}

/// Much of what is reported was written by the host under check: nothing of it may steer a terminal.
fn printable(text: String) -> String {
    text.chars().map(|char| if char.is_control() { '\u{FFFD}' } else { char }).collect()
}

/// Checks the brand of `domain`. Its chat host is `host`, or what the domain says it is.
pub async fn check(domain: Domain, host: Option<&Domain>, looker: &Looker, now: Timestamp) -> Report {
    let mut report = Report { domain: domain.clone(), steps: Vec::new() };
    // Only the order of steps matters here: the report itself says how far it came.
    let _ = check_steps(&domain, host, looker, now, &mut report).await;
    report
}

async fn check_steps(
    domain: &Domain,
    host: Option<&Domain>,
    looker: &Looker,
    now: Timestamp,
    report: &mut Report,
) -> Option<()> {
    report.add("domain", read_name(domain))?;
    let (from, manifests) = match find_manifests(domain, host, looker).await {
        Ok(found) => found,
        Err(reason) => return report.add("manifest", Err(reason)),
    };
    // A manifest counts on its own chat host alone; the domain itself may publish it for any.
    let host = host.or((from != *domain).then_some(&from));
    let manifest = match choose(&manifests, domain, host, now) {
        Ok(manifest) => manifest,
        Err(reason) => return report.add("manifest", Err(format!("{reason} (from {from})"))),
    };
    let said = &manifest.manifest;
    let until = date::format(said.expires_at);
    let (signer, chat_host) = (manifest.signer.id(), said.chat_host.clone());
    report.add("manifest", Ok(format!("from {from}, signed with key {signer}, until {until}")))?;
    let scope = looker.fetcher().scope();
    let chat = Domain::parse(&chat_host, scope).map_err(|error| error.to_string());
    report.add("chat host", chat.clone().map(|chat| chat.to_string()))?;
    report.add("voucher", look_for_voucher(&manifest, domain, looker, now).await)?;
    let chat = chat.ok()?;
    let card = fetch_card(&chat, &manifest, looker).await;
    let card = match card {
        Ok(card) => card,
        Err(reason) => return report.add("card", Err(reason)),
    };
    let logo = match &said.logo_sha256 {
        Some(_) => {
            let path = format!("/b/{}/logo", said.brand);
            looker.fetcher().get(&chat, &path, LOGO_BYTES_MAX).await.ok()
        }
        None => None,
    };
    let judged = chain::check_card(&manifest, &card, logo.as_deref(), now);
    let (broken, reason) = match judged {
        Ok(()) => (None, String::new()),
        Err((link, error)) => (Some(link), error.to_string()),
    };
    let fails = |link| if broken == Some(link) { Err(reason.clone()) } else { Ok(()) };
    report.add(
        "card",
        fails(chain::Link::Card).map(|()| format!("signed, until {}", date::format_time(card.expires_at))),
    )?;
    report.add(
        "logo",
        fails(chain::Link::Logo).map(|()| {
            if logo.is_some() { "the one that was signed".into() } else { "the brand has none".into() }
        }),
    )?;
    report.add(
        "state",
        fails(chain::Link::State).map(|()| format!("{} is verified by {domain}", card.display_name)),
    )
}

fn read_name(domain: &Domain) -> Result<String, String> {
    match domain.readable() {
        Some(readable) => Ok(format!("{domain}, which reads {readable}")),
        None if domain.is_look_alike() => Err(format!(
            "{domain} contains letters that look like others: it can be mistaken for another domain"
        )),
        None => Ok(domain.to_string()),
    }
}

/// The manifests that the domain publishes; where it publishes none, those of its chat host.
async fn find_manifests(
    domain: &Domain,
    host: Option<&Domain>,
    looker: &Looker,
) -> Result<(Domain, Vec<String>), String> {
    let own = match fetch_manifests(domain, looker).await {
        Ok(manifests) => return Ok((domain.clone(), manifests)),
        Err(error) => error,
    };
    let hint = match host {
        Some(host) => Some(host.clone()),
        None => looker.hinted_host(domain).await,
    };
    match hint {
        Some(host) => {
            let manifests = fetch_manifests(&host, looker).await;
            manifests.map(|manifests| (host, manifests)).map_err(|error| format!("{own}; {error}"))
        }
        None => Err(format!("{own}; and the domain names no chat host: give it with --host")),
    }
}

async fn fetch_manifests(host: &Domain, looker: &Looker) -> Result<Vec<String>, String> {
    let file = looker.fetcher().get(host, MANIFEST_PATH, MANIFEST_BYTES_MAX).await;
    let file = file.map_err(|error: FetchError| error.to_string())?;
    let file: ManifestFile =
        serde_json::from_slice(&file).map_err(|_| format!("what {host} publishes is no manifest file"))?;
    Ok(file.manifests)
}

/// The manifest for this domain among those of a host, or why none counts.
fn choose(
    manifests: &[String],
    domain: &Domain,
    host: Option<&Domain>,
    now: Timestamp,
) -> Result<OpenManifest, String> {
    let mut reason = "the file holds no manifest".to_owned();
    for manifest in manifests {
        let opened = OpenManifest::open(manifest, now).map_err(|error| error.to_string());
        let chat_host = opened.as_ref().map(|open| open.manifest.chat_host.clone()).unwrap_or_default();
        let expected = host.map_or(chat_host, ToString::to_string);
        match chain::check_manifest(manifest, domain.as_str(), &expected, now) {
            Ok(open) => return Ok(open),
            Err((_, error)) => reason = error.to_string(),
        }
    }
    Err(reason)
}

async fn look_for_voucher(
    manifest: &OpenManifest,
    domain: &Domain,
    looker: &Looker,
    now: Timestamp,
) -> Result<String, String> {
    let token: ChallengeToken = manifest.manifest.challenge.parse().map_err(|_| "no token".to_owned())?;
    let claim = Claim { domain, token, keys: &[manifest.signer] };
    match looker.look(&claim, None, now).await {
        finding @ Finding::Vouched(_) => Ok(describe(&finding)),
        finding => Err(describe(&finding)),
    }
}

async fn fetch_card(chat: &Domain, manifest: &OpenManifest, looker: &Looker) -> Result<BrandCard, String> {
    let path = format!("/api/v1/brands/{}", manifest.manifest.brand);
    let body = looker.fetcher().get(chat, &path, CARD_BYTES_MAX).await.map_err(|error| error.to_string())?;
    codec::decode(&String::from_utf8_lossy(&body)).map_err(|_| format!("what {chat} answers is no card"))
}
