//! Words as they are compared: without case, without accents, in every script.

use portico_protocol::Product;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{SEARCH_WORDS_MAX, TERM_CHARS_MAX, TERMS_MAX};

/// Where a term was found: bits of one byte, which [`super::index`] shares with the availability.
pub(super) const IN_TITLE: u8 = 1;
const IN_ID: u8 = 2;
const IN_BRAND: u8 = 4;
const IN_TYPE: u8 = 8;
const IN_COLOR: u8 = 16;
const IN_SIZE: u8 = 32;

/// The terms of a product and where each was found.
pub(super) fn terms_of(product: &Product) -> Vec<(String, u8)> {
    let mut terms: Vec<(String, u8)> = Vec::new();
    let texts = [
        (Some(&product.title), IN_TITLE),
        (Some(&product.id), IN_ID),
        (product.brand.as_ref(), IN_BRAND),
        (product.product_type.as_ref(), IN_TYPE),
        (product.color.as_ref(), IN_COLOR),
        (product.size.as_ref(), IN_SIZE),
    ];
    for (text, place) in texts {
        for term in terms_in(text.map_or("", String::as_str), Purpose::Index) {
            if let Some((_, places)) = terms.iter_mut().find(|(known, _)| *known == term) {
                *places |= place;
            } else if terms.len() < TERMS_MAX {
                terms.push((term, place));
            }
        }
    }
    terms
}

/// The words of a search.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = terms_in(text, Purpose::Search);
    words.truncate(SEARCH_WORDS_MAX);
    words
}

/// What terms are made for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Index,
    Search,
}

/// The words of a text, each once. Scripts that write no spaces are cut into pairs of letters, so that any two
/// neighbours are found; the last letter stands alone, so that any one is.
fn terms_in(text: &str, purpose: Purpose) -> Vec<String> {
    let folded = fold(text);
    let mut terms = Vec::new();
    let mut add = |term: &[char]| {
        let term: String = term.iter().take(TERM_CHARS_MAX).collect();
        if !term.is_empty() && !terms.contains(&term) {
            terms.push(term);
        }
    };
    let is_part = |letter: char| letter.is_alphanumeric() || is_combining_mark(letter);
    for word in folded.split(|letter: char| !is_part(letter)).filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for run in letters.chunk_by(|one, next| has_no_spaces(*one) == has_no_spaces(*next)) {
            if !run.first().copied().is_some_and(has_no_spaces) {
                add(run);
                continue;
            }
            run.windows(2).for_each(&mut add);
            if run.len() == 1 || purpose == Purpose::Index {
                add(&run[run.len() - 1..]);
            }
        }
    }
    terms
}

/// `text` in the form in which words are compared: small letters, without accents and vowel points,
/// compatible forms made one (UAX #15, NFKD).
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase).nfkd().filter(|letter| !is_accent(*letter)) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // Letters that Arabic and Persian keyboards write differently.
            'ى' | 'ی' => folded.push('ي'),
            'ک' => folded.push('ك'),
            'ة' => folded.push('ه'),
            other => folded.push(other),
        }
    }
    folded
}

/// Marks that people leave out when they type: accents, vowel points of Hebrew and Arabic, the Arabic stretch.
/// Vowel signs of Indic scripts and the voicing marks of Japanese make other words and stay.
const fn is_accent(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'
        | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Scripts in which a word does not end at a space: Thai, Lao, Burmese, Khmer, kana, Han.
const fn has_no_spaces(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
