//! From a file's shape to its meaning: every mistake is collected, with its place.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use portico_protocol::limit::{SUGGESTION_TEXT_CHARS_MAX, SUGGESTIONS_MAX, TEXT_CHARS_MAX};
use portico_protocol::message::{check_chars, check_url};
use toml::Spanned;

use crate::error::{FlowError, FlowErrors};
use crate::slot::{Choice, Kind};
use crate::words::Keywords;
use crate::{
    ASKS_MAX, Ask, Case, FILE_BYTES_MAX, Flow, Hours, Link, RULES_MAX, Rule, Sentences, Speech, Suggest, file,
};

impl Flow {
    /// Reads and checks a flow file.
    ///
    /// # Errors
    /// Every mistake found, with line, column and what to do.
    pub fn parse(source: &str) -> Result<Self, FlowErrors> {
        if source.len() > FILE_BYTES_MAX {
            let reason = format!("the file has {} bytes; at most {FILE_BYTES_MAX} are allowed", source.len());
            return Err(FlowErrors(vec![FlowError::at(source, 0, reason)]));
        }
        let file: file::File = toml::from_str(source).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            FlowErrors(vec![FlowError::at(source, offset, error.message())])
        })?;
        let mut check = Check {
            source,
            errors: Vec::new(),
            languages: file.languages.as_ref().clone(),
            rules: Vec::new(),
        };
        let flow = check.flow(file);
        if check.errors.is_empty() {
            return Ok(flow);
        }
        check.errors.sort_by_key(|error| (error.line, error.column));
        Err(FlowErrors(check.errors))
    }
}

struct Check<'a> {
    source: &'a str,
    errors: Vec<FlowError>,
    languages: Vec<String>,
    /// Id and whether it has a label, in the order of the file.
    rules: Vec<(String, bool)>,
}

impl Check<'_> {
    fn flow(&mut self, file: file::File) -> Flow {
        self.languages_are_distinct(&file.languages);
        self.rules_are_distinct(&file.rule);
        let name = file.name.as_ref().trim().to_owned();
        self.require(!name.is_empty(), &file.name, "the bot needs a name that visitors see");
        let greeting_at = file.greeting.span().start;
        let greeting = file.greeting.into_inner();
        let say_at = file.say.span().start;
        Flow {
            name,
            hours: file.hours.map(|hours| self.hours(hours.into_inner())),
            greeting: self.speech(greeting_at, greeting.say, greeting.suggest, greeting.link),
            person: self.keywords(&file.person.as_ref().keywords),
            cancel: file.cancel.map(|cancel| self.keywords(&cancel.as_ref().keywords)).unwrap_or_default(),
            sentences: self.sentences(say_at, file.say.into_inner()),
            rules: file.rule.into_iter().map(|rule| self.rule(rule)).collect(),
            languages: std::mem::take(&mut self.languages),
        }
    }

    fn languages_are_distinct(&mut self, languages: &Spanned<Vec<String>>) {
        self.require(
            !languages.as_ref().is_empty(),
            languages,
            "name at least one language, the default first",
        );
        let distinct: BTreeSet<_> = languages.as_ref().iter().collect();
        self.require(distinct.len() == languages.as_ref().len(), languages, "a language is named twice");
    }

    fn rules_are_distinct(&mut self, rules: &[Spanned<file::Rule>]) {
        if let Some(rule) = rules.get(RULES_MAX) {
            self.fail(rule.span().start, format!("at most {RULES_MAX} rules are allowed"));
        }
        for rule in rules {
            let id = &rule.as_ref().id;
            let is_slug = !id.as_ref().is_empty()
                && id
                    .as_ref()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            self.require(is_slug, id, "a rule's id has lower-case letters, digits and hyphens only");
            self.require(
                id.as_ref() != "person",
                id,
                "`person` is the built-in way to a person; name this rule otherwise",
            );
            self.require(
                !self.rules.iter().any(|(known, _)| known == id.as_ref()),
                id,
                "another rule has this id already",
            );
            self.rules.push((id.as_ref().clone(), !rule.as_ref().label.is_empty()));
        }
    }

    fn rule(&mut self, rule: Spanned<file::Rule>) -> Rule {
        let at = rule.span().start;
        let rule = rule.into_inner();
        if let Some(ask) = rule.ask.get(ASKS_MAX) {
            self.fail(ask.span().start, format!("at most {ASKS_MAX} questions in one rule are allowed"));
        }
        let says_nothing = rule.say.is_empty() && rule.case.is_empty() && rule.then.is_none();
        if says_nothing {
            self.fail(at, "this rule leads nowhere: give it `say`, a `case` or `then = \"person\"`");
        }
        let asks: Vec<Ask> = rule.ask.into_iter().map(|ask| self.ask(ask)).collect();
        let labels = if rule.label.is_empty() { Vec::new() } else { self.labels(at, rule.label) };
        Rule {
            id: rule.id.into_inner(),
            labels,
            keywords: self.keywords(&rule.keywords),
            cases: rule.case.into_iter().map(|case| self.case(case, &asks)).collect(),
            speech: self.optional_speech(at, rule.say, rule.suggest, rule.link),
            then_person: self.then(rule.then).unwrap_or(false),
            asks,
        }
    }

    fn ask(&mut self, ask: Spanned<file::Ask>) -> Ask {
        let at = ask.span().start;
        let ask = ask.into_inner();
        let prompts = self.sentence(at, "prompt", ask.prompt);
        let retries =
            if ask.retry.is_empty() { prompts.clone() } else { self.sentence(at, "retry", ask.retry) };
        let (min, max) =
            (ask.min.as_ref().map(|min| *min.as_ref()), ask.max.as_ref().map(|max| *max.as_ref()));
        if let (Some(min), Some(max)) = (min, max) {
            self.require(
                min <= max,
                ask.max.as_ref().unwrap_or(&Spanned::new(at..at, 0)),
                "`max` is less than `min`",
            );
        }
        let kind = self.kind(&ask.kind, min, max, ask.option);
        Ask { slot: ask.slot.into_inner(), kind, prompts, retries, is_fresh: ask.fresh }
    }

    fn kind(
        &mut self,
        kind: &Spanned<String>,
        min: Option<i64>,
        max: Option<i64>,
        options: Vec<Spanned<file::ChoiceOption>>,
    ) -> Kind {
        let length = |bound: Option<i64>, default| {
            bound.and_then(|bound| usize::try_from(bound).ok()).unwrap_or(default)
        };
        match kind.as_ref().as_str() {
            "text" => Kind::Text,
            "email" => Kind::Email,
            "number" => Kind::Number { min: min.unwrap_or(i64::MIN), max: max.unwrap_or(i64::MAX) },
            "digits" => Kind::Digits { min: length(min, 1), max: length(max, 30) },
            "choice" => {
                let fits = (2..=SUGGESTIONS_MAX).contains(&options.len());
                self.require(
                    fits,
                    kind,
                    format!("a choice needs 2 to {SUGGESTIONS_MAX} options ([[rule.ask.option]])"),
                );
                Kind::Choice(options.into_iter().map(|option| self.choice(option)).collect())
            }
            other => {
                let reason =
                    format!("`{other}` is no kind of answer; use text, email, number, digits or choice");
                self.fail(kind.span().start, reason);
                Kind::Text
            }
        }
    }

    fn choice(&mut self, option: Spanned<file::ChoiceOption>) -> Choice {
        let at = option.span().start;
        let option = option.into_inner();
        let labels = self.labels(at, option.label);
        let mut keywords = self.keywords(&option.keywords);
        for (language, label) in labels.iter().enumerate() {
            keywords.push(language, &crate::words::words_of(label).join(" "));
        }
        Choice { value: option.value.into_inner(), labels, keywords }
    }

    fn case(&mut self, case: Spanned<file::Case>, asks: &[Ask]) -> Case {
        let at = case.span().start;
        let case = case.into_inner();
        let when = case.when.into_iter().map(|(slot, value)| {
            match asks.iter().find(|ask| ask.slot == slot) {
                None => {
                    self.fail(value.span().start, format!("no question of this rule fills the slot `{slot}`"))
                }
                Some(Ask { kind: Kind::Choice(choices), .. }) => {
                    let known = choices.iter().any(|choice| choice.value == *value.as_ref());
                    self.require(
                        known,
                        &value,
                        format!("`{}` is no option of the slot `{slot}`", value.as_ref()),
                    );
                }
                Some(_) => {}
            }
            (slot, value.into_inner())
        });
        let when = when.collect();
        let speech = self.optional_speech(at, case.say, case.suggest, case.link);
        Case { when, speech, then_person: self.then(case.then) }
    }

    fn then(&mut self, then: Option<Spanned<String>>) -> Option<bool> {
        let then = then?;
        match then.as_ref().as_str() {
            "person" => Some(true),
            "stay" => Some(false),
            other => {
                self.fail(then.span().start, format!("`{other}` is not known; use \"person\" or \"stay\""));
                None
            }
        }
    }

    fn optional_speech(
        &mut self,
        at: usize,
        say: file::Texts,
        suggest: Vec<Spanned<String>>,
        link: Vec<file::Link>,
    ) -> Speech {
        if say.is_empty() && suggest.is_empty() && link.is_empty() {
            return Speech::default();
        }
        self.speech(at, say, suggest, link)
    }

    fn speech(
        &mut self,
        at: usize,
        say: file::Texts,
        suggest: Vec<Spanned<String>>,
        link: Vec<file::Link>,
    ) -> Speech {
        let count = suggest.len() + link.len();
        if count > SUGGESTIONS_MAX {
            self.fail(at, format!("{count} suggestions and links; at most {SUGGESTIONS_MAX} are allowed"));
        }
        let texts = self.texts(at, "say", say);
        let suggestions = suggest.iter().filter_map(|id| self.suggest(id)).collect();
        let links = link.into_iter().map(|link| self.link(at, link)).collect();
        Speech { texts, suggestions, links }
    }

    fn suggest(&mut self, id: &Spanned<String>) -> Option<Suggest> {
        if id.as_ref() == "person" {
            return Some(Suggest::Person);
        }
        let Some(index) = self.rules.iter().position(|(rule, _)| rule == id.as_ref()) else {
            self.fail(id.span().start, format!("no rule has the id `{}`", id.as_ref()));
            return None;
        };
        let has_label = self.rules[index].1;
        self.require(has_label, id, format!("the rule `{}` needs a `label` to be suggested", id.as_ref()));
        Some(Suggest::Rule(index))
    }

    fn link(&mut self, at: usize, link: file::Link) -> Link {
        if let Err(problem) = check_url("url", link.url.as_ref()) {
            self.fail(link.url.span().start, problem.detail.unwrap_or(problem.title));
        }
        Link { labels: self.labels(at, link.label), url: link.url.into_inner() }
    }

    fn sentences(&mut self, at: usize, say: file::Say) -> Sentences {
        let days = if say.days.is_empty() { Vec::new() } else { self.texts(at, "days", say.days) };
        if days.iter().any(|names| names.len() != 7) {
            self.fail(at, "`days` needs seven names in each language, from Monday on");
        }
        Sentences {
            miss: self.sentence(at, "miss", say.miss),
            offer_person: self.sentence(at, "offer_person", say.offer_person),
            connecting: self.sentence(at, "connecting", say.connecting),
            connecting_soon: self.sentence(at, "connecting_soon", say.connecting_soon),
            away: self.sentence(at, "away", say.away),
            away_unknown: self.sentence(at, "away_unknown", say.away_unknown),
            cancelled: self.sentence(at, "cancelled", say.cancelled),
            days,
        }
    }

    fn hours(&mut self, hours: file::Hours) -> Hours {
        let zone = TimeZone::get(hours.zone.as_ref());
        self.require(zone.is_ok(), &hours.zone, "not an IANA time zone; write it like `Europe/Oslo`");
        let days = [
            hours.monday,
            hours.tuesday,
            hours.wednesday,
            hours.thursday,
            hours.friday,
            hours.saturday,
            hours.sunday,
        ];
        let days = days.map(|spans| spans.iter().filter_map(|span| self.span(span)).collect());
        let closed = hours.closed.iter().filter_map(|date| {
            let parsed = date.as_ref().parse::<Date>();
            self.require(parsed.is_ok(), date, "not a date; write it like `2026-12-25`");
            parsed.ok()
        });
        let closed = closed.collect();
        Hours::new(zone.unwrap_or(TimeZone::UTC), days, closed)
    }

    fn span(&mut self, span: &Spanned<String>) -> Option<(Time, Time)> {
        let parse = |text: &str| text.trim().parse::<Time>().ok();
        let parsed = span.as_ref().split_once('-').and_then(|(from, to)| Some((parse(from)?, parse(to)?)));
        let parsed = parsed.filter(|(from, to)| from < to);
        self.require(
            parsed.is_some(),
            span,
            "not a span of time within one day; write it like `09:00-17:30`",
        );
        parsed
    }

    fn keywords(&mut self, keywords: &BTreeMap<String, Spanned<Vec<String>>>) -> Keywords {
        let mut found = Keywords::default();
        for (language, phrases) in keywords {
            let index = self.languages.iter().position(|known| known == language);
            self.require(index.is_some(), phrases, format!("`{language}` is not among `languages`"));
            for phrase in phrases.as_ref() {
                let has_letters = phrase.chars().any(char::is_alphanumeric);
                self.require(has_letters, phrases, "a keyword needs letters or digits");
                found.push(index.unwrap_or_default(), phrase);
            }
        }
        found
    }

    /// A label in every language, short enough for a suggestion.
    fn labels(&mut self, at: usize, texts: file::Texts) -> Vec<String> {
        let labels = self.sentence(at, "label", texts);
        for label in &labels {
            if let Err(problem) = check_chars("label", label, SUGGESTION_TEXT_CHARS_MAX) {
                self.fail(at, problem.detail.unwrap_or(problem.title));
            }
        }
        labels
    }

    /// One sentence in every language.
    fn sentence(&mut self, at: usize, name: &str, texts: file::Texts) -> Vec<String> {
        let sentences = self.texts(at, name, texts);
        sentences.into_iter().map(|texts| texts.into_iter().next().unwrap_or_default()).collect()
    }

    /// One or more sentences in every language, in the order of `languages`.
    fn texts(&mut self, at: usize, name: &str, mut texts: file::Texts) -> Vec<Vec<String>> {
        let languages = self.languages.clone();
        let found = languages.iter().map(|language| match texts.remove(language) {
            Some(text) => self.spoken(text),
            None => {
                self.fail(at, format!("`{name}` is missing in the language `{language}`"));
                Vec::new()
            }
        });
        let found = found.collect();
        for (language, text) in texts {
            self.fail(text.span().start, format!("`{language}` is not among `languages`"));
        }
        found
    }

    fn spoken(&mut self, text: Spanned<file::OneOrMany>) -> Vec<String> {
        let at = text.span().start;
        let texts = text.into_inner().into_vec();
        if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
            self.fail(at, "there is nothing to say here");
        }
        for text in &texts {
            if let Err(problem) = check_chars("text", text, TEXT_CHARS_MAX) {
                self.fail(at, problem.detail.unwrap_or(problem.title));
            }
        }
        texts
    }

    fn require<T>(&mut self, holds: bool, place: &Spanned<T>, reason: impl Into<String>) {
        if !holds {
            self.fail(place.span().start, reason);
        }
    }

    fn fail(&mut self, offset: usize, reason: impl Into<String>) {
        self.errors.push(FlowError::at(self.source, offset, reason));
    }
}
