//! Looks for a domain's proof: asks DNS and the domain's web server whether they vouch for a brand's key.

use futures_util::future;
use portico_domain::brand::{Finding, Voucher};
use portico_protocol::{Timestamp, VerificationMethod};
use portico_seal::challenge::{CHALLENGE_LABEL, CHALLENGE_PATH, date};
use portico_seal::{ChallengeRecord, ChallengeToken, KeyAuthorization, PublicKey};

use crate::proof::dns::{Answer, Resolvers};
use crate::proof::fetch::{FetchError, Fetcher, Reach};
use crate::proof::name::Domain;

/// Largest challenge file, in bytes.
const FILE_BYTES_MAX: usize = 4 * 1024;

/// Everything that is needed to look.
#[derive(Clone, Debug)]
pub struct Looker {
    resolvers: Resolvers,
    fetcher: Fetcher,
}

/// What to look for.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The domain that shall vouch.
    pub domain: &'a Domain,
    /// The token of the brand's claim.
    pub token: ChallengeToken,
    /// The brand's keys that count, the newest first: the first that the domain names is found.
    pub keys: &'a [PublicKey],
}

impl Looker {
    /// Looks with `resolvers` and fetches within `reach`.
    #[must_use]
    pub fn new(resolvers: Resolvers, reach: Reach) -> Self {
        Self { fetcher: Fetcher::new(resolvers.clone(), reach), resolvers }
    }

    /// Looks with these.
    #[must_use]
    pub fn with_fetcher(resolvers: Resolvers, fetcher: Fetcher) -> Self {
        Self { resolvers, fetcher }
    }

    /// For what else is fetched from a domain.
    #[must_use]
    pub fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Looks in both places at `now`. DNS decides where it vouches; otherwise the file does. What is reported
    /// as missing is missing in both, or in the one by which the brand was proven before (`usual`): a brand that
    /// removes its record is not kept by a web server that never answered.
    ///
    /// A domain that can be mistaken for another is never vouched for, whoever owns it: a tick beside it would
    /// vouch for the mistake.
    pub async fn look(
        &self,
        claim: &Claim<'_>,
        usual: Option<VerificationMethod>,
        now: Timestamp,
    ) -> Finding {
        if claim.domain.is_look_alike() {
            return Finding::Absent(format!(
                "{} contains letters that look like others and can be mistaken for another domain: no proof of it counts",
                claim.domain
            ));
        }
        let (dns, file) = future::join(self.look_in_dns(claim, now), self.look_at_file(claim)).await;
        match (dns, file) {
            (found @ Finding::Vouched(_), _) | (_, found @ Finding::Vouched(_)) => found,
            (Finding::Absent(dns), Finding::Absent(file)) => Finding::Absent(format!("{dns}; {file}")),
            (Finding::Absent(dns), Finding::Unclear(_)) if usual == Some(VerificationMethod::Dns) => {
                Finding::Absent(dns)
            }
            (Finding::Unclear(_), Finding::Absent(file)) if usual == Some(VerificationMethod::WellKnown) => {
                Finding::Absent(file)
            }
            (
                Finding::Absent(dns) | Finding::Unclear(dns),
                Finding::Absent(file) | Finding::Unclear(file),
            ) => Finding::Unclear(format!("{dns}; {file}")),
        }
    }

    /// The chat host that the domain's TXT record names: a hint where to look, which proves nothing.
    pub async fn hinted_host(&self, domain: &Domain) -> Option<Domain> {
        let answers = self.resolvers.texts(&format!("{CHALLENGE_LABEL}.{domain}")).await;
        let texts = answers.into_iter().filter_map(|answer| answer.records.ok()).flatten();
        let mut records = texts.filter_map(|text| text.parse::<ChallengeRecord>().ok());
        records.find_map(|record| Domain::parse(&record.host?, self.fetcher.scope()).ok())
    }

    /// Asks every resolver for the TXT record. They must agree, and enough of them answer: two, or all where
    /// fewer are configured.
    pub async fn look_in_dns(&self, claim: &Claim<'_>, now: Timestamp) -> Finding {
        if claim.domain.is_local() {
            return Finding::Absent("names of this machine are not in DNS".into());
        }
        let name = format!("{CHALLENGE_LABEL}.{}", claim.domain);
        let answers = self.resolvers.texts(&name).await;
        let needed = self.resolvers.count().clamp(1, 2);
        agree(&answers, needed, |texts| read_records(claim, &name, texts, now))
    }

    /// Asks the domain's web server for the file.
    pub async fn look_at_file(&self, claim: &Claim<'_>) -> Finding {
        let path = format!("{CHALLENGE_PATH}{}", claim.token);
        match self.fetcher.get(claim.domain, &path, FILE_BYTES_MAX).await {
            Ok(body) => read_file(claim, &String::from_utf8_lossy(&body)),
            Err(error @ FetchError::NotThere { .. }) => {
                Finding::Absent(format!("no challenge file: {error}"))
            }
            Err(error) => Finding::Unclear(format!("challenge file: {error}")),
        }
    }
}

/// One finding from what several resolvers answered.
fn agree(
    answers: &[Answer<String>],
    needed: usize,
    read: impl Fn(&[String]) -> Result<Voucher, String>,
) -> Finding {
    let mut failures = Vec::new();
    let mut said = Vec::new();
    for answer in answers {
        match &answer.records {
            Ok(texts) => said.push((answer, read(texts))),
            Err(error) => failures.push(format!("{}: {error}", answer.resolver)),
        }
    }
    let vouching = said.iter().filter_map(|(answer, result)| Some((answer, result.as_ref().ok()?)));
    let vouching: Vec<_> = vouching.collect();
    let Some((_, first)) = vouching.first() else {
        return match said.first() {
            Some((_, Err(reason))) if said.len() >= needed => Finding::Absent(reason.clone()),
            _ => Finding::Unclear(format!("DNS did not answer ({})", failures.join(", "))),
        };
    };
    if let Some((answer, _)) = said.iter().find(|(_, result)| result.as_ref() != Ok(*first)) {
        return Finding::Unclear(format!(
            "DNS resolvers disagree: {} sees what {} does not; wait until the record has spread",
            vouching[0].0.resolver, answer.resolver
        ));
    }
    if said.len() < needed {
        return Finding::Unclear(format!("too few DNS resolvers answered ({})", failures.join(", ")));
    }
    Finding::Vouched(Voucher {
        resolvers: u8::try_from(said.len()).unwrap_or(u8::MAX),
        is_dnssec: said.iter().all(|(answer, _)| answer.is_dnssec),
        ..(*first).clone()
    })
}

/// What the TXT records of one answer vouch for, or why for nothing.
fn read_records(claim: &Claim<'_>, name: &str, texts: &[String], now: Timestamp) -> Result<Voucher, String> {
    let records: Vec<_> = texts.iter().filter_map(|text| text.parse::<ChallengeRecord>().ok()).collect();
    let live = |record: &&ChallengeRecord| record.expires_at.is_none_or(|at| now < at);
    for key in claim.keys {
        let wanted = KeyAuthorization { token: claim.token, key: key.thumbprint() };
        if let Some(record) = records.iter().filter(live).find(|record| record.authorization == wanted) {
            return Ok(voucher(key, VerificationMethod::Dns, record.expires_at));
        }
    }
    Err(match (texts.is_empty(), records.iter().find(|record| record.authorization.token == claim.token)) {
        (true, _) => format!("no TXT record at {name}"),
        (false, Some(ChallengeRecord { expires_at: Some(at), .. })) if now >= *at => {
            format!("the TXT record at {name} expired on {}", date::format(at.plus_millis(-1)))
        }
        (false, Some(_)) => format!("the TXT record at {name} names another key"),
        (false, None) if records.is_empty() => {
            format!("the TXT record at {name} is not of the form token=… expiry=…")
        }
        (false, None) => format!("the TXT record at {name} has another token"),
    })
}

/// The file holds one key authorization a line, so that a brand can vouch for two keys while it changes them.
fn read_file(claim: &Claim<'_>, body: &str) -> Finding {
    let lines: Vec<_> =
        body.lines().filter_map(|line| line.trim().parse::<KeyAuthorization>().ok()).collect();
    let found = claim
        .keys
        .iter()
        .find(|key| lines.contains(&KeyAuthorization { token: claim.token, key: key.thumbprint() }));
    match found {
        Some(key) => Finding::Vouched(voucher(key, VerificationMethod::WellKnown, None)),
        None if lines.is_empty() => Finding::Absent("the challenge file holds no key authorization".into()),
        None => Finding::Absent("the challenge file names another key or token".into()),
    }
}

fn voucher(key: &PublicKey, method: VerificationMethod, until: Option<Timestamp>) -> Voucher {
    Voucher { key: key.id(), method, until, resolvers: 0, is_dnssec: false }
}
