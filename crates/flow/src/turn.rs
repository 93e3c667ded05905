//! One turn: what was heard, what is known, what is said.

use portico_protocol::entry::Slot;
use portico_protocol::message::{Action, LiveAgentRequest, OpenUrlAction};
use portico_protocol::{Entry, EntryBody, Message, Owner, Suggestion, Timestamp};

use crate::slot::Kind;
use crate::words::{Score, words_of};
use crate::{Case, Flow, MISSES_MAX, Rule, Speech, Suggest};

/// What a visitor said or did.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard<'a> {
    /// Wrote this.
    Text(&'a str),
    /// Tapped a suggestion with this postback data and label.
    Tapped {
        /// What the suggestion carried.
        postback_data: &'a str,
        /// What it said.
        text: &'a str,
    },
}

/// Whether people are there, measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staffing {
    /// Somebody is signed in and present.
    pub is_staffed: bool,
    /// The measured wait, in milliseconds; absent while too few were measured.
    pub estimate_ms: Option<u64>,
}

/// The circumstances of a turn. They shape words, never state, so a replay needs none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The visitor's language, BCP 47.
    pub locale: String,
    /// The server's clock.
    pub now: Timestamp,
    /// Who is there.
    pub staffing: Staffing,
}

/// What the bot knows in one conversation: a fold of its log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The rule being asked through, and which of its questions is open.
    asking: Option<(usize, usize)>,
    /// Whether the open question was answered badly before.
    has_retried: bool,
    slots: Vec<Slot>,
    misses: u8,
    /// The language that the visitor was last understood in.
    language: Option<usize>,
}

/// What the bot does in a turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What it says, in order.
    pub messages: Vec<Message>,
    /// It asks for a person, with what it knows.
    pub handover: Option<Vec<Slot>>,
}

impl State {
    /// What is known so far, for whoever takes over.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn remember(&mut self, name: &str, value: String, source: u64) {
        self.slots.retain(|slot| slot.name != name);
        self.slots.push(Slot { name: name.into(), value, source: Some(source) });
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.as_str())
    }
}

impl Flow {
    /// The state after `entries`, oldest first: what a server that just started needs to go on.
    #[must_use]
    pub fn replay<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) -> State {
        let mut state = State::default();
        let turn = Turn::default();
        for entry in entries {
            match &entry.body {
                // What a person settled is not the bot's business any more, but what was said stays known.
                EntryBody::Handover(handover) if matches!(handover.to, Owner::Bot(_)) => {
                    state = State { slots: state.slots, language: state.language, ..State::default() };
                }
                _ => {
                    if let Some(heard) = Heard::in_entry(entry) {
                        self.hear(&mut state, &heard, entry.sequence, &turn);
                    }
                }
            }
        }
        state
    }

    /// Answers what was heard in the entry number `source`.
    pub fn hear(&self, state: &mut State, heard: &Heard<'_>, source: u64, turn: &Turn) -> Answer {
        let text = match heard {
            Heard::Text(text) | Heard::Tapped { text, .. } => text,
        };
        let words = words_of(text);
        if let Heard::Tapped { postback_data, .. } = heard
            && let Some(rule) = self.tapped_rule(postback_data)
        {
            return self.start(state, rule, turn);
        }
        if state.asking.is_some() && self.cancel.find_alone(&words).is_some() {
            state.asking = None;
            return self.say_with_menu(&self.sentences.cancelled[self.language(state, turn)], state, turn);
        }
        if let Some(score) = self.person.find(&words) {
            state.language = Some(score.language);
            return self.call_person(state, turn);
        }
        if state.asking.is_some() {
            return self.hear_answer(state, heard, &words, source, turn);
        }
        match self.best_rule(&words) {
            Some((score, rule)) => {
                state.language = Some(score.language);
                self.start(state, rule, turn)
            }
            None => self.miss(state, turn),
        }
    }

    /// What the bot says, and does, where a person was asked for by a press and not by words.
    #[must_use]
    pub fn call_person(&self, state: &mut State, turn: &Turn) -> Answer {
        state.asking = None;
        state.misses = 0;
        let language = self.language(state, turn);
        let sentence = match (turn.staffing.is_staffed, turn.staffing.estimate_ms) {
            (true, Some(estimate_ms)) => {
                // Rounded up: to be sooner than said is kinder than to be later.
                let minutes = estimate_ms.div_ceil(60_000).max(1);
                self.sentences.connecting[language].replace("{minutes}", &minutes.to_string())
            }
            (true, None) => self.sentences.connecting_soon[language].clone(),
            (false, _) => match self.opening_in_words(turn.now, language) {
                Some(opens) => self.sentences.away[language].replace("{opens}", &opens),
                None => self.sentences.away_unknown[language].clone(),
            },
        };
        Answer { messages: vec![Message::text(sentence)], handover: Some(state.slots.clone()) }
    }

    fn tapped_rule(&self, postback_data: &str) -> Option<usize> {
        let id = postback_data.strip_prefix("rule:")?;
        self.rules.iter().position(|rule| rule.id == id)
    }

    fn best_rule(&self, words: &[String]) -> Option<(Score, usize)> {
        let scored = self
            .rules
            .iter()
            .enumerate()
            .filter_map(|(index, rule)| Some((rule.keywords.find(words)?, index)));
        // The first of equals: the file's order is the author's say.
        scored.rev().max_by_key(|(score, _)| (score.words, score.exact))
    }

    fn hear_answer(
        &self,
        state: &mut State,
        heard: &Heard<'_>,
        words: &[String],
        source: u64,
        turn: &Turn,
    ) -> Answer {
        let Some((rule_index, ask_index)) = state.asking else { return self.miss(state, turn) };
        let ask = &self.rules[rule_index].asks[ask_index];
        let value = match heard {
            Heard::Tapped { postback_data, text } => {
                let chosen =
                    postback_data.strip_prefix("choice:").filter(|value| is_option(&ask.kind, value));
                chosen.map(str::to_owned).or_else(|| ask.kind.parse(text))
            }
            Heard::Text(text) => ask.kind.parse(text),
        };
        if let Some(value) = value {
            state.remember(&ask.slot, value, source);
            state.has_retried = false;
            state.misses = 0;
            return self.go_on(state, rule_index, ask_index + 1, turn);
        }
        // Not an answer: perhaps another question.
        if let Some((score, other)) = self.best_rule(words).filter(|(_, other)| *other != rule_index) {
            state.language = Some(score.language);
            return self.start(state, other, turn);
        }
        if state.has_retried {
            return self.miss_for_good(state, turn);
        }
        state.has_retried = true;
        let language = self.language(state, turn);
        let mut message = Message::text(self.fill(&ask.retries[language], state));
        message.suggestions = options_of(&ask.kind, language);
        Answer { messages: vec![message], handover: None }
    }

    fn start(&self, state: &mut State, rule: usize, turn: &Turn) -> Answer {
        state.misses = 0;
        state.has_retried = false;
        for ask in self.rules[rule].asks.iter().filter(|ask| ask.is_fresh) {
            state.slots.retain(|slot| slot.name != ask.slot);
        }
        self.go_on(state, rule, 0, turn)
    }

    /// Asks the next open question of the rule from `ask` on, or concludes it.
    fn go_on(&self, state: &mut State, rule_index: usize, ask: usize, turn: &Turn) -> Answer {
        let rule = &self.rules[rule_index];
        let language = self.language(state, turn);
        let open = rule.asks.iter().enumerate().skip(ask).find(|(_, ask)| state.value(&ask.slot).is_none());
        if let Some((index, ask)) = open {
            state.asking = Some((rule_index, index));
            let mut message = Message::text(self.fill(&ask.prompts[language], state));
            message.suggestions = options_of(&ask.kind, language);
            return Answer { messages: vec![message], handover: None };
        }
        state.asking = None;
        self.conclude(state, rule, turn)
    }

    fn conclude(&self, state: &mut State, rule: &Rule, turn: &Turn) -> Answer {
        let language = self.language(state, turn);
        let fits = |case: &&Case| case.when.iter().all(|(slot, value)| state.value(slot) == Some(value));
        let case = rule.cases.iter().find(fits);
        let speech =
            case.map(|case| &case.speech).filter(|speech| !speech.texts.is_empty()).unwrap_or(&rule.speech);
        let mut answer = Answer { messages: self.speak(speech, language, state), handover: None };
        if case.and_then(|case| case.then_person).unwrap_or(rule.then_person) {
            let person = self.call_person(state, turn);
            answer.messages.extend(person.messages);
            answer.handover = person.handover;
        }
        answer
    }

    fn miss(&self, state: &mut State, turn: &Turn) -> Answer {
        state.misses += 1;
        if state.misses >= MISSES_MAX {
            return self.miss_for_good(state, turn);
        }
        self.say_with_menu(&self.sentences.miss[self.language(state, turn)], state, turn)
    }

    /// Two misses in a row: saying "sorry?" again would be an insult.
    fn miss_for_good(&self, state: &mut State, turn: &Turn) -> Answer {
        state.asking = None;
        state.misses = 0;
        state.has_retried = false;
        let mut message = Message::text(self.sentences.offer_person[self.language(state, turn)].clone());
        message.suggestions = vec![Suggestion::LiveAgentRequest(LiveAgentRequest {})];
        Answer { messages: vec![message], handover: None }
    }

    fn say_with_menu(&self, sentence: &str, state: &State, turn: &Turn) -> Answer {
        let mut message = Message::text(sentence);
        message.suggestions = self.suggestions_of(&self.greeting, self.language(state, turn));
        Answer { messages: vec![message], handover: None }
    }

    pub(crate) fn speak(&self, speech: &Speech, language: usize, state: &State) -> Vec<Message> {
        let texts = speech.texts.get(language).map(Vec::as_slice).unwrap_or_default();
        let mut messages: Vec<_> = texts.iter().map(|text| Message::text(self.fill(text, state))).collect();
        if let Some(last) = messages.last_mut() {
            last.suggestions = self.suggestions_of(speech, language);
        }
        messages
    }

    fn suggestions_of(&self, speech: &Speech, language: usize) -> Vec<Suggestion> {
        let link = |link: &crate::Link| {
            Suggestion::Action(Action {
                text: link.labels[language].clone(),
                postback_data: format!("link:{}", link.url),
                open_url_action: Some(OpenUrlAction { url: link.url.clone() }),
                dial_action: None,
            })
        };
        let suggestion = |suggest: &Suggest| match suggest {
            Suggest::Person => Suggestion::LiveAgentRequest(LiveAgentRequest {}),
            Suggest::Rule(index) => {
                let rule = &self.rules[*index];
                let label = rule.labels.get(language).unwrap_or(&rule.id);
                Suggestion::reply(label, format!("rule:{}", rule.id))
            }
        };
        speech.links.iter().map(link).chain(speech.suggestions.iter().map(suggestion)).collect()
    }

    /// Puts what is known into a sentence: `{order_number}`; choices by their label in no language but the value's.
    fn fill(&self, text: &str, state: &State) -> String {
        let mut filled = text.to_owned();
        for slot in &state.slots {
            filled = filled.replace(&format!("{{{}}}", slot.name), &slot.value);
        }
        filled
    }

    fn language(&self, state: &State, turn: &Turn) -> usize {
        state.language.unwrap_or_else(|| self.language_for(&turn.locale))
    }

    fn opening_in_words(&self, now: Timestamp, language: usize) -> Option<String> {
        let hours = self.hours.as_ref()?;
        let opening = hours.weekday_and_time(hours.next_opening(now)?, now)?;
        let time = format!("{:02}:{:02}", opening.time.hour(), opening.time.minute());
        let day = self.sentences.days.get(language).and_then(|names| names.get(opening.weekday));
        Some(match day {
            _ if opening.is_today => time,
            Some(day) if opening.is_within_a_week => format!("{day}, {time}"),
            _ => format!("{}, {time}", opening.date),
        })
    }
}

impl<'a> Heard<'a> {
    /// What the visitor said or did in `entry`, if it is theirs.
    #[must_use]
    pub fn in_entry(entry: &'a Entry) -> Option<Self> {
        if !entry.author.is_visitor() {
            return None;
        }
        match &entry.body {
            EntryBody::Message(message) => Some(Self::Text(message.plain_text())),
            EntryBody::SuggestionResponse(response) => {
                Some(Self::Tapped { postback_data: &response.postback_data, text: &response.text })
            }
            _ => None,
        }
    }
}

fn is_option(kind: &Kind, value: &str) -> bool {
    matches!(kind, Kind::Choice(choices) if choices.iter().any(|choice| choice.value == value))
}

fn options_of(kind: &Kind, language: usize) -> Vec<Suggestion> {
    let Kind::Choice(choices) = kind else { return Vec::new() };
    let option = |choice: &crate::slot::Choice| {
        Suggestion::reply(choice.labels[language].clone(), format!("choice:{}", choice.value))
    };
    choices.iter().map(option).collect()
}
