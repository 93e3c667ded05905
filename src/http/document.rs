//! The documents that hold the chat: in a frame on the brand's page, and as a page of its own.
//!
//! Each paints header and skeleton by itself, before the app's code has arrived, and carries all that the
//! app starts from: the brand's card and the texts of one language. Nothing in it is inline script or
//! style, and nothing depends on who asks but the language.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use portico_protocol::{BrandCard, BrandId, Color, Timestamp};
use serde::Deserialize;

use crate::app::App;
use crate::clock;
use crate::http::asset::Assets;
use crate::http::problem::ApiError;

/// The language of those whose own we do not have.
const DEFAULT_LOCALE: &str = "en";
/// Scripts that run from right to left, by language.
const RIGHT_TO_LEFT: [&str; 5] = ["ar", "fa", "he", "ur", "yi"];
/// Most languages that are read from an `Accept-Language`.
const ACCEPTED_LANGUAGES_MAX: usize = 16;

/// `/w/<brand>` and `/c/<brand>`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/w/{brand}", get(frame)).route("/c/{brand}", get(page))
}

/// What may be asked of a document.
#[derive(Debug, Default, Deserialize)]
struct Wishes {
    /// The page's language, BCP 47.
    #[serde(default)]
    locale: String,
}

/// Where the chat is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    Frame,
    Page,
}

async fn frame(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(&app, &brand, &wishes, &headers, Surface::Frame)
}

async fn page(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(&app, &brand, &wishes, &headers, Surface::Page)
}

fn answer(
    app: &App,
    brand: &str,
    wishes: &Wishes,
    headers: &HeaderMap,
    surface: Surface,
) -> Result<Response, ApiError> {
    let now = clock::now();
    let brand: BrandId = brand.parse().map_err(|_| ApiError::not_found())?;
    app.brands.find(&brand).ok_or_else(ApiError::not_found)?;
    let (locale, strings) = choose_locale(&app.assets, wishes, headers).ok_or_else(not_built)?;
    let card = app.brand_card(&brand, &locale, now).ok_or_else(ApiError::not_found)?;
    let address = |name| app.assets.address(name).ok_or_else(not_built);
    let files = Files {
        style: address("widget.css")?,
        script: address("widget.js")?,
        module: address("widget.wasm")?,
    };
    let ancestors = match surface {
        Surface::Frame => app.brands.frame_ancestors(&brand, now).ok_or_else(ApiError::not_found)?,
        Surface::Page => "'none'".into(),
    };
    let document = Document { card: &card, locale: &locale, strings: &strings, surface, files: &files, now };
    Ok(respond(&document, &ancestors))
}

fn not_built() -> ApiError {
    ApiError::new(503, "not-built", "This server was built without its apps")
        .with_detail("Run `cargo xtask build`, then start it again")
}

fn respond(document: &Document<'_>, ancestors: &str) -> Response {
    let header = |value: &str| HeaderValue::from_str(value).ok();
    let mut response = document.to_string().into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, header("text/html; charset=utf-8")),
        (CONTENT_LANGUAGE, header(document.locale)),
        (CONTENT_SECURITY_POLICY, header(&content_policy(ancestors))),
        // Cards are signed for hours: a document may be shown again for a minute, not for a day.
        (CACHE_CONTROL, header("private, max-age=60")),
        (VARY, header("accept-language")),
        (LINK, header(&document.files.preloads())),
        // Pages that isolate themselves may still hold the frame: `frame-ancestors` says which may.
        (HeaderName::from_static("cross-origin-resource-policy"), header("cross-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            header("camera=(), geolocation=(), microphone=(), payment=()"),
        ),
    ] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response
}

/// Nothing from elsewhere, nothing inline, no text that becomes markup.
fn content_policy(ancestors: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The first language that we have among the one asked for and those that the browser accepts, with its texts.
fn choose_locale(assets: &Assets, wishes: &Wishes, headers: &HeaderMap) -> Option<(String, String)> {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted =
        std::iter::once(wishes.locale.as_str()).chain(by_preference(accepted)).chain([DEFAULT_LOCALE]);
    wanted.filter(|tag| is_language_tag(tag)).find_map(|tag| {
        let language = tag.split('-').next()?.to_ascii_lowercase();
        let address = assets.address(&format!("locales/{language}.json"))?;
        let strings = assets.read(address.trim_start_matches('/'))?;
        // The region stays: it decides how dates and numbers are written.
        Some((tag.to_owned(), String::from_utf8(strings.into_owned()).ok()?))
    })
}

/// The languages of an `Accept-Language` (RFC 9110 §12.5.4), the most wanted first.
fn by_preference(accepted: &str) -> Vec<&str> {
    let mut ranked: Vec<(u32, &str)> = accepted
        .split(',')
        .take(ACCEPTED_LANGUAGES_MAX)
        .map(|range| {
            let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            ((weight.clamp(0.0, 1.0) * 1000.0) as u32, tag.trim())
        })
        .collect();
    ranked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranked.into_iter().map(|(_, tag)| tag).collect()
}

/// Letters, digits and hyphens, as in BCP 47, and short: it will stand in an attribute and in a header.
fn is_language_tag(tag: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (2..=35).contains(&tag.len())
        && tag.bytes().all(allowed)
        && tag.as_bytes()[0].is_ascii_alphabetic()
        && !tag.ends_with('-')
}

fn is_right_to_left(locale: &str) -> bool {
    let language = locale.split('-').next().unwrap_or_default();
    RIGHT_TO_LEFT.iter().any(|known| known.eq_ignore_ascii_case(language))
}

/// Where the app's files lie.
#[derive(Debug)]
struct Files {
    style: String,
    script: String,
    module: String,
}

impl Files {
    /// So that all of them are on their way before the first line of the document is read.
    fn preloads(&self) -> String {
        format!(
            "<{}>; rel=preload; as=style, <{}>; rel=modulepreload, <{}>; rel=preload; as=fetch; crossorigin",
            self.style, self.script, self.module
        )
    }
}

/// One document. `Display` writes it.
#[derive(Debug)]
struct Document<'a> {
    card: &'a BrandCard,
    locale: &'a str,
    /// The language's texts, as JSON.
    strings: &'a str,
    surface: Surface,
    files: &'a Files,
    now: Timestamp,
}

impl std::fmt::Display for Document<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { card, locale, files, .. } = self;
        let dir = if is_right_to_left(locale) { "rtl" } else { "ltr" };
        let framed = if self.surface == Surface::Frame { " framed" } else { "" };
        let index =
            if self.surface == Surface::Frame { "<meta name=\"robots\" content=\"noindex\">" } else { "" };
        // Without one, browsers ask for `/favicon.ico`: a request that opening does not need.
        let icon = card.logo_url.as_deref().unwrap_or("data:,");
        write!(
            out,
            "<!doctype html><html lang=\"{locale}\" dir=\"{dir}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1, viewport-fit=cover, \
             interactive-widget=resizes-content\"><meta name=\"color-scheme\" content=\"light dark\">{index}\
             <title>{name}</title><link rel=\"icon\" href=\"{icon}\"><link rel=\"stylesheet\" href=\"{style}\">\
             <script type=\"module\" src=\"{script}\"></script></head><body>\
             <div id=\"portico\"><main class=\"chat{framed}\">{header}\
             <div class=\"skeleton\" aria-hidden=\"true\"><i></i><i></i></div>{composer}</main></div>\
             <noscript><p>{name}: <a href=\"https://{domain}\">{domain}</a></p></noscript>\
             <script type=\"application/json\" id=\"portico-boot\">{boot}</script></body></html>",
            name = Text(&card.display_name),
            icon = Text(icon),
            domain = Text(&card.domain),
            style = files.style,
            script = files.script,
            header = Header(self),
            composer = Composer(self),
            boot = self.boot(),
        )
    }
}

impl Document<'_> {
    /// What the app starts from. `<` is escaped, so that no text in it can end the element.
    fn boot(&self) -> String {
        let surface = if self.surface == Surface::Frame { "frame" } else { "page" };
        let card = portico_protocol::codec::encode(self.card);
        format!(
            "{{\"brand\":{card},\"locale\":\"{}\",\"surface\":\"{surface}\",\"strings\":{}}}",
            self.locale, self.strings
        )
        .replace('<', "\\u003c")
    }

    /// A text of the interface; empty where the language's file lacks it.
    fn string(&self, key: &str) -> String {
        let strings: serde_json::Value = serde_json::from_str(self.strings).unwrap_or_default();
        strings.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

/// The header as the app will draw it, so that nothing moves when it does (`widget/src/view/header.rs`).
struct Header<'a>(&'a Document<'a>);

impl std::fmt::Display for Header<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Document { card, now, .. } = self.0;
        out.write_str("<header class=\"chat-header\"><div class=\"brand-button\">")?;
        write_avatar(out, card)?;
        write!(
            out,
            "<span class=\"brand-words\"><span class=\"brand-name\"><bdi>{}</bdi>",
            Text(&card.display_name)
        )?;
        if card.shows_tick(*now) {
            let label = self.0.string("verified");
            write!(
                out,
                "<svg class=\"verified-tick\" viewBox=\"0 0 24 24\" role=\"img\" aria-label=\"{}\"></svg>",
                Text(&label)
            )?;
        }
        write!(out, "</span><span class=\"brand-domain\"><span dir=\"ltr\">{}</span>", Text(&card.domain))?;
        if !card.shows_tick(*now) {
            write!(out, "<span class=\"doubt\">{}</span>", Text(&self.0.string("notVerified")))?;
        }
        out.write_str("</span></span></div></header>")
    }
}

fn write_avatar(out: &mut std::fmt::Formatter<'_>, card: &BrandCard) -> std::fmt::Result {
    if let Some(logo) = &card.logo_url {
        return write!(
            out,
            "<img class=\"avatar\" src=\"{}\" alt=\"\" width=\"40\" height=\"40\">",
            Text(logo)
        );
    }
    let color = card.color.parse().unwrap_or(Color::BLACK);
    let letter: String = card.display_name.chars().take(1).collect();
    write!(
        out,
        "<svg class=\"avatar\" viewBox=\"0 0 40 40\" aria-hidden=\"true\"><rect width=\"40\" height=\"40\" \
         fill=\"{color}\"/><text x=\"20\" y=\"27\" text-anchor=\"middle\" fill=\"{}\">{}</text></svg>",
        color.readable(),
        Text(&letter)
    )
}

/// A field that takes words before the app is there; the app finds them in it.
struct Composer<'a>(&'a Document<'a>);

impl std::fmt::Display for Composer<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "<form class=\"composer\"><div class=\"composer-field\"><textarea rows=\"1\" dir=\"auto\" \
             aria-label=\"{}\" placeholder=\"{}\"></textarea></div>\
             <span class=\"send-button\" aria-disabled=\"true\"></span></form>",
            Text(&self.0.string("composer")),
            Text(&self.0.string("composerPlaceholder"))
        )
    }
}

/// Text inside markup, in an element or in a quoted attribute.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                char => out.write_char(char)?,
            }
        }
        Ok(())
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
        let strings = r#"{"verified":"Verified","notVerified":"Not verified"}"#;
        Document { card, locale, strings, surface: Surface::Frame, files: &files, now }.to_string()
    }

    #[test]
    fn no_text_of_a_brand_becomes_markup() {
        let document = written(&card(Verification::Verified), "en", 0);
        assert!(!document.contains("<script>alert"), "{document}");
        let boot =
            document.split("id=\"portico-boot\">").nth(1).and_then(|rest| rest.split("</script>").next());
        let boot: serde_json::Value = serde_json::from_str(boot.expect("a boot element")).expect("JSON");
        assert_eq!(boot["brand"]["displayName"], HOSTILE);
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

    #[test]
    fn languages_are_tried_by_weight() {
        assert_eq!(by_preference("fr;q=0.3, de-AT, en;q=0.8"), ["de-AT", "en", "fr"]);
        assert_eq!(by_preference("de;q=x, en"), ["en", "de"]);
    }

    #[test]
    fn only_plain_tags_are_languages() {
        for tag in ["en", "zh-Hant-TW", "de-1996"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in ["", "e", "*", "en\"", "en onload=x", "-en", "en-", &"a".repeat(36)] {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }

    #[test]
    fn the_policy_allows_nothing_inline_and_no_stranger_to_frame_it() {
        let policy = content_policy("https://lumen.example");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(policy.contains("frame-ancestors https://lumen.example;"));
    }
}
