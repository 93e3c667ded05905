//! The chat as markup.

use std::borrow::Cow;
use std::fmt::Write as _;

use portico_protocol::boot::{Boot, Surface};
use portico_protocol::{BrandCard, Color, Timestamp, Verification, VerificationMethod, codec};
use serde_json::{Map, Value};

use super::language::{LANGUAGES, is_right_to_left};

/// `{name}` stands for what [`Document::part`] gives, `{t:key}` for a text of the language's file.
const TEMPLATE: &str = include_str!("chat.html");
/// Texts of the markup that the app says as well; the others it does without.
const SAID_BY_APP_TOO: [&str; 1] = ["talkToPerson"];
/// Texts that are markup's or the studio's alone, though no template names them.
const SAID_BY_MARKUP: [&str; 17] = [
    "note",
    "privacy",
    "proofCheck",
    "proofDns",
    "proofDomain",
    "proofHost",
    "proofMethod",
    "proofNotVerified",
    "proofReport",
    "proofStop",
    "proofUntil",
    "proofVerified",
    "proofWellKnown",
    "proofWhen",
    "proofWithdrawn",
    "terms",
    "verified",
];
/// What the interface is drawn on by night, as in `tokens.css`: the lighter of the two surfaces, where text in the
/// brand's colour is harder to read.
const SURFACE_DARK: &str = "#1f2227";
/// A scalloped disc with a tick cut out of it.
const TICK: &str = "M12 1.8l2.6 1.9 3.2-.1 1 3.1 2.6 1.9-1 3.1 1 3.1-2.6 1.9-1 3.1-3.2-.1L12 22.2l-2.6-1.9-3.2.1-1-3.1-2.6-1.9 1-3.1-1-3.1 2.6-1.9 1-3.1 3.2.1L12 1.8ZM10.7 16l6-6-1.6-1.6-4.4 4.4-2-2L7.1 12.4 10.7 16Z";

/// Where the app's files lie.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) module: String,
}

impl Files {
    /// So that all of them are on their way before the first line of the document is read.
    pub(super) fn preloads(&self) -> String {
        format!(
            "<{}>; rel=preload; as=style, <{}>; rel=modulepreload, <{}>; rel=preload; as=fetch; crossorigin",
            self.style, self.script, self.module
        )
    }
}
/// One document.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) card: &'a BrandCard,
    pub(super) locale: &'a str,
    /// The language's texts.
    pub(super) texts: &'a Map<String, Value>,
    pub(super) surface: Surface,
    pub(super) files: &'a Files,
    pub(super) now: Timestamp,
}

impl Document<'_> {
    /// The document, with the style that the policy must name.
    pub(super) fn write(&self, theme: &str) -> String {
        let mut out = String::with_capacity(2 * TEMPLATE.len());
        for line in TEMPLATE.lines() {
            let mut rest = line;
            while let Some((before, after)) = rest.split_once('{') {
                let (name, behind) = after.split_once('}').expect("the template closes what it opens");
                out.push_str(before);
                match name.strip_prefix("t:") {
                    Some(key) => escape(&mut out, &self.text(key)),
                    None if name == "theme" => out.push_str(theme),
                    None => out.push_str(&self.part(name)),
                }
                rest = behind;
            }
            out.push_str(rest);
        }
        out
    }

    /// The brand's colour as tokens. A theme sets these and nothing else, and what it sets can be read.
    pub(super) fn theme(&self) -> String {
        let color: Color = self.card.color.parse().unwrap_or(Color::BLACK);
        let dark = SURFACE_DARK.parse().expect("the constant is a colour");
        format!(
            ":root{{--brand:{color};--on-brand:{};--brand-ink-light:{};--brand-ink-dark:{}}}",
            color.readable(),
            color.readable_on(Color::WHITE),
            color.readable_on(dark)
        )
    }

    fn part(&self, name: &str) -> Cow<'_, str> {
        let Self { card, files, .. } = self;
        let is_framed = self.surface == Surface::Frame;
        let when = |holds: bool, text: &'static str| Cow::from(if holds { text } else { "" });
        match name {
            "locale" => self.locale.into(),
            "dir" => if is_right_to_left(self.locale) { "rtl" } else { "ltr" }.into(),
            "robots" => when(is_framed, "<meta name=\"robots\" content=\"noindex\">"),
            "framed" => when(is_framed, " framed"),
            "unframed" => when(!is_framed, " hidden"),
            "name" => escaped(&card.display_name).into(),
            "domain" => escaped(&card.domain).into(),
            // Without one, browsers ask for `/favicon.ico`: a request that opening does not need.
            "favicon" => escaped(card.logo_url.as_deref().unwrap_or("data:,")).into(),
            "style" => files.style.as_str().into(),
            "script" => files.script.as_str().into(),
            "avatar" => avatar(card).into(),
            "tick" if self.is_proven() => self.tick().into(),
            "doubt" if !self.is_proven() => {
                format!("<span class=\"doubt\">{}</span>", escaped(&self.text("notVerified"))).into()
            }
            "tick" | "doubt" => "".into(),
            "proof" => self.proof().into(),
            "languages" => self.languages().into(),
            "boot" => as_data(&codec::encode(&self.boot())).into(),
            "texts" => as_data(&Value::Object(self.app_texts()).to_string()).into(),
            _ => unreachable!("the template names nothing else"),
        }
    }

    fn is_proven(&self) -> bool {
        self.card.shows_tick(self.now)
    }

    /// A text of the interface; empty where the language's file lacks it.
    fn text(&self, key: &str) -> String {
        let text = self.texts.get(key).and_then(Value::as_str).unwrap_or_default();
        let text = text.replace("{name}", &self.card.display_name);
        text.replace("{domain}", &self.card.domain)
    }

    /// The mark of a verified brand, of a proof that holds now and of nothing else.
    fn tick(&self) -> String {
        format!(
            "<svg class=\"verified-tick\" viewBox=\"0 0 24 24\" role=\"img\" aria-label=\"{}\"><path d=\"{TICK}\"/></svg>",
            escaped(&self.text("verified"))
        )
    }

    /// Which domain, how, by which host, when, until when; and where to check it without us.
    fn proof(&self) -> String {
        let card = self.card;
        let (key, class) = match card.effective_verification(self.now) {
            Verification::Verified => ("proofVerified", "proof-verdict"),
            Verification::Expired => ("proofExpired", "proof-verdict doubtful"),
            Verification::NotVerified => ("proofNotVerified", "proof-verdict doubtful"),
            Verification::Withdrawn => ("proofWithdrawn", "proof-verdict doubtful"),
        };
        let tick = if self.is_proven() { self.tick() } else { String::new() };
        let mut out = format!(
            "<p class=\"{class}\">{tick}<span>{}</span></p><dl class=\"proof-facts\">",
            escaped(&self.text(key))
        );
        let method = card.method.and_then(|method| match method {
            VerificationMethod::Dns => Some(self.text("proofDns")),
            VerificationMethod::WellKnown => Some(self.text("proofWellKnown")),
            _ => None,
        });
        // The app writes times as the reader's own zone and language have them.
        let time = |at: Timestamp| format!("<span data-at=\"{}\"></span>", at.as_millis());
        let until = card.verified_at.map(|_| time(card.expires_at));
        for (key, fact) in [
            ("proofDomain", Some(escaped(&card.domain))),
            ("proofMethod", method.map(|method| escaped(&method))),
            ("proofHost", Some(escaped(&card.chat_host))),
            ("proofWhen", card.verified_at.map(time)),
            ("proofUntil", until),
        ] {
            if let Some(fact) = fact {
                let name = escaped(&self.text(key));
                let _ = write!(out, "<div><dt>{name}</dt><dd dir=\"auto\">{fact}</dd></div>");
            }
        }
        let _ = write!(
            out,
            "</dl><a class=\"button\" href=\"/v/{}\" target=\"_blank\" rel=\"noopener\">{}</a>\
             <p class=\"proof-note\">{}</p><p class=\"proof-note\">{}</p><nav class=\"proof-links\">",
            card.brand,
            escaped(&self.text("proofCheck")),
            escaped(&self.text("proofStop")),
            escaped(&self.text("proofReport"))
        );
        for (key, address) in [("privacy", Some(&card.privacy_url)), ("terms", card.terms_url.as_ref())] {
            if let Some(address) = address {
                let _ = write!(
                    out,
                    "<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{}</a>",
                    escaped(address),
                    escaped(&self.text(key))
                );
            }
        }
        out.push_str("</nav>");
        out
    }

    fn languages(&self) -> String {
        let mut out = String::new();
        for (tag, name) in LANGUAGES {
            let selected = if self.locale.starts_with(tag) { " selected" } else { "" };
            let _ = write!(out, "<option value=\"{tag}\" lang=\"{tag}\"{selected}>{name}</option>");
        }
        out
    }

    fn boot(&self) -> Boot {
        let card = self.card;
        Boot {
            brand: card.brand.clone(),
            display_name: card.display_name.clone(),
            domain: card.domain.clone(),
            proof_expires_at: self.is_proven().then_some(card.expires_at),
            bot_name: card.bot_name.clone(),
            greeting: card.greeting.clone(),
            locale: self.locale.into(),
            surface: self.surface,
        }
    }

    fn app_texts(&self) -> Map<String, Value> {
        let is_markups =
            |key: &str| TEMPLATE.contains(&format!("{{t:{key}}}")) || SAID_BY_MARKUP.contains(&key);
        let is_apps = |key: &str| SAID_BY_APP_TOO.contains(&key) || !is_markups(key);
        self.texts
            .iter()
            .filter(|(key, _)| is_apps(key))
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect()
    }
}

fn avatar(card: &BrandCard) -> String {
    if let Some(logo) = &card.logo_url {
        return format!(
            "<img class=\"avatar\" src=\"{}\" alt=\"\" width=\"40\" height=\"40\">",
            escaped(logo)
        );
    }
    let color = card.color.parse().unwrap_or(Color::BLACK);
    let letter: String = card.display_name.chars().take(1).collect();
    // Presentation attributes: a strict policy forbids inline styles, not these.
    format!(
        "<svg class=\"avatar\" viewBox=\"0 0 40 40\" aria-hidden=\"true\"><rect width=\"40\" height=\"40\" \
         fill=\"{color}\"/><text x=\"20\" y=\"27\" text-anchor=\"middle\" fill=\"{}\">{}</text></svg>",
        color.readable(),
        escaped(&letter)
    )
}

/// JSON inside a `script` element: no text in it can end the element.
fn as_data(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

/// Text inside markup, in an element or in a quoted attribute.
fn escape(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_protocol::Verification;

    const HOSTILE: &str = "</script><script>alert(1)</script>\"'&";

    fn card(verification: Verification) -> BrandCard {
        BrandCard {
            brand: "lumen".parse().expect("an id"),
            display_name: HOSTILE.into(),
            domain: "lumen.example".into(),
            verification,
            method: None,
            verified_at: None,
            chat_host: "chat.lumen.example".into(),
            issued_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1_000),
            logo_url: None,
            logo_sha256: None,
            color: "#0a7b44".into(),
            privacy_url: "https://lumen.example/privacy".into(),
            terms_url: None,
            bot_name: None,
            greeting: Vec::new(),
            signature: String::new(),
        }
    }

    fn written(card: &BrandCard, locale: &str, now: i64) -> String {
        let files = Files { style: "/a.css".into(), script: "/a.js".into(), module: "/a.wasm".into() };
        let now = Timestamp::from_millis(now);
        let texts = serde_json::json!({ "verified": "Verified", "notVerified": "Not verified" });
        let texts = texts.as_object().expect("an object");
        Document { card, locale, texts, surface: Surface::Frame, files: &files, now }.write("")
    }

    #[test]
    fn no_text_of_a_brand_becomes_markup() {
        let document = written(&card(Verification::Verified), "en", 0);
        assert!(!document.contains("<script>alert"), "{document}");
        let boot =
            document.split("id=\"portico-boot\">").nth(1).and_then(|rest| rest.split("</script>").next());
        let boot: serde_json::Value = serde_json::from_str(boot.expect("a boot element")).expect("JSON");
        assert_eq!(boot["displayName"], HOSTILE);
    }

    #[test]
    fn only_a_fresh_proof_draws_the_tick() {
        let ticks = |verification, now| written(&card(verification), "en", now).contains("verified-tick");
        assert!(ticks(Verification::Verified, 999));
        assert!(!ticks(Verification::Verified, 1_000), "the card has expired");
        for doubtful in [Verification::Expired, Verification::NotVerified, Verification::Withdrawn] {
            assert!(!ticks(doubtful, 0), "{doubtful:?}");
        }
        assert!(written(&card(Verification::NotVerified), "en", 0).contains("Not verified"));
    }

    #[test]
    fn the_language_decides_the_direction() {
        let card = card(Verification::Verified);
        assert!(written(&card, "ar-EG", 0).contains("<html lang=\"ar-EG\" dir=\"rtl\">"));
        assert!(written(&card, "de", 0).contains("<html lang=\"de\" dir=\"ltr\">"));
    }
}
