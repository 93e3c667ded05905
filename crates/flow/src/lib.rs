//! The built-in bot: greeting, rules, questions and handover, written by a brand in one TOML file.
//!
//! Sans-IO and deterministic: what the bot knows about a conversation is a fold of the log
//! ([`Flow::replay`]), so a restarted server, or another node, goes on where the last one stopped, and
//! an answer computed twice is the same answer. The bot never pretends to understand: two misses in a
//! row and it offers a person, and what it says about waiting comes from measurement.
//!
//! ```
//! use portico_flow::{Flow, Heard, State, Turn};
//!
//! let flow = Flow::parse(r#"
//!     name = "Ada"
//!     languages = ["en"]
//!     greeting.say.en = "Hello, I am Ada, a bot."
//!     person.keywords.en = ["person"]
//!     say.miss.en = "Sorry?"
//!     say.offer_person.en = "Shall I get a person?"
//!     say.connecting.en = "One moment, {minutes} min."
//!     say.connecting_soon.en = "One moment."
//!     say.away.en = "We are back {opens}."
//!     say.away_unknown.en = "Nobody is here."
//!     say.cancelled.en = "Never mind then."
//!     [[rule]]
//!     id = "delivery"
//!     label.en = "Delivery"
//!     keywords.en = ["delivery", "how long"]
//!     say.en = "Two days."
//! "#).expect("a valid flow");
//! let answer = flow.hear(&mut State::default(), &Heard::Text("How long will it take?"), 2, &Turn::default());
//! assert_eq!(answer.messages[0].plain_text(), "Two days.");
//! ```

mod check;
mod error;
mod file;
mod hours;
mod slot;
mod turn;
mod words;

pub use error::{FlowError, FlowErrors};
pub use hours::Hours;
pub use turn::{Answer, Heard, Staffing, State, Turn};

use portico_protocol::Message;

/// Most bytes of a flow file.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Most rules in a flow.
pub const RULES_MAX: usize = 500;
/// Most questions in one rule.
pub const ASKS_MAX: usize = 12;
/// Misses in a row after which a person is offered.
pub const MISSES_MAX: u8 = 2;

/// A checked flow: every reference resolves and every sentence exists in every language.
#[derive(Clone, Debug)]
pub struct Flow {
    name: String,
    languages: Vec<String>,
    hours: Option<Hours>,
    greeting: Speech,
    person: words::Keywords,
    cancel: words::Keywords,
    sentences: Sentences,
    rules: Vec<Rule>,
}

/// What the bot says at once: one or more messages, the last with suggestions.
#[derive(Clone, Debug, Default)]
struct Speech {
    /// By language, in the order of [`Flow::languages`].
    texts: Vec<Vec<String>>,
    suggestions: Vec<Suggest>,
    links: Vec<Link>,
}

#[derive(Clone, Debug)]
enum Suggest {
    /// Starts the rule at this index.
    Rule(usize),
    /// Asks for a person.
    Person,
}

#[derive(Clone, Debug)]
struct Link {
    labels: Vec<String>,
    url: String,
}

#[derive(Clone, Debug)]
struct Sentences {
    miss: Vec<String>,
    offer_person: Vec<String>,
    connecting: Vec<String>,
    connecting_soon: Vec<String>,
    away: Vec<String>,
    away_unknown: Vec<String>,
    cancelled: Vec<String>,
    /// Seven names from Monday on, by language; empty: dates are written in figures.
    days: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    labels: Vec<String>,
    keywords: words::Keywords,
    asks: Vec<Ask>,
    cases: Vec<Case>,
    speech: Speech,
    then_person: bool,
}

#[derive(Clone, Debug)]
struct Ask {
    slot: String,
    kind: slot::Kind,
    prompts: Vec<String>,
    retries: Vec<String>,
    /// Asked anew even where the slot is known from before.
    is_fresh: bool,
}

#[derive(Clone, Debug)]
struct Case {
    when: Vec<(String, String)>,
    speech: Speech,
    then_person: Option<bool>,
}

impl Flow {
    /// The bot's name, as visitors see it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The languages it speaks, the default first.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// When people answer, if the file says so.
    #[must_use]
    pub const fn hours(&self) -> Option<&Hours> {
        self.hours.as_ref()
    }

    /// What the bot says before anybody has written, in the language closest to `locale` (BCP 47).
    #[must_use]
    pub fn greeting(&self, locale: &str) -> Vec<Message> {
        let language = self.language_for(locale);
        self.speak(&self.greeting, language, &State::default())
    }

    /// The index of the language closest to `locale`: the same tag, the same primary language, or the default.
    #[must_use]
    pub fn language_for(&self, locale: &str) -> usize {
        let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let exact = self.languages.iter().position(|language| language.eq_ignore_ascii_case(locale));
        let near = || self.languages.iter().position(|language| primary(language) == primary(locale));
        exact.or_else(near).unwrap_or_default()
    }
}
