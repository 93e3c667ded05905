//! What proves the brand, and what visitors may rely on.

use leptos::prelude::*;
use portico_browser::clock;
use portico_protocol::{BrandCard, Verification, VerificationMethod};
use portico_ui::icon::VerifiedTick;
use portico_ui::{Key, Locale, Sheet};

use super::Over;
use crate::chat::Visit;

/// Which domain, how, by which host, when, until when; and where to check it without us.
#[component]
pub(super) fn ProofSheet(chat: Visit, over: RwSignal<Over>) -> impl IntoView {
    let title = chat.brand.with_value(|brand| brand.display_name.clone());
    view! {
        <Sheet
            open=Signal::derive(move || over.get() == Over::Proof)
            on_close=move |()| over.set(Over::Nothing)
            title=title
        >
            {move || chat.brand.with_value(proof)}
        </Sheet>
    }
}

fn proof(brand: &BrandCard) -> impl IntoView + use<> {
    let locale = expect_context::<Locale>();
    let verification = brand.effective_verification(clock::timestamp());
    let is_verified = verification == Verification::Verified;
    let key = match verification {
        Verification::Verified => Key::ProofVerified,
        Verification::Expired => Key::ProofExpired,
        Verification::NotVerified => Key::ProofNotVerified,
        Verification::Withdrawn => Key::ProofWithdrawn,
    };
    let tick = is_verified.then(|| view! { <VerifiedTick label=locale.text(Key::Verified) /> });
    let check = ["/v/", brand.brand.as_str()].concat();
    view! {
        <p class="proof-verdict" class:doubtful=!is_verified>
            {tick}
            <span>{locale.fill(key, "domain", &brand.domain)}</span>
        </p>
        <dl class="proof-facts">{facts(locale, brand)}</dl>
        <a class="button" href=check target="_blank" rel="noopener">{locale.text(Key::ProofCheck)}</a>
        <p class="proof-note">{locale.text(Key::ProofStop)}</p>
        <p class="proof-note">{locale.fill(Key::ProofReport, "domain", &brand.domain)}</p>
        <nav class="proof-links">
            {link(brand.privacy_url.clone(), locale.text(Key::Privacy))}
            {brand.terms_url.clone().map(|terms| link(terms, locale.text(Key::Terms)))}
        </nav>
    }
}

fn facts(locale: Locale, brand: &BrandCard) -> impl IntoView + use<> {
    let method = brand.method.and_then(|method| match method {
        VerificationMethod::Dns => Some(locale.text(Key::ProofDns)),
        VerificationMethod::WellKnown => Some(locale.text(Key::ProofWellKnown)),
        _ => None,
    });
    let facts = [
        (Key::ProofDomain, Some(brand.domain.clone())),
        (Key::ProofMethod, method),
        (Key::ProofHost, Some(brand.chat_host.clone())),
        (Key::ProofWhen, brand.verified_at.map(|at| locale.moment(at))),
        (Key::ProofUntil, brand.verified_at.map(|_| locale.moment(brand.expires_at))),
    ];
    let draw = |(key, fact): (Key, Option<String>)| {
        fact.map(|fact| view! { <div><dt>{locale.text(key)}</dt><dd dir="auto">{fact}</dd></div> })
    };
    facts.map(draw).into_iter().collect_view()
}

fn link(href: String, label: String) -> impl IntoView {
    view! { <a href=href target="_blank" rel="noopener noreferrer">{label}</a> }
}
