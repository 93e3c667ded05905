//! What a question may be answered with.

use crate::words::{Keywords, words_of};

/// Longest answer that is kept, in code points.
const VALUE_CHARS_MAX: usize = 500;

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Any words.
    Text,
    /// Something with an `@` between two parts and a dot in the last.
    Email,
    /// A whole number in a range.
    Number { min: i64, max: i64 },
    /// That many digits; letters before them, spaces and hyphens are ignored: `no. 12 34-56`.
    Digits { min: usize, max: usize },
    /// One of these.
    Choice(Vec<Choice>),
}

#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) labels: Vec<String>,
    pub(crate) keywords: Keywords,
}

impl Kind {
    /// The value in `text`, if it answers the question.
    pub(crate) fn parse(&self, text: &str) -> Option<String> {
        let text = text.trim();
        match self {
            Self::Text => Some(text.chars().take(VALUE_CHARS_MAX).collect()),
            Self::Email => text.split_whitespace().find(|word| is_email(word)).map(trim_punctuation),
            Self::Number { min, max } => {
                let digits: String =
                    text.chars().filter(|char| char.is_ascii_digit() || *char == '-').collect();
                digits
                    .parse()
                    .ok()
                    .filter(|number: &i64| (min..=max).contains(&number))
                    .map(|n| n.to_string())
            }
            Self::Digits { min, max } => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                (*min..=*max).contains(&digits.len()).then_some(digits)
            }
            Self::Choice(choices) => {
                let words = words_of(text);
                let scored =
                    choices.iter().filter_map(|choice| Some((choice.keywords.find(&words)?, choice)));
                scored.max_by_key(|(score, _)| *score).map(|(_, choice)| choice.value.clone())
            }
        }
    }
}

fn is_email(word: &str) -> bool {
    let word = trim_punctuation(word);
    word.split_once('@').is_some_and(|(local, domain)| {
        let labels_are_whole = !domain.split('.').any(str::is_empty);
        !local.is_empty()
            && domain.contains('.')
            && labels_are_whole
            && !domain.contains('@')
            && word.len() <= 254
    })
}

fn trim_punctuation(word: &str) -> String {
    word.trim_matches(|char: char| matches!(char, '<' | '>' | '(' | ')' | ',' | '.' | ';' | '!' | '?' | '"'))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_in_a_sentence_or_refused() {
        let order = Kind::Digits { min: 6, max: 8 };
        assert_eq!(order.parse("it's no. 12 34-56, thanks").as_deref(), Some("123456"));
        assert_eq!(order.parse("12345"), None);
        assert_eq!(
            Kind::Email.parse("Mine is ada@lovelace.example.").as_deref(),
            Some("ada@lovelace.example")
        );
        assert_eq!(Kind::Email.parse("ada@lovelace"), None);
        assert_eq!(Kind::Number { min: 1, max: 5 }.parse("about 4").as_deref(), Some("4"));
        assert_eq!(Kind::Number { min: 1, max: 5 }.parse("6"), None);
    }
}
