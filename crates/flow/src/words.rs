//! Recognising words and phrases in what a visitor writes, kindly: letter case, accents, punctuation and
//! one slip in a longer word do not matter.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// From this many letters on, one slip (a letter wrong, missing, added or swapped) is forgiven.
const SLIP_LETTERS_MIN: usize = 5;
/// Most words of a message that are looked at.
const WORDS_MAX: usize = 200;

/// Phrases to recognise, of every language: visitors mix them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keywords {
    phrases: Vec<Phrase>,
}

#[derive(Clone, Debug)]
struct Phrase {
    language: usize,
    words: Vec<Pattern>,
}

#[derive(Clone, Debug)]
enum Pattern {
    Word(String),
    /// Written `liefer*`: any word that starts so.
    Prefix(String),
}

/// How well something was recognised, and in which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score {
    /// Words recognised in a row, then those without a slip: longer and cleaner is better.
    pub(crate) words: usize,
    pub(crate) exact: usize,
    pub(crate) language: usize,
}

impl Keywords {
    pub(crate) fn push(&mut self, language: usize, phrase: &str) {
        let pattern = |word: &str| match word.strip_suffix('*') {
            Some(prefix) => Pattern::Prefix(fold(prefix)),
            None => Pattern::Word(fold(word)),
        };
        let words: Vec<_> = phrase.split_whitespace().map(pattern).collect();
        if !words.is_empty() {
            self.phrases.push(Phrase { language, words });
        }
    }

    /// The best phrase that occurs in `words`.
    pub(crate) fn find(&self, words: &[String]) -> Option<Score> {
        self.phrases.iter().filter_map(|phrase| phrase.find(words)).max()
    }

    /// The phrase that `words` consists of, and nothing else.
    pub(crate) fn find_alone(&self, words: &[String]) -> Option<Score> {
        self.phrases
            .iter()
            .filter(|phrase| phrase.words.len() == words.len())
            .filter_map(|p| p.find(words))
            .max()
    }
}

impl Phrase {
    fn find(&self, words: &[String]) -> Option<Score> {
        let exact_at = |window: &[String]| {
            let slips = self.words.iter().zip(window).map(|(pattern, word)| pattern.slips(word));
            slips.sum::<Option<usize>>().map(|slips| self.words.len() - slips.min(self.words.len()))
        };
        let exact = words.windows(self.words.len()).filter_map(exact_at).max()?;
        Some(Score { words: self.words.len(), exact, language: self.language })
    }
}

impl Pattern {
    /// The number of slips with which `word` fits; `None` if it does not.
    fn slips(&self, word: &str) -> Option<usize> {
        match self {
            Self::Word(pattern) if pattern == word => Some(0),
            Self::Word(pattern) => is_one_slip_apart(pattern, word).then_some(1),
            Self::Prefix(prefix) => word.starts_with(prefix.as_str()).then_some(0),
        }
    }
}

/// The words of a text, folded.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let split = text.split(|char: char| {
        !char.is_alphanumeric() && !is_combining_mark(char) && char != '\'' && char != '’'
    });
    let words = split.map(fold).filter(|word| !word.is_empty());
    words.take(WORDS_MAX).collect()
}

/// Lower case without accents or apostrophes: `Señor’s` is `senors`.
fn fold(word: &str) -> String {
    let letters = word.nfkd().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn is_one_slip_apart(left: &str, right: &str) -> bool {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len() < SLIP_LETTERS_MIN || right.len().abs_diff(left.len()) > 1 {
        return false;
    }
    let same_start = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[same_start..], &right[same_start..]);
    match (left, right) {
        // Two neighbours swapped.
        ([a, b, left @ ..], [c, d, right @ ..]) if a == d && b == c && left == right => true,
        // One wrong, one missing, one added.
        ([_, left @ ..], [_, right @ ..]) if left == right => true,
        ([_, left @ ..], right) if left == right => true,
        (left, [_, right @ ..]) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(phrase: &str, text: &str) -> bool {
        let mut keywords = Keywords::default();
        keywords.push(0, phrase);
        keywords.find(&words_of(text)).is_some()
    }

    #[test]
    fn case_accents_punctuation_and_one_slip_do_not_matter() {
        assert!(finds("delivery", "DELIVERY?!"));
        assert!(finds("delivery", "what about delivry"));
        assert!(finds("delivery", "dleivery"));
        assert!(finds("envio", "¿Y el envío?"));
        assert!(finds("how long", "so, how long…"));
        assert!(finds("liefer*", "Lieferzeiten"));
        assert!(finds("توصيل", "هل يوجد توصيل؟"));
    }

    #[test]
    fn short_words_and_scattered_phrases_are_not_stretched() {
        assert!(!finds("lamp", "lump"), "a slip in four letters is another word");
        assert!(!finds("how long", "how very long"));
        assert!(!finds("delivery", "delicacy"));
    }

    proptest! {
        #[test]
        fn every_word_finds_itself_in_any_text(before in ".{0,30}", word in "[a-z]{1,12}", after in ".{0,30}") {
            let text = format!("{before} {word} {after}");
            // A combining mark at the border would belong to the word.
            prop_assume!(!after.starts_with(is_combining_mark));
            prop_assert!(finds(&word, &text));
        }

        #[test]
        fn one_swap_is_forgiven_in_long_words(word in "[a-z]{5,12}", at in 0_usize..4) {
            let mut letters: Vec<char> = word.chars().collect();
            letters.swap(at, at + 1);
            let swapped: String = letters.into_iter().collect();
            prop_assert!(finds(&word, &swapped));
        }
    }
}
