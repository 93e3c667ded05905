//! Which language a document speaks.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use super::Wishes;
use crate::http::asset::Assets;

/// The language of those whose own we do not have.
const DEFAULT_LOCALE: &str = "en";
/// Scripts that run from right to left, by language.
const RIGHT_TO_LEFT: [&str; 5] = ["ar", "fa", "he", "ur", "yi"];
/// Most languages that are read from an `Accept-Language`.
const ACCEPTED_LANGUAGES_MAX: usize = 16;

/// The languages that come with Portico, by the names that their speakers give them.
pub(super) const LANGUAGES: [(&str, &str); 4] =
    [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("ar", "العربية")];

/// The first language that we have among the one asked for and those that the browser accepts, with its texts.
pub(super) fn choose(assets: &Assets, wishes: &Wishes, headers: &HeaderMap) -> Option<(String, String)> {
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

pub(super) fn is_right_to_left(locale: &str) -> bool {
    let language = locale.split('-').next().unwrap_or_default();
    RIGHT_TO_LEFT.iter().any(|known| known.eq_ignore_ascii_case(language))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
