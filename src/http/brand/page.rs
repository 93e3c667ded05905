//! The proof page as HTML. No script: what it says must not depend on anything that could run.

use std::fmt::Write as _;

use portico_domain::brand::{RECHECK_AFTER_MS, WithdrawnBy};
use portico_protocol::{BrandCard, Timestamp, Verification, VerificationMethod};
use portico_seal::challenge::{CHALLENGE_LABEL, CHALLENGE_PATH, date};
use portico_seal::manifest::MANIFEST_PATH;

use crate::config::PublicUrl;
use crate::proof::Brand;

/// The same mark as in the chat's header. Drawn for a verified brand and for nothing else.
const TICK: &str = r#"<svg class="verified-tick" viewBox="0 0 24 24" role="img" aria-label="Verified"><path d="M12 1.8l2.6 1.9 3.2-.1 1 3.1 2.6 1.9-1 3.1 1 3.1-2.6 1.9-1 3.1-3.2-.1L12 22.2l-2.6-1.9-3.2.1-1-3.1-2.6-1.9 1-3.1-1-3.1 2.6-1.9 1-3.1 3.2.1L12 1.8ZM10.7 16l6-6-1.6-1.6-4.4 4.4-2-2L7.1 12.4 10.7 16Z"/></svg>"#;

/// The page for `brand` as `card` shows it at `now`.
pub(super) fn render(brand: &Brand, card: &BrandCard, public_url: &PublicUrl, now: Timestamp) -> String {
    let name = escape(&card.display_name);
    let state = State::of(brand, card, now);
    let tick = if card.shows_tick(now) { TICK } else { "" };
    let logo = match &card.logo_url {
        Some(url) => format!(r#"<img class="logo" src="{}" alt="" width="64" height="64">"#, escape(url)),
        None => format!(
            r#"<span class="logo" aria-hidden="true">{}</span>"#,
            escape(&initial(&card.display_name))
        ),
    };
    let icon = card.logo_url.as_deref().map_or("data:,".into(), escape);
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{name}: {title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="/proof.css">
<body class="is-{class}">
<main>
<header>{logo}<div><h1>{name}</h1><p class="state">{tick}<strong>{title}</strong></p></div></header>
{domain}
<p>{explanation}</p>
{facts}
{check}
<p class="actions">{chat}{links}</p>
<footer><p>This page is true only at <strong>{origin}</strong>: compare it with your browser’s address bar. A tick in a picture, a message or another page proves nothing.</p></footer>
</main>
</body>
</html>
"#,
        title = state.title,
        class = state.class,
        explanation = state.explanation,
        domain = domain(brand),
        facts = facts(brand, card, now),
        check = check_yourself(brand, card),
        links = links(card),
        chat = chat_link(brand, card),
        origin = escape(public_url.origin()),
    )
}

struct State {
    title: &'static str,
    class: &'static str,
    explanation: String,
}

impl State {
    fn of(brand: &Brand, card: &BrandCard, now: Timestamp) -> Self {
        let (name, domain) = (escape(&card.display_name), escape(&card.domain));
        let (title, class, explanation) = match card.effective_verification(now) {
            Verification::Verified => (
                "Verified",
                "verified",
                format!(
                    "The owner of {domain} vouches for this chat: whoever answers here as {name} speaks for that domain."
                ),
            ),
            Verification::Expired => (
                "Verification expired",
                "expired",
                format!(
                    "{domain} vouched for this chat, but that could not be confirmed again in time. Until it is, do not rely on it."
                ),
            ),
            Verification::NotVerified => (
                "Not verified",
                "not-verified",
                format!(
                    "Nobody at {domain} has confirmed that this chat is theirs. The name above is a claim and nothing more."
                ),
            ),
            Verification::Withdrawn => (
                "Verification withdrawn",
                "withdrawn",
                match brand.proof.withdrawn {
                    Some((_, WithdrawnBy::Domain)) => format!(
                        "{domain} no longer vouches for this chat. Do not trust messages that claim to come from {name} here."
                    ),
                    _ => format!(
                        "The operator of this server has withdrawn this brand. Do not trust messages that claim to come from {name} here."
                    ),
                },
            ),
        };
        Self { title, class, explanation }
    }
}

/// The domain as text, so that it can be read letter by letter and compared.
fn domain(brand: &Brand) -> String {
    let domain = &brand.settings.profile.domain;
    let ascii = escape(domain.as_str());
    match domain.readable() {
        Some(readable) => {
            format!(
                r#"<p class="domain"><bdi>{}</bdi> <small>in ASCII: <code>{ascii}</code></small></p>"#,
                escape(&readable)
            )
        }
        None if domain.is_look_alike() => format!(
            r#"<p class="domain"><code>{ascii}</code></p><p class="warning" role="note">This domain contains letters that look like others. It is shown as computers read it, since it can be mistaken for another domain.</p>"#
        ),
        None => format!(r#"<p class="domain">{ascii}</p>"#),
    }
}

fn facts(brand: &Brand, card: &BrandCard, now: Timestamp) -> String {
    let profile = &brand.settings.profile;
    let mut list = String::from("<dl>");
    let mut fact = |term: &str, value: &str| {
        let _ = write!(list, "<div><dt>{term}</dt><dd>{value}</dd></div>");
    };
    if profile.domain.registrable() != profile.domain.as_str() {
        fact("Registered domain", &escape(profile.domain.registrable()));
    }
    if let Some(voucher) = &brand.proof.voucher {
        fact(
            "Proven by",
            &match voucher.method {
                VerificationMethod::Dns => format!(
                    "a DNS record that {} {}{}",
                    if voucher.resolvers == 1 {
                        "one resolver".into()
                    } else {
                        format!("{} independent resolvers", voucher.resolvers)
                    },
                    if voucher.resolvers == 1 { "sees" } else { "see alike" },
                    if voucher.is_dnssec { ", signed with DNSSEC" } else { "" }
                ),
                VerificationMethod::WellKnown | VerificationMethod::Other => {
                    "a file on the domain’s own web server".into()
                }
            },
        );
    }
    fact("Checked by", &escape(&card.chat_host));
    if let Some(at) = brand.proof.seen_at {
        fact("Last seen", &time(at));
    }
    if let (true, Some(at)) = (card.shows_tick(now), brand.proof.since) {
        fact("Verified since", &time(at));
        fact("This statement counts until", &time(card.expires_at));
        fact(
            "Checked again",
            &format!("every {} hours; removing the proof ends it", RECHECK_AFTER_MS / 3_600_000),
        );
    }
    // What exactly went wrong names the operator's resolvers: `portico brand show` tells the operator.
    if let (Some(_), Some(at)) = (&brand.proof.trouble, brand.proof.checked_at) {
        fact("Last check", &format!("the proof was not found on {}", time(at)));
    }
    if card.shows_tick(now) && !profile.embed_hosts.is_empty() {
        let hosts: Vec<_> = profile
            .embed_hosts
            .iter()
            .map(|host| format!("<code>{}</code>", escape(host.as_str())))
            .collect();
        fact("May be embedded on", &hosts.join(", "));
    }
    list + "</dl>"
}

/// How to check all this with tools that are not ours.
fn check_yourself(brand: &Brand, card: &BrandCard) -> String {
    let domain = escape(&card.domain);
    let file = format!("{domain}{CHALLENGE_PATH}{}", brand.settings.challenge);
    let ask = if brand.settings.profile.domain.is_local() {
        format!("open <code>http://{file}</code>")
    } else {
        format!("<code>dig +short TXT {CHALLENGE_LABEL}.{domain}</code> or open <code>https://{file}</code>")
    };
    let key = brand.proof.voucher.as_ref().map(|voucher| escape(voucher.key.as_str()));
    let names = key
        .map(|key| format!(" It names the key <code>{key}…</code>, which signed the manifest."))
        .unwrap_or_default();
    format!(
        r#"<details><summary>Check it without us</summary>
<ol>
<li>Ask the domain: {ask}.{names}</li>
<li>Read the <a href="{MANIFEST_PATH}?brand={id}">signed manifest</a> (JWS, Ed25519): it names {domain}, this host and the pages that may hold the chat.</li>
<li>Or let a program do it: <code>portico brand check {domain} --host {host}</code>.</li>
</ol></details>"#,
        id = brand.id,
        host = escape(&card.chat_host),
    )
}

/// The way on to the chat, unless somebody took the brand back.
fn chat_link(brand: &Brand, card: &BrandCard) -> String {
    match card.verification {
        Verification::Withdrawn => String::new(),
        _ => format!(r#"<a class="button" href="/c/{}">Open the chat</a>"#, brand.id),
    }
}

fn links(card: &BrandCard) -> String {
    let link = |url: &str, label: &str| {
        format!(r#" <a href="{}" rel="noopener noreferrer">{label}</a>"#, escape(url))
    };
    let terms = card.terms_url.as_deref().map(|url| link(url, "Terms")).unwrap_or_default();
    link(&card.privacy_url, "Privacy policy") + &terms
}

/// As `23 November 2026, 06:20 UTC`: no order of digits to guess.
fn time(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let text = date::format_time(at);
    let written = || {
        let (year, rest) = text.split_once('-')?;
        let (month, rest) = rest.split_once('-')?;
        let (day, clock) = rest.split_once('T')?;
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{} {month} {year}, {} UTC", day.trim_start_matches('0'), clock.get(..5)?))
    };
    format!(r#"<time datetime="{text}">{}</time>"#, written().unwrap_or_else(|| text.clone()))
}

fn initial(name: &str) -> String {
    name.chars().find(|char| char.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect()
}

/// Text that stays text between tags and inside quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}
