//! Searching: which products hold all the words, and which of them come first.

use std::cmp::Reverse;

use portico_protocol::{Availability, Money};

use super::index::{AVAILABILITY_SHIFT, rank_of};
use super::words::{IN_TITLE, words_of};

/// The bits of a place.
const PLACES: u8 = (1 << AVAILABILITY_SHIFT) - 1;
/// What a term counts for by where it stands: title, id, brand, type, colour, size.
const WEIGHTS: [u32; AVAILABILITY_SHIFT as usize] = [8, 6, 4, 3, 2, 2];
/// What a whole word counts for beyond one that only begins so.
const WHOLE_WORD: u32 = 5;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// All must be found, each as the beginning of a word; none: every product matches.
    pub words: Vec<String>,
    /// Only products of this availability.
    pub availability: Option<Availability>,
    /// Only products that cost at most this, and in this currency.
    pub price_max: Option<Money>,
}

impl Search {
    /// A search for the words in `text`, at most [`super::SEARCH_WORDS_MAX`].
    #[must_use]
    pub fn for_words(text: &str) -> Self {
        Self { words: words_of(text), ..Self::default() }
    }
}

/// The postings of one term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postings {
    /// Whether the term is the whole word, and not only begins with it.
    pub is_whole: bool,
    /// As [`super::Index`] packed them.
    pub bytes: Vec<u8>,
}

/// Postings that no [`super::Index`] has packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the postings of a term cannot be read")]
pub struct BadPostings;

/// A product that one word, or all, were found in. The number stands in the high bits, so that sorting brings
/// the same product together.
#[derive(Clone, Copy)]
struct Hit {
    number: u32,
    places: u8,
    availability: u8,
    score: u32,
}

/// The numbers of the products that match, the best first, at most `limit`. `words` holds for each word of the
/// search the postings of all terms that begin with it; without words, those of the empty term.
///
/// Products with every word in the title come first, among them those in stock, then those where the words
/// stand in better places, then those earlier in the feed.
///
/// # Errors
/// Postings are not what an index packs.
pub fn rank(search: &Search, words: &[Vec<Postings>], limit: usize) -> Result<Vec<u32>, BadPostings> {
    let mut lists = words.iter().map(|terms| hits_of(search, terms)).collect::<Result<Vec<_>, _>>()?;
    // From the rarest word on: the others are only looked up.
    lists.sort_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let Some(mut hits) = lists.next() else { return Ok(Vec::new()) };
    for list in lists {
        let mut from = 0;
        hits.retain_mut(|hit| {
            from += list[from..].partition_point(|other| other.number < hit.number);
            let Some(other) = list.get(from).filter(|other| other.number == hit.number) else { return false };
            hit.score += other.score;
            // Only what holds for every word: whether all stand in the title.
            hit.places &= other.places;
            true
        });
    }
    let key = |hit: &Hit| {
        let is_titled = hit.places & IN_TITLE != 0;
        Reverse((is_titled, hit.availability, hit.score, Reverse(hit.number)))
    };
    if hits.len() > limit && limit > 0 {
        hits.select_nth_unstable_by_key(limit - 1, key);
    }
    hits.truncate(limit);
    hits.sort_unstable_by_key(key);
    Ok(hits.into_iter().map(|hit| hit.number).collect())
}

/// The products of one word, by number, each once.
fn hits_of(search: &Search, terms: &[Postings]) -> Result<Vec<Hit>, BadPostings> {
    let mut hits: Vec<Hit> = Vec::new();
    for term in terms {
        read_hits(search, term, &mut hits)?;
    }
    if terms.len() > 1 {
        // Runs that are sorted already: the stable sort merges them.
        hits.sort_by_key(|hit| hit.number);
        hits.dedup_by(|next, hit| {
            let is_same = next.number == hit.number;
            if is_same {
                hit.places |= next.places;
                hit.score = hit.score.max(next.score);
            }
            is_same
        });
    }
    Ok(hits)
}

fn read_hits(search: &Search, term: &Postings, hits: &mut Vec<Hit>) -> Result<(), BadPostings> {
    let (mut bytes, mut next, mut currency) = (&term.bytes[..], 0_u32, [0; 3]);
    let wanted = search.availability.map(rank_of);
    let price_max = search.price_max.map(|money| (money.currency, money.minor.max(-1)));
    while !bytes.is_empty() {
        let passed = u32::try_from(take_number(&mut bytes)?).map_err(|_| BadPostings)?;
        let number = next.checked_add(passed).ok_or(BadPostings)?;
        next = number.checked_add(1).ok_or(BadPostings)?;
        let (flags, rest) = bytes.split_first().ok_or(BadPostings)?;
        bytes = rest;
        let price = take_number(&mut bytes)?;
        if price & 1 == 1 {
            let (code, rest) = bytes.split_first_chunk::<3>().ok_or(BadPostings)?;
            (currency, bytes) = (*code, rest);
        }
        let (places, availability) = (flags & PLACES, flags >> AVAILABILITY_SHIFT);
        let is_affordable = price_max.is_none_or(|(wanted, most)| {
            wanted.as_str().as_bytes() == currency
                && i64::try_from(price >> 1).is_ok_and(|price| price <= most)
        });
        if is_affordable && wanted.is_none_or(|wanted| wanted == availability) {
            hits.push(Hit { number, places, availability, score: score(places, term.is_whole) });
        }
    }
    Ok(())
}

fn score(places: u8, is_whole: bool) -> u32 {
    let found = WEIGHTS.iter().enumerate().filter(|(place, _)| places & 1 << place != 0);
    found.map(|(_, weight)| weight).sum::<u32>() + if is_whole { WHOLE_WORD } else { 0 }
}

fn take_number(bytes: &mut &[u8]) -> Result<u64, BadPostings> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(BadPostings)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadPostings)
}
