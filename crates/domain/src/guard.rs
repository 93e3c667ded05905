//! Payment numbers that people type into chat, hidden before anything is stored.
//!
//! A number in a log is read by bots, colleagues, exports and backups, and stays for years. So what is certainly a
//! payment card number (ISO/IEC 7812-1) or an IBAN (ISO 13616-1) loses all but its last four characters on its way
//! into the log, and the message says that it did. What merely has many digits stays: a shop's chat is full of
//! order, tracking and telephone numbers, and a hidden one of these is a question that nobody can answer.
//!
//! One walk from left to right, in linear time, no expression engine: at each place at most forty characters are
//! looked at. After a number is hidden the walk goes on at the four characters that stay, so a second run finds
//! nothing that the first did not.

use portico_protocol::message::Masked;
use portico_protocol::{Content, EntryBody, Message, Suggestion};

/// What stands where a character was hidden.
const HIDDEN: char = '•';
/// How many characters of a number stay readable, so that its owner recognises it. PCI DSS 4.0 §3.4 allows them.
const KEPT: usize = 4;
/// Shortest and longest card number (ISO/IEC 7812-1 allows 19; 13 is the shortest that was ever issued).
const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;
/// Longest telephone number behind a plus sign (ITU-T E.164).
const PHONE_DIGITS_MAX: usize = 15;

/// A text without its payment numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The words, as many code points as before.
    pub text: String,
    /// How many card numbers were hidden.
    pub cards: usize,
    /// How many IBANs were hidden.
    pub ibans: usize,
}

impl core::fmt::Debug for Guarded {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Guarded({} cards, {} IBANs)", self.cards, self.ibans)
    }
}

/// `text` with its payment numbers hidden; `None` if it has none.
#[must_use]
pub fn mask(text: &str) -> Option<Guarded> {
    let is_digit = |char: &char| symbol(*char).is_ascii_digit();
    // Both kinds have two digits at the least, most messages have none: those cost no memory.
    text.chars().filter(is_digit).nth(1)?;
    let mut chars: Vec<char> = text.chars().collect();
    let mut symbols: Vec<u8> = chars.iter().map(|char| symbol(*char)).collect();
    let (mut cards, mut ibans) = (0, 0);
    let mut at = 0;
    while at < symbols.len() {
        at = if let Some(end) = uuid_end(&symbols, at) {
            end
        } else if let Some(end) = iban_end(&symbols, at) {
            ibans += 1;
            hide(&mut chars, &mut symbols, at, end)
        } else if let Some(end) = card_end(&symbols, at) {
            cards += 1;
            hide(&mut chars, &mut symbols, at, end)
        } else {
            at + 1
        };
    }
    (cards + ibans > 0).then(|| Guarded { text: chars.into_iter().collect(), cards, ibans })
}

/// Hides payment numbers in everything of `body` that people read, and notes what was hidden. Whatever the sender
/// claims to have hidden is forgotten.
///
/// Postbacks, addresses and telephone numbers behind suggestions stay: they are the bot's own tokens and links,
/// which nobody types and which a changed character would break.
pub(crate) fn guard(body: &mut EntryBody) {
    match body {
        EntryBody::Message(message) => guard_message(message),
        EntryBody::Edit(edit) => guard_message(&mut edit.message),
        EntryBody::Note(note) => note.masked = guard_texts([&mut note.text]),
        EntryBody::SuggestionResponse(response) => drop(guard_texts([&mut response.text])),
        EntryBody::Handover(handover) => {
            let texts = handover.packet.iter_mut().flat_map(|slot| [&mut slot.name, &mut slot.value]);
            drop(guard_texts(texts));
        }
        _ => {}
    }
}

fn guard_message(message: &mut Message) {
    let mut texts: Vec<_> = message.fallback.iter_mut().collect();
    match &mut message.content {
        Content::Text(text) => texts.push(&mut text.0),
        Content::Image(image) => texts.push(&mut image.content_info.alt_text),
        Content::RichCard(cards) => {
            for card in cards.cards_mut() {
                texts.extend([&mut card.title, &mut card.description]);
                texts.extend(card.media.iter_mut().map(|media| &mut media.content_info.alt_text));
                texts.extend(card.suggestions.iter_mut().filter_map(label));
            }
        }
        Content::Unknown => {}
    }
    texts.extend(message.suggestions.iter_mut().filter_map(label));
    message.masked = guard_texts(texts);
}

fn label(suggestion: &mut Suggestion) -> Option<&mut String> {
    match suggestion {
        Suggestion::Reply(reply) => Some(&mut reply.text),
        Suggestion::Action(action) => Some(&mut action.text),
        Suggestion::LiveAgentRequest(_) | Suggestion::Unknown => None,
    }
}

fn guard_texts<'t>(texts: impl IntoIterator<Item = &'t mut String>) -> Vec<Masked> {
    let (mut cards, mut ibans) = (0, 0);
    for text in texts {
        if let Some(guarded) = mask(text) {
            cards += guarded.cards;
            ibans += guarded.ibans;
            *text = guarded.text;
        }
    }
    let kinds = [(cards, Masked::Card), (ibans, Masked::Iban)];
    kinds.into_iter().filter(|(count, _)| *count > 0).map(|(_, kind)| kind).collect()
}

/// What a character stands for in a number: an ASCII digit, a capital, a space, a hyphen, a plus sign, or zero for
/// what ends every number.
fn symbol(char: char) -> u8 {
    // The zeros of the scripts that people type with, after which the other nine stand in order.
    const ZEROS: [char; 6] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{ff10}'];
    let below = |first: char, count: u32| (char as u32).checked_sub(first as u32).filter(|nth| *nth < count);
    if let Some(nth) = ZEROS.into_iter().find_map(|zero| below(zero, 10)) {
        return b'0' + nth as u8;
    }
    if let Some(nth) = ['A', 'a', '\u{ff21}', '\u{ff41}'].into_iter().find_map(|first| below(first, 26)) {
        return b'A' + nth as u8;
    }
    match char {
        ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => b' ',
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => b'-',
        // Marks without width come with what is pasted from documents and with digits in Arabic words.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => b' ',
        '+' | '\u{ff0b}' => b'+',
        _ => 0,
    }
}

fn is_separator(symbol: u8) -> bool {
    matches!(symbol, b' ' | b'-')
}

fn starts_word(symbols: &[u8], at: usize) -> bool {
    symbols[at].is_ascii_alphanumeric() && !(at > 0 && symbols[at - 1].is_ascii_alphanumeric())
}

/// Hides `start..end` but for its last four; returns where these begin.
fn hide(chars: &mut [char], symbols: &mut [u8], start: usize, end: usize) -> usize {
    let mut kept = 0;
    let mut resume = end;
    for at in (start..end).rev() {
        if !symbols[at].is_ascii_alphanumeric() {
            continue;
        }
        if kept < KEPT {
            (kept, resume) = (kept + 1, at);
        } else {
            (chars[at], symbols[at]) = (HIDDEN, 0);
        }
    }
    resume
}

/// Where the UUID ends that starts at `at`: its digits are nobody's card.
fn uuid_end(symbols: &[u8], at: usize) -> Option<usize> {
    const LENGTH: usize = 36;
    if !starts_word(symbols, at) {
        return None;
    }
    let fits = |(nth, symbol): (usize, &u8)| match nth {
        8 | 13 | 18 | 23 => *symbol == b'-',
        _ => symbol.is_ascii_hexdigit(),
    };
    let is_uuid = symbols.get(at..at + LENGTH)?.iter().enumerate().all(fits);
    let goes_on = symbols.get(at + LENGTH).is_some_and(u8::is_ascii_alphanumeric);
    (is_uuid && !goes_on).then_some(at + LENGTH)
}

/// Where the card number ends that starts at `at`: the farthest end, so that a number of 19 digits does not show
/// three more than it should because its first 16 happen to check.
fn card_end(symbols: &[u8], start: usize) -> Option<usize> {
    let is_digit = |at: usize| symbols.get(at).is_some_and(u8::is_ascii_digit);
    if !is_digit(start) || (start > 0 && is_digit(start - 1)) {
        return None;
    }
    let is_dialled = start > 0 && symbols[start - 1] == b'+';
    let mut number = Digits::default();
    let mut end = None;
    let mut at = start;
    loop {
        let group = at;
        while is_digit(at) {
            if number.count == CARD_DIGITS_MAX {
                return end;
            }
            number.push(symbols[at] - b'0');
            at += 1;
        }
        number.close_group(at - group);
        let is_phone = is_dialled && number.count <= PHONE_DIGITS_MAX;
        if number.is_card() && !is_phone {
            end = Some(at);
        }
        match symbols.get(at) {
            Some(separator) if is_separator(*separator) && is_digit(at + 1) => number.separate(*separator),
            _ => return end,
        }
        at += 1;
    }
}

/// The digits of what may be a card number, and how they are written.
#[derive(Default)]
struct Digits {
    digits: [u8; CARD_DIGITS_MAX],
    count: usize,
    groups: usize,
    /// How long the first group is.
    first: usize,
    /// Whether all groups are as long as the first, but for the last, which may be shorter.
    is_even: bool,
    /// Whether the last group was shorter.
    is_short: bool,
    separator: Option<u8>,
    /// Whether different separators were used.
    is_mixed: bool,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        self.digits[self.count] = digit;
        self.count += 1;
    }

    fn close_group(&mut self, length: usize) {
        if self.groups == 0 {
            (self.first, self.is_even) = (length, true);
        }
        self.is_even &= !self.is_short && length <= self.first;
        self.is_short = length < self.first;
        self.groups += 1;
    }

    fn separate(&mut self, separator: u8) {
        self.is_mixed |= *self.separator.get_or_insert(separator) != separator;
    }

    fn is_card(&self) -> bool {
        let digits = &self.digits[..self.count];
        is_issued(digits) && self.is_written_as_card() && passes_luhn(digits) && !self.is_article()
    }

    /// Cards are written in fours, 4-6-5 or 4-6-4, without gaps, or evenly in some other way; telephone numbers and
    /// dates beside each other are not. What is too long for a telephone number may be in any groups.
    fn is_written_as_card(&self) -> bool {
        self.first >= 4 || self.is_even || (self.count > PHONE_DIGITS_MAX && !self.is_mixed)
    }

    /// Thirteen digits without a gap that check as an article number (GS1 General Specifications §7.9) are one:
    /// those of Germany and Japan begin as Visa's do, which has not issued so short a number for decades.
    fn is_article(&self) -> bool {
        let weigh = |(nth, digit): (usize, &u8)| u32::from(*digit) * if nth % 2 == 0 { 1 } else { 3 };
        let sum: u32 = self.digits[..self.count].iter().enumerate().map(weigh).sum();
        self.count == 13 && self.groups == 1 && sum.is_multiple_of(10)
    }
}

/// Whether an issuer gives out numbers that begin so and are so long.
fn is_issued(digits: &[u8]) -> bool {
    if digits.len() < CARD_DIGITS_MIN {
        return false;
    }
    let prefix = digits[..4].iter().fold(0, |prefix, digit| prefix * 10 + u32::from(*digit));
    match prefix {
        // Mir.
        2200..=2204 => digits.len() >= 16,
        // Mastercard.
        2221..=2720 | 5100..=5599 => digits.len() == 16,
        // Diners Club.
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => digits.len() == 14 || digits.len() >= 16,
        // American Express.
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        // JCB.
        3528..=3589 => digits.len() >= 16,
        // Visa.
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        // Maestro and RuPay.
        5000..=5099 | 5600..=5899 | 6300..=6399 | 6700..=6799 => true,
        // Discover, UnionPay, RuPay, Maestro.
        6000..=6999 => digits.len() >= 16,
        _ => false,
    }
}

/// ISO/IEC 7812-1, annex B.
fn passes_luhn(digits: &[u8]) -> bool {
    let weigh = |(nth, digit): (usize, &u8)| match (nth % 2, u32::from(*digit)) {
        (0, digit) => digit,
        (_, digit) => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

/// Where the IBAN ends that starts at `at`.
fn iban_end(symbols: &[u8], start: usize) -> Option<usize> {
    // At the start of a word, or glued to the very word that announces it.
    let is_announced = start >= 4 && &symbols[start - 4..start] == b"IBAN";
    if !starts_word(symbols, start) && !is_announced {
        return None;
    }
    let country = symbols.get(start..start + 2)?;
    let (_, structure) = IBANS.iter().find(|(code, _)| code.as_bytes() == country)?;
    let mut reader = Reader { symbols, at: start + 2 };
    let check = [reader.next()?, reader.next()?];
    if !check.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut remainder = 0;
    for part in structure.split(' ') {
        let (kind, length) = part.split_at(1);
        for _ in 0..length.parse().unwrap_or(0) {
            let symbol = reader.next()?;
            let fits = match kind {
                "n" => symbol.is_ascii_digit(),
                "a" => symbol.is_ascii_uppercase(),
                _ => true,
            };
            remainder = fits.then(|| modulo_97(remainder, symbol))?;
        }
    }
    let remainder = country.iter().chain(&check).fold(remainder, |rest, symbol| modulo_97(rest, *symbol));
    (remainder == 1).then_some(reader.at)
}

/// Reads letters and digits, with at most one separator before each.
struct Reader<'s> {
    symbols: &'s [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let is_gap = is_separator(*self.symbols.get(self.at)?);
        let at = if is_gap { self.at + 1 } else { self.at };
        let symbol = *self.symbols.get(at).filter(|symbol| symbol.is_ascii_alphanumeric())?;
        self.at = at + 1;
        Some(symbol)
    }
}

/// One more character of ISO/IEC 7064 MOD 97-10; letters count from ten.
fn modulo_97(remainder: u32, symbol: u8) -> u32 {
    match symbol {
        b'0'..=b'9' => (remainder * 10 + u32::from(symbol - b'0')) % 97,
        _ => (remainder * 100 + u32::from(symbol - b'A') + 10) % 97,
    }
}

/// What follows country and check digits, as the registry of ISO 13616 (SWIFT, release 99) has it: `n` digits,
/// `a` letters, `c` either. More than the length is needed: else every hundredth sentence that begins with
/// "At 10 …" or "No 12 …" would be Austrian or Norwegian.
const IBANS: [(&str, &str); 89] = [
    ("AD", "n8 c12"),
    ("AE", "n19"),
    ("AL", "n8 c16"),
    ("AT", "n16"),
    ("AZ", "a4 c20"),
    ("BA", "n16"),
    ("BE", "n12"),
    ("BG", "a4 n6 c8"),
    ("BH", "a4 c14"),
    ("BI", "n23"),
    ("BR", "n23 a1 c1"),
    ("BY", "c4 n4 c16"),
    ("CH", "n5 c12"),
    ("CR", "n18"),
    ("CY", "n8 c16"),
    ("CZ", "n20"),
    ("DE", "n18"),
    ("DJ", "n23"),
    ("DK", "n14"),
    ("DO", "c4 n20"),
    ("EE", "n16"),
    ("EG", "n25"),
    ("ES", "n20"),
    ("FI", "n14"),
    ("FK", "a2 n12"),
    ("FO", "n14"),
    ("FR", "n10 c11 n2"),
    ("GB", "a4 n14"),
    ("GE", "a2 n16"),
    ("GI", "a4 c15"),
    ("GL", "n14"),
    ("GR", "n7 c16"),
    ("GT", "c24"),
    ("HN", "a4 n20"),
    ("HR", "n17"),
    ("HU", "n24"),
    ("IE", "a4 n14"),
    ("IL", "n19"),
    ("IQ", "a4 n15"),
    ("IS", "n22"),
    ("IT", "a1 n10 c12"),
    ("JO", "a4 n4 c18"),
    ("KW", "a4 c22"),
    ("KZ", "n3 c13"),
    ("LB", "n4 c20"),
    ("LC", "a4 c24"),
    ("LI", "n5 c12"),
    ("LT", "n16"),
    ("LU", "n3 c13"),
    ("LV", "a4 c13"),
    ("LY", "n21"),
    ("MC", "n10 c11 n2"),
    ("MD", "c20"),
    ("ME", "n18"),
    ("MK", "n3 c10 n2"),
    ("MN", "n16"),
    ("MR", "n23"),
    ("MT", "a4 n5 c18"),
    ("MU", "a4 n19 a3"),
    ("NI", "a4 n20"),
    ("NL", "a4 n10"),
    ("NO", "n11"),
    ("OM", "n3 c16"),
    ("PK", "a4 c16"),
    ("PL", "n24"),
    ("PS", "a4 c21"),
    ("PT", "n21"),
    ("QA", "a4 c21"),
    ("RO", "a4 c16"),
    ("RS", "n18"),
    ("RU", "n14 c15"),
    ("SA", "n2 c18"),
    ("SC", "a4 n20 a3"),
    ("SD", "n14"),
    ("SE", "n20"),
    ("SI", "n15"),
    ("SK", "n20"),
    ("SM", "a1 n10 c12"),
    ("SO", "n19"),
    ("ST", "n21"),
    ("SV", "a4 n20"),
    ("TL", "n19"),
    ("TN", "n20"),
    ("TR", "n6 c16"),
    ("UA", "n6 c19"),
    ("VA", "n18"),
    ("VG", "a4 n16"),
    ("XK", "n16"),
    ("YE", "a4 n4 c18"),
];

#[cfg(test)]
mod tests;
